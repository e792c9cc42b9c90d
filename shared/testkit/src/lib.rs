//! What tests share: a clock that obeys, fakes of the ports, and contract suites that run on the fakes and on the
//! real adapters alike, so that the fakes cannot lie.

pub mod clock;
pub mod identity;
pub mod messages;
pub mod presence;

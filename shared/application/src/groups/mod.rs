//! Groups: what is changed of them, and what is read.

mod change;
mod look;

pub use change::ChangeGroup;
pub(crate) use look::LOWEST_GROUP;
pub use look::{Info, Listed, LookAtGroups, LookError, MemberPage};

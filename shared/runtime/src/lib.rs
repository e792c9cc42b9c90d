//! What every function does before and around its use case.
//!
//! A main reads its settings ([`settings::Environment`]), starts the log and the count of its metrics
//! ([`telemetry::start`]), loads the SDK's configuration ([`aws::config`]), builds its clients once, and runs
//! ([`invocation::serve`]).

pub mod aws;
pub mod clock;
pub mod identity;
pub mod invocation;
pub mod meter;
pub mod metered;
pub mod queue;
pub mod reading;
pub mod settings;
pub mod telemetry;
pub mod websocket;

//! The harness: a cloud per test, or one deployment for all of them, people who sign up, and raw sockets that say exactly what a test wants.
//!
//! It panics where a test should end: this is test code.
#![expect(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::missing_panics_doc,
    reason = "a broken expectation ends the test"
)]

pub mod cli;
pub mod cloud;
mod deployment;
pub mod metrics;
pub mod person;
pub mod queue;
mod rights;
mod signed;
pub mod socket;

pub use cli::Cli;
pub use cloud::Cloud;
pub use person::{Device, Person};
pub use socket::Socket;

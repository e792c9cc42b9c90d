//! What Tidings does, over ports: one small trait per capability, so that a use case's signature says what it may
//! touch and its function's IAM policy mirrors it.
//!
//! Nothing here knows DynamoDB, SQS, the gateway or the wire. Use cases drive the domain's step functions; they
//! hold no rule of their own.

mod change;
pub mod clock;
pub mod connect;
pub mod contacts;
pub mod deliver;
pub mod doors;
mod drive;
pub mod error;
mod fleeting;
pub mod groups;
pub mod history;
pub mod identity;
pub mod notice;
pub mod pace;
pub mod ports;
pub mod presence;
pub mod read;
pub mod send;
pub mod sync;
pub mod typing;

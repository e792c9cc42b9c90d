//! The ports over DynamoDB: items into the domain and back, and the one place where the SDK's errors are matched and
//! logged.

mod attributes;
pub mod contacts;
pub mod error;
pub mod groups;
pub mod inboxes;
pub mod log;
pub mod routes;
pub mod social;
mod transaction;
pub mod watches;

pub use aws_sdk_dynamodb::Client;

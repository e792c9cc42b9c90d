//! The ports over DynamoDB: private record types, `TryFrom` into the domain, and the one place where the SDK's
//! errors are matched.

mod attributes;
pub mod error;
pub mod inboxes;
pub mod log;
pub mod routes;
pub mod social;

pub use aws_sdk_dynamodb::Client;

//! The ports over DynamoDB: private record types, `TryFrom` into the domain, and the one place where the SDK's
//! errors are matched.

pub mod error;

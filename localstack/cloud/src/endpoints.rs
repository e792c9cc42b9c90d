//! Where everything is.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

/// Where everything is, and how to sign in to it: the answer of `GET /_local/endpoints`, and how tests are told of a
/// deployment elsewhere.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Endpoints {
    /// The page for people.
    pub page: String,
    /// The HTTP API's base.
    pub api: String,
    /// The WebSocket API; a ticket goes into the query.
    pub socket: String,
    /// Where functions post to connections: an endpoint of the API Gateway management API.
    pub gateway: String,
    /// Lambda's endpoint, to call functions.
    pub lambda: String,
    /// DynamoDB's endpoint.
    pub dynamodb: String,
    /// SQS's endpoint.
    pub sqs: String,
    /// S3's endpoint, with paths that start with the bucket.
    pub s3: String,
    /// The region that everything is in.
    pub region: String,
    /// An access key that works everywhere.
    pub access_key_id: String,
    /// Its secret.
    pub secret_access_key: String,
    /// Tables, by their short names.
    pub tables: BTreeMap<String, String>,
    /// Queue URLs, by their short names.
    pub queues: BTreeMap<String, String>,
    /// The bucket.
    pub bucket: String,
}

//! What a function says about itself: `functions/<name>/function.toml`, read into types.
//!
//! The local cloud starts the functions by it, and the template is generated from it, so memory, time-outs,
//! queues and permissions are written down once. [`parameters`] is the one table of everything that an operator
//! may set.
//!
//! ```toml
//! description = "Appends messages and delivers them"
//! memory_mb = 256
//! timeout_s = 10
//! trigger = "websocket"
//! ports = ["log.append", "routes.read", "gateway.post"]
//! ```

pub mod parameters;
mod queues;
mod read;

pub use parameters::{PARAMETERS, Parameter};
pub use queues::{DEAD_RETENTION_S, RECEIVES};
pub use read::{ManifestError, read_all, read_one};

use std::path::PathBuf;

use serde::Deserialize;

/// The port of whoever signs tokens.
pub const SIGNS_TOKENS: &str = "tokens.sign";

/// One function: its folder name and what its `function.toml` says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Function {
    /// The folder's name, which is also the binary's and the function's in the cloud.
    pub name: String,
    /// Where it was read from.
    pub path: PathBuf,
    /// What the file says.
    pub manifest: Manifest,
}

impl Function {
    /// Whether it signs tokens, and so holds the signing key. Nobody else does.
    pub fn signs_tokens(&self) -> bool {
        self.manifest.ports.iter().any(|port| port == SIGNS_TOKENS)
    }

    /// The cargo package of the function.
    pub fn package(&self) -> String {
        format!("tidings-fn-{}", self.name)
    }
}

/// The contents of a `function.toml`.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Manifest {
    /// One line for people: the template's description.
    pub description: String,
    /// Memory in MB, 128 to 10,240. CPU comes in proportion to it, and the price too.
    pub memory_mb: u32,
    /// Time-out in seconds, 1 to 900; at most 29 behind a gateway, which waits no longer.
    pub timeout_s: u32,
    /// What calls the function.
    pub trigger: Trigger,
    /// What the code may touch, as `resource.verb`. The template derives the IAM statements from it.
    #[serde(default)]
    pub ports: Vec<String>,
    /// The queues that feed the function; only with [`Trigger::Queue`].
    #[serde(default)]
    pub queues: Vec<QueueSource>,
}

/// What calls a function.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Trigger {
    /// Routes of the WebSocket API, as the protocol's table of actions says.
    Websocket,
    /// Routes of the HTTP API, as the protocol's table of routes says.
    Http,
    /// The WebSocket API's `$connect` authorizer.
    Authorizer,
    /// SQS, through event source mappings.
    Queue,
}

impl Trigger {
    /// Whether a gateway waits for the answer.
    fn behind_a_gateway(self) -> bool {
        !matches!(self, Self::Queue)
    }
}

/// A queue that feeds a function: one event source mapping, or one for each shard.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct QueueSource {
    /// Which queue.
    pub name: QueueName,
    /// Records in one call at most, 1 to 10,000; more than 10 needs a batch window.
    pub batch_size: u32,
    /// How long to wait for a fuller batch, in seconds, 0 to 300.
    #[serde(default)]
    pub batch_window_s: u32,
    /// How many calls may run at once for the mapping, 2 to 1,000.
    pub maximum_concurrency: u32,
}

/// The queues that there are.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum QueueName {
    /// One queue a shard, with a mapping each: what must reach many people.
    Fanout,
    /// Posts that failed, as explicit lists of connections.
    Retry,
    /// Delayed, idempotent tasks that finish what takes two steps.
    Task,
}

impl QueueName {
    /// As the manifest and the queue's own name spell it.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Fanout => "fanout",
            Self::Retry => "retry",
            Self::Task => "task",
        }
    }
}

/// The longest that a gateway waits for a function: WebSocket APIs 29 s, HTTP APIs 30 s.
/// Source: API Gateway quotas.
pub const GATEWAY_TIMEOUT_S: u32 = 29;

/// How many records one SQS receive can return, and so a batch without a window.
/// Source: Lambda, "Using Lambda with Amazon SQS".
pub const BATCH_SIZE_WITHOUT_WINDOW: u32 = 10;

impl Manifest {
    /// What is wrong with it beyond its shape, in words for the person who wrote it; `None` if nothing.
    fn complaint(&self) -> Option<String> {
        if !(128..=10_240).contains(&self.memory_mb) {
            return Some(format!("memory_mb is {}, and Lambda gives 128 to 10,240", self.memory_mb));
        }
        if !(1..=900).contains(&self.timeout_s) {
            return Some(format!("timeout_s is {}, and Lambda allows 1 to 900", self.timeout_s));
        }
        if self.trigger.behind_a_gateway() && self.timeout_s > GATEWAY_TIMEOUT_S {
            return Some(format!(
                "timeout_s is {}, and the gateway gives up after {GATEWAY_TIMEOUT_S}",
                self.timeout_s
            ));
        }
        if self.trigger == Trigger::Queue && self.queues.is_empty() {
            return Some("trigger is \"queue\" but no [[queues]] follow".to_owned());
        }
        if self.trigger != Trigger::Queue && !self.queues.is_empty() {
            return Some("[[queues]] need trigger = \"queue\"".to_owned());
        }
        if let Some(port) = self.ports.iter().find(|port| !is_port(port)) {
            return Some(format!("the port {port:?} is not of the form \"resource.verb\""));
        }
        if let Some(port) =
            self.ports.iter().enumerate().find_map(|(at, port)| self.ports[..at].contains(port).then_some(port))
        {
            return Some(format!("the port {port:?} stands twice"));
        }
        self.queues.iter().find_map(QueueSource::complaint)
    }
}

impl QueueSource {
    fn complaint(&self) -> Option<String> {
        let name = self.name.as_str();
        if !(1..=10_000).contains(&self.batch_size) {
            return Some(format!("queue {name}: batch_size is {}, and SQS allows 1 to 10,000", self.batch_size));
        }
        if self.batch_size > BATCH_SIZE_WITHOUT_WINDOW && self.batch_window_s == 0 {
            return Some(format!("queue {name}: a batch_size above 10 needs a batch_window_s of at least 1"));
        }
        if self.batch_window_s > 300 {
            return Some(format!("queue {name}: batch_window_s is {}, at most 300 is allowed", self.batch_window_s));
        }
        if !(2..=1_000).contains(&self.maximum_concurrency) {
            return Some(format!(
                "queue {name}: maximum_concurrency is {}, and Lambda allows 2 to 1,000",
                self.maximum_concurrency
            ));
        }
        None
    }
}

/// `resource.verb`, both of lower-case letters.
fn is_port(port: &str) -> bool {
    let lower = |part: &str| !part.is_empty() && part.bytes().all(|byte| byte.is_ascii_lowercase() || byte == b'_');
    port.split_once('.').is_some_and(|(resource, verb)| lower(resource) && lower(verb))
}

//! `ping`: keeps a connection from being idle. Swallowed by the gateway, no function, no reply.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

pub(super) const EXAMPLES: &[&str] = &[r#"{"action":"ping"}"#];

/// Nothing.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Ping {}

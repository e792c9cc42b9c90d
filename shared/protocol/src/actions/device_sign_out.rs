//! `device.sign_out`: end the session of one of my devices, or of all but this one.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use tidings_domain::ids::{ClientId, DeviceId};

use crate::Text;

pub(super) const EXAMPLES: &[(&str, &str)] = &[
    (
        r#"{"action":"device.sign_out","id":"9","client_id":"01JD0000000000000000000C00","device":"phone-1"}"#,
        r#"{"reply":"9","ok":{"devices":["phone-1"]}}"#,
    ),
    (
        r#"{"action":"device.sign_out","id":"10","client_id":"01JD0000000000000000000C01","others":true}"#,
        r#"{"reply":"10","ok":{"devices":["phone-1","tablet-1"]}}"#,
    ),
];

/// Exactly one of `device` and `others`. Signing out the device that asks closes its connection, so that the event
/// `kicked` may be all that it hears.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[schemars(extend("oneOf" = [{ "required": ["device"] }, { "required": ["others"] }]))]
pub struct DeviceSignOut {
    /// Names the request: asked again, it ends the sessions that it ended the first time, and no later one.
    pub client_id: Text<ClientId>,
    /// This one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub device: Option<Text<DeviceId>>,
    /// All but the one that asks.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    #[schemars(extend("const" = true))]
    pub others: bool,
}

/// What was signed out.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct DeviceSignOutReply {
    /// These devices.
    pub devices: Vec<Text<DeviceId>>,
}

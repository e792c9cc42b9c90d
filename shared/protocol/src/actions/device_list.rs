//! `device.list`: where I am signed in.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use tidings_domain::identity::{DisplayName, Platform};
use tidings_domain::ids::DeviceId;

use crate::Text;

pub(super) const EXAMPLES: &[(&str, &str)] = &[(
    r#"{"action":"device.list","id":"8"}"#,
    r#"{"reply":"8","ok":{"devices":[{"device":"laptop-1","name":"Alice's laptop","platform":"desktop","signed_in_at":1764000000000,"last_seen":1764000600000,"online":true,"this":true},{"device":"phone-1","name":"Phone","platform":"phone","signed_in_at":1763000000000,"last_seen":1763900000000,"online":false,"this":false}],"more":false}}"#,
)];

/// Nothing.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct DeviceList {}

/// My devices.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct DeviceListReply {
    /// Those that are signed in, the one seen last first; at most 50.
    pub devices: Vec<SignedInDevice>,
    /// Whether there are more.
    pub more: bool,
}

/// A device that is signed in.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct SignedInDevice {
    /// Which.
    pub device: Text<DeviceId>,
    /// Its name, as it was told at the sign-in.
    pub name: Text<DisplayName>,
    /// Its class.
    pub platform: Text<Platform>,
    /// When somebody signed in there, in milliseconds since the Unix epoch.
    pub signed_in_at: u64,
    /// When it last connected, disconnected or renewed its tokens, in milliseconds since the Unix epoch.
    pub last_seen: u64,
    /// Whether it is connected.
    pub online: bool,
    /// Whether it is the one that asks.
    pub this: bool,
}

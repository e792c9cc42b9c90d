//! Who and what the scenarios are about: Ann and Bob, their conversation, their devices.

use tidings_domain::identity::Platform;
use tidings_domain::ids::{ClientId, ConnectionId, ConversationId, DeviceId, UserId};
use tidings_domain::limits::GONE_GRACE_MS;
use tidings_domain::log::{Body, BodyHash, Draft, Seq};
use tidings_domain::route::Route;
use tidings_domain::time::Timestamp;
use tidings_domain::{send, sync};

/// Sends in most scenarios.
pub const ANN: UserId = UserId::from_bits(1);
/// Receives in most scenarios.
pub const BOB: UserId = UserId::from_bits(2);
/// Somebody whose routes cannot be read, whenever one tries.
pub const UNREADABLE: UserId = UserId::from_bits(66);
/// What clocks that are right say.
pub const NOW: Timestamp = Timestamp::from_millis(1_000_000_000_000);

/// The conversation of Ann and Bob.
pub fn ours() -> ConversationId {
    ConversationId::direct(ANN, BOB)
}

/// A message that its sender calls `number`, composed at `at`.
pub fn draft_at(number: u8, at: Timestamp) -> Draft {
    let hash = BodyHash::new([number; 32]);
    Draft { client_id: ClientId::new(at, number.into()), body: Body { json: String::new(), hash } }
}

/// A message that its sender calls `number`.
pub fn draft(number: u8) -> Draft {
    draft_at(number, NOW)
}

/// Sends these messages; the client knew the log up to `after`.
pub fn request(sender: UserId, after: Option<u64>, drafts: Vec<Draft>) -> send::Request {
    let after = after.map(Seq::new);
    send::Request { conversation: ours(), sender, connection: None, after, drafts }
}

/// The user's device `device` at `connection`, come online with a ticket that was issued `ticket` ms from now.
pub fn route(user: UserId, device: &str, connection: &str, ticket: u64) -> Route {
    Route {
        user,
        device: device_id(device),
        platform: Platform::Phone,
        connection: ConnectionId::new(connection),
        ticket_at: NOW.plus_millis(ticket),
        connected_at: NOW,
    }
}

/// The same, long enough ago for a Gone to be believed.
pub fn old(mut route: Route) -> Route {
    route.connected_at = NOW.minus_millis(2 * GONE_GRACE_MS);
    route
}

/// A whole sync, over the socket if there is a route.
pub fn sync_of(user: UserId, route: Option<Route>) -> sync::Request {
    sync::Request { user, route, cursor: None, since: None, conversations: 50 }
}

#[expect(clippy::expect_used, reason = "the scenarios' device ids are written here")]
fn device_id(name: &str) -> DeviceId {
    name.parse().expect("a device id")
}

//! Delivery: what is pushed, to whom, and which way. A push is only a hint (HINT-1).
//!
//! A protocol that delivers reads the routes and asks [`plan`] which way. [`crate::posting`] is how posts go out,
//! [`crate::fan_out`] how a worker serves the queues.

use crate::change::Audience;
use crate::ids::{ConnectionId, ConversationId, UserId};
use crate::log::{Entry, Seq};
use crate::login::KickReason;
use crate::presence::Presence;
use crate::route::Route;
use crate::time::Timestamp;

/// What a device is told unasked.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Event {
    /// An entry was appended.
    Entry(ConversationId, Entry),
    /// A member's read position moved.
    Read {
        /// Where.
        conversation: ConversationId,
        /// Whose.
        user: UserId,
        /// How far.
        seq: Seq,
    },
    /// More happened than is pushed to this device: it syncs at a random time within so many milliseconds.
    Pull {
        /// Milliseconds.
        within_ms: u64,
    },
    /// This device was signed out; its connection is closed next.
    Kicked(KickReason),
    /// Somebody came or went. Fleeting: posted once, and never stored.
    Presence(UserId, Presence),
    /// Somebody begins or stops to write. Fleeting, too.
    Typing {
        /// Where.
        conversation: ConversationId,
        /// Who.
        user: UserId,
        /// Whether they write.
        typing: bool,
    },
}

/// Events for the people of a conversation, as a queue's job: it names no recipients, so any worker serves it and
/// reads who is online after receiving it.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct FanOut {
    /// Where it happened.
    pub conversation: ConversationId,
    /// What happened.
    pub events: Vec<Event>,
    /// The connection that is answered directly.
    pub except: Option<ConnectionId>,
    /// Whom it reaches beside the people whom the conversation's id names.
    pub audience: Audience,
}

/// The calls of a delivery, the same for whatever is delivered.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Call {
    /// Read where these users' devices are reached, strongly consistent.
    ReadRoutes(Vec<UserId>),
    /// Post to these connections at once.
    Post(Vec<Route>, Vec<Event>),
    /// Hand the job to the queue of the conversation's shard: too many to post while the sender waits.
    Queue(FanOut),
}

/// What they showed.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Seen {
    /// Of [`Call::ReadRoutes`].
    Routes(Vec<Route>),
    /// Of [`Call::Post`] and [`Call::Queue`], whatever became of it: a push is only a hint.
    Delivered,
}

impl Seen {
    /// What a request sees of its own posts; `None` when some of it could be neither posted nor queued.
    pub fn of_posting(seen_to: &[bool]) -> Option<Self> {
        seen_to.iter().all(|seen_to| *seen_to).then_some(Self::Delivered)
    }
}

/// The call that delivers the job to everybody at `routes` but the connection that is answered; `None` when nobody
/// else is online.
pub fn plan(routes: Vec<Route>, job: FanOut, inline_max: usize, now: Timestamp) -> Option<Call> {
    let routes = reachable(routes, job.except.as_ref(), now);
    match routes.len() {
        0 => None,
        few if few <= inline_max => Some(Call::Post(routes, job.events)),
        _ => Some(Call::Queue(job)),
    }
}

/// The routes that may be used.
pub fn reachable(mut routes: Vec<Route>, except: Option<&ConnectionId>, now: Timestamp) -> Vec<Route> {
    routes.retain(|route| route.alive(now) && Some(&route.connection) != except);
    routes
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::identity::Platform;
    use crate::limits::ROUTE_TTL_MS;

    fn route(connection: &str, connected_at: u64) -> Route {
        Route {
            user: UserId::from_bits(1),
            device: "d".parse().unwrap(),
            platform: Platform::Web,
            connection: ConnectionId::new(connection),
            ticket_at: Timestamp::from_millis(connected_at),
            connected_at: Timestamp::from_millis(connected_at),
        }
    }

    #[test]
    fn the_answered_connection_and_expired_routes_get_nothing() {
        let now = Timestamp::from_millis(ROUTE_TTL_MS);
        let me = ConnectionId::new("me");
        let routes = vec![route("me", 5), route("expired", 0), route("peer", 1)];
        let (one, other) = (UserId::from_bits(1), UserId::from_bits(2));
        let job = FanOut {
            conversation: ConversationId::direct(one, other),
            events: Vec::new(),
            except: Some(me),
            audience: Audience::default(),
        };
        let post = Call::Post(vec![route("peer", 1)], Vec::new());
        assert_eq!(plan(routes.clone(), job.clone(), 4, now), Some(post));
        assert_eq!(plan(routes.clone(), job.clone(), 0, now), Some(Call::Queue(job.clone())));
        assert_eq!(plan(routes[..2].to_vec(), job, 0, now), None);
    }
}

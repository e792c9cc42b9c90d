//! What a client can be told beforehand.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use tidings_protocol::limits;

use crate::http::Network;

/// Every wait of the client. The defaults are the ones that the protocol asks for; tests shorten them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Timing {
    /// Without a reply for so long, a request is sent again.
    pub resend_after: Duration,
    /// For so long [`crate::Client::call`] tries.
    pub call_within: Duration,
    /// For so long [`crate::Client::change`] tries. Two hundred who join one group at once take turns: each entry of its
    /// log has one place.
    pub change_within: Duration,
    /// First upper bound of the wait after a failure; it doubles with each one.
    pub back_off_base: Duration,
    /// Largest upper bound of that wait.
    pub back_off_cap: Duration,
    /// Shortest and longest wait on a gap before the client pulls.
    pub gap_wait: (Duration, Duration),
    /// Shortest and longest time between pings.
    pub ping_every: (Duration, Duration),
    /// Earliest and latest age at which a connection is given up for a new one, before the gateway does so.
    pub renew_after: (Duration, Duration),
    /// Shortest and longest time after which an open connection syncs once more. A push is a hint: should the last
    /// one of a conversation be lost, no later one shows the gap. Pushes are lost so rarely that once an hour will
    /// do, which costs two gateway messages.
    pub recheck_every: (Duration, Duration),
    /// How long opening a connection may take.
    pub open_within: Duration,
    /// A connection that lived for so long ends a row of failures. Two clients with one device's identity kick
    /// each other out; this makes their duel slow instead of a storm.
    pub stable_after: Duration,
    /// Shortest and longest wait before the server is asked how much is unread below what is held. One sync answers
    /// for all conversations, and whoever scrolls on another device would ask many times a second.
    pub count_wait: (Duration, Duration),
    /// Read positions wait so long, so that reading a screenful costs one request.
    pub read_delay: Duration,
}

impl Default for Timing {
    fn default() -> Self {
        let minutes = |number: u64| Duration::from_secs(60 * number);
        let life = Duration::from_secs(limits::CONNECTION_MAX_S);
        Self {
            resend_after: Duration::from_secs(limits::RESEND_AFTER_S),
            call_within: Duration::from_secs(30),
            change_within: Duration::from_mins(1),
            back_off_base: Duration::from_millis(250),
            back_off_cap: Duration::from_secs(30),
            gap_wait: (
                Duration::from_millis(*limits::GAP_WAIT_MS.start()),
                Duration::from_millis(*limits::GAP_WAIT_MS.end()),
            ),
            ping_every: (Duration::from_secs(limits::PING_WITHIN_S).saturating_sub(minutes(2)), {
                Duration::from_secs(limits::PING_WITHIN_S)
            }),
            renew_after: (life.saturating_sub(minutes(25)), life.saturating_sub(minutes(5))),
            recheck_every: (minutes(50), minutes(70)),
            open_within: Duration::from_secs(10),
            stable_after: Duration::from_secs(30),
            count_wait: (Duration::from_millis(2_500), Duration::from_secs(5)),
            read_delay: Duration::from_millis(200),
        }
    }
}

/// A hook that is called with the action of each frame right after it was written to the socket.
pub type AfterWrite = Arc<dyn Fn(&str) + Send + Sync>;

/// What a client can be told beforehand.
#[derive(Clone)]
pub struct Options {
    /// Every wait.
    pub timing: Timing,
    /// Seed of jitter and client ids; for tests.
    pub seed: Option<u64>,
    /// Updates kept for a reader of [`crate::Client::updates`] that is slow.
    pub update_buffer: usize,
    /// A conversation of which this device has nothing yet and which is longer than this begins with its newest
    /// page; what is older comes on demand through [`crate::Client::messages`].
    pub first_page: u64,
    /// Connections and trust roots; clients in one process should share one.
    pub network: Network,
    /// For tests alone: called after a frame was written, before anything else can happen.
    #[doc(hidden)]
    pub after_write: Option<AfterWrite>,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            timing: Timing::default(),
            seed: None,
            update_buffer: 1024,
            first_page: 100,
            network: Network::default(),
            after_write: None,
        }
    }
}

impl fmt::Debug for Options {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Options")
            .field("timing", &self.timing)
            .field("seed", &self.seed)
            .field("update_buffer", &self.update_buffer)
            .field("first_page", &self.first_page)
            .finish_non_exhaustive()
    }
}

//! Limits of the wire. All count bytes of encoded JSON. Both sides check them.

/// Largest frame, in bytes: the gateway closes a socket that sends a larger one (1009), and meters in 32 KB steps.
pub const FRAME_MAX: usize = 32 * 1024;

/// Largest event that carries one entry, in bytes: half a frame, so that one entry always fits a frame and a sync.
pub const ENTRY_EVENT_MAX: usize = 16 * 1024;

/// What an entry's event has around the body at most, in bytes: ids, positions and counters take about 420, and
/// the rest is for fields to come.
pub const ENTRY_OVERHEAD_MAX: usize = 1024;

/// Largest message body, in bytes. Larger content goes to S3.
pub const BODY_MAX: usize = ENTRY_EVENT_MAX - ENTRY_OVERHEAD_MAX;

/// Longest `id` of a request, in bytes. It comes back in the reply, so it must not fill it.
pub const REQUEST_ID_MAX: usize = 64;

/// Largest HTTP answer, in bytes. A function may return 6 MB, and what it returns holds the answer as a JSON string:
/// a text of quotation marks doubles on the way.
pub const HTTP_REPLY_MAX: usize = 5 * 1024 * 1024 / 2;

/// How often a client pings, in seconds at most: the gateway closes a connection that was idle for ten minutes.
pub const PING_WITHIN_S: u64 = 9 * 60;

/// How long a gateway connection lives, in seconds. Clients reconnect by themselves before.
pub const CONNECTION_MAX_S: u64 = 2 * 60 * 60;

/// People in one presence query or watch: a screen of contacts, and 10 KB of reply.
pub const PRESENCE_USERS_MAX: usize = 100;

/// How long a watch lasts when the client does not say, in seconds.
pub const WATCH_S: u64 = 5 * 60;

/// How long a watch may last, in seconds: about as long as its connection.
pub const WATCH_MAX_S: u64 = 60 * 60;

/// How often a client says that somebody writes, in milliseconds at least, for each conversation.
pub const TYPING_EVERY_MS: u64 = 3_000;

/// How long a client waits for a reply before it sends again, in seconds.
pub const RESEND_AFTER_S: u64 = 10;

/// Shortest and longest wait on a gap before the client pulls, in milliseconds (jittered between them): a late
/// push usually arrives meanwhile.
pub const GAP_WAIT_MS: std::ops::RangeInclusive<u64> = 300..=600;

//! Every limit that is a rule, each with its reason. Limits of the wire live in the protocol crate.

/// Messages in one `message.send` frame: a frame is 32 KB, and 20 short texts fit it with room for the reply.
pub const BATCH_MAX: usize = 20;

/// How many entries a resend may be behind the head before it is answered `behind`. The search for an earlier
/// attempt reads them all; 1,000 entries of 256 bytes are 63 read units, and a client that far behind should
/// pull first anyway.
pub const SEARCH_MAX: usize = 1_000;

/// The same for a change of a group or of contacts. Whoever moderates a flood cannot pull first: each change looks back over
/// the two minutes that clocks may differ, in which 10,000 entries are 83 a second, more than the places of one log were
/// seen to be taken.
pub const CHANGE_SEARCH_MAX: usize = 10 * SEARCH_MAX;

/// How far a client's clock may run ahead of ours before its client ids are refused, in milliseconds.
/// The search without `after` is bounded by the client id's time, so a time from the future would make it blind.
pub const CLOCK_SKEW_MS: u64 = 2 * 60 * 1_000;

/// How long `send` tries before it answers `unavailable`, in milliseconds. Well below the function's time-out,
/// so that the answer is ours and not the platform's.
pub const SEND_DEADLINE_MS: u64 = 5_000;

/// Unit of the wait after a failed call, and the least one after a lost race, in milliseconds; it doubles with each
/// loss. 4 ms is about one DynamoDB round trip.
pub const BACKOFF_UNIT_MS: u64 = 4;

/// Largest upper bound of that wait, in milliseconds. With it 100 closed-loop senders keep nine tenths of the throughput of 10.
pub const BACKOFF_MAX_MS: u64 = 1_000;

/// How long a conversation must be quiet before a sync settles its inbox entry, in milliseconds. Opening costs a
/// write at the next message, so a lively conversation should never settle.
pub const SETTLE_AFTER_MS: u64 = 24 * 60 * 60 * 1_000;

/// How many entries one sync settles at most. Each costs two writes and a read; eight keep a sync short, and the
/// rest waits for the next one.
pub const SETTLE_MAX: usize = 8;

/// How old a route must be before a Gone sweeps it, in milliseconds. A post during `$connect` is answered Gone
/// although the socket is coming up.
pub const GONE_GRACE_MS: u64 = 60 * 1_000;

/// How long a route lives without being renewed, in milliseconds: the gateway closes a connection after 2 h, and
/// ten minutes cover clocks and late writes.
pub const ROUTE_TTL_MS: u64 = 130 * 60 * 1_000;

/// How long what is left of a device's route tells when it was last seen, in milliseconds. Who was away longer than a
/// month is just away.
pub const LAST_SEEN_TTL_MS: u64 = 30 * 24 * 60 * 60 * 1_000;

/// How many watchers are told that somebody came or went. `$connect` waits for these posts; who is so popular is asked
/// about, and not watched.
pub const WATCHERS_TOLD_MAX: usize = 100;

/// Who watches and who did, of whom those are found: a table forgets the latter within days. 1,000 rows are 25 read units.
pub const WATCHERS_READ_MAX: usize = 1_000;

/// How long a sign-out is remembered under its client id, in milliseconds. No client repeats a request for so long.
pub const SIGN_OUT_KEPT_MS: u64 = 24 * 60 * 60 * 1_000;

/// Devices in one list: each takes at most 500 bytes of the 32 KB frame. Who has more sees those that were there last.
pub const DEVICES_LISTED_MAX: usize = 50;

/// Entries in one page of history: 100 entries of 256 bytes fit the 32 KB frame.
pub const HISTORY_PAGE_MAX: usize = 100;

/// Entries in one page of history over HTTP: 1,000 entries of 400 bytes are 100 read units and a tenth of the answer
/// that a function may give.
pub const HISTORY_HTTP_PAGE_MAX: usize = 1_000;

/// Entries in one page of history when the client names no limit.
pub const HISTORY_PAGE_DEFAULT: usize = 50;

/// Conversations in one page of a sync over the socket. Fifty heads take about 10 KB of the 32 KB frame and leave
/// the rest to entries.
pub const SYNC_SOCKET_CONVERSATIONS: usize = 50;

/// Conversations in one page of a sync over HTTP.
pub const SYNC_HTTP_CONVERSATIONS: usize = 200;

/// Newest entries that sync reads with a head. A text of 256 bytes is an item of about 700, so five are one read
/// unit; who missed more pulls, which is rare and costs twelve.
pub const SYNC_ENTRIES: usize = 5;

/// How far `since` reaches back behind the sync that issued it, in milliseconds. An entry takes its `sent_at`
/// before it can be seen, so a sync may miss it although it is older than the sync; the overlap returns it again,
/// and clients ignore what they have. As large as the longest `send` plus the allowed skew of our own clocks.
pub const SINCE_OVERLAP_MS: u64 = 60 * 1_000;

/// How often a failed post is tried with its events; from then on the device gets a hint to pull, which is small and
/// fits whatever else it missed. Two tries ride out a throttle.
pub const POST_TRIES: u32 = 2;

/// How often a connection is tried at all. The last of the waits in between is a minute, so that is for three
/// minutes; a device that takes nothing for so long syncs when it is back.
pub const HINT_TRIES: u32 = 8;

/// The least time over which a device that is told to pull spreads its pull, in milliseconds.
pub const PULL_WITHIN_MIN_MS: u64 = 2_000;

/// How many pulls a second a batch of hints may cause: devices that were told together must not come back together.
pub const PULLS_PER_S: u64 = 100;

/// How many bytes of events one connection is posted at once. Beyond two frames, one hint and a pull over HTTP cost
/// less, and a retry job with all of it still fits a queue's record, JSON in JSON.
pub const PARCEL_BYTES_MAX: usize = 2 * FRAME_BYTES;

/// A frame, in bytes: what the gateway carries and counts. Source: API Gateway quotas, "WebSocket frame size".
pub const FRAME_BYTES: usize = 32 * 1024;

/// Connections in one retry job: 400 routes of 200 bytes and a parcel fit a queue's record.
pub const RETRY_ROUTES_MAX: usize = 400;

/// How long a request posts while its sender waits, in milliseconds; what it has not begun by then is queued. As long
/// as one slow connection may take, with some room.
pub const INLINE_POSTING_MS: u64 = 3_000;

/// The share of the account's gateway calls that workers may use for posts, in percent. The rest is for frames,
/// replies and inline posts, so that fan-out never makes a sender wait.
pub const POST_SHARE_PERCENT: u64 = 70;

/// How long the task that finishes a request waits, in seconds: about as long as the request itself would take.
pub const FINISH_AFTER_S: u32 = 5;

/// Stretches of membership that an inbox entry holds: 16 pairs of numbers are less than half of its kilobyte. Whoever
/// has left a group 16 times loses sight of what was before the first.
pub const SPANS_MAX: usize = 16;

/// Members of a group. A message reads them all, and the routes of each: 500 are some 550 read units.
pub const GROUP_MEMBERS_MAX: u64 = 500;

/// Members of a group that is told who writes in it. Each notice reads some 110 read units, of which 99 are the routes of the
/// others, and posts to all their devices: as much as a message, and up to every three seconds.
pub const TYPING_GROUP_MAX: usize = 100;

/// People whom a group begins with, its founder included. All of them come with one transaction, which takes 100 items
/// (DynamoDB, "TransactWriteItems"): two for each and two for the group.
pub const FIRST_MEMBERS_MAX: usize = 49;

/// Buckets of members that a new group has. Members of at most 500 fit one partition; four let it grow.
pub const GROUP_BUCKETS: u32 = 4;

/// How long a change of a group or of contacts is tried before it is answered `unavailable`, in milliseconds. As long as
/// a message: both contend for a place in a log.
pub const CHANGE_DEADLINE_MS: u64 = 5_000;

/// How long an invitation, or a request to become a member or a contact, counts, in milliseconds: a month, after which
/// whoever asked may ask again.
pub const ASKING_TTL_MS: u64 = 30 * 24 * 60 * 60 * 1_000;

/// How long the end of an account goes on leaving groups and contacts before it is answered `unavailable`, in milliseconds;
/// the same again goes on. What was begun by then may take a change's deadline and two calls of 3 s more, which together
/// stays well below the function's 20 s; and a hundred groups or contacts are left in the meantime.
pub const LEAVING_MS: u64 = 3_000;

/// The longest life of an invitation link, in seconds: a year.
pub const LINK_TTL_MAX_S: u64 = 365 * 24 * 60 * 60;

/// The longest time that a member is muted for, in seconds: a year. Who shall never write again is removed.
pub const MUTE_MAX_S: u64 = 365 * 24 * 60 * 60;

/// Members in one page: 100 of 200 bytes fit the 32 KB frame.
pub const MEMBERS_PAGE_MAX: usize = 100;

/// Members in one page when the client names no limit.
pub const MEMBERS_PAGE_DEFAULT: usize = 50;

/// Groups in one page of somebody's list: ten cards with the longest descriptions (500 characters of four bytes) fit the
/// frame.
pub const GROUPS_PAGE_MAX: usize = 10;

/// Requests to join in one page: 20 with the longest greetings fit the frame beside 50 links.
pub const ASKING_PAGE_MAX: usize = 20;

/// Links that are listed: each is some 150 bytes.
pub const LINKS_LISTED_MAX: usize = 50;

/// How long a link is good when nobody says, in seconds: a week.
pub const LINK_TTL_DEFAULT_S: u64 = 7 * 24 * 60 * 60;

/// People in one page of a search: as many cards of the longest kind fit a frame, and nobody reads more before typing
/// another letter.
pub const SEARCH_PAGE_MAX: usize = 20;

/// How many of a person's last changes are remembered by their client ids. A repetition comes within seconds (IDEM-1),
/// and eight changes by all devices of one person take longer.
pub const CHANGES_KEPT: usize = 8;

/// Tags of one contact: five of the longest are 640 bytes, which keeps the record within two write units.
pub const CONTACT_TAGS_MAX: usize = 5;

/// How long a contact that is gone is still told of to devices that ask what changed, in milliseconds: a month. Who was
/// away for longer fetches the whole list.
pub const GONE_CONTACT_TTL_MS: u64 = 30 * 24 * 60 * 60 * 1_000;

/// Contacts in one page: 100 of 200 bytes fit the 32 KB frame. A page with longer texts ends earlier.
pub const CONTACTS_PAGE_MAX: usize = 100;

/// Contacts in one page when the client names no limit.
pub const CONTACTS_PAGE_DEFAULT: usize = 50;

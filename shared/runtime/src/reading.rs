//! Syncs and histories, wire to use case and back: the same behind the socket and behind HTTP.

use tidings_application::clock::Clock;
use tidings_application::history::{HistoryError, ReadHistory};
use tidings_application::ports::{Gateway, InboxRead, InboxSettle, LogRead, Range, RouteRead, RouteWrite};
use tidings_application::sync::{SyncDevice, SyncError};
use tidings_domain::ids::{ConversationId, UserId};
use tidings_domain::limits::HISTORY_PAGE_DEFAULT;
use tidings_domain::log::Seq;
use tidings_domain::route::Route;
use tidings_domain::sync::Request;
use tidings_domain::time::Timestamp;
use tidings_protocol::actions::{HistoryReply, Sync, SyncReply};
use tidings_protocol::error::{ErrorBody, ErrorCode};
use tidings_wire::pages::{self, Cut};
use tidings_wire::refusal;

use crate::websocket::internal;

/// Which entries are asked for; both bounds at once are refused.
pub fn range(after: Option<u64>, before: Option<u64>) -> Result<Range, ErrorBody> {
    match (after, before) {
        (Some(after), None) => Ok(Range::After(Seq::new(after))),
        (None, Some(before)) => Ok(Range::Before(Seq::new(before))),
        (None, None) => Ok(Range::Newest),
        (Some(_), Some(_)) => Err(bad_request("at most one of `after` and `before`")),
    }
}

/// How many entries are asked for, from 1 to `most`.
pub fn limit(limit: Option<usize>, most: usize) -> Result<usize, ErrorBody> {
    let limit = limit.unwrap_or(HISTORY_PAGE_DEFAULT);
    if (1..=most).contains(&limit) { Ok(limit) } else { Err(bad_request(format!("`limit` is 1 to {most}"))) }
}

/// A page of history of at most `room` bytes.
pub async fn history<L: LogRead, I: InboxRead>(
    history: &ReadHistory<L, I>,
    user: UserId,
    conversation: ConversationId,
    range: Range,
    limit: usize,
    room: usize,
) -> Result<HistoryReply, ErrorBody> {
    let page = history.run(user, conversation, range, limit).await.map_err(|error| match error {
        HistoryError::NotAMember => refusal::not_a_member(),
        // The adapter has logged it.
        HistoryError::Log(error) if error.retryable => refusal::unavailable(),
        HistoryError::Log(_) => ErrorBody::new(ErrorCode::Internal, "a fault of ours"),
    })?;
    let cut = match range {
        Range::After(_) => Cut::Newest,
        Range::Before(_) | Range::Newest => Cut::Oldest,
    };
    pages::history(&page.entries, page.more, page.floor, cut, room).map_err(|error| internal(&error))
}

/// A page of a sync of at most `room` bytes.
pub async fn sync<L, I, R, G, C>(
    sync: &SyncDevice<L, I, R, G, C>,
    user: UserId,
    route: Option<Route>,
    request: &Sync,
    conversations: usize,
    room: usize,
) -> Result<SyncReply, ErrorBody>
where
    L: LogRead,
    I: InboxRead + InboxSettle,
    R: RouteRead + RouteWrite,
    G: Gateway,
    C: Clock,
{
    let cursor = request.cursor.as_deref().map(str::parse).transpose();
    let cursor = cursor.map_err(|_| bad_request("`cursor` is that of the page before"))?;
    let since = request.since.as_deref().map(str::parse).transpose();
    let since = since.map_err(|_| bad_request("`since` is that of the last sync"))?.map(Timestamp::from_millis);
    let request = Request { user, route, cursor, since, conversations };
    let page = sync.run(request).await.map_err(|error| match error {
        SyncError::Replaced => ErrorBody::new(ErrorCode::Conflict, error.to_string()),
        SyncError::Unavailable => refusal::unavailable(),
    })?;
    pages::sync(user, &page.conversations, page.cursor, page.since, room).map_err(|error| internal(&error))
}

fn bad_request(message: impl Into<String>) -> ErrorBody {
    ErrorBody::new(ErrorCode::BadRequest, message)
}

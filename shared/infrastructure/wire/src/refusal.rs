//! Refusals as wire errors: every one has its code here and nowhere else.

use tidings_domain::limits::{BATCH_MAX, CLOCK_SKEW_MS, SEARCH_MAX};
use tidings_domain::time::Timestamp;
use tidings_domain::{read, send};
use tidings_protocol::error::{ErrorBody, ErrorCode};

/// Outsiders get this whether or not the conversation exists (SEE-1).
pub fn not_a_member() -> ErrorBody {
    ErrorBody::new(ErrorCode::NotAMember, "not a member of this conversation")
}

/// Something could not be done now; the same again is safe.
pub fn unavailable() -> ErrorBody {
    ErrorBody::new(ErrorCode::Unavailable, "could not be done now; send the same again")
}

/// Why a message is not known to be in the log.
pub fn of_send(refusal: send::Refusal, now: Timestamp) -> ErrorBody {
    use send::Refusal as R;
    let bad = |message: String| ErrorBody::new(ErrorCode::BadRequest, message);
    match refusal {
        R::BatchSize => bad(format!("a batch has 1 to {BATCH_MAX} messages")),
        R::RepeatedClientId => bad("two messages of the batch have one client id".to_owned()),
        R::AfterAboveHead => bad("`after` is above the newest entry".to_owned()),
        R::ClientIdFromFuture => {
            let seconds = CLOCK_SKEW_MS / 1_000;
            let mut error = bad(format!("the client id is more than {seconds} s in the future; set the clock"));
            error.server_time = Some(now.as_millis());
            error
        }
        R::NotAMember => not_a_member(),
        R::Forbidden => ErrorBody::new(ErrorCode::Forbidden, "nobody writes to this conversation"),
        R::NoSuchUser => ErrorBody::new(ErrorCode::NotFound, "there is no such user"),
        R::Conflict => ErrorBody::new(ErrorCode::Conflict, "this client id has another body"),
        R::Behind => ErrorBody::new(
            ErrorCode::Behind,
            format!("more than {SEARCH_MAX} entries since `after`: pull, raise it, send again"),
        ),
        R::Unavailable => unavailable(),
        R::NotTried => ErrorBody::new(ErrorCode::Unavailable, "not tried: an earlier message of the batch failed"),
    }
}

/// Why a read position does not move.
pub fn of_read(refusal: read::Refusal) -> ErrorBody {
    match refusal {
        read::Refusal::NotAMember => not_a_member(),
        read::Refusal::NoSuchEntry => ErrorBody::new(ErrorCode::BadRequest, "`seq` is 1 up to the newest entry"),
        read::Refusal::Unavailable => unavailable(),
    }
}

//! Refusals as wire errors: every one has its code here and nowhere else.

use std::convert::Infallible;

use tidings_domain::group::permissions::Denied;
use tidings_domain::limits::{BATCH_MAX, CLOCK_SKEW_MS, FIRST_MEMBERS_MAX, GROUP_MEMBERS_MAX, SEARCH_MAX};
use tidings_domain::time::Timestamp;
use tidings_domain::{change, contact, group, read, send};
use tidings_protocol::error::{ErrorBody, ErrorCode};

/// Outsiders get this whether or not the conversation exists (SEE-1).
pub fn not_a_member() -> ErrorBody {
    ErrorBody::new(ErrorCode::NotAMember, "not a member of this conversation")
}

/// By the table of permissions of groups.
pub fn denied(denied: Denied) -> ErrorBody {
    let why = match denied {
        Denied::NotAMember => return not_a_member(),
        Denied::Role => "your role in this group does not allow it",
        Denied::Muted => "you are muted in this group",
        Denied::AllMuted => "only admins may write to this group now",
        Denied::Dissolved => "this group is over",
    };
    ErrorBody::new(ErrorCode::Forbidden, why)
}

/// Why a group was not changed.
pub fn of_group(refusal: change::Refusal<group::change::Refusal>, now: Timestamp) -> ErrorBody {
    use group::change::Refusal as R;
    let error = |code, message: &str| ErrorBody::new(code, message);
    let rule = match of_change(refusal, now) {
        Ok(rule) => rule,
        Err(error) => return error,
    };
    match rule {
        R::Denied(reason) => denied(reason),
        R::NoSuchMember => error(ErrorCode::NotFound, "there is no such member"),
        R::LinkNotGood => error(ErrorCode::NotFound, "this link lets nobody in"),
        R::InvitationOnly => error(ErrorCode::Forbidden, "one joins this group by invitation"),
        R::NobodyAsks => error(ErrorCode::NotFound, "there is no such request"),
        R::NoSuchUser => no_such_user(),
        R::IsMember => error(ErrorCode::Conflict, "they are a member already"),
        R::Full => error(ErrorCode::Forbidden, &format!("a group has at most {GROUP_MEMBERS_MAX} members")),
        R::TooMany => error(ErrorCode::BadRequest, &format!("a group begins with at most {FIRST_MEMBERS_MAX} members")),
        R::Unwelcome => error(ErrorCode::Forbidden, "not everybody of them may be brought in; invite them"),
        R::NotEmpty => error(ErrorCode::Conflict, "there are others in it"),
        R::Stale => error(ErrorCode::Conflict, "somebody has changed it since; read it again"),
    }
}

/// Why contacts were not changed.
pub fn of_contact(refusal: change::Refusal<contact::change::Refusal>, now: Timestamp) -> ErrorBody {
    use contact::change::Refusal as R;
    let rule = match of_change(refusal, now) {
        Ok(rule) => rule,
        Err(error) => return error,
    };
    match rule {
        R::Oneself => ErrorBody::new(ErrorCode::BadRequest, "nobody is a contact of themselves"),
        R::NoSuchUser => no_such_user(),
        R::NobodyAsks => ErrorBody::new(ErrorCode::NotFound, "there is no such request"),
        R::NoContact => ErrorBody::new(ErrorCode::NotFound, "there is no such contact"),
        R::Blocked => ErrorBody::new(ErrorCode::Forbidden, "you block them"),
    }
}

/// Why somebody's devices were not told what they did.
pub fn of_notice(refusal: change::Refusal<Infallible>, now: Timestamp) -> ErrorBody {
    match of_change(refusal, now) {
        Ok(never) => match never {},
        Err(error) => error,
    }
}

/// What a change of any kind may be refused with; or the rule of its own kind.
fn of_change<R>(refusal: change::Refusal<R>, now: Timestamp) -> Result<R, ErrorBody> {
    Err(match refusal {
        change::Refusal::Rule(rule) => return Ok(rule),
        change::Refusal::ClientIdFromFuture => from_future(now),
        change::Refusal::Conflict => ErrorBody::new(ErrorCode::Conflict, "this client id has another request"),
        change::Refusal::Behind => {
            ErrorBody::new(ErrorCode::Behind, "too much has happened since this client id was made; make a new one")
        }
        change::Refusal::Unavailable => unavailable(),
    })
}

/// Nobody has this id or name.
pub fn no_such_user() -> ErrorBody {
    ErrorBody::new(ErrorCode::NotFound, "there is no such user")
}

/// A client whose clock runs ahead.
fn from_future(now: Timestamp) -> ErrorBody {
    let seconds = CLOCK_SKEW_MS / 1_000;
    let message = format!("the client id is more than {seconds} s in the future; set the clock");
    ErrorBody { server_time: Some(now.as_millis()), ..ErrorBody::new(ErrorCode::BadRequest, message) }
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
        R::ClientIdFromFuture => from_future(now),
        R::NotAMember => not_a_member(),
        R::Forbidden => ErrorBody::new(ErrorCode::Forbidden, "nobody writes to this conversation"),
        R::Denied(reason) => denied(reason),
        // One answer, whatever the reason: a blocked sender cannot tell.
        R::Unwelcome => ErrorBody::new(ErrorCode::Forbidden, "they take no messages from you"),
        R::NoSuchUser => no_such_user(),
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

//! Identity's answers and refusals on the wire: every refusal has its code here and nowhere else.

use tidings_application::error::PortError;
use tidings_application::identity::{
    Account, Card, ChangePasswordError, DeleteAccountError, GetUserError, IssueTicketError, RefreshError,
    SearchPeopleError, SignInError, SignOutError, SignUpError, UpdateUserError,
};
use tidings_domain::limits::{CLOCK_SKEW_MS, SEARCH_PAGE_MAX};
use tidings_domain::time::Timestamp;
use tidings_protocol::error::{ErrorBody, ErrorCode};
use tidings_protocol::news::News;
use tidings_protocol::user::{Own, User};
use tidings_wire::refusal;

use crate::invocation;

/// A person's card.
pub fn user(card: Card) -> User {
    User {
        id: card.user.into(),
        username: card.username.into(),
        display_name: card.display_name.into(),
        bio: card.bio.into(),
    }
}

/// What a person sees of themself: their card and the rest.
pub fn own(account: Account) -> (User, Own) {
    let card = user(account.card());
    let Account { profile, version, .. } = account;
    let own = Own {
        language: profile.language.into(),
        time_zone: profile.time_zone.into(),
        messages_from: profile.messages_from.into(),
        presence_to: profile.presence_to.into(),
        version,
    };
    (card, own)
}

/// What somebody's devices are told of a changed account, as the JSON that the log keeps.
pub fn profile_changed(account: &Account) -> String {
    let (user, own) = own(account.clone());
    let (user, own) = (Box::new(user), Box::new(own));
    // Texts and numbers alone: this cannot fail.
    serde_json::to_string(&News::ProfileChanged { user, own }).unwrap_or_default()
}

/// What a failed port is to a client. The adapter has logged the cause.
pub fn of_port(error: &PortError) -> ErrorBody {
    if error.retryable { refusal::unavailable() } else { ErrorBody::new(ErrorCode::Internal, "a fault of ours") }
}

/// Why nobody was signed up.
pub fn of_sign_up(error: &SignUpError) -> ErrorBody {
    match error {
        SignUpError::Closed => ErrorBody::new(ErrorCode::Forbidden, "this server takes no sign-ups"),
        SignUpError::FromTheFuture { now } => {
            let seconds = CLOCK_SKEW_MS / 1_000;
            let message = format!("the client id is more than {seconds} s in the future; set the clock");
            let mut error = ErrorBody::new(ErrorCode::BadRequest, message);
            error.server_time = Some(now.as_millis());
            error
        }
        SignUpError::NameTaken => name_taken(),
        SignUpError::ClientIdReused => client_id_reused(),
        SignUpError::Ended => ErrorBody::new(ErrorCode::Conflict, "the account of this client id was deleted"),
        SignUpError::Port(error) => of_port(error),
    }
}

/// Why nobody was signed in.
pub fn of_sign_in(error: &SignInError) -> ErrorBody {
    match error {
        SignInError::Refused => ErrorBody::new(ErrorCode::Unauthenticated, "wrong user name or password"),
        SignInError::Port(error) => of_port(error),
    }
}

/// Why there are no new tokens.
pub fn of_refresh(error: &RefreshError) -> ErrorBody {
    match error {
        RefreshError::Forged | RefreshError::Ended => signed_out(),
        RefreshError::Reused { claims } => {
            tracing::warn!(user = invocation::pseudonym(&claims.user.to_string()), device = %claims.device, "an old refresh token came back; session ended");
            signed_out()
        }
        RefreshError::Port(error) => of_port(error),
    }
}

/// Why there is no ticket.
pub fn of_issue_ticket(error: &IssueTicketError) -> ErrorBody {
    match error {
        IssueTicketError::Ended => signed_out(),
        IssueTicketError::Port(error) => of_port(error),
    }
}

/// Why nobody was signed out.
pub fn of_sign_out(error: &SignOutError) -> ErrorBody {
    match error {
        SignOutError::NotFound => ErrorBody::new(ErrorCode::NotFound, "no such device is signed in"),
        SignOutError::ClientIdReused => ErrorBody::new(ErrorCode::Conflict, "this client id has another body"),
        SignOutError::Port(error) => of_port(error),
    }
}

/// Why there is no card.
pub fn of_get_user(error: &GetUserError) -> ErrorBody {
    match error {
        GetUserError::NotFound => refusal::no_such_user(),
        GetUserError::Port(error) => of_port(error),
    }
}

/// Why nobody is looked for.
pub fn of_search_people(error: &SearchPeopleError) -> ErrorBody {
    match error {
        SearchPeopleError::Limit => ErrorBody::new(ErrorCode::BadRequest, format!("`limit` is 1 to {SEARCH_PAGE_MAX}")),
        SearchPeopleError::Cursor => not_this_cursor(),
        SearchPeopleError::Port(error) => of_port(error),
    }
}

/// A cursor that no page of this search gave.
pub fn not_this_cursor() -> ErrorBody {
    ErrorBody::new(ErrorCode::BadRequest, "`cursor` is not from a page of this search")
}

/// Why a profile stays as it is.
pub fn of_update_user(error: &UpdateUserError, now: Timestamp) -> ErrorBody {
    match error {
        UpdateUserError::Nothing => ErrorBody::new(ErrorCode::BadRequest, "nothing to change"),
        UpdateUserError::NoAccount => refusal::no_such_user(),
        UpdateUserError::Changed => ErrorBody::new(ErrorCode::Conflict, "the profile has another version by now"),
        UpdateUserError::NameTaken => name_taken(),
        UpdateUserError::ClientIdReused => client_id_reused(),
        UpdateUserError::Untold(refused) => refusal::of_notice(*refused, now),
        UpdateUserError::Port(error) => of_port(error),
    }
}

/// Why a password stays as it is.
pub fn of_change_password(error: &ChangePasswordError) -> ErrorBody {
    match error {
        ChangePasswordError::Ended => signed_out(),
        ChangePasswordError::WrongPassword => wrong_password(),
        ChangePasswordError::Port(error) => of_port(error),
    }
}

/// Why an account stays.
pub fn of_delete_account(error: &DeleteAccountError) -> ErrorBody {
    match error {
        DeleteAccountError::WrongPassword => wrong_password(),
        DeleteAccountError::Port(error) => of_port(error),
    }
}

fn name_taken() -> ErrorBody {
    ErrorBody::new(ErrorCode::Conflict, "the user name is taken")
}

fn client_id_reused() -> ErrorBody {
    ErrorBody::new(ErrorCode::Conflict, "this client id has another body")
}

fn wrong_password() -> ErrorBody {
    ErrorBody::new(ErrorCode::Forbidden, "wrong password")
}

fn signed_out() -> ErrorBody {
    ErrorBody::new(ErrorCode::Unauthenticated, "the session has ended; sign in again")
}

//! The HTTP API: signing up and in, tickets, and whatever is large.

pub mod account;
pub mod accounts;
pub mod entries;
pub mod sessions;
pub mod tickets;

use tidings_domain::ids::ConversationId;

pub use account::{ChangePassword, DeleteAccount, Done};
pub use accounts::{CreateAccount, CreateAccountReply};
pub use entries::EntriesQuery;
pub use sessions::{CreateSession, Device, RefreshSession, SessionReply};
pub use tickets::TicketReply;

use crate::Text;
use crate::actions::{HistoryReply, Sync, SyncReply};
use crate::error::ErrorCode;
use crate::shape::Shape;

/// What a request must carry.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum HttpAuth {
    /// Nothing.
    None,
    /// `authorization: Bearer <access token>`.
    Bearer,
}

/// Where a request's fields are.
#[derive(Clone, Copy, Debug)]
pub enum HttpInput {
    /// Nothing but the path and the bearer.
    None,
    /// The query string; the example is the same fields as JSON.
    Query(Shape, &'static str),
    /// A JSON body, with an example.
    Json(Shape, &'static str),
}

/// A part of the path that is filled in.
#[derive(Clone, Copy, Debug)]
pub struct PathParameter {
    /// Its name between the braces.
    pub name: &'static str,
    /// What it is, in a few words.
    pub summary: &'static str,
    /// What may stand there.
    pub shape: Shape,
}

/// One route.
#[derive(Clone, Copy, Debug)]
pub struct HttpRoute {
    /// What generated clients call it.
    pub operation: &'static str,
    /// The method.
    pub method: &'static str,
    /// The path, parameters in braces.
    pub path: &'static str,
    /// Its parameters.
    pub parameters: &'static [PathParameter],
    /// The function that serves it.
    pub function: &'static str,
    /// One sentence.
    pub summary: &'static str,
    /// What it must carry.
    pub auth: HttpAuth,
    /// What it takes.
    pub input: HttpInput,
    /// Status of a success.
    pub status: u16,
    /// What a success answers.
    pub reply: Shape,
    /// Example of a success.
    pub reply_example: &'static str,
    /// What may go wrong here beside what may go wrong everywhere (see [`HttpRoute::errors`]).
    pub own_errors: &'static [ErrorCode],
}

impl HttpRoute {
    /// Every error that it may answer.
    pub fn errors(&self) -> Vec<ErrorCode> {
        let takes_body = matches!(self.input, HttpInput::Json(..));
        let takes_anything = takes_body || matches!(self.input, HttpInput::Query(..)) || !self.parameters.is_empty();
        let signed_in = self.auth == HttpAuth::Bearer;
        ErrorCode::ALL
            .into_iter()
            .filter(|code| match code {
                ErrorCode::RateLimited | ErrorCode::Unavailable | ErrorCode::Internal => true,
                ErrorCode::BadRequest if takes_anything => true,
                ErrorCode::TooLarge if takes_body => true,
                ErrorCode::Unauthenticated if signed_in => true,
                other => self.own_errors.contains(other),
            })
            .collect()
    }
}

const CONVERSATION: PathParameter = PathParameter {
    name: "id",
    summary: "The conversation, percent-encoded.",
    shape: Shape::of::<Text<ConversationId>>(),
};

/// The published key set (RFC 7517). A plain object: its shape belongs to the RFC.
const KEYS_EXAMPLE: &str = r#"{"keys":[{"kty":"OKP","crv":"Ed25519","alg":"EdDSA","use":"sig","kid":"0a1b2c3d4e5f6071","x":"11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo"}]}"#;

/// What `GET /v1/sync` answers: as over the socket.
const SYNC_EXAMPLE: &str = r#"{"conversations":[{"conversation":"d:u_01JD0000000000000000000A00:u_01JD0000000000000000000B00","head_seq":42,"head_at":1764000000000,"read_seq":41,"unread":1,"floor":1,"peer":"u_01JD0000000000000000000B00","entries":[{"seq":42,"sender":"u_01JD0000000000000000000B00","client_id":"01JD0000000000000000000C00","sent_at":1764000000000,"kind":"message","body":{"type":"text","text":"hi"},"rev":0,"counts":[20,22]}]}],"more":false,"since":"1764000000100"}"#;

/// Every route of the HTTP API.
pub const ROUTES: &[HttpRoute] = &[
    HttpRoute {
        operation: "createAccount",
        method: "POST",
        path: "/v1/accounts",
        parameters: &[],
        function: "api",
        summary: "Sign up.",
        auth: HttpAuth::None,
        input: HttpInput::Json(Shape::of::<CreateAccount>(), accounts::REQUEST_EXAMPLE),
        status: 201,
        reply: Shape::of::<CreateAccountReply>(),
        reply_example: accounts::REPLY_EXAMPLE,
        own_errors: &[ErrorCode::Forbidden, ErrorCode::Conflict],
    },
    HttpRoute {
        operation: "createSession",
        method: "POST",
        path: "/v1/sessions",
        parameters: &[],
        function: "api",
        summary: "Sign in on a device.",
        auth: HttpAuth::None,
        input: HttpInput::Json(Shape::of::<CreateSession>(), sessions::REQUEST_EXAMPLE),
        status: 200,
        reply: Shape::of::<SessionReply>(),
        reply_example: sessions::REPLY_EXAMPLE,
        own_errors: &[ErrorCode::Unauthenticated],
    },
    HttpRoute {
        operation: "refreshSession",
        method: "POST",
        path: "/v1/sessions/refresh",
        parameters: &[],
        function: "api",
        summary: "Exchange a refresh token for new tokens.",
        auth: HttpAuth::None,
        input: HttpInput::Json(Shape::of::<RefreshSession>(), sessions::REFRESH_EXAMPLE),
        status: 200,
        reply: Shape::of::<SessionReply>(),
        reply_example: sessions::REPLY_EXAMPLE,
        own_errors: &[ErrorCode::Unauthenticated],
    },
    HttpRoute {
        operation: "createTicket",
        method: "POST",
        path: "/v1/tickets",
        parameters: &[],
        function: "api",
        summary: "A ticket for one socket of this device.",
        auth: HttpAuth::Bearer,
        input: HttpInput::None,
        status: 200,
        reply: Shape::of::<TicketReply>(),
        reply_example: tickets::REPLY_EXAMPLE,
        own_errors: &[],
    },
    HttpRoute {
        operation: "sync",
        method: "GET",
        path: "/v1/sync",
        parameters: &[],
        function: "api",
        summary: "A large page of a sync.",
        auth: HttpAuth::Bearer,
        input: HttpInput::Query(Shape::of::<Sync>(), r#"{"since":"1763999000000"}"#),
        status: 200,
        reply: Shape::of::<SyncReply>(),
        reply_example: SYNC_EXAMPLE,
        own_errors: &[],
    },
    HttpRoute {
        operation: "listEntries",
        method: "GET",
        path: "/v1/conversations/{id}/entries",
        parameters: &[CONVERSATION],
        function: "api",
        summary: "A page of a conversation's log, ascending; neither bound is the newest page.",
        auth: HttpAuth::Bearer,
        input: HttpInput::Query(Shape::of::<EntriesQuery>(), r#"{"after":41,"limit":50}"#),
        status: 200,
        reply: Shape::of::<HistoryReply>(),
        reply_example: entries::REPLY_EXAMPLE,
        own_errors: &[ErrorCode::NotAMember],
    },
    HttpRoute {
        operation: "changePassword",
        method: "PUT",
        path: "/v1/account/password",
        parameters: &[],
        function: "api",
        summary: "A new password; ends the person's sessions on all other devices.",
        auth: HttpAuth::Bearer,
        input: HttpInput::Json(Shape::of::<ChangePassword>(), account::CHANGE_EXAMPLE),
        status: 200,
        reply: Shape::of::<Done>(),
        reply_example: account::REPLY_EXAMPLE,
        own_errors: &[ErrorCode::Forbidden],
    },
    HttpRoute {
        operation: "deleteAccount",
        method: "DELETE",
        path: "/v1/account",
        parameters: &[],
        function: "api",
        summary: "The end of the account: name, profile and sessions are gone, groups are left or passed on, contacts and requests end on both sides, messages stay. `unavailable` says that there is more to do: the same again goes on.",
        auth: HttpAuth::Bearer,
        input: HttpInput::Json(Shape::of::<DeleteAccount>(), account::DELETE_EXAMPLE),
        status: 200,
        reply: Shape::of::<Done>(),
        reply_example: account::REPLY_EXAMPLE,
        own_errors: &[ErrorCode::Forbidden],
    },
    HttpRoute {
        operation: "listKeys",
        method: "GET",
        path: "/.well-known/jwks.json",
        parameters: &[],
        function: "api",
        summary: "The keys that verify our tokens (RFC 7517).",
        auth: HttpAuth::None,
        input: HttpInput::None,
        status: 200,
        reply: Shape::of::<serde_json::Map<String, serde_json::Value>>(),
        reply_example: KEYS_EXAMPLE,
        own_errors: &[],
    },
];

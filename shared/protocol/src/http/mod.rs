//! The HTTP API: signing up and in, tickets, and whatever is large.

pub mod accounts;
pub mod entries;
pub mod sessions;
pub mod tickets;

use schemars::{Schema, SchemaGenerator};

pub use accounts::{CreateAccount, CreateAccountReply};
pub use entries::EntriesQuery;
pub use sessions::{CreateSession, Device, RefreshSession, SessionReply};
pub use tickets::TicketReply;

use crate::actions::{HistoryReply, Sync, SyncReply};

/// What a request must carry.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum HttpAuth {
    /// Nothing.
    None,
    /// `authorization: Bearer <access token>`.
    Bearer,
}

/// Where a request's fields are.
#[derive(Clone, Copy)]
pub enum HttpInput {
    /// Nothing but the path and the bearer.
    None,
    /// The query string.
    Query(fn(&mut SchemaGenerator) -> Schema),
    /// A JSON body, with an example.
    Json(fn(&mut SchemaGenerator) -> Schema, &'static str),
}

/// One route.
#[derive(Clone, Copy)]
pub struct HttpRoute {
    /// The method.
    pub method: &'static str,
    /// The path, parameters in braces.
    pub path: &'static str,
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
    /// Schema of a success.
    pub reply: fn(&mut SchemaGenerator) -> Schema,
    /// Example of a success.
    pub reply_example: &'static str,
}

macro_rules! schema_of {
    ($type:ty) => {
        |generator| generator.subschema_for::<$type>()
    };
}

/// The published key set (RFC 7517). A plain object: its shape belongs to the RFC.
const KEYS_EXAMPLE: &str = r#"{"keys":[{"kty":"OKP","crv":"Ed25519","alg":"EdDSA","use":"sig","kid":"0a1b2c3d4e5f6071","x":"11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo"}]}"#;

/// Every route of the HTTP API.
pub const ROUTES: &[HttpRoute] = &[
    HttpRoute {
        method: "POST",
        path: "/v1/accounts",
        function: "api",
        summary: "Sign up.",
        auth: HttpAuth::None,
        input: HttpInput::Json(schema_of!(CreateAccount), accounts::REQUEST_EXAMPLE),
        status: 201,
        reply: schema_of!(CreateAccountReply),
        reply_example: accounts::REPLY_EXAMPLE,
    },
    HttpRoute {
        method: "POST",
        path: "/v1/sessions",
        function: "api",
        summary: "Sign in on a device.",
        auth: HttpAuth::None,
        input: HttpInput::Json(schema_of!(CreateSession), sessions::REQUEST_EXAMPLE),
        status: 200,
        reply: schema_of!(SessionReply),
        reply_example: sessions::REPLY_EXAMPLE,
    },
    HttpRoute {
        method: "POST",
        path: "/v1/sessions/refresh",
        function: "api",
        summary: "Exchange a refresh token for new tokens.",
        auth: HttpAuth::None,
        input: HttpInput::Json(schema_of!(RefreshSession), sessions::REFRESH_EXAMPLE),
        status: 200,
        reply: schema_of!(SessionReply),
        reply_example: sessions::REPLY_EXAMPLE,
    },
    HttpRoute {
        method: "POST",
        path: "/v1/tickets",
        function: "api",
        summary: "A ticket for one socket of this device.",
        auth: HttpAuth::Bearer,
        input: HttpInput::None,
        status: 200,
        reply: schema_of!(TicketReply),
        reply_example: tickets::REPLY_EXAMPLE,
    },
    HttpRoute {
        method: "GET",
        path: "/v1/sync",
        function: "api",
        summary: "A large page of a sync.",
        auth: HttpAuth::Bearer,
        input: HttpInput::Query(schema_of!(Sync)),
        status: 200,
        reply: schema_of!(SyncReply),
        reply_example: r#"{"conversations":[],"more":false,"since":"1764000000100"}"#,
    },
    HttpRoute {
        method: "GET",
        path: "/v1/conversations/{id}/entries",
        function: "api",
        summary: "A page of a conversation's log, ascending; neither bound is the newest page.",
        auth: HttpAuth::Bearer,
        input: HttpInput::Query(schema_of!(EntriesQuery)),
        status: 200,
        reply: schema_of!(HistoryReply),
        reply_example: r#"{"entries":[],"more":false,"floor":1}"#,
    },
    HttpRoute {
        method: "GET",
        path: "/.well-known/jwks.json",
        function: "api",
        summary: "The keys that verify our tokens (RFC 7517).",
        auth: HttpAuth::None,
        input: HttpInput::None,
        status: 200,
        reply: schema_of!(serde_json::Map<String, serde_json::Value>),
        reply_example: KEYS_EXAMPLE,
    },
];

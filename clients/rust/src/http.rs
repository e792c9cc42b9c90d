//! The HTTP API, and the network below it.

use std::error::Error as _;
use std::fmt;
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use reqwest::{Method, RequestBuilder, StatusCode};
use rustls_platform_verifier::BuilderVerifierExt;
use serde::Serialize;
use serde::de::DeserializeOwned;
use tidings_domain::ids::ConversationId;
use tidings_protocol::actions::HistoryReply;
use tidings_protocol::error::{ErrorBody, ErrorCode, HttpError};
use tidings_protocol::http::{
    ChangePassword, CreateAccount, CreateAccountReply, CreateSession, DeleteAccount, Done, EntriesQuery,
    RefreshSession, SessionReply, TicketReply,
};
use tokio_tungstenite::Connector;

use crate::error::ApiError;

/// How long a connection may take to open.
const CONNECT_WITHIN: Duration = Duration::from_secs(5);

/// How long an HTTP request may take in all: as long as a function behind the gateway may run.
const ANSWER_WITHIN: Duration = Duration::from_secs(29);

/// Connections to servers and the trust roots for them, made when they are first needed. Cheap to clone; clients
/// that share one share its connections.
#[derive(Clone, Default)]
pub struct Network(Arc<OnceLock<Result<Parts, String>>>);

struct Parts {
    http: reqwest::Client,
    tls: Connector,
}

impl fmt::Debug for Network {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Network")
    }
}

impl Network {
    fn parts(&self) -> Result<&Parts, String> {
        self.0.get_or_init(Parts::new).as_ref().map_err(Clone::clone)
    }

    /// What sockets speak TLS with.
    pub(crate) fn tls(&self) -> Result<Connector, String> {
        Ok(self.parts()?.tls.clone())
    }
}

impl Parts {
    fn new() -> Result<Self, String> {
        let http = reqwest::Client::builder()
            .user_agent(concat!("tidings/", env!("CARGO_PKG_VERSION")))
            .connect_timeout(CONNECT_WITHIN)
            .timeout(ANSWER_WITHIN)
            .build()
            .map_err(|error| error.to_string())?;
        // The provider is named, because a program that links two of them has no default.
        let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
        let config = rustls::ClientConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()
            .and_then(BuilderVerifierExt::with_platform_verifier)
            .map_err(|error| error.to_string())?
            .with_no_client_auth();
        Ok(Self { http, tls: Connector::Rustls(Arc::new(config)) })
    }
}

/// The HTTP API of one server.
#[derive(Clone, Debug)]
pub(crate) struct Api {
    network: Network,
    server: String,
}

impl Api {
    /// The API at this address.
    pub(crate) fn new(network: Network, server: &str) -> Result<Self, ApiError> {
        let server = server.trim().trim_end_matches('/');
        let host = server.strip_prefix("http://").or_else(|| server.strip_prefix("https://"));
        if host.is_none_or(str::is_empty) {
            return Err(ApiError::Address(server.to_owned()));
        }
        Ok(Self { network, server: server.to_owned() })
    }

    /// The server's address, without a slash at its end.
    pub(crate) fn server(&self) -> &str {
        &self.server
    }

    pub(crate) const fn network(&self) -> &Network {
        &self.network
    }

    pub(crate) async fn create_account(&self, account: &CreateAccount) -> Result<CreateAccountReply, ApiError> {
        self.answer(self.request(Method::POST, "/v1/accounts")?.json(account)).await
    }

    pub(crate) async fn create_session(&self, session: &CreateSession) -> Result<SessionReply, ApiError> {
        self.answer(self.request(Method::POST, "/v1/sessions")?.json(session)).await
    }

    pub(crate) async fn refresh(&self, session: &RefreshSession) -> Result<SessionReply, ApiError> {
        self.answer(self.request(Method::POST, "/v1/sessions/refresh")?.json(session)).await
    }

    pub(crate) async fn ticket(&self, access_token: String) -> Result<TicketReply, ApiError> {
        self.answer(self.request(Method::POST, "/v1/tickets")?.bearer_auth(access_token)).await
    }

    pub(crate) async fn change_password(
        &self,
        access_token: String,
        change: &ChangePassword,
    ) -> Result<Done, ApiError> {
        let request = self.request(Method::PUT, "/v1/account/password")?;
        self.answer(request.bearer_auth(access_token).json(change)).await
    }

    pub(crate) async fn delete_account(&self, access_token: String, account: &DeleteAccount) -> Result<Done, ApiError> {
        let request = self.request(Method::DELETE, "/v1/account")?;
        self.answer(request.bearer_auth(access_token).json(account)).await
    }

    pub(crate) async fn entries(
        &self,
        access_token: String,
        conversation: ConversationId,
        query: EntriesQuery,
    ) -> Result<HistoryReply, ApiError> {
        let path = format!("/v1/conversations/{conversation}/entries");
        self.get(&path, access_token, &query).await
    }

    async fn get<T: DeserializeOwned>(
        &self,
        path: &str,
        access_token: String,
        query: &impl Serialize,
    ) -> Result<T, ApiError> {
        self.answer(self.request(Method::GET, path)?.query(query).bearer_auth(access_token)).await
    }

    fn request(&self, method: Method, path: &str) -> Result<RequestBuilder, ApiError> {
        let parts = self.network.parts().map_err(|reason| self.unreachable(reason))?;
        Ok(parts.http.request(method, format!("{}{path}", self.server)))
    }

    pub(crate) fn unreachable(&self, reason: String) -> ApiError {
        ApiError::Unreachable { server: self.server.clone(), reason }
    }

    async fn answer<T: DeserializeOwned>(&self, request: RequestBuilder) -> Result<T, ApiError> {
        let response = request.send().await.map_err(|error| self.unreachable(root_cause(&error)))?;
        let status = response.status();
        let bytes = response.bytes().await.map_err(|error| self.unreachable(root_cause(&error)))?;
        let garbled = || ApiError::Garbled { server: self.server.clone(), status: status.as_u16() };
        if status.is_success() {
            return serde_json::from_slice(&bytes).map_err(|_| garbled());
        }
        match serde_json::from_slice::<HttpError>(&bytes) {
            Ok(answer) => Err(ApiError::Refused(answer.error)),
            // The gateway's own refusals have another form.
            Err(_) => Err(match status {
                StatusCode::UNAUTHORIZED => gateway(ErrorCode::Unauthenticated),
                StatusCode::TOO_MANY_REQUESTS => gateway(ErrorCode::RateLimited),
                StatusCode::BAD_GATEWAY | StatusCode::SERVICE_UNAVAILABLE | StatusCode::GATEWAY_TIMEOUT => {
                    gateway(ErrorCode::Unavailable)
                }
                _ => garbled(),
            }),
        }
    }
}

fn gateway(code: ErrorCode) -> ApiError {
    ApiError::Refused(ErrorBody::new(code, "the gateway refused the request"))
}

/// The innermost cause: "connection refused" says more than "error sending request".
pub(crate) fn root_cause(error: &reqwest::Error) -> String {
    let mut cause = error.source();
    let mut text = error.to_string();
    while let Some(inner) = cause {
        text = inner.to_string();
        cause = inner.source();
    }
    text
}

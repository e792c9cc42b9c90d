//! Who is signed in, and the tokens that prove it.

use std::fmt;

use tidings_domain::ids::DeviceId;
use tidings_domain::time::Timestamp;
use tidings_protocol::error::ErrorCode;
use tidings_protocol::http::{RefreshSession, SessionReply};
use tidings_protocol::user::User;
use tokio::sync::Mutex;

use crate::clock;
use crate::error::ApiError;
use crate::http::Api;
use crate::store::{Store, Write};

/// An access token that ends within this time is not used any more, in milliseconds.
const MARGIN_MS: u64 = 30_000;

/// A session of one device.
#[derive(Clone, PartialEq, Eq)]
pub(crate) struct Session {
    pub(crate) server: String,
    pub(crate) user: User,
    pub(crate) device: DeviceId,
    pub(crate) refresh_token: String,
    pub(crate) access_token: String,
    pub(crate) access_until: Timestamp,
}

impl fmt::Debug for Session {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Session")
            .field("server", &self.server)
            .field("user", &self.user)
            .field("device", &self.device)
            .finish_non_exhaustive()
    }
}

impl Session {
    /// The session that an answer begins or continues.
    pub(crate) fn new(server: &str, device: DeviceId, reply: SessionReply) -> Self {
        Self {
            server: server.to_owned(),
            user: reply.user,
            device,
            refresh_token: reply.refresh_token,
            access_token: reply.access_token,
            access_until: clock::now().plus_millis(reply.expires_in.saturating_mul(1_000)),
        }
    }
}

/// The API with a session, kept valid.
#[derive(Debug)]
pub(crate) struct Account {
    pub(crate) api: Api,
    store: Store,
    /// Locked while it is renewed: a refresh token works once, and a second use ends the session.
    session: Mutex<Option<Session>>,
}

impl Account {
    pub(crate) fn new(api: Api, store: Store, session: Session) -> Self {
        Self { api, store, session: Mutex::new(Some(session)) }
    }

    /// Asks with a valid access token; when it is refused, once more with a new one.
    pub(crate) async fn ask<T, F>(&self, request: impl Fn(String) -> F) -> Result<T, ApiError>
    where
        F: Future<Output = Result<T, ApiError>>,
    {
        let token = self.access_token(None).await?;
        match request(token.clone()).await {
            Err(error) if error.code() == Some(ErrorCode::Unauthenticated) => {
                request(self.access_token(Some(&token)).await?).await
            }
            answer => answer,
        }
    }

    /// An access token that is not `refused` and lasts a while.
    async fn access_token(&self, refused: Option<&str>) -> Result<String, ApiError> {
        let mut session = self.session.lock().await;
        let Some(current) = session.as_ref() else { return Err(ApiError::SignedOut) };
        let fresh = current.access_until > clock::now().plus_millis(MARGIN_MS);
        if fresh && refused != Some(&current.access_token) {
            return Ok(current.access_token.clone());
        }
        let request = RefreshSession { refresh_token: current.refresh_token.clone() };
        match self.api.refresh(&request).await {
            Ok(reply) => {
                let renewed = Session::new(self.api.server(), current.device.clone(), reply);
                // Stored before it is used: the old refresh token is worth nothing from now on.
                self.store.write(vec![Write::Session(Some(renewed.clone()))]).await?;
                let token = renewed.access_token.clone();
                *session = Some(renewed);
                Ok(token)
            }
            Err(ApiError::Refused(error))
                if matches!(error.code, ErrorCode::Unauthenticated | ErrorCode::Forbidden) =>
            {
                self.store.write(vec![Write::Session(None)]).await?;
                *session = None;
                Err(ApiError::SignedOut)
            }
            Err(error) => Err(error),
        }
    }
}

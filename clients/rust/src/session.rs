//! Who is signed in, and the tokens that prove it.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use tidings_domain::ids::DeviceId;
use tidings_domain::time::Timestamp;
use tidings_protocol::error::ErrorCode;
use tidings_protocol::http::{RefreshSession, SessionReply};
use tidings_protocol::user::User;
use tokio::sync::Mutex;
use tokio::time::{Instant, sleep, timeout};

use crate::clock::{self, Dice};
use crate::error::{ApiError, StoreError};
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

    /// The access token, if it is not the `refused` one and lasts a while.
    fn lasting(&self, refused: Option<&str>) -> Option<String> {
        let fresh = self.access_until > clock::now().plus_millis(MARGIN_MS);
        (fresh && refused != Some(&self.access_token)).then(|| self.access_token.clone())
    }
}

/// How long a renewal is repeated whose outcome is unknown. The server gives the same answer again for a minute; after
/// that it takes the old token for a stolen one and ends the session.
const RENEW_WITHIN: Duration = Duration::from_secs(50);

/// First and largest upper bound of the waits in between.
const RENEW_BACK_OFF: (Duration, Duration) = (Duration::from_millis(100), Duration::from_secs(5));

/// How long a request waits for a renewal. The renewal itself goes on: nobody may drop it half-way.
const RENEWAL_PATIENCE: Duration = Duration::from_secs(10);

/// The API with a session, kept valid.
#[derive(Debug)]
pub(crate) struct Account {
    pub(crate) api: Api,
    store: Store,
    /// Locked while it is renewed: a refresh token works once, and a second use ends the session.
    session: Arc<Mutex<Option<Session>>>,
}

impl Account {
    pub(crate) fn new(api: Api, store: Store, session: Session) -> Self {
        Self { api, store, session: Arc::new(Mutex::new(Some(session))) }
    }

    /// Asks with a valid access token; when it is refused, once more with a new one.
    pub(crate) async fn ask<T, F>(&self, request: impl Fn(String) -> F) -> Result<T, ApiError>
    where
        F: Future<Output = Result<T, ApiError>>,
    {
        let token = self.access_token(None).await?;
        match request(token.clone()).await {
            Err(error) if error.code() == Some(ErrorCode::Unauthenticated) => {
                request(self.access_token(Some(token)).await?).await
            }
            answer => answer,
        }
    }

    /// A new access token: it is good for as long as any.
    pub(crate) async fn fresh_token(&self) -> Result<String, ApiError> {
        let present = self.access_token(None).await?;
        self.access_token(Some(present)).await
    }

    /// The session is over.
    pub(crate) async fn end(&self) {
        *self.session.lock().await = None;
    }

    /// The person has another card now.
    pub(crate) async fn is_now(&self, user: User) -> Result<(), StoreError> {
        let mut session = self.session.lock().await;
        if let Some(current) = session.as_mut() {
            current.user = user;
            self.store.write(vec![Write::Session(Some(current.clone()))]).await?;
        }
        Ok(())
    }

    /// An access token that is not `refused` and lasts a while.
    async fn access_token(&self, refused: Option<String>) -> Result<String, ApiError> {
        // Nearly always nothing is to be renewed, and then no task is needed.
        if let Ok(session) = self.session.try_lock()
            && let Some(token) = session.as_ref().and_then(|current| current.lasting(refused.as_deref()))
        {
            return Ok(token);
        }
        let (api, store) = (self.api.clone(), self.store.clone());
        let session = Arc::clone(&self.session);
        let token = tokio::spawn(async move {
            let mut session = session.lock_owned().await;
            let Some(current) = session.as_ref() else { return Err(ApiError::SignedOut) };
            if let Some(token) = current.lasting(refused.as_deref()) {
                return Ok(token);
            }
            let renewed = renew(&api, current).await?;
            // Stored before it is used: the old refresh token is worth nothing from now on.
            store.write(vec![Write::Session(renewed.clone())]).await?;
            *session = renewed;
            session.as_ref().map(|session| session.access_token.clone()).ok_or(ApiError::SignedOut)
        });
        match timeout(RENEWAL_PATIENCE, token).await {
            Ok(Ok(token)) => token,
            _ => Err(self.api.unreachable("it takes too long to renew the session".into())),
        }
    }
}

/// The session with new tokens, or `None` when it has ended.
async fn renew(api: &Api, current: &Session) -> Result<Option<Session>, ApiError> {
    let request = RefreshSession { refresh_token: current.refresh_token.clone() };
    let began = Instant::now();
    let mut dice = Dice::new(None);
    let (base, cap) = RENEW_BACK_OFF;
    let mut tries = 0;
    loop {
        match api.refresh(&request).await {
            Ok(reply) => return Ok(Some(Session::new(api.server(), current.device.clone(), reply))),
            Err(ApiError::Refused(error))
                if matches!(error.code, ErrorCode::Unauthenticated | ErrorCode::Forbidden) =>
            {
                return Ok(None);
            }
            Err(error) if began.elapsed() >= RENEW_WITHIN => return Err(error),
            Err(_) => sleep(dice.back_off(base, cap, tries)).await,
        }
        tries += 1;
    }
}

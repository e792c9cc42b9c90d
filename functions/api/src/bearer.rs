//! `authorization: Bearer <access token>`.

use axum::extract::{FromRequestParts, Request, State};
use axum::http::HeaderMap;
use axum::http::header::AUTHORIZATION;
use axum::http::request::Parts;
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use tidings_application::clock::Clock;
use tidings_application::identity::Principal;
use tidings_application::identity::ports::VerifyAccessTokens;
use tidings_protocol::error::{ErrorBody, ErrorCode};
use tidings_runtime::invocation;

use crate::app::{Adapters, Shared};
use crate::refused::Refused;

/// Who asks. Only routes behind [`authenticate`] have it.
#[derive(Clone, Debug)]
pub(crate) struct SignedIn(pub(crate) Principal);

/// Lets a request through that carries an access token, and tells its handler whose.
pub(crate) async fn authenticate<A: Adapters>(
    State(app): State<Shared<A>>,
    mut request: Request,
    next: Next,
) -> Response {
    let token = bearer(request.headers());
    match token.and_then(|token| app.keys.verify_access_token(token, app.clock.now())) {
        Some(principal) => {
            invocation::is_of(principal.user);
            request.extensions_mut().insert(SignedIn(principal));
            next.run(request).await
        }
        None => unauthenticated().into_response(),
    }
}

/// The token; the scheme's name may be written as one likes (RFC 9110).
fn bearer(headers: &HeaderMap) -> Option<&str> {
    let (scheme, token) = headers.get(AUTHORIZATION)?.to_str().ok()?.split_once(' ')?;
    scheme.eq_ignore_ascii_case("bearer").then_some(token.trim())
}

fn unauthenticated() -> Refused {
    ErrorBody::new(ErrorCode::Unauthenticated, "this needs a valid access token").into()
}

impl<S: Send + Sync> FromRequestParts<S> for SignedIn {
    type Rejection = Refused;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Refused> {
        // Outside the layer nobody is signed in, so a route that forgets it is closed and not open.
        parts.extensions.get::<Self>().cloned().ok_or_else(unauthenticated)
    }
}

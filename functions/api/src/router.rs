//! Which path is served by what. The paths are those of `tidings_protocol::http::ROUTES`; a test compares them.

use axum::Router;
use axum::extract::DefaultBodyLimit;
use axum::http::StatusCode;
use axum::middleware::from_fn_with_state;
use tidings_protocol::error::{ErrorBody, ErrorCode};

use crate::app::{Adapters, Shared};
use crate::refused::Refused;
use crate::{account, accounts, bearer, keys, messages, sessions, tickets};

/// Largest request body, in bytes. The largest request is a sign-in of about 1 KB.
pub(crate) const BODY_MAX: usize = 16 * 1024;

/// Every route.
pub(crate) fn router<A: Adapters>(app: Shared<A>) -> Router {
    // What needs a bearer goes here; its handlers get a `bearer::SignedIn`.
    let signed_in = Router::new()
        .merge(tickets::routes())
        .merge(messages::routes())
        .merge(account::routes())
        .route_layer(from_fn_with_state(app.clone(), bearer::authenticate::<A>));
    Router::new()
        .merge(accounts::routes())
        .merge(sessions::routes())
        .merge(keys::routes())
        .merge(signed_in)
        .fallback(async || Refused::from(ErrorBody::new(ErrorCode::NotFound, "there is no such path")))
        .method_not_allowed_fallback(async || Refused {
            // HTTP has a status of its own for it, the list of codes has not.
            status: StatusCode::METHOD_NOT_ALLOWED,
            error: ErrorBody::new(ErrorCode::BadRequest, "this path has no such method"),
        })
        .layer(DefaultBodyLimit::max(BODY_MAX))
        .with_state(app)
}

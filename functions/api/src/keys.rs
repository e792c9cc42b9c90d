//! `GET /.well-known/jwks.json`: the keys that verify our tokens.

use axum::Router;
use axum::extract::State;
use axum::http::header::{CACHE_CONTROL, CONTENT_TYPE};
use axum::response::IntoResponse;
use axum::routing::get;

use crate::app::{Adapters, Shared};

/// A new key is published this long, in seconds, before anything is signed with it.
const CACHE: &str = "public, max-age=300";

pub(crate) fn routes<A: Adapters>() -> Router<Shared<A>> {
    Router::new().route("/.well-known/jwks.json", get(read::<A>))
}

async fn read<A: Adapters>(State(app): State<Shared<A>>) -> impl IntoResponse {
    ([(CONTENT_TYPE, "application/json"), (CACHE_CONTROL, CACHE)], app.key_set.clone())
}

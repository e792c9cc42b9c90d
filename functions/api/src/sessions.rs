//! `POST /v1/sessions` and `/v1/sessions/refresh`: sign in, stay signed in.

use axum::extract::State;
use axum::http::header::CACHE_CONTROL;
use axum::response::IntoResponse;
use axum::routing::post;
use axum::{Json, Router};
use tidings_application::identity::{Device, SignInCommand, SignedIn};
use tidings_protocol::http::{CreateSession, RefreshSession, SessionReply};
use tidings_runtime::identity::{of_refresh, of_sign_in, user};

use crate::app::{Adapters, Shared};
use crate::checked::Checked;
use crate::refused::Refused;

pub(crate) fn routes<A: Adapters>() -> Router<Shared<A>> {
    Router::new().route("/v1/sessions", post(create::<A>)).route("/v1/sessions/refresh", post(refresh::<A>))
}

async fn create<A: Adapters>(
    State(app): State<Shared<A>>,
    Checked(Json(request)): Checked<Json<CreateSession>>,
) -> Result<impl IntoResponse, Refused> {
    let device = Device { id: request.device.id.0, name: request.device.name.0, platform: request.device.platform.0 };
    let command = SignInCommand { username: request.username.0, password: request.password.0, device };
    let signed_in = app.sign_in.run(command).await.map_err(|error| of_sign_in(&error))?;
    Ok(reply(signed_in))
}

async fn refresh<A: Adapters>(
    State(app): State<Shared<A>>,
    Checked(Json(request)): Checked<Json<RefreshSession>>,
) -> Result<impl IntoResponse, Refused> {
    let signed_in = app.refresh.run(&request.refresh_token).await.map_err(|error| of_refresh(&error))?;
    Ok(reply(signed_in))
}

/// Tokens must not stay in anybody's cache.
fn reply(signed_in: SignedIn) -> impl IntoResponse {
    let reply = SessionReply {
        access_token: signed_in.access_token.into_revealed(),
        refresh_token: signed_in.refresh_token.into_revealed(),
        expires_in: signed_in.expires_in_s,
        user: user(signed_in.card),
    };
    ([(CACHE_CONTROL, "no-store")], Json(reply))
}

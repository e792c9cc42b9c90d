//! `POST /v1/accounts`: sign up.

use axum::extract::State;
use axum::http::StatusCode;
use axum::routing::post;
use axum::{Json, Router};
use tidings_application::identity::SignUpCommand;
use tidings_protocol::http::{CreateAccount, CreateAccountReply};
use tidings_runtime::identity::{of_sign_up, user};

use crate::app::{Adapters, Shared};
use crate::checked::Checked;
use crate::refused::Refused;

pub(crate) fn routes<A: Adapters>() -> Router<Shared<A>> {
    Router::new().route("/v1/accounts", post(create::<A>))
}

async fn create<A: Adapters>(
    State(app): State<Shared<A>>,
    Checked(Json(request)): Checked<Json<CreateAccount>>,
) -> Result<(StatusCode, Json<CreateAccountReply>), Refused> {
    let command = SignUpCommand {
        username: request.username.0,
        password: request.password.0,
        display_name: request.display_name.0,
        client_id: request.client_id.map(|id| id.0),
    };
    let card = app.sign_up.run(command).await.map_err(|error| of_sign_up(&error))?;
    Ok((StatusCode::CREATED, Json(CreateAccountReply { user: user(card) })))
}

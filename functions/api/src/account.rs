//! `PUT /v1/account/password` and `DELETE /v1/account`: what a person does to their own account.

use axum::extract::State;
use axum::routing::{delete, put};
use axum::{Json, Router};
use tidings_protocol::http::{ChangePassword, DeleteAccount, Done};
use tidings_runtime::identity::{of_change_password, of_delete_account};

use crate::app::{Adapters, Shared};
use crate::bearer::SignedIn;
use crate::checked::Checked;
use crate::refused::Refused;

pub(crate) fn routes<A: Adapters>() -> Router<Shared<A>> {
    Router::new().route("/v1/account/password", put(change_password::<A>)).route("/v1/account", delete(close::<A>))
}

async fn change_password<A: Adapters>(
    State(app): State<Shared<A>>,
    SignedIn(principal): SignedIn,
    Checked(Json(request)): Checked<Json<ChangePassword>>,
) -> Result<Json<Done>, Refused> {
    let changed = app.change_password.run(&principal, &request.old, &request.new).await;
    changed.map_err(|error| of_change_password(&error))?;
    Ok(Json(Done {}))
}

async fn close<A: Adapters>(
    State(app): State<Shared<A>>,
    SignedIn(principal): SignedIn,
    Checked(Json(request)): Checked<Json<DeleteAccount>>,
) -> Result<Json<Done>, Refused> {
    app.delete_account.run(&principal, &request.password).await.map_err(|error| of_delete_account(&error))?;
    Ok(Json(Done {}))
}

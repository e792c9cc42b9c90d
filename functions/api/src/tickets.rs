//! `POST /v1/tickets`: what opens one socket.

use axum::extract::State;
use axum::http::header::CACHE_CONTROL;
use axum::response::IntoResponse;
use axum::routing::post;
use axum::{Json, Router};
use tidings_protocol::http::TicketReply;
use tidings_runtime::identity::of_issue_ticket;

use crate::app::{Adapters, Shared};
use crate::bearer::SignedIn;
use crate::refused::Refused;

pub(crate) fn routes<A: Adapters>() -> Router<Shared<A>> {
    Router::new().route("/v1/tickets", post(create::<A>))
}

async fn create<A: Adapters>(
    State(app): State<Shared<A>>,
    SignedIn(principal): SignedIn,
) -> Result<impl IntoResponse, Refused> {
    let issued = app.issue_ticket.run(&principal).await.map_err(|error| of_issue_ticket(&error))?;
    let reply = TicketReply {
        ticket: issued.ticket.into_revealed(),
        url: app.socket_url.clone(),
        expires_in: issued.expires_in_s,
    };
    Ok(([(CACHE_CONTROL, "no-store")], Json(reply)))
}

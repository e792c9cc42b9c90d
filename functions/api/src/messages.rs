//! `GET /v1/sync` and `GET /v1/conversations/{id}/entries`: what a frame is too small or too dear for.

use axum::extract::{Path, Query, State};
use axum::http::header::CACHE_CONTROL;
use axum::response::IntoResponse;
use axum::routing::get;
use axum::{Json, Router};
use tidings_domain::ids::ConversationId;
use tidings_domain::limits::{HISTORY_HTTP_PAGE_MAX, SYNC_HTTP_CONVERSATIONS};
use tidings_protocol::actions::Sync;
use tidings_protocol::error::{ErrorBody, ErrorCode};
use tidings_protocol::http::EntriesQuery;
use tidings_protocol::limits::HTTP_REPLY_MAX;
use tidings_runtime::{invocation, reading};

use crate::app::{Adapters, Shared};
use crate::bearer::SignedIn;
use crate::checked::Checked;
use crate::refused::Refused;

pub(crate) fn routes<A: Adapters>() -> Router<Shared<A>> {
    Router::new().route("/v1/sync", get(sync::<A>)).route("/v1/conversations/{id}/entries", get(entries::<A>))
}

async fn sync<A: Adapters>(
    State(app): State<Shared<A>>,
    SignedIn(principal): SignedIn,
    Checked(Query(request)): Checked<Query<Sync>>,
) -> Result<impl IntoResponse, Refused> {
    let page =
        reading::sync(&app.sync, principal.user, None, &request, SYNC_HTTP_CONVERSATIONS, HTTP_REPLY_MAX).await?;
    Ok(([(CACHE_CONTROL, "no-store")], Json(page)))
}

async fn entries<A: Adapters>(
    State(app): State<Shared<A>>,
    SignedIn(principal): SignedIn,
    Checked(Path(conversation)): Checked<Path<String>>,
    Checked(Query(query)): Checked<Query<EntriesQuery>>,
) -> Result<impl IntoResponse, Refused> {
    let conversation: ConversationId =
        conversation.parse().map_err(|error| ErrorBody::new(ErrorCode::BadRequest, format!("{error}")))?;
    invocation::is_about(conversation);
    let range = reading::range(query.after, query.before)?;
    let limit = reading::limit(query.limit, HISTORY_HTTP_PAGE_MAX)?;
    let page = reading::history(&app.history, principal.user, conversation, range, limit, HTTP_REPLY_MAX).await?;
    Ok(([(CACHE_CONTROL, "no-store")], Json(page)))
}

//! axum's extractors with our errors: `Checked(Json(request)): Checked<Json<CreateAccount>>`, and likewise `Query`
//! and `Path`.

use axum::extract::{FromRequest, FromRequestParts, Request};
use axum::http::request::Parts;

use crate::refused::Refused;

/// What an extractor found, or a refusal that our clients understand.
pub(crate) struct Checked<E>(pub(crate) E);

impl<S, E> FromRequest<S> for Checked<E>
where
    S: Send + Sync,
    E: FromRequest<S, Rejection: Into<Refused>>,
{
    type Rejection = Refused;

    async fn from_request(request: Request, state: &S) -> Result<Self, Refused> {
        E::from_request(request, state).await.map(Self).map_err(Into::into)
    }
}

impl<S, E> FromRequestParts<S> for Checked<E>
where
    S: Send + Sync,
    E: FromRequestParts<S, Rejection: Into<Refused>>,
{
    type Rejection = Refused;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Refused> {
        E::from_request_parts(parts, state).await.map(Self).map_err(Into::into)
    }
}

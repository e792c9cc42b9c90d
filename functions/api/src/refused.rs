//! Refusals over HTTP: `{"error": {code, message, retryable}}` with the code's status.

use axum::Json;
use axum::extract::rejection::{JsonRejection, PathRejection, QueryRejection};
use axum::http::StatusCode;
use axum::http::header::{CACHE_CONTROL, WWW_AUTHENTICATE};
use axum::response::{IntoResponse, Response};
use tidings_protocol::error::{ErrorBody, ErrorCode, HttpError};

/// A request that came to nothing.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Refused {
    pub(crate) status: StatusCode,
    pub(crate) error: ErrorBody,
}

impl From<ErrorBody> for Refused {
    fn from(error: ErrorBody) -> Self {
        let status = StatusCode::from_u16(error.code.http_status()).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
        Self { status, error }
    }
}

impl IntoResponse for Refused {
    fn into_response(self) -> Response {
        let Self { status, error } = self;
        let unauthenticated = error.code == ErrorCode::Unauthenticated;
        let mut response = (status, [(CACHE_CONTROL, "no-store")], Json(HttpError { error })).into_response();
        if unauthenticated {
            // RFC 9110 wants a 401 to say what would do.
            response.headers_mut().insert(WWW_AUTHENTICATE, axum::http::HeaderValue::from_static("Bearer"));
        }
        response
    }
}

fn bad_request(message: String) -> Refused {
    ErrorBody::new(ErrorCode::BadRequest, message).into()
}

impl From<JsonRejection> for Refused {
    /// Not JSON, other JSON, another content type, too large.
    fn from(rejection: JsonRejection) -> Self {
        if rejection.status() == StatusCode::PAYLOAD_TOO_LARGE {
            let message = format!("a request has at most {} bytes", crate::router::BODY_MAX);
            return ErrorBody::new(ErrorCode::TooLarge, message).into();
        }
        bad_request(rejection.body_text())
    }
}

impl From<QueryRejection> for Refused {
    fn from(rejection: QueryRejection) -> Self {
        bad_request(rejection.body_text())
    }
}

impl From<PathRejection> for Refused {
    fn from(rejection: PathRejection) -> Self {
        bad_request(rejection.body_text())
    }
}

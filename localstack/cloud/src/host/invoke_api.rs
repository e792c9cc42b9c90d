//! `POST /2015-03-31/functions/{name}/invocations`: calling a function with any AWS client.

use std::sync::Arc;

use http::{HeaderMap, HeaderValue, Request, Response, StatusCode};
use hyper::body::Incoming;

use super::{Host, InvokeError};
use crate::server::{self, Body, BodyError};

/// Where the operation's path starts.
pub(crate) const PREFIX: &str = "/2015-03-31/functions/";

impl Host {
    /// Answers an invocation from outside, or from a function that calls another.
    pub(crate) async fn answer_invocation(self: &Arc<Self>, request: Request<Incoming>) -> Response<Body> {
        let path = request.uri().path().to_owned();
        let name = path.strip_prefix(PREFIX).and_then(|rest| rest.strip_suffix("/invocations"));
        // A full ARN is allowed, too.
        let name = name.map(|name| name.rsplit([':', '/']).next().unwrap_or(name).to_owned());
        let Some(name) =
            name.filter(|name| request.method() == http::Method::POST && self.functions.contains_key(name))
        else {
            return server::refuse(StatusCode::NOT_FOUND, "ResourceNotFoundException", "Function not found");
        };
        let waits = kind(request.headers());
        let caller = self.front.badges().caller(request.headers(), request.uri().query());
        let event = match server::read(request.into_body(), self.limits.payload_bytes).await {
            Ok(event) if event.is_empty() => "{}".into(),
            Ok(event) => event,
            Err(BodyError::TooLarge) => {
                return server::refuse(
                    StatusCode::PAYLOAD_TOO_LARGE,
                    "RequestTooLargeException",
                    "the event is too large",
                );
            }
            Err(BodyError::BrokenOff) => {
                return server::refuse(StatusCode::BAD_REQUEST, "InvalidRequestContentException", "the body broke off");
            }
        };
        let host = Arc::clone(self);
        let under_way = self.front.activity().begin();
        // Spawned, because a client that hangs up must not undo the call.
        let call = tokio::spawn(async move {
            let _under_way = under_way;
            host.invoke(&name, event, &caller).await
        });
        if !waits {
            return server::respond(StatusCode::ACCEPTED, "application/json", "");
        }
        match call.await.unwrap_or(Err(InvokeError::Ending)) {
            Ok(answer) => server::respond(StatusCode::OK, "application/json", answer),
            Err(InvokeError::Throttled) => {
                server::refuse(StatusCode::TOO_MANY_REQUESTS, "TooManyRequestsException", "Rate Exceeded.")
            }
            Err(InvokeError::Service) => {
                let text = "An error occurred and the request cannot be processed.";
                server::refuse(StatusCode::INTERNAL_SERVER_ERROR, "ServiceException", text)
            }
            Err(error) => {
                let mut response = server::respond(StatusCode::OK, "application/json", error.body());
                response.headers_mut().insert("x-amz-function-error", HeaderValue::from_static("Unhandled"));
                response
            }
        }
    }
}

/// Whether the caller waits for the answer.
fn kind(headers: &HeaderMap) -> bool {
    headers.get("x-amz-invocation-type").is_none_or(|kind| kind != "Event")
}

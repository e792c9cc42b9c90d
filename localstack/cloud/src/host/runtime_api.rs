//! The Lambda Runtime API, version 2018-06-01. One port serves all environments: each finds its own number in the
//! path that `AWS_LAMBDA_RUNTIME_API` names, as with cargo-lambda.

use std::sync::{Arc, PoisonError};

use bytes::Bytes;
use http::{HeaderValue, Method, Request, Response, StatusCode};
use hyper::body::Incoming;
use tokio::net::TcpListener;

use super::environment::{Environment, Phase, Work};
use super::{Host, InvokeError};
use crate::faults::Moment;
use crate::server::{self, Body, BodyError};

impl Host {
    /// Serves the Runtime API until the end.
    pub(crate) fn serve_runtime_api(self: &Arc<Self>, listener: TcpListener) {
        let host = Arc::clone(self);
        server::serve(listener, self.ending.clone(), move |request, _| {
            let host = Arc::clone(&host);
            async move { host.answer(request).await }
        });
    }

    async fn answer(self: Arc<Self>, request: Request<Incoming>) -> Response<Body> {
        let path = request.uri().path().to_owned();
        let Some((environment, operation)) = self.environment_of(&path) else {
            return error(StatusCode::FORBIDDEN, "there is no such environment");
        };
        match (request.method(), operation) {
            (&Method::GET, "invocation/next") => self.next(&environment).await,
            (&Method::POST, "init/error") => {
                if let Ok(body) = server::read(request.into_body(), self.limits.payload_bytes).await {
                    environment.note_start_error(body);
                }
                accepted()
            }
            (&Method::POST, _) => {
                let Some((request_id, outcome)) =
                    operation.strip_prefix("invocation/").and_then(|rest| rest.split_once('/'))
                else {
                    return error(StatusCode::NOT_FOUND, "no such operation");
                };
                let body = server::read(request.into_body(), self.limits.payload_bytes).await;
                self.done(&environment, request_id, outcome, body).await
            }
            _ => error(StatusCode::NOT_FOUND, "no such operation"),
        }
    }

    /// `/{environment}/2018-06-01/runtime/{operation}`.
    fn environment_of<'a>(&self, path: &'a str) -> Option<(Arc<Environment>, &'a str)> {
        let (id, operation) = path.strip_prefix('/')?.split_once("/2018-06-01/runtime/")?;
        let environments = self.environments.lock().unwrap_or_else(PoisonError::into_inner);
        Some((Arc::clone(environments.get(&id.parse::<u64>().ok()?)?), operation))
    }

    async fn next(self: &Arc<Self>, environment: &Arc<Environment>) -> Response<Body> {
        // Asking for more without having answered is a failure of the runtime.
        environment.finish(None, Err(InvokeError::Crashed("it asked for more before it answered".to_owned())));
        let work = match self.next_work(environment) {
            Ok(work) => work,
            Err(promise) => match promise.await {
                Ok(work) => work,
                Err(_) => return error(StatusCode::INTERNAL_SERVER_ERROR, "the local cloud is ending"),
            },
        };
        self.end_if_doomed(environment, Moment::Before).await;
        hand_over(work, environment)
    }

    async fn done(
        &self,
        environment: &Arc<Environment>,
        request_id: &str,
        outcome: &str,
        body: Result<Bytes, BodyError>,
    ) -> Response<Body> {
        self.end_if_doomed(environment, Moment::After).await;
        let (badge, function) = (&environment.badge, &environment.function.spec.name);
        self.front.faults().note_steps(function, &badge.use_case(), badge.fuse().taken());
        done(environment, request_id, outcome, body)
    }

    /// Kills the process if that is how its work shall end. Its end breaks the connection and drops this, so the
    /// process never hears the answer to what it asked.
    async fn end_if_doomed(&self, environment: &Environment, moment: Moment) {
        if environment.is_doomed(moment) {
            self.front.faults().count_kill(&environment.function.spec.name, moment);
            environment.kill();
            std::future::pending::<()>().await;
        }
    }
}

/// An answer or an error has come in.
fn done(
    environment: &Arc<Environment>,
    request_id: &str,
    outcome: &str,
    body: Result<Bytes, BodyError>,
) -> Response<Body> {
    let answer = match (outcome, body) {
        ("response", Ok(body)) => Ok(body),
        ("error", Ok(body)) => Err(InvokeError::Function(body)),
        (_, Err(BodyError::TooLarge)) => Err(InvokeError::TooLarge),
        (_, Err(BodyError::BrokenOff)) => Err(InvokeError::Crashed("its answer broke off".to_owned())),
        _ => return error(StatusCode::NOT_FOUND, "no such operation"),
    };
    // First the phase: whoever is woken by the answer and calls again finds an environment that is nearly free.
    environment.function.lock().advance(environment, Phase::Finishing);
    if environment.finish(Some(request_id), answer) {
        accepted()
    } else {
        error(StatusCode::BAD_REQUEST, "no such invocation")
    }
}

fn hand_over(work: Work, environment: &Environment) -> Response<Body> {
    let mut response = server::respond(StatusCode::OK, "application/json", work.event);
    let headers = response.headers_mut();
    let arn = environment.function.arn();
    let trace = format!("Root=1-{:08x}-{:024x};Sampled=0", work.deadline_ms / 1000, rand::random::<u64>());
    for (name, value) in [
        ("lambda-runtime-aws-request-id", work.request_id),
        ("lambda-runtime-deadline-ms", work.deadline_ms.to_string()),
        ("lambda-runtime-invoked-function-arn", arn),
        ("lambda-runtime-trace-id", trace),
    ] {
        if let Ok(value) = HeaderValue::try_from(value) {
            headers.insert(name, value);
        }
    }
    response
}

fn accepted() -> Response<Body> {
    server::json(StatusCode::ACCEPTED, &serde_json::json!({ "status": "OK" }))
}

fn error(status: StatusCode, text: &str) -> Response<Body> {
    server::json(status, &serde_json::json!({ "errorType": "LocalCloud", "errorMessage": text }))
}

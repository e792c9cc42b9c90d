//! Listening on 127.0.0.1 and serving HTTP/1.1: every port of the cloud is served by this.

use std::future::Future;
use std::net::{Ipv4Addr, SocketAddr};

use bytes::Bytes;
use http::{HeaderValue, Request, Response, StatusCode, header};
use http_body_util::{BodyExt as _, Full, LengthLimitError, Limited};
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use tokio::net::TcpListener;
use tokio::sync::watch;

use crate::activity::Activity;
use crate::ids;

/// Why a port cannot be had.
#[derive(Debug, thiserror::Error)]
#[error("port {port} on 127.0.0.1 cannot be used ({source}); end what listens there, or choose another with --port")]
pub struct PortTaken {
    /// The port.
    pub port: u16,
    source: std::io::Error,
}

/// Told once: everything ends.
pub(crate) type Ending = watch::Receiver<bool>;

/// Waits for the end.
pub(crate) async fn ended(mut ending: Ending) {
    // An error means that the cloud itself is gone, which is the end too.
    let _ = ending.wait_for(|end| *end).await;
}

/// Listens on 127.0.0.1; 0 is any free port.
pub(crate) async fn listen(port: u16) -> Result<(TcpListener, SocketAddr), PortTaken> {
    let taken = |source| PortTaken { port, source };
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, port)).await.map_err(taken)?;
    let address = listener.local_addr().map_err(taken)?;
    Ok((listener, address))
}

/// Serves until the end. Connections that are open then are dropped.
pub(crate) fn serve<H, F, B>(listener: TcpListener, ending: Ending, handler: H)
where
    H: Fn(Request<Incoming>, SocketAddr) -> F + Clone + Send + Sync + 'static,
    F: Future<Output = Response<B>> + Send + 'static,
    B: hyper::body::Body<Data = Bytes> + Send + 'static,
    B::Error: Into<Box<dyn std::error::Error + Send + Sync>>,
{
    tokio::spawn(async move {
        let end = ended(ending.clone());
        tokio::pin!(end);
        loop {
            let accepted = tokio::select! {
                accepted = listener.accept() => accepted,
                () = &mut end => return,
            };
            // Out of file descriptors or the like: this connection is lost, the next may do.
            let Ok((stream, peer)) = accepted else { continue };
            // Without it the kernel holds back small frames for up to 40 ms.
            let _ = stream.set_nodelay(true);
            let handler = handler.clone();
            let ending = ending.clone();
            tokio::spawn(async move {
                let service = service_fn(|request| {
                    let answer = handler(request, peer);
                    async move {
                        let response = answer.await;
                        // The server drops the connection when there is an error instead of a response.
                        if response.extensions().get::<HangUp>().is_some() { Err(HangUp) } else { Ok(response) }
                    }
                });
                // Idle connections stay: a function's client keeps its connection while the function is frozen.
                let connection = http1::Builder::new().serve_connection(TokioIo::new(stream), service).with_upgrades();
                tokio::select! {
                    // An error is the client's breaking off, and nobody's business.
                    _ = connection => {}
                    () = ended(ending) => {}
                }
            });
        }
    });
}

/// Marks a response that is never sent: the connection breaks instead.
#[derive(Debug, Clone, Copy, thiserror::Error)]
#[error("the connection shall break")]
struct HangUp;

/// Breaks the connection instead of sending the response.
pub(crate) fn hang_up<B>(mut response: Response<B>) -> Response<B> {
    response.extensions_mut().insert(HangUp);
    response
}

/// A whole body in memory.
pub(crate) type Body = Full<Bytes>;

/// Why a body was not read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum BodyError {
    /// Larger than allowed.
    TooLarge,
    /// The client broke off.
    BrokenOff,
}

/// Reads a body of at most `limit` bytes.
pub(crate) async fn read(body: Incoming, limit: usize) -> Result<Bytes, BodyError> {
    match Limited::new(body, limit).collect().await {
        Ok(collected) => Ok(collected.to_bytes()),
        Err(error) if error.is::<LengthLimitError>() => Err(BodyError::TooLarge),
        Err(_) => Err(BodyError::BrokenOff),
    }
}

/// An answer with a status, a content type and a body.
pub(crate) fn respond(status: StatusCode, content_type: &'static str, body: impl Into<Bytes>) -> Response<Body> {
    let mut response = Response::new(Full::new(body.into()));
    *response.status_mut() = status;
    response.headers_mut().insert(header::CONTENT_TYPE, HeaderValue::from_static(content_type));
    response
}

/// A JSON answer.
pub(crate) fn json(status: StatusCode, value: &impl serde::Serialize) -> Response<Body> {
    respond(status, "application/json", serde_json::to_vec(value).unwrap_or_default())
}

/// `{"message": ...}`, as gateways say what is wrong.
pub(crate) fn message(status: StatusCode, text: &str) -> Response<Body> {
    json(status, &serde_json::json!({ "message": text }))
}

/// An error as AWS SDKs know it by its header.
pub(crate) fn refuse(status: StatusCode, kind: &'static str, text: &str) -> Response<Body> {
    let mut response = message(status, text);
    response.headers_mut().insert("x-amzn-errortype", HeaderValue::from_static(kind));
    response
}

/// An answer in AWS's JSON protocol, version 1.0, with the request id that SDKs put into their logs.
pub(crate) fn aws_json(status: StatusCode, json: impl Into<Bytes>) -> Response<Body> {
    let mut response = respond(status, "application/x-amz-json-1.0", json);
    if let Ok(id) = HeaderValue::try_from(ids::uuid()) {
        response.headers_mut().insert("x-amzn-requestid", id);
    }
    response
}

/// Permissive CORS, as the template sets it for the HTTP API and the bucket: any page may call.
pub(crate) fn allow_any_origin<B>(response: &mut Response<B>) {
    let headers = response.headers_mut();
    for (name, value) in [
        (header::ACCESS_CONTROL_ALLOW_ORIGIN, "*"),
        (header::ACCESS_CONTROL_ALLOW_METHODS, "DELETE,GET,HEAD,OPTIONS,PATCH,POST,PUT"),
        (header::ACCESS_CONTROL_ALLOW_HEADERS, "*,authorization"),
        (header::ACCESS_CONTROL_EXPOSE_HEADERS, "*,etag"),
        (header::ACCESS_CONTROL_MAX_AGE, "86400"),
    ] {
        headers.insert(name, HeaderValue::from_static(value));
    }
}

/// Whether a browser asks ahead for permission.
pub(crate) fn is_preflight<B>(request: &Request<B>) -> bool {
    request.method() == http::Method::OPTIONS && request.headers().contains_key(header::ACCESS_CONTROL_REQUEST_METHOD)
}

/// Answers. Where that is done elsewhere, in a task of its own, so that it goes on when its caller hangs up: what has
/// begun takes effect there all the same, and is to be booked, and under way until then.
pub(crate) async fn to_the_end(
    elsewhere: Option<Activity>,
    answer: impl Future<Output = Response<Body>> + Send + 'static,
) -> Response<Body> {
    let Some(activity) = elsewhere else { return answer.await };
    let under_way = activity.begin();
    let answered = tokio::spawn(async move {
        let _under_way = under_way;
        answer.await
    });
    answered.await.unwrap_or_else(|_| message(StatusCode::INTERNAL_SERVER_ERROR, "the call failed"))
}

//! The HTTP API: payload format 2.0 in both directions, and CORS for any origin.

use std::collections::{BTreeMap, HashMap};
use std::net::SocketAddr;
use std::sync::Arc;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use http::{HeaderMap, HeaderName, HeaderValue, Request, Response, StatusCode, header};
use hyper::body::Incoming;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use tidings_protocol::http::HttpRoute;

use super::event::parse_query;
use super::{API_ID, Gateway};
use crate::caller::Caller;
use crate::faults::Injected;
use crate::front::{Call, Service};
use crate::host::{ACCOUNT, InvokeError};
use crate::ledger::{Counters, prices};
use crate::server::{self, Body, BodyError};
use crate::{clock, ids};

/// The routes, their paths taken apart.
#[derive(Debug)]
pub(super) struct HttpRoutes(Vec<ParsedRoute>);

#[derive(Debug)]
struct ParsedRoute {
    /// `GET /v1/conversations/{id}/entries`.
    key: Arc<str>,
    method: &'static str,
    segments: Vec<&'static str>,
    function: &'static str,
}

/// A route that fits, and what its path names.
type Found<'a> = (&'a ParsedRoute, BTreeMap<&'static str, String>);

impl HttpRoutes {
    pub(super) fn new(routes: &'static [HttpRoute]) -> Self {
        let parse = |route: &'static HttpRoute| ParsedRoute {
            key: format!("{} {}", route.method, route.path).into(),
            method: route.method,
            segments: route.path.split('/').collect(),
            function: route.function,
        };
        Self(routes.iter().map(parse).collect())
    }

    fn find(&self, method: &str, path: &str) -> Option<Found<'_>> {
        let segments: Vec<_> = path.split('/').collect();
        self.0.iter().filter(|route| route.method == method && route.segments.len() == segments.len()).find_map(
            |route| {
                let mut parameters = BTreeMap::new();
                for (pattern, segment) in route.segments.iter().zip(&segments) {
                    match pattern.strip_prefix('{').and_then(|name| name.strip_suffix('}')) {
                        Some(name) if !segment.is_empty() => {
                            let value = percent_encoding::percent_decode_str(segment).decode_utf8_lossy();
                            parameters.insert(name, value.into_owned());
                        }
                        None if pattern == segment => {}
                        _ => return None,
                    }
                }
                Some((route, parameters))
            },
        )
    }
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct Event<'a> {
    version: &'static str,
    route_key: &'a str,
    raw_path: &'a str,
    raw_query_string: &'a str,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    cookies: Vec<String>,
    headers: BTreeMap<&'a str, String>,
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    query_string_parameters: BTreeMap<String, String>,
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    path_parameters: BTreeMap<&'static str, String>,
    request_context: Context<'a>,
    #[serde(skip_serializing_if = "Option::is_none")]
    body: Option<String>,
    is_base64_encoded: bool,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct Context<'a> {
    account_id: &'static str,
    api_id: &'static str,
    domain_name: &'a str,
    domain_prefix: &'static str,
    http: Http<'a>,
    request_id: String,
    route_key: &'a str,
    stage: &'static str,
    time: String,
    time_epoch: u64,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct Http<'a> {
    method: &'a str,
    path: &'a str,
    protocol: &'static str,
    source_ip: String,
    user_agent: &'a str,
}

/// What a function answers when it answers in full.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Answer {
    status_code: u16,
    #[serde(default)]
    headers: HashMap<String, Value>,
    #[serde(default)]
    cookies: Vec<String>,
    #[serde(default)]
    body: Option<String>,
    #[serde(default)]
    is_base64_encoded: bool,
}

impl Gateway {
    /// Whatever is no other path: a request to the HTTP API.
    pub(crate) async fn answer_http(self: &Arc<Self>, request: Request<Incoming>, peer: SocketAddr) -> Response<Body> {
        if server::is_preflight(&request) {
            let mut response = Response::new(Body::default());
            *response.status_mut() = StatusCode::NO_CONTENT;
            server::allow_any_origin(&mut response);
            return response;
        }
        let has_origin = request.headers().contains_key(header::ORIGIN);
        let mut response = self.route_http(request, peer).await;
        if has_origin {
            server::allow_any_origin(&mut response);
        }
        response
    }

    async fn route_http(self: &Arc<Self>, request: Request<Incoming>, peer: SocketAddr) -> Response<Body> {
        let (parts, body) = request.into_parts();
        let Some((route, parameters)) = self.http_routes.find(parts.method.as_str(), parts.uri.path()) else {
            return server::message(StatusCode::NOT_FOUND, "Not Found");
        };
        if !self.requests.take(1.0) {
            return server::message(StatusCode::TOO_MANY_REQUESTS, "Too Many Requests");
        }
        let body = match server::read(body, self.limits.http_body_bytes).await {
            Ok(body) => body,
            Err(BodyError::TooLarge) => {
                return server::message(StatusCode::PAYLOAD_TOO_LARGE, "Request Entity Too Large");
            }
            Err(BodyError::BrokenOff) => return server::message(StatusCode::BAD_REQUEST, "Bad Request"),
        };
        let http_requests = prices::pieces(body.len(), prices::HTTP_PIECE);
        let event = self.http_event(&parts, body, peer, route, parameters);
        let gateway = Arc::clone(self);
        let use_case = Arc::clone(&route.key);
        let function = route.function;
        // Spawned, because a client that hangs up must not undo the call.
        let work = tokio::spawn(async move {
            let caller = Caller::new(use_case);
            let call = Call { service: Service::Http, operation: function, caller: &caller };
            let serve = async {
                let answer = gateway.host.invoke(function, event, &caller).await;
                let response = match answer {
                    Ok(answer) => response(&answer).unwrap_or_else(internal),
                    Err(InvokeError::Throttled) => unavailable(),
                    Err(_) => internal(),
                };
                (response, Counters { count: 1, http_requests, ..Counters::default() })
            };
            gateway.front.call(call, serve).await.unwrap_or_else(Injected::by_http_api)
        });
        match tokio::time::timeout(self.limits.integration_timeout, work).await {
            Ok(done) => done.unwrap_or_else(|_| internal()),
            Err(_) => unavailable(),
        }
    }

    fn http_event(
        &self,
        parts: &http::request::Parts,
        body: Bytes,
        peer: SocketAddr,
        route: &ParsedRoute,
        path_parameters: BTreeMap<&'static str, String>,
    ) -> Bytes {
        let now = clock::now_ms();
        let raw_query_string = parts.uri.query().unwrap_or_default();
        let (headers, cookies) = headers(&parts.headers);
        let (body, is_base64_encoded) = encode(&parts.headers, body);
        let event = Event {
            version: "2.0",
            route_key: &route.key,
            raw_path: parts.uri.path(),
            raw_query_string,
            cookies,
            query_string_parameters: parse_query(Some(raw_query_string))
                .into_iter()
                .map(|(name, values)| (name, values.join(",")))
                .collect(),
            path_parameters,
            request_context: Context {
                account_id: ACCOUNT,
                api_id: API_ID,
                domain_name: &self.domain,
                domain_prefix: API_ID,
                http: Http {
                    method: parts.method.as_str(),
                    path: parts.uri.path(),
                    protocol: "HTTP/1.1",
                    source_ip: peer.ip().to_string(),
                    user_agent: headers.get("user-agent").map(String::as_str).unwrap_or_default(),
                },
                request_id: ids::gateway_id(),
                route_key: &route.key,
                stage: "$default",
                time: clock::gateway_time(now),
                time_epoch: now,
            },
            headers: headers.clone(),
            body,
            is_base64_encoded,
        };
        serde_json::to_vec(&event).unwrap_or_default().into()
    }
}

/// Names in lower case, several values joined by commas, cookies apart.
fn headers(headers: &HeaderMap) -> (BTreeMap<&str, String>, Vec<String>) {
    let mut joined = BTreeMap::<&str, String>::new();
    let mut cookies = Vec::new();
    for (name, value) in headers {
        let value = String::from_utf8_lossy(value.as_bytes());
        if name == header::COOKIE {
            cookies.extend(value.split(';').map(|cookie| cookie.trim().to_owned()));
        } else if let Some(known) = joined.get_mut(name.as_str()) {
            known.push(',');
            known.push_str(&value);
        } else {
            joined.insert(name.as_str(), value.into_owned());
        }
    }
    (joined, cookies)
}

/// Text as it is, anything else in base64.
fn encode(headers: &HeaderMap, body: Bytes) -> (Option<String>, bool) {
    if body.is_empty() {
        return (None, false);
    }
    let kind = headers.get(header::CONTENT_TYPE).and_then(|kind| kind.to_str().ok()).unwrap_or_default();
    let is_text = ["text/", "application/json", "application/javascript", "application/xml"]
        .iter()
        .any(|text| kind.starts_with(text));
    match (is_text, String::from_utf8(body.into())) {
        (true, Ok(text)) => (Some(text), false),
        (_, Ok(text)) => (Some(STANDARD.encode(text)), true),
        (_, Err(bytes)) => (Some(STANDARD.encode(bytes.as_bytes())), true),
    }
}

/// The response of an answer in either format; `None` if it is in neither.
fn response(answer: &[u8]) -> Option<Response<Body>> {
    let value: Value = serde_json::from_slice(answer).ok()?;
    if value.get("statusCode").is_none() {
        // The short format: whatever JSON it is becomes the body.
        return Some(server::respond(StatusCode::OK, "application/json", answer.to_vec()));
    }
    let answer: Answer = serde_json::from_value(value).ok()?;
    let body = answer.body.unwrap_or_default();
    let body = if answer.is_base64_encoded { STANDARD.decode(body).ok()? } else { body.into_bytes() };
    let mut response =
        server::respond(StatusCode::from_u16(answer.status_code).ok()?, "text/plain;charset=UTF-8", body);
    for (name, value) in answer.headers {
        let value = match value {
            Value::String(text) => text,
            Value::Number(_) | Value::Bool(_) => value.to_string(),
            _ => return None,
        };
        let name = HeaderName::try_from(name).ok()?;
        // The server states the length itself.
        if name != header::CONTENT_LENGTH {
            response.headers_mut().insert(name, HeaderValue::try_from(value).ok()?);
        }
    }
    for cookie in answer.cookies {
        response.headers_mut().append(header::SET_COOKIE, HeaderValue::try_from(cookie).ok()?);
    }
    Some(response)
}

fn unavailable() -> Response<Body> {
    server::message(StatusCode::SERVICE_UNAVAILABLE, "Service Unavailable")
}

fn internal() -> Response<Body> {
    server::message(StatusCode::INTERNAL_SERVER_ERROR, "Internal Server Error")
}

#[cfg(test)]
mod tests {
    use super::*;

    static ROUTES: &[HttpRoute] = tidings_protocol::http::ROUTES;

    #[test]
    fn paths_find_their_route() {
        let routes = HttpRoutes::new(ROUTES);
        let (route, parameters) = routes.find("GET", "/v1/conversations/d%3Aa%3Ab/entries").unwrap();
        assert_eq!(&*route.key, "GET /v1/conversations/{id}/entries");
        assert_eq!(parameters["id"], "d:a:b");
        assert!(routes.find("PUT", "/v1/conversations/x/entries").is_none());
        assert!(routes.find("GET", "/v1/conversations//entries").is_none());
        assert!(routes.find("GET", "/v1/conversations/x/entries/").is_none());
    }

    #[test]
    fn both_response_formats_are_understood() {
        let full = response(br#"{"statusCode":201,"headers":{"content-type":"a/b","x-n":1},"cookies":["a=b"],"body":"aGk=","isBase64Encoded":true}"#).unwrap();
        assert_eq!(full.status(), 201);
        assert_eq!(full.headers()["content-type"], "a/b");
        assert_eq!(full.headers()["x-n"], "1");
        assert_eq!(full.headers()["set-cookie"], "a=b");
        let short = response(br#"{"user":"x"}"#).unwrap();
        assert_eq!(
            (short.status().as_u16(), &short.headers()["content-type"]),
            (200, &HeaderValue::from_static("application/json"))
        );
        assert!(response(b"nonsense").is_none());
        assert!(response(br#"{"statusCode":"x"}"#).is_none());
    }

    #[test]
    fn bodies_that_are_no_text_come_in_base64() {
        let mut headers = HeaderMap::new();
        assert_eq!(encode(&headers, Bytes::new()), (None, false));
        assert_eq!(encode(&headers, "hi".into()), (Some("aGk=".to_owned()), true));
        headers.insert("content-type", "application/json".parse().unwrap());
        assert_eq!(encode(&headers, "{}".into()), (Some("{}".to_owned()), false));
        assert_eq!(encode(&headers, vec![255].into()), (Some("/w==".to_owned()), true));
    }
}

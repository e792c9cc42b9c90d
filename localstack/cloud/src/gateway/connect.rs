//! A client opens a socket: handshake, authorizer, `$connect`, and only then the upgrade. Nothing can be posted to
//! the connection before the socket is up, as on AWS: a post in between gets Gone.

use std::net::SocketAddr;
use std::sync::Arc;

use http::{HeaderValue, Request, Response, StatusCode, header};
use hyper::body::Incoming;
use hyper::upgrade::OnUpgrade;
use serde::Deserialize;
use serde_json::Map;
use tokio_tungstenite::tungstenite::handshake::derive_accept_key;

use super::Gateway;
use super::authorizer::{FUNCTION, IDENTITY_SOURCE};
use super::connections::Connection;
use super::event::{About, ConnectRequest, parse_query};
use crate::caller::Caller;
use crate::front::{Call, Service};
use crate::ids;
use crate::ledger::Counters;
use crate::server::{self, Body};

/// What `$connect` answers.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
struct ConnectAnswer {
    status_code: u16,
    #[serde(default)]
    headers: std::collections::HashMap<String, String>,
    body: Option<String>,
}

impl Gateway {
    /// `GET /socket` with an upgrade.
    pub(crate) async fn answer_upgrade(
        self: &Arc<Self>,
        mut request: Request<Incoming>,
        peer: SocketAddr,
    ) -> Response<Body> {
        let Some(accept) = accept_key(&request) else {
            return server::message(StatusCode::BAD_REQUEST, "this path speaks WebSocket");
        };
        if !self.new_connections.take(1.0) {
            return server::message(StatusCode::TOO_MANY_REQUESTS, "Too Many Requests");
        }
        let upgrade = hyper::upgrade::on(&mut request);
        let gateway = Arc::clone(self);
        // Spawned: a client that hangs up meanwhile must not tear `$connect` in two.
        let connecting = tokio::spawn(async move {
            let (parts, _) = request.into_parts();
            gateway.connect(&parts, peer, &accept, upgrade).await
        });
        connecting.await.unwrap_or_else(|_| internal())
    }

    async fn connect(
        self: &Arc<Self>,
        request: &http::request::Parts,
        peer: SocketAddr,
        accept: &str,
        upgrade: OnUpgrade,
    ) -> Response<Body> {
        let Some(route) = self.routes.get("$connect") else { return internal() };
        // One piece of work from the authorizer to the open socket.
        let connecting = self.front.activity().begin();
        let caller = Caller::new(Arc::clone(&route.key));
        let call = Call { service: Service::Gateway, operation: "$connect", caller: &caller };
        self.front.book(call, &Counters { count: 1, ..Counters::default() });

        let query = parse_query(request.uri.query());
        let parsed = ConnectRequest::new(&request.headers, &query);
        let user_agent =
            request.headers.get(header::USER_AGENT).and_then(|agent| agent.to_str().ok()).map(str::to_owned);
        let (mut connection, outgoing) =
            Connection::new(ids::gateway_id(), peer, user_agent, Map::new(), self.limits.outgoing_bytes);
        let request_id = ids::gateway_id();
        if self.host.names().contains(&FUNCTION) {
            if query.get(IDENTITY_SOURCE).is_none_or(|values| values.iter().all(String::is_empty)) {
                return server::message(StatusCode::UNAUTHORIZED, "Unauthorized");
            }
            match self.authorize(&connection, &parsed, &request_id, &caller).await {
                Ok(context) => connection.authorizer = context,
                Err(refusal) => return refusal,
            }
        }
        let mut subprotocol = None;
        if let Some(function) = route.function {
            let event = self.event(&connection, "$connect", &request_id, About::Connect(parsed));
            let answer = self.host.invoke(function, event, &caller).await;
            let Some(answer) = answer.ok().and_then(|answer| serde_json::from_slice::<ConnectAnswer>(&answer).ok())
            else {
                return internal();
            };
            if !(200..300).contains(&answer.status_code) {
                return refusal(&answer);
            }
            subprotocol = answer
                .headers
                .into_iter()
                .find(|(name, _)| name.eq_ignore_ascii_case("sec-websocket-protocol"))
                .and_then(|(_, value)| HeaderValue::try_from(value).ok());
        }

        let gateway = Arc::clone(self);
        tokio::spawn(gateway.run_socket(Arc::new(connection), upgrade, outgoing, connecting));
        let mut response = Response::new(Body::default());
        *response.status_mut() = StatusCode::SWITCHING_PROTOCOLS;
        let headers = response.headers_mut();
        headers.insert(header::CONNECTION, HeaderValue::from_static("Upgrade"));
        headers.insert(header::UPGRADE, HeaderValue::from_static("websocket"));
        if let Ok(accept) = HeaderValue::try_from(accept) {
            headers.insert(header::SEC_WEBSOCKET_ACCEPT, accept);
        }
        if let Some(subprotocol) = subprotocol {
            headers.insert(header::SEC_WEBSOCKET_PROTOCOL, subprotocol);
        }
        response
    }
}

/// The handshake's answer, if the request is a proper one.
fn accept_key(request: &Request<Incoming>) -> Option<String> {
    let headers = request.headers();
    let has = |name: header::HeaderName, token: &str| {
        headers
            .get_all(name)
            .iter()
            .filter_map(|value| value.to_str().ok())
            .flat_map(|value| value.split(','))
            .any(|part| part.trim().eq_ignore_ascii_case(token))
    };
    let proper = request.method() == http::Method::GET
        && has(header::CONNECTION, "upgrade")
        && has(header::UPGRADE, "websocket")
        && has(header::SEC_WEBSOCKET_VERSION, "13");
    let key = headers.get(header::SEC_WEBSOCKET_KEY)?;
    proper.then(|| derive_accept_key(key.as_bytes()))
}

/// The function refused: its status goes to the client.
fn refusal(answer: &ConnectAnswer) -> Response<Body> {
    let status = StatusCode::from_u16(answer.status_code).unwrap_or(StatusCode::FORBIDDEN);
    // An informational or redirecting status would leave the client hanging.
    let status = if status.is_client_error() || status.is_server_error() { status } else { StatusCode::FORBIDDEN };
    match &answer.body {
        Some(body) if !body.is_empty() => server::respond(status, "application/json", body.clone()),
        _ => server::message(status, status.canonical_reason().unwrap_or("Forbidden")),
    }
}

fn internal() -> Response<Body> {
    server::message(StatusCode::INTERNAL_SERVER_ERROR, "Internal server error")
}

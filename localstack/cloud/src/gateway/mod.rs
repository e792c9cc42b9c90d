//! A gateway that behaves like API Gateway: a WebSocket API and an HTTP API, both in front of the functions.
//!
//! - [`connect`]: a client opens a socket: authorizer, `$connect`, upgrade,
//! - [`authorizer`]: who may,
//! - [`socket`]: one open socket: frames in, frames out, its limits, its end,
//! - [`frames`]: a frame finds its route and its function, and the reply its way back,
//! - [`connections`]: which sockets are up, and the `@connections` API,
//! - [`event`]: the events that functions get,
//! - [`http_api`]: the HTTP API with payload format 2.0.

mod authorizer;
mod connect;
mod connections;
mod event;
mod frames;
mod http_api;
mod socket;

use std::collections::HashMap;
use std::sync::Arc;

use crate::bucket::Bucket;
use crate::front::Front;
use crate::host::Host;
use crate::limits::Limits;
use crate::server::Ending;
use connections::Connections;
use http_api::HttpRoutes;

/// The path of the WebSocket API: a stage as it were.
pub(crate) const SOCKET_PATH: &str = "/socket";
/// The path under which connections are posted to.
pub(crate) const CONNECTIONS_PREFIX: &str = "/socket/@connections/";
/// The WebSocket API's stage.
pub(crate) const STAGE: &str = "local";
/// The id of both APIs.
pub(crate) const API_ID: &str = "local";

/// The gateway.
#[derive(Debug)]
pub(crate) struct Gateway {
    host: Arc<Host>,
    front: Arc<Front>,
    limits: Limits,
    routes: HashMap<&'static str, Route>,
    http_routes: HttpRoutes,
    connections: Connections,
    requests: Bucket,
    new_connections: Bucket,
    /// `127.0.0.1:PORT`, as events name the domain.
    domain: String,
    ending: Ending,
}

/// A route of the WebSocket API.
#[derive(Debug, Clone)]
struct Route {
    key: Arc<str>,
    /// The function behind it; without one, a mock that never replies.
    function: Option<&'static str>,
}

impl Gateway {
    /// A gateway with the routes of the protocol, at `domain` (`127.0.0.1:PORT`).
    pub(crate) fn new(host: Arc<Host>, front: Arc<Front>, limits: Limits, domain: String, ending: Ending) -> Arc<Self> {
        let routes = tidings_protocol::actions::ACTIONS
            .iter()
            .map(|action| (action.name, Route { key: action.name.into(), function: action.function }))
            .collect();
        Arc::new(Self {
            host,
            front,
            routes,
            http_routes: HttpRoutes::new(tidings_protocol::http::ROUTES),
            connections: Connections::default(),
            requests: Bucket::new(limits.requests_per_s, limits.request_burst),
            new_connections: Bucket::new(limits.connections_per_s, limits.connections_per_s),
            limits,
            domain,
            ending,
        })
    }

    /// How many sockets are up.
    pub(crate) fn open_sockets(&self) -> usize {
        self.connections.len()
    }

    /// Breaks every open connection without a close frame, as when a network fails; how many there were.
    pub(crate) fn cut_sockets(&self) -> usize {
        let connections = self.connections.all();
        for connection in &connections {
            connection.cut();
        }
        connections.len()
    }

    /// Books the minutes of all open connections up to now, so that a snapshot of the ledger has them.
    pub(crate) fn settle_connection_minutes(&self) {
        for connection in self.connections.all() {
            self.book_minutes(&connection);
        }
    }
}

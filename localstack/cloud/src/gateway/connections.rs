//! Which sockets are up, and the `@connections` API that functions post to them with.

use std::collections::HashMap;
use std::net::SocketAddr;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError, RwLock};

use bytes::Bytes;
use http::{Method, Request, Response, StatusCode};
use hyper::body::Incoming;
use serde_json::{Map, Value};
use tokio::sync::{OwnedSemaphorePermit, Semaphore, mpsc};
use tokio::time::Instant;

use super::{CONNECTIONS_PREFIX, Gateway};
use crate::caller::Caller;
use crate::clock;
use crate::faults::{Injected, PostFault};
use crate::front::{Call, Service};
use crate::ledger::{Counters, Right, prices};
use crate::server::{self, Body, BodyError};

/// One client's connection: what every event of it says, and the way to it.
#[derive(Debug)]
pub(super) struct Connection {
    pub(super) id: String,
    pub(super) connected_at_ms: u64,
    pub(super) peer: SocketAddr,
    pub(super) user_agent: Option<String>,
    /// The authorizer's context, in every later event.
    pub(super) authorizer: Map<String, Value>,
    last_active_ms: AtomicU64,
    outgoing: mpsc::UnboundedSender<Outgoing>,
    /// One permit for each byte that may wait for a slow client.
    room: Arc<Semaphore>,
    room_bytes: usize,
    /// Up to when its minutes are booked.
    booked: Mutex<Instant>,
}

/// What a socket is told to do.
#[derive(Debug)]
pub(super) enum Outgoing {
    /// Send this. The permit gives the room back once it is written.
    Frame(String, OwnedSemaphorePermit),
    /// Close, as `DELETE @connections` asks.
    Close,
    /// Break the connection, without a close frame.
    Cut,
}

/// Why a frame could not be handed to a connection.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Refused {
    /// It is not up any more.
    Gone,
    /// Too much waits for it already.
    Full,
}

impl Connection {
    pub(super) fn new(
        id: String,
        peer: SocketAddr,
        user_agent: Option<String>,
        authorizer: Map<String, Value>,
        room_bytes: usize,
    ) -> (Self, mpsc::UnboundedReceiver<Outgoing>) {
        let (outgoing, receiver) = mpsc::unbounded_channel();
        let now = clock::now_ms();
        let connection = Self {
            id,
            connected_at_ms: now,
            peer,
            user_agent,
            authorizer,
            last_active_ms: AtomicU64::new(now),
            outgoing,
            room: Arc::new(Semaphore::new(room_bytes)),
            room_bytes,
            booked: Mutex::new(Instant::now()),
        };
        (connection, receiver)
    }

    /// A frame went in or out.
    pub(super) fn touch(&self) {
        self.last_active_ms.store(clock::now_ms(), Ordering::Relaxed);
    }

    fn permits(&self, text: &str) -> u32 {
        // A frame larger than all the room must not wait for ever.
        u32::try_from(text.len().clamp(1, self.room_bytes)).unwrap_or(u32::MAX)
    }

    /// Hands over a post, if there is room for it.
    pub(super) fn post(&self, text: String) -> Result<(), Refused> {
        let permit = Arc::clone(&self.room).try_acquire_many_owned(self.permits(&text)).map_err(|_| Refused::Full)?;
        self.outgoing.send(Outgoing::Frame(text, permit)).map_err(|_| Refused::Gone)
    }

    /// Breaks the connection, as a network does.
    pub(super) fn cut(&self) {
        // An error means that it is gone already.
        let _ = self.outgoing.send(Outgoing::Cut);
    }

    /// Hands over a reply, waiting for room.
    pub(super) async fn reply(&self, text: String) {
        // Errors mean that the connection is gone, and the reply with it.
        if let Ok(permit) = Arc::clone(&self.room).acquire_many_owned(self.permits(&text)).await {
            let _ = self.outgoing.send(Outgoing::Frame(text, permit));
        }
    }
}

/// The sockets that are up, by connection id.
#[derive(Debug, Default)]
pub(super) struct Connections {
    up: RwLock<HashMap<String, Arc<Connection>>>,
}

impl Connections {
    pub(super) fn len(&self) -> usize {
        self.up.read().unwrap_or_else(PoisonError::into_inner).len()
    }

    pub(super) fn all(&self) -> Vec<Arc<Connection>> {
        self.up.read().unwrap_or_else(PoisonError::into_inner).values().cloned().collect()
    }

    pub(super) fn insert(&self, connection: &Arc<Connection>) {
        self.up.write().unwrap_or_else(PoisonError::into_inner).insert(connection.id.clone(), Arc::clone(connection));
    }

    pub(super) fn remove(&self, id: &str) {
        self.up.write().unwrap_or_else(PoisonError::into_inner).remove(id);
    }

    fn get(&self, id: &str) -> Option<Arc<Connection>> {
        self.up.read().unwrap_or_else(PoisonError::into_inner).get(id).cloned()
    }
}

impl Gateway {
    /// Books a connection's minutes since the last time.
    pub(super) fn book_minutes(&self, connection: &Connection) {
        let mut booked = connection.booked.lock().unwrap_or_else(PoisonError::into_inner);
        let now = Instant::now();
        let connection_minutes = now.duration_since(*booked).as_secs_f64() / 60.0;
        *booked = now;
        drop(booked);
        self.front.ledger().book(&"connections".into(), &Counters { connection_minutes, ..Counters::default() });
    }

    /// `POST`, `GET` and `DELETE /socket/@connections/{id}`.
    pub(crate) async fn answer_connections(&self, request: Request<Incoming>) -> Response<Body> {
        let caller = self.front.badges().caller(request.headers(), request.uri().query());
        let id = request.uri().path().strip_prefix(CONNECTIONS_PREFIX).unwrap_or_default();
        let id = percent_encoding::percent_decode_str(id).decode_utf8_lossy().into_owned();
        if !self.requests.take(1.0) {
            return server::refuse(StatusCode::TOO_MANY_REQUESTS, "LimitExceededException", "Too Many Requests");
        }
        let method = request.method().clone();
        let operation = match method {
            Method::POST => "PostToConnection",
            Method::GET => "GetConnection",
            Method::DELETE => "DeleteConnection",
            _ => return server::refuse(StatusCode::FORBIDDEN, "ForbiddenException", "Forbidden"),
        };
        let body = match server::read(request.into_body(), self.limits.message_bytes).await {
            Ok(body) => body,
            Err(BodyError::TooLarge) => return too_large(),
            Err(BodyError::BrokenOff) => {
                return server::refuse(StatusCode::BAD_REQUEST, "BadRequestException", "broken off");
            }
        };
        self.front.note(&caller, || vec![Right::on("execute-api:ManageConnections", format!("connections/{method}"))]);
        let call = Call { service: Service::Gateway, operation, caller: &caller };
        let serve = async {
            match operation {
                "PostToConnection" => self.answer_post(&caller, &id, &body),
                "GetConnection" => (self.answer_get(&id), Counters::default()),
                _ => (self.answer_delete(&id), Counters::default()),
            }
        };
        self.front.call(call, serve).await.unwrap_or_else(Injected::by_connections)
    }

    fn answer_post(&self, caller: &Caller, id: &str, body: &Bytes) -> (Response<Body>, Counters) {
        let Some(connection) = self.connections.get(id) else { return (gone(), Counters::default()) };
        let fault = if caller.exposed { self.front.faults().of_post() } else { None };
        let posted = match fault {
            None => connection.post(String::from_utf8_lossy(body).into_owned()),
            Some(PostFault::Cut) => {
                connection.cut();
                Ok(())
            }
            Some(PostFault::TooMany) => Err(Refused::Full),
            Some(PostFault::Gone) => Err(Refused::Gone),
            Some(PostFault::TooLarge) => return (too_large(), Counters::default()),
        };
        match posted {
            Ok(()) => {
                let gateway_messages = prices::pieces(body.len(), prices::GATEWAY_PIECE);
                let bill = Counters { gateway_messages, ..Counters::default() };
                (server::respond(StatusCode::OK, "application/json", ""), bill)
            }
            Err(Refused::Gone) => (gone(), Counters::default()),
            Err(Refused::Full) => {
                let text = "The client's buffer is full";
                let response = server::refuse(StatusCode::TOO_MANY_REQUESTS, "LimitExceededException", text);
                (response, Counters::default())
            }
        }
    }

    fn answer_get(&self, id: &str) -> Response<Body> {
        self.connections.get(id).map_or_else(gone, |connection| {
            let at = |ms| clock::iso_time(ms);
            let identity = serde_json::json!({"sourceIp": connection.peer.ip(), "userAgent": connection.user_agent});
            let active = connection.last_active_ms.load(Ordering::Relaxed);
            server::json(
                StatusCode::OK,
                &serde_json::json!({
                    "connectedAt": at(connection.connected_at_ms),
                    "identity": identity,
                    "lastActiveAt": at(active),
                }),
            )
        })
    }

    fn answer_delete(&self, id: &str) -> Response<Body> {
        self.connections.get(id).map_or_else(gone, |connection| {
            let _ = connection.outgoing.send(Outgoing::Close);
            server::respond(StatusCode::NO_CONTENT, "application/json", "")
        })
    }
}

fn gone() -> Response<Body> {
    server::refuse(StatusCode::GONE, "GoneException", "Gone")
}

fn too_large() -> Response<Body> {
    server::refuse(StatusCode::PAYLOAD_TOO_LARGE, "PayloadTooLargeException", "Message too long")
}

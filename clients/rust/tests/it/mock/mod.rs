//! A scripted server: keeps real logs with the real rules for `after` and resends, and fails as it is told.

mod world;

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, MutexGuard};
use std::time::Duration;

use axum::extract::ws::{Message, WebSocket, WebSocketUpgrade};
use axum::extract::{Path, Query, State};
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse, Response};
use axum::routing::{delete, get, post};
use axum::{Json, Router};
use serde::Deserialize;
use serde_json::{Value, json};
use tidings_client::{Client, ConversationId, EntriesQuery, Entry, ErrorCode, Options, SignIn, Store, Timing, UserId};
use tidings_protocol::http::{CreateSession, RefreshSession};
use tokio::sync::mpsc;

pub(crate) use self::world::World;

/// How the server treats the next `message.send`, or the next change.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Fate {
    /// As it should.
    Fine,
    /// Done, but the answer is lost.
    LostAnswer,
    /// The gateway answers with its own error; the function did it or not.
    GatewayError { done: bool },
    /// The connection ends; the function did it or not.
    Cut { done: bool },
    /// So many are done, then this error.
    Stopped(usize, ErrorCode),
    /// Refused as a whole.
    Refused(ErrorCode),
}

/// What happens to a push.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Push {
    Fine,
    Lost,
    Twice,
    Late(Duration),
}

#[derive(Clone)]
pub(crate) struct Mock {
    world: Arc<Mutex<World>>,
    pub(crate) address: String,
}

impl Mock {
    pub(crate) async fn start() -> Self {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap().to_string();
        let mock = Self { world: Arc::default(), address };
        let app = Router::new()
            .route("/v1/sessions", post(sign_in))
            .route("/v1/sessions/refresh", post(refresh))
            .route("/v1/account", delete(close))
            .route("/v1/tickets", post(ticket))
            .route("/v1/conversations/{id}/entries", get(entries))
            .route("/live", get(live))
            .with_state(mock.clone());
        tokio::spawn(async move { axum::serve(listener, app).await.unwrap() });
        mock
    }

    pub(crate) fn world(&self) -> MutexGuard<'_, World> {
        self.world.lock().unwrap()
    }

    /// A device of the person with this name, connected.
    pub(crate) async fn device(&self, name: &str, store: Store, options: Options) -> Client {
        let client = self.signed_in(name, store, options).await;
        client.connect().await;
        client
    }

    pub(crate) async fn signed_in(&self, name: &str, store: Store, options: Options) -> Client {
        let login = SignIn {
            server: format!("http://{}", self.address),
            username: name.parse().unwrap(),
            password: "correct horse".parse().unwrap(),
            device_name: "Test".parse().unwrap(),
            platform: "desktop".parse().unwrap(),
        };
        Client::sign_in(store, options, login).await.unwrap()
    }

    pub(crate) fn fates(&self, fates: impl IntoIterator<Item = Fate>) {
        self.world().fates = fates.into_iter().collect::<VecDeque<_>>();
    }

    pub(crate) fn log(&self, conversation: ConversationId) -> Vec<Entry> {
        self.world().logs.get(&conversation).cloned().unwrap_or_default()
    }

    /// Signs a device out: it is told, and its connection ends.
    pub(crate) fn kick(&self, user: UserId, device: &str, reason: &str) {
        let mut world = self.world();
        let is_its = |of: &(UserId, String)| *of == (user, device.to_owned());
        world.access_tokens.retain(|_, of| !is_its(of));
        world.refresh_tokens.retain(|_, of| !is_its(of));
        if let Some(socket) = world.sockets.remove(&(user, device.to_owned())) {
            let _ = socket.send(json!({ "events": [{ "type": "kicked", "reason": reason }] }));
        }
    }

    /// Everybody's connection ends.
    pub(crate) fn cut_all(&self) {
        self.world().sockets.clear();
    }
}

/// Waits that make tests quick.
pub(crate) fn quick(seed: u64) -> Options {
    let ms = Duration::from_millis;
    Options {
        seed: Some(seed),
        timing: Timing {
            resend_after: ms(300),
            call_within: ms(3_000),
            change_within: ms(3_000),
            back_off_base: ms(5),
            back_off_cap: ms(40),
            gap_wait: (ms(20), ms(40)),
            count_wait: (ms(20), ms(40)),
            read_delay: ms(10),
            ..Timing::default()
        },
        ..Options::default()
    }
}

fn refuse(code: ErrorCode) -> Response {
    let status = StatusCode::from_u16(code.http_status()).unwrap();
    let retryable = code.retryable();
    (status, Json(json!({ "error": { "code": code, "message": "as scripted", "retryable": retryable } })))
        .into_response()
}

async fn sign_in(State(mock): State<Mock>, Json(session): Json<CreateSession>) -> Response {
    let mut world = mock.world();
    let user = world.user(&session.username.to_string());
    Json(world.session(user, &session.device.id.to_string())).into_response()
}

async fn refresh(State(mock): State<Mock>, Json(request): Json<RefreshSession>) -> Response {
    let mut world = mock.world();
    world.refreshes += 1;
    if world.lost_refreshes > 0 {
        // What a server knows that gives the same answer again, and what a client knows that hears nothing.
        world.lost_refreshes -= 1;
        return StatusCode::BAD_GATEWAY.into_response();
    }
    match world.refresh_tokens.remove(&request.refresh_token) {
        Some((user, device)) => Json(world.session(user, &device)).into_response(),
        None => refuse(ErrorCode::Unauthenticated),
    }
}

fn bearer(mock: &Mock, headers: &HeaderMap) -> Option<(UserId, String)> {
    let token = headers.get("authorization")?.to_str().ok()?.strip_prefix("Bearer ")?;
    mock.world().access_tokens.get(token).cloned()
}

/// Ends the session at once, and has more to do so many times.
async fn close(State(mock): State<Mock>, headers: HeaderMap) -> Response {
    let token = headers.get("authorization").unwrap().to_str().unwrap().to_owned();
    if let Some((user, device)) = bearer(&mock, &headers) {
        mock.kick(user, &device, "account_deleted");
        mock.world().closing = Some(token.clone());
    }
    let mut world = mock.world();
    if world.closing != Some(token) {
        return refuse(ErrorCode::Unauthenticated);
    }
    match world.closing_takes.checked_sub(1) {
        Some(left) => {
            world.closing_takes = left;
            refuse(ErrorCode::Unavailable)
        }
        None => Json(json!({})).into_response(),
    }
}

async fn ticket(State(mock): State<Mock>, headers: HeaderMap) -> Response {
    let Some((user, device)) = bearer(&mock, &headers) else { return refuse(ErrorCode::Unauthenticated) };
    mock.world().tickets += 1;
    let url = format!("ws://{}/live", mock.address);
    Json(json!({ "ticket": format!("{user}.{device}"), "url": url, "expires_in": 30 })).into_response()
}

async fn entries(
    State(mock): State<Mock>,
    Path(id): Path<String>,
    Query(query): Query<EntriesQuery>,
    headers: HeaderMap,
) -> Response {
    if bearer(&mock, &headers).is_none() {
        return refuse(ErrorCode::Unauthenticated);
    }
    let (page, delay) = {
        let mut world = mock.world();
        world.pulls += 1;
        (world.page(id.parse().unwrap(), query), world.pull_delay)
    };
    tokio::time::sleep(delay).await;
    Json(page).into_response()
}

#[derive(Deserialize)]
struct Ticket {
    ticket: String,
}

async fn live(State(mock): State<Mock>, Query(query): Query<Ticket>, upgrade: WebSocketUpgrade) -> Response {
    let (user, device) = query.ticket.split_once('.').unwrap();
    let (user, device) = (user.parse().unwrap(), device.to_owned());
    upgrade.on_upgrade(move |socket| serve(mock, user, device, socket))
}

async fn serve(mock: Mock, user: UserId, device: String, mut socket: WebSocket) {
    let (out, mut outgoing) = mpsc::unbounded_channel::<Value>();
    // The newest connection of a device wins; the older one's sender is dropped and with it its socket.
    let weak = out.downgrade();
    mock.world().sockets.insert((user, device.clone()), out);
    loop {
        tokio::select! {
            frame = socket.recv() => match frame {
                Some(Ok(Message::Text(text))) => {
                    // As the gateway does: frames of one connection run concurrently.
                    let (mock, device) = (mock.clone(), device.clone());
                    let Some(out) = weak.upgrade() else { return };
                    tokio::spawn(async move { handle(&mock, user, &device, &text, &out).await });
                }
                Some(Ok(_)) => {}
                _ => return,
            },
            frame = outgoing.recv() => match frame {
                Some(frame) => if socket.send(Message::text(frame.to_string())).await.is_err() { return },
                None => return,
            },
        }
    }
}

async fn handle(mock: &Mock, user: UserId, device: &str, text: &str, out: &mpsc::UnboundedSender<Value>) {
    let frame: Value = serde_json::from_str(text).unwrap();
    let wait = mock.world().dice(3);
    tokio::time::sleep(Duration::from_millis(wait)).await;
    mock.world().frames.push((user, frame.clone()));
    let id = frame["id"].clone();
    let reply = match frame["action"].as_str().unwrap() {
        "message.send" => mock.world().send(user, device, &frame),
        "sync" => Some(Ok(mock.world().sync(user, &frame))),
        "conversation.read" => Some(Ok(mock.world().read(user, &frame))),
        "user.get" => Some(Ok(mock.world().card(&frame))),
        "ping" | "typing" => return,
        "device.sign_out" => {
            let device = frame["device"].as_str().unwrap();
            mock.kick(user, device, "signed_out");
            return;
        }
        action if action.starts_with("group.") => {
            let outcome = mock.world().change(user, device, &frame);
            if let Some(mut outcome) = outcome {
                outcome["reply"] = id;
                let _ = out.send(outcome);
            }
            return;
        }
        _ => Some(Err(ErrorCode::BadRequest)),
    };
    let Some(reply) = reply else { return };
    let _ = out.send(match reply {
        Ok(ok) => json!({ "reply": id, "ok": ok }),
        Err(code) => {
            json!({ "reply": id, "error": { "code": code, "message": "as scripted", "retryable": code.retryable() } })
        }
    });
}

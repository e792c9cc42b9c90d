//! One open socket, from the upgrade to its end: what comes in, what goes out, and its limits.

use std::sync::Arc;
use std::time::Duration;

use futures_util::{SinkExt as _, StreamExt as _};
use hyper::upgrade::{OnUpgrade, Upgraded};
use hyper_util::rt::TokioIo;
use tokio::io::AsyncReadExt as _;
use tokio::sync::{Semaphore, mpsc};
use tokio::time::Instant;
use tokio_tungstenite::WebSocketStream;
use tokio_tungstenite::tungstenite::protocol::frame::coding::CloseCode;
use tokio_tungstenite::tungstenite::protocol::{CloseFrame, Role, WebSocketConfig};
use tokio_tungstenite::tungstenite::{Error, Message};

use super::Gateway;
use super::connections::{Connection, Outgoing};
use super::event::About;
use crate::activity::UnderWay;
use crate::caller::Caller;
use crate::ids;
use crate::server::ended;

type Socket = WebSocketStream<TokioIo<Upgraded>>;

/// How long a client may take to answer a close, and to take notice of one while it still sends.
const CLOSING: Duration = Duration::from_secs(2);

/// How a socket ended: what the `$disconnect` event says.
struct End {
    code: u16,
    reason: String,
}

impl End {
    fn new(code: u16, reason: &str) -> Self {
        Self { code, reason: reason.to_owned() }
    }

    fn abnormal() -> Self {
        Self::new(1006, "Connection Closed Abnormally")
    }
}

impl Gateway {
    /// Waits for the upgrade and runs the socket to its end. `connecting` is under way until the socket is up.
    pub(super) async fn run_socket(
        self: Arc<Self>,
        connection: Arc<Connection>,
        upgrade: OnUpgrade,
        outgoing: mpsc::UnboundedReceiver<Outgoing>,
        connecting: UnderWay,
    ) {
        let (end, _disconnecting) = match upgrade.await {
            Ok(upgraded) => {
                let config = WebSocketConfig::default()
                    .max_frame_size(Some(self.limits.frame_bytes))
                    .max_message_size(Some(self.limits.message_bytes));
                let socket = WebSocketStream::from_raw_socket(TokioIo::new(upgraded), Role::Server, Some(config)).await;
                self.connections.insert(&connection);
                drop(connecting);
                let end = self.converse(&connection, socket, outgoing).await;
                let disconnecting = self.front.activity().begin();
                self.connections.remove(&connection.id);
                self.book_minutes(&connection);
                (end, disconnecting)
            }
            // The client hung up during `$connect`.
            Err(_) => (End::abnormal(), connecting),
        };
        self.disconnected(&connection, &end).await;
    }

    async fn disconnected(&self, connection: &Connection, end: &End) {
        let Some(route) = self.routes.get("$disconnect") else { return };
        let Some(function) = route.function else { return };
        if *self.ending.borrow() {
            return;
        }
        let about = About::Disconnect { code: end.code, reason: &end.reason };
        let event = self.event(connection, "$disconnect", &ids::gateway_id(), about);
        // Best effort, as on AWS: nobody hears of a failure.
        let _ = self.host.invoke(function, event, &Caller::new(Arc::clone(&route.key))).await;
    }

    /// Frames in and out until one side ends it.
    async fn converse(
        self: &Arc<Self>,
        connection: &Arc<Connection>,
        mut socket: Socket,
        mut outgoing: mpsc::UnboundedReceiver<Outgoing>,
    ) -> End {
        let in_flight = Arc::new(Semaphore::new(self.limits.frames_in_flight));
        let mut permit = None;
        let end_of_life = tokio::time::sleep(self.limits.lifetime);
        let idle = tokio::time::sleep(self.limits.idle);
        let ending = ended(self.ending.clone());
        tokio::pin!(end_of_life, idle, ending);
        let mut closed_by_client = None;
        loop {
            tokio::select! {
                // Without a permit the socket isn't read, and the client's own buffers fill.
                free = Arc::clone(&in_flight).acquire_owned(), if permit.is_none() => permit = free.ok(),
                message = socket.next(), if permit.is_some() => {
                    match message {
                        Some(Ok(Message::Text(text))) => {
                            connection.touch();
                            idle.as_mut().reset(Instant::now() + self.limits.idle);
                            if let Some(permit) = permit.take() {
                                tokio::spawn(Arc::clone(self).frame(Arc::clone(connection), text, permit));
                            }
                        }
                        Some(Ok(Message::Binary(_))) => {
                            return close(socket, 1003, "Binary media types are not supported").await;
                        }
                        // Answered by the library. They don't count as use of the connection.
                        Some(Ok(Message::Ping(_) | Message::Pong(_) | Message::Frame(_))) => {}
                        Some(Ok(Message::Close(frame))) => {
                            closed_by_client = Some(frame.map_or_else(
                                || End::new(1005, "Client-side close frame status not set"),
                                |frame| End::new(frame.code.into(), &frame.reason),
                            ));
                        }
                        Some(Err(Error::Capacity(_))) => {
                            return close(socket, 1009, "The message is too big").await;
                        }
                        Some(Err(_)) | None => return closed_by_client.unwrap_or_else(End::abnormal),
                    }
                }
                next = outgoing.recv() => {
                    let Some(first) = next else { return End::abnormal() };
                    match self.write(&mut socket, first, &mut outgoing).await {
                        Written::All => {
                            connection.touch();
                            idle.as_mut().reset(Instant::now() + self.limits.idle);
                        }
                        Written::Closing => return close(socket, 1000, "Connection Closed Normally").await,
                        Written::Broken => return closed_by_client.unwrap_or_else(End::abnormal),
                    }
                }
                () = &mut idle => return close(socket, 1001, "Going away").await,
                () = &mut end_of_life => return close(socket, 1001, "Going away").await,
                () = &mut ending => return close(socket, 1001, "Going away").await,
            }
        }
    }

    /// Writes what waits, in one go.
    async fn write(
        &self,
        socket: &mut Socket,
        first: Outgoing,
        outgoing: &mut mpsc::UnboundedReceiver<Outgoing>,
    ) -> Written {
        let write = async {
            let mut next = Some(first);
            // Held until all is flushed: only then the room is free again.
            let mut permits = Vec::new();
            while let Some(out) = next {
                match out {
                    Outgoing::Frame(text, permit) => {
                        permits.push(permit);
                        socket.feed(Message::text(text)).await?;
                    }
                    Outgoing::Close => {
                        socket.flush().await?;
                        return Ok(Written::Closing);
                    }
                    // Whatever isn't flushed yet is lost with it.
                    Outgoing::Cut => return Ok(Written::Broken),
                }
                next = outgoing.try_recv().ok();
            }
            socket.flush().await?;
            Ok::<_, Error>(Written::All)
        };
        match tokio::time::timeout(self.limits.write_timeout, write).await {
            Ok(Ok(written)) => written,
            Ok(Err(_)) | Err(_) => Written::Broken,
        }
    }
}

enum Written {
    All,
    Closing,
    Broken,
}

/// Closes from our side, and gives the client time to see why: dropping a socket with unread input resets the
/// connection, and the close frame would be lost on the way.
async fn close(mut socket: Socket, code: u16, reason: &'static str) -> End {
    let frame = CloseFrame { code: CloseCode::from(code), reason: reason.into() };
    let closing = async {
        if socket.close(Some(frame)).await.is_err() {
            return;
        }
        let stream = socket.get_mut();
        let mut sink = vec![0; 16 * 1024];
        while matches!(stream.read(&mut sink).await, Ok(1..)) {}
    };
    let _ = tokio::time::timeout(CLOSING, closing).await;
    End::new(code, reason)
}

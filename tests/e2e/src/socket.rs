//! A raw socket: sends what a test wants, keeps what comes.

use std::collections::VecDeque;
use std::time::Duration;

use futures_util::{SinkExt, StreamExt};
use serde_json::{Value, json};
use tokio::net::TcpStream;
use tokio::time::timeout;
use tokio_tungstenite::tungstenite::{self, Message};
use tokio_tungstenite::{MaybeTlsStream, WebSocketStream, connect_async};

/// How long a test waits for a frame.
const PATIENCE: Duration = Duration::from_secs(15);

/// An open socket.
#[derive(Debug)]
pub struct Socket {
    stream: WebSocketStream<MaybeTlsStream<TcpStream>>,
    events: VecDeque<Value>,
    requests: u64,
}

impl Socket {
    /// Opens a socket, or gives the status of the refusal.
    pub async fn open(url: &str) -> Result<Self, u16> {
        match connect_async(url).await {
            Ok((stream, _)) => Ok(Self { stream, events: VecDeque::new(), requests: 0 }),
            Err(tungstenite::Error::Http(answer)) => Err(answer.status().as_u16()),
            Err(error) => panic!("{url}: {error}"),
        }
    }

    /// Sends a text frame as it is.
    pub async fn send_text(&mut self, text: impl Into<String>) {
        self.stream.send(Message::text(text.into())).await.expect("the frame is written");
    }

    /// The next frame that is not an event; events are kept.
    pub async fn reply(&mut self) -> Value {
        loop {
            let frame = self.frame().await.expect("the socket is open");
            match frame.get("events") {
                Some(Value::Array(events)) => self.events.extend(events.iter().cloned()),
                _ => return frame,
            }
        }
    }

    /// Sends a request and waits for its reply.
    pub async fn ask(&mut self, action: &str, fields: Value) -> Value {
        self.requests += 1;
        let id = self.requests.to_string();
        let mut frame = json!({ "action": action, "id": id });
        let fields = fields.as_object().cloned().unwrap_or_default();
        frame.as_object_mut().unwrap().extend(fields);
        self.send_text(frame.to_string()).await;
        loop {
            let reply = self.reply().await;
            if reply["reply"] == id {
                return reply;
            }
            assert!(reply["reply"].is_string(), "not a reply to {action}: {reply}");
        }
    }

    /// Sends a request and gives what `ok` carries.
    pub async fn ok(&mut self, action: &str, fields: Value) -> Value {
        let reply = self.ask(action, fields).await;
        assert!(reply["ok"].is_object(), "{action}: {reply}");
        reply["ok"].clone()
    }

    /// Sends a request and gives the code of its error.
    pub async fn refused(&mut self, action: &str, fields: Value) -> String {
        let reply = self.ask(action, fields).await;
        reply["error"]["code"].as_str().unwrap_or_else(|| panic!("{action}: {reply}")).to_owned()
    }

    /// The next event.
    pub async fn event(&mut self) -> Value {
        loop {
            if let Some(event) = self.events.pop_front() {
                return event;
            }
            let frame = self.frame().await.expect("the socket is open");
            match frame.get("events") {
                Some(Value::Array(events)) => self.events.extend(events.iter().cloned()),
                _ => panic!("not an event: {frame}"),
            }
        }
    }

    /// Whether nothing comes for a while.
    pub async fn is_quiet(&mut self, millis: u64) -> bool {
        self.events.is_empty() && timeout(Duration::from_millis(millis), self.stream.next()).await.is_err()
    }

    /// The close code that ends the socket, events before it skipped. `None` when it just ends.
    pub async fn closed(&mut self) -> Option<u16> {
        loop {
            match timeout(PATIENCE, self.stream.next()).await.expect("the socket is closed") {
                Some(Ok(Message::Close(frame))) => return frame.map(|frame| frame.code.into()),
                Some(Ok(_)) => {}
                Some(Err(_)) | None => return None,
            }
        }
    }

    /// Closes it properly.
    pub async fn close(mut self) {
        // A socket that the other side has closed is as closed as it can be.
        drop(self.stream.close(None).await);
    }

    async fn frame(&mut self) -> Option<Value> {
        loop {
            match timeout(PATIENCE, self.stream.next()).await.expect("a frame comes") {
                Some(Ok(Message::Text(text))) => return Some(serde_json::from_str(&text).expect("frames are JSON")),
                Some(Ok(Message::Close(_)) | Err(_)) | None => return None,
                Some(Ok(_)) => {}
            }
        }
    }
}

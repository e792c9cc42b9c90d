//! One socket: opening it, and a task that carries frames both ways.

use std::time::Duration;

use futures_util::{SinkExt, StreamExt};
use tidings_protocol::http::TicketReply;
use tokio::net::TcpStream;
use tokio::sync::mpsc;
use tokio::time::timeout;
use tokio_tungstenite::tungstenite::Message;
use tokio_tungstenite::{MaybeTlsStream, WebSocketStream, connect_async_tls_with_config};

use crate::config::AfterWrite;
use crate::engine::Input;
use crate::http::Network;

/// How long the other side may take to say goodbye.
const GOODBYE_WITHIN: Duration = Duration::from_secs(1);

pub(crate) type Stream = WebSocketStream<MaybeTlsStream<TcpStream>>;

/// A frame to be written, with its action for the hook of the tests.
#[derive(Debug)]
pub(crate) struct Outgoing {
    pub(crate) action: &'static str,
    pub(crate) text: String,
}

/// The writing end. The socket closes when it is dropped.
#[derive(Debug)]
pub(crate) struct Socket(mpsc::UnboundedSender<Outgoing>);

impl Socket {
    /// Hands a frame over. Whether it arrives, only an answer tells.
    pub(crate) fn write(&self, frame: Outgoing) {
        // If the task has ended, the engine hears of it and sends again.
        let _ = self.0.send(frame);
    }
}

/// Opens the socket that this ticket is for.
pub(crate) async fn open(network: &Network, ticket: &TicketReply) -> Result<Stream, String> {
    let separator = if ticket.url.contains('?') { '&' } else { '?' };
    let url = format!("{}{separator}ticket={}", ticket.url, ticket.ticket);
    // Frames are small and somebody waits for each: no Nagle.
    let opened = connect_async_tls_with_config(url, None, true, Some(network.tls()?)).await;
    opened.map(|(stream, _)| stream).map_err(|error| error.to_string())
}

/// Starts the task that serves the socket. What it hears goes to `inputs`, marked with `generation`.
pub(crate) fn serve(
    stream: Stream,
    inputs: mpsc::Sender<Input>,
    generation: u64,
    after_write: Option<AfterWrite>,
) -> Socket {
    let (socket, mut outgoing) = mpsc::unbounded_channel::<Outgoing>();
    tokio::spawn(async move {
        let (mut sink, mut stream) = stream.split();
        // Two loops side by side, so that neither direction waits for the other.
        let reading = async {
            loop {
                match stream.next().await {
                    Some(Ok(Message::Text(text))) => {
                        if inputs.send(Input::Frame(generation, text.as_str().to_owned())).await.is_err() {
                            return "the client ended".to_owned();
                        }
                    }
                    Some(Ok(Message::Close(frame))) => {
                        return frame.map_or_else(
                            || "the server closed the connection".to_owned(),
                            |frame| format!("the server closed the connection ({} {})", frame.code, frame.reason),
                        );
                    }
                    Some(Ok(_)) => {}
                    Some(Err(error)) => return error.to_string(),
                    None => return "the connection was lost".to_owned(),
                }
            }
        };
        let writing = async {
            while let Some(frame) = outgoing.recv().await {
                if let Err(error) = sink.send(Message::text(frame.text)).await {
                    return error.to_string();
                }
                if let Some(hook) = &after_write {
                    hook(frame.action);
                }
            }
            let _ = timeout(GOODBYE_WITHIN, sink.close()).await;
            "the client closed the connection".to_owned()
        };
        let reason = tokio::select! {
            reason = reading => reason,
            reason = writing => reason,
        };
        let _ = inputs.send(Input::Closed(generation, reason)).await;
    });
    Socket(socket)
}

//! A cloud whose every function is the test function, and a client for its sockets.

#![allow(dead_code, reason = "each test file uses its part of it")]

pub(crate) mod files;
pub(crate) mod program;

use std::collections::BTreeMap;
use std::path::Path;
use std::time::Duration;

use futures_util::{SinkExt as _, StreamExt as _};
use serde_json::{Value, json};
use tempfile::TempDir;
use tidings_local::{LocalCloud, Options, Running};
use tokio::net::TcpStream;
use tokio_tungstenite::tungstenite::protocol::CloseFrame;
use tokio_tungstenite::tungstenite::{self, Message};
use tokio_tungstenite::{MaybeTlsStream, WebSocketStream, connect_async};

/// Longer than anything here takes; a test that waits that long has failed.
pub(crate) const PATIENCE: Duration = Duration::from_secs(20);

/// A cloud and the folder that its functions are in.
pub(crate) struct TestCloud {
    pub(crate) running: Running,
    folder: TempDir,
}

impl TestCloud {
    /// With defaults.
    pub(crate) async fn start() -> Self {
        Self::start_with(|_| {}).await
    }

    /// With options changed.
    pub(crate) async fn start_with(change: impl FnOnce(&mut Options)) -> Self {
        let folder = functions();
        let mut options = options(folder.path());
        change(&mut options);
        Self { running: LocalCloud::start(options).await.unwrap(), folder }
    }

    /// What another cloud with the same functions starts with.
    pub(crate) fn options(&self) -> Options {
        options(self.folder())
    }

    pub(crate) fn folder(&self) -> &Path {
        self.folder.path()
    }

    /// Opens a socket with a ticket.
    pub(crate) async fn connect(&self, ticket: &str) -> Socket {
        self.try_connect(&format!("?ticket={ticket}")).await.unwrap()
    }

    /// Opens a socket, or says which status refused it.
    pub(crate) async fn try_connect(&self, query: &str) -> Result<Socket, u16> {
        let url = format!("{}{query}", self.running.endpoints().socket);
        match tokio::time::timeout(PATIENCE, connect_async(url)).await.unwrap() {
            Ok((stream, _)) => Ok(Socket { stream }),
            Err(tungstenite::Error::Http(response)) => Err(response.status().as_u16()),
            Err(error) => panic!("{error}"),
        }
    }

    /// An HTTP client's view of the API.
    pub(crate) fn url(&self, path: &str) -> String {
        format!("{}{path}", self.running.endpoints().api)
    }

    /// The keys of a person at the laptop.
    pub(crate) fn credentials(&self) -> aws_sdk_dynamodb::config::Credentials {
        let endpoints = self.running.endpoints();
        aws_sdk_dynamodb::config::Credentials::new(
            &endpoints.access_key_id,
            &endpoints.secret_access_key,
            None,
            None,
            "test",
        )
    }

    /// The SDK's settings for a person at the laptop.
    pub(crate) async fn sdk(&self, endpoint: &str) -> aws_config::SdkConfig {
        aws_config::defaults(aws_config::BehaviorVersion::latest())
            .region(aws_config::Region::new(self.running.endpoints().region.clone()))
            .credentials_provider(self.credentials())
            .endpoint_url(endpoint)
            .load()
            .await
    }

    /// Sends a record to a queue by its short name.
    pub(crate) async fn enqueue(&self, queue: &str, body: &Value) {
        let client = self.sqs().await;
        let url = &self.running.endpoints().queues[queue];
        client.send_message().queue_url(url).message_body(body.to_string()).send().await.unwrap();
    }

    pub(crate) async fn sqs(&self) -> aws_sdk_sqs::Client {
        aws_sdk_sqs::Client::new(&self.sdk(&self.running.endpoints().sqs).await)
    }

    /// How many records a queue holds: visible, and in work.
    pub(crate) async fn queue_lengths(&self, queue: &str) -> (u32, u32) {
        use aws_sdk_sqs::types::QueueAttributeName::All;
        let client = self.sqs().await;
        let url = &self.running.endpoints().queues[queue];
        let attributes = client.get_queue_attributes().queue_url(url).attribute_names(All).send().await.unwrap();
        let attributes: BTreeMap<String, String> = attributes
            .attributes()
            .unwrap()
            .iter()
            .map(|(name, value)| (name.as_str().to_owned(), value.clone()))
            .collect();
        let number = |name: &str| attributes[name].parse().unwrap();
        (number("ApproximateNumberOfMessages"), number("ApproximateNumberOfMessagesNotVisible"))
    }
}

fn options(folder: &Path) -> Options {
    Options { functions_dir: folder.join("functions"), binaries_dir: folder.join("binaries"), ..Options::for_tests() }
}

/// A folder with the manifests of all functions, and the test function in place of each.
pub(crate) fn functions() -> TempDir {
    let folder = tempfile::tempdir().unwrap();
    let functions = folder.path().join("functions");
    let binaries = folder.path().join("binaries");
    std::fs::create_dir_all(&binaries).unwrap();
    let program = tidings_local::options::own_folder().join("examples/test_function");
    assert!(program.is_file(), "the test function is built with the tests: {}", program.display());
    for (name, trigger, ports, queues) in [
        ("authorizer", "authorizer", "", ""),
        ("connect", "websocket", "", ""),
        ("disconnect", "websocket", "", ""),
        ("default", "websocket", "", ""),
        ("send", "websocket", "", ""),
        ("sync", "websocket", "", ""),
        ("api", "http", "\"tokens.sign\"", ""),
        ("deliver", "queue", "", QUEUES),
    ] {
        let dir = functions.join(name);
        std::fs::create_dir_all(&dir).unwrap();
        let manifest = format!(
            "description = \"test\"\nmemory_mb = 256\ntimeout_s = 1\ntrigger = \"{trigger}\"\nports = [{ports}]\n{queues}"
        );
        std::fs::write(dir.join("function.toml"), manifest).unwrap();
        std::os::unix::fs::symlink(&program, binaries.join(name)).unwrap();
    }
    folder
}

const QUEUES: &str = "[[queues]]\nname = \"fanout\"\nbatch_size = 10\nmaximum_concurrency = 2\n\
    [[queues]]\nname = \"retry\"\nbatch_size = 10\nbatch_window_s = 1\nmaximum_concurrency = 2\n";

/// Waits until something holds; the event that makes it hold can't be waited for from here.
pub(crate) async fn until<F: Future<Output = bool>>(what: &str, holds: impl Fn() -> F) {
    let deadline = tokio::time::Instant::now() + PATIENCE;
    while !holds().await {
        assert!(tokio::time::Instant::now() < deadline, "{what} did not come to hold");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}

/// What the test function noted: a name and the size of its batch, for each record that it saw.
pub(crate) fn lines(mark: &Path) -> Vec<(String, usize)> {
    let text = std::fs::read_to_string(mark).unwrap_or_default();
    text.lines()
        .map(|line| {
            let (name, size) = line.rsplit_once(' ').unwrap();
            (name.to_owned(), size.parse().unwrap())
        })
        .collect()
}

/// A client's socket.
pub(crate) struct Socket {
    pub(crate) stream: WebSocketStream<MaybeTlsStream<TcpStream>>,
}

impl Socket {
    pub(crate) async fn send(&mut self, text: impl Into<String>) {
        self.stream.send(Message::text(text.into())).await.unwrap();
    }

    /// Sends a command to the function behind `message.send`.
    pub(crate) async fn command(&mut self, command: Value) {
        self.command_to("message.send", command).await;
    }

    pub(crate) async fn command_to(&mut self, action: &str, mut command: Value) {
        command["action"] = json!(action);
        self.send(command.to_string()).await;
    }

    /// The next frame.
    pub(crate) async fn next(&mut self) -> Value {
        match tokio::time::timeout(PATIENCE, self.stream.next()).await.expect("a frame in time") {
            Some(Ok(Message::Text(text))) => {
                serde_json::from_str(&text).unwrap_or_else(|_| Value::String(text.to_string()))
            }
            other => panic!("not a frame: {other:?}"),
        }
    }

    /// Sends a command and waits for the answer.
    pub(crate) async fn ask(&mut self, command: Value) -> Value {
        self.command(command).await;
        self.next().await
    }

    /// Its connection id, as the function behind it sees it.
    pub(crate) async fn id(&mut self) -> String {
        let answer = self.ask(json!({})).await;
        answer["event"]["requestContext"]["connectionId"].as_str().unwrap().to_owned()
    }

    /// Waits for the close frame; `None` if the connection just breaks.
    pub(crate) async fn closed(&mut self) -> Option<CloseFrame> {
        let closing = async {
            loop {
                match self.stream.next().await {
                    Some(Ok(Message::Close(frame))) => return frame,
                    Some(Ok(_)) => {}
                    Some(Err(_)) | None => return None,
                }
            }
        };
        tokio::time::timeout(PATIENCE, closing).await.expect("a close in time")
    }

    pub(crate) async fn close_code(&mut self) -> Option<u16> {
        self.closed().await.map(|frame| frame.code.into())
    }
}

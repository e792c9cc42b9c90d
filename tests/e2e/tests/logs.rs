//! What functions log, and what they never do: messages, passwords, tokens, or who talks with whom.
#![expect(clippy::unwrap_used, reason = "a broken expectation ends the test")]

use std::io::{BufRead as _, BufReader, Read as _};
use std::process::{Child, Command, Stdio};

use serde_json::{Value, json};
use tidings_domain::ids::{ConversationId, UserId};
use tidings_e2e::Socket;
use tidings_e2e::person::client_id;
use tidings_local::options::own_folder;

const PASSWORD: &str = "heron-in-the-reeds";
const TEXT: &str = "meet-me-at-the-boathouse";

/// The local cloud as a program of its own, which shows every line that its functions log.
struct Program {
    child: Child,
    lines: std::thread::JoinHandle<String>,
    api: String,
    http: reqwest::Client,
}

impl Drop for Program {
    fn drop(&mut self) {
        let _ = self.child.kill();
    }
}

impl Program {
    /// With functions as talkative as they can be.
    fn start() -> Self {
        let mut command = Command::new(own_folder().join("tidings-local"));
        command.args(["--port", "0", "--no-build", "--verbose", "--set", "LOG_LEVEL=TRACE"]);
        let mut child = command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::null()).spawn().unwrap();
        let mut output = BufReader::new(child.stdout.take().unwrap());
        let api = loop {
            let mut line = String::new();
            assert!(output.read_line(&mut line).unwrap() > 0, "it ended before it was ready");
            if let Some(api) = line.trim_end().strip_prefix("ready ") {
                break api.to_owned();
            }
        };
        let lines = std::thread::spawn(move || {
            let mut all = String::new();
            output.read_to_string(&mut all).unwrap();
            all
        });
        Self { child, lines, api, http: reqwest::Client::new() }
    }

    async fn post(&self, path: &str, token: Option<&str>, body: &Value) -> Value {
        let mut request = self.http.post(format!("{}{path}", self.api)).json(body);
        if let Some(token) = token {
            request = request.bearer_auth(token);
        }
        request.send().await.unwrap().json().await.unwrap_or(Value::Null)
    }

    async fn sign_up(&self, username: &str) -> UserId {
        let body = json!({ "username": username, "password": PASSWORD, "display_name": username });
        self.post("/v1/accounts", None, &body).await["user"]["id"].as_str().unwrap().parse().unwrap()
    }

    async fn sign_in(&self, username: &str, password: &str) -> Value {
        let device = json!({ "id": "laptop", "name": "laptop", "platform": "desktop" });
        self.post("/v1/sessions", None, &json!({ "username": username, "password": password, "device": device })).await
    }

    /// Ends it, and gives what it said.
    fn end(mut self) -> String {
        let id = self.child.id().to_string();
        assert!(Command::new("kill").args(["-TERM", &id]).status().unwrap().success());
        self.child.wait().unwrap();
        let lines = std::mem::replace(&mut self.lines, std::thread::spawn(String::new));
        lines.join().unwrap()
    }
}

fn text_of<'a>(answer: &'a Value, name: &str) -> &'a str {
    let text = answer[name].as_str();
    assert!(text.is_some(), "there is no {name} in {answer}");
    text.unwrap_or_default()
}

/// Everything that makes functions say something, at the level at which they say everything.
#[tokio::test]
async fn no_line_tells_what_is_nobodys_business() {
    let program = Program::start();
    let (ann, bob) = (program.sign_up("ann").await, program.sign_up("bob").await);
    let session = program.sign_in("ann", PASSWORD).await;
    assert!(program.sign_in("ann", "not-the-heron").await["error"].is_object());
    let (access, refresh) = (text_of(&session, "access_token"), text_of(&session, "refresh_token"));
    let ticket = program.post("/v1/tickets", Some(access), &Value::Null).await;
    let url = |ticket: &Value| format!("{}?ticket={}", text_of(ticket, "url"), text_of(ticket, "ticket"));
    let mut laptop = Socket::open(&url(&ticket)).await.unwrap();
    // Used; not a ticket at all.
    assert_eq!(Socket::open(&url(&ticket)).await.unwrap_err(), 403);
    assert_eq!(Socket::open(&format!("{}?ticket={refresh}", text_of(&ticket, "url"))).await.unwrap_err(), 403);

    let talk = ConversationId::direct(ann, bob).to_string();
    let body = json!({ "type": "text", "text": TEXT });
    let message = || json!({ "conversation": talk, "client_id": client_id(), "body": body });
    laptop.ok("message.send", message()).await;
    laptop.send_text(format!("{{\"action\":\"message.send\",\"body\":{TEXT}")).await;
    laptop.reply().await;
    laptop.ok("sync", json!({})).await;
    // A record that is nearly a job, with a message where a number should be.
    let endpoints: Value =
        program.http.get(format!("{}/_local/endpoints", program.api)).send().await.unwrap().json().await.unwrap();
    let record =
        json!({ "job": "retry", "routes": [], "events": [{ "type": "pull", "within_ms": TEXT }], "tries": TEXT });
    let put = json!({ "QueueUrl": endpoints["queues"]["retry"], "MessageBody": record.to_string() });
    let request = program.http.post(text_of(&endpoints, "sqs")).header("x-amz-target", "AmazonSQS.SendMessage");
    request.header("content-type", "application/x-amz-json-1.0").body(put.to_string()).send().await.unwrap();
    // Tables that fail: each call is logged, with whom it was for.
    program.post("/_local/faults", None, &json!({ "services": { "dynamodb": { "error": 1.0 } } })).await;
    assert_eq!(laptop.refused("message.send", message()).await, "unavailable");
    program.post("/v1/sessions/refresh", None, &json!({ "refresh_token": refresh })).await;
    program.post("/_local/faults", None, &json!({})).await;
    // The first token comes back after its successor was used: the session ends, which is logged.
    let renewed = program.post("/v1/sessions/refresh", None, &json!({ "refresh_token": refresh })).await;
    let second = text_of(&renewed, "refresh_token").to_owned();
    let third = program.post("/v1/sessions/refresh", None, &json!({ "refresh_token": second })).await;
    program.post("/v1/sessions/refresh", None, &json!({ "refresh_token": refresh })).await;
    laptop.close().await;

    let secrets = [
        ("a message", TEXT),
        ("a password", PASSWORD),
        ("another password", "not-the-heron"),
        ("an access token", access),
        ("a refresh token", refresh),
        ("its successor", &second),
        ("the one after", text_of(&third, "refresh_token")),
        ("a ticket", text_of(&ticket, "ticket")),
        ("who it was", &ann.to_string()),
        ("to whom", &bob.to_string()),
    ]
    .map(|(what, secret)| (what, secret.to_owned()));
    let said = program.end();
    for line in said.lines() {
        for (what, secret) in &secrets {
            assert!(!line.contains(secret), "{what} is in the log: {line}");
        }
    }

    let lines: Vec<Value> =
        said.lines().filter_map(|line| serde_json::from_str(line.split_once(": ")?.1).ok()).collect();
    let failed = lines.iter().find(|line| line["span"]["action"] == "message.send" && line["level"] == "WARN");
    let span = &failed.unwrap_or_else(|| panic!("no failed call of message.send in:\n{said}"))["span"];
    for id in ["request_id", "trace_id"] {
        assert!(!span[id].as_str().unwrap().is_empty(), "{span}");
    }
    for (field, id) in [("user", ann.to_string()), ("conversation", talk)] {
        assert_eq!(span[field], tidings_runtime::invocation::pseudonym(&id).as_str(), "{span}");
    }
    for said in ["record failed", "an old refresh token came back; session ended"] {
        assert!(lines.iter().any(|line| line["message"] == said), "nobody said {said:?}");
    }
    assert!(lines.iter().any(|line| line.get("_aws").is_some()), "no metrics");
}

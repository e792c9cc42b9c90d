//! The function that the tests run behind every route: it does what the event tells it to.
//!
//! A WebSocket body or an HTTP query says `do`; an authorizer's ticket says `allow-NAME`, `deny` and so on; each
//! record of a queue says it for itself. It is a real Lambda binary, so the tests go through the Runtime API, and
//! its calls to services go through the AWS SDK.

use std::io::Write as _;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use aws_config::BehaviorVersion;
use aws_config::retry::RetryConfig;
use aws_sdk_apigatewaymanagement::primitives::Blob;
use aws_sdk_dynamodb::error::{ProvideErrorMetadata, SdkError};
use aws_sdk_dynamodb::types::AttributeValue;
use lambda_runtime::{Error, LambdaEvent, service_fn};
use serde_json::{Value, json};

/// How many events this process has seen.
static CALLS: AtomicU64 = AtomicU64::new(0);
/// How often the background task of this process has run.
static TICKS: AtomicU64 = AtomicU64::new(0);

#[tokio::main]
async fn main() -> Result<(), Error> {
    if setting("LOG_LEVEL") == "die-at-start" {
        return Err("told not to start".into());
    }
    let config = aws_config::load_defaults(BehaviorVersion::latest()).await;
    lambda_runtime::run(service_fn(|event: LambdaEvent<Value>| handle(&config, event.payload))).await
}

#[expect(clippy::disallowed_methods, reason = "a test binary's only look at its environment")]
fn setting(name: &str) -> String {
    std::env::var(name).unwrap_or_default()
}

async fn handle(config: &aws_config::SdkConfig, event: Value) -> Result<Value, Error> {
    let calls = CALLS.fetch_add(1, Ordering::Relaxed) + 1;
    if event["type"] == "REQUEST" {
        return authorize(&event);
    }
    if let Some(records) = event["Records"].as_array() {
        return Ok(work_off(records));
    }
    let body: Value = event["body"].as_str().and_then(|body| serde_json::from_str(body).ok()).unwrap_or_default();
    let query = &event["queryStringParameters"];
    let say = |key: &str| body[key].as_str().or_else(|| query[key].as_str()).unwrap_or_default().to_owned();
    let number = |key: &str| say(key).parse::<u64>().unwrap_or_default();
    let reply = |body: Value| Ok(json!({"statusCode": 200, "body": body.to_string()}));
    // Only one attempt unless told otherwise, and hardly a pause between two.
    let attempts = u32::try_from(number("attempts").max(1))?;
    let retries = RetryConfig::standard().with_max_attempts(attempts).with_initial_backoff(Duration::from_millis(1));
    let config = &config.to_builder().retry_config(retries).build();
    match say("do").as_str() {
        "sleep" => {
            tokio::time::sleep(Duration::from_millis(number("ms"))).await;
            reply(json!({"slept": say("ms"), "pid": std::process::id(), "calls": calls}))
        }
        "crash" => std::process::exit(3),
        "fail" => Err("told to fail".into()),
        "nonsense" => Ok(json!("nonsense")),
        "silent" => Ok(json!({"statusCode": 200})),
        "status" => {
            tokio::time::sleep(Duration::from_millis(number("ms"))).await;
            Ok(json!({"statusCode": number("status"), "body": say("text")}))
        }
        "tick" => {
            tokio::spawn(async {
                loop {
                    tokio::time::sleep(Duration::from_millis(5)).await;
                    TICKS.fetch_add(1, Ordering::Relaxed);
                }
            });
            reply(json!({"pid": std::process::id()}))
        }
        "ticks" => reply(json!({"ticks": TICKS.load(Ordering::Relaxed), "pid": std::process::id()})),
        "log" => {
            writeln!(std::io::stderr(), "{}", "x".repeat(usize::try_from(number("bytes"))?))?;
            reply(json!({}))
        }
        "post" => reply(json!({"outcome": post(config, &say("connection"), &say("text")).await, "for": say("text")})),
        "post-self" => {
            let own = event["requestContext"]["connectionId"].as_str().unwrap_or_default();
            std::fs::write(say("mark"), post(config, own, "x").await)?;
            Ok(json!({"statusCode": 200}))
        }
        "table" => {
            let client = aws_sdk_dynamodb::Client::new(config);
            let item = [
                ("conversation".to_owned(), AttributeValue::S(say("conversation"))),
                ("seq".to_owned(), AttributeValue::N("1".to_owned())),
            ];
            let put = client.put_item().table_name(setting("LOG_TABLE")).set_item(Some(item.into())).send().await;
            reply(json!({"outcome": outcome(put)}))
        }
        "queue" => {
            let client = aws_sdk_sqs::Client::new(config);
            let send =
                client.send_message().queue_url(setting("TASK_QUEUE_URL")).message_body(say("text")).send().await;
            reply(json!({"outcome": outcome(send)}))
        }
        "settings" => reply(json!({
            "signing_key": setting("SIGNING_KEY"),
            "verifying_keys": setting("VERIFYING_KEYS"),
            "fanout": setting("FANOUT_QUEUE_URLS"),
            "inline": setting("INLINE_PUSH_MAX"),
            "home": setting("HOME"),
            "clock_offset_ms": setting("CLOCK_OFFSET_MS"),
        })),
        "quietly" => Ok(json!({"short": "format"})),
        _ => reply(json!({"event": event, "pid": std::process::id(), "calls": calls})),
    }
}

fn authorize(event: &Value) -> Result<Value, Error> {
    let ticket = event["queryStringParameters"]["ticket"].as_str().unwrap_or_default();
    let answer = |effect: &str, context: Value| {
        json!({
            "principalId": ticket,
            "policyDocument": {"Version": "2012-10-17", "Statement": [
                {"Effect": effect, "Action": "execute-api:Invoke", "Resource": event["methodArn"]}
            ]},
            "context": context,
        })
    };
    match ticket {
        "deny" => Ok(answer("Deny", json!({}))),
        "fail" => Err("told to fail".into()),
        "unauthorized" => Err("Unauthorized".into()),
        "nested" => Ok(answer("Allow", json!({"user": {"not": "flat"}}))),
        _ => Ok(answer("Allow", json!({"user": ticket, "ticket_at": 17}))),
    }
}

async fn post(config: &aws_config::SdkConfig, connection: &str, text: &str) -> String {
    let config =
        aws_sdk_apigatewaymanagement::config::Builder::from(config).endpoint_url(setting("GATEWAY_ENDPOINT")).build();
    let client = aws_sdk_apigatewaymanagement::Client::from_conf(config);
    match client.post_to_connection().connection_id(connection).data(Blob::new(text)).send().await {
        Ok(_) => "posted".to_owned(),
        Err(error) => match error.into_service_error() {
            error if error.is_gone_exception() => "gone".to_owned(),
            error if error.is_limit_exceeded_exception() => "limit".to_owned(),
            error if error.is_payload_too_large_exception() => "too large".to_owned(),
            error => error.code().unwrap_or("no answer").to_owned(),
        },
    }
}

/// How a call ended: `done`, the code of the service's error, or `no answer`.
fn outcome<T, E: ProvideErrorMetadata>(result: Result<T, SdkError<E>>) -> String {
    match result {
        Ok(_) => "done".to_owned(),
        Err(error) => error.code().unwrap_or("no answer").to_owned(),
    }
}

/// Each record is `{"do": ..., "mark": FILE}`; what was done goes into the file, a line each time.
fn work_off(records: &[Value]) -> Value {
    let mut failures = Vec::new();
    for record in records {
        let body: Value = record["body"].as_str().and_then(|body| serde_json::from_str(body).ok()).unwrap_or_default();
        if let Some(mark) = body["mark"].as_str()
            && let Ok(mut file) = std::fs::OpenOptions::new().create(true).append(true).open(mark)
        {
            // In one write, so that a test never sees half a line.
            let line = format!("{} {}\n", body["name"].as_str().unwrap_or_default(), records.len());
            let _ = file.write_all(line.as_bytes());
        }
        match body["do"].as_str() {
            Some("fail") => failures.push(json!({"itemIdentifier": record["messageId"]})),
            Some("report-stranger") => failures.push(json!({"itemIdentifier": "nobody"})),
            Some("crash") => std::process::exit(3),
            _ => {}
        }
    }
    json!({ "batchItemFailures": failures })
}

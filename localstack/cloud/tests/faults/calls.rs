//! Calls to services: late, refused, failed, or answered with a failure after success.

use std::collections::BTreeSet;
use std::time::{Duration, Instant};

use serde_json::{Value, json};
use tidings_local::faults::{Calls, Plan, Services, Wait};

use crate::common::{Socket, TestCloud};
use crate::counts;

/// What each service says to a function that calls it: how it is called, and how the SDK names its refusal for too
/// much and its failure.
const SERVICES: [(&str, &str, &str); 3] = [
    ("dynamodb", "ProvisionedThroughputExceededException", "InternalServerError"),
    ("sqs", "RequestThrottled", "InternalFailure"),
    ("posts", "limit", "InternalServerErrorException"),
];

fn plan(service: &str, calls: Calls) -> Plan {
    let mut services = Services::default();
    match service {
        "dynamodb" => services.dynamodb = calls,
        "sqs" => services.sqs = calls,
        "s3" => services.s3 = calls,
        "posts" => services.posts = calls,
        "lambda" => services.lambda = calls,
        _ => services.http = calls,
    }
    Plan { services, ..Plan::default() }
}

fn throttle() -> Calls {
    Calls { throttle: 1.0, ..Calls::default() }
}

fn error() -> Calls {
    Calls { error: 1.0, ..Calls::default() }
}

fn lost_reply() -> Calls {
    Calls { lost_reply: 1.0, ..Calls::default() }
}

/// A function's call to a service, on behalf of a client.
struct Caller {
    alice: Socket,
    bob: Socket,
    bob_id: String,
}

impl Caller {
    async fn new(cloud: &TestCloud) -> Self {
        let alice = cloud.connect("alice").await;
        let mut bob = cloud.connect("bob").await;
        let bob_id = bob.id().await;
        let mut caller = Self { alice, bob, bob_id };
        for (service, ..) in SERVICES {
            caller.call(service, 1).await;
        }
        caller.bob.next().await;
        caller
    }

    /// Calls the service and says what the SDK made of it in the end.
    async fn call(&mut self, service: &str, attempts: u32) -> String {
        let attempts = attempts.to_string();
        let command = match service {
            "dynamodb" => json!({"do": "table", "conversation": "d:a:b", "attempts": attempts}),
            "sqs" => json!({"do": "queue", "text": "hello", "attempts": attempts}),
            _ => json!({"do": "post", "connection": self.bob_id, "text": "1", "attempts": attempts}),
        };
        self.alice.ask(command).await["outcome"].as_str().unwrap().replace("posted", "done")
    }
}

/// How often each service has done what it was called for.
async fn done(cloud: &TestCloud, service: &str) -> f64 {
    let ledger = cloud.running.ledger().use_case("message.send");
    match service {
        "dynamodb" => ledger.write_units,
        "sqs" => f64::from(cloud.queue_lengths("task").await.0),
        // Of the gateway's messages, three belong to the frame, its reply, and Bob's post each time.
        _ => f64::from(u32::try_from(ledger.gateway_messages - 2 * ledger.count).unwrap()),
    }
}

#[tokio::test]
async fn what_is_refused_is_not_done_and_the_sdk_tries_again() {
    let cloud = TestCloud::start().await;
    let mut caller = Caller::new(&cloud).await;
    for (service, throttled, failed) in SERVICES {
        let before = done(&cloud, service).await;
        for (kind, calls, says) in [("throttle", throttle(), throttled), ("error", error(), failed)] {
            let fault = format!("{service}.{kind}");
            cloud.running.reset_injected();
            cloud.running.inject(plan(service, calls)).unwrap();
            assert_eq!(caller.call(service, 1).await, says, "{fault}");
            assert_eq!(cloud.running.injected(), counts([(&fault, 1)]));
            // It is taken for something that passes: the SDK makes all its attempts.
            assert_eq!(caller.call(service, 3).await, says, "{fault}");
            assert_eq!(cloud.running.injected(), counts([(&fault, 4)]));
        }
        assert!((done(&cloud, service).await - before).abs() < 1e-9, "{service} did nothing");
        cloud.running.inject(Plan::default()).unwrap();
        assert_eq!(caller.call(service, 1).await, "done");
    }
    cloud.running.stop().await;
}

#[tokio::test]
async fn a_lost_reply_comes_after_success() {
    const ROUNDS: u32 = 12;
    let cloud = TestCloud::start().await;
    let mut caller = Caller::new(&cloud).await;
    for (service, _, failed) in SERVICES {
        let before = done(&cloud, service).await;
        cloud.running.reset_injected();
        cloud.running.inject(plan(service, lost_reply())).unwrap();
        let mut outcomes = BTreeSet::new();
        for _ in 0..ROUNDS {
            outcomes.insert(caller.call(service, 1).await);
        }
        // A failure, or a connection that breaks.
        assert_eq!(outcomes, BTreeSet::from([failed.to_owned(), "no answer".to_owned()]), "{service}");
        let lost = format!("{service}.lost_reply");
        assert_eq!(cloud.running.injected(), counts([(&lost, ROUNDS.into())]));
        assert!((done(&cloud, service).await - before - f64::from(ROUNDS)).abs() < 1e-9, "{service} did it each time");
    }
    for _ in 0..ROUNDS {
        assert_eq!(caller.bob.next().await, json!(1));
    }
    cloud.running.stop().await;
}

#[tokio::test]
async fn latency_comes_before_and_changes_nothing_else() {
    let cloud = TestCloud::start().await;
    let mut caller = Caller::new(&cloud).await;
    for (service, ..) in SERVICES {
        cloud.running.reset_injected();
        let latency = Wait { share: 1.0, ms: [200, 210] };
        cloud.running.inject(plan(service, Calls { latency, ..Calls::default() })).unwrap();
        let started = Instant::now();
        assert_eq!(caller.call(service, 1).await, "done");
        assert!(started.elapsed() >= Duration::from_millis(200), "{service}");
        let late = format!("{service}.latency");
        assert_eq!(cloud.running.injected(), counts([(&late, 1)]));
    }
    cloud.running.stop().await;
}

#[tokio::test]
async fn calls_of_functions_fail_as_lambda_fails_them() {
    let cloud = TestCloud::start().await;
    let mut socket = cloud.connect("alice").await;
    socket.ask(json!({})).await;
    let invocations = || cloud.running.ledger().use_case("message.send").invocations;
    let before = invocations();
    for (kind, calls, runs) in [("throttle", throttle(), 0), ("error", error(), 0), ("lost_reply", lost_reply(), 1)] {
        let fault = format!("lambda.{kind}");
        cloud.running.reset_injected();
        cloud.running.inject(plan("lambda", calls)).unwrap();
        let answer = socket.ask(json!({})).await;
        assert_eq!(answer["message"], "Internal server error", "{fault}");
        assert_eq!(cloud.running.injected(), counts([(&fault, 1)]));
        assert_eq!(invocations() - before, runs, "{fault}");
    }
    cloud.running.stop().await;
}

#[tokio::test]
async fn http_requests_are_refused_or_lost() {
    let cloud = TestCloud::start().await;
    let http = reqwest::Client::new();
    let ask = || http.post(cloud.url("/v1/accounts?do=quietly")).send();
    let ran = || cloud.running.ledger().use_case("POST /v1/accounts").invocations;
    assert_eq!(ask().await.unwrap().status(), 200);
    for (calls, status) in [(throttle(), 429), (error(), 503)] {
        cloud.running.inject(plan("http", calls)).unwrap();
        let answer = ask().await.unwrap();
        assert_eq!(answer.status(), status);
        assert!(answer.json::<Value>().await.unwrap()["message"].is_string());
    }
    assert_eq!(ran(), 1);
    cloud.running.inject(plan("http", lost_reply())).unwrap();
    let mut statuses = BTreeSet::new();
    for _ in 0..12 {
        statuses.insert(ask().await.map_or(0, |answer| answer.status().as_u16()));
    }
    assert_eq!(statuses, BTreeSet::from([0, 503]), "a broken connection, or a failure");
    assert_eq!(ran(), 13);
    assert_eq!(cloud.running.injected(), counts([("http.error", 1), ("http.lost_reply", 12), ("http.throttle", 1)]));
    cloud.running.stop().await;
}

#[tokio::test]
async fn files_fail_for_clients_with_what_a_function_signed() {
    let cloud = TestCloud::start().await;
    let mut socket = cloud.connect("alice").await;
    // An access key of an environment that has worked; the fault comes before anybody checks the signature.
    socket.ask(json!({})).await;
    let endpoints = cloud.running.endpoints();
    for (calls, status, code) in [(throttle(), 503, "SlowDown"), (error(), 500, "InternalError")] {
        cloud.running.inject(plan("s3", calls)).unwrap();
        for environment in 1..=3 {
            let signed = format!("X-Amz-Credential=LOCAL{environment}%2F20261124%2Fus-east-1%2Fs3%2Faws4_request");
            let url = format!("{}/{}/key?{signed}", endpoints.s3, endpoints.bucket);
            let answer = reqwest::get(url).await.unwrap();
            assert_eq!(answer.status(), status);
            let text = answer.text().await.unwrap();
            assert!(text.contains(&format!("<Code>{code}</Code>")), "{text}");
        }
    }
    assert_eq!(cloud.running.injected(), counts([("s3.error", 3), ("s3.throttle", 3)]));
    cloud.running.stop().await;
}

#[tokio::test]
async fn who_looks_in_from_outside_sees_what_is() {
    let cloud = TestCloud::start().await;
    let always = error();
    let services = Services { dynamodb: always, sqs: always, s3: always, posts: always, lambda: always, http: always };
    cloud.running.inject(Plan { services, ..Plan::default() }).unwrap();
    cloud.enqueue("task", &json!({})).await;
    assert_eq!(cloud.queue_lengths("task").await, (1, 0));
    let url = cloud.url("/2015-03-31/functions/send/invocations");
    let answer: Value = reqwest::Client::new().post(url).send().await.unwrap().json().await.unwrap();
    assert_eq!(answer["statusCode"], 200);
    assert_eq!(cloud.running.injected(), counts([]));
    cloud.running.stop().await;
}

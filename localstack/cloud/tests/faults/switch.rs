//! The switch itself: over HTTP and in process.

use serde_json::{Value, json};
use tidings_local::faults::{Calls, Plan, Posts, Services};
use tidings_local::{LocalCloud, StartError};

use crate::common::TestCloud;
use crate::counts;

#[tokio::test]
async fn a_plan_is_set_seen_and_ended_over_http() {
    let cloud = TestCloud::start().await;
    let http = reqwest::Client::new();
    let url = cloud.url("/_local/faults");
    let plan = json!({"services": {"lambda": {"error": 1}}, "seed": 7});
    let answer = http.post(&url).json(&plan).send().await.unwrap();
    assert_eq!(answer.status(), 200);
    let report: Value = answer.json().await.unwrap();
    assert_eq!(report["plan"]["services"]["lambda"]["error"], 1.0);
    assert_eq!((&report["plan"]["seed"], &report["injected"]), (&json!(7), &json!({})));
    assert_eq!(cloud.try_connect("?ticket=alice").await.err(), Some(500));

    // A wrong plan changes nothing and says what is wrong.
    for (wrong, says) in [
        ("nonsense", "not a fault plan"),
        (r#"{"functions": {"sned": {"after": 1}}}"#, "there is no function \"sned\""),
        (r#"{"posts": {"gone": 7}}"#, "posts.gone is 7"),
    ] {
        let answer = http.post(&url).body(wrong).send().await.unwrap();
        assert_eq!(answer.status(), 400);
        let said = answer.json::<Value>().await.unwrap()["message"].to_string().replace('\\', "");
        assert!(said.contains(says), "{said}");
    }
    assert_eq!(cloud.try_connect("?ticket=alice").await.err(), Some(500));

    // Faults end, their counts stay until they are reset.
    http.post(&url).body("{}").send().await.unwrap();
    let mut socket = cloud.connect("alice").await;
    socket.ask(json!({})).await;
    let report: Value = http.get(&url).send().await.unwrap().json().await.unwrap();
    assert_eq!(report["injected"], json!({"lambda.error": 2}));
    assert_eq!(cloud.running.injected(), counts([("lambda.error", 2)]));
    http.post(format!("{url}/reset")).send().await.unwrap();
    assert_eq!(cloud.running.injected(), counts([]));
    cloud.running.stop().await;
}

#[tokio::test]
async fn a_plan_can_hold_from_the_start_and_must_make_sense() {
    let lambda = Calls { throttle: 1.0, ..Calls::default() };
    let plan = Plan { services: Services { lambda, ..Services::default() }, ..Plan::default() };
    let cloud = TestCloud::start_with(|options| options.faults = plan).await;
    assert_eq!(cloud.try_connect("?ticket=alice").await.err(), Some(500));
    cloud.running.inject(Plan::default()).unwrap();
    cloud.connect("alice").await;
    let wrong = Plan { posts: Posts { gone: 2.0, ..Posts::default() }, ..Plan::default() };
    assert!(cloud.running.inject(wrong.clone()).is_err());
    let mut options = cloud.options();
    options.faults = wrong;
    assert!(matches!(LocalCloud::start(options).await, Err(StartError::Faults(_))));
    cloud.running.stop().await;
}

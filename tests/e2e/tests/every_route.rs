//! Every route that the tables know, asked with its own example: it is deployed, its function runs, and what it answers
//! is meant for it. So an action or a route is tried on every target by being there.

use serde_json::{Value, json};
use tidings_e2e::Cloud;
use tidings_protocol::actions::{ACTIONS, Exchange};
use tidings_protocol::error::{ErrorCode, NO_SUCH_ACTION};
use tidings_protocol::http::{HttpAuth, HttpInput, ROUTES};

/// What no example may be answered with: who serves it cannot.
const BROKEN: &[ErrorCode] = &[ErrorCode::Internal, ErrorCode::Unavailable];

/// Whether an answer is one of a function that works: what was asked for, or a refusal with a reason. `$default` has
/// only one reason to give, that nobody serves it.
fn is_served(answer: &Value) -> bool {
    let error = &answer["error"];
    let broken = BROKEN.iter().any(|code| error["code"] == json!(code));
    !broken && error["message"] != NO_SUCH_ACTION
}

#[test]
fn who_is_not_served_is_told_from_who_is_refused() {
    let error = |code: ErrorCode, message: &str| json!({ "error": { "code": code, "message": message } });
    assert!(is_served(&json!({ "ok": {} })) && is_served(&error(ErrorCode::NotFound, "nobody has that name")));
    assert!(!is_served(&error(ErrorCode::BadRequest, NO_SUCH_ACTION)));
    assert!(!is_served(&error(ErrorCode::Internal, "")) && !is_served(&error(ErrorCode::Unavailable, "")));
}

#[tokio::test]
async fn every_action_is_served() {
    let cloud = Cloud::start().await;
    let ann = cloud.person("ann").await;
    let mut socket = ann.online(&cloud, "laptop").await;
    let mut asked = 0;
    for action in ACTIONS {
        match action.exchange {
            Exchange::Lifecycle => {}
            Exchange::Silent { examples, .. } => {
                for frame in examples {
                    socket.send_text(*frame).await;
                    asked += 1;
                }
            }
            Exchange::Reply { examples, .. } => {
                for (frame, _) in examples {
                    let mut frame: Value = serde_json::from_str(frame).unwrap();
                    // The socket counts its requests itself.
                    frame.as_object_mut().unwrap().remove("id");
                    let answer = socket.ask(action.name, frame.clone()).await;
                    assert!(answer["ok"].is_object() || answer["error"]["code"].is_string(), "{frame}: {answer}");
                    assert!(is_served(&answer), "{frame}: {answer}");
                    asked += 1;
                }
            }
        }
    }
    assert!(asked >= ACTIONS.iter().filter(|action| action.answers()).count(), "examples are asked: {asked}");
    assert!(socket.is_quiet(200).await, "who is silent stays so");
    socket.close().await;
    cloud.stop().await;
}

#[tokio::test]
async fn every_route_is_served() {
    let cloud = Cloud::start().await;
    let (ann, bob) = (cloud.person("ann").await, cloud.person("bob").await);
    let device = ann.device(&cloud, "laptop").await;
    for route in ROUTES {
        let path = route.path.replace("/conversations/{id}", &format!("/conversations/{}", ann.with(&bob)));
        assert!(!path.contains('{'), "{path}: a parameter that this test cannot fill in yet");
        let url = format!("{}{path}", cloud.endpoints().api);
        let mut request = cloud.http.request(route.method.parse().unwrap(), url);
        if route.auth == HttpAuth::Bearer {
            request = request.bearer_auth(&device.session.access_token);
        }
        request = match route.input {
            HttpInput::None => request,
            HttpInput::Query(_, example) => request.query(&serde_json::from_str::<Value>(example).unwrap()),
            HttpInput::Json(_, example) => {
                let mut body: Value = serde_json::from_str(example).unwrap();
                // An example's password is known to everybody: nobody's account shall have it.
                if body["username"].is_string() {
                    body["username"] = json!(format!("example_{:x}", rand::random::<u32>()));
                    body["password"] = json!(format!("{:032x}", rand::random::<u128>()));
                }
                request.json(&body)
            }
        };
        let answer = request.send().await.unwrap();
        let status = answer.status().as_u16();
        let body: Value = answer.json().await.unwrap_or(Value::Null);
        let refused = body["error"]["code"].is_string() && status < 500;
        assert!(status == route.status || refused, "{} {}: {status} {body}", route.method, route.path);
        assert!(is_served(&body), "{} {}: {body}", route.method, route.path);
    }
    cloud.stop().await;
}

//! The routes over fakes: statuses, bodies, headers. What the use cases do is tested where they are.

use axum::Router;
use axum::body::Body;
use axum::http::header::{AUTHORIZATION, CACHE_CONTROL, CONTENT_TYPE, WWW_AUTHENTICATE};
use axum::http::{HeaderMap, Method, Request, StatusCode};
use http_body_util::BodyExt;
use serde_json::{Value, json};
use tidings_application::error::PortError;
use tidings_application::identity::{LeaveEverything, Lifetimes};
use tidings_domain::ids::UserId;
use tidings_domain::login::LoginPolicy;
use tidings_identity::{Keys, SigningKey};
use tidings_protocol::http::{HttpAuth, ROUTES};
use tidings_testkit::clock::TestClock;
use tidings_testkit::identity::{FakeHasher, FakeSocial};
use tidings_testkit::messages::{FakeGateway, FakeInboxes, FakeLog, FakeRoutes};
use tower::ServiceExt;

use crate::app::{Adapters, App, Options};
use crate::router::{BODY_MAX, router};

struct Fakes;

impl Adapters for Fakes {
    type Store = FakeSocial;
    type Routes = FakeRoutes;
    type Gateway = FakeGateway;
    type Ties = Alone;
    type Log = FakeLog;
    type Inboxes = FakeInboxes;
    type Hasher = FakeHasher;
    type Keys = Keys;
    type Clock = TestClock;
}

/// Nothing ties anybody to others.
#[derive(Default)]
struct Alone;

impl LeaveEverything for Alone {
    async fn leave(&self, _: UserId) -> Result<(), PortError> {
        Ok(())
    }
}

struct Api {
    router: Router,
    store: FakeSocial,
    clock: TestClock,
}

struct Answer {
    status: StatusCode,
    headers: HeaderMap,
    body: Value,
}

impl Answer {
    /// Status and code of a refusal, which must have the documented shape.
    fn refusal(&self) -> (u16, &str) {
        let error = &self.body["error"];
        assert!(error["message"].is_string() && error["retryable"].is_boolean(), "{}", self.body);
        (self.status.as_u16(), error["code"].as_str().unwrap())
    }
}

impl Api {
    fn new() -> Self {
        Self::with(true)
    }

    fn with(sign_ups_open: bool) -> Self {
        let signing = SigningKey::from_seed(&[1; 32]).unwrap();
        let verifying = signing.key_set().parse().unwrap();
        let keys = Keys::new(signing, verifying).unwrap();
        let (store, clock) = (FakeSocial::default(), TestClock::new(0));
        let options = Options {
            sign_ups_open,
            login_policy: LoginPolicy::default(),
            lifetimes: Lifetimes { access_token_s: 900, refresh_token_s: 86_400 },
            ticket_ttl_s: 30,
            socket_url: "wss://socket.example.com/live".to_owned(),
        };
        let app = App::<Fakes>::new(
            &store,
            Default::default(),
            Default::default(),
            &FakeHasher::default(),
            (&keys, keys.key_set()),
            &clock,
            options,
        );
        Self { router: router(app), store, clock }
    }

    async fn send(&self, request: Request<Body>) -> Answer {
        let response = self.router.clone().oneshot(request).await.unwrap();
        let (status, headers) = (response.status(), response.headers().clone());
        let bytes = response.into_body().collect().await.unwrap().to_bytes();
        let body = serde_json::from_slice(&bytes).unwrap_or_else(|_| panic!("not JSON: {bytes:?}"));
        Answer { status, headers, body }
    }

    async fn post(&self, path: &str, body: &Value) -> Answer {
        self.send(json_request(path, body.to_string())).await
    }

    async fn ticket(&self, authorization: &str) -> Answer {
        let request = Request::post("/v1/tickets").header(AUTHORIZATION, authorization);
        self.send(request.body(Body::empty()).unwrap()).await
    }

    async fn signed_in(&self) -> Value {
        let answer = self.post("/v1/accounts", &alice()).await;
        assert_eq!(answer.status, StatusCode::CREATED, "{}", answer.body);
        let answer = self.post("/v1/sessions", &credentials("correct horse")).await;
        assert_eq!(answer.status, StatusCode::OK, "{}", answer.body);
        answer.body
    }
}

fn json_request(path: &str, body: impl Into<Body>) -> Request<Body> {
    Request::post(path).header(CONTENT_TYPE, "application/json").body(body.into()).unwrap()
}

fn alice() -> Value {
    json!({ "username": "Alice", "password": "correct horse", "display_name": "Alice" })
}

fn credentials(password: &str) -> Value {
    let device = json!({ "id": "laptop-1", "name": "Alice's laptop", "platform": "desktop" });
    json!({ "username": "alice", "password": password, "device": device })
}

#[tokio::test]
async fn from_nothing_to_a_ticket() {
    let api = Api::new();
    let account = api.post("/v1/accounts", &alice()).await;
    assert_eq!(account.status, StatusCode::CREATED);
    let user = account.body["user"].clone();
    assert_eq!((&user["username"], &user["display_name"]), (&json!("alice"), &json!("Alice")));

    let session = api.post("/v1/sessions", &credentials("correct horse")).await;
    assert_eq!((session.status, &session.headers[CACHE_CONTROL]), (StatusCode::OK, &"no-store".parse().unwrap()));
    assert_eq!((&session.body["user"], &session.body["expires_in"]), (&user, &json!(900)));

    let refreshed = api.post("/v1/sessions/refresh", &json!({ "refresh_token": session.body["refresh_token"] })).await;
    assert_eq!((refreshed.status, &refreshed.body["user"]), (StatusCode::OK, &user));
    assert_ne!(refreshed.body["refresh_token"], session.body["refresh_token"]);

    let token = refreshed.body["access_token"].as_str().unwrap();
    let ticket = api.ticket(&format!("Bearer {token}")).await;
    assert_eq!(ticket.status, StatusCode::OK);
    assert_eq!(
        (&ticket.body["url"], &ticket.body["expires_in"]),
        (&json!("wss://socket.example.com/live"), &json!(30))
    );
    assert!(ticket.body["ticket"].is_string());
}

#[tokio::test]
async fn malformed_requests_get_a_code_and_change_nothing() {
    let api = Api::new();
    let with = |field: &str, value: Value| {
        let mut request = alice();
        request[field] = value;
        request.to_string()
    };
    for body in [
        String::new(),
        "not json".to_owned(),
        "[]".to_owned(),
        "{}".to_owned(),
        with("username", json!("al")),
        with("username", json!(7)),
        with("password", json!("short")),
        with("display_name", json!("")),
        with("client_id", json!("01jd")),
    ] {
        let answer = api.send(json_request("/v1/accounts", body.clone())).await;
        assert_eq!(answer.refusal(), (400, "bad_request"), "{body}");
    }
    let untyped = Request::post("/v1/accounts").body(Body::from(alice().to_string())).unwrap();
    assert_eq!(api.send(untyped).await.refusal(), (400, "bad_request"));
    let large = json_request("/v1/accounts", with("display_name", json!("x".repeat(BODY_MAX))));
    assert_eq!(api.send(large).await.refusal(), (413, "too_large"));
    assert_eq!(api.post("/v1/sessions", &credentials("correct horse")).await.refusal(), (401, "unauthenticated"));
}

#[tokio::test]
async fn a_message_says_which_field_is_wrong() {
    let mut request = alice();
    request["username"] = json!("al");
    let answer = Api::new().post("/v1/accounts", &request).await;
    let message = answer.body["error"]["message"].as_str().unwrap();
    assert!(message.contains("username: a user name is 3 to 32"), "{message}");
}

#[tokio::test]
async fn refusals_have_their_codes() {
    let api = Api::new();
    api.signed_in().await;
    assert_eq!(api.post("/v1/accounts", &alice()).await.refusal(), (409, "conflict"));
    assert_eq!(api.post("/v1/sessions", &credentials("battery staple")).await.refusal(), (401, "unauthenticated"));
    let forged = json!({ "refresh_token": "r1.forged" });
    assert_eq!(api.post("/v1/sessions/refresh", &forged).await.refusal(), (401, "unauthenticated"));
    assert_eq!(Api::with(false).post("/v1/accounts", &alice()).await.refusal(), (403, "forbidden"));

    let mut early = alice();
    early["client_id"] = json!("7ZZZZZZZZZZZZZZZZZZZZZZZZZ");
    let answer = api.post("/v1/accounts", &early).await;
    assert_eq!(answer.refusal(), (400, "bad_request"));
    assert!(answer.body["error"]["server_time"].is_u64(), "{}", answer.body);

    api.store.lose_replies(1);
    let answer = api.post("/v1/sessions", &credentials("correct horse")).await;
    assert_eq!(answer.refusal(), (503, "unavailable"));
    assert_eq!(answer.body["error"]["retryable"], json!(true));
}

#[tokio::test]
async fn what_needs_a_bearer_is_closed_without_a_good_one() {
    let api = Api::new();
    let session = api.signed_in().await;
    let token = session["access_token"].as_str().unwrap();
    let refresh = session["refresh_token"].as_str().unwrap();
    let ticket = api.ticket(&format!("bearer {token}")).await;
    assert_eq!(ticket.status, StatusCode::OK, "{}", ticket.body);
    let ticket = ticket.body["ticket"].as_str().unwrap();
    for authorization in [
        "",
        "Bearer",
        "Bearer ",
        token,
        &format!("Basic {token}"),
        &format!("Bearer {refresh}"),
        &format!("Bearer {ticket}"),
    ] {
        let answer = api.ticket(authorization).await;
        assert_eq!(answer.refusal(), (401, "unauthenticated"), "{authorization}");
        assert_eq!(answer.headers[WWW_AUTHENTICATE], "Bearer");
    }
    let without = Request::post("/v1/tickets").body(Body::empty()).unwrap();
    assert_eq!(api.send(without).await.refusal(), (401, "unauthenticated"));
    api.clock.advance(1_000_000);
    assert_eq!(api.ticket(&format!("Bearer {token}")).await.refusal(), (401, "unauthenticated"), "too old");
}

#[tokio::test]
async fn a_replaced_session_gets_no_tickets() {
    let api = Api::new();
    let session = api.signed_in().await;
    api.post("/v1/sessions", &credentials("correct horse")).await;
    let token = session["access_token"].as_str().unwrap();
    assert_eq!(api.ticket(&format!("Bearer {token}")).await.refusal(), (401, "unauthenticated"));
}

#[tokio::test]
async fn unknown_paths_and_methods_get_json_too() {
    let api = Api::new();
    for (method, path, want) in [
        (Method::GET, "/", (404, "not_found")),
        (Method::POST, "/v1/nothing", (404, "not_found")),
        (Method::GET, "/v1/accounts", (405, "bad_request")),
        (Method::DELETE, "/.well-known/jwks.json", (405, "bad_request")),
    ] {
        let request = Request::builder().method(method).uri(path).body(Body::empty()).unwrap();
        let answer = api.send(request).await;
        assert_eq!(answer.refusal(), want, "{path}");
        assert_eq!(answer.headers.contains_key("allow"), want.0 == 405, "{path}");
    }
}

#[tokio::test]
async fn the_keys_are_published() {
    let request = Request::get("/.well-known/jwks.json").body(Body::empty()).unwrap();
    let answer = Api::new().send(request).await;
    assert_eq!((answer.status, &answer.headers[CONTENT_TYPE]), (StatusCode::OK, &"application/json".parse().unwrap()));
    let key = &answer.body["keys"][0];
    assert_eq!((&key["crv"], &key["alg"], &key["use"]), (&json!("Ed25519"), &json!("EdDSA"), &json!("sig")));
    assert!(key["d"].is_null(), "no secret part");
}

/// The protocol's table says what there is; what it says needs a bearer answers 401 without one.
#[tokio::test]
async fn the_routes_are_those_of_the_protocol() {
    let api = Api::new();
    for route in ROUTES {
        let request = Request::builder().method(route.method).uri(route.path.replace("{id}", "g:x"));
        let answer = api.send(request.body(Body::empty()).unwrap()).await;
        if route.auth == HttpAuth::Bearer {
            assert_eq!(answer.refusal(), (401, "unauthenticated"), "{}", route.path);
        } else {
            assert!(![401, 404, 405].contains(&answer.status.as_u16()), "{}: {}", route.path, answer.body);
        }
    }
}

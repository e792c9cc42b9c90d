//! People and their devices.

use serde_json::{Value, json};
use tidings_domain::ids::{ConversationId, UserId};
use tidings_protocol::http::{CreateAccountReply, SessionReply, TicketReply};

use crate::cloud::Cloud;
use crate::socket::Socket;

/// The password of everybody here.
pub const PASSWORD: &str = "correct horse battery";

/// What a gateway answers that is asked too often.
const TOO_MANY: u16 = 429;
/// How often, and after which pause, a sign-up is tried again then.
const SIGN_UP_TRIES: u32 = 20;
const SIGN_UP_PAUSE: std::time::Duration = std::time::Duration::from_millis(500);

/// Somebody with an account.
#[derive(Clone, Debug)]
pub struct Person {
    /// Their user name.
    pub username: String,
    /// Their id.
    pub user: UserId,
}

/// A device that is signed in.
#[derive(Clone, Debug)]
pub struct Device {
    /// Whose.
    pub user: UserId,
    /// Its id.
    pub id: String,
    /// Its tokens.
    pub session: SessionReply,
}

/// A ULID of now.
pub fn client_id() -> String {
    ulid::Ulid::from_parts(now_ms(), rand::random::<u128>() >> 48).to_string()
}

/// Now, in milliseconds since the Unix epoch.
#[expect(clippy::disallowed_methods, reason = "tests take the machine's time here alone")]
pub fn now_ms() -> u64 {
    let since = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap();
    u64::try_from(since.as_millis()).unwrap()
}

impl Person {
    /// A new account.
    pub async fn sign_up(cloud: &Cloud, name: &str) -> Self {
        let username = format!("{name}_{:x}", rand::random::<u32>());
        let body = json!({ "username": username, "password": PASSWORD, "display_name": name });
        let (mut status, mut reply) = post(cloud, "/v1/accounts", None, &body).await;
        // A stage lets ten people a second sign up, and tests run side by side.
        for _ in 0..SIGN_UP_TRIES {
            if status != TOO_MANY {
                break;
            }
            tokio::time::sleep(SIGN_UP_PAUSE).await;
            (status, reply) = post(cloud, "/v1/accounts", None, &body).await;
        }
        assert_eq!(status, 201, "{reply}");
        let reply: CreateAccountReply = serde_json::from_value(reply).unwrap();
        Self { username, user: reply.user.id.0 }
    }

    /// What a sign-in answers: status and body.
    pub async fn sign_in(&self, cloud: &Cloud, password: &str, device: &str) -> (u16, Value) {
        let device = json!({ "id": device, "name": device, "platform": "desktop" });
        let body = json!({ "username": self.username, "password": password, "device": device });
        post(cloud, "/v1/sessions", None, &body).await
    }

    /// Signs in on a device.
    pub async fn device(&self, cloud: &Cloud, id: &str) -> Device {
        self.device_of(cloud, id, "desktop").await
    }

    /// Signs in on a device of that class.
    pub async fn device_of(&self, cloud: &Cloud, id: &str, platform: &str) -> Device {
        let device = json!({ "id": id, "name": id, "platform": platform });
        let body = json!({ "username": self.username, "password": PASSWORD, "device": device });
        let (status, reply) = post(cloud, "/v1/sessions", None, &body).await;
        assert_eq!(status, 200, "{reply}");
        Device { user: self.user, id: id.to_owned(), session: serde_json::from_value(reply).unwrap() }
    }

    /// Signs in on a device and connects it.
    pub async fn online(&self, cloud: &Cloud, id: &str) -> Socket {
        self.device(cloud, id).await.connect(cloud).await
    }

    /// The direct conversation with somebody.
    pub fn with(&self, other: &Self) -> ConversationId {
        ConversationId::direct(self.user, other.user)
    }
}

impl Device {
    /// A ticket for one socket.
    pub async fn ticket(&self, cloud: &Cloud) -> TicketReply {
        let (status, reply) = post(cloud, "/v1/tickets", Some(&self.session.access_token), &Value::Null).await;
        assert_eq!(status, 200, "{reply}");
        serde_json::from_value(reply).unwrap()
    }

    /// Connects with a fresh ticket.
    pub async fn connect(&self, cloud: &Cloud) -> Socket {
        let ticket = self.ticket(cloud).await;
        Socket::open(&format!("{}?ticket={}", ticket.url, ticket.ticket)).await.expect("the socket comes up")
    }

    /// A GET with this device's token: status and body.
    pub async fn get(&self, cloud: &Cloud, path: &str) -> (u16, Value) {
        request(cloud, "GET", path, Some(&self.session.access_token), &Value::Null).await
    }

    /// A new password: status and body.
    pub async fn change_password(&self, cloud: &Cloud, old: &str, new: &str) -> (u16, Value) {
        let body = json!({ "old": old, "new": new });
        request(cloud, "PUT", "/v1/account/password", Some(&self.session.access_token), &body).await
    }

    /// The end of the account: status and body.
    pub async fn delete_account(&self, cloud: &Cloud, password: &str) -> (u16, Value) {
        let body = json!({ "password": password });
        request(cloud, "DELETE", "/v1/account", Some(&self.session.access_token), &body).await
    }

    /// What a refresh of its session answers: status and body.
    pub async fn refresh(&self, cloud: &Cloud) -> (u16, Value) {
        post(cloud, "/v1/sessions/refresh", None, &json!({ "refresh_token": self.session.refresh_token })).await
    }
}

/// A POST: status and body.
pub async fn post(cloud: &Cloud, path: &str, token: Option<&str>, body: &Value) -> (u16, Value) {
    request(cloud, "POST", path, token, body).await
}

/// A request of any method: status and body.
pub async fn request(cloud: &Cloud, method: &str, path: &str, token: Option<&str>, body: &Value) -> (u16, Value) {
    let url = format!("{}{path}", cloud.endpoints().api);
    let mut request = cloud.http.request(method.parse().unwrap(), url);
    if let Some(token) = token {
        request = request.bearer_auth(token);
    }
    if !body.is_null() {
        request = request.json(body);
    }
    let answer = request.send().await.unwrap();
    let status = answer.status().as_u16();
    (status, answer.json().await.unwrap_or(Value::Null))
}

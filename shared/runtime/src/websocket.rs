//! Functions behind the socket: an event becomes a typed request of a known caller, what comes of it a reply frame.
//!
//! ```no_run
//! # use tidings_protocol::actions::{UserGet, UserGetReply};
//! # use tidings_protocol::error::{ErrorBody, ErrorCode};
//! # use tidings_runtime::meter::Meter;
//! # use tidings_runtime::websocket::Actions;
//! # async fn serve(meter: Meter) -> Result<(), lambda_runtime::Error> {
//! let actions = Actions::new(meter).on(async |_caller, _request: UserGet| -> Result<UserGetReply, ErrorBody> {
//!     Err(ErrorBody::new(ErrorCode::NotFound, "nobody"))
//! });
//! actions.serve().await
//! # }
//! ```

use std::collections::BTreeMap;
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;

use aws_lambda_events::apigw::{ApiGatewayWebsocketProxyRequest, ApiGatewayWebsocketProxyRequestContext};
use base64::Engine;
use base64::engine::general_purpose::STANDARD as BASE64;
use lambda_runtime::{Error, LambdaEvent};
use serde::Deserialize;
use serde_json::{Value, json};
use tidings_application::clock::Clock;
use tidings_domain::identity::Platform;
use tidings_domain::ids::{ConnectionId, ConversationId, DeviceId, UserId};
use tidings_domain::route::Route;
use tidings_domain::time::Timestamp;
use tidings_protocol::actions::{Call, Notice};
use tidings_protocol::envelope::{Outcome, Reply};
use tidings_protocol::error::{ErrorBody, ErrorCode, NO_SUCH_ACTION};
use tidings_protocol::limits::{FRAME_MAX, REQUEST_ID_MAX};

use crate::clock::SystemClock;
use crate::invocation;
use crate::meter::Meter;

/// Longest message of an error about a request, in characters: enough to say where it is wrong.
const MESSAGE_MAX: usize = 200;

/// Who is calling, as the authorizer said at `$connect`. Nothing that a client says about who it is counts.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Caller {
    /// Whose device.
    pub user: UserId,
    /// Which device.
    pub device: DeviceId,
    /// Its class.
    pub platform: Platform,
    /// When its ticket was issued.
    pub ticket_at: Timestamp,
    /// When the gateway accepted the connection.
    pub connected_at: Timestamp,
    /// The gateway's name of the connection.
    pub connection: ConnectionId,
    /// When the gateway took what is asked, by its clock.
    pub asked_at: Timestamp,
}

impl Caller {
    /// Where the caller's device is reached.
    pub fn route(&self) -> Route {
        Route {
            user: self.user,
            device: self.device.clone(),
            platform: self.platform,
            connection: self.connection.clone(),
            ticket_at: self.ticket_at,
            connected_at: self.connected_at,
        }
    }
}

/// An event that did not pass our authorizer, or not through a gateway.
#[derive(Debug)]
pub struct InvalidEvent(&'static str);

impl std::fmt::Display for InvalidEvent {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "the event has no {}", self.0)
    }
}

impl std::error::Error for InvalidEvent {}

/// The total type behind the event's many options.
pub fn caller(context: &ApiGatewayWebsocketProxyRequestContext) -> Result<Caller, InvalidEvent> {
    let field =
        |name: &'static str| context.authorizer.fields.get(name).and_then(Value::as_str).ok_or(InvalidEvent(name));
    let ticket_at = field("ticket_at")?.parse().map_err(|_| InvalidEvent("ticket_at"))?;
    Ok(Caller {
        user: field("user")?.parse().map_err(|_| InvalidEvent("user"))?,
        device: field("device")?.parse().map_err(|_| InvalidEvent("device"))?,
        platform: field("platform")?.parse().map_err(|_| InvalidEvent("platform"))?,
        ticket_at: Timestamp::from_millis(ticket_at),
        // A route that was born expired would make its device deaf.
        connected_at: time_or_now(context.connected_at),
        asked_at: time_or_now(context.request_time_epoch),
        connection: ConnectionId::new(context.connection_id.as_deref().ok_or(InvalidEvent("connectionId"))?),
    })
}

fn time_or_now(millis: i64) -> Timestamp {
    match millis.try_into() {
        Ok(millis @ 1..) => Timestamp::from_millis(millis),
        _ => SystemClock.now(),
    }
}

type Serve = Box<dyn Fn(Caller, &str) -> Result<Answer, ErrorBody> + Send + Sync>;
type Answer = Pin<Box<dyn Future<Output = Result<Value, ErrorBody>> + Send>>;

/// Who serves an action.
enum Handler {
    /// With a reply.
    Replies(Serve),
    /// Without one.
    Silent(Serve),
}

/// The actions that a function serves.
pub struct Actions {
    handlers: BTreeMap<&'static str, Handler>,
    meter: Meter,
}

impl std::fmt::Debug for Actions {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_list().entries(self.handlers.keys()).finish()
    }
}

impl Actions {
    /// None yet.
    pub const fn new(meter: Meter) -> Self {
        Self { handlers: BTreeMap::new(), meter }
    }

    /// Serves the action of request type `C`.
    #[must_use]
    pub fn on<C, F, A>(mut self, handler: F) -> Self
    where
        C: Call,
        F: Fn(Caller, C) -> A + Send + Sync + 'static,
        A: Future<Output = Result<C::Reply, ErrorBody>> + Send + 'static,
    {
        let handler = move |caller: Caller, frame: &str| -> Result<Answer, ErrorBody> {
            let request = serde_json::from_str(frame).map_err(|error| bad_request(&error))?;
            let answer = handler(caller, request);
            Ok(Box::pin(async move { serde_json::to_value(answer.await?).map_err(|error| internal(&error)) }))
        };
        self.handlers.insert(C::ACTION, Handler::Replies(Box::new(handler)));
        self
    }

    /// Serves the action of `N`, which has no reply: whoever is refused is not told.
    #[must_use]
    pub fn on_notice<N, F, A>(mut self, handler: F) -> Self
    where
        N: Notice,
        F: Fn(Caller, N) -> A + Send + Sync + 'static,
        A: Future<Output = Result<(), ErrorBody>> + Send + 'static,
    {
        let handler = move |caller: Caller, frame: &str| -> Result<Answer, ErrorBody> {
            let answer = handler(caller, serde_json::from_str(frame).map_err(|error| bad_request(&error))?);
            Ok(Box::pin(async move { answer.await.map(|()| Value::Null) }))
        };
        self.handlers.insert(N::ACTION, Handler::Silent(Box::new(handler)));
        self
    }

    /// Serves the action of request type `C` by a handler of what several actions share.
    #[must_use]
    pub fn with<T, C, F, A>(self, what: &Arc<T>, handler: F) -> Self
    where
        T: Send + Sync + 'static,
        C: Call,
        F: Fn(Arc<T>, Caller, C) -> A + Send + Sync + 'static,
        A: Future<Output = Result<C::Reply, ErrorBody>> + Send + 'static,
    {
        let what = Arc::clone(what);
        self.on(move |caller, request| handler(what.clone(), caller, request))
    }

    /// Serves events until the environment ends.
    pub async fn serve(self) -> Result<(), Error> {
        let actions = &self;
        invocation::serve(&self.meter, |event: LambdaEvent<ApiGatewayWebsocketProxyRequest>| async move {
            // With a route response, the body of an answer is the reply frame.
            Ok(match actions.answer(event.payload).await? {
                Some(frame) => json!({ "statusCode": 200, "body": frame }),
                None => json!({ "statusCode": 200 }),
            })
        })
        .await
    }

    /// The reply frame to one event, if there is to be one. An error is a fault of ours: the gateway then sends its own error frame, which
    /// tells the client that the outcome is unknown.
    pub async fn answer(&self, event: ApiGatewayWebsocketProxyRequest) -> Result<Option<String>, Error> {
        let caller = caller(&event.request_context)?;
        let route = event.request_context.route_key.as_deref().unwrap_or_default();
        invocation::is_for(route);
        invocation::is_of(caller.user);
        let frame = frame(&event)?;
        let handler = self.handlers.get(route);
        let (id, serve) = match (envelope(&frame), handler) {
            (Err(error), _) => (None, Err(error)),
            (Ok(id), None) => (id.clone().ok(), id.and_then(|_| Err(unknown_action(&frame)))),
            (Ok(id), Some(Handler::Replies(serve))) => (id.clone().ok(), id.map(|_| serve)),
            (Ok(_), Some(Handler::Silent(serve))) => (None, Ok(serve)),
        };
        let outcome = match serve.and_then(|serve| serve(caller, &frame)) {
            Ok(answer) => answer.await,
            Err(error) => Err(error),
        };
        if let Err(error) = &outcome {
            self.meter.refused(error.code);
        }
        if matches!(handler, Some(Handler::Silent(_))) {
            return Ok(None);
        }
        let outcome = outcome.map_or_else(Outcome::Error, Outcome::Ok);
        Ok(Some(serde_json::to_string(&Reply { reply: id, outcome })?))
    }
}

/// The frame's text. The gateway passes binary frames on in base64.
fn frame(event: &ApiGatewayWebsocketProxyRequest) -> Result<String, Error> {
    let body = event.body.clone().unwrap_or_default();
    if !event.is_base64_encoded {
        return Ok(body);
    }
    let bytes = BASE64.decode(body)?;
    Ok(String::from_utf8_lossy(&bytes).into_owned())
}

/// The id that the reply names, of a frame that can be read at all. Of what has a reply nothing is done without an id:
/// the client could not tell what came of it. What the frame is about goes into the log by the way.
fn envelope(frame: &str) -> Result<Result<String, ErrorBody>, ErrorBody> {
    #[derive(Deserialize)]
    struct WithId {
        id: Option<Value>,
        conversation: Option<Value>,
    }
    if frame.len() > FRAME_MAX {
        // The gateway lets longer messages through, in pieces.
        return Err(ErrorBody::new(ErrorCode::TooLarge, format!("a frame has at most {FRAME_MAX} bytes")));
    }
    let with_id: WithId = serde_json::from_str(frame).map_err(|error| bad_request(&error))?;
    let conversation = with_id.conversation.as_ref().and_then(Value::as_str);
    if let Some(conversation) = conversation.and_then(|text| text.parse::<ConversationId>().ok()) {
        invocation::is_about(conversation);
    }
    Ok(match with_id.id {
        Some(Value::String(id)) if id.len() <= REQUEST_ID_MAX => Ok(id),
        _ => {
            let message = format!("`id` is a text of at most {REQUEST_ID_MAX} bytes");
            Err(ErrorBody::new(ErrorCode::BadRequest, message))
        }
    })
}

fn unknown_action(frame: &str) -> ErrorBody {
    let action = serde_json::from_str(frame).ok().and_then(|frame: Value| match frame.get("action") {
        Some(Value::String(action)) => Some(action.clone()),
        _ => None,
    });
    let message = match action {
        Some(_) => NO_SUCH_ACTION,
        None => "`action` is missing",
    };
    ErrorBody::new(ErrorCode::BadRequest, message)
}

fn bad_request(error: &serde_json::Error) -> ErrorBody {
    // serde quotes what it was given, and that may fill the reply.
    let message: String = error.to_string().chars().take(MESSAGE_MAX).collect();
    ErrorBody::new(ErrorCode::BadRequest, message)
}

/// An answer that cannot be encoded, or another fault of ours. The cause goes to the log, not to the client.
pub fn internal(error: &dyn std::fmt::Display) -> ErrorBody {
    tracing::error!(error = %error, "internal fault");
    ErrorBody::new(ErrorCode::Internal, "a fault of ours")
}

#[cfg(test)]
mod tests {
    use tidings_protocol::actions::{ConversationRead, ConversationReadReply, Typing};

    use super::*;

    fn event(route: &str, body: &str) -> ApiGatewayWebsocketProxyRequest {
        serde_json::from_value(json!({
            "requestContext": {
                "routeKey": route,
                "eventType": "MESSAGE",
                "connectionId": "c=",
                "connectedAt": 5,
                "requestTimeEpoch": 6,
                "authorizer": {
                    "principalId": "u_01JD0000000000000000000A00",
                    "user": "u_01JD0000000000000000000A00",
                    "device": "laptop-1",
                    "platform": "desktop",
                    "ticket_at": "4",
                },
            },
            "body": body,
            "isBase64Encoded": false,
        }))
        .unwrap()
    }

    async fn answer(route: &str, body: &str) -> Value {
        let actions = Actions::new(Meter::off()).on(async |caller: Caller, request: ConversationRead| {
            assert_eq!(caller.device.as_str(), "laptop-1");
            if request.seq == 0 {
                return Err(ErrorBody::new(ErrorCode::BadRequest, "zero"));
            }
            Ok(ConversationReadReply { read_seq: request.seq })
        });
        serde_json::from_str(&actions.answer(event(route, body)).await.unwrap().unwrap()).unwrap()
    }

    const CONVERSATION: &str = "d:u_01JD0000000000000000000A00:u_01JD0000000000000000000B00";

    #[tokio::test]
    async fn requests_become_replies() {
        let ask = |id: &str, seq: &str| {
            format!(r#"{{"action":"conversation.read","id":{id},"conversation":"{CONVERSATION}","seq":{seq}}}"#)
        };
        for (body, want) in [
            (ask("\"7\"", "3"), json!({ "reply": "7", "ok": { "read_seq": 3 } })),
            (ask("\"7\"", "0"), json!({ "reply": "7", "error": "bad_request" })),
            (ask("\"7\"", &format!("\"{}\"", "x".repeat(30_000))), json!({ "reply": "7", "error": "bad_request" })),
            (ask("\"7\"", "\"x\""), json!({ "reply": "7", "error": "bad_request" })),
            (ask("7", "3"), json!({ "reply": null, "error": "bad_request" })),
            (ask(&format!("\"{}\"", "x".repeat(65)), "3"), json!({ "reply": null, "error": "bad_request" })),
            ("not json".to_owned(), json!({ "reply": null, "error": "bad_request" })),
            (ask("\"7\"", &format!("\"{}\"", "x".repeat(FRAME_MAX))), json!({ "reply": null, "error": "too_large" })),
            ("[]".to_owned(), json!({ "reply": null, "error": "bad_request" })),
        ] {
            let mut got = answer("conversation.read", &body).await;
            assert!(got.to_string().len() < 512, "{body:.100} fills the reply");
            if let Some(code) = got["error"]["code"].as_str().map(str::to_owned) {
                got["error"] = code.into();
            }
            assert_eq!(got, want, "{body}");
        }
    }

    #[tokio::test]
    async fn what_is_no_action_gets_an_error() {
        let got = answer("$default", r#"{"action":"dance","id":"9"}"#).await;
        assert_eq!((got["reply"].as_str(), got["error"]["code"].as_str()), (Some("9"), Some("bad_request")));
    }

    #[tokio::test]
    async fn refusals_are_counted_by_whose_fault_they_are() {
        let meter = Meter::named("sync");
        let actions = Actions::new(meter.clone()).on(async |_, request: ConversationRead| {
            let codes = [ErrorCode::Forbidden, ErrorCode::Unavailable, ErrorCode::Internal];
            Err(ErrorBody::new(codes[usize::try_from(request.seq).unwrap()], "refused"))
        });
        for seq in [0, 0, 1, 2] {
            let body =
                format!(r#"{{"action":"conversation.read","id":"7","conversation":"{CONVERSATION}","seq":{seq}}}"#);
            actions.answer(event("conversation.read", &body)).await.unwrap();
        }
        let line: Value = serde_json::from_str(&meter.take()[0]).unwrap();
        assert_eq!(
            (&line["Refusals"], &line["Unavailable"], &line["InternalFaults"]),
            (&2.into(), &1.into(), &1.into())
        );
    }

    #[tokio::test]
    async fn who_expects_no_reply_gets_none() {
        let meter = Meter::named("presence");
        let actions = Actions::new(meter.clone()).on_notice(async |_, request: Typing| {
            let forbidden = ErrorBody::new(ErrorCode::Forbidden, "refused");
            if request.typing { Ok(()) } else { Err(forbidden) }
        });
        let conversation = format!(r#""conversation":"{CONVERSATION}""#);
        let ask = async |body: String| actions.answer(event("typing", &body)).await.unwrap();
        assert_eq!(ask(format!("{{{conversation}}}")).await, None, "needs no id");
        meter.take();
        for refused in [format!("{{{conversation},\"typing\":false}}"), "{}".to_owned(), "not json".to_owned()] {
            assert_eq!(ask(refused.clone()).await, None, "{refused}");
        }
        let line: Value = serde_json::from_str(&meter.take()[0]).unwrap();
        assert_eq!(line["Refusals"], 3, "and is counted");
    }

    #[tokio::test]
    async fn an_event_without_our_authorizer_is_a_fault() {
        let mut forged = event("conversation.read", "{}");
        forged.request_context.authorizer.fields.remove("user");
        assert!(Actions::new(Meter::off()).answer(forged).await.is_err());
    }
}

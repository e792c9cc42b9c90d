//! `asyncapi.json`: the socket as AsyncAPI 3.0, from the server's point of view (it receives requests, and sends
//! replies and events).

use serde_json::{Map, Value, json};

use super::definitions::{Definitions, example, extensions};
use super::examples::SERVER_FRAMES;
use super::frames::{add_frames, reply_frame, request_frame};
use crate::actions::{ACTIONS, Exchange};
use crate::limits::{CONNECTION_MAX_S, FRAME_MAX, PING_WITHIN_S};

const ERROR: &str = "ErrorReplyFrame";

/// The document.
pub(super) fn document() -> Value {
    let mut definitions = Definitions::draft_07("/components/schemas");
    add_frames(&mut definitions);

    let mut messages = Map::new();
    let mut operations = Map::new();
    let mut lifecycle = Map::new();
    for action in ACTIONS {
        let mut operation = extensions(action);
        let request = request_frame(action);
        match action.exchange {
            Exchange::Lifecycle => {
                operation.insert("summary".into(), action.summary.into());
                lifecycle.insert(action.name.into(), operation.into());
                continue;
            }
            Exchange::Silent { examples, .. } => {
                messages.insert(request.clone(), message(&request, action.summary, None, examples.iter().copied()));
            }
            Exchange::Reply { examples, .. } => {
                let requests = examples.iter().map(|(request, _)| *request);
                messages.insert(request.clone(), message(&request, action.summary, Some("id"), requests));
                let reply = reply_frame(action);
                let replies = examples.iter().map(|(_, reply)| *reply);
                let summary = format!("Done: the reply to `{}`.", action.name);
                messages.insert(reply.clone(), message(&reply, &summary, Some("reply"), replies));
                operation.insert(
                    "reply".into(),
                    json!({ "channel": CHANNEL.reference(), "messages": [in_channel(&reply), in_channel(ERROR)] }),
                );
            }
        }
        operation.insert("action".into(), "receive".into());
        operation.insert("summary".into(), action.summary.into());
        operation.insert("channel".into(), CHANNEL.reference());
        operation.insert("messages".into(), json!([in_channel(&request)]));
        operations.insert(action.name.into(), operation.into());
    }
    for frame in SERVER_FRAMES {
        let correlation = (frame.name == ERROR).then_some("reply");
        messages
            .insert(frame.name.into(), message(frame.name, frame.summary, correlation, frame.examples.iter().copied()));
    }
    operations.insert("events".into(), told("What happened.", "EventsFrame"));
    operations.insert(
        "gateway_error".into(),
        told("The gateway could not say what became of a request.", "GatewayErrorFrame"),
    );

    let in_channel: Map<_, _> = messages
        .keys()
        .map(|name| (name.clone(), json!({ "$ref": format!("#/components/messages/{name}") })))
        .collect();
    json!({
        "asyncapi": "3.0.0",
        "info": {
            "title": "Tidings socket",
            "version": env!("CARGO_PKG_VERSION"),
            "description": "One JSON object per text frame. Described from the server's point of view.",
            "license": { "name": "MIT OR Apache-2.0" },
        },
        "defaultContentType": "application/json",
        "servers": { "gateway": server() },
        "channels": {
            (CHANNEL.0): {
                "address": "/",
                "description": format!(
                    "A frame is at most {FRAME_MAX} bytes; a larger one closes the socket with 1009. A client pings \
                     within {PING_WITHIN_S} s; a connection lives {CONNECTION_MAX_S} s at most."
                ),
                "servers": [{ "$ref": "#/servers/gateway" }],
                "messages": in_channel,
                "bindings": { "ws": { "query": {
                    "type": "object",
                    "properties": { "ticket": { "type": "string", "description": "From `POST /v1/tickets`; works once." } },
                    "required": ["ticket"],
                } } },
                "x-routes": lifecycle,
            },
        },
        "operations": operations,
        "components": {
            "messages": messages,
            "schemas": definitions.take(),
            "securitySchemes": { "ticket": {
                "type": "httpApiKey",
                "in": "query",
                "name": "ticket",
                "description": "Signed, for one device, short-lived. From `POST /v1/tickets`.",
            } },
        },
    })
}

/// The one channel there is.
struct Channel(&'static str);

const CHANNEL: Channel = Channel("socket");

impl Channel {
    fn reference(&self) -> Value {
        json!({ "$ref": format!("#/channels/{}", self.0) })
    }
}

fn in_channel(message: &str) -> Value {
    json!({ "$ref": format!("#/channels/{}/messages/{message}", CHANNEL.0) })
}

fn server() -> Value {
    json!({
        "host": "{host}",
        "pathname": "/{stage}",
        "protocol": "wss",
        "description": "The address comes with each ticket.",
        "variables": {
            "host": { "description": "The WebSocket API's host.", "default": "socket.example.com" },
            "stage": { "description": "The WebSocket API's stage.", "default": "live" },
        },
        "security": [{ "$ref": "#/components/securitySchemes/ticket" }],
    })
}

fn message<'a>(name: &str, summary: &str, correlation: Option<&str>, examples: impl Iterator<Item = &'a str>) -> Value {
    let examples: Vec<_> = examples.map(|text| json!({ "payload": example(text) })).collect();
    let mut message = json!({
        "name": name,
        "summary": summary,
        "contentType": "application/json",
        "payload": {
            "schemaFormat": "application/schema+json;version=draft-07",
            "schema": { "$ref": format!("#/components/schemas/{name}") },
        },
        "examples": examples,
    });
    if let Some(field) = correlation {
        message["correlationId"] = json!({ "location": format!("$message.payload#/{field}") });
    }
    message
}

/// What the server says unasked.
fn told(summary: &str, message: &str) -> Value {
    json!({
        "action": "send",
        "summary": summary,
        "channel": CHANNEL.reference(),
        "messages": [in_channel(message)],
    })
}

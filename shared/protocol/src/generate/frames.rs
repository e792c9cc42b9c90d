//! `frames.schema.json`: JSON Schema 2020-12 of every frame, by direction.

use serde_json::{Value, json};

use super::definitions::{Definitions, example};
use super::examples::SERVER_FRAMES;
use crate::actions::{ACTIONS, Action, Exchange};
use crate::envelope::GatewayError;
use crate::error::ErrorBody;
use crate::event::Events;
use crate::limits::REQUEST_ID_MAX;

/// The document.
pub(super) fn document() -> Value {
    let mut definitions = Definitions::draft_2020_12("/$defs");
    let frames = add_frames(&mut definitions);
    definitions.add(
        "ClientFrame",
        json!({ "description": "What a client sends: `action` tells which.", "oneOf": frames.client }),
    );
    definitions.add(
        "ServerFrame",
        json!({
            "description": "What the server sends: a reply, whose `id` tells to what, or events.",
            "anyOf": frames.server,
        }),
    );
    json!({
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "Tidings frames",
        "description": "Every frame of the socket. Unknown fields are ignored by both sides.",
        "anyOf": [{ "$ref": "#/$defs/ClientFrame" }, { "$ref": "#/$defs/ServerFrame" }],
        "$defs": definitions.take(),
    })
}

/// References to the frames of both directions.
pub(super) struct Frames {
    pub(super) client: Vec<Value>,
    pub(super) server: Vec<Value>,
}

/// Adds every frame under its name.
pub(super) fn add_frames(definitions: &mut Definitions) -> Frames {
    let mut frames = Frames { client: vec![], server: vec![] };
    for action in ACTIONS {
        match action.exchange {
            Exchange::Lifecycle => {}
            Exchange::Silent { request, examples, .. } => {
                let fields = definitions.shape(request);
                let examples: Vec<_> = examples.iter().map(|text| example(text)).collect();
                let schema = json!({
                    "description": action.summary,
                    "type": "object",
                    "properties": { "action": { "const": action.name } },
                    "required": ["action"],
                    "allOf": [fields],
                    "examples": examples,
                });
                frames.client.push(definitions.add(&request_frame(action), schema));
            }
            Exchange::Reply { request, reply, examples, .. } => {
                let fields = definitions.shape(request);
                let requests: Vec<_> = examples.iter().map(|(request, _)| example(request)).collect();
                let schema = json!({
                    "description": action.summary,
                    "type": "object",
                    "properties": { "action": { "const": action.name }, "id": request_id() },
                    "required": ["action", "id"],
                    "allOf": [fields],
                    "examples": requests,
                });
                frames.client.push(definitions.add(&request_frame(action), schema));

                let ok = definitions.shape(reply);
                let replies: Vec<_> = examples.iter().map(|(_, reply)| example(reply)).collect();
                let schema = json!({
                    "description": format!("Done: the reply to `{}`.", action.name),
                    "type": "object",
                    "properties": { "reply": reply_id(), "ok": ok },
                    "required": ["reply", "ok"],
                    "examples": replies,
                });
                frames.server.push(definitions.add(&reply_frame(action), schema));
            }
        }
    }
    for frame in SERVER_FRAMES {
        let examples: Vec<_> = frame.examples.iter().map(|text| example(text)).collect();
        let mut schema = match frame.name {
            "ErrorReplyFrame" => {
                let error = definitions.of::<ErrorBody>();
                json!({
                    "type": "object",
                    "properties": { "reply": any_reply_id(), "error": error },
                    "required": ["reply", "error"],
                })
            }
            "EventsFrame" => json!({ "allOf": [definitions.of::<Events>()] }),
            _ => json!({ "allOf": [definitions.of::<GatewayError>()] }),
        };
        schema["description"] = frame.summary.into();
        schema["examples"] = examples.into();
        frames.server.push(definitions.add(frame.name, schema));
    }
    frames
}

/// What the schemas call the frame of an action's request.
pub(super) fn request_frame(action: &Action) -> String {
    format!("{}Frame", request_type(action).unwrap_or_default())
}

/// What the schemas call the frame of an action's reply.
pub(super) fn reply_frame(action: &Action) -> String {
    format!("{}ReplyFrame", request_type(action).unwrap_or_default())
}

fn request_type(action: &Action) -> Option<String> {
    match action.exchange {
        Exchange::Lifecycle => None,
        Exchange::Silent { request, .. } | Exchange::Reply { request, .. } => Some((request.name)().into_owned()),
    }
}

/// The limit counts bytes, which a schema cannot; characters are never more.
fn request_id() -> Value {
    json!({
        "type": "string",
        "maxLength": REQUEST_ID_MAX,
        "description": format!("The client's choice, at most {REQUEST_ID_MAX} bytes; comes back as `reply`."),
    })
}

fn reply_id() -> Value {
    json!({ "type": "string", "description": "The request's `id`." })
}

fn any_reply_id() -> Value {
    json!({ "type": ["string", "null"], "description": "The request's `id`; null if it had none that could be read." })
}

//! Every example is what it stands for: it reads into its Rust type, comes back unchanged, and the generated schemas
//! take it.
#![expect(clippy::unwrap_used, clippy::panic, reason = "a test helper fails its test")]

use jsonschema::Validator;
use serde_json::{Value, json};
use tidings_protocol::actions::{ACTIONS, Exchange};
use tidings_protocol::generate::{SERVER_FRAMES, files};
use tidings_protocol::http::{HttpInput, ROUTES};
use tidings_protocol::shape::Shape;

fn document(name: &str) -> Value {
    let file = files().into_iter().find(|file| file.path.ends_with(name)).unwrap();
    serde_json::from_str(&file.content).unwrap()
}

/// A validator for one definition of `frames.schema.json`.
fn frame(name: &str) -> Validator {
    let schema = json!({ "$ref": format!("#/$defs/{name}"), "$defs": document("frames.schema.json")["$defs"] });
    jsonschema::draft202012::new(&schema).unwrap()
}

/// The same of `asyncapi.json`, which speaks draft 7.
fn message(name: &str) -> Validator {
    let reference = format!("#/components/schemas/{name}");
    let schema = json!({ "allOf": [{ "$ref": reference }], "components": document("asyncapi.json")["components"] });
    jsonschema::draft7::new(&schema).unwrap()
}

/// A schema somewhere in `openapi.json`.
fn http(schema: &Value) -> Validator {
    let schema = json!({ "allOf": [schema], "components": document("openapi.json")["components"] });
    jsonschema::draft202012::new(&schema).unwrap()
}

#[track_caller]
fn comes_back(shape: Shape, text: &str) -> Value {
    let value: Value = serde_json::from_str(text).unwrap_or_else(|error| panic!("{error}: {text}"));
    let again = (shape.round_trip)(text).unwrap_or_else(|error| panic!("{shape:?}: {error}: {text}"));
    assert_eq!(serde_json::from_str::<Value>(&again).unwrap(), value, "{shape:?}");
    value
}

#[track_caller]
fn accepts(validator: &Validator, value: &Value, what: &str) {
    let errors: Vec<_> = validator.iter_errors(value).map(|error| error.to_string()).collect();
    assert!(errors.is_empty(), "{what}: {errors:?}: {value}");
}

#[test]
fn of_actions() {
    let (client, server) = (frame("ClientFrame"), frame("ServerFrame"));
    for action in ACTIONS {
        match action.exchange {
            Exchange::Lifecycle => {}
            Exchange::Silent { request, frame: shape, examples } => {
                assert!(!examples.is_empty(), "{} has no example", action.name);
                for text in examples {
                    let value = comes_back(shape, text);
                    assert_eq!(value["action"], action.name);
                    accepts(&client, &value, action.name);
                    accepts(&message(&format!("{}Frame", (request.name)())), &value, action.name);
                }
            }
            Exchange::Reply { request, request_frame, reply_frame, examples, .. } => {
                assert!(!examples.is_empty(), "{} has no example", action.name);
                let name = (request.name)();
                for (asked, answered) in examples {
                    let asked = comes_back(request_frame, asked);
                    let answered = comes_back(reply_frame, answered);
                    assert_eq!(asked["action"], action.name);
                    assert_eq!(asked["id"], answered["reply"], "{}: the reply answers another request", action.name);
                    accepts(&client, &asked, action.name);
                    accepts(&server, &answered, action.name);
                    // Of its own frame and no other: that `anyOf` would let a neighbour take it proves nothing.
                    accepts(&frame(&format!("{name}Frame")), &asked, action.name);
                    accepts(&frame(&format!("{name}ReplyFrame")), &answered, action.name);
                    accepts(&message(&format!("{name}Frame")), &asked, action.name);
                    accepts(&message(&format!("{name}ReplyFrame")), &answered, action.name);
                }
            }
        }
    }
}

#[test]
fn of_frames_that_may_come_any_time() {
    for one in SERVER_FRAMES {
        for text in one.examples {
            let value = comes_back(one.shape, text);
            accepts(&frame(one.name), &value, one.name);
            accepts(&frame("ServerFrame"), &value, one.name);
            accepts(&message(one.name), &value, one.name);
        }
    }
}

#[test]
fn of_http_routes() {
    let document = document("openapi.json");
    for route in ROUTES {
        let operation = &document["paths"][route.path][route.method.to_ascii_lowercase()];
        match route.input {
            HttpInput::None => {}
            HttpInput::Json(shape, text) => {
                let value = comes_back(shape, text);
                accepts(&http(&operation["requestBody"]["content"]["application/json"]["schema"]), &value, route.path);
            }
            HttpInput::Query(shape, text) => {
                let value = comes_back(shape, text);
                for (name, field) in value.as_object().unwrap() {
                    let parameters = operation["parameters"].as_array().unwrap();
                    let parameter = parameters.iter().find(|parameter| parameter["name"] == name.as_str()).unwrap();
                    accepts(&http(&parameter["schema"]), field, route.path);
                }
            }
        }
        let value = comes_back(route.reply, route.reply_example);
        let answer = &operation["responses"][route.status.to_string()]["content"]["application/json"];
        accepts(&http(&answer["schema"]), &value, route.path);
        for response in operation["responses"].as_object().unwrap().values() {
            let content = &response["content"]["application/json"];
            for example in content["examples"].as_object().into_iter().flat_map(|map| map.values()) {
                accepts(&http(&content["schema"]), &example["value"], route.path);
            }
        }
    }
}

/// What each side must refuse: the validators can say no.
#[test]
fn broken_frames_are_refused() {
    const CONVERSATION: &str = "d:u_01JD0000000000000000000A00:u_01JD0000000000000000000B00";
    let client = frame("ClientFrame");
    for broken in [
        json!({ "id": "1" }),
        json!({ "action": "nonsense", "id": "1" }),
        json!({ "action": "sync" }),
        json!({ "action": "sync", "id": 1 }),
        json!({ "action": "sync", "id": "x".repeat(65) }),
        json!({ "action": "history", "id": "1" }),
        json!({ "action": "history", "id": "1", "conversation": "d:a:b" }),
        json!({ "action": "history", "id": "1", "conversation": CONVERSATION, "after": 1, "before": 2 }),
        json!({ "action": "history", "id": "1", "conversation": CONVERSATION, "limit": 0 }),
        json!({ "action": "history", "id": "1", "conversation": CONVERSATION, "limit": 101 }),
        json!({ "action": "history", "id": "1", "conversation": CONVERSATION, "after": -1 }),
        json!({ "action": "conversation.read", "id": "1", "conversation": CONVERSATION, "seq": 0 }),
        json!({ "action": "user.get", "id": "1" }),
        json!({ "action": "message.send", "id": "1", "conversation": CONVERSATION }),
        json!({ "action": "message.send", "id": "1", "conversation": CONVERSATION, "messages": [] }),
        json!({ "action": "message.send", "id": "1", "conversation": CONVERSATION,
                "client_id": "01JD0000000000000000000C00", "body": { "type": "text", "text": "" } }),
        json!({ "action": "message.send", "id": "1", "conversation": CONVERSATION,
                "client_id": "01jd0000000000000000000c00", "body": { "type": "text", "text": "hi" } }),
        json!({ "action": "message.send", "id": "1", "conversation": CONVERSATION,
                "client_id": "01JD0000000000000000000C00", "body": { "type": "nonsense" } }),
    ] {
        assert!(!client.is_valid(&broken), "{broken}");
    }
    let server = frame("ServerFrame");
    for broken in [
        json!({}),
        json!({ "reply": "1" }),
        json!({ "reply": "1", "error": { "code": "nonsense", "message": "", "retryable": false } }),
        json!({ "events": {} }),
        json!({ "events": [{ "type": "pull" }] }),
    ] {
        assert!(!server.is_valid(&broken), "{broken}");
    }
}

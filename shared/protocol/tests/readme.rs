//! The examples of the README are examples of the schemas.
#![expect(clippy::unwrap_used, reason = "a test helper fails its test")]

use serde_json::{Value, json};
use tidings_protocol::error::HttpError;
use tidings_protocol::generate::files;

fn frame(name: &str) -> jsonschema::Validator {
    let file = files().into_iter().find(|file| file.path.ends_with("frames.schema.json")).unwrap();
    let document: Value = serde_json::from_str(&file.content).unwrap();
    let schema = json!({ "$ref": format!("#/$defs/{name}"), "$defs": document["$defs"] });
    jsonschema::draft202012::new(&schema).unwrap()
}

#[test]
fn every_line_of_an_example_fits_its_schema() {
    let (client, server) = (frame("ClientFrame"), frame("ServerFrame"));
    let mut seen = [0; 3];
    for line in include_str!("../README.md").lines() {
        let parse = |text| serde_json::from_str::<Value>(text).unwrap_or_else(|error| panic!("{error}: {text}"));
        if let Some(text) = line.strip_prefix("-> ") {
            assert!(client.is_valid(&parse(text)), "{text}");
            seen[0] += 1;
        } else if let Some(text) = line.strip_prefix("<- ") {
            assert!(server.is_valid(&parse(text)), "{text}");
            seen[1] += 1;
        } else if let Some(text) = line.strip_prefix("HTTP ") {
            serde_json::from_str::<HttpError>(text).unwrap();
            seen[2] += 1;
        }
    }
    assert!(seen.iter().all(|count| *count > 0), "examples found: {seen:?}");
}

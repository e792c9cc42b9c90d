//! Nothing that is generated is stale, and what is generated is what it claims to be.
#![expect(clippy::unwrap_used, reason = "a test helper fails its test")]

use std::collections::BTreeSet;
use std::path::PathBuf;

use serde_json::Value;
use tidings_protocol::actions::{ACTIONS, Exchange};
use tidings_protocol::error::ErrorCode;
use tidings_protocol::generate::{PAGES, files, fill, sections};
use tidings_protocol::http::ROUTES;

fn root() -> PathBuf {
    // Cargo starts tests in their package's folder.
    PathBuf::from("../..")
}

fn document(name: &str) -> Value {
    let file = files().into_iter().find(|file| file.path.ends_with(name)).unwrap();
    serde_json::from_str(&file.content).unwrap()
}

#[test]
fn nothing_is_stale() {
    let mut stale = Vec::new();
    for file in files() {
        if std::fs::read_to_string(root().join(file.path)).ok().as_ref() != Some(&file.content) {
            stale.push(file.path);
        }
    }
    for page in PAGES {
        if let Ok(text) = std::fs::read_to_string(root().join(page))
            && fill(&text).unwrap() != text
        {
            stale.push(page);
        }
    }
    assert!(stale.is_empty(), "run `cargo xtask generate` and commit what it writes; stale: {stale:?}");
}

#[test]
fn the_readme_has_every_section() {
    let page = std::fs::read_to_string(root().join("shared/protocol/README.md")).unwrap();
    for section in sections() {
        let marker = format!("<!-- generated:{} -->", section.name);
        assert_eq!(page.matches(&marker).count(), 1, "{marker}");
    }
}

#[test]
fn documents_are_sorted_and_end_with_a_line_feed() {
    for file in files().into_iter().filter(|file| file.path.contains("/schema/")) {
        let mut value: Value = serde_json::from_str(&file.content).unwrap();
        value.sort_all_objects();
        assert_eq!(file.content, format!("{value:#}\n"), "{}", file.path);
    }
}

/// Every `$ref` of a value.
fn references(value: &Value, found: &mut BTreeSet<String>) {
    match value {
        Value::Object(map) => {
            if let Some(Value::String(reference)) = map.get("$ref") {
                found.insert(reference.clone());
            }
            map.values().for_each(|value| references(value, found));
        }
        Value::Array(list) => list.iter().for_each(|value| references(value, found)),
        _ => {}
    }
}

#[test]
fn every_reference_leads_somewhere_and_every_schema_is_used() {
    for (name, schemas) in [
        ("frames.schema.json", "/$defs"),
        ("asyncapi.json", "/components/schemas"),
        ("openapi.json", "/components/schemas"),
    ] {
        let document = document(name);
        let mut found = BTreeSet::new();
        references(&document, &mut found);
        assert!(found.len() > 10, "{name}: {found:?}");
        for reference in &found {
            let pointer = reference.strip_prefix('#').unwrap();
            assert!(document.pointer(pointer).is_some(), "{name}: nothing at {reference}");
        }
        for schema in document.pointer(schemas).unwrap().as_object().unwrap().keys() {
            assert!(found.contains(&format!("#{schemas}/{schema}")), "{name}: nothing uses {schema}");
        }
    }
}

#[test]
fn schemas_are_schemas_of_the_draft_that_they_claim() {
    let frames = document("frames.schema.json");
    assert!(jsonschema::draft202012::meta::is_valid(&frames));
    for schema in document("openapi.json")["components"]["schemas"].as_object().unwrap().values() {
        assert!(jsonschema::draft202012::meta::is_valid(schema), "{schema:#}");
    }
    for schema in document("asyncapi.json")["components"]["schemas"].as_object().unwrap().values() {
        assert!(jsonschema::draft7::meta::is_valid(schema), "{schema:#}");
    }
}

#[test]
fn the_socket_is_described_whole() {
    let document = document("asyncapi.json");
    for action in ACTIONS {
        let lifecycle = &document["channels"]["socket"]["x-routes"][action.name];
        let operation = &document["operations"][action.name];
        let described = if action.name.starts_with('$') { lifecycle } else { operation };
        for field in ["x-budget", "x-permission", "x-function", "summary"] {
            assert!(described.get(field).is_some(), "{}: no {field}", action.name);
        }
        if !action.name.starts_with('$') {
            let silent = matches!(action.exchange, Exchange::Silent { .. });
            assert_eq!(operation.get("reply").is_none(), silent, "{}", action.name);
        }
    }
}

#[test]
fn http_is_described_whole() {
    let document = document("openapi.json");
    let mut operations = BTreeSet::new();
    for route in ROUTES {
        let operation = &document["paths"][route.path][route.method.to_ascii_lowercase()];
        let name = operation["operationId"].as_str().unwrap();
        assert!(operations.insert(name.to_owned()), "{name} twice");
        assert!(operation["responses"].get(route.status.to_string()).is_some(), "{name}");
        for code in route.errors() {
            let status = code.http_status().to_string();
            let answer = &operation["responses"][&status]["description"];
            let code = serde_json::to_value(code).unwrap();
            assert!(answer.as_str().unwrap().contains(code.as_str().unwrap()), "{name}: {status} without {code}");
        }
        // What stands in braces is declared, and the other way round.
        let in_path: BTreeSet<_> = route.path.split(['{', '}']).skip(1).step_by(2).collect();
        let declared: BTreeSet<_> = route.parameters.iter().map(|parameter| parameter.name).collect();
        assert_eq!(in_path, declared, "{name}");
    }
}

#[test]
fn names_are_used_once() {
    let actions: BTreeSet<_> = ACTIONS.iter().map(|action| action.name).collect();
    assert_eq!(actions.len(), ACTIONS.len());
    let routes: BTreeSet<_> = ROUTES.iter().map(|route| (route.method, route.path)).collect();
    assert_eq!(routes.len(), ROUTES.len());
}

#[test]
fn errors_are_listed_whole() {
    let schema = document("frames.schema.json")["$defs"]["ErrorCode"].clone();
    let in_schema: BTreeSet<_> = schema["oneOf"]
        .as_array()
        .unwrap()
        .iter()
        .map(|variant| variant["const"].as_str().unwrap().to_owned())
        .collect();
    let listed: BTreeSet<_> = ErrorCode::ALL
        .into_iter()
        .map(|code| serde_json::to_value(code).unwrap().as_str().unwrap().to_owned())
        .collect();
    assert_eq!(in_schema, listed);
}

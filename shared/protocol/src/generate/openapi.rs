//! `openapi.json`: the HTTP API as OpenAPI 3.1.

use std::collections::BTreeMap;

use serde_json::{Map, Value, json};

use super::definitions::{Definitions, example, inline, meaning, wire_name};
use super::examples::HTTP_ERROR;
use crate::error::{ErrorBody, ErrorCode, HttpError};
use crate::http::{HttpAuth, HttpInput, HttpRoute, ROUTES};
use crate::shape::Shape;

/// The document.
pub(super) fn document() -> Value {
    let mut definitions = Definitions::draft_2020_12("/components/schemas");
    let mut paths: BTreeMap<&str, Map<String, Value>> = BTreeMap::new();
    for route in ROUTES {
        let path = paths.entry(route.path).or_default();
        path.insert(route.method.to_ascii_lowercase(), operation(route, &mut definitions));
    }
    json!({
        "openapi": "3.1.0",
        "info": {
            "title": "Tidings HTTP API",
            "version": env!("CARGO_PKG_VERSION"),
            "description": "Signing up and in, tickets for the socket, and whatever is large. \
                            Every error has the body of the schema `HttpError`; clients decide by its code.",
            "license": { "name": "MIT OR Apache-2.0", "identifier": "MIT OR Apache-2.0" },
        },
        "jsonSchemaDialect": "https://json-schema.org/draft/2020-12/schema",
        "servers": [{
            "url": "https://{host}",
            "variables": { "host": { "default": "api.example.com", "description": "The HTTP API's host." } },
        }],
        "paths": paths,
        "components": {
            "schemas": definitions.take(),
            "securitySchemes": { "bearer": {
                "type": "http",
                "scheme": "bearer",
                "bearerFormat": "JWT",
                "description": "The access token of a session.",
            } },
        },
    })
}

fn operation(route: &HttpRoute, definitions: &mut Definitions) -> Value {
    let mut operation = Map::new();
    operation.insert("operationId".into(), route.operation.into());
    operation.insert("summary".into(), route.summary.into());
    operation.insert("x-function".into(), route.function.into());
    operation.insert(
        "security".into(),
        match route.auth {
            HttpAuth::None => json!([]),
            HttpAuth::Bearer => json!([{ "bearer": [] }]),
        },
    );

    let mut parameters: Vec<Value> = route
        .parameters
        .iter()
        .map(|parameter| {
            json!({
                "name": parameter.name,
                "in": "path",
                "required": true,
                "description": parameter.summary,
                "schema": definitions.shape(parameter.shape),
            })
        })
        .collect();
    match route.input {
        HttpInput::None => {}
        HttpInput::Query(shape, text) => parameters.extend(query(shape, &example(text))),
        HttpInput::Json(shape, text) => {
            let content = json(&definitions.shape(shape), &example(text));
            operation.insert("requestBody".into(), json!({ "required": true, "content": content }));
        }
    }
    if !parameters.is_empty() {
        operation.insert("parameters".into(), parameters.into());
    }

    let mut responses = Map::new();
    let description = definitions.description(route.reply).unwrap_or_else(|| "Done.".to_owned());
    let content = json(&definitions.shape(route.reply), &example(route.reply_example));
    responses.insert(route.status.to_string(), json!({ "description": description, "content": content }));
    let mut by_status: BTreeMap<u16, Vec<ErrorCode>> = BTreeMap::new();
    for code in route.errors() {
        by_status.entry(code.http_status()).or_default().push(code);
    }
    for (status, codes) in by_status {
        responses.insert(status.to_string(), failure(&codes, definitions));
    }
    operation.insert("responses".into(), responses.into());
    operation.into()
}

/// The fields of a type as parameters of the query string.
fn query(shape: Shape, example: &Value) -> Vec<Value> {
    let schema = inline(shape);
    let required: Vec<_> = schema["required"].as_array().cloned().unwrap_or_default();
    let properties = schema["properties"].as_object().cloned().unwrap_or_default();
    let parameter = |(name, mut field): (String, Value)| {
        let description = field.as_object_mut().and_then(|field| field.remove("description"));
        // Absent is absent: a query string has no null.
        if let Some(types) = field["type"].as_array() {
            let types: Vec<_> = types.iter().filter(|kind| *kind != "null").cloned().collect();
            field["type"] = if let [one] = types.as_slice() { one.clone() } else { types.into() };
        }
        let mut parameter = json!({
            "name": name,
            "in": "query",
            "required": required.iter().any(|required| *required == name.as_str()),
            "description": description,
            "schema": field,
        });
        if let Some(value) = example.get(&name) {
            parameter["example"] = value.clone();
        }
        parameter
    };
    // Sorted here: what order a map has depends on what else is compiled along.
    let properties: BTreeMap<_, _> = properties.into_iter().collect();
    properties.into_iter().map(parameter).collect()
}

fn json(schema: &Value, example: &Value) -> Value {
    json!({ "application/json": { "schema": schema, "example": example } })
}

/// The answer with one status, which may stand for several codes.
fn failure(codes: &[ErrorCode], definitions: &mut Definitions) -> Value {
    let names: Vec<_> = codes.iter().map(wire_name).collect();
    let described: Vec<_> = codes.iter().map(|code| format!("`{}`: {}", wire_name(code), meaning(*code))).collect();
    let examples: Map<String, Value> = codes
        .iter()
        .map(|code| {
            let body = HttpError { error: ErrorBody::new(*code, meaning(*code)) };
            (wire_name(code), json!({ "value": body }))
        })
        .collect();
    let any = definitions.shape(HTTP_ERROR.0);
    json!({
        "description": described.join("\n\n"),
        "content": { "application/json": {
            "schema": {
                "allOf": [any],
                "properties": { "error": { "properties": { "code": { "enum": names } } } },
            },
            "examples": examples,
        } },
    })
}

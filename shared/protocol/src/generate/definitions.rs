//! Schemas of the types in the tables, and what their documentation says.

use schemars::generate::SchemaSettings;
use schemars::{JsonSchema, SchemaGenerator};
use serde::Serialize;
use serde_json::{Map, Value, json};

use crate::actions::{Action, Budget, Permission};
use crate::error::ErrorCode;
use crate::shape::Shape;

/// Collects schemas of types under one path of a document.
pub(super) struct Definitions {
    generator: SchemaGenerator,
    path: &'static str,
    own: Map<String, Value>,
}

impl Definitions {
    /// JSON Schema 2020-12, which OpenAPI 3.1 speaks too.
    pub(super) fn draft_2020_12(path: &'static str) -> Self {
        Self::new(SchemaSettings::draft2020_12(), path)
    }

    /// JSON Schema draft 7, the one that every AsyncAPI tool must read.
    pub(super) fn draft_07(path: &'static str) -> Self {
        Self::new(SchemaSettings::draft07(), path)
    }

    fn new(settings: SchemaSettings, path: &'static str) -> Self {
        let settings = settings.with(|settings| settings.definitions_path = path.into());
        Self { generator: settings.into_generator(), path, own: Map::new() }
    }

    /// A reference to the schema of a shape.
    pub(super) fn shape(&mut self, shape: Shape) -> Value {
        (shape.schema)(&mut self.generator).to_value()
    }

    /// A reference to the schema of a type.
    pub(super) fn of<T: JsonSchema>(&mut self) -> Value {
        self.generator.subschema_for::<T>().to_value()
    }

    /// Adds a schema of our own; the answer refers to it.
    pub(super) fn add(&mut self, name: &str, schema: Value) -> Value {
        self.own.insert(name.to_owned(), schema);
        json!({ "$ref": format!("#{}/{name}", self.path) })
    }

    /// What the documentation of a shape's type says.
    pub(super) fn description(&mut self, shape: Shape) -> Option<String> {
        let schema = self.shape(shape);
        let name = schema["$ref"].as_str()?.rsplit('/').next()?.to_owned();
        self.generator.definitions().get(&name)?["description"].as_str().map(str::to_owned)
    }

    /// Everything that was referred to.
    pub(super) fn take(mut self) -> Map<String, Value> {
        let mut all = self.generator.take_definitions(true);
        all.append(&mut self.own);
        all
    }
}

/// The schema of a shape with everything that it refers to in it.
pub(super) fn inline(shape: Shape) -> Value {
    let settings = SchemaSettings::draft2020_12().with(|settings| settings.inline_subschemas = true);
    (shape.schema)(&mut settings.into_generator()).to_value()
}

/// The schema of a shape itself, with references to other types in it.
pub(super) fn full(shape: Shape) -> Value {
    let mut generator = SchemaGenerator::default();
    let reference = (shape.schema)(&mut generator).to_value();
    let name = reference["$ref"].as_str().and_then(|reference| reference.rsplit('/').next()).unwrap_or_default();
    generator.definitions().get(name).cloned().unwrap_or(reference)
}

/// What the documentation of an error code says.
pub fn meaning(code: ErrorCode) -> String {
    let schema = SchemaGenerator::default().root_schema_for::<ErrorCode>().to_value();
    let name = wire_name(&code);
    let variants = schema["oneOf"].as_array().into_iter().flatten();
    let mut found = variants.filter(|variant| variant["const"] == name.as_str());
    found.find_map(|variant| variant["description"].as_str()).unwrap_or_default().replace('\n', " ")
}

/// How a value without fields is written on the wire.
pub(super) fn wire_name(value: &impl Serialize) -> String {
    match serde_json::to_value(value) {
        Ok(Value::String(name)) => name,
        _ => String::new(),
    }
}

/// JSON of an example. Examples are checked by tests; a broken one appears as its text.
pub(super) fn example(text: &str) -> Value {
    serde_json::from_str(text).unwrap_or_else(|_| text.into())
}

/// `message.send` -> `message_send`.
pub(super) fn snake(action: &str) -> String {
    action.replace('.', "_")
}

/// Who may, as the documents say it.
pub(super) fn permission(permission: Permission) -> &'static str {
    match permission {
        Permission::Gateway => "gateway",
        Permission::SignedIn => "signed_in",
        Permission::Member => "member",
    }
}

/// What an interface description says about an action beyond its messages.
pub(super) fn extensions(action: &Action) -> Map<String, Value> {
    let Budget { case, gateway_messages, write_units, read_units, invocations, queue_requests } = action.budget;
    let budget = json!({
        "case": case,
        "gateway_messages": gateway_messages,
        "write_units": write_units,
        "read_units": read_units,
        "invocations": invocations,
        "queue_requests": queue_requests,
    });
    let mut map = Map::new();
    map.insert("x-budget".into(), budget);
    map.insert("x-permission".into(), permission(action.permission).into());
    map.insert("x-function".into(), action.function.into());
    map
}

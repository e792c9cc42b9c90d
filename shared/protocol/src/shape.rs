//! What the tables know of a type: its name, its schema, and a proof that an example is one.

use std::borrow::Cow;
use std::fmt;

use schemars::{JsonSchema, Schema, SchemaGenerator};
use serde::Serialize;
use serde::de::DeserializeOwned;

/// A type that travels, as plain functions, so that it fits into a table.
#[derive(Clone, Copy)]
pub struct Shape {
    /// Name of the type, in Rust and in the schemas.
    pub name: fn() -> Cow<'static, str>,
    /// Its schema: a reference to a definition, where it has a name.
    pub schema: fn(&mut SchemaGenerator) -> Schema,
    /// Reads JSON into the type and writes it again. An example that does not come back is none.
    pub round_trip: fn(&str) -> Result<String, serde_json::Error>,
}

impl Shape {
    /// The shape of `T`.
    pub const fn of<T: JsonSchema + Serialize + DeserializeOwned>() -> Self {
        Self {
            name: T::schema_name,
            schema: SchemaGenerator::subschema_for::<T>,
            round_trip: |json| serde_json::from_str::<T>(json).and_then(|value| serde_json::to_string(&value)),
        }
    }
}

impl fmt::Debug for Shape {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Shape({})", (self.name)())
    }
}

//! The tables that there are, as `tidings-tables` describes them.

use dynoxide::{Database, DynoxideError};
use serde_json::json;
use tidings_tables::{KeyKind, KeySpec, TABLES, TableSpec};

/// Before every table's name.
const PREFIX: &str = "tidings-local-";

/// A table's name here: `tidings-local-log`.
pub(crate) fn full_name(name: &str) -> String {
    format!("{PREFIX}{name}")
}

/// The partition key's attribute in one of our tables.
pub(super) fn partition_key(table: &str) -> Option<&'static str> {
    let name = table.strip_prefix(PREFIX)?;
    TABLES.iter().find(|spec| spec.name == name).map(|spec| spec.partition_key.name)
}

/// Creates them all.
pub(super) fn create(database: &Database) -> Result<(), DynoxideError> {
    for spec in TABLES {
        let table = full_name(spec.name);
        database.create_table(read(definition(&table, spec))?)?;
        if let Some(attribute) = spec.ttl {
            let specification = json!({"AttributeName": attribute, "Enabled": true});
            let request = json!({"TableName": table, "TimeToLiveSpecification": specification});
            database.update_time_to_live(read(request)?)?;
        }
    }
    Ok(())
}

fn definition(table: &str, spec: &TableSpec) -> serde_json::Value {
    let keys = [Some((&spec.partition_key, "HASH")), spec.sort_key.as_ref().map(|key| (key, "RANGE"))];
    let keys: Vec<_> = keys.into_iter().flatten().collect();
    let attribute = |key: &KeySpec| json!({"AttributeName": key.name, "AttributeType": kind(key)});
    json!({
        "TableName": table,
        "BillingMode": "PAY_PER_REQUEST",
        "AttributeDefinitions": keys.iter().map(|(key, _)| attribute(key)).collect::<Vec<_>>(),
        "KeySchema": keys.iter().map(|(key, role)| json!({"AttributeName": key.name, "KeyType": role})).collect::<Vec<_>>(),
    })
}

fn kind(key: &KeySpec) -> &'static str {
    match key.kind {
        KeyKind::String => "S",
        KeyKind::Number => "N",
    }
}

fn read<T: serde::de::DeserializeOwned>(request: serde_json::Value) -> Result<T, DynoxideError> {
    serde_json::from_value(request).map_err(|error| DynoxideError::InternalServerError(error.to_string()))
}

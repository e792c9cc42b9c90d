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

/// Creates those that aren't there. One that is there with other keys is an error, because its items can't be read by
/// them; then nothing is changed.
pub(super) fn ensure(database: &Database) -> Result<(), DynoxideError> {
    let mut missing = Vec::new();
    for spec in TABLES {
        if !is_there(database, spec)? {
            missing.push(definition(spec));
        }
    }
    for definition in missing {
        database.create_table(read(definition)?)?;
    }
    TABLES.iter().try_for_each(|spec| ensure_expiry(database, spec))
}

/// Whether a table is there, with the keys that it shall have.
fn is_there(database: &Database, spec: &TableSpec) -> Result<bool, DynoxideError> {
    let table = full_name(spec.name);
    let found = match database.describe_table(read(json!({ "TableName": table }))?) {
        Ok(found) => found.table,
        Err(DynoxideError::ResourceNotFoundException(_)) => return Ok(false),
        Err(error) => return Err(error),
    };
    let found = json!({"KeySchema": found.key_schema, "AttributeDefinitions": found.attribute_definitions});
    let wanted = definition(spec);
    if ["KeySchema", "AttributeDefinitions"].iter().any(|part| found[part] != wanted[part]) {
        let says = format!("{table} in the data folder has the keys {found}, and this version wants others");
        return Err(DynoxideError::ValidationException(says));
    }
    Ok(true)
}

fn ensure_expiry(database: &Database, spec: &TableSpec) -> Result<(), DynoxideError> {
    let Some(attribute) = spec.ttl else { return Ok(()) };
    let table = full_name(spec.name);
    let found = database.describe_time_to_live(read(json!({ "TableName": table }))?)?;
    if found.time_to_live_description.attribute_name.as_deref() != Some(attribute) {
        let specification = json!({"AttributeName": attribute, "Enabled": true});
        let request = json!({"TableName": table, "TimeToLiveSpecification": specification});
        database.update_time_to_live(read(request)?)?;
    }
    Ok(())
}

fn definition(spec: &TableSpec) -> serde_json::Value {
    let keys = [Some((&spec.partition_key, "HASH")), spec.sort_key.as_ref().map(|key| (key, "RANGE"))];
    let keys: Vec<_> = keys.into_iter().flatten().collect();
    let attribute = |key: &KeySpec| json!({"AttributeName": key.name, "AttributeType": kind(key)});
    json!({
        "TableName": full_name(spec.name),
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tables_are_added_and_strange_ones_refused() {
        let database = Database::memory().unwrap();
        ensure(&database).unwrap();
        let table = full_name("log");
        database.delete_table(read(json!({ "TableName": table })).unwrap()).unwrap();
        ensure(&database).unwrap();
        database.delete_table(read(json!({ "TableName": table })).unwrap()).unwrap();
        let strange = json!({
            "TableName": table,
            "BillingMode": "PAY_PER_REQUEST",
            "AttributeDefinitions": [{"AttributeName": "other", "AttributeType": "S"}],
            "KeySchema": [{"AttributeName": "other", "KeyType": "HASH"}],
        });
        database.create_table(read(strange).unwrap()).unwrap();
        // One before it that is missing stays so: a folder that is refused is left as it is.
        let missing = json!({ "TableName": full_name(TABLES[0].name) });
        database.delete_table(read(missing.clone()).unwrap()).unwrap();
        let error = ensure(&database).unwrap_err().to_string();
        assert!(error.contains(&table) && error.contains("wants others"), "{error}");
        assert!(database.describe_table(read(missing).unwrap()).is_err());
    }
}

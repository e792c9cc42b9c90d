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

/// Creates those that aren't there. One that is there with other keys is an error: its items can't be read by them.
pub(super) fn ensure(database: &Database) -> Result<(), DynoxideError> {
    for spec in TABLES {
        let table = full_name(spec.name);
        let wanted = definition(&table, spec);
        let named = json!({ "TableName": table });
        match database.describe_table(read(named.clone())?) {
            Err(DynoxideError::ResourceNotFoundException(_)) => {
                database.create_table(read(wanted)?)?;
            }
            Ok(found) => {
                let found = json!({
                    "KeySchema": found.table.key_schema,
                    "AttributeDefinitions": found.table.attribute_definitions,
                });
                if ["KeySchema", "AttributeDefinitions"].iter().any(|part| found[part] != wanted[part]) {
                    let says =
                        format!("{table} in the data folder has the keys {found}, and this version wants others");
                    return Err(DynoxideError::ValidationException(says));
                }
            }
            Err(error) => return Err(error),
        }
        let found = database.describe_time_to_live(read(named)?)?.time_to_live_description.attribute_name;
        if let Some(attribute) = spec.ttl
            && found.as_deref() != Some(attribute)
        {
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
        let error = ensure(&database).unwrap_err().to_string();
        assert!(error.contains(&table) && error.contains("wants others"), "{error}");
    }
}

//! The tables that there are, as `tidings-tables` describes them.

use std::collections::BTreeSet;

use dynoxide::{Database, DynoxideError};
use serde_json::{Value, json};
use tidings_tables::{KeySpec, TABLES, TableSpec};

use crate::names::Names;

/// Creates those that aren't there. One that is there with other keys is an error, because its items can't be read by
/// them; then nothing is changed.
pub(super) fn ensure(database: &Database, names: &Names) -> Result<(), DynoxideError> {
    let mut missing = Vec::new();
    for spec in TABLES {
        if !is_there(database, names, spec)? {
            missing.push(definition(names, spec));
        }
    }
    for definition in missing {
        database.create_table(read(definition)?)?;
    }
    TABLES.iter().try_for_each(|spec| ensure_expiry(database, names, spec))
}

/// Whether a table is there, with the keys that it shall have.
fn is_there(database: &Database, names: &Names, spec: &TableSpec) -> Result<bool, DynoxideError> {
    let table = names.full(spec.name);
    let found = match database.describe_table(read(json!({ "TableName": table }))?) {
        Ok(found) => found.table,
        Err(DynoxideError::ResourceNotFoundException(_)) => return Ok(false),
        Err(error) => return Err(error),
    };
    let found = json!({"KeySchema": found.key_schema, "AttributeDefinitions": found.attribute_definitions});
    if !has_keys(&found, &definition(names, spec)) {
        let says = format!("{table} in the data folder has the keys {found}, and this version wants others");
        return Err(DynoxideError::ValidationException(says));
    }
    Ok(true)
}

/// Whether a description tells of the keys that a definition wants. Databases tell attributes in an order of their own.
pub(crate) fn has_keys(found: &Value, wanted: &Value) -> bool {
    let attributes = |of: &Value| {
        let attributes = of["AttributeDefinitions"].as_array().into_iter().flatten();
        attributes
            .map(|one| (one["AttributeName"].to_string(), one["AttributeType"].to_string()))
            .collect::<BTreeSet<_>>()
    };
    found["KeySchema"] == wanted["KeySchema"] && attributes(found) == attributes(wanted)
}

fn ensure_expiry(database: &Database, names: &Names, spec: &TableSpec) -> Result<(), DynoxideError> {
    let Some(attribute) = spec.ttl else { return Ok(()) };
    let table = names.full(spec.name);
    let found = database.describe_time_to_live(read(json!({ "TableName": table }))?)?;
    if found.time_to_live_description.attribute_name.as_deref() != Some(attribute) {
        database.update_time_to_live(read(expiry(&table, attribute))?)?;
    }
    Ok(())
}

/// The request that has a table's items expire.
pub(crate) fn expiry(table: &str, attribute: &str) -> Value {
    json!({"TableName": table, "TimeToLiveSpecification": {"AttributeName": attribute, "Enabled": true}})
}

/// The request that makes a table.
pub(crate) fn definition(names: &Names, spec: &TableSpec) -> Value {
    let keys = [Some((&spec.partition_key, "HASH")), spec.sort_key.as_ref().map(|key| (key, "RANGE"))];
    let keys: Vec<_> = keys.into_iter().flatten().collect();
    let attribute = |key: &KeySpec| json!({"AttributeName": key.name, "AttributeType": key.kind.as_str()});
    json!({
        "TableName": names.full(spec.name),
        "BillingMode": "PAY_PER_REQUEST",
        "AttributeDefinitions": keys.iter().map(|(key, _)| attribute(key)).collect::<Vec<_>>(),
        "KeySchema": keys.iter().map(|(key, role)| json!({"AttributeName": key.name, "KeyType": role})).collect::<Vec<_>>(),
    })
}

fn read<T: serde::de::DeserializeOwned>(request: Value) -> Result<T, DynoxideError> {
    serde_json::from_value(request).map_err(|error| DynoxideError::InternalServerError(error.to_string()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tables_are_added_and_strange_ones_refused() {
        let (database, names) = (Database::memory().unwrap(), Names::default());
        ensure(&database, &names).unwrap();
        let table = names.full("log");
        database.delete_table(read(json!({ "TableName": table })).unwrap()).unwrap();
        ensure(&database, &names).unwrap();
        database.delete_table(read(json!({ "TableName": table })).unwrap()).unwrap();
        let strange = json!({
            "TableName": table,
            "BillingMode": "PAY_PER_REQUEST",
            "AttributeDefinitions": [{"AttributeName": "other", "AttributeType": "S"}],
            "KeySchema": [{"AttributeName": "other", "KeyType": "HASH"}],
        });
        database.create_table(read(strange).unwrap()).unwrap();
        // One before it that is missing stays so: a folder that is refused is left as it is.
        let missing = json!({ "TableName": names.full(TABLES[0].name) });
        database.delete_table(read(missing.clone()).unwrap()).unwrap();
        let error = ensure(&database, &names).unwrap_err().to_string();
        assert!(error.contains(&table) && error.contains("wants others"), "{error}");
        assert!(database.describe_table(read(missing).unwrap()).is_err());
    }
}

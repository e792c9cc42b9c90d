//! A backend's tables: makes them, passes on what is asked of them, and reads off the answers what it cost.

use std::time::Duration;

use bytes::Bytes;
use http::{Response, StatusCode};
use serde_json::{Value, json};
use tidings_tables::{TABLES, TableSpec};

use super::BackendError;
use super::remote::{Remote, RemoteError};
use crate::dynamodb::dispatch::{self, Operation};
use crate::dynamodb::tables;
use crate::ledger::Counters;
use crate::names::Names;
use crate::server::{self, Body};

/// How often a new table is looked at, and how many times, until it can be used. On AWS one takes seconds.
const LOOK_EVERY: Duration = Duration::from_millis(100);
const LOOKS: usize = 300;

/// Makes those that aren't there. One that is there with other keys is an error; then nothing is changed.
pub(crate) async fn ensure(remote: &Remote, names: &Names) -> Result<(), BackendError> {
    let mut missing = Vec::new();
    for spec in TABLES {
        let wanted = tables::definition(names, spec);
        match describe(remote, names, spec).await? {
            None => missing.push((spec, wanted)),
            Some(found) if tables::has_keys(&found, &wanted) => {}
            Some(found) => {
                return Err(BackendError::Table {
                    table: names.full(spec.name),
                    found: json!([found["KeySchema"], found["AttributeDefinitions"]]).to_string(),
                });
            }
        }
    }
    for (spec, wanted) in missing {
        match remote.ask("CreateTable", &wanted).await {
            // Another cloud was faster.
            Err(error) if error.is("ResourceInUseException") => {}
            made => drop(made.map_err(failed("CreateTable"))?),
        }
        until_active(remote, names, spec).await?;
    }
    for spec in TABLES {
        ensure_expiry(remote, names, spec).await?;
    }
    Ok(())
}

/// A table's description, if it is there.
async fn describe(remote: &Remote, names: &Names, spec: &TableSpec) -> Result<Option<Value>, BackendError> {
    match remote.ask("DescribeTable", &json!({ "TableName": names.full(spec.name) })).await {
        Ok(mut found) => Ok(Some(found["Table"].take())),
        Err(error) if error.is("ResourceNotFoundException") => Ok(None),
        Err(error) => Err(failed("DescribeTable")(error)),
    }
}

async fn until_active(remote: &Remote, names: &Names, spec: &TableSpec) -> Result<(), BackendError> {
    for _ in 0..LOOKS {
        if describe(remote, names, spec).await?.is_some_and(|found| found["TableStatus"] == "ACTIVE") {
            return Ok(());
        }
        tokio::time::sleep(LOOK_EVERY).await;
    }
    let answer = format!("{} is not active", names.full(spec.name));
    Err(failed("CreateTable")(RemoteError::Refused { status: StatusCode::OK, answer }))
}

async fn ensure_expiry(remote: &Remote, names: &Names, spec: &TableSpec) -> Result<(), BackendError> {
    let Some(attribute) = spec.ttl else { return Ok(()) };
    let table = names.full(spec.name);
    let described = remote.ask("DescribeTimeToLive", &json!({ "TableName": table })).await;
    let described = described.map_err(failed("DescribeTimeToLive"))?;
    if described["TimeToLiveDescription"]["AttributeName"] != attribute {
        let set = remote.ask("UpdateTimeToLive", &tables::expiry(&table, attribute)).await;
        set.map_err(failed("UpdateTimeToLive"))?;
    }
    Ok(())
}

fn failed(what: &str) -> impl Fn(RemoteError) -> BackendError {
    let what = format!("DynamoDB's {what}");
    move |reason| BackendError::Fails { what: what.clone(), reason }
}

/// Passes a call on, and says what it cost as far as the answer does.
pub(crate) async fn serve(remote: &Remote, operation: &str, body: Bytes) -> (Response<Body>, Counters) {
    let metered =
        Operation::find(operation).and_then(Operation::writes).and_then(|writes| Metered::read(writes, &body));
    let body = metered.as_ref().and_then(|metered| metered.asking.clone()).unwrap_or(body);
    match remote.operate(operation, body).await {
        Ok((status, _, answer)) => match metered {
            Some(metered) => {
                let (answer, units) = metered.units(status, answer);
                (server::aws_json(status, answer), dispatch::bill(metered.writes, units))
            }
            None => (server::aws_json(status, answer), Counters::default()),
        },
        Err(error) => {
            let kind = "com.amazonaws.dynamodb.v20120810#InternalServerError";
            let answer = json!({ "__type": kind, "message": error.to_string() });
            (server::aws_json(StatusCode::INTERNAL_SERVER_ERROR, answer.to_string()), Counters::default())
        }
    }
}

/// A request that takes units.
struct Metered {
    writes: bool,
    /// The request with a question for its units, unless its caller asks for them already.
    asking: Option<Bytes>,
    /// How many items, if it is a transaction.
    items: usize,
}

impl Metered {
    /// `None` if it is no request at all: the backend says what is wrong with it.
    fn read(writes: bool, body: &[u8]) -> Option<Self> {
        let mut request: Value = serde_json::from_slice(body).ok()?;
        let items = request["TransactItems"].as_array().map_or(0, Vec::len);
        let asked = request["ReturnConsumedCapacity"].as_str().is_some_and(|asked| asked != "NONE");
        let asking = match request.as_object_mut() {
            Some(members) if !asked => {
                members.insert("ReturnConsumedCapacity".to_owned(), json!("TOTAL"));
                Some(serde_json::to_vec(&request).ok()?.into())
            }
            Some(_) => None,
            None => return None,
        };
        Some(Self { writes, asking, items })
    }

    /// The units that an answer tells of, and the answer, without them if nobody has asked.
    fn units(&self, status: StatusCode, answer: Bytes) -> (Bytes, f64) {
        let Ok(mut told) = serde_json::from_slice::<Value>(&answer) else { return (answer, 0.0) };
        if !status.is_success() {
            return (answer, self.units_of_failure(&told));
        }
        let of_one = |capacity: &Value| capacity["CapacityUnits"].as_f64().unwrap_or_default();
        let units = match &told["ConsumedCapacity"] {
            Value::Array(tables) => tables.iter().map(of_one).sum(),
            one => of_one(one),
        };
        if self.asking.is_none() {
            return (answer, units);
        }
        if let Some(members) = told.as_object_mut() {
            members.remove("ConsumedCapacity");
        }
        (told.to_string().into(), units)
    }

    /// As with embedded tables, but for the size of an item that the answer doesn't show.
    fn units_of_failure(&self, told: &Value) -> f64 {
        let kind = told["__type"].as_str().unwrap_or_default();
        match kind.rsplit(['#', '.']).next() {
            Some("ConditionalCheckFailedException") => {
                let item = serde_json::from_value(told["Item"].clone()).ok();
                dispatch::units_of_failed_condition(item.as_ref())
            }
            #[expect(clippy::cast_precision_loss, reason = "at most a hundred items")]
            Some("TransactionCanceledException") if self.writes => 2.0 * self.items as f64,
            _ => 0.0,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const OK: StatusCode = StatusCode::OK;
    const BAD: StatusCode = StatusCode::BAD_REQUEST;

    fn read(request: &Value) -> Metered {
        Metered::read(true, request.to_string().as_bytes()).unwrap()
    }

    fn asked(metered: &Metered) -> Value {
        serde_json::from_slice(metered.asking.as_ref().unwrap()).unwrap()
    }

    #[test]
    fn units_are_asked_for_and_shown_to_who_asked() {
        let quiet = read(&json!({ "TableName": "t", "ReturnConsumedCapacity": "NONE" }));
        assert_eq!(asked(&quiet)["ReturnConsumedCapacity"], "TOTAL");
        let curious = read(&json!({ "TableName": "t", "ReturnConsumedCapacity": "INDEXES" }));
        assert_eq!(curious.asking, None);
        let told = json!({ "Count": 1, "ConsumedCapacity": { "TableName": "t", "CapacityUnits": 1.5 } });
        let answer: Bytes = told.to_string().into();
        assert_eq!(curious.units(OK, answer.clone()), (answer.clone(), 1.5));
        assert_eq!(quiet.units(OK, answer), (r#"{"Count":1}"#.into(), 1.5));
        let many = json!({ "ConsumedCapacity": [{ "CapacityUnits": 2 }, { "CapacityUnits": 4.0 }] });
        assert_eq!(quiet.units(OK, many.to_string().into()), ("{}".into(), 6.0));
        assert!(Metered::read(true, b"[]").is_none() && Metered::read(true, b"x").is_none());
    }

    #[test]
    fn failures_cost_what_they_cost_in_embedded_tables() {
        let units = |request: &Value, kind: &str, item: Value| {
            let told = json!({ "__type": format!("com.amazonaws.dynamodb.v20120810#{kind}"), "Item": item });
            read(request).units(BAD, told.to_string().into()).1
        };
        let put = json!({ "TableName": "t" });
        let large = json!({ "pk": { "S": "x".repeat(1500) } });
        assert!((units(&put, "ConditionalCheckFailedException", large) - 2.0).abs() < f64::EPSILON);
        assert!((units(&put, "ConditionalCheckFailedException", Value::Null) - 1.0).abs() < f64::EPSILON);
        assert!(units(&put, "ValidationException", Value::Null).abs() < f64::EPSILON);
        let transaction = json!({ "TransactItems": [{}, {}, {}] });
        assert!((units(&transaction, "TransactionCanceledException", Value::Null) - 6.0).abs() < f64::EPSILON);
    }
}

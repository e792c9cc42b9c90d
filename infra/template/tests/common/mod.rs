//! Ways to look at a template.
#![expect(clippy::unwrap_used, clippy::expect_used, reason = "a broken expectation ends the test")]

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use serde_json::Value;
use tidings_manifest::Function;
use tidings_template::{PATH, Resource, Template, names, shards_of};

pub(crate) fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..")
}

/// The functions of this repository.
pub(crate) fn functions() -> Vec<Function> {
    tidings_manifest::read_all(&root().join("functions")).unwrap()
}

/// The template that is checked in.
pub(crate) fn checked_in() -> String {
    std::fs::read_to_string(root().join(PATH)).unwrap()
}

/// For how many shards it was made.
pub(crate) fn shards_checked_in() -> u32 {
    shards_of(&checked_in()).expect("the header names the number of shards")
}

/// The template for so many shards.
pub(crate) fn template(shards: u32) -> Template {
    tidings_template::build(&functions(), shards).unwrap()
}

/// One text or several.
pub(crate) fn list(value: &Value) -> Vec<String> {
    match value {
        Value::Array(items) => items.iter().filter_map(Value::as_str).map(str::to_owned).collect(),
        other => other.as_str().map(str::to_owned).into_iter().collect(),
    }
}

/// The statements of a role, those that are there only sometimes included.
pub(crate) fn statements(template: &Template, role: &str) -> Vec<Value> {
    let role = template.resource(role).expect(role);
    let policies = role.properties["Policies"].as_array().unwrap();
    let statements = policies.iter().flat_map(|policy| policy["PolicyDocument"]["Statement"].as_array().unwrap());
    statements
        .map(|statement| match &statement["Fn::If"] {
            Value::Array(parts) => parts[1].clone(),
            _ => statement.clone(),
        })
        .collect()
}

/// The integration that a route goes to.
pub(crate) fn target(route: &Value) -> String {
    let target = route["Target"]["Fn::Sub"].as_str().unwrap();
    target.strip_prefix("integrations/${").unwrap().strip_suffix('}').unwrap().to_owned()
}

/// The integration calls that function, and the function lets the API call it.
pub(crate) fn assert_invokes(template: &Template, integration: &Resource, function: &str, api: &str) {
    let id = names::function(function);
    let uri = integration.properties["IntegrationUri"]["Fn::Sub"].as_str().unwrap();
    assert!(uri.contains(&format!("${{{id}.Arn}}")), "{function}: {uri}");
    assert_eq!(integration.properties["ApiId"]["Ref"], api);
    let may = template.of_type("AWS::Lambda::Permission").any(|(_, permission)| {
        permission.properties["FunctionName"]["Ref"] == id.as_str()
            && permission.properties["SourceArn"]["Fn::Sub"]
                .as_str()
                .is_some_and(|arn| arn.contains(&format!("${{{api}}}/")))
    });
    assert!(may, "{api} may not invoke {function}");
}

/// The variables of a function, or of all.
pub(crate) fn variables(function: &Value) -> BTreeMap<String, Value> {
    let variables = function["Environment"]["Variables"].as_object().unwrap();
    variables.iter().map(|(name, value)| (name.clone(), value.clone())).collect()
}

/// Every value of a template in which something can be referred to, with whose it is.
pub(crate) fn everything(template: &Template) -> Vec<(String, Value)> {
    let mut all = vec![("Globals".to_owned(), template.globals.clone())];
    for (id, resource) in template.resources() {
        let mut value = serde_json::to_value(resource).unwrap();
        for other in &resource.depends_on {
            all.push((id.to_owned(), serde_json::json!({ "Ref": other })));
        }
        value["DependsOn"] = Value::Null;
        all.push((id.to_owned(), value));
    }
    for named in [&template.rules, &template.conditions, &template.outputs] {
        all.extend(named.iter().map(|(name, value)| (name.to_owned(), value.clone())));
    }
    all
}

/// What a value refers to: resources and parameters, and conditions.
pub(crate) fn references(value: &Value) -> (BTreeSet<String>, BTreeSet<String>) {
    let (mut things, mut conditions) = (BTreeSet::new(), BTreeSet::new());
    collect(value, &mut things, &mut conditions);
    (things, conditions)
}

fn collect(value: &Value, things: &mut BTreeSet<String>, conditions: &mut BTreeSet<String>) {
    match value {
        Value::Array(items) => items.iter().for_each(|item| collect(item, things, conditions)),
        Value::Object(map) => {
            for (key, value) in map {
                match (key.as_str(), value) {
                    ("Ref", Value::String(name)) if !name.starts_with("AWS::") => drop(things.insert(name.clone())),
                    ("Fn::GetAtt", _) => drop(things.insert(value[0].as_str().unwrap().to_owned())),
                    ("Fn::If", _) => drop(conditions.insert(value[0].as_str().unwrap().to_owned())),
                    ("Condition", Value::String(name)) => drop(conditions.insert(name.clone())),
                    ("Fn::Sub", Value::String(text)) => things.extend(substituted(text)),
                    ("Fn::Sub", Value::Array(parts)) => {
                        let own = parts[1].as_object().unwrap();
                        things.extend(substituted(parts[0].as_str().unwrap()).filter(|name| !own.contains_key(name)));
                    }
                    _ => {}
                }
                collect(value, things, conditions);
            }
        }
        _ => {}
    }
}

/// The names in a text with `${...}`.
fn substituted(text: &str) -> impl Iterator<Item = String> {
    let names = text.split("${").skip(1).filter_map(|part| part.split_once('}')).map(|(name, _)| name);
    names.filter(|name| !name.starts_with("AWS::")).map(|name| name.split('.').next().unwrap_or(name).to_owned())
}

/// A source without its tests.
pub(crate) fn without_tests(source: &str) -> String {
    source.split("#[cfg(test)]").next().unwrap().to_owned()
}

/// The texts in a source that stand in quotes, a line each.
pub(crate) fn texts(source: &str) -> Vec<&str> {
    source
        .lines()
        .filter(|line| !line.trim_start().starts_with("//"))
        .flat_map(|line| line.split('"').skip(1).step_by(2))
        .collect()
}

/// How many bytes a variable's value has at most.
pub(crate) fn largest(name: &str, value: &Value, denied: usize) -> usize {
    match name {
        // Two keys of 150 bytes while they are changed; a seed; a user id each.
        "VERIFYING_KEYS" => 400,
        // Two while they are changed.
        "SIGNING_KEY" => 2 * 43 + 1,
        "DENY_LIST" => denied * 29,
        _ => match value {
            Value::String(text) => text.len(),
            _ => bytes(value),
        },
    }
}

/// A policy as IAM stores it, with the longest stage, region and names.
pub(crate) fn at_its_longest(policy: &Value) -> Value {
    match policy {
        Value::Array(items) => items.iter().map(at_its_longest).collect(),
        Value::Object(map) => match (map.get("Fn::Sub"), map.get("Fn::GetAtt"), map.get("Fn::If")) {
            (Some(text), _, _) => {
                let text = text.as_str().unwrap().replace("${AWS::Partition}", "aws-us-gov");
                let text =
                    text.replace("${AWS::Region}", "ap-southeast-1").replace("${AWS::AccountId}", "123456789012");
                text.replace("${SocketApi}", "a1b2c3d4e5").replace("${Stage}", "abcdefghijklmnop").into()
            }
            (_, Some(attribute), _) => {
                let (id, what) = (attribute[0].as_str().unwrap(), attribute[1].as_str().unwrap());
                assert_eq!(what, "Arn");
                let (service, name) = match id.strip_suffix("Queue") {
                    Some(queue) => ("sqs", format!("tidings-abcdefghijklmnop-{queue}-")),
                    None => ("dynamodb", format!("table/tidings-abcdefghijklmnop-{id}-1ABCDEFGHIJKL")),
                };
                format!("arn:aws-us-gov:{service}:ap-southeast-1:123456789012:{name}").into()
            }
            (_, _, Some(choices)) => at_its_longest(&choices[1]),
            _ => map.iter().map(|(name, value)| (name.clone(), at_its_longest(value))).collect(),
        },
        other => other.clone(),
    }
}

fn bytes(value: &Value) -> usize {
    const QUEUE_URL: usize =
        "https://sqs.ap-southeast-1.amazonaws.com/123456789012/tidings-abcdefghijklmnop-fanout-31".len();
    const TABLE: usize = "tidings-abcdefghijklmnop-InboxesTable-1ABCDEFGHIJKL".len();
    if let Some(name) = value["Ref"].as_str() {
        return if name.ends_with("Queue") {
            QUEUE_URL
        } else if name.ends_with("Table") {
            TABLE
        } else {
            10
        };
    }
    if let Some(parts) = value["Fn::Join"][1].as_array() {
        return parts.iter().map(|part| bytes(part) + 1).sum();
    }
    if let Some(choices) = value["Fn::If"].as_array() {
        return choices[1..].iter().map(bytes).max().unwrap();
    }
    let text = value["Fn::Sub"].as_str().expect("nothing else is in a function's variables");
    let text = text.replace("${AWS::Region}", "ap-southeast-1").replace("${AWS::URLSuffix}", "amazonaws.com");
    text.replace("${SocketApi}", "a1b2c3d4e5").replace("${SocketDomain}", &"d".repeat(64)).len()
}

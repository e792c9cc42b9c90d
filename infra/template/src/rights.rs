//! The roles of the template beside what functions really did: nothing may be used that is not granted, and nothing
//! granted that is never used.
//!
//! The roles are read from the template's text, not from what makes it. What functions did is what the local cloud's
//! ledger wrote down while all end-to-end tests ran (`rights` in `GET /_local/ledger`), with the stage's own names taken
//! off.

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

/// What each function did, by its name.
pub type Record = BTreeMap<String, BTreeSet<Did>>;

/// One thing that a function did.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Deserialize, Serialize)]
pub struct Did {
    /// As IAM names it: `dynamodb:PutItem`.
    pub action: String,
    /// `table/log`, `queue/fanout-0`, `connections/POST`.
    pub resource: String,
    /// The kind of partition key, where there are kinds: `user#`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub key: Option<String>,
}

/// What is granted and can't be seen to be used.
#[derive(Clone, Copy, Debug)]
pub struct Unseen {
    /// The statements it is in.
    pub statements: &'static [&'static str],
    /// The actions.
    pub actions: &'static [&'static str],
    /// The pattern of keys, if it is not all of them.
    pub key: Option<&'static str>,
    /// Why.
    pub reason: &'static str,
}

/// Of a statement that takes part in a transaction over several tables.
const KEYS_OF_ANOTHER_TABLE: &str = "what IAM compares of a transaction may be the keys of all its items together";

/// A statement allows each of its actions on each of its keys.
const ONE_STATEMENT: &str = "a transaction's rights stand in one statement, and on other items it does other things";

/// All that is granted and can't be seen to be used. What no statement grants any more, or what is used after all, may
/// not stay here.
pub const UNSEEN: &[Unseen] = &[
    Unseen {
        statements: &["OwnLog"],
        actions: &["logs:CreateLogStream", "logs:PutLogEvents"],
        key: None,
        reason: "Lambda writes the log in the function's name; the function writes to its standard output",
    },
    Unseen {
        statements: &["Traces"],
        actions: &["xray:PutTraceSegments", "xray:PutTelemetryRecords"],
        key: None,
        reason: "Lambda's daemon sends traces in the function's name, where they are on",
    },
    Unseen {
        statements: &["FedFanout", "FedRetry", "FedTask"],
        actions: &["sqs:GetQueueAttributes"],
        key: None,
        reason: "Lambda asks it when the mapping is made (Lambda, \"Using Lambda with Amazon SQS\")",
    },
    Unseen {
        statements: &["GroupsTell"],
        actions: &["dynamodb:PutItem"],
        key: Some("group#*"),
        reason: KEYS_OF_ANOTHER_TABLE,
    },
    Unseen {
        statements: &["GroupsTell"],
        actions: &["dynamodb:PutItem"],
        key: Some("members#*"),
        reason: KEYS_OF_ANOTHER_TABLE,
    },
    Unseen {
        statements: &["GroupsTell"],
        actions: &["dynamodb:PutItem"],
        key: Some("u_*"),
        reason: KEYS_OF_ANOTHER_TABLE,
    },
    Unseen {
        statements: &["GroupsRead"],
        actions: &["dynamodb:GetItem"],
        key: Some("g:*"),
        reason: KEYS_OF_ANOTHER_TABLE,
    },
    Unseen {
        statements: &["GroupsRead"],
        actions: &["dynamodb:GetItem"],
        key: Some("n:*"),
        reason: KEYS_OF_ANOTHER_TABLE,
    },
    Unseen {
        statements: &["GroupsRead"],
        actions: &["dynamodb:GetItem"],
        key: Some("u_*"),
        reason: KEYS_OF_ANOTHER_TABLE,
    },
    Unseen {
        statements: &["GroupsWrite"],
        actions: &["dynamodb:PutItem", "dynamodb:DeleteItem"],
        key: Some("g:*"),
        reason: KEYS_OF_ANOTHER_TABLE,
    },
    Unseen {
        statements: &["GroupsWrite"],
        actions: &["dynamodb:PutItem", "dynamodb:DeleteItem"],
        key: Some("n:*"),
        reason: KEYS_OF_ANOTHER_TABLE,
    },
    Unseen {
        statements: &["GroupsWrite"],
        actions: &["dynamodb:PutItem", "dynamodb:DeleteItem"],
        key: Some("u_*"),
        reason: KEYS_OF_ANOTHER_TABLE,
    },
    Unseen {
        statements: &["AccountsUpdate"],
        actions: &["dynamodb:DeleteItem"],
        key: Some("user#*"),
        reason: ONE_STATEMENT,
    },
    Unseen {
        statements: &["AccountsUpdate"],
        actions: &["dynamodb:UpdateItem"],
        key: Some("name#*"),
        reason: ONE_STATEMENT,
    },
    Unseen {
        statements: &["AccountsUpdate"],
        actions: &["dynamodb:UpdateItem"],
        key: Some("names#*"),
        reason: ONE_STATEMENT,
    },
    Unseen {
        statements: &["AccountsCheck"],
        actions: &["dynamodb:ConditionCheckItem"],
        key: Some("u_*"),
        reason: KEYS_OF_ANOTHER_TABLE,
    },
    Unseen {
        statements: &["ContactsWrite"],
        actions: &["dynamodb:PutItem"],
        key: Some("n:*"),
        reason: KEYS_OF_ANOTHER_TABLE,
    },
    Unseen {
        statements: &["ContactsWrite"],
        actions: &["dynamodb:PutItem"],
        key: Some("u_*"),
        reason: KEYS_OF_ANOTHER_TABLE,
    },
    Unseen {
        statements: &["NoticesAppend"],
        actions: &["dynamodb:PutItem"],
        key: Some("user#*"),
        reason: KEYS_OF_ANOTHER_TABLE,
    },
    Unseen {
        statements: &["NoticesAppend"],
        actions: &["dynamodb:PutItem"],
        key: Some("u_*"),
        reason: KEYS_OF_ANOTHER_TABLE,
    },
];

/// Why the comparison can't be made.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum RightsError {
    /// The template is no YAML, or not of the shape that is made here.
    #[error("the template cannot be read: {0}")]
    Template(String),
}

/// A right of a role, as finely as it can be used.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Granted {
    function: String,
    statement: String,
    action: String,
    resource: String,
    key: Option<String>,
}

/// What is wrong, a line each; nothing if roles and record agree.
pub fn compare(template: &str, record: &Record, unseen: &[Unseen]) -> Result<Vec<String>, RightsError> {
    let granted = granted(template)?;
    let mut complaints = Vec::new();
    let mut used = BTreeSet::new();
    for (function, all) in record {
        for did in all {
            let allowing: Vec<_> =
                granted.iter().filter(|right| right.function == *function && right.allows(did)).collect();
            if allowing.is_empty() {
                complaints.push(format!(
                    "{function} did {} on {}{}, and its role does not allow it: a port is missing in \
                     functions/{function}/function.toml, or a right in infra/template/src/grants.rs",
                    did.action,
                    did.resource,
                    did.key.as_ref().map(|key| format!(" ({key}...)")).unwrap_or_default(),
                ));
            }
            used.extend(allowing);
        }
    }
    for right in granted.iter().filter(|right| !used.contains(right)) {
        if !unseen.iter().any(|unseen| unseen.covers(right)) {
            complaints.push(format!(
                "{} may do {} on {}{} ({}) and was never seen to: take the right away, test what needs it, or say why in \
                 infra/template/src/rights.rs",
                right.function,
                right.action,
                right.resource,
                right.key.as_ref().map(|key| format!(" ({key})")).unwrap_or_default(),
                right.statement,
            ));
        }
    }
    for unseen in unseen {
        for action in unseen.actions {
            let covered = granted.iter().filter(|right| right.action == *action && unseen.covers(right));
            let covered: Vec<_> = covered.collect();
            if covered.is_empty() {
                complaints.push(format!("{action} in {:?} is excused and no role has it any more", unseen.statements));
            }
            for right in covered.into_iter().filter(|right| used.contains(right)) {
                complaints.push(format!("{} is excused for {action}, and used it after all", right.function));
            }
        }
    }
    Ok(complaints)
}

/// How many rights the roles of a template have.
pub fn count(template: &str) -> Result<usize, RightsError> {
    Ok(granted(template)?.len())
}

impl Granted {
    fn allows(&self, did: &Did) -> bool {
        self.action == did.action
            && self.resource == family(&did.resource)
            && self.key.as_ref().is_none_or(|pattern| {
                let beginning = pattern.trim_end_matches('*');
                did.key.as_ref().is_some_and(|key| key.starts_with(beginning))
            })
    }
}

impl Unseen {
    fn covers(&self, right: &Granted) -> bool {
        self.statements.contains(&right.statement.as_str())
            && self.actions.contains(&right.action.as_str())
            && self.key.is_none_or(|key| right.key.as_deref() == Some(key))
    }
}

/// A shard's queue is like the next one's: `queue/fanout-3` is `queue/fanout`.
fn family(resource: &str) -> &str {
    let stem = resource.trim_end_matches(|letter: char| letter.is_ascii_digit());
    if stem.len() < resource.len() { stem.trim_end_matches('-') } else { resource }
}

fn granted(template: &str) -> Result<BTreeSet<Granted>, RightsError> {
    let template: Value = serde_saphyr::from_str(template).map_err(|error| RightsError::Template(error.to_string()))?;
    let template = Roles::new(&template)?;
    let mut all = BTreeSet::new();
    for (function, role) in template.functions()? {
        for statement in template.statements(&role)? {
            template.expand(&function, statement, &mut all)?;
        }
    }
    if all.is_empty() { Err(RightsError::Template("there are no roles in it".to_owned())) } else { Ok(all) }
}

/// The template as far as roles are concerned.
struct Roles<'a> {
    resources: &'a serde_json::Map<String, Value>,
    /// Short names of tables, by logical id.
    tables: BTreeMap<String, String>,
}

impl<'a> Roles<'a> {
    fn new(template: &'a Value) -> Result<Self, RightsError> {
        let resources = template["Resources"].as_object().ok_or_else(|| strange("Resources", template))?;
        let mut roles = Self { resources, tables: BTreeMap::new() };
        // A right that comes from elsewhere would be one that nobody looks at.
        let elsewhere = ["AWS::IAM::Policy", "AWS::IAM::ManagedPolicy", "AWS::IAM::RolePolicy"];
        if let Some((id, resource)) =
            resources.iter().find(|(_, one)| elsewhere.iter().any(|kind| one["Type"] == *kind))
        {
            return Err(strange(id, resource));
        }
        // Functions find a table under its short name: LOG_TABLE is what they call `log`.
        for function in roles.of_type("AWS::Serverless::Function").map(|(_, function)| function) {
            let variables = function["Environment"]["Variables"].as_object();
            for (name, value) in variables.into_iter().flatten() {
                if let (Some(short), Some(id)) = (name.strip_suffix("_TABLE"), value["Ref"].as_str()) {
                    roles.tables.insert(id.to_owned(), short.to_ascii_lowercase());
                }
            }
        }
        Ok(roles)
    }

    fn of_type(&self, r#type: &'a str) -> impl Iterator<Item = (&'a String, &'a Value)> + use<'a> {
        let all = self.resources.iter().filter(move |(_, resource)| resource["Type"] == r#type);
        all.map(|(id, resource)| (id, &resource["Properties"]))
    }

    /// Each function with its role.
    fn functions(&self) -> Result<Vec<(String, String)>, RightsError> {
        self.of_type("AWS::Serverless::Function")
            .map(|(id, function)| {
                let name = function["FunctionName"]["Fn::Sub"].as_str();
                let name = name
                    .and_then(|name| name.strip_prefix("tidings-${Stage}-"))
                    .ok_or_else(|| strange(id, function))?;
                let role = function["Role"]["Fn::GetAtt"][0].as_str().ok_or_else(|| strange(id, function))?;
                Ok((name.to_owned(), role.to_owned()))
            })
            .collect()
    }

    /// The statements of a role, those that depend on a condition included. Only inline policies are known here.
    fn statements(&self, role: &str) -> Result<Vec<&'a Value>, RightsError> {
        let properties = &self.resources.get(role).ok_or_else(|| strange(role, &Value::Null))?["Properties"];
        if !properties["ManagedPolicyArns"].is_null() {
            return Err(strange(role, &properties["ManagedPolicyArns"]));
        }
        let policies = properties["Policies"].as_array().ok_or_else(|| strange(role, properties))?;
        let mut all = Vec::new();
        for policy in policies {
            let statements = policy["PolicyDocument"]["Statement"].as_array().ok_or_else(|| strange(role, policy))?;
            for statement in statements {
                match statement["Fn::If"].as_array().map(Vec::as_slice) {
                    None => all.push(statement),
                    Some([_, granted, otherwise]) if *otherwise == json!({ "Ref": "AWS::NoValue" }) => {
                        all.push(granted);
                    }
                    Some(_) => return Err(strange(role, statement)),
                }
            }
        }
        Ok(all)
    }

    /// A statement as the single rights that it is.
    fn expand(&self, function: &str, statement: &Value, all: &mut BTreeSet<Granted>) -> Result<(), RightsError> {
        let sid = statement["Sid"].as_str().ok_or_else(|| strange(function, statement))?;
        if statement["Effect"] != "Allow" {
            return Err(strange(sid, statement));
        }
        let keys = Self::keys(sid, &statement["Condition"])?;
        for action in list(&statement["Action"]) {
            let action = action.as_str().ok_or_else(|| strange(sid, statement))?;
            for resource in list(&statement["Resource"]) {
                let resource = self.resource(resource).ok_or_else(|| strange(sid, resource))?;
                for key in &keys {
                    all.insert(Granted {
                        function: function.to_owned(),
                        statement: sid.to_owned(),
                        action: action.to_owned(),
                        resource: resource.clone(),
                        key: key.clone(),
                    });
                }
            }
        }
        Ok(())
    }

    /// The patterns of partition keys that a condition names; one `None` where there is no condition. Any other
    /// condition is one that nobody has thought about here.
    fn keys(sid: &str, condition: &Value) -> Result<Vec<Option<String>>, RightsError> {
        if condition.is_null() {
            return Ok(vec![None]);
        }
        let patterns = condition["ForAllValues:StringLike"]["dynamodb:LeadingKeys"].as_array();
        let alone = condition.as_object().is_some_and(|all| all.len() == 1);
        let patterns = patterns.filter(|_| alone).ok_or_else(|| strange(sid, condition))?;
        // Without the star it would be one key, and no item has just that one.
        let whole = |pattern: &Value| pattern.as_str().filter(|text| text.ends_with('*')).map(str::to_owned);
        patterns.iter().map(|pattern| whole(pattern).map(Some).ok_or_else(|| strange(sid, pattern))).collect()
    }

    /// A resource as the record names it.
    fn resource(&self, value: &Value) -> Option<String> {
        if value == "*" {
            return Some("*".to_owned());
        }
        if let Some(id) = value["Fn::GetAtt"][0].as_str() {
            let resource = self.resources.get(id)?;
            return match resource["Type"].as_str()? {
                "AWS::DynamoDB::Table" => Some(format!("table/{}", self.tables.get(id)?)),
                "AWS::SQS::Queue" => {
                    let name = resource["Properties"]["QueueName"]["Fn::Sub"].as_str()?;
                    Some(format!("queue/{}", family(name.strip_prefix("tidings-${Stage}-")?)))
                }
                _ => None,
            };
        }
        let arn = value["Fn::Sub"].as_str()?;
        let (_, service) = arn.split_once("${AWS::Partition}:")?;
        if service.starts_with("logs:") {
            return Some("log".to_owned());
        }
        let (_, path) = arn.split_once("${SocketApi}/")?;
        let method = path.split('/').nth(1)?;
        Some(format!("connections/{method}"))
    }
}

fn list(value: &Value) -> &[Value] {
    value.as_array().map_or(std::slice::from_ref(value), Vec::as_slice)
}

fn strange(what: &str, value: &Value) -> RightsError {
    RightsError::Template(format!("{what} has a form that is not known here: {value}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    const TEMPLATE: &str = r#"
Resources:
  SendFunction:
    Type: AWS::Serverless::Function
    Properties:
      FunctionName: { "Fn::Sub": "tidings-${Stage}-send" }
      Role: { "Fn::GetAtt": [SendRole, Arn] }
      Environment: { Variables: { LOG_TABLE: { Ref: LogTable } } }
  LogTable: { Type: AWS::DynamoDB::Table, Properties: {} }
  Fanout0Queue:
    Type: AWS::SQS::Queue
    Properties: { QueueName: { "Fn::Sub": "tidings-${Stage}-fanout-0" } }
  SendRole:
    Type: AWS::IAM::Role
    Properties:
      Policies:
      - PolicyDocument:
          Statement:
          - Sid: LogAppend
            Effect: Allow
            Action: [dynamodb:PutItem]
            Resource: [{ "Fn::GetAtt": [LogTable, Arn] }]
            Condition: { "ForAllValues:StringLike": { "dynamodb:LeadingKeys": ["d:*", "g:*"] } }
          - Sid: QueueFanout
            Effect: Allow
            Action: sqs:SendMessage
            Resource: { "Fn::GetAtt": [Fanout0Queue, Arn] }
          - Sid: GatewayPost
            Effect: Allow
            Action: [execute-api:ManageConnections]
            Resource: { "Fn::Sub": "arn:${AWS::Partition}:execute-api:r:a:${SocketApi}/live/POST/@connections/*" }
"#;

    fn did(action: &str, resource: &str, key: Option<&str>) -> Did {
        Did { action: action.to_owned(), resource: resource.to_owned(), key: key.map(str::to_owned) }
    }

    fn all() -> Vec<Did> {
        vec![
            did("dynamodb:PutItem", "table/log", Some("d:")),
            did("dynamodb:PutItem", "table/log", Some("g:")),
            did("sqs:SendMessage", "queue/fanout-3", None),
            did("execute-api:ManageConnections", "connections/POST", None),
        ]
    }

    fn complaints(used: Vec<Did>, unseen: &[Unseen]) -> Vec<String> {
        let record = BTreeMap::from([("send".to_owned(), used.into_iter().collect())]);
        compare(TEMPLATE, &record, unseen).unwrap()
    }

    #[test]
    fn what_is_used_and_granted_is_well() {
        assert_eq!(complaints(all(), &[]), Vec::<String>::new());
    }

    #[test]
    fn what_is_used_and_not_granted_is_named() {
        for strange in [
            did("dynamodb:PutItem", "table/log", Some("n:")),
            did("dynamodb:PutItem", "table/log", None),
            did("dynamodb:Query", "table/log", Some("d:")),
            did("dynamodb:PutItem", "table/inboxes", Some("d:")),
            did("sqs:SendMessage", "queue/retry", None),
            did("execute-api:ManageConnections", "connections/DELETE", None),
        ] {
            let found = complaints([all(), vec![strange.clone()]].concat(), &[]);
            assert!(found.len() == 1 && found[0].contains("does not allow it"), "{strange:?}: {found:?}");
        }
    }

    #[test]
    fn what_is_granted_and_not_used_is_named_unless_excused() {
        for missing in 0..all().len() {
            let mut used = all();
            used.remove(missing);
            let found = complaints(used, &[]);
            assert!(found.len() == 1 && found[0].contains("never seen"), "{missing}: {found:?}");
        }
        let groups =
            Unseen { statements: &["LogAppend"], actions: &["dynamodb:PutItem"], key: Some("g:*"), reason: "later" };
        let mut used = all();
        used.remove(1);
        assert_eq!(complaints(used, &[groups]), Vec::<String>::new());
    }

    #[test]
    fn an_excuse_does_not_outlive_its_reason() {
        let excuse = |statements, actions| Unseen { statements, actions, key: None, reason: "once" };
        let found = complaints(all(), &[excuse(&["QueueFanout"], &["sqs:SendMessage"])]);
        assert!(found.len() == 1 && found[0].contains("used it after all"), "{found:?}");
        let found = complaints(all(), &[excuse(&["QueueFanout"], &["sqs:DeleteMessage"])]);
        assert!(found.len() == 1 && found[0].contains("no role has it"), "{found:?}");
    }

    #[test]
    fn what_nobody_has_thought_about_is_refused() {
        for (from, to) in [
            ("Effect: Allow", "Effect: Deny"),
            ("ForAllValues:StringLike", "StringLike"),
            ("[\"d:*\", \"g:*\"]", "[\"d:\"]"),
            (
                "LogTable: { Type: AWS::DynamoDB::Table",
                "More: { Type: AWS::IAM::Policy }\n  LogTable: { Type: AWS::DynamoDB::Table",
            ),
            ("- Sid: GatewayPost", "- \"Fn::If\": [a, { Sid: b }, { Sid: c }]\n          - Sid: GatewayPost"),
            ("Policies:", "ManagedPolicyArns: [x]\n      Policies:"),
            ("Fn::GetAtt\": [LogTable", "Fn::ImportValue\": [LogTable"),
        ] {
            assert!(TEMPLATE.contains(from));
            assert!(count(&TEMPLATE.replacen(from, to, 1)).is_err(), "{to}");
        }
        assert_eq!(count(TEMPLATE).unwrap(), 4);
    }
}

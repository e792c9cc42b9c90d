//! What each port of a `function.toml` may do on AWS: the one table that roles are made from, and that tests compare
//! with what the functions really call.
//!
//! A port is as narrow as what is called through it. Where rights can be bound to a part of a table they are: to the
//! partition keys that the port is for (`dynamodb:LeadingKeys`).

use serde_json::{Value, json};
use tidings_manifest::{Function, QueueName, SIGNS_TOKENS};
use tidings_tables::{INBOXES, LOG, ROUTES, SOCIAL, TableSpec};

use crate::TemplateError;
use crate::intrinsics::{arn, sub};
use crate::names;
use crate::socket::STAGE;

/// One right.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Grant {
    /// As `function.toml` spells it.
    pub port: &'static str,
    /// IAM actions.
    pub actions: &'static [&'static str],
    /// What they are allowed on.
    pub on: Target,
    /// Patterns of the partition keys that it is bound to; none is the whole table.
    pub keys: &'static [&'static str],
}

/// What a right is on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Target {
    /// A table.
    Table(TableSpec),
    /// The queues of a kind.
    Queues(QueueName),
    /// Open sockets, by a method of the management API.
    Connections(&'static str),
    /// A part of the stage's keys, which is in the function's environment and takes no right of IAM.
    Key(Key),
}

/// Parts of the secret with the stage's keys.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Key {
    /// What tokens are signed with.
    Signing,
    /// What they are verified with.
    Verifying,
}

const fn table(port: &'static str, actions: &'static [&'static str], of: TableSpec) -> Grant {
    Grant { port, actions, on: Target::Table(of), keys: &[] }
}

const fn keyed(
    port: &'static str,
    actions: &'static [&'static str],
    of: TableSpec,
    keys: &'static [&'static str],
) -> Grant {
    Grant { port, actions, on: Target::Table(of), keys }
}

const fn sends(port: &'static str, to: QueueName) -> Grant {
    Grant { port, actions: &["sqs:SendMessage"], on: Target::Queues(to), keys: &[] }
}

const fn connections(port: &'static str, method: &'static str) -> Grant {
    Grant { port, actions: &["execute-api:ManageConnections"], on: Target::Connections(method), keys: &[] }
}

const fn holds(port: &'static str, key: Key) -> Grant {
    Grant { port, actions: &[], on: Target::Key(key), keys: &[] }
}

/// Connections of people's devices.
const DEVICES: &[&str] = &["u_*"];
/// Who watches whom.
const WATCHERS: &[&str] = &["watchers#*"];
/// Whom devices watch.
const WATCHING: &[&str] = &["watching#*"];
/// Both ends of a watch.
const WATCHES: &[&str] = &["watchers#*", "watching#*"];
/// Accounts and sessions of people.
const PEOPLE: &[&str] = &["user#*"];
/// Whose a user name is.
const USERNAMES: &[&str] = &["name#*"];
/// Groups, their members, and who would like to be one.
const GROUPS: &[&str] = &["group#*", "members#*"];
/// All partition keys of a change of a group, over the three tables of its transaction: what IAM compares of a transaction
/// may be the keys of all its items together. A table has but the keys of its own.
const OF_A_GROUPS_CHANGE: &[&str] = &["g:*", "n:*", "group#*", "members#*", "u_*"];
/// All partition keys of a change of contacts, likewise.
const OF_A_CONTACTS_CHANGE: &[&str] = &["n:*", "user#*", "u_*"];
/// An account, and the inbox that remembers what it says.
const OF_AN_INTRODUCTION: &[&str] = &["user#*", "u_*"];
/// Records of groups.
const RECORDS: &[&str] = &["group#*"];
/// Members of groups.
const MEMBERS: &[&str] = &["members#*"];
/// Cards under the beginnings of user names.
const LISTED: &[&str] = &["names#*"];
/// An account, its name and its listed card, which one transaction writes. All in one statement: what IAM compares of a
/// transaction may be the keys of all its items together.
const PEOPLE_AND_USERNAMES: &[&str] = &["user#*", "name#*", "names#*"];
/// Conversations that people write in. Notices (`n:`) are written by us alone, whatever a client asks for.
const WRITTEN_BY_PEOPLE: &[&str] = &["d:*", "g:*"];

/// Every port. A new one is a line here.
pub const GRANTS: &[Grant] = &[
    table("log.read", &["dynamodb:Query"], LOG),
    table("log.entry", &["dynamodb:GetItem"], LOG),
    keyed("log.append", &["dynamodb:PutItem"], LOG, WRITTEN_BY_PEOPLE),
    table("inboxes.list", &["dynamodb:Query"], INBOXES),
    table("inboxes.entry", &["dynamodb:GetItem"], INBOXES),
    table("inboxes.states", &["dynamodb:BatchGetItem"], INBOXES),
    table("inboxes.write", &["dynamodb:UpdateItem"], INBOXES),
    keyed("routes.list", &["dynamodb:Query"], ROUTES, DEVICES),
    keyed("routes.read", &["dynamodb:GetItem"], ROUTES, DEVICES),
    keyed("routes.claim", &["dynamodb:PutItem"], ROUTES, DEVICES),
    keyed("routes.release", &["dynamodb:UpdateItem"], ROUTES, DEVICES),
    keyed("watches.told", &["dynamodb:Query"], ROUTES, WATCHERS),
    keyed("watches.read", &["dynamodb:GetItem"], ROUTES, WATCHING),
    keyed("watches.write", &["dynamodb:PutItem", "dynamodb:DeleteItem"], ROUTES, WATCHES),
    keyed("accounts.read", &["dynamodb:GetItem"], SOCIAL, PEOPLE),
    keyed("accounts.check", &["dynamodb:ConditionCheckItem"], SOCIAL, OF_AN_INTRODUCTION),
    keyed("accounts.create", &["dynamodb:PutItem"], SOCIAL, PEOPLE_AND_USERNAMES),
    keyed(
        "accounts.update",
        &["dynamodb:PutItem", "dynamodb:UpdateItem", "dynamodb:DeleteItem"],
        SOCIAL,
        PEOPLE_AND_USERNAMES,
    ),
    keyed("accounts.close", &["dynamodb:PutItem", "dynamodb:DeleteItem"], SOCIAL, PEOPLE_AND_USERNAMES),
    keyed("accounts.rehash", &["dynamodb:UpdateItem"], SOCIAL, PEOPLE),
    keyed("usernames.read", &["dynamodb:GetItem"], SOCIAL, USERNAMES),
    keyed("people.search", &["dynamodb:Query"], SOCIAL, LISTED),
    keyed("sessions.read", &["dynamodb:GetItem"], SOCIAL, PEOPLE),
    keyed("contacts.list", &["dynamodb:Query"], SOCIAL, PEOPLE),
    keyed("contacts.write", &["dynamodb:PutItem"], SOCIAL, OF_A_CONTACTS_CHANGE),
    keyed("notices.append", &["dynamodb:PutItem"], LOG, OF_A_CONTACTS_CHANGE),
    keyed("groups.state", &["dynamodb:GetItem"], SOCIAL, GROUPS),
    keyed("groups.record", &["dynamodb:GetItem"], SOCIAL, RECORDS),
    keyed("groups.list", &["dynamodb:Query"], SOCIAL, GROUPS),
    keyed("groups.read", &["dynamodb:GetItem"], SOCIAL, OF_A_GROUPS_CHANGE),
    keyed("groups.tell", &["dynamodb:PutItem"], LOG, OF_A_GROUPS_CHANGE),
    keyed("groups.write", &["dynamodb:PutItem", "dynamodb:DeleteItem"], SOCIAL, OF_A_GROUPS_CHANGE),
    keyed("groups.members", &["dynamodb:Query"], SOCIAL, MEMBERS),
    keyed("sessions.list", &["dynamodb:Query"], SOCIAL, PEOPLE),
    keyed("sessions.end", &["dynamodb:DeleteItem"], SOCIAL, PEOPLE),
    keyed("sign_outs.write", &["dynamodb:PutItem"], SOCIAL, PEOPLE),
    keyed("sessions.write", &["dynamodb:PutItem", "dynamodb:UpdateItem"], SOCIAL, PEOPLE),
    connections("gateway.post", "POST"),
    connections("gateway.close", "DELETE"),
    sends("queue.fanout", QueueName::Fanout),
    sends("queue.retry", QueueName::Retry),
    sends("queue.task", QueueName::Task),
    holds(SIGNS_TOKENS, Key::Signing),
    holds("tokens.verify", Key::Verifying),
];

/// What an event source mapping does in a function's name. Source: Lambda, "Using Lambda with Amazon SQS", execution
/// role permissions.
pub const FEEDS: &[&str] = &["sqs:ReceiveMessage", "sqs:DeleteMessage", "sqs:GetQueueAttributes"];

/// Actions that no resource can be named for, with the reason. Nothing else in the template is allowed on everything.
pub const ON_EVERYTHING: &[(&str, &str)] = &[
    ("xray:PutTraceSegments", "traces have no ARN (Service Authorization Reference, AWS X-Ray)"),
    ("xray:PutTelemetryRecords", "nor has what the daemon says about itself"),
];

/// Every right that a function has through its ports and its queues. Its own log and traces come on top.
pub fn of(function: &Function) -> Result<Vec<Grant>, TemplateError> {
    let find = |port: &String| {
        GRANTS.iter().find(|grant| grant.port == port).copied().ok_or_else(|| TemplateError::Port {
            function: function.name.clone(),
            port: port.clone(),
            known: GRANTS.iter().map(|grant| grant.port).collect::<Vec<_>>().join(", "),
        })
    };
    let feeds = function.manifest.queues.iter().map(|source| {
        let port = match source.name {
            QueueName::Fanout => "fed.fanout",
            QueueName::Retry => "fed.retry",
            QueueName::Task => "fed.task",
        };
        Ok(Grant { port, actions: FEEDS, on: Target::Queues(source.name), keys: &[] })
    });
    function.manifest.ports.iter().map(find).chain(feeds).collect()
}

impl Target {
    /// Its ARNs.
    pub(crate) fn arns(&self, shards: u32) -> Vec<Value> {
        match self {
            Self::Table(table) => vec![arn(names::table(table.name))],
            Self::Queues(kind) => kind.queues(shards).iter().map(|queue| arn(names::queue(queue))).collect(),
            Self::Key(_) => vec![],
            Self::Connections(method) => vec![sub(format!(
                "arn:${{AWS::Partition}}:execute-api:${{AWS::Region}}:${{AWS::AccountId}}:${{SocketApi}}/{STAGE}/{method}/@connections/*"
            ))],
        }
    }
}

impl Grant {
    /// As a statement of a policy, if it takes a right.
    pub(crate) fn statement(&self, shards: u32) -> Option<Value> {
        if self.actions.is_empty() {
            return None;
        }
        let mut statement = json!({
            "Sid": names::camel(self.port),
            "Effect": "Allow",
            "Action": self.actions,
            "Resource": self.on.arns(shards),
        });
        if !self.keys.is_empty() {
            statement["Condition"] = json!({ "ForAllValues:StringLike": { "dynamodb:LeadingKeys": self.keys } });
        }
        Some(statement)
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;
    use std::path::Path;

    use tidings_manifest::{Manifest, Trigger};

    use super::*;

    #[test]
    fn ports_are_named_once_and_allow_something_narrow() {
        let mut seen = BTreeSet::new();
        for grant in GRANTS {
            assert!(seen.insert(grant.port), "{} stands twice", grant.port);
            let right = !matches!(grant.on, Target::Key(_));
            assert_eq!(!grant.actions.is_empty(), right, "{} allows nothing", grant.port);
            for action in grant.actions {
                assert!(action.split_once(':').is_some() && !action.contains('*'), "{}: {action}", grant.port);
            }
        }
    }

    #[test]
    fn an_unknown_port_is_named_with_those_that_there_are() {
        let manifest = Manifest {
            description: "Sends".to_owned(),
            memory_mb: 128,
            timeout_s: 1,
            trigger: Trigger::Websocket,
            ports: vec!["log.delete".to_owned()],
            queues: vec![],
        };
        let function = Function { name: "send".to_owned(), path: Path::new("function.toml").to_owned(), manifest };
        let error = of(&function).unwrap_err().to_string();
        for part in ["functions/send/function.toml", "log.delete", "log.append"] {
            assert!(error.contains(part), "{error}");
        }
    }
}

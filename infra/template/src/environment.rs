//! What functions find in their environment. The names are the contract with `tidings_runtime::settings`; the local
//! cloud sets the same.
//!
//! A function is told of what its ports touch and of nothing else. The secret is with those who sign.

use std::collections::BTreeMap;

use serde_json::{Value, json};
use tidings_manifest::{Function, PARAMETERS, Parameter, QueueName, Trigger};

use crate::TemplateError;
use crate::grants::{self, Key, Target};
use crate::intrinsics::{reference, sub};
use crate::{names, socket};

/// The parameter that is no parameter of the stack: how many queues there are is a matter of the template itself.
pub(crate) const SHARDS: &str = "FANOUT_SHARDS";

/// The secret that holds the keys: a JSON object of the two texts `signing_key` and `verifying_keys`, in the form that
/// `SIGNING_KEY` and `VERIFYING_KEYS` take.
pub const KEYS_SECRET: &str = "tidings-${Stage}-keys";

/// What every function finds: the parameters that are for all of them.
pub(crate) fn common(shards: u32) -> BTreeMap<String, Value> {
    parameters(shards, |parameter| parameter.readers.is_empty())
}

fn parameters(shards: u32, wanted: impl Fn(&Parameter) -> bool) -> BTreeMap<String, Value> {
    PARAMETERS
        .iter()
        .filter(|parameter| wanted(parameter))
        .map(|parameter| {
            let value = if parameter.name == SHARDS {
                json!(shards.to_string())
            } else {
                reference(names::camel(parameter.name))
            };
            (parameter.name.to_owned(), value)
        })
        .collect()
}

/// What this function finds beside.
pub(crate) fn own(
    function: &Function,
    all: &[Function],
    shards: u32,
) -> Result<BTreeMap<String, Value>, TemplateError> {
    let name = function.name.as_str();
    let mut variables = parameters(shards, |parameter| parameter.readers.contains(&name));
    let mut set = |name: &str, value: Value| variables.insert(name.to_owned(), value);
    for grant in grants::of(function)? {
        match grant.on {
            Target::Table(table) => {
                set(&format!("{}_TABLE", table.name.to_uppercase()), reference(names::table(table.name)));
            }
            Target::Key(Key::Signing) => {
                set("SIGNING_KEY", key("signing_key"));
            }
            Target::Key(Key::Verifying) => {
                set("VERIFYING_KEYS", key("verifying_keys"));
            }
            Target::Connections(_) => {
                set("GATEWAY_ENDPOINT", socket::management_endpoint());
            }
            // Whoever changes something needs these alone.
            Target::Queues(QueueName::Fanout) => {
                set("FANOUT_QUEUE_URLS", queue_urls(QueueName::Fanout, shards));
            }
            // Whoever delivers parses all of them.
            Target::Queues(QueueName::Retry | QueueName::Task) => {
                set("FANOUT_QUEUE_URLS", queue_urls(QueueName::Fanout, shards));
                set("RETRY_QUEUE_URL", queue_urls(QueueName::Retry, shards));
                set("TASK_QUEUE_URL", queue_urls(QueueName::Task, shards));
            }
        }
    }
    match function.manifest.trigger {
        Trigger::Http => {
            set("SOCKET_URL", socket::url());
        }
        Trigger::Queue => {
            set("WORKERS", json!(workers(all, shards).to_string()));
        }
        Trigger::Websocket | Trigger::Authorizer => {}
    }
    Ok(variables)
}

/// How many workers can run at once over all queues: who posts divides the account's rate by it.
pub(crate) fn workers(functions: &[Function], shards: u32) -> u32 {
    let sources = functions.iter().flat_map(|function| &function.manifest.queues);
    let at_once = |kind: QueueName| if kind == QueueName::Fanout { shards } else { 1 };
    sources.map(|source| source.maximum_concurrency * at_once(source.name)).sum()
}

fn queue_urls(kind: QueueName, shards: u32) -> Value {
    let urls: Vec<_> = kind.queues(shards).iter().map(|queue| reference(names::queue(queue))).collect();
    match urls.as_slice() {
        [one] => one.clone(),
        many => json!({ "Fn::Join": [",", many] }),
    }
}

/// A part of the secret. CloudFormation looks it up when the function is created or its version parameter changes.
fn key(part: &str) -> Value {
    sub(format!("{{{{resolve:secretsmanager:{KEYS_SECRET}:SecretString:{part}::${{KeysVersion}}}}}}"))
}

//! What tests are told of a deployment: what its stack says of itself, and a key that may look at it.

use std::collections::BTreeMap;
use std::path::Path;
use std::time::{Duration, Instant};

use serde_json::{Value, json};
use tidings_template::names;

use super::Here;
use crate::deploy::{Aws, Key, Resource, Stage};
use crate::tools;

/// How the short name of a dead-letter queue ends.
const DEAD: &str = "-dlq";

/// How long queues may take to come to rest after the tests: records that failed come again after their queue's
/// visibility time-out, which is three minutes at most.
const REST_WITHIN: Duration = Duration::from_mins(4);

/// Between two looks.
const LOOK_EVERY: Duration = Duration::from_secs(2);

/// A deployment that tests can be pointed at.
pub(super) struct Deployment {
    aws: Aws,
    /// What tests are told. There is a key in it, so it stands in their environment and in no file.
    pub(super) description: Value,
}

/// A stage of an AWS account.
pub(super) fn of_stage(here: &Here<'_>, name: &str) -> Result<Deployment, String> {
    let stage = Stage::read(here.root, name)?;
    let aws = Aws::sign_in(tools::ready(here.root, &here.target, tools::AWS_CLI)?, None, &stage)?;
    let region = aws.region.clone();
    let key = aws.key()?;
    Deployment::new(here.root, aws, &stage.stack, |service| on_aws(service, &region), Roles::Theirs, &key)
}

impl Deployment {
    /// Asks a stack what it says of itself.
    pub(super) fn new(
        root: &Path,
        aws: Aws,
        stack: &str,
        at: impl Fn(&str) -> String,
        roles: Roles,
        key: &Key,
    ) -> Result<Self, String> {
        let description = describe(root, &aws, stack, at, roles, key)?;
        Ok(Self { aws, description })
    }

    /// Queues by their short names, dead-letter queues or all others.
    fn queues(&self, dead: bool) -> impl Iterator<Item = (&String, &str)> {
        let all = self.description["queues"].as_object().into_iter().flatten();
        all.filter(move |(name, _)| name.ends_with(DEAD) == dead)
            .map(|(name, url)| (name, url.as_str().unwrap_or_default()))
    }

    /// How many dead letters there are.
    pub(super) fn dead_letters(&self) -> Result<BTreeMap<String, u64>, String> {
        self.queues(true).map(|(name, url)| Ok((name.clone(), self.aws.messages(url)?.0))).collect()
    }

    /// Waits until no record is in a queue, and then says which queues have more dead letters than before.
    pub(super) fn come_to_rest(&self, before: &BTreeMap<String, u64>) -> Result<Vec<String>, String> {
        let until = Instant::now() + REST_WITHIN;
        loop {
            let mut unrest = Vec::new();
            for (name, url) in self.queues(false) {
                if self.aws.messages(url)? != (0, 0) {
                    unrest.push(name.clone());
                }
            }
            if unrest.is_empty() {
                break;
            }
            if Instant::now() > until {
                return Ok(unrest.into_iter().map(|name| format!("{name} does not come to rest")).collect());
            }
            std::thread::sleep(LOOK_EVERY);
        }
        Ok(more(before, &self.dead_letters()?))
    }
}

/// The queues with more dead letters than before.
fn more(before: &BTreeMap<String, u64>, after: &BTreeMap<String, u64>) -> Vec<String> {
    let more = after.iter().filter(|(name, count)| before.get(*name).is_none_or(|before| before < count));
    more.map(|(name, count)| format!("{name} has {count} dead letters")).collect()
}

/// A service's own address in a region.
fn on_aws(service: &str, region: &str) -> String {
    let suffix = if region.starts_with("cn-") { ".cn" } else { "" };
    format!("https://{service}.{region}.amazonaws.com{suffix}/")
}

/// Whose the roles of a deployment are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Roles {
    /// Somebody's, whom tests leave alone.
    Theirs,
    /// Nobody's: tests may change them.
    ToBeChanged,
}

/// The description, in the form of the local cloud's `/_local/endpoints`.
fn describe(
    root: &Path,
    aws: &Aws,
    stack: &str,
    at: impl Fn(&str) -> String,
    roles: Roles,
    key: &Key,
) -> Result<Value, String> {
    let outputs: BTreeMap<String, String> = aws.outputs(stack)?.into_iter().collect();
    let template = std::fs::read_to_string(root.join(tidings_template::PATH)).map_err(|error| error.to_string())?;
    let functions = tidings_manifest::read_all(&root.join("functions")).map_err(|error| error.to_string())?;
    let shards = tidings_template::shards_of(&template).ok_or("the template does not say how many shards it has")?;
    let told = tidings_template::told(shards);
    let output = |name: &str| {
        outputs.get(name).cloned().ok_or_else(|| format!("the stack {stack} has no output {name}; deploy it again"))
    };
    let all = |names: &[(String, String)]| {
        names.iter().map(|(short, name)| Ok((short.clone(), output(name)?))).collect::<Result<BTreeMap<_, _>, String>>()
    };
    let mut description = json!({
        "page": "",
        "api": output("ApiUrl")?,
        "socket": output("SocketUrl")?,
        "gateway": output("GatewayEndpoint")?,
        "lambda": at("lambda"),
        "dynamodb": at("dynamodb"),
        "sqs": at("sqs"),
        "s3": at("s3"),
        "region": aws.region,
        "access_key_id": key.id,
        "secret_access_key": key.secret,
        "session_token": key.session_token,
        "tables": all(&told.tables)?,
        "queues": all(&told.queues)?,
        "bucket": output("FilesBucketName")?,
    });
    if roles == Roles::ToBeChanged {
        let resources = aws.resources(stack)?;
        let names = functions.iter().map(|function| function.name.as_str());
        description["iam"] = json!({ "endpoint": at("iam"), "roles": roles_of(&resources, names)? });
    }
    Ok(description)
}

/// The functions' roles.
fn roles_of<'a>(
    resources: &[Resource],
    functions: impl Iterator<Item = &'a str>,
) -> Result<BTreeMap<String, String>, String> {
    functions
        .map(|function| {
            let logical = names::role(function);
            let found = resources.iter().find(|resource| resource.logical == logical);
            let role = found.ok_or_else(|| format!("the stack has no {logical}"))?;
            Ok((function.to_owned(), role.physical.clone()))
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn dead_letters_that_were_there_before_are_nobodys_fault() {
        let counts = |one: u64, two: u64| BTreeMap::from([("a-dlq".to_owned(), one), ("b-dlq".to_owned(), two)]);
        assert_eq!(more(&counts(3, 0), &counts(3, 0)), [] as [String; 0]);
        assert_eq!(more(&counts(3, 0), &counts(3, 1)), ["b-dlq has 1 dead letters"]);
    }

    #[test]
    fn services_are_where_aws_has_them() {
        assert_eq!(on_aws("sqs", "eu-central-1"), "https://sqs.eu-central-1.amazonaws.com/");
        assert_eq!(on_aws("dynamodb", "cn-north-1"), "https://dynamodb.cn-north-1.amazonaws.com.cn/");
    }

    #[test]
    fn a_functions_role_is_found_by_its_name_in_the_template() {
        let role = Resource {
            logical: "SendRole".to_owned(),
            physical: "tidings-dev-SendRole-X1".to_owned(),
            kind: "AWS::IAM::Role".to_owned(),
            status: "CREATE_COMPLETE".to_owned(),
        };
        assert_eq!(roles_of(std::slice::from_ref(&role), ["send"].into_iter()).unwrap()["send"], role.physical);
        assert!(roles_of(&[role], ["sync"].into_iter()).unwrap_err().contains("SyncRole"));
    }
}

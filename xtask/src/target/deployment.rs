//! What tests are told of a deployment: what its stack says of itself, and a key that may look at it.

use std::collections::BTreeMap;
use std::path::Path;

use serde_json::{Value, json};
use tidings_template::names;

use super::Here;
use crate::deploy::{Aws, Key, Resource, Stage};
use crate::files::Secret;
use crate::tools;

/// Describes a stage of an AWS account.
pub(super) fn of_stage(here: &Here<'_>, name: &str) -> Result<Secret, String> {
    let stage = Stage::read(here.root, name)?;
    let aws = Aws::sign_in(tools::ready(here.root, &here.target, tools::AWS_CLI)?, None, &stage)?;
    let at = |service: &str| on_aws(service, &aws.region);
    write(here, name, &describe(here.root, &aws, &stage.stack, at, Roles::Theirs, &aws.key()?)?)
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
pub(super) fn describe(
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

/// Writes a description: there is a key in it.
pub(super) fn write(here: &Here<'_>, name: &str, description: &Value) -> Result<Secret, String> {
    Secret::write(&here.emptied(&format!("targets/{name}"))?.join("deployment.json"), &description.to_string())
}

#[cfg(test)]
mod tests {
    use super::*;

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

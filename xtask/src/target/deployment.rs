//! What tests are told of a deployment: what its stack says of itself, and a key that may look at it.

use std::collections::BTreeMap;
use std::io::Write as _;
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::{Path, PathBuf};

use serde_json::{Value, json};
use tidings_template::names;

use super::Here;
use crate::deploy::{Aws, Key, Resource, Stage};
use crate::tools;

/// Where a deployment's services are.
pub(super) struct Services {
    /// Each service's endpoint, by the service's name.
    pub(super) of: fn(&str, &str) -> String,
    /// What is said to `of` beside the name: a region, or an emulator's URL.
    pub(super) at: String,
    /// Whether tests may change roles.
    pub(super) roles: bool,
}

/// Describes a stage of an AWS account; where the description is.
pub(super) fn of_stage(here: &Here<'_>, name: &str) -> Result<PathBuf, String> {
    let stage = Stage::read(here.root, name)?;
    let aws = Aws::sign_in(tools::ready(here.root, &here.target, tools::AWS_CLI)?, None, &stage)?;
    let services = Services { of: on_aws, at: aws.region.clone(), roles: false };
    let key = aws.key()?;
    write(here, name, &describe(here.root, &aws, &stage.stack, &services, &key)?)
}

/// A service's own address in a region.
fn on_aws(service: &str, region: &str) -> String {
    let suffix = if region.starts_with("cn-") { ".cn" } else { "" };
    format!("https://{service}.{region}.amazonaws.com{suffix}/")
}

/// The description, in the form of the local cloud's `/_local/endpoints`.
pub(super) fn describe(root: &Path, aws: &Aws, stack: &str, services: &Services, key: &Key) -> Result<Value, String> {
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
    let at = |service: &str| (services.of)(service, &services.at);
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
    if services.roles {
        let resources = aws.resources(stack)?;
        let names = functions.iter().map(|function| function.name.as_str());
        description["iam"] = json!({ "endpoint": at("iam"), "roles": roles(&resources, names)? });
    }
    Ok(description)
}

/// The functions' roles.
fn roles<'a>(
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

/// Writes a description that nobody else may read.
pub(super) fn write(here: &Here<'_>, name: &str, description: &Value) -> Result<PathBuf, String> {
    let file = here.emptied(&format!("targets/{name}"))?.join("deployment.json");
    let written = std::fs::File::options()
        .create_new(true)
        .write(true)
        .mode(0o600)
        .open(&file)
        .and_then(|mut open| open.write_all(description.to_string().as_bytes()));
    written.map(|()| file.clone()).map_err(|error| format!("{} cannot be written: {error}", file.display()))
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
        assert_eq!(roles(std::slice::from_ref(&role), ["send"].into_iter()).unwrap()["send"], role.physical);
        assert!(roles(&[role], ["sync"].into_iter()).unwrap_err().contains("SyncRole"));
    }
}

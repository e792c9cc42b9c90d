//! The few questions that are put to AWS, through its command line.

use std::path::Path;
use std::process::Command;

use serde::Deserialize;
use serde_json::{Value, json};

use super::stage::Stage;
use crate::call;
use crate::tools::Venv;

/// What to do when AWS refuses.
const ADVICE: &str = "`aws sts get-caller-identity` shows who you are to AWS; infra/README.md lists the rights that a \
                      deployment needs";

/// AWS, in one region.
pub(crate) struct Aws {
    venv: Venv,
    /// The region.
    pub(crate) region: String,
}

/// A key to an account, as the command line tells of it.
#[derive(Clone, Deserialize)]
pub(crate) struct Key {
    /// Its name.
    #[serde(rename = "AccessKeyId")]
    pub(crate) id: String,
    /// Its secret.
    #[serde(rename = "SecretAccessKey")]
    pub(crate) secret: String,
    /// What a key that is lent for some hours goes with.
    #[serde(rename = "SessionToken")]
    pub(crate) session_token: Option<String>,
}

/// Where a resource stands, as CloudFormation lists it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Resource {
    /// Its name in the template.
    pub(crate) logical: String,
    /// Its name in AWS.
    pub(crate) physical: String,
    /// Its type, like `AWS::S3::Bucket`.
    pub(crate) kind: String,
    /// Its state, like `CREATE_COMPLETE`.
    pub(crate) status: String,
}

impl Aws {
    /// Signed in, in the region that was asked for, or the stage's, or the environment's.
    pub(crate) fn sign_in(venv: Venv, asked: Option<String>, stage: &Stage) -> Result<Self, String> {
        let from = |name: &str| std::env::var_os(name).and_then(|value| value.into_string().ok());
        let said = asked
            .or_else(|| stage.region.clone())
            .or_else(|| from("AWS_REGION"))
            .or_else(|| from("AWS_DEFAULT_REGION"))
            .or_else(|| {
                call::ask(venv.command("aws").args(["configure", "get", "region"]), "reading the region", "").ok()
            })
            .map(|region| region.trim().to_owned())
            .filter(|region| !region.is_empty());
        let region = said.ok_or_else(|| {
            format!(
                "which region? Say `--region eu-central-1`, set AWS_REGION, or write region = \"...\" into [{}.deploy.\
                 parameters] of {}",
                stage.name,
                super::stage::FILE
            )
        })?;
        Ok(Self { venv, region })
    }

    fn command(&self, words: &[&str]) -> Command {
        let mut command = self.venv.command("aws");
        command.args(words).args(["--region", &self.region, "--output", "json"]);
        command
    }

    fn ask(&self, step: &str, words: &[&str]) -> Result<Value, String> {
        let text = call::ask(&mut self.command(words), step, ADVICE)?;
        if text.trim().is_empty() {
            return Ok(Value::Null);
        }
        serde_json::from_str(&text).map_err(|error| format!("{step}: AWS answered no JSON: {error}"))
    }

    /// Account and person, as one line; fails where nobody is signed in.
    pub(crate) fn who(&self) -> Result<String, String> {
        let said = self.ask("signing in to AWS", &["sts", "get-caller-identity"])?;
        Ok(format!("account {}, as {}, in {}", text(&said["Account"]), text(&said["Arn"]), self.region))
    }

    /// What the stack tells: names and values.
    pub(crate) fn outputs(&self, stack: &str) -> Result<Vec<(String, String)>, String> {
        let said =
            self.ask("reading the stack's outputs", &["cloudformation", "describe-stacks", "--stack-name", stack])?;
        Ok(outputs(&said))
    }

    /// Whether there is such a stack.
    pub(crate) fn has_stack(&self, stack: &str) -> Result<bool, String> {
        Ok(is_listed(&self.ask("listing stacks", &["cloudformation", "list-stacks"])?, stack))
    }

    /// The stack's id, by which it can be asked about even after it is deleted.
    pub(crate) fn stack_id(&self, stack: &str) -> Result<String, String> {
        let said = self.ask("looking for the stack", &["cloudformation", "describe-stacks", "--stack-name", stack])?;
        Ok(text(&said["Stacks"][0]["StackId"]))
    }

    /// All resources of a stack.
    pub(crate) fn resources(&self, stack: &str) -> Result<Vec<Resource>, String> {
        let said = self
            .ask("listing the stack's resources", &["cloudformation", "list-stack-resources", "--stack-name", stack])?;
        Ok(resources(&said))
    }

    /// What the stack was deployed from, with SAM's types resolved.
    pub(crate) fn template(&self, stack: &str) -> Result<Value, String> {
        let words = ["cloudformation", "get-template", "--stack-name", stack, "--template-stage", "Processed"];
        let said = self.ask("reading the stack's template", &words)?;
        match &said["TemplateBody"] {
            Value::String(body) => serde_json::from_str(body).map_err(|error| {
                format!("the stack's processed template is no JSON, so what it retains is unknown: {error}")
            }),
            body => Ok(body.clone()),
        }
    }

    /// The key that the command line uses.
    pub(crate) fn key(&self) -> Result<Key, String> {
        let mut command = self.venv.command("aws");
        command.args(["configure", "export-credentials", "--format", "process"]);
        let text = call::ask(&mut command, "reading the key to the account", ADVICE)?;
        serde_json::from_str(&text).map_err(|error| format!("reading the key to the account: {error}"))
    }

    /// Whether there is such a secret; one that is about to be deleted is an error.
    pub(crate) fn has_secret(&self, name: &str) -> Result<bool, String> {
        match self.ask("looking for the keys", &["secretsmanager", "describe-secret", "--secret-id", name]) {
            Ok(said) => secret_stands(&said, name),
            Err(reason) if reason.contains("ResourceNotFoundException") => Ok(false),
            Err(reason) => Err(reason),
        }
    }

    /// Makes a secret, unless somebody else is quicker.
    pub(crate) fn make_secret(&self, name: &str, value: &str) -> Result<(), String> {
        // Neither on the command line, where everybody on this machine could read it, nor in a file, where it might stay.
        let words = ["secretsmanager", "create-secret", "--name", name, "--secret-string", "file:///dev/stdin"];
        match call::ask_with(&mut self.command(&words), value, "making the keys", ADVICE) {
            Err(reason) if !reason.contains("ResourceExistsException") => Err(reason),
            _ => Ok(()),
        }
    }

    /// How many messages a queue holds: those that can be had, and all others.
    pub(crate) fn messages(&self, url: &str) -> Result<(u64, u64), String> {
        // Its URL says where the queue is; this service alone does not look at AWS_ENDPOINT_URL.
        let words = ["sqs", "get-queue-attributes", "--queue-url", url, "--attribute-names", "All", "--endpoint-url"];
        let words = [&words[..], &[origin(url)]].concat();
        let said = self.ask("counting messages", &words)?;
        let count =
            |name: &str| said["Attributes"][name].as_str().and_then(|text| text.parse::<u64>().ok()).unwrap_or(0);
        let (hidden, delayed) =
            (count("ApproximateNumberOfMessagesNotVisible"), count("ApproximateNumberOfMessagesDelayed"));
        Ok((count("ApproximateNumberOfMessages"), hidden + delayed))
    }

    /// Empties a bucket, old versions of its files too; how many there were.
    pub(crate) fn empty(&self, bucket: &str, scratch: &Path) -> Result<usize, String> {
        let mut deleted = 0;
        loop {
            let words = ["s3api", "list-object-versions", "--no-paginate", "--bucket", bucket];
            let page = versions(&self.ask(&format!("listing {bucket}"), &words)?);
            if page.is_empty() {
                return Ok(deleted);
            }
            let count = page.len();
            let request = json!({ "Objects": page, "Quiet": true }).to_string();
            std::fs::write(scratch, request).map_err(|error| format!("{}: {error}", scratch.display()))?;
            let file = format!("file://{}", scratch.display());
            let step = format!("emptying {bucket}");
            let said = self.ask(&step, &["s3api", "delete-objects", "--bucket", bucket, "--delete", &file])?;
            // Without this, what cannot be deleted would be listed again for ever.
            if let Some(error) = said["Errors"].as_array().and_then(|errors| errors.first()) {
                return Err(format!("{step}: {}: {}", text(&error["Key"]), text(&error["Message"])));
            }
            deleted += count;
        }
    }

    /// Deletes a stack, and waits until it is gone.
    pub(crate) fn delete(&self, id: &str) -> Result<(), String> {
        self.ask("deleting the stack", &["cloudformation", "delete-stack", "--stack-name", id])?;
        let wait = ["cloudformation", "wait", "stack-delete-complete", "--stack-name", id];
        let advice = "the stack's events say which resource could not be deleted, and why: \
                      `aws cloudformation describe-stack-events --stack-name ...`";
        call::run(&mut self.command(&wait), "waiting until the stack is deleted", advice)
    }
}

/// Scheme and host of a URL.
fn origin(url: &str) -> &str {
    let host = url.find("://").map_or(0, |at| at + 3);
    url[host..].find('/').map_or(url, |end| &url[..host + end])
}

fn secret_stands(said: &Value, name: &str) -> Result<bool, String> {
    if said["DeletedDate"].is_null() {
        return Ok(true);
    }
    Err(format!(
        "the secret {name} is about to be deleted, and the stage's keys are in it. Take that back with `aws \
         secretsmanager restore-secret --secret-id {name}`, or delete it at once with `aws secretsmanager delete-secret \
         --force-delete-without-recovery --secret-id {name}`: then nobody who is signed in stays so"
    ))
}

/// Whether something of the stack stands. One whose first change was shown and not made does not.
fn is_listed(said: &Value, stack: &str) -> bool {
    let all = said["StackSummaries"].as_array().map_or(&[][..], Vec::as_slice);
    let nothing = ["DELETE_COMPLETE", "REVIEW_IN_PROGRESS"];
    all.iter().any(|one| text(&one["StackName"]) == stack && !nothing.contains(&text(&one["StackStatus"]).as_str()))
}

fn outputs(said: &Value) -> Vec<(String, String)> {
    let outputs = said["Stacks"][0]["Outputs"].as_array().map_or(&[][..], Vec::as_slice);
    outputs.iter().map(|output| (text(&output["OutputKey"]), text(&output["OutputValue"]))).collect()
}

fn resources(said: &Value) -> Vec<Resource> {
    let all = said["StackResourceSummaries"].as_array().map_or(&[][..], Vec::as_slice);
    all.iter()
        .map(|one| Resource {
            logical: text(&one["LogicalResourceId"]),
            physical: text(&one["PhysicalResourceId"]),
            kind: text(&one["ResourceType"]),
            status: text(&one["ResourceStatus"]),
        })
        .collect()
}

/// What to delete of a page of files and versions: keys with their versions.
fn versions(page: &Value) -> Vec<Value> {
    ["Versions", "DeleteMarkers"]
        .iter()
        .filter_map(|list| page[list].as_array())
        .flatten()
        .map(|one| json!({ "Key": one["Key"], "VersionId": one["VersionId"] }))
        .collect()
}

fn text(value: &Value) -> String {
    value.as_str().unwrap_or_default().to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn outputs_are_read() {
        let said = json!({ "Stacks": [{ "Outputs": [
            { "OutputKey": "ApiUrl", "OutputValue": "https://a", "Description": "x" },
            { "OutputKey": "PageUrl", "OutputValue": "https://p" },
        ]}]});
        let want = [("ApiUrl".to_owned(), "https://a".to_owned()), ("PageUrl".to_owned(), "https://p".to_owned())];
        assert_eq!(outputs(&said), want);
        assert_eq!(outputs(&json!({ "Stacks": [{}] })), []);
    }

    #[test]
    fn a_queues_url_says_where_it_is() {
        assert_eq!(origin("https://sqs.eu-central-1.amazonaws.com/1/q"), "https://sqs.eu-central-1.amazonaws.com");
        assert_eq!(origin("http://localhost:4599"), "http://localhost:4599");
    }

    #[test]
    fn a_secret_that_is_about_to_go_is_no_secret() {
        assert_eq!(secret_stands(&json!({ "Name": "k" }), "k"), Ok(true));
        assert!(secret_stands(&json!({ "DeletedDate": 1.5 }), "k").unwrap_err().contains("restore-secret"));
    }

    #[test]
    fn a_stack_stands_or_not() {
        let one = |status: &str| json!({ "StackName": "tidings-dev", "StackStatus": status });
        let said = |all: &[Value]| json!({ "StackSummaries": all });
        assert!(is_listed(&said(&[one("DELETE_COMPLETE"), one("UPDATE_COMPLETE")]), "tidings-dev"));
        assert!(!is_listed(&said(&[one("UPDATE_COMPLETE")]), "tidings"));
        assert!(!is_listed(&said(&[one("DELETE_COMPLETE"), one("REVIEW_IN_PROGRESS")]), "tidings-dev"));
        assert!(!is_listed(&json!({}), "tidings-dev"));
    }

    #[test]
    fn files_old_versions_and_markers_are_deleted() {
        let page = json!({
            "Versions": [{ "Key": "a", "VersionId": "1", "Size": 3 }, { "Key": "a", "VersionId": "null" }],
            "DeleteMarkers": [{ "Key": "b", "VersionId": "2" }],
        });
        assert_eq!(
            versions(&page),
            [
                json!({ "Key": "a", "VersionId": "1" }),
                json!({ "Key": "a", "VersionId": "null" }),
                json!({ "Key": "b", "VersionId": "2" }),
            ]
        );
        assert_eq!(versions(&Value::Null), [] as [Value; 0], "an empty bucket is answered with nothing");
    }
}

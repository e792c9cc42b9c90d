//! `cargo xtask destroy`: deletes a stage, and says what of it stays.

use std::collections::BTreeMap;
use std::io::{BufRead as _, Write as _};
use std::path::Path;

use serde_json::Value;

use super::aws::{Aws, Resource};
use super::stage::Stage;
use crate::{say, tools};

/// Deletes the stage; whether all is well.
pub(crate) fn run(root: &Path, target: &Path, name: &str, region: Option<String>) -> Result<bool, String> {
    let stage = Stage::read(root, name)?;
    let aws = Aws::sign_in(tools::ready(root, target, tools::AWS_CLI)?, region, &stage)?;
    say::line(&aws.who()?);
    // By its id, which still answers when the stack is gone.
    let id = aws.stack_id(&stage.stack)?;
    let resources = aws.resources(&id)?;
    let retained = retained(&aws.template(&id)?);
    let plan = Plan::of(&resources, &retained);
    for line in plan.tell(&stage) {
        say::line(&line);
    }
    if !is_confirmed(&stage.name)? {
        return Err(format!("that was not {:?}; nothing was deleted", stage.name));
    }
    let folder = target.join("deploy");
    std::fs::create_dir_all(&folder).map_err(|error| format!("{} cannot be made: {error}", folder.display()))?;
    for bucket in &plan.buckets {
        let count = aws.empty(bucket, &folder.join("delete-objects.json"))?;
        say::line(&format!("emptied {bucket}: {count} files and versions"));
    }
    aws.delete(&id)?;
    say::line(&format!("deleted the stack {}", stage.stack));
    let kept: Vec<_> = aws.resources(&id)?.into_iter().filter(|one| one.status == "DELETE_SKIPPED").collect();
    for line in farewell(&kept) {
        say::line(&line);
    }
    Ok(true)
}

/// What is going to happen.
#[derive(Debug, PartialEq, Eq)]
struct Plan {
    /// Deleted with the stack, how many of each type.
    deleted: BTreeMap<String, usize>,
    /// Buckets that are deleted, and so must be empty.
    buckets: Vec<String>,
    /// What stays, with the policy that says so.
    kept: Vec<Resource>,
}

impl Plan {
    fn of(resources: &[Resource], retained: &[String]) -> Self {
        let mut plan = Self { deleted: BTreeMap::new(), buckets: Vec::new(), kept: Vec::new() };
        for resource in resources.iter().filter(|one| one.status != "DELETE_COMPLETE") {
            if retained.contains(&resource.logical) {
                plan.kept.push(resource.clone());
                continue;
            }
            *plan.deleted.entry(resource.kind.clone()).or_default() += 1;
            if resource.kind == "AWS::S3::Bucket" {
                plan.buckets.push(resource.physical.clone());
            }
        }
        plan
    }

    fn tell(&self, stage: &Stage) -> Vec<String> {
        let mut lines = vec![format!("This deletes the stack {}:", stage.stack)];
        lines.extend(self.deleted.iter().map(|(kind, count)| format!("  {count:>3} x {kind}")));
        lines.extend(self.buckets.iter().map(|bucket| format!("  with every file in {bucket}")));
        if !self.kept.is_empty() {
            lines.push("It leaves, because the template retains it:".to_owned());
            lines.extend(self.kept.iter().map(|one| format!("      {} {}", one.kind, one.physical)));
        }
        lines
    }
}

/// Logical names of what survives its stack: `RetainExceptOnCreate` does too once it is created, and of a `Snapshot`
/// only a copy does.
fn retained(template: &Value) -> Vec<String> {
    let resources = template["Resources"].as_object();
    let stays =
        |resource: &Value| matches!(resource["DeletionPolicy"].as_str(), Some("Retain" | "RetainExceptOnCreate"));
    resources.into_iter().flatten().filter(|(_, one)| stays(one)).map(|(name, _)| name.clone()).collect()
}

/// Whether the person types the stage's name.
fn is_confirmed(stage: &str) -> Result<bool, String> {
    say::line(&format!("Type the stage's name ({stage}) to delete it; anything else ends this:"));
    drop(std::io::stdout().flush());
    let mut typed = String::new();
    std::io::stdin().lock().read_line(&mut typed).map_err(|error| format!("nothing can be typed here: {error}"))?;
    Ok(typed.trim_end_matches(['\r', '\n']) == stage)
}

/// What stayed, why, and how it goes.
fn farewell(kept: &[Resource]) -> Vec<String> {
    if kept.is_empty() {
        return vec!["Nothing is left of it.".to_owned()];
    }
    let mut lines = vec![
        "Left on purpose: people's messages and files do not go with a stack that was deleted by mistake, and a new \
         stack of this stage can be given them by CloudFormation's import. They cost what they store. To delete one:"
            .to_owned(),
    ];
    lines.extend(kept.iter().map(|one| {
        let name = &one.physical;
        match one.kind.as_str() {
            "AWS::DynamoDB::Table" => format!(
                "  aws dynamodb update-table --table-name {name} --no-deletion-protection-enabled\n  \
                 aws dynamodb delete-table --table-name {name}"
            ),
            "AWS::S3::Bucket" => format!("  aws s3 rb --force s3://{name}"),
            "AWS::Logs::LogGroup" => format!("  aws logs delete-log-group --log-group-name {name}"),
            "AWS::KMS::Key" => format!("  aws kms schedule-key-deletion --key-id {name}"),
            "AWS::SecretsManager::Secret" => format!("  aws secretsmanager delete-secret --secret-id {name}"),
            kind => format!("  {kind} {name}: in the AWS console"),
        }
    }));
    lines
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn resource(logical: &str, kind: &str, status: &str) -> Resource {
        let physical = format!("tidings-dev-{}", logical.to_lowercase());
        Resource { logical: logical.into(), physical, kind: kind.into(), status: status.into() }
    }

    #[test]
    fn a_retained_bucket_is_not_emptied() {
        let resources = [
            resource("Page", "AWS::S3::Bucket", "CREATE_COMPLETE"),
            resource("Files", "AWS::S3::Bucket", "CREATE_COMPLETE"),
            resource("Log", "AWS::DynamoDB::Table", "UPDATE_COMPLETE"),
            resource("Send", "AWS::Lambda::Function", "CREATE_COMPLETE"),
            resource("Sync", "AWS::Lambda::Function", "CREATE_COMPLETE"),
            resource("Gone", "AWS::S3::Bucket", "DELETE_COMPLETE"),
        ];
        let template = json!({ "Resources": {
            "Page": { "Type": "AWS::S3::Bucket" },
            "Files": { "Type": "AWS::S3::Bucket", "DeletionPolicy": "RetainExceptOnCreate" },
            "Log": { "Type": "AWS::DynamoDB::Table", "DeletionPolicy": "Retain" },
            "Send": { "Type": "AWS::Lambda::Function", "DeletionPolicy": "Delete" },
        }});
        let plan = Plan::of(&resources, &retained(&template));
        assert_eq!(plan.buckets, ["tidings-dev-page"]);
        let kept: Vec<_> = plan.kept.iter().map(|one| one.logical.as_str()).collect();
        assert_eq!(kept, ["Files", "Log"]);
        assert_eq!(plan.deleted["AWS::Lambda::Function"], 2);
    }

    #[test]
    fn what_stays_is_told_with_how_it_goes() {
        let lines = farewell(&[
            resource("Log", "AWS::DynamoDB::Table", "DELETE_SKIPPED"),
            resource("Odd", "AWS::New::Thing", "DELETE_SKIPPED"),
        ]);
        let told = lines.join("\n");
        assert!(told.contains("delete-table --table-name tidings-dev-log"), "{told}");
        assert!(told.contains("AWS::New::Thing tidings-dev-odd"), "{told}");
        assert_eq!(farewell(&[]), ["Nothing is left of it."]);
    }
}

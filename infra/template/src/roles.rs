//! A role for each function: what its ports need, its own log, and nothing else.

use serde_json::{Value, json};
use tidings_manifest::Function;

use crate::TemplateError;
use crate::document::{Named, Resource};
use crate::grants::{self, ON_EVERYTHING};
use crate::intrinsics::{only, sub};
use crate::names;
use crate::parameters::TRACES;

/// Adds the function's role.
pub(crate) fn add(resources: &mut Named<Resource>, function: &Function, shards: u32) -> Result<(), TemplateError> {
    let mut statements: Vec<Value> = grants::of(function)?.iter().filter_map(|grant| grant.statement(shards)).collect();
    statements.push(log(&function.name));
    statements.push(only(TRACES, traces()));
    let role = Resource::new(
        "AWS::IAM::Role",
        json!({
            "Description": sub(format!("What {} of Tidings (${{Stage}}) may do", function.name)),
            "AssumeRolePolicyDocument": {
                "Version": "2012-10-17",
                "Statement": [{
                    "Effect": "Allow",
                    "Principal": { "Service": "lambda.amazonaws.com" },
                    "Action": "sts:AssumeRole",
                }],
            },
            "Policies": [{
                "PolicyName": "ports",
                "PolicyDocument": { "Version": "2012-10-17", "Statement": statements },
            }],
        }),
    );
    resources.add(names::role(&function.name), role);
    Ok(())
}

/// Writing to its own log group, which the stack creates.
fn log(function: &str) -> Value {
    json!({
        "Sid": "OwnLog",
        "Effect": "Allow",
        "Action": ["logs:CreateLogStream", "logs:PutLogEvents"],
        // By its name and not by the resource: the attribute ends in `:*` on AWS, and not everywhere else.
        "Resource": sub(format!(
            "arn:${{AWS::Partition}}:logs:${{AWS::Region}}:${{AWS::AccountId}}:log-group:{}:*",
            log_group_name(function)
        )),
    })
}

/// Where a function logs; `${Stage}` is to be filled in.
pub(crate) fn log_group_name(function: &str) -> String {
    format!("/aws/lambda/tidings-${{Stage}}-{function}")
}

fn traces() -> Value {
    let actions: Vec<_> = ON_EVERYTHING.iter().map(|(action, _)| action).collect();
    json!({ "Sid": "Traces", "Effect": "Allow", "Action": actions, "Resource": "*" })
}

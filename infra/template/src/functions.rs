//! The functions: each with its role, its log group and its own settings.

use serde_json::{Value, json};
use tidings_manifest::Function;

use crate::TemplateError;
use crate::document::{Named, Resource, Section};
use crate::intrinsics::{arn, either, named, reference, sub};
use crate::parameters::TRACES;
use crate::{environment, names, roles};

/// What holds for every function.
pub(crate) fn globals(shards: u32) -> Value {
    json!({
        "Function": {
            "Runtime": "provided.al2023",
            "Handler": "bootstrap",
            "Architectures": [reference("Architecture")],
            "Tracing": either(TRACES, "Active", "PassThrough"),
            "Environment": { "Variables": environment::common(shards) },
        },
    })
}

/// All functions.
pub(crate) fn section(functions: &[Function], shards: u32) -> Result<Section, TemplateError> {
    let mut resources = Named::default();
    for function in functions {
        add(&mut resources, function, functions, shards)?;
    }
    Ok(Section { title: "Functions: each with a role for what its ports need, and a log group", resources })
}

fn add(
    resources: &mut Named<Resource>,
    function: &Function,
    all: &[Function],
    shards: u32,
) -> Result<(), TemplateError> {
    let (name, manifest) = (&function.name, &function.manifest);
    let lambda = json!({
        "FunctionName": named(name),
        "Description": manifest.description,
        // From the template's folder, where `cargo lambda build --output-format zip` leaves it.
        "CodeUri": format!("../target/lambda/{name}/bootstrap.zip"),
        "MemorySize": manifest.memory_mb,
        "Timeout": manifest.timeout_s,
        "Role": arn(names::role(name)),
        "Environment": { "Variables": environment::own(function, all, shards)? },
        "LoggingConfig": {
            "LogGroup": reference(names::log_group(name)),
            "LogFormat": "JSON",
            // Functions keep to `LOG_LEVEL` themselves. Lambda takes a line without a level, as metrics are, for INFO.
            "ApplicationLogLevel": "TRACE",
            // The platform's start, end and report lines would be most of the log, and cost as much as the call.
            "SystemLogLevel": "WARN",
        },
    });
    resources.add(names::function(name), Resource::new("AWS::Serverless::Function", lambda));
    roles::add(resources, function, shards)?;
    let log_group = json!({
        "LogGroupName": sub(roles::log_group_name(name)),
        "RetentionInDays": reference("LogRetentionDays"),
    });
    resources.add(names::log_group(name), Resource::new("AWS::Logs::LogGroup", log_group));
    Ok(())
}

/// `lambda:InvokeFunction` for a gateway, from where `source` says.
pub(crate) fn permission(function: &str, source: &str) -> Resource {
    Resource::new(
        "AWS::Lambda::Permission",
        json!({
            "Action": "lambda:InvokeFunction",
            "FunctionName": reference(names::function(function)),
            "Principal": "apigateway.amazonaws.com",
            "SourceArn": sub(format!(
                "arn:${{AWS::Partition}}:execute-api:${{AWS::Region}}:${{AWS::AccountId}}:{source}"
            )),
        }),
    )
}

/// The properties of an integration that hands requests of an API on to a function as they are.
pub(crate) fn integration(api: &str, function: &str) -> Value {
    json!({
        "ApiId": reference(api),
        "IntegrationType": "AWS_PROXY",
        "IntegrationMethod": "POST",
        "IntegrationUri": invocation(function),
    })
}

/// How an integration names a function.
pub(crate) fn invocation(function: &str) -> Value {
    sub(format!(
        "arn:${{AWS::Partition}}:apigateway:${{AWS::Region}}:lambda:path/2015-03-31/functions/${{{}.Arn}}/invocations",
        names::function(function)
    ))
}

//! The queues, each with its dead-letter queue, and what feeds them to functions.

use serde_json::{Value, json};
use tidings_manifest::{DEAD_RETENTION_S, Function, QueueName, QueueSource, RECEIVES};

use crate::document::{Named, Resource, Section};
use crate::intrinsics::{arn, named, reference};
use crate::names;

/// How long a record may wait in its queue, in seconds: four days, SQS's own default, over a long weekend.
const RETENTION_S: u32 = 4 * 24 * 60 * 60;

/// How long an empty receive waits, in seconds: as long as SQS allows, as empty polls are paid for.
const POLL_S: u32 = 20;

/// All queues and their mappings.
pub(crate) fn section(functions: &[Function], shards: u32) -> Section {
    let mut resources = Named::default();
    let mut all = Vec::new();
    for kind in QueueName::ALL {
        for name in kind.queues(shards) {
            let (queue, dead) = (names::queue(&name), names::dead_letters(&name));
            resources.add(&queue, definition(&name, &dead, kind.visibility_s(functions)));
            resources.add(&dead, dead_letters(&name));
            all.extend([queue, dead]);
        }
    }
    resources.add("QueuePolicy", tls_only(&all));
    for function in functions {
        for source in &function.manifest.queues {
            for name in source.name.queues(shards) {
                let id = format!("{}Feeds{}", names::camel(&name), names::camel(&function.name));
                resources.add(id, mapping(&name, function, source));
            }
        }
    }
    Section { title: "Queues: one a shard, one for retries, one for tasks; each with its dead letters", resources }
}

fn definition(name: &str, dead: &str, visibility_s: u32) -> Resource {
    Resource::new(
        "AWS::SQS::Queue",
        json!({
            "QueueName": named(name),
            "SqsManagedSseEnabled": true,
            "VisibilityTimeout": visibility_s,
            "MessageRetentionPeriod": RETENTION_S,
            "ReceiveMessageWaitTimeSeconds": POLL_S,
            "RedrivePolicy": { "deadLetterTargetArn": arn(dead), "maxReceiveCount": RECEIVES },
        }),
    )
}

fn dead_letters(name: &str) -> Resource {
    let properties = json!({
        "QueueName": named(&format!("{name}-dlq")),
        "SqsManagedSseEnabled": true,
        "MessageRetentionPeriod": DEAD_RETENTION_S,
    });
    Resource::new("AWS::SQS::Queue", properties)
}

/// Nobody speaks to the queues in the clear.
fn tls_only(queues: &[String]) -> Resource {
    let urls: Vec<Value> = queues.iter().map(reference).collect();
    // In a queue's own policy everything is that queue.
    let itself = [json!("*")];
    Resource::new(
        "AWS::SQS::QueuePolicy",
        json!({
            "Queues": urls,
            "PolicyDocument": { "Version": "2012-10-17", "Statement": [deny_without_tls("sqs:*", &itself)] },
        }),
    )
    .on_aws()
}

/// A statement that refuses whatever comes without TLS.
pub(crate) fn deny_without_tls(action: &str, resources: &[Value]) -> Value {
    json!({
        "Sid": "OnlyOverTls",
        "Effect": "Deny",
        "Principal": "*",
        "Action": action,
        "Resource": resources,
        "Condition": { "Bool": { "aws:SecureTransport": "false" } },
    })
}

fn mapping(queue: &str, function: &Function, source: &QueueSource) -> Resource {
    Resource::new(
        "AWS::Lambda::EventSourceMapping",
        json!({
            "EventSourceArn": arn(names::queue(queue)),
            "FunctionName": reference(names::function(&function.name)),
            "BatchSize": source.batch_size,
            "MaximumBatchingWindowInSeconds": source.batch_window_s,
            "ScalingConfig": { "MaximumConcurrency": source.maximum_concurrency },
            "FunctionResponseTypes": ["ReportBatchItemFailures"],
        }),
    )
}

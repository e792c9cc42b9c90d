//! The script with which a LocalStack container makes tables, queues and the bucket when it is ready.

use std::fmt::Write as _;

use tidings_manifest::{DEAD_RETENTION_S, Function, QueueName, RECEIVES};
use tidings_tables::{KeySpec, TABLES, TableSpec};

use crate::default_shards;

/// Where the script is, from the repository's root.
pub const PATH: &str = "localstack/init/ready.sh";

const HEAD: &str = r#"#!/bin/bash
# Made by `cargo xtask generate` from the code; don't edit it.
#
# Makes the tables, queues and the bucket that `cargo local --backend` uses. It makes by itself what isn't there; with
# this they are there for other programs before it starts.
set -euo pipefail

prefix="${TIDINGS_PREFIX:-tidings-local}"

# table NAME KEY=TYPE [KEY=TYPE]: a table with its partition key and its sort key.
table() {
    local name="$prefix-$1" role=HASH attributes=() keys=()
    for key in "${@:2}"; do
        attributes+=("AttributeName=${key%=*},AttributeType=${key#*=}")
        keys+=("AttributeName=${key%=*},KeyType=$role")
        role=RANGE
    done
    awslocal dynamodb create-table --table-name "$name" --billing-mode PAY_PER_REQUEST \
        --attribute-definitions "${attributes[@]}" --key-schema "${keys[@]}" >/dev/null
}

# expiry NAME ATTRIBUTE: its items end at the time in that attribute.
expiry() {
    awslocal dynamodb wait table-exists --table-name "$prefix-$1"
    awslocal dynamodb update-time-to-live --table-name "$prefix-$1" \
        --time-to-live-specification "Enabled=true,AttributeName=$2" >/dev/null
}

# queue NAME SECONDS: a queue that hides for so long what is worked on, and its dead-letter queue.
queue() {
    local name="$prefix-$1" url arn
    url=$(awslocal sqs create-queue --queue-name "$name-dlq" --attributes "MessageRetentionPeriod=$retention_s" \
        --query QueueUrl --output text)
    arn=$(awslocal sqs get-queue-attributes --queue-url "$url" --attribute-names QueueArn \
        --query Attributes.QueueArn --output text)
    awslocal sqs create-queue --queue-name "$name" --attributes "{\"VisibilityTimeout\": \"$2\", \"RedrivePolicy\": \
\"{\\\"deadLetterTargetArn\\\": \\\"$arn\\\", \\\"maxReceiveCount\\\": $receives}\"}" >/dev/null
}

"#;

/// The script, for as many shards as there are by default.
pub fn script(functions: &[Function]) -> String {
    let mut script = HEAD.to_owned();
    for spec in TABLES {
        let _ = writeln!(script, "{}", table(spec));
        if let Some(attribute) = spec.ttl {
            let _ = writeln!(script, "expiry {} {attribute}", spec.name);
        }
    }
    let _ = writeln!(script, "\nretention_s={DEAD_RETENTION_S}\nreceives={RECEIVES}");
    for kind in QueueName::ALL {
        for name in kind.queues(default_shards().unwrap_or(1)) {
            let _ = writeln!(script, "queue {name} {}", kind.visibility_s(functions));
        }
    }
    let _ = writeln!(script, "\nawslocal s3api create-bucket --bucket \"$prefix-files\" >/dev/null");
    script
}

fn table(spec: &TableSpec) -> String {
    let key = |key: &KeySpec| format!("{}={}", key.name, key.kind.as_str());
    let keys = [Some(&spec.partition_key), spec.sort_key.as_ref()].into_iter().flatten().map(key);
    format!("table {} {}", spec.name, keys.collect::<Vec<_>>().join(" "))
}

#!/bin/bash
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

table routes user=S device=S
expiry routes expires_at
table log conversation=S seq=N
table inboxes user=S conversation=S
table social pk=S sk=S
expiry social expires_at

retention_s=1209600
receives=5
queue fanout-0 180
queue fanout-1 180
queue retry 180
queue task 180

awslocal s3api create-bucket --bucket "$prefix-files" >/dev/null

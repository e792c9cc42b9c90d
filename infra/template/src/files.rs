//! The bucket of files that people send each other. Clients reach it through presigned requests alone.

use serde_json::{Value, json};

use crate::document::{Named, Resource, Section};
use crate::intrinsics::{arn, reference, sub};
use crate::queues::deny_without_tls;

/// The tag of what was uploaded and not yet completed: presigned uploads carry it, and completing takes it off.
pub const PENDING: (&str, &str) = ("upload", "pending");

/// After how many days an upload that nobody completed is thrown away. A day is the shortest that S3 knows.
const ORPHAN_DAYS: u32 = 1;

/// How long a browser may remember what it may send where, in seconds: an hour, as every part of a large file would
/// otherwise ask first.
const CORS_AGE_S: u32 = 60 * 60;

/// The bucket with its policy.
pub(crate) fn section() -> Section {
    let mut resources = Named::default();
    let (key, value) = PENDING;
    let bucket = json!({
        "BucketEncryption": encryption(),
        "CorsConfiguration": {
            "CorsRules": [{
                "AllowedOrigins": reference("AllowedOrigins"),
                "AllowedMethods": ["GET", "HEAD", "PUT"],
                "AllowedHeaders": ["*"],
                // What completes an upload in parts.
                "ExposedHeaders": ["ETag"],
                "MaxAge": CORS_AGE_S,
            }],
        },
        "LifecycleConfiguration": {
            "Rules": [
                {
                    "Id": "parts-of-abandoned-uploads",
                    "Status": "Enabled",
                    "AbortIncompleteMultipartUpload": { "DaysAfterInitiation": ORPHAN_DAYS },
                },
                {
                    "Id": "uploads-that-nobody-completed",
                    "Status": "Enabled",
                    "TagFilters": [{ "Key": key, "Value": value }],
                    "ExpirationInDays": ORPHAN_DAYS,
                },
            ],
        },
        "OwnershipControls": owned_by_us(),
        "PublicAccessBlockConfiguration": nothing_public(),
    });
    resources.add("FilesBucket", Resource::new("AWS::S3::Bucket", bucket).kept());
    resources.add("FilesBucketPolicy", policy("FilesBucket", vec![]).on_aws());
    Section { title: "Files", resources }
}

/// S3's own key, which costs nothing.
pub(crate) fn encryption() -> Value {
    json!({
        "ServerSideEncryptionConfiguration": [{ "ServerSideEncryptionByDefault": { "SSEAlgorithm": "AES256" } }],
    })
}

/// No access control lists.
pub(crate) fn owned_by_us() -> Value {
    json!({ "Rules": [{ "ObjectOwnership": "BucketOwnerEnforced" }] })
}

/// Whatever a policy says by mistake.
pub(crate) fn nothing_public() -> Value {
    json!({
        "BlockPublicAcls": true,
        "BlockPublicPolicy": true,
        "IgnorePublicAcls": true,
        "RestrictPublicBuckets": true,
    })
}

/// A bucket's policy: nothing without TLS, and what else is said.
pub(crate) fn policy(bucket: &str, statements: Vec<Value>) -> Resource {
    let everything = [arn(bucket), sub(format!("${{{bucket}.Arn}}/*"))];
    let statements: Vec<_> = [deny_without_tls("s3:*", &everything)].into_iter().chain(statements).collect();
    Resource::new(
        "AWS::S3::BucketPolicy",
        json!({
            "Bucket": reference(bucket),
            "PolicyDocument": { "Version": "2012-10-17", "Statement": statements },
        }),
    )
}

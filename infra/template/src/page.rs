//! The web page: a private bucket behind `CloudFront`.

use serde_json::{Value, json};

use crate::document::{Named, Resource, Section};
use crate::domains::{API_DOMAIN, CERTIFICATE_WHERE_NAMED, PAGE_DOMAIN, SOCKET_DOMAIN};
use crate::files::{encryption, nothing_public, owned_by_us, policy};
use crate::intrinsics::{attribute, either, named, only, reference, sub};
use crate::{http, socket};

/// `CloudFront`'s own cache policy for files that change their names with their contents. Source: `CloudFront`, "Use
/// managed cache policies", `CachingOptimized`.
const CACHE_POLICY: &str = "658327ea-f89d-4fab-a63d-7e88639e58f6";

/// How long a browser must refuse to speak to the page without TLS, in seconds: two years, as hstspreload.org advises.
const HSTS_AGE_S: u32 = 2 * 365 * 24 * 60 * 60;

/// How long `CloudFront` may remember that a path is no file, in seconds: a new version of the page shall not wait long.
const FALLBACK_AGE_S: u32 = 10;

/// Bucket, distribution and headers.
pub(crate) fn section() -> Section {
    let mut resources = Named::default();
    let bucket = json!({
        "BucketEncryption": encryption(),
        "OwnershipControls": owned_by_us(),
        "PublicAccessBlockConfiguration": nothing_public(),
    });
    resources.add("PageBucket", Resource::new("AWS::S3::Bucket", bucket));
    let reads = json!({
        "Sid": "OurDistribution",
        "Effect": "Allow",
        "Principal": { "Service": "cloudfront.amazonaws.com" },
        "Action": "s3:GetObject",
        "Resource": sub("${PageBucket.Arn}/*"),
        "Condition": { "StringEquals": {
            "aws:SourceArn": sub("arn:${AWS::Partition}:cloudfront::${AWS::AccountId}:distribution/${PageDistribution}"),
        } },
    });
    resources.add("PageBucketPolicy", policy("PageBucket", vec![reads]).on_aws());
    let access = json!({
        "OriginAccessControlConfig": {
            "Name": sub("tidings-${Stage}-page-${AWS::Region}"),
            "OriginAccessControlOriginType": "s3",
            "SigningBehavior": "always",
            "SigningProtocol": "sigv4",
        },
    });
    resources.add("PageAccess", Resource::new("AWS::CloudFront::OriginAccessControl", access).on_aws());
    resources.add("PageHeaders", headers());
    resources.add("PageDistribution", distribution());
    Section { title: "The web page", resources }
}

fn distribution() -> Resource {
    // Paths are the page's own affair: what is no file is the page. Without the right to list, S3 says 403 for it.
    let fallback = json!({
        "ErrorCode": 403,
        "ResponseCode": 200,
        "ResponsePagePath": "/index.html",
        "ErrorCachingMinTTL": FALLBACK_AGE_S,
    });
    let certificate = json!({
        "AcmCertificateArn": reference("PageCertificateArn"),
        "MinimumProtocolVersion": "TLSv1.2_2021",
        "SslSupportMethod": "sni-only",
    });
    let config = json!({
        "Comment": named("page"),
        "Enabled": true,
        "DefaultRootObject": "index.html",
        "HttpVersion": "http2and3",
        "IPV6Enabled": true,
        "PriceClass": "PriceClass_100",
        "Aliases": only(PAGE_DOMAIN.condition, json!([reference(PAGE_DOMAIN.parameter)])),
        "ViewerCertificate": either(
            PAGE_DOMAIN.condition,
            certificate,
            json!({ "CloudFrontDefaultCertificate": true }),
        ),
        "Origins": [{
            "Id": "page",
            "DomainName": attribute("PageBucket", "RegionalDomainName"),
            "OriginAccessControlId": attribute("PageAccess", "Id"),
            // As long as it is empty: access control takes its place.
            "S3OriginConfig": { "OriginAccessIdentity": "" },
        }],
        "DefaultCacheBehavior": {
            "TargetOriginId": "page",
            "AllowedMethods": ["GET", "HEAD"],
            "Compress": true,
            "CachePolicyId": CACHE_POLICY,
            "ResponseHeadersPolicyId": reference("PageHeaders"),
            "ViewerProtocolPolicy": "redirect-to-https",
        },
        "CustomErrorResponses": [fallback],
    });
    Resource::new("AWS::CloudFront::Distribution", json!({ "DistributionConfig": config }))
        .on_aws()
        .without_check("W1030", CERTIFICATE_WHERE_NAMED)
}

fn headers() -> Resource {
    let custom =
        [("permissions-policy", "geolocation=(), payment=(), usb=()"), ("cross-origin-opener-policy", "same-origin")];
    let custom: Vec<_> =
        custom.iter().map(|(name, value)| json!({ "Header": name, "Value": value, "Override": true })).collect();
    let config = json!({
        "Name": sub("tidings-${Stage}-page-${AWS::Region}"),
        "CustomHeadersConfig": { "Items": custom },
        "SecurityHeadersConfig": {
            "ContentSecurityPolicy": { "ContentSecurityPolicy": content_security_policy(), "Override": true },
            "ContentTypeOptions": { "Override": true },
            "FrameOptions": { "FrameOption": "DENY", "Override": true },
            "ReferrerPolicy": { "ReferrerPolicy": "no-referrer", "Override": true },
            "StrictTransportSecurity": {
                "AccessControlMaxAgeSec": HSTS_AGE_S,
                // The other names of the domain are not ours to decide about.
                "IncludeSubdomains": false,
                "Override": true,
            },
        },
    });
    Resource::new("AWS::CloudFront::ResponseHeadersPolicy", json!({ "ResponseHeadersPolicyConfig": config })).on_aws()
}

/// The page talks to its own API, its own socket and its own files.
fn content_security_policy() -> Value {
    let policy = "default-src 'none'; script-src 'self'; style-src 'self'; font-src 'self'; manifest-src 'self'; \
        worker-src 'self'; img-src 'self' blob: data: https://${Files}; media-src 'self' blob: https://${Files}; \
        connect-src 'self' https://${Api} wss://${Socket} https://${Files}; \
        base-uri 'none'; form-action 'self'; frame-ancestors 'none'";
    json!({ "Fn::Sub": [policy, {
        "Api": either(API_DOMAIN.condition, reference(API_DOMAIN.parameter), sub(http::HOST)),
        "Socket": either(SOCKET_DOMAIN.condition, reference(SOCKET_DOMAIN.parameter), sub(socket::HOST)),
        "Files": attribute("FilesBucket", "RegionalDomainName"),
    }] })
}

/// Where people find it.
pub(crate) fn url() -> Value {
    either(PAGE_DOMAIN.condition, sub("https://${PageDomain}"), sub("https://${PageDistribution.DomainName}"))
}

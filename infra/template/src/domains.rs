//! Domains of one's own, where there are any.

use serde_json::{Value, json};

use crate::document::{Named, Resource, Section};
use crate::intrinsics::{attribute, reference, sub};

/// A domain that an API may have.
pub(crate) struct Domain {
    /// The parameter that names it.
    pub parameter: &'static str,
    /// Whether it is named.
    pub condition: &'static str,
    /// Whether it is named and its zone is ours to write in.
    pub in_zone: &'static str,
}

/// The HTTP API's.
pub(crate) const API_DOMAIN: Domain =
    Domain { parameter: "ApiDomain", condition: "HasApiDomain", in_zone: "HasApiRecord" };

/// The WebSocket API's.
pub(crate) const SOCKET_DOMAIN: Domain =
    Domain { parameter: "SocketDomain", condition: "HasSocketDomain", in_zone: "HasSocketRecord" };

/// The web page's.
pub(crate) const PAGE_DOMAIN: Domain =
    Domain { parameter: "PageDomain", condition: "HasPageDomain", in_zone: "HasPageRecord" };

/// Every domain.
pub(crate) const DOMAINS: [&Domain; 3] = [&API_DOMAIN, &SOCKET_DOMAIN, &PAGE_DOMAIN];

/// Why a certificate may be empty.
pub(crate) const CERTIFICATE_WHERE_NAMED: &str =
    "The certificate is empty by default, and used only where a domain is named; a rule asks for it there.";

/// The zone of every `CloudFront` distribution. Source: Route 53, "Alias target".
const CLOUDFRONT_ZONE: &str = "Z2FDTNDATAQYW2";

/// The domains of the APIs, and the records of all.
pub(crate) fn section() -> Section {
    let mut resources = Named::default();
    for (domain, api, stage) in [(&API_DOMAIN, "HttpApi", "HttpStage"), (&SOCKET_DOMAIN, "SocketApi", "SocketStage")] {
        let name = format!("{api}DomainName");
        let properties = json!({
            "DomainName": reference(domain.parameter),
            "DomainNameConfigurations": [{
                "CertificateArn": reference("CertificateArn"),
                "EndpointType": "REGIONAL",
                "SecurityPolicy": "TLS_1_2",
            }],
        });
        let named = Resource::new("AWS::ApiGatewayV2::DomainName", properties)
            .when(domain.condition)
            .without_check("W1030", CERTIFICATE_WHERE_NAMED);
        resources.add(&name, named);
        let mapping = json!({
            "ApiId": reference(api),
            "DomainName": reference(&name),
            "Stage": reference(stage),
        });
        resources.add(
            format!("{api}Mapping"),
            Resource::new("AWS::ApiGatewayV2::ApiMapping", mapping).when(domain.condition),
        );
        let zone = attribute(&name, "RegionalHostedZoneId");
        let target = attribute(&name, "RegionalDomainName");
        resources.add(format!("{api}Record"), record(domain, "A", &target, &zone));
    }
    let target = attribute("PageDistribution", "DomainName");
    for (id, r#type) in [("PageRecord", "A"), ("PageRecordV6", "AAAA")] {
        resources.add(id, record(&PAGE_DOMAIN, r#type, &target, &json!(CLOUDFRONT_ZONE)));
    }
    Section { title: "Domains of one's own", resources }
}

fn record(domain: &Domain, r#type: &str, target: &Value, zone: &Value) -> Resource {
    let properties = json!({
        "HostedZoneId": reference("HostedZoneId"),
        "Name": sub(format!("${{{}}}.", domain.parameter)),
        "Type": r#type,
        "AliasTarget": { "DNSName": target, "HostedZoneId": zone },
    });
    Resource::new("AWS::Route53::RecordSet", properties).when(domain.in_zone)
}

//! Calls of AWS's services past the functions, signed with the cloud's own key.

use std::time::{Duration, UNIX_EPOCH};

use aws_credential_types::Credentials;
use aws_sigv4::http_request::{SignableBody, SignableRequest, SigningSettings, sign};
use aws_sigv4::sign::v4::SigningParams;
use percent_encoding::{NON_ALPHANUMERIC, percent_decode_str, utf8_percent_encode};
use serde_json::Value;

use crate::cloud::Cloud;
use crate::deployment::Iam;
use crate::person::now_ms;

/// The one inline policy of a role.
const POLICY: &str = "ports";

impl Cloud {
    /// A call in the JSON protocol; what is refused is answered too.
    pub(crate) async fn signed(&self, service: &str, url: &str, target: &str, request: &Value) -> Value {
        let headers = [("content-type", "application/x-amz-json-1.0"), ("x-amz-target", target)];
        let answer = self.post_signed(service, url, &headers, request.to_string()).await;
        answer.json().await.unwrap()
    }

    /// The functions whose roles may be changed here.
    pub fn functions_with_roles(&self) -> Vec<&str> {
        self.changeable_roles().roles.keys().map(String::as_str).collect()
    }

    fn changeable_roles(&self) -> &Iam {
        let iam = self.deployment().and_then(|deployment| deployment.iam.as_ref());
        iam.expect("a test that changes roles is named in tests/e2e/targets.toml for targets without IAM")
    }

    /// The statements of a function's policy.
    pub async fn policy(&self, function: &str) -> Value {
        let xml = self.iam("GetRolePolicy", function, "").await;
        let document = xml.split_once("<PolicyDocument>").unwrap().1.split_once("</PolicyDocument>").unwrap().0;
        serde_json::from_str(&percent_decode_str(document).decode_utf8().unwrap()).unwrap()
    }

    /// Puts others in their place.
    pub async fn put_policy(&self, function: &str, policy: &Value) {
        let document = utf8_percent_encode(&policy.to_string(), NON_ALPHANUMERIC).to_string();
        self.iam("PutRolePolicy", function, &format!("&PolicyDocument={document}")).await;
    }

    /// A call of IAM about a function's policy, in the query protocol; answers its XML.
    async fn iam(&self, action: &str, function: &str, more: &str) -> String {
        let iam = self.changeable_roles();
        let role = &iam.roles[function];
        let form = format!("Action={action}&Version=2010-05-08&RoleName={role}&PolicyName={POLICY}{more}");
        let headers = [("content-type", "application/x-www-form-urlencoded")];
        let answer = self.post_signed("iam", &iam.endpoint, &headers, form).await;
        let (status, text) = (answer.status(), answer.text().await.unwrap());
        assert!(status.is_success(), "{status}: {text}");
        text
    }

    async fn post_signed(&self, service: &str, url: &str, headers: &[(&str, &str)], body: String) -> reqwest::Response {
        // Signed as it is sent: a URL without a path has one all the same.
        let url = reqwest::Url::parse(url).unwrap();
        let at = self.endpoints();
        let (id, secret) = (&at.access_key_id, &at.secret_access_key);
        let token = self.deployment().and_then(|deployment| deployment.session_token.clone());
        let identity = Credentials::new(id, secret, token, None, "the deployment's description").into();
        let params = SigningParams::builder().identity(&identity).region(&at.region).name(service);
        let params = params
            .time(UNIX_EPOCH + Duration::from_millis(now_ms()))
            .settings(SigningSettings::default())
            .build()
            .unwrap()
            .into();
        let signed = SignableBody::Bytes(body.as_bytes());
        let signable = SignableRequest::new("POST", url.as_str(), headers.iter().copied(), signed).unwrap();
        let (instructions, _) = sign(signable, &params).unwrap().into_parts();
        let mut call = self.http.post(url);
        for (name, value) in headers.iter().copied().chain(instructions.headers()) {
            call = call.header(name, value);
        }
        call.body(body).send().await.unwrap()
    }
}

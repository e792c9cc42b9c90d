//! Signed requests to S3, which alone checks signatures.

use aws_sigv4::http_request::{PayloadChecksumKind, SignableBody, SignableRequest, SigningSettings, sign};
use aws_sigv4::sign::v4::SigningParams;

use super::TestCloud;

/// Writes a file.
pub(crate) async fn put(cloud: &TestCloud, key: &str, content: &'static [u8]) {
    let bucket = &cloud.running.endpoints().bucket;
    request(cloud, http::Method::PUT, &format!("{bucket}/{key}"), content).await;
}

/// Reads a file.
pub(crate) async fn get(cloud: &TestCloud, key: &str) -> Vec<u8> {
    get_from(cloud, &cloud.running.endpoints().bucket, key).await
}

/// Reads a file in any bucket.
pub(crate) async fn get_from(cloud: &TestCloud, bucket: &str, key: &str) -> Vec<u8> {
    request(cloud, http::Method::GET, &format!("{bucket}/{key}"), b"").await
}

#[expect(clippy::disallowed_methods, reason = "a signature is of now")]
async fn request(cloud: &TestCloud, method: http::Method, path: &str, content: &'static [u8]) -> Vec<u8> {
    let endpoints = cloud.running.endpoints();
    let url = format!("{}/{path}", endpoints.s3);
    let identity = cloud.credentials().into();
    let mut settings = SigningSettings::default();
    settings.payload_checksum_kind = PayloadChecksumKind::XAmzSha256;
    let params = SigningParams::builder().identity(&identity).region(&endpoints.region).name("s3");
    let params = params.time(std::time::SystemTime::now()).settings(settings).build().unwrap().into();
    let signable = SignableRequest::new(method.as_str(), &url, std::iter::empty(), SignableBody::Bytes(content));
    let (instructions, _) = sign(signable.unwrap(), &params).unwrap().into_parts();
    let mut request = reqwest::Client::new().request(method, &url).body(content);
    for (name, value) in instructions.headers() {
        request = request.header(name, value);
    }
    let answer = request.send().await.unwrap().error_for_status().unwrap();
    answer.bytes().await.unwrap().to_vec()
}

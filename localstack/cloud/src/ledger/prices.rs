//! List prices in dollars, us-east-1, first tier, without the free tier. Design, section 5, and the price pages of
//! the services. Functions are taken to run on arm64.

/// One WebSocket message of up to 32 KB, in either direction. API Gateway.
pub const GATEWAY_MESSAGE: f64 = 1.00e-6;
/// One minute of one connection. API Gateway.
pub const CONNECTION_MINUTE: f64 = 0.25e-6;
/// One HTTP API request of up to 512 KB. API Gateway.
pub const HTTP_REQUEST: f64 = 1.00e-6;
/// One function call. Lambda.
pub const INVOCATION: f64 = 0.20e-6;
/// One GB for one millisecond, arm64. Lambda: $0.0000133334 per GB-second.
pub const GB_MS: f64 = 13.3334e-9;
/// One write unit, on demand. DynamoDB.
pub const WRITE_UNIT: f64 = 0.625e-6;
/// One read unit, on demand. DynamoDB.
pub const READ_UNIT: f64 = 0.125e-6;
/// One request of up to 64 KB, standard queue. SQS.
pub const QUEUE_REQUEST: f64 = 0.40e-6;
/// One PUT, COPY, POST or LIST. S3 Standard.
pub const STORAGE_WRITE: f64 = 5.00e-6;
/// One GET, HEAD or any other request. S3 Standard.
pub const STORAGE_READ: f64 = 0.40e-6;
/// One byte of log taken in: $0.50 a GB. CloudWatch Logs.
pub const LOG_BYTE: f64 = 0.5e-9;

/// A WebSocket message is metered in pieces of 32 KB.
pub const GATEWAY_PIECE: usize = 32 * 1024;
/// An HTTP API request is metered in pieces of 512 KB.
pub const HTTP_PIECE: usize = 512 * 1024;
/// A queue request is metered in pieces of 64 KB.
pub const QUEUE_PIECE: usize = 64 * 1024;

/// How many pieces of a size something is metered as: at least one.
pub fn pieces(bytes: usize, piece: usize) -> u64 {
    bytes.div_ceil(piece).max(1) as u64
}

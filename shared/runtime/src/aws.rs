//! The SDK's configuration, in one place.

use std::time::Duration;

use aws_config::retry::RetryConfig;
use aws_config::timeout::TimeoutConfig;
use aws_config::{BehaviorVersion, SdkConfig};

/// Longest an operation may take with all its attempts: well below every function's time-out, so that the answer
/// is ours and not the platform's. The SDK's default is no limit at all.
const OPERATION_TIMEOUT: Duration = Duration::from_secs(3);

/// Longest one attempt may take. DynamoDB and SQS answer within some 10 ms; what takes a second is lost.
const ATTEMPT_TIMEOUT: Duration = Duration::from_secs(1);

/// Attempts of an operation, the first included: three fit the operation's time-out.
const ATTEMPTS: u32 = 3;

/// Upper bound of the random wait before the second attempt; it doubles for the third. What AWS's newer retry rules
/// take where nothing is overloaded. The SDK's default is a second, half a second on average, which somebody who waits
/// for an acknowledgement notices.
const BACK_OFF: Duration = Duration::from_millis(50);

/// Region, credentials and endpoints come from the standard variables (`AWS_REGION`, `AWS_ENDPOINT_URL_DYNAMODB`
/// and so on); the functions know nothing of where they run.
pub async fn config() -> SdkConfig {
    let timeouts = TimeoutConfig::builder()
        .operation_timeout(OPERATION_TIMEOUT)
        .operation_attempt_timeout(ATTEMPT_TIMEOUT)
        .build();
    aws_config::defaults(BehaviorVersion::v2026_01_12())
        .timeout_config(timeouts)
        .retry_config(RetryConfig::standard().with_max_attempts(ATTEMPTS).with_initial_backoff(BACK_OFF))
        .load()
        .await
}

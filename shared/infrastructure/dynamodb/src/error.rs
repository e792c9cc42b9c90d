//! SDK errors become port errors here. What an operation models (a lost condition, a cancelled transaction) is
//! matched before, in the module of the operation; this is for everything else.

use std::error::Error;
use std::fmt;

use aws_sdk_dynamodb::error::{ProvideErrorMetadata, SdkError};
use aws_sdk_dynamodb::operation::RequestId;
use tidings_application::error::PortError;

/// Codes of errors that pass by themselves although their status is 400.
const PASSING: &[&str] = &[
    "ProvisionedThroughputExceededException",
    "ThrottlingException",
    "RequestLimitExceeded",
    "TransactionConflictException",
    "TransactionInProgressException",
    // Of a cancelled transaction that its module did not understand: the reasons say conflict or throttle.
    "TransactionCanceledException",
];

/// What DynamoDB or the way to it said, on one line. The SDK's own text is "service error".
#[derive(Debug)]
struct DynamoFailure(String);

impl fmt::Display for DynamoFailure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl Error for DynamoFailure {}

/// A failed call as a port error: retryable if the same call may succeed later (time-out, no connection, throttle,
/// conflict, 5xx). The outcome of a retryable write is unknown. Logged here, where it becomes one: the use cases only
/// ask whether trying again may help.
pub fn port_error<E>(error: &SdkError<E>) -> PortError
where
    E: ProvideErrorMetadata + Error + 'static,
{
    let failure = DynamoFailure(describe(error));
    let (operation, code) = (operation_of::<E>(), error.code());
    if passes(error) {
        tracing::warn!(operation, code, error = %failure, "table call failed");
        PortError::retryable(failure)
    } else {
        tracing::error!(operation, code, error = %failure, "table call refused");
        PortError::fatal(failure)
    }
}

/// The operation whose error it is: the SDK calls that of `PutItem` `PutItemError`.
fn operation_of<E>() -> &'static str {
    let name = std::any::type_name::<E>();
    let name = name.rsplit("::").next().unwrap_or(name);
    name.strip_suffix("Error").unwrap_or(name)
}

/// An item that is there but does not read as what it should be. Never retried: it stays so.
pub fn unreadable(what: &str, reason: impl fmt::Display) -> PortError {
    let failure = DynamoFailure(format!("unreadable {what}: {reason}"));
    tracing::error!(error = %failure, "item does not read");
    PortError::fatal(failure)
}

fn passes<E: ProvideErrorMetadata>(error: &SdkError<E>) -> bool {
    match error {
        SdkError::TimeoutError(_) | SdkError::ResponseError(_) => true,
        // `is_user` is a request that the connector refused to send; it would refuse it again.
        SdkError::DispatchFailure(failure) => !failure.is_user(),
        SdkError::ServiceError(service) => {
            service.raw().status().is_server_error() || service.err().code().is_some_and(|code| PASSING.contains(&code))
        }
        // ConstructionFailure, and what a later SDK may add.
        _ => false,
    }
}

fn describe<E>(error: &SdkError<E>) -> String
where
    E: ProvideErrorMetadata + Error + 'static,
{
    if let SdkError::ServiceError(service) = error {
        let meta = service.err().meta();
        return format!(
            "{}: {} (request {})",
            meta.code().unwrap_or("no code"),
            meta.message().unwrap_or("no message"),
            meta.request_id().unwrap_or("without id"),
        );
    }
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(error) = cause {
        text.push_str(": ");
        text.push_str(&error.to_string());
        cause = error.source();
    }
    text
}

#[cfg(test)]
mod tests {
    use aws_sdk_dynamodb::config::http::HttpResponse;
    use aws_sdk_dynamodb::error::{ConnectorError, ErrorMetadata};
    use aws_sdk_dynamodb::operation::put_item::PutItemError;

    use super::*;

    fn answered(code: &str, status: u16) -> SdkError<PutItemError> {
        let meta = ErrorMetadata::builder().code(code).message("because").build();
        let response = HttpResponse::new(status.try_into().unwrap(), Vec::new().into());
        SdkError::service_error(PutItemError::generic(meta), response)
    }

    #[test]
    fn an_error_tells_its_operation() {
        use aws_sdk_dynamodb::operation::put_item::PutItemError;
        assert_eq!(operation_of::<PutItemError>(), "PutItem");
    }

    #[test]
    fn what_may_pass_is_retryable() {
        for (error, retryable) in [
            (answered("ThrottlingException", 400), true),
            (answered("ProvisionedThroughputExceededException", 400), true),
            (answered("TransactionConflictException", 400), true),
            (answered("InternalServerError", 500), true),
            (answered("ServiceUnavailable", 503), true),
            (answered("ValidationException", 400), false),
            (answered("ResourceNotFoundException", 400), false),
            (answered("AccessDeniedException", 400), false),
            (SdkError::timeout_error("too slow"), true),
            (SdkError::dispatch_failure(ConnectorError::io("reset".into())), true),
            (SdkError::dispatch_failure(ConnectorError::user("no such scheme".into())), false),
            (SdkError::construction_failure("empty key"), false),
        ] {
            let port = port_error(&error);
            assert_eq!(port.retryable, retryable, "{port}");
        }
    }

    #[test]
    fn the_text_says_what_happened() {
        let port = port_error(&answered("ValidationException", 400));
        assert_eq!(port.to_string(), "ValidationException: because (request without id)");
        let port = port_error::<PutItemError>(&SdkError::timeout_error("too slow"));
        assert!(port.to_string().contains("too slow"), "{port}");
    }
}

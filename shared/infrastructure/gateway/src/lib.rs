//! Open sockets, through the gateway's `@connections`.

use std::time::Duration;

use aws_sdk_apigatewaymanagement::config::retry::RetryConfig;
use aws_sdk_apigatewaymanagement::config::timeout::TimeoutConfig;
use aws_sdk_apigatewaymanagement::error::ProvideErrorMetadata;
use aws_sdk_apigatewaymanagement::operation::delete_connection::DeleteConnectionError;
use aws_sdk_apigatewaymanagement::operation::post_to_connection::PostToConnectionError;
use aws_sdk_apigatewaymanagement::primitives::Blob;
use aws_sdk_apigatewaymanagement::{Client, Config};
use tidings_application::error::PortError;
use tidings_application::ports::Gateway;
use tidings_domain::delivery::Event;
use tidings_domain::ids::ConnectionId;
use tidings_domain::posting::Post;
use tidings_wire::entry::event_out;
use tidings_wire::frames::pack;
use tokio::time::timeout;

/// How long posting to one connection may take, all frames together: a slow one must not hold up the others.
const POST_LIMIT: Duration = Duration::from_secs(2);

/// The gateway's management API.
#[derive(Clone, Debug)]
pub struct Connections {
    client: Client,
    /// The same without repetitions. A post that fails is queued, for that connection alone; were it repeated here, a
    /// throttle would be answered with three times the posts that it just refused.
    posts: Client,
}

impl Connections {
    /// The connections of a deployed stage, whose management API is at `endpoint`.
    pub fn at(config: impl Into<Config>, endpoint: String) -> Self {
        let config = config.into().to_builder().endpoint_url(endpoint);
        // Its own limit is the one that counts: an attempt that the SDK gives up earlier would look like a failure.
        let posts =
            config.clone().retry_config(RetryConfig::disabled()).timeout_config(TimeoutConfig::disabled()).build();
        Self { client: Client::from_conf(config.build()), posts: Client::from_conf(posts) }
    }

    async fn post_frames(&self, connection: &ConnectionId, frames: Vec<String>) -> Post {
        for frame in frames {
            let post = self.posts.post_to_connection().connection_id(connection.as_str()).data(Blob::new(frame));
            match post.send().await {
                Ok(_) => {}
                Err(error) if matches!(error.as_service_error(), Some(PostToConnectionError::GoneException(_))) => {
                    return Post::Gone;
                }
                Err(error) => {
                    tracing::warn!(connection = %connection, code = error.code(), error = %error, "post failed");
                    let too_large =
                        matches!(error.as_service_error(), Some(PostToConnectionError::PayloadTooLargeException(_)));
                    // The same frame would be refused again.
                    return if too_large { Post::Slow } else { Post::Failed };
                }
            }
        }
        Post::Taken
    }
}

impl Gateway for Connections {
    async fn post(&self, connection: &ConnectionId, events: &[Event]) -> Post {
        // An entry that this version cannot read: trying again would not help, and the log has it.
        let unknown = |error| tracing::error!(error = %error, "event cannot be encoded");
        let events: Vec<_> = events.iter().filter_map(|event| event_out(event).map_err(unknown).ok()).collect();
        let frames = pack(&events).map_err(unknown).unwrap_or_default();
        timeout(POST_LIMIT, self.post_frames(connection, frames)).await.unwrap_or_else(|_| {
            tracing::warn!(connection = %connection, limit_ms = POST_LIMIT.as_millis(), "post took too long");
            Post::Slow
        })
    }

    async fn close(&self, connection: &ConnectionId) -> Result<(), PortError> {
        match self.client.delete_connection().connection_id(connection.as_str()).send().await {
            Ok(_) => Ok(()),
            Err(error) if matches!(error.as_service_error(), Some(DeleteConnectionError::GoneException(_))) => Ok(()),
            Err(error) => {
                tracing::warn!(connection = %connection, code = error.code(), error = %error, "close failed");
                Err(PortError::retryable(error))
            }
        }
    }
}

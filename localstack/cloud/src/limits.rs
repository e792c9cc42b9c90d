//! Every limit of the cloud in one place, with its source, so that tests can scale each of them.

use std::time::Duration;

/// Limits of the gateway, the functions' host, the tables and the queues. [`Default`] is what AWS gives a new
/// account, except where it says that a limit is ours.
#[derive(Debug, Clone, PartialEq)]
pub struct Limits {
    /// Largest WebSocket frame from a client, in bytes; a larger one closes the connection with 1009.
    /// Source: API Gateway quotas, "WebSocket frame size".
    pub frame_bytes: usize,
    /// Largest message (one or several frames, or one post), in bytes. Source: "Message payload size".
    pub message_bytes: usize,
    /// A connection with no frame in either direction for that long is closed with 1001. Source: "Idle connection
    /// timeout".
    pub idle: Duration,
    /// A connection is closed with 1001 at that age. Source: "Connection duration".
    pub lifetime: Duration,
    /// Frames, posts and HTTP requests a second that the account may make, together. Source: "Throttle quota".
    pub requests_per_s: f64,
    /// How many of them at once. Source: "Throttle quota", the default burst.
    pub request_burst: f64,
    /// New WebSocket connections a second. Source: "New connections per second per account".
    pub connections_per_s: f64,
    /// How long a gateway waits for a function. Source: "Integration timeout", WebSocket APIs.
    pub integration_timeout: Duration,
    /// Largest HTTP request, in bytes. Source: "Payload size", HTTP APIs.
    pub http_body_bytes: usize,
    /// Bytes waiting for one slow client before posts to it get 429. AWS has such a buffer (the management API's
    /// `LimitExceededException` speaks of it) but names no size: ours.
    pub outgoing_bytes: usize,
    /// How long one write to a client may take before it counts as gone. Ours.
    pub write_timeout: Duration,
    /// Frames of one connection in work at once; beyond that the socket isn't read. Ours, against floods.
    pub frames_in_flight: usize,

    /// Invocations in work at once in the account; beyond that 429. Source: Lambda quotas, "Concurrent executions".
    pub account_concurrency: usize,
    /// Processes per function; beyond that invocations wait in line. Ours: a laptop has few cores.
    pub environments: usize,
    /// An environment without work for that long ends. Ours; Lambda names no number.
    pub environment_idle: Duration,
    /// How long a function may take from its start to its first question for work. Source: Lambda, "Init phase".
    pub init_timeout: Duration,
    /// Largest event and response of a function, in bytes. Source: Lambda quotas, "Invocation payload".
    pub payload_bytes: usize,

    /// Write units a second for one partition. Source: DynamoDB, "partition throughput".
    pub partition_writes_per_s: f64,
    /// Read units a second for one partition. Source: the same.
    pub partition_reads_per_s: f64,
    /// How often expired items are swept. AWS takes up to some days.
    pub ttl_sweep: Duration,

    /// When a record that a function failed on comes again, in seconds. On AWS it is the rest of the queue's
    /// visibility time-out, a minute and more; `None` does the same here. Ours: somebody is waiting.
    pub failed_visibility_s: Option<u32>,
    /// How often a record is tried before it goes to the dead-letter queue. Set by the template.
    pub receives: u32,
}

/// A time scale that time can't have.
#[derive(Debug, Clone, Copy, PartialEq, thiserror::Error)]
#[error("a time scale of {0} can't be: it must be a number above 0")]
pub struct ScaleError(f64);

impl Limits {
    /// The gateway's time passes so many times faster: its limits on an idle connection and on a connection's age are
    /// divided by it. What measures work (time-outs, rates) stays, because work does not get faster.
    pub fn scaled(self, times: f64) -> Result<Self, ScaleError> {
        let scaled = |limit: Duration| {
            Duration::try_from_secs_f64(limit.as_secs_f64() / times).ok().filter(|scaled| !scaled.is_zero())
        };
        match (scaled(self.idle), scaled(self.lifetime)) {
            (Some(idle), Some(lifetime)) if times > 0.0 => Ok(Self { idle, lifetime, ..self }),
            _ => Err(ScaleError(times)),
        }
    }
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            frame_bytes: 32 * 1024,
            message_bytes: 128 * 1024,
            idle: Duration::from_mins(10),
            lifetime: Duration::from_hours(2),
            requests_per_s: 10_000.0,
            request_burst: 5_000.0,
            connections_per_s: 500.0,
            integration_timeout: Duration::from_secs(29),
            http_body_bytes: 10 * 1024 * 1024,
            outgoing_bytes: 1024 * 1024,
            write_timeout: Duration::from_secs(20),
            frames_in_flight: 256,
            account_concurrency: 1_000,
            environments: 16,
            environment_idle: Duration::from_mins(10),
            init_timeout: Duration::from_secs(10),
            payload_bytes: 6 * 1024 * 1024,
            partition_writes_per_s: 1_000.0,
            partition_reads_per_s: 3_000.0,
            ttl_sweep: Duration::from_mins(1),
            failed_visibility_s: Some(2),
            receives: tidings_manifest::RECEIVES,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_time_that_passes_is_scaled() {
        let limits = Limits::default().scaled(1000.0).unwrap();
        assert_eq!((limits.idle, limits.lifetime), (Duration::from_millis(600), Duration::from_millis(7200)));
        assert_eq!(limits, Limits { idle: limits.idle, lifetime: limits.lifetime, ..Limits::default() });
        for nonsense in [0.0, -1.0, f64::NAN, f64::INFINITY, 1e300, 1e-300] {
            assert!(Limits::default().scaled(nonsense).is_err(), "{nonsense}");
        }
    }
}

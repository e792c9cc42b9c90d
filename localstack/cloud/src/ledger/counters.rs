//! What is counted, and what each costs.

use serde::Serialize;

use super::prices;

macro_rules! counters {
    ($($(#[$doc:meta])* $field:ident: $kind:ty $(, $price:expr)?;)*) => {
        /// Counts of one use case. Also the bill of one call.
        #[derive(Debug, Clone, Default, PartialEq, Serialize)]
        pub struct Counters { $($(#[$doc])* pub $field: $kind,)* }

        impl Counters {
            /// Adds another's counts.
            pub fn add(&mut self, other: &Self) { $(self.$field += other.$field;)* }

            /// What it costs at list prices.
            #[expect(clippy::cast_precision_loss, reason = "counts stay far below 2^52")]
            #[allow(clippy::unnecessary_cast, reason = "some counters are fractions already")]
            pub fn dollars(&self) -> f64 { 0.0 $($(+ self.$field as f64 * $price)?)* }
        }
    };
}

counters! {
    /// How often the use case happened: frames, HTTP requests, connects, batches.
    count: u64;
    /// WebSocket messages in pieces of 32 KB: frames in, route responses, posts and error frames out.
    gateway_messages: u64, prices::GATEWAY_MESSAGE;
    /// Connections being up.
    connection_minutes: f64, prices::CONNECTION_MINUTE;
    /// HTTP API requests in pieces of 512 KB.
    http_requests: u64, prices::HTTP_REQUEST;
    /// Function calls.
    invocations: u64, prices::INVOCATION;
    /// Of those, calls that waited for a process to start.
    cold_starts: u64;
    /// Of those, calls that failed, timed out or crashed.
    failed_invocations: u64;
    /// Wall time of the calls, rounded up to a millisecond, times memory in GB. On a laptop the wall time is the
    /// laptop's; compare counts across machines, not this.
    gb_ms: f64, prices::GB_MS;
    /// DynamoDB write units; a failed condition costs too.
    write_units: f64, prices::WRITE_UNIT;
    /// DynamoDB read units: half a unit for each 4 KB of an eventually consistent read.
    read_units: f64, prices::READ_UNIT;
    /// DynamoDB calls, however many units each.
    table_calls: u64;
    /// DynamoDB calls refused because a partition was too hot.
    throttled: u64;
    /// SQS requests in pieces of 64 KB, the event source mapping's included when they bring or delete something.
    queue_requests: u64, prices::QUEUE_REQUEST;
    /// The event source mapping's own polls that brought nothing: what an idle queue costs.
    empty_polls: u64, prices::QUEUE_REQUEST;
    /// S3 requests that write or list.
    storage_writes: u64, prices::STORAGE_WRITE;
    /// S3 requests that read. Deleting is free and not counted.
    storage_reads: u64, prices::STORAGE_READ;
    /// Bytes that functions logged.
    log_bytes: u64, prices::LOG_BYTE;
}

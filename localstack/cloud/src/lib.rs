//! The local cloud: a gateway, a Lambda host, DynamoDB, SQS and S3 in one process tree, and a ledger of what all of
//! it would cost.
//!
//! `cargo local` runs it for people; tests start it with [`LocalCloud::start`] on free ports:
//!
//! ```no_run
//! # async fn example() -> Result<(), tidings_local::StartError> {
//! use tidings_local::{LocalCloud, Options};
//!
//! let cloud = LocalCloud::start(Options::for_tests()).await?;
//! let api = &cloud.endpoints().api;
//! // ... use it, then look at what it cost:
//! let sends = cloud.ledger().use_case("message.send");
//! assert_eq!(sends.write_units, 1.0);
//! cloud.stop().await;
//! # Ok(())
//! # }
//! ```

mod activity;
pub mod backend;
mod bucket;
pub mod builder;
mod caller;
mod clock;
mod cloud;
mod data;
mod door;
mod dynamodb;
mod endpoints;
pub mod faults;
mod front;
mod gateway;
mod host;
mod ids;
mod keys;
pub mod ledger;
mod limits;
mod names;
pub mod options;
mod page;
mod s3;
pub mod say;
mod server;
mod sqs;
pub mod state;
mod watch;

pub use backend::Backend;
pub use cloud::{LocalCloud, Running, StartError};
pub use endpoints::Endpoints;
pub use limits::{Limits, ScaleError};
pub use options::Options;
pub use say::Loudness;
pub use sqs::queues::Queue;
pub use state::State;

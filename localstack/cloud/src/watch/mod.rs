//! Watching: what the functions' metric lines say, beside what the cloud itself counts.
//!
//! - [`emf`]: reads the lines, as CloudWatch does,
//! - [`metrics`]: adds them up,
//! - [`prometheus`]: `GET /_local/metrics`, all of it as text for Prometheus,
//! - [`live`]: a sample a second, kept for some minutes and told to whoever listens,
//! - [`page`]: `GET /_local/watch`, which draws them.

mod emf;
pub(crate) mod live;
pub(crate) mod metrics;
pub(crate) mod page;
pub(crate) mod prometheus;

pub(crate) use live::Live;
pub(crate) use metrics::Metrics;

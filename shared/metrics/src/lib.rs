//! Every metric that the functions write, in one table: [`METRICS`]. The functions count by it, the local cloud shows
//! it, and dashboards and alarms are made from it. A metric more is a row more here, and the line that counts it.
//!
//! What AWS counts by itself is not counted again: invocations, errors, throttles and durations of functions, consumed
//! units of tables, messages and connections of the gateway, the age of what waits in a queue.
//!
//! ```
//! use tidings_metrics::{Metric, Work};
//!
//! let mut work = Work::default();
//! work.count(Metric::Sends, 1);
//! work.took(Metric::AckLatency, 12);
//! let lines = work.lines("send", 1_764_000_000_000);
//! assert!(lines[0].ends_with(r#""Function":"send","Sends":1,"AckLatency":12}"#), "{}", lines[0]);
//! ```

mod emf;
mod table;

pub use emf::{DIMENSIONS, FUNCTION, NAMESPACE, VALUES_MAX, Work};
pub use table::{Alarm, METRICS, Metric, MetricRow, PAGE, Series, Unit, page};

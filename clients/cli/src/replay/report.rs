//! What a replay found.

use std::time::Duration;

use serde::Serialize;

use super::check::Faults;
use crate::say;

/// The result.
#[derive(Clone, Debug, Serialize)]
pub(super) struct Report {
    pub(super) conversations: usize,
    pub(super) people: usize,
    pub(super) devices: usize,
    pub(super) messages: usize,
    pub(super) seconds: f64,
    pub(super) messages_per_second: f64,
    /// From handing a message to the client until its acknowledgement, in milliseconds.
    pub(super) acknowledgement_ms: Quantiles,
    #[serde(flatten)]
    pub(super) faults: Faults,
    /// Devices that had everything only after they asked.
    pub(super) late_devices: usize,
}

/// A distribution.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize)]
pub(super) struct Quantiles {
    pub(super) p50: f64,
    pub(super) p95: f64,
    pub(super) p99: f64,
    pub(super) max: f64,
}

impl Quantiles {
    pub(super) fn of(mut times: Vec<Duration>) -> Self {
        times.sort_unstable();
        let at = |percent: usize| {
            // The smallest value that so many percent do not exceed.
            let index = (times.len() * percent).div_ceil(100).saturating_sub(1);
            times.get(index).map_or(0.0, |time| time.as_secs_f64() * 1_000.0)
        };
        Self { p50: at(50), p95: at(95), p99: at(99), max: at(100) }
    }
}

impl Report {
    /// Prints it for people, or for programs.
    pub(super) fn print(&self, json: bool) {
        if json {
            return say::json(self);
        }
        let Faults { lost, doubled, out_of_order, corrupted } = self.faults;
        let ack = self.acknowledgement_ms;
        say::line(format_args!(
            "{} messages in {} conversations, {} people, {} devices",
            self.messages, self.conversations, self.people, self.devices
        ));
        say::line(format_args!("{:.1} s, {:.1} messages/s", self.seconds, self.messages_per_second));
        say::line(format_args!(
            "acknowledged after p50 {:.1} ms, p95 {:.1} ms, p99 {:.1} ms, at most {:.1} ms",
            ack.p50, ack.p95, ack.p99, ack.max
        ));
        say::line(format_args!("{lost} lost, {doubled} doubled, {out_of_order} out of order, {corrupted} corrupted"));
        if self.late_devices > 0 {
            say::line(format_args!("{} devices had everything only after a sync", self.late_devices));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn quantiles_are_values_that_occurred() {
        let times = (1..=100).map(Duration::from_millis).collect();
        assert_eq!(Quantiles::of(times), Quantiles { p50: 50.0, p95: 95.0, p99: 99.0, max: 100.0 });
        let one = Quantiles::of(vec![Duration::from_millis(7)]);
        assert_eq!(one, Quantiles { p50: 7.0, p95: 7.0, p99: 7.0, max: 7.0 });
        assert_eq!(Quantiles::of(Vec::new()), Quantiles::default());
    }
}

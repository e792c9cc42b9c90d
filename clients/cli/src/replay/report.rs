//! What a replay found.

use std::collections::BTreeMap;

use serde::Serialize;
use tidings_checker::Verdict;
use tidings_stage::play::{Pair, Played};
use tidings_stage::{Quantiles, per_second};

use crate::say;

/// The result.
#[derive(Clone, Debug, Serialize)]
pub(super) struct Report {
    conversations: usize,
    people: usize,
    devices: usize,
    messages: usize,
    seconds: f64,
    messages_per_second: f64,
    /// From handing a message to the client until its acknowledgement, in milliseconds.
    acknowledgement_ms: Quantiles,
    /// How often each rule was broken.
    violations: BTreeMap<&'static str, u64>,
    /// Devices that had everything only after they asked.
    late_devices: usize,
    /// For people.
    #[serde(skip)]
    verdict: Verdict,
}

impl Report {
    pub(super) fn new(pairs: &[Pair], devices: usize, played: Played, late_devices: usize, verdict: &Verdict) -> Self {
        let messages = played.times.len();
        Self {
            conversations: pairs.len(),
            people: pairs.len() * 2,
            devices,
            messages,
            seconds: played.took.as_secs_f64(),
            messages_per_second: per_second(messages, played.took),
            acknowledgement_ms: Quantiles::of(played.times),
            violations: verdict.counts(),
            late_devices,
            verdict: verdict.clone(),
        }
    }

    /// Whether everything is right.
    pub(super) fn holds(&self) -> bool {
        self.verdict.holds()
    }

    /// Prints it for people, or for programs.
    pub(super) fn print(&self, json: bool) {
        if json {
            return say::json(self);
        }
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
        say::line(&self.verdict);
        if self.late_devices > 0 {
            say::line(format_args!("{} devices had everything only after a sync", self.late_devices));
        }
    }
}

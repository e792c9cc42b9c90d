//! What a run was and what it found.

use std::collections::BTreeMap;
use std::fmt;
use std::time::Duration;

use anyhow::Result;
use serde::Serialize;
use serde_json::Value;
use tidings_checker::Verdict;
use tidings_client::ConnectionState;
use tidings_stage::{Device, Stage};

use crate::crowd::Crowd;
use crate::memory::peak_mb;
use crate::meter::{Meter, Timed};
use crate::target::Target;

/// A device that has not shown everything after so long is woken once. Where the last push to a device was dropped on
/// purpose, nothing else would tell it before its next hourly sync.
const SETTLE: Duration = Duration::from_secs(15);

/// How long the server may take to come to rest: what is dead after five receives is so within a minute.
const REST_WITHIN: Duration = Duration::from_mins(1);

/// The result of a run.
#[derive(Clone, Debug, Serialize)]
pub struct Report {
    /// Which run.
    scenario: &'static str,
    /// How long it was played, without the preparations and the comparison.
    seconds: f64,
    /// Who took part.
    people: usize,
    /// On how many devices.
    devices: usize,
    /// In how many conversations.
    conversations: usize,
    /// Messages that were handed to devices.
    sent: u64,
    /// Messages that were acknowledged.
    acknowledged: u64,
    /// Messages that were refused for good.
    refused: u64,
    /// How often a message was written to a socket again, because it was answered `unavailable` or not at all.
    resent: u64,
    /// Entries that devices showed.
    shown: u64,
    /// How often a device left older entries out.
    jumps: u64,
    /// How often what took how long.
    actions: BTreeMap<&'static str, Timed>,
    /// What else the run measured.
    measured: BTreeMap<&'static str, Value>,
    /// How often what went wrong on purpose.
    injected: BTreeMap<String, u64>,
    /// How often each rule was broken.
    violations: BTreeMap<&'static str, u64>,
    /// Whatever else must not be, a sentence each.
    failures: Vec<String>,
    /// Devices that had everything only after they asked.
    late_devices: usize,
    /// The most memory of this process, in MB.
    peak_memory_mb: Option<u64>,
    #[serde(skip)]
    verdict: Verdict,
}

impl Report {
    /// Reads what everybody holds, judges it, and looks whether the server has come to rest.
    pub(crate) async fn close(
        scenario: &'static str,
        stage: &Stage,
        target: &Target,
        crowd: &Crowd,
        meter: &Meter,
        took: Duration,
    ) -> Result<Self> {
        let talks = crowd.talks();
        let late_devices = stage.compare(&talks, SETTLE).await?;
        let verdict = stage.recorder().judge();
        let devices = crowd.devices();
        let tries: u64 = devices.iter().map(|device| device.tries()).sum();
        let unrest = target.unrest(REST_WITHIN).await?;
        let mut failures: Vec<String> = unrest.into_iter().map(|what| format!("not at rest: {what}")).collect();
        let open = verdict.sent - verdict.acknowledged - verdict.refused;
        if open > 0 || verdict.refused > 0 {
            failures.push(format!("{open} messages were never acknowledged, {} refused", verdict.refused));
        }
        let signed_out =
            devices.iter().filter(|device| device.client.connection().state() == ConnectionState::SignedOut).count();
        if signed_out > 0 {
            failures.push(format!("{signed_out} devices were signed out"));
        }
        if verdict.acknowledged == 0 {
            failures.push("nothing was sent".to_owned());
        }
        for device in &devices {
            device.client.close().await;
        }
        Ok(Self {
            scenario,
            seconds: took.as_secs_f64(),
            people: crowd.people(),
            devices: devices.len(),
            conversations: talks.len(),
            sent: verdict.sent,
            acknowledged: verdict.acknowledged,
            refused: verdict.refused,
            resent: tries.saturating_sub(verdict.sent),
            shown: verdict.shown,
            jumps: verdict.jumps,
            actions: meter.all(),
            measured: BTreeMap::new(),
            injected: target.injected().await?,
            violations: verdict.counts(),
            failures,
            late_devices,
            peak_memory_mb: peak_mb(),
            verdict,
        })
    }

    /// Adds something that this run measured.
    pub(crate) fn measure(&mut self, what: &'static str, value: impl Serialize) {
        self.measured.insert(what, serde_json::to_value(value).unwrap_or(Value::Null));
    }

    /// Adds a failure unless `holds`.
    pub(crate) fn expect(&mut self, holds: bool, failure: impl Into<String>) {
        if !holds {
            self.failures.push(failure.into());
        }
    }

    /// At most so many of a hundred devices had to ask before they had everything; with 0, pushes told everybody all.
    pub(crate) fn expect_late_at_most(&mut self, percent: usize) {
        let Self { late_devices: late, devices, .. } = *self;
        let failure = format!("{late} of {devices} devices had everything only after they asked");
        self.expect(late * 100 <= percent * devices, failure);
    }

    /// Of every action that was tried at most so many of a hundred tries failed, or one.
    pub(crate) fn expect_failing_at_most(&mut self, percent: usize) {
        for (action, Timed { count, failed, .. }) in self.actions.clone() {
            let few = failed <= 1 || failed * 100 <= percent * (count + failed);
            self.expect(few && count > 0, format!("{action} failed {failed} times, and succeeded {count} times"));
        }
    }

    /// How often this function was killed.
    pub fn killed(&self, function: &str) -> u64 {
        let kills = self.injected.iter().filter(|(kind, _)| {
            kind.strip_prefix("functions.")
                .and_then(|rest| rest.strip_prefix(function))
                .is_some_and(|it| it.starts_with('.'))
        });
        kills.map(|(_, count)| count).sum()
    }

    /// How often functions were killed.
    pub fn kills(&self) -> u64 {
        self.injected.iter().filter(|(kind, _)| kind.starts_with("functions.")).map(|(_, count)| count).sum()
    }

    /// Whether all is well.
    pub fn holds(&self) -> bool {
        self.verdict.holds() && self.failures.is_empty()
    }
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { scenario, seconds, people, devices, conversations, .. } = self;
        writeln!(f, "{scenario}: {seconds:.0} s, {people} people, {devices} devices, {conversations} conversations")?;
        writeln!(
            f,
            "{} messages were written to a socket again, {} devices were late",
            self.resent, self.late_devices
        )?;
        for (action, Timed { count, failed, ms }) in &self.actions {
            let failures = if *failed > 0 { format!(", {failed} failed") } else { String::new() };
            writeln!(
                f,
                "  {action:<10} {count:>7}  p50 {:.0} ms, p95 {:.0} ms, p99 {:.0} ms, at most {:.0} ms{failures}",
                ms.p50, ms.p95, ms.p99, ms.max
            )?;
        }
        for (what, value) in &self.measured {
            writeln!(f, "  {what}: {value}")?;
        }
        if !self.injected.is_empty() {
            let injected: Vec<String> = self.injected.iter().map(|(what, count)| format!("{count} {what}")).collect();
            writeln!(f, "injected: {}", injected.join(", "))?;
        }
        if let Some(mb) = self.peak_memory_mb {
            writeln!(f, "memory: {mb} MB at most")?;
        }
        for failure in &self.failures {
            writeln!(f, "FAILED: {failure}")?;
        }
        write!(f, "{}", self.verdict)
    }
}

/// How many of these are online now.
pub(crate) fn online(devices: &[&Device]) -> usize {
    devices.iter().filter(|device| device.client.connection().state() == ConnectionState::Online).count()
}

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
    pub scenario: &'static str,
    /// How long it was played, without the preparations and the comparison.
    pub seconds: f64,
    /// Who took part.
    pub people: usize,
    /// On how many devices.
    pub devices: usize,
    /// In how many conversations.
    pub conversations: usize,
    /// Messages that were handed to devices.
    pub sent: u64,
    /// Messages that were acknowledged.
    pub acknowledged: u64,
    /// Messages that were refused for good.
    pub refused: u64,
    /// How often a message was written to a socket again, because it was answered `unavailable` or not at all.
    pub resent: u64,
    /// Entries that devices showed.
    pub shown: u64,
    /// How often what took how long.
    pub actions: BTreeMap<&'static str, Timed>,
    /// What else the run measured.
    pub measured: BTreeMap<&'static str, Value>,
    /// How often what went wrong on purpose.
    pub injected: BTreeMap<String, u64>,
    /// How often each rule was broken.
    pub violations: BTreeMap<&'static str, u64>,
    /// Whatever else must not be, a sentence each.
    pub failures: Vec<String>,
    /// Devices that had everything only after they asked.
    pub late_devices: usize,
    /// The most memory of this process, in MB.
    pub peak_memory_mb: Option<u64>,
    #[serde(skip)]
    verdict: Verdict,
}

impl Report {
    /// Reads what everybody holds, judges it, and looks whether the server has come to rest.
    pub async fn close(
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
    pub fn measure(&mut self, what: &'static str, value: impl Serialize) {
        self.measured.insert(what, serde_json::to_value(value).unwrap_or(Value::Null));
    }

    /// Adds a failure unless `holds`.
    pub fn expect(&mut self, holds: bool, failure: impl Into<String>) {
        if !holds {
            self.failures.push(failure.into());
        }
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

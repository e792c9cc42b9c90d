//! Contention: few senders in one conversation, then many.

use std::time::Instant;

use anyhow::Result;
use serde::Serialize;
use tidings_stage::{Device, Quantiles, Stage, contend, per_second};

use crate::crowd::Crowd;
use crate::meter::Meter;
use crate::report::Report;
use crate::target::Target;

/// How contention goes.
#[derive(Clone, Debug)]
pub struct Settings {
    /// So many senders, one number after the other. Each is a device of one of two people, with one message under way.
    pub senders: Vec<usize>,
    /// Messages of all senders together, so that each round lasts about as long.
    pub messages: usize,
    /// Every further round must reach this share of the first one's throughput.
    pub keeps: f64,
}

/// One round.
#[derive(Clone, Copy, Debug, Serialize)]
struct Round {
    senders: usize,
    messages: usize,
    messages_per_s: f64,
    /// How often the SDK sent a message again, because it was answered `unavailable` or not at all.
    resent: u64,
    #[serde(flatten)]
    ms: Quantiles,
}

/// Plays one round after the other in one conversation, and judges. `crowd` are two people with half as many devices
/// each as the largest round has senders.
pub async fn run(stage: &Stage, target: &Target, crowd: &Crowd, settings: &Settings) -> Result<Report> {
    let meter = Meter::default();
    let talks = crowd.talks();
    let talk = talks.first().ok_or_else(|| anyhow::anyhow!("nobody came"))?;
    // One of each person in turn, so that few senders are two people's, too.
    let (one, other) = talk.devices.split_at(talk.devices.len() / 2);
    let devices: Vec<&Device> = one.iter().zip(other).flat_map(|(one, other)| [*one, *other]).collect();
    let mut rounds = Vec::new();
    let began = Instant::now();
    for senders in &settings.senders {
        let senders = &devices[..(*senders).min(devices.len())];
        let tries = || senders.iter().map(|device| device.tries()).sum::<u64>();
        let before = tries();
        let each = settings.messages.div_ceil(senders.len());
        let round_began = Instant::now();
        let times = contend(stage, talk.conversation, senders, each, 1).await?;
        let took = round_began.elapsed();
        for took in &times {
            meter.took("send", *took);
        }
        let messages = times.len();
        rounds.push(Round {
            senders: senders.len(),
            messages,
            messages_per_s: per_second(messages, took),
            resent: (tries() - before).saturating_sub(u64::try_from(messages).unwrap_or(u64::MAX)),
            ms: Quantiles::of(times),
        });
    }
    let took = began.elapsed();
    let mut report = Report::close("contention", stage, target, crowd, &meter, took).await?;
    report.expect_late_at_most(0);
    if let Some((first, more)) = rounds.split_first() {
        for round in more {
            let share = round.messages_per_s / first.messages_per_s;
            let what = format!("{} senders reach {share:.2} of the throughput of {}", round.senders, first.senders);
            report.expect(share >= settings.keeps, what);
        }
    }
    report.measure("rounds", rounds);
    Ok(report)
}

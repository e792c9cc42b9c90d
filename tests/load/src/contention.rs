//! Contention: few senders in one conversation, then many, in turn.

use std::time::{Duration, Instant};

use anyhow::Result;
use futures_util::future::try_join_all;
use serde::Serialize;
use tidings_client::ConversationId;
use tidings_stage::{Device, Quantiles, Stage, StageError, per_second};

use crate::crowd::Crowd;
use crate::meter::Meter;
use crate::report::Report;
use crate::target::Target;

/// The first part of a turn does not count: before everybody's first message is through, fewer are acknowledged than
/// are sent, and the more so the more there are.
const WARM_UP: Duration = Duration::from_secs(3);

/// How contention goes.
#[derive(Clone, Debug)]
pub struct Settings {
    /// So many senders, one number after the other. Each is a device of one of two people, with one message under way.
    pub senders: Vec<usize>,
    /// How often they take turns. On a shared machine the next minute may be half as fast as this one; turns let all
    /// numbers have their part of both.
    pub turns: u32,
    /// How long each turn lasts after its first seconds. All senders write throughout; were each to write so many
    /// messages instead, the end of a turn would be that of the few who are left.
    pub time: Duration,
    /// Every further number must reach this share of the first one's throughput.
    pub keeps: f64,
}

/// All turns of one number of senders.
#[derive(Clone, Copy, Debug, Serialize)]
struct Round {
    senders: usize,
    messages: usize,
    /// Of those that were acknowledged within the time, the first seconds apart.
    messages_per_s: f64,
    /// How often the SDK sent a message again, because it was answered `unavailable` or not at all.
    resent: u64,
    #[serde(flatten)]
    ms: Quantiles,
}

/// What the turns of one number of senders add up to.
#[derive(Clone, Debug, Default)]
struct Tally {
    times: Vec<Duration>,
    within: usize,
    tries: u64,
}

/// One sender, who has one message under way throughout: how long each took to be acknowledged, and how many were in
/// the time that counts.
async fn write(
    (number, device): (usize, &&Device),
    conversation: ConversationId,
    began: Instant,
    time: Duration,
) -> Result<(Vec<Duration>, usize), StageError> {
    let (mut times, mut within) = (Vec::new(), 0);
    while began.elapsed() < WARM_UP + time {
        let said = device.say(conversation, format!("device {number} message {}", times.len())).await?;
        times.push(said.acknowledged().await?);
        within += usize::from((WARM_UP..WARM_UP + time).contains(&began.elapsed()));
    }
    Ok((times, within))
}

/// Plays all turns in one conversation, and judges. `crowd` are two people with half as many devices each as the largest
/// number of senders.
pub async fn run(stage: &Stage, target: &Target, crowd: &Crowd, settings: &Settings) -> Result<Report> {
    let meter = Meter::default();
    let talks = crowd.talks();
    let talk = talks.first().ok_or_else(|| anyhow::anyhow!("nobody came"))?;
    // One of each person in turn, so that few senders are two people's, too.
    let (one, other) = talk.devices.split_at(talk.devices.len() / 2);
    let devices: Vec<&Device> = one.iter().zip(other).flat_map(|(one, other)| [*one, *other]).collect();
    let mut tallies = vec![Tally::default(); settings.senders.len()];
    let began = Instant::now();
    for _ in 0..settings.turns {
        for (senders, tally) in settings.senders.iter().zip(&mut tallies) {
            let senders = &devices[..(*senders).min(devices.len())];
            let tries = || senders.iter().map(|device| device.tries()).sum::<u64>();
            let before = tries();
            let began = Instant::now();
            let writing = senders.iter().enumerate().map(|one| write(one, talk.conversation, began, settings.time));
            for (times, within) in try_join_all(writing).await? {
                tally.times.extend(times);
                tally.within += within;
            }
            tally.tries += tries() - before;
        }
    }
    let took = began.elapsed();
    let time = settings.time * settings.turns;
    let rounds = settings.senders.iter().zip(tallies).map(|(senders, Tally { times, within, tries })| {
        for took in &times {
            meter.took("send", *took);
        }
        let messages = times.len();
        Round {
            senders: *senders,
            messages,
            messages_per_s: per_second(within, time),
            resent: tries.saturating_sub(u64::try_from(messages).unwrap_or(u64::MAX)),
            ms: Quantiles::of(times),
        }
    });
    let rounds: Vec<Round> = rounds.collect();
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

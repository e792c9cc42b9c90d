//! The soak: everything that people do, for as long as one likes, while things fail.

use std::sync::Arc;
use std::time::{Duration, Instant};

use anyhow::Result;
use rand::rngs::StdRng;
use rand::{RngExt, SeedableRng};
use tidings_client::actions::{History, Sync};
use tidings_client::{ConversationId, Page};
use tidings_local::faults::Plan;
use tidings_stage::{Device, Stage};
use tokio::sync::Semaphore;
use tokio::task::JoinSet;
use tokio::time::{MissedTickBehavior, interval, sleep, timeout};

use crate::crowd::{Crowd, Picked};
use crate::memory::peak_mb;
use crate::meter::Meter;
use crate::mix::{self, Action};
use crate::report::{Report, online};
use crate::target::Target;

/// Actions under way at a time: beyond, the server is slower than the rate, and the run waits for it.
const UNDER_WAY: usize = 256;

/// Messages of a burst.
const BURST: std::ops::RangeInclusive<usize> = 2..=12;

/// How long somebody is away, in milliseconds.
const AWAY_MS: std::ops::RangeInclusive<u64> = 2_000..=20_000;

/// How long one may take to come back: the SDK's longest back-off several times over.
const BACK_WITHIN: Duration = Duration::from_mins(3);

/// Entries of a look at older messages.
const LOOK_BACK: usize = 20;

/// So many of a hundred tries of an action may fail. The client itself tries a call again for half a minute, so
/// where one call in ten meets a fault hardly any ends in a failure.
const FAILING: usize = 5;

/// So many of a hundred devices may have to ask at the end: those whose last push was lost on purpose. Pushes meet
/// faults in a few of a hundred cases, and a person has several conversations.
const LATE: usize = 25;

/// How long whatever is under way at the end may take, with the faults over: a resend or two.
const FINISH_WITHIN: Duration = Duration::from_mins(3);

/// How a soak goes.
#[derive(Clone, Debug)]
pub struct Settings {
    /// How long it is played.
    pub time: Duration,
    /// Actions a second.
    pub rate: f64,
    /// What goes wrong meanwhile.
    pub faults: Plan,
    /// Seed of who does what.
    pub seed: u64,
    /// How often it says how it goes.
    pub tell_every: Duration,
}

/// Plays, with a line now and then for `tell`, and judges.
pub async fn run(
    stage: &Stage,
    target: &Target,
    crowd: Crowd,
    settings: &Settings,
    tell: impl Fn(String),
) -> Result<Report> {
    let crowd = Arc::new(crowd);
    let meter = Arc::new(Meter::default());
    if !settings.faults.is_empty() {
        target.inject(&settings.faults).await?;
    }
    let began = Instant::now();
    let mut under_way = JoinSet::new();
    let room = Arc::new(Semaphore::new(UNDER_WAY));
    let mut dice = StdRng::seed_from_u64(settings.seed);
    let mut ticks = interval(Duration::from_secs_f64(1.0 / settings.rate));
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    let mut told = Instant::now();
    while began.elapsed() < settings.time {
        ticks.tick().await;
        let permit = Arc::clone(&room).acquire_owned().await?;
        let (crowd_now, meter_now, seed) = (Arc::clone(&crowd), Arc::clone(&meter), dice.random());
        under_way.spawn(async move {
            act(&crowd_now, &meter_now, seed).await;
            drop(permit);
        });
        while under_way.try_join_next().is_some() {}
        if told.elapsed() >= settings.tell_every {
            told = Instant::now();
            let faults = target.injected().await?.values().sum();
            tell(progress(began.elapsed(), stage, faults, &crowd, &meter));
        }
    }
    let took = began.elapsed();
    if !settings.faults.is_empty() {
        target.inject(&Plan::default()).await?;
    }
    let finished = timeout(FINISH_WITHIN, under_way.join_all()).await.is_ok();
    let mut late = 0;
    for device in crowd.devices() {
        late += usize::from(device.go_online(BACK_WITHIN).await.is_err());
    }
    let mut report = Report::close("soak", stage, target, &crowd, &meter, took).await?;
    report.expect_failing_at_most(FAILING);
    report.expect_late_at_most(if settings.faults.is_empty() { 0 } else { LATE });
    let kills = settings.faults.functions.values().any(|it| it.before + it.during + it.after > 0.0);
    report.expect(!kills || report.kills() > 0, "no function was killed");
    report.expect(finished, "something did not finish after the faults were over");
    report.expect(late == 0, format!("{late} devices did not come back"));
    Ok(report)
}

fn progress(since: Duration, stage: &Stage, faults: u64, crowd: &Crowd, meter: &Meter) -> String {
    let verdict = stage.recorder().so_far();
    let devices = crowd.devices();
    format!(
        "{:.0} s: {} sent, {} acknowledged, p99 {:.0} ms, {} of {} online, {faults} faults, {} violations, {} MB",
        since.as_secs_f64(),
        verdict.sent,
        verdict.acknowledged,
        meter.of("send").ms.p99,
        online(&devices),
        devices.len(),
        verdict.counts().values().sum::<u64>(),
        peak_mb().unwrap_or_default(),
    )
}

/// One thing that somebody does, to its end.
async fn act(crowd: &Crowd, meter: &Meter, seed: u64) {
    let mut dice = StdRng::seed_from_u64(seed);
    let picked = crowd.pick(&mut dice);
    let Picked { device, conversation, .. } = picked;
    match mix::action(&mut dice) {
        Action::Send => say(device, conversation, 1, "send", meter, &mut dice).await,
        Action::Burst => {
            let many = dice.random_range(BURST);
            say(device, conversation, many, "burst", meter, &mut dice).await;
        }
        Action::Sync => {
            device.client.wake().await;
            meter.time("sync", device.client.call(Sync { cursor: None, since: None })).await;
        }
        Action::History => {
            let last = device.client.conversation(conversation).await.ok().flatten().map_or(0, |view| view.last);
            let before = (last > 1).then(|| dice.random_range(2..=last));
            let request = History { conversation: conversation.into(), after: None, before, limit: Some(LOOK_BACK) };
            meter.time("history", device.client.call(request)).await;
            if let Some(before) = before {
                let older = device.client.messages(conversation, Page::Before(before), LOOK_BACK);
                meter.time("older", older).await;
            }
        }
        Action::Read => {
            if let Ok(Some(view)) = device.client.conversation(conversation).await {
                meter.time("read", device.read(conversation, view.last)).await;
            }
        }
        Action::Reconnect => absent(&picked, None, "reconnect", meter).await,
        Action::Away => {
            let time = Duration::from_millis(dice.random_range(AWAY_MS));
            absent(&picked, Some((time, mix::text(&mut dice))), "away", meter).await;
        }
    }
}

/// Says so many things at once and waits for all acknowledgements.
async fn say(
    device: &Device,
    conversation: ConversationId,
    many: usize,
    action: &'static str,
    meter: &Meter,
    dice: &mut StdRng,
) {
    let mut said = Vec::new();
    for _ in 0..many {
        match device.say(conversation, mix::text(dice)).await {
            Ok(one) => said.push(one),
            Err(_) => meter.failed(action),
        }
    }
    for one in said {
        match one.acknowledged().await {
            Ok(took) => meter.took(action, took),
            Err(_) => meter.failed(action),
        }
    }
}

/// Goes offline and comes back, `away` after some time and having written something there: how long it takes to have
/// caught up.
async fn absent(picked: &Picked<'_>, away: Option<(Duration, String)>, action: &'static str, meter: &Meter) {
    if !picked.take_away() {
        return;
    }
    let Picked { device, conversation, .. } = picked;
    device.go_offline().await;
    let mut said = None;
    if let Some((time, text)) = away {
        said = device.say(*conversation, text).await.ok();
        sleep(time).await;
    }
    meter.time(action, device.go_online(BACK_WITHIN)).await;
    picked.give_back();
    if let Some(said) = said {
        // Its time is that of the absence; only that it arrives counts, and the checker sees to that.
        let _ = said.acknowledged().await;
    }
}

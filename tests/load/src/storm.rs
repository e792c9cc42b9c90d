//! The reconnect storm: all devices lose their connection at once, while some people go on writing.

use std::time::{Duration, Instant};

use anyhow::Result;
use futures_util::future::{join, join_all};
use rand::SeedableRng;
use rand::rngs::StdRng;
use tidings_client::ConnectionState;
use tidings_stage::{Device, Quantiles, Said, Stage};
use tokio::sync::watch;
use tokio::time::{sleep, timeout};

use crate::crowd::Crowd;
use crate::meter::Meter;
use crate::mix;
use crate::report::Report;
use crate::target::Target;

/// A broken connection is noticed at once; longer means that it was not cut.
const NOTICED_WITHIN: Duration = Duration::from_secs(10);

/// How a storm goes.
#[derive(Clone, Debug)]
pub struct Settings {
    /// So many people write all the time, until all are back.
    pub writers: usize,
    /// Time between two messages of each.
    pub every: Duration,
    /// How long it may take until all are back and have caught up.
    pub back_within: Duration,
    /// Seed of who writes what.
    pub seed: u64,
}

/// Cuts everybody off, waits until all are back, and judges.
pub async fn run(stage: &Stage, target: &Target, crowd: &Crowd, settings: &Settings) -> Result<Report> {
    let meter = Meter::default();
    let devices = crowd.devices();
    let connects = target.count("$connect").await?;
    let began = Instant::now();
    let (over, still) = watch::channel(false);
    let writing = join_all((0_u64..).take(settings.writers).map(|number| {
        let dice = StdRng::seed_from_u64(settings.seed.wrapping_add(number));
        write(crowd, &meter, settings.every, dice, still.clone())
    }));
    let storming = async {
        let storm = storm(target, &devices, settings.back_within).await;
        over.send_replace(true);
        storm
    };
    let (storm, _) = join(storming, writing).await;
    let (cut, back) = storm?;
    let took = began.elapsed();
    let connects = target.count("$connect").await? - connects;

    let mut report = Report::close("storm", stage, target, crowd, &meter, took).await?;
    report.expect(cut == devices.len(), format!("{cut} of {} sockets were there to be cut", devices.len()));
    report.expect_late_at_most(0);
    let lost = devices.len() - back.len();
    report.expect(lost == 0, format!("{lost} devices did not notice, or did not come back in time"));
    report.measure("sockets cut", cut);
    report.measure("connects that it took", connects);
    report.measure("back and caught up after, ms", Quantiles::of(back));
    Ok(report)
}

/// Breaks all connections. How many there were, and when each device that is back was so.
async fn storm(target: &Target, devices: &[&Device], within: Duration) -> Result<(usize, Vec<Duration>)> {
    // Before the cut, so that nobody's loss is overlooked.
    let mut connections: Vec<_> = devices.iter().map(|device| device.client.connection()).collect();
    let cut = target.cut().await?;
    let began = Instant::now();
    let coming_back = connections.iter_mut().map(async |connection| {
        let gone = connection.until(|state| *state != ConnectionState::Online);
        timeout(NOTICED_WITHIN, gone).await.ok().flatten()?;
        let back = connection.until(|state| *state == ConnectionState::Online);
        timeout(within, back).await.ok().flatten()?;
        Some(began.elapsed())
    });
    Ok((cut, join_all(coming_back).await.into_iter().flatten().collect()))
}

/// Somebody writes, on whichever device, until the storm is over; what they wrote is acknowledged in the end.
async fn write(crowd: &Crowd, meter: &Meter, every: Duration, mut dice: StdRng, over: watch::Receiver<bool>) {
    let mut said: Vec<Said> = Vec::new();
    while !*over.borrow() {
        let picked = crowd.pick(&mut dice);
        match picked.device.say(picked.conversation, mix::text(&mut dice)).await {
            Ok(one) => said.push(one),
            Err(_) => meter.failed("send"),
        }
        sleep(every).await;
    }
    for one in said {
        match one.acknowledged().await {
            Ok(took) => meter.took("send", took),
            Err(_) => meter.failed("send"),
        }
    }
}

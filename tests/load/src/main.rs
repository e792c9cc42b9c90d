//! `tidings-load`: load runs from the command line. `cargo xtask soak` starts one.

mod args;

use std::io::{IsTerminal as _, Write as _};
use std::process::ExitCode;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result};
use clap::Parser as _;
use tidings_client::Options;
use tidings_load::{Crowd, Report, Target, contention, soak, storm, throughout};
use tidings_local::faults::Plan;
use tidings_stage::{Audience, Progress, Settings, Stage, raise_file_limit};

use crate::args::{Args, Contend, Scenario, Soak, Storm, Where};

/// Time between lines while people sign in and are compared.
const LINES_EVERY: Duration = Duration::from_secs(10);

/// Time between two messages of a writer during the storm: often enough that many are under way when the sockets break.
const WRITES_EVERY: Duration = Duration::from_millis(500);

fn main() -> ExitCode {
    let args = Args::parse();
    raise_file_limit();
    let runtime = match tokio::runtime::Builder::new_multi_thread().worker_threads(4).enable_all().build() {
        Ok(runtime) => runtime,
        Err(error) => return fail(&error.into()),
    };
    match runtime.block_on(run(&args)) {
        Ok(report) => {
            match serde_json::to_string(&report) {
                Ok(json) if args.json => say(&json),
                _ => say(&report.to_string()),
            }
            if report.holds() { ExitCode::SUCCESS } else { ExitCode::FAILURE }
        }
        Err(error) => fail(&error),
    }
}

fn fail(error: &anyhow::Error) -> ExitCode {
    note(&format!("cannot run: {error:#}"));
    ExitCode::FAILURE
}

async fn run(args: &Args) -> Result<Report> {
    let target = match &args.at {
        Where { server: Some(server), .. } => Target::at(server).await?,
        Where { set, .. } => {
            let mut options = tidings_local::Options::for_tests();
            for pair in set {
                options.set_pair(pair)?;
            }
            note("building the functions and starting a local cloud");
            Target::local(options).await?
        }
    };
    let report = match &args.scenario {
        Scenario::Soak(soak) => run_soak(&target, soak).await,
        Scenario::Storm(storm) => run_storm(&target, storm).await,
        Scenario::Contend(contend) => run_contend(&target, contend).await,
    };
    target.stop().await;
    report
}

async fn run_soak(target: &Target, soak: &Soak) -> Result<Report> {
    let faults = match &soak.faults {
        _ if soak.calm => Plan::default(),
        Some(file) => {
            let json = std::fs::read(file).with_context(|| file.display().to_string())?;
            Plan::from_json(&json)?
        }
        None => throughout(soak.seed),
    };
    let settings = soak::Settings {
        time: Duration::from_secs_f64(soak.minutes * 60.0),
        rate: soak.rate,
        faults,
        seed: soak.seed,
        tell_every: Duration::from_secs(soak.tell_every),
    };
    let people = soak.sockets.div_ceil(soak.devices);
    // Who begins late begins with the newest page, as in real use.
    let options = Options { first_page: Options::default().first_page, ..Settings::default().options };
    let stage = Stage::new(target.server(), Settings { options, ..Settings::default() }, audience())?;
    let crowd = Crowd::gather(&stage, people, soak.devices).await?;
    soak::run(&stage, target, crowd, &settings, |line| note(&line)).await
}

async fn run_storm(target: &Target, storm: &Storm) -> Result<Report> {
    let stage = Stage::new(target.server(), Settings::default(), audience())?;
    let crowd = Crowd::gather(&stage, storm.devices.div_ceil(storm.each), storm.each).await?;
    let settings = storm::Settings {
        writers: storm.writers,
        every: WRITES_EVERY,
        back_within: Duration::from_secs(storm.within),
        seed: storm.seed,
    };
    storm::run(&stage, target, &crowd, &settings).await
}

async fn run_contend(target: &Target, contend: &Contend) -> Result<Report> {
    let stage = Stage::new(target.server(), Settings::default(), audience())?;
    let most = contend.senders.iter().max().copied().unwrap_or_default();
    let crowd = Crowd::gather(&stage, 2, most.div_ceil(2)).await?;
    let (senders, time) = (contend.senders.clone(), Duration::from_secs(contend.seconds));
    let settings = contention::Settings { senders, turns: contend.turns, time, keeps: contend.keeps };
    contention::run(&stage, target, &crowd, &settings).await
}

/// Says how far the preparations and the comparison are, now and then.
fn audience() -> Audience {
    let told = Mutex::new(Instant::now());
    Arc::new(move |Progress { what, done, total }| {
        let mut told = told.lock().unwrap_or_else(PoisonError::into_inner);
        if done == total || told.elapsed() >= LINES_EVERY {
            *told = Instant::now();
            note(&format!("{what}: {done} of {total}"));
        }
    })
}

/// A line of the result. A reader who went away is no error.
fn say(text: &str) {
    drop(writeln!(std::io::stdout(), "{text}"));
}

/// A line about how it goes, beside the result.
fn note(text: &str) {
    let mut out = std::io::stderr();
    let dim = if out.is_terminal() { ("\u{1b}[2m", "\u{1b}[0m") } else { ("", "") };
    drop(writeln!(out, "{}{text}{}", dim.0, dim.1));
}

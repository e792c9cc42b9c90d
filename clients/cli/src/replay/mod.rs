//! `replay`: many people at once, and a check that nothing was lost, doubled or reordered.

mod progress;
mod report;

use std::process::ExitCode;
use std::sync::Arc;
use std::time::{Duration, Instant};

use tidings_client::Options;
use tidings_stage::play::{self, Manner, Pair, Pick, Played};
use tidings_stage::{Device, Dialogue, Part, Settings, Stage, contend, raise_file_limit};

use self::progress::Bars;
use self::report::Report;
use crate::args::{self, Place, Replay};
use crate::problem::Problem;

/// Updates that a device of `--contend` may be behind: it hears of everything at once.
const CONTENDING_BUFFER: usize = 16 * 1024;

/// Plays, compares, reports. Fails if anything is wrong.
pub(crate) async fn run(place: &Place, replay: Replay) -> Result<ExitCode, Problem> {
    raise_file_limit();
    let bars = Bars::default();
    let stage = Stage::new(place.server(), settings(&replay), Arc::new(move |progress| bars.show(progress)))?;
    let (pairs, played) =
        if replay.contend { contending(&stage, &replay).await? } else { playing(&stage, &replay).await? };
    let talks: Vec<_> = pairs.iter().map(Pair::talk).collect();
    let late = stage.compare(&talks, Duration::from_secs(replay.settle)).await?;
    let devices: Vec<&Device> = pairs.iter().flat_map(Pair::devices).collect();
    for device in &devices {
        device.client.close().await;
    }
    let report = Report::new(&pairs, devices.len(), played, late, &stage.recorder().judge());
    report.print(replay.json);
    Ok(if report.holds() { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

fn settings(replay: &Replay) -> Settings {
    let mut settings = Settings {
        durability: match replay.durability {
            args::Durability::Full => tidings_client::Durability::Full,
            args::Durability::Process => tidings_client::Durability::Process,
        },
        signing_in: usize::from(replay.parallel),
        ..Settings::default()
    };
    if replay.contend {
        settings.options = Options { update_buffer: CONTENDING_BUFFER, ..settings.options };
    }
    settings
}

/// The dialogues of a file.
async fn playing(stage: &Stage, replay: &Replay) -> Result<(Vec<Pair>, Played), Problem> {
    let file = replay.file.as_deref().ok_or_else(|| Problem::told("no file"))?;
    let dialogues = Dialogue::read(file, Part { dialogues: replay.dialogues, messages: replay.limit_messages })?;
    let names: Vec<_> = dialogues.iter().map(|dialogue| dialogue.people.clone()).collect();
    let pairs = play::pairs(stage, &names, usize::from(replay.devices)).await?;
    let pick = match replay.pick {
        args::Pick::Random => Pick::Random(replay.seed),
        args::Pick::First => Pick::First,
    };
    let played = play::play(stage, &pairs, &dialogues, Manner { pick, read_every: None }).await?;
    Ok((pairs, played))
}

/// All devices of two people into one conversation, each as fast as it goes; only the order of each device's own
/// messages is given.
async fn contending(stage: &Stage, replay: &Replay) -> Result<(Vec<Pair>, Played), Problem> {
    let names = [["one".to_owned(), "other".to_owned()]];
    let pairs = play::pairs(stage, &names, usize::from(replay.devices)).await?;
    let Some(pair) = pairs.first() else { return Err(Problem::told("nobody came")) };
    let began = Instant::now();
    let times = contend(stage, pair.conversation, &pair.devices(), replay.messages, usize::MAX).await?;
    Ok((pairs, Played { took: began.elapsed(), times }))
}

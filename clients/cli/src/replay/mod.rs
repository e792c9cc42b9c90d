//! `replay`: many people at once, and a check that nothing was lost, doubled or reordered.

mod cast;
mod check;
mod contend;
mod dialogues;
mod play;
mod progress;
mod report;
mod watch;

use std::process::ExitCode;

use tidings_client::Store;

use self::cast::Cast;
use self::dialogues::Dialogue;
use self::progress::Progress;
use crate::args::{Durability, Place, Replay};
use crate::problem::Problem;

/// Plays, compares, reports. Fails if anything is wrong.
pub(crate) async fn run(place: &Place, replay: Replay) -> Result<ExitCode, Problem> {
    raise_file_limit();
    let folder = tempfile::tempdir()?;
    let durability = match replay.durability {
        Durability::Full => tidings_client::Durability::Full,
        Durability::Process => tidings_client::Durability::Process,
    };
    let store = Store::open_with(folder.path().join("devices.db"), durability)?;
    let cast = Cast::new(place.server(), store, &replay)?;
    let report = if replay.contend {
        contend::run(&cast, &replay).await?
    } else {
        let file = replay.file.as_deref().ok_or_else(|| Problem::told("no file"))?;
        let dialogues = Dialogue::read(file, replay.dialogues, replay.limit_messages)?;
        play::run(&cast, dialogues, &replay).await?
    };
    report.print(replay.json);
    Ok(if report.faults.none() { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

/// Every device holds a socket. Where there are more devices than the shell allows files, what the system allows
/// is enough; if it cannot be raised, connecting says so.
#[cfg(unix)]
fn raise_file_limit() {
    use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
    let limit = getrlimit(Resource::Nofile);
    let _ = setrlimit(Resource::Nofile, Rlimit { current: limit.maximum, maximum: limit.maximum });
}

#[cfg(not(unix))]
fn raise_file_limit() {}

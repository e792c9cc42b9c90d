//! The replay of a file: each message when its predecessor is acknowledged, all dialogues at once.

use std::sync::Arc;
use std::time::{Duration, Instant};

use futures_util::future::try_join_all;
use futures_util::{StreamExt, TryStreamExt, stream};
use rand::rngs::StdRng;
use rand::{RngExt, SeedableRng};
use tidings_client::{Body, Entry};
use tokio::time::timeout;

use super::Progress;
use super::cast::{Cast, Pair};
use super::check::{self, Expected, Faults};
use super::dialogues::Dialogue;
use super::report::{Quantiles, Report};
use crate::args::{Pick, Replay};
use crate::problem::Problem;

/// So many conversations are compared at the same time.
const COMPARING: usize = 16;

/// Plays everything and compares it.
pub(super) async fn run(cast: &Cast, dialogues: Vec<Dialogue>, replay: &Replay) -> Result<Report, Problem> {
    let names = dialogues.iter().map(|dialogue| (dialogue.people.clone(), dialogue.name.clone())).collect();
    let pairs = cast.pairs(names).await?;
    let messages = dialogues.iter().map(|dialogue| dialogue.said.len()).sum();
    let progress = Arc::new(Progress::new("sending messages", messages));
    let began = Instant::now();
    let mut playing = Vec::new();
    for (number, (pair, dialogue)) in pairs.iter().zip(&dialogues).enumerate() {
        let dice = StdRng::seed_from_u64(replay.seed.wrapping_add(number as u64));
        let playing_one = one(pair.clone(), dialogue.clone(), replay.pick, dice, progress.clone());
        playing.push(tokio::spawn(playing_one));
    }
    let mut times = Vec::new();
    let mut expected = Vec::new();
    for played in try_join_all(playing).await.map_err(|error| Problem::told(error.to_string()))? {
        let (sent, took) = played?;
        expected.push(sent);
        times.extend(took);
    }
    let took = began.elapsed();
    if let Some(progress) = Arc::into_inner(progress) {
        progress.end();
    }
    let progress = Progress::new("comparing conversations", pairs.len());
    let comparing = pairs.iter().zip(&expected).map(|(pair, sent)| {
        let order = vec![(0..sent.len()).collect()];
        let (progress, settle) = (&progress, Duration::from_secs(replay.settle));
        async move {
            let compared = compare(pair, sent, &order, settle).await;
            progress.step();
            compared
        }
    });
    let compared: Vec<(Faults, usize)> = stream::iter(comparing).buffer_unordered(COMPARING).try_collect().await?;
    progress.end();
    Ok(report(&pairs, messages, took, times, &compared))
}

/// The report on these conversations.
pub(super) fn report(
    pairs: &[Arc<Pair>],
    messages: usize,
    took: Duration,
    times: Vec<Duration>,
    compared: &[(Faults, usize)],
) -> Report {
    let mut faults = Faults::default();
    for (found, _) in compared {
        faults += *found;
    }
    Report {
        conversations: pairs.len(),
        people: pairs.len() * 2,
        devices: pairs.iter().map(|pair| pair.devices().count()).sum(),
        messages,
        seconds: took.as_secs_f64(),
        // Far fewer messages than an f64 counts exactly.
        messages_per_second: Duration::from_secs(u64::try_from(messages).unwrap_or(u64::MAX)).as_secs_f64()
            / took.as_secs_f64().max(f64::EPSILON),
        acknowledgement_ms: Quantiles::of(times),
        faults,
        late_devices: compared.iter().map(|(_, late)| late).sum(),
    }
}

type Played = (Vec<Expected>, Vec<Duration>);

async fn one(
    pair: Arc<Pair>,
    dialogue: Dialogue,
    pick: Pick,
    mut dice: StdRng,
    progress: Arc<Progress>,
) -> Result<Played, Problem> {
    let mut sent = Vec::new();
    let mut times = Vec::new();
    for (sender, text) in dialogue.said {
        let person = &pair.people[sender];
        let device = match pick {
            Pick::First => 0,
            Pick::Random => dice.random_range(0..person.devices.len()),
        };
        let began = Instant::now();
        let message = person.devices[device].client.send(pair.conversation, Body::text(text.clone())).await?;
        sent.push(Expected { client_id: message.client_id(), sender: person.user, text });
        message.acknowledged().await?;
        times.push(began.elapsed());
        progress.step();
    }
    Ok((sent, times))
}

/// Compares what every device of both and the server have. Answers the faults, and how many devices had everything
/// only after they asked.
pub(super) async fn compare(
    pair: &Pair,
    sent: &[Expected],
    order: &[Vec<usize>],
    settle: Duration,
) -> Result<(Faults, usize), Problem> {
    let head = sent.len() as u64;
    let mut late = 0;
    for device in pair.devices() {
        if timeout(settle, device.watch.shown(head)).await.is_err() {
            late += 1;
            device.client.wake().await;
            // What is still missing then is lost.
            let _ = timeout(settle, device.watch.shown(head)).await;
        }
    }
    let mut faults = Faults::default();
    let stored = match pair.devices().next() {
        Some(device) => check::on_server(&device.client, pair.conversation).await?,
        None => Vec::new(),
    };
    faults += check::compare(sent, order, &stored);
    for device in pair.devices() {
        let here: Vec<Entry> = check::on_device(&device.client, pair.conversation).await?;
        faults += check::compare(sent, order, &here);
        faults += Faults { out_of_order: device.watch.out_of_turn(), ..Faults::default() };
        // The same messages in the same order, and in every other respect the same.
        let differing = stored.iter().zip(&here).filter(|(one, other)| one != other).count() as u64;
        faults += Faults { corrupted: differing, ..Faults::default() };
        device.client.close().await;
    }
    Ok((faults, late))
}

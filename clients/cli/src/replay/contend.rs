//! `--contend`: devices of two people write into one conversation at once.

use std::sync::Arc;
use std::time::{Duration, Instant};

use futures_util::future::try_join_all;
use tidings_client::Body;

use super::Progress;
use super::cast::{Cast, Device, Pair};
use super::check::Expected;
use super::play;
use super::report::Report;
use crate::args::Replay;
use crate::problem::Problem;

/// All at once, then the same comparison; the order that counts is that of each device's own messages.
pub(super) async fn run(cast: &Cast, replay: &Replay) -> Result<Report, Problem> {
    let names = vec![(["one".to_owned(), "other".to_owned()], "contend".to_owned())];
    let pairs = cast.pairs(names).await?;
    let Some(pair) = pairs.first() else { return Err(Problem::told("nobody came")) };
    let devices: usize = pair.devices().count();
    let progress = Arc::new(Progress::new("sending messages", devices * replay.messages));
    let began = Instant::now();
    let mut writing = Vec::new();
    for (person, of) in pair.people.iter().enumerate() {
        for device in 0..of.devices.len() {
            let (pair, progress) = (pair.clone(), progress.clone());
            writing.push(tokio::spawn(write(pair, person, device, replay.messages, progress)));
        }
    }
    let (mut sent, mut order, mut times) = (Vec::new(), Vec::new(), Vec::new());
    for written in try_join_all(writing).await.map_err(|error| Problem::told(error.to_string()))? {
        let (messages, took) = written?;
        order.push((sent.len()..sent.len() + messages.len()).collect());
        sent.extend(messages);
        times.extend(took);
    }
    let took = began.elapsed();
    if let Some(progress) = Arc::into_inner(progress) {
        progress.end();
    }
    let compared = play::compare(pair, &sent, &order, Duration::from_secs(replay.settle)).await?;
    Ok(play::report(&pairs, sent.len(), took, times, &[compared]))
}

async fn write(
    pair: Arc<Pair>,
    person: usize,
    device: usize,
    many: usize,
    progress: Arc<Progress>,
) -> Result<(Vec<Expected>, Vec<Duration>), Problem> {
    let of = &pair.people[person];
    let Device { client, .. } = &of.devices[device];
    let mut sent = Vec::new();
    let mut handles = Vec::new();
    for number in 0..many {
        let text = format!("person {person} device {device} message {number}");
        let began = Instant::now();
        let message = client.send(pair.conversation, Body::text(text.clone())).await?;
        sent.push(Expected { client_id: message.client_id(), sender: of.user, text });
        handles.push((began, message));
    }
    let mut times = Vec::new();
    for (began, message) in handles {
        message.acknowledged().await?;
        times.push(began.elapsed());
        progress.step();
    }
    Ok((sent, times))
}

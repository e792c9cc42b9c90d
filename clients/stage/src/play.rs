//! The replay of dialogues: each message when its predecessor is acknowledged, all dialogues at once.

use std::time::{Duration, Instant};

use futures_util::future::try_join_all;
use rand::rngs::StdRng;
use rand::{RngExt, SeedableRng};
use tidings_client::ConversationId;

use crate::cast::{Person, Stage};
use crate::compare::Talk;
use crate::device::Device;
use crate::dialogues::Dialogue;
use crate::error::StageError;
use crate::progress::Steps;

/// Which of a person's devices sends the next message.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Pick {
    /// Any; the choice depends on this seed.
    Random(u64),
    /// Always the first.
    First,
}

/// How dialogues are played.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Manner {
    /// Who sends.
    pub pick: Pick,
    /// After so many messages of a dialogue whoever is written to reads what one of their devices has shown; `None` if
    /// nobody ever reads.
    pub read_every: Option<usize>,
}

/// Two people and their conversation.
#[derive(Debug)]
pub struct Pair {
    /// Theirs.
    pub conversation: ConversationId,
    /// Both.
    pub people: [Person; 2],
}

impl Pair {
    /// All devices of both.
    pub fn devices(&self) -> Vec<&Device> {
        self.people.iter().flat_map(|person| &person.devices).collect()
    }

    /// For the comparison.
    pub fn talk(&self) -> Talk<'_> {
        Talk { conversation: self.conversation, devices: self.devices() }
    }
}

/// How it went.
#[derive(Clone, Debug, Default)]
pub struct Played {
    /// From the first message to the last acknowledgement.
    pub took: Duration,
    /// How long each message took to be acknowledged.
    pub times: Vec<Duration>,
}

/// Two people with so many devices each for every pair of names, all connected.
pub async fn pairs(stage: &Stage, names: &[[String; 2]], devices: usize) -> Result<Vec<Pair>, StageError> {
    let mut people = stage.people(names.as_flattened(), devices).await?.into_iter();
    let mut pairs = Vec::new();
    while let (Some(one), Some(other)) = (people.next(), people.next()) {
        pairs.push(Pair { conversation: ConversationId::direct(one.user, other.user), people: [one, other] });
    }
    let devices: Vec<&Device> = pairs.iter().flat_map(Pair::devices).collect();
    stage.connect(&devices).await?;
    Ok(pairs)
}

/// Plays all dialogues at once, each between the pair in the same place.
pub async fn play(stage: &Stage, pairs: &[Pair], dialogues: &[Dialogue], manner: Manner) -> Result<Played, StageError> {
    let Manner { pick, read_every } = manner;
    let steps = Steps::begin(&stage.audience, "sending messages", dialogues.iter().map(|it| it.said.len()).sum());
    let began = Instant::now();
    let playing = pairs.iter().zip(dialogues).zip(0_u64..).map(|((pair, dialogue), number)| {
        let steps = &steps;
        async move {
            let mut dice = match pick {
                Pick::Random(seed) => Some(StdRng::seed_from_u64(seed.wrapping_add(number))),
                Pick::First => None,
            };
            let mut times = Vec::with_capacity(dialogue.said.len());
            let mut device_of = |person: usize| {
                let devices = &pair.people[person].devices;
                &devices[dice.as_mut().map_or(0, |dice| dice.random_range(0..devices.len()))]
            };
            for (number, (sender, text)) in (1_usize..).zip(&dialogue.said) {
                times.push(device_of(*sender).say(pair.conversation, text).await?.acknowledged().await?);
                if read_every.is_some_and(|every| number.is_multiple_of(every)) {
                    device_of(1 - *sender).read_shown(pair.conversation).await?;
                }
                steps.step();
            }
            Ok::<_, StageError>(times)
        }
    });
    let times = try_join_all(playing).await?.concat();
    Ok(Played { took: began.elapsed(), times })
}

//! Who takes part in a run, and who talks to whom.

use std::collections::BTreeSet;
use std::sync::atomic::{AtomicBool, Ordering};

use rand::RngExt;
use rand::rngs::StdRng;
use tidings_client::ConversationId;
use tidings_stage::{Device, Person, Stage, StageError, Talk};

/// Everybody talks with the next in the ring and with the one so many places further, so that conversations cross
/// instead of falling into pairs.
const STRIDES: [usize; 2] = [1, 7];

/// How often a device that is away is passed over for another. Where nearly all are away it is written on anyway.
const PICKS: usize = 8;

/// People with devices, all connected, and their conversations.
#[derive(Debug)]
pub struct Crowd {
    people: Vec<Person>,
    /// The two people of each conversation.
    talks: Vec<[usize; 2]>,
    /// By person and device: whether somebody has this device in hand to take it offline.
    away: Vec<Vec<AtomicBool>>,
}

/// A device picked for an action, and a conversation of its user.
#[derive(Clone, Copy, Debug)]
pub struct Picked<'a> {
    /// The device.
    pub device: &'a Device,
    /// Where it acts.
    pub conversation: ConversationId,
    away: &'a AtomicBool,
}

impl Crowd {
    /// Signs so many people up, two at least, with so many devices each, and connects them.
    pub async fn gather(stage: &Stage, people: usize, devices: usize) -> Result<Self, StageError> {
        let names: Vec<String> = (0..people.max(2)).map(|_| "load".to_owned()).collect();
        let people = stage.people(&names, devices).await?;
        let mut talks = BTreeSet::new();
        for one in 0..people.len() {
            for stride in STRIDES {
                let other = (one + stride) % people.len();
                if one != other {
                    talks.insert([one.min(other), one.max(other)]);
                }
            }
        }
        let away = people.iter().map(|person| person.devices.iter().map(|_| AtomicBool::default()).collect()).collect();
        let crowd = Self { people, talks: talks.into_iter().collect(), away };
        stage.connect(&crowd.devices()).await?;
        Ok(crowd)
    }

    /// How many people.
    pub fn people(&self) -> usize {
        self.people.len()
    }

    /// Every device.
    pub fn devices(&self) -> Vec<&Device> {
        self.people.iter().flat_map(|person| &person.devices).collect()
    }

    /// Every conversation with its devices.
    pub fn talks(&self) -> Vec<Talk<'_>> {
        let talk = |pair: &[usize; 2]| Talk {
            conversation: self.conversation(*pair),
            devices: pair.iter().flat_map(|person| &self.people[*person].devices).collect(),
        };
        self.talks.iter().map(talk).collect()
    }

    /// Somebody's device and one of their conversations. The device is not away, if one is found that is not.
    pub fn pick(&self, dice: &mut StdRng) -> Picked<'_> {
        let mut picked = self.pick_any(dice);
        for _ in 0..PICKS {
            if !picked.away.load(Ordering::Relaxed) {
                break;
            }
            picked = self.pick_any(dice);
        }
        picked
    }

    fn pick_any(&self, dice: &mut StdRng) -> Picked<'_> {
        let talk = self.talks[dice.random_range(0..self.talks.len())];
        let person = talk[dice.random_range(0..talk.len())];
        let device = dice.random_range(0..self.people[person].devices.len());
        Picked {
            device: &self.people[person].devices[device],
            conversation: self.conversation(talk),
            away: &self.away[person][device],
        }
    }

    fn conversation(&self, [one, other]: [usize; 2]) -> ConversationId {
        ConversationId::direct(self.people[one].user, self.people[other].user)
    }
}

impl Picked<'_> {
    /// Takes the device away from everybody else; whether nobody had it.
    pub fn take_away(&self) -> bool {
        !self.away.swap(true, Ordering::Relaxed)
    }

    /// It can be picked again.
    pub fn give_back(&self) {
        self.away.store(false, Ordering::Relaxed);
    }
}

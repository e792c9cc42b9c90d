//! One moment of a world.

use std::collections::{BTreeMap, BTreeSet};

use tidings_domain::fan_out;
use tidings_domain::ids::{ConnectionId, ConversationId};
use tidings_domain::log::{Entry, Seq};
use tidings_domain::membership::people;
use tidings_domain::route::Route;
use tidings_domain::send::Sent;
use tidings_domain::task::Task;
use tidings_testkit::messages::tables::{Inboxes, Logs, Routes};

use crate::cast::UNREADABLE;
use crate::machine::{Answer, Call, Machine};

/// Everything that the future depends on.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub struct State {
    /// The `log` table.
    pub logs: Logs,
    /// The `inboxes` table.
    pub inboxes: Inboxes,
    /// The `routes` table.
    pub routes: Routes,
    /// The records of the shard queues and of the retry queue that are not deleted.
    pub queue: BTreeMap<u8, fan_out::Job>,
    /// How many records there have been.
    pub records: u8,
    /// The records of the task queue.
    pub tasks: Vec<Task>,
    /// The sockets that are up, or were.
    pub sockets: BTreeMap<ConnectionId, Socket>,
    /// What became of each job, in the scenario's order.
    pub runs: Vec<Run>,
    /// How many calls may still fail.
    pub faults: u8,
    /// How many functions may still die.
    pub deaths: u8,
}

/// A socket, from when it comes up.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub struct Socket {
    /// Whether it is up still.
    pub open: bool,
    /// The entries that were pushed over it.
    pub pushed: BTreeSet<Seq>,
    /// The head of the log when its device was last told to pull: everything up to here it will fetch.
    pub hinted: Seq,
    /// The highest read position that it was told.
    pub read: Seq,
}

/// One run of a function.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub struct Run {
    /// Where it stands.
    pub phase: Phase,
    /// Its writes that may still take effect, although it does not wait for them any more.
    pub late: Vec<Write>,
    /// The records that it works off.
    pub held: Vec<u8>,
    /// Whether its deadline is over.
    pub overdue: bool,
}

/// Where a run stands.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
#[expect(clippy::large_enum_variant, reason = "most runs are under way, and states are few at a time")]
pub enum Phase {
    /// It has not begun.
    #[default]
    Idle,
    /// It waits for the reply to its call.
    Waiting(Machine, Call),
    /// It has answered.
    Done(Answer),
    /// It died, and nobody hears of it again.
    Dead,
}

/// A write that may take effect by itself.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Write {
    /// That of a protocol.
    Call(Call),
    /// Delete the route if it is this connection's: a disconnect, or the sweep after a Gone.
    Release(Route),
}

impl Socket {
    /// One that is up, and was told nothing.
    pub fn up() -> Self {
        Self { open: true, ..Self::default() }
    }
}

impl State {
    /// What the sends of this job were acknowledged with, by draft; nothing if it has not answered.
    pub fn sent(&self, job: usize) -> impl Iterator<Item = (usize, Sent)> {
        let answers = match self.runs.get(job).map(|run| &run.phase) {
            Some(Phase::Done(Answer::Send(answers))) => answers.as_slice(),
            _ => &[],
        };
        answers.iter().enumerate().filter_map(|(draft, answer)| answer.ok().map(|sent| (draft, sent)))
    }

    /// Every acknowledgement: job, draft, and what was said.
    pub fn acknowledged(&self) -> impl Iterator<Item = (usize, usize, Sent)> {
        (0..self.runs.len()).flat_map(|job| self.sent(job).map(move |(draft, sent)| (job, draft, sent)))
    }

    /// The log of a conversation.
    pub fn log(&self, conversation: ConversationId) -> Vec<&Entry> {
        self.logs.of(conversation).collect()
    }

    /// Whether the job has ended, one way or the other.
    pub fn is_over(&self, job: usize) -> bool {
        self.runs.get(job).is_some_and(|run| matches!(run.phase, Phase::Done(_) | Phase::Dead))
    }

    /// Whether nobody is at work, and nothing is queued that could be worked off. Late writes may still be on their
    /// way.
    pub fn is_quiet(&self) -> bool {
        let poisoned = |job: &fan_out::Job| match job {
            fan_out::Job::FanOut(job) => people(job.conversation).contains(&UNREADABLE),
            fan_out::Job::Retry(_) => false,
        };
        self.queue.values().all(poisoned) && !self.runs.iter().any(|run| matches!(run.phase, Phase::Waiting(..)))
    }

    /// Whether the socket is up.
    pub fn is_open(&self, connection: &ConnectionId) -> bool {
        self.sockets.get(connection).is_some_and(|socket| socket.open)
    }
}

//! What may happen in a world.

use stateright::Property;
use tidings_domain::ids::UserId;
use tidings_domain::log::Draft;
use tidings_domain::protocol::Step;
use tidings_domain::route::Route;
use tidings_domain::sync::{self, Sync};
use tidings_domain::time::Timestamp;
use tidings_domain::{connect, read, send};

use crate::cast::{NOW, UNREADABLE};
use crate::machine::{Answer, Begun as _, Call};
use crate::make::Caller;
use crate::state::{Phase, State};

/// Something that holds in a moment of a world, and what it is called.
pub type Law = (&'static str, fn(&Scenario, &State) -> bool);

/// A world: how it begins and what may happen.
#[derive(Clone)]
pub struct Scenario {
    /// The tables at first, and how much may go wrong.
    pub start: State,
    /// What may be done, in any order.
    pub jobs: Vec<Job>,
    /// Calls that nothing in this scenario can influence or notice: they are answered at once, which spares the
    /// checker orders that look the same to everybody.
    pub still: fn(&Call) -> bool,
    /// How many connections are posted to while a sender waits.
    pub inline_max: usize,
    /// What holds always, and what is reached sometimes.
    pub properties: Vec<Property<Scenario>>,
}

/// Something to be done once.
#[derive(Clone)]
pub struct Job {
    /// What counter-examples call it.
    pub name: &'static str,
    /// What.
    pub task: Task,
    /// From when on it may begin. What once held must hold for ever: a job begins any time after.
    pub when: fn(&State) -> bool,
    /// What the clock of its function says.
    pub now: Timestamp,
}

/// What there is to do.
#[derive(Clone, Debug)]
pub enum Task {
    /// An attempt to send.
    Send(send::Request),
    /// Somebody else's message, appended in one step.
    Append(UserId, Draft),
    /// `$connect`; once it is accepted, the socket comes up some time.
    Connect(Route),
    /// A socket closes; the gateway notices some time or never.
    Disconnect(Route),
    /// A Gone is taken for final although the socket is up.
    Sweep(Route),
    /// A sync, over a socket that came up or over HTTP.
    Sync(sync::Request),
    /// Settles what the sync of that job found due.
    Settle(usize),
    /// `conversation.read`.
    Read(read::Request),
    /// Works the queues off, as often as there is something, up to two records at a time.
    Work,
    /// Finishes what the send of that job left undone, if it left a task.
    Finish(usize),
}

impl Job {
    /// A job that may begin at any time, by a right clock.
    pub fn new(name: &'static str, task: Task) -> Self {
        Self { name, task, when: |_| true, now: NOW }
    }

    /// The same, from when on this holds.
    pub fn when(self, when: fn(&State) -> bool) -> Self {
        Self { when, ..self }
    }

    /// The same by this clock.
    pub fn at(self, now: Timestamp) -> Self {
        Self { now, ..self }
    }
}

impl Scenario {
    /// A world that begins so, with so many calls that may fail and functions that may die.
    pub fn new((faults, deaths): (u8, u8), start: State, jobs: Vec<Job>) -> Self {
        let start = State { faults, deaths, ..start };
        Self { start, jobs, still: |_| false, inline_max: 4, properties: Vec::new() }
    }

    /// These calls stand still.
    pub fn still(self, still: fn(&Call) -> bool) -> Self {
        Self { still, ..self }
    }

    /// These laws hold.
    pub fn holding(mut self, laws: impl IntoIterator<Item = Law>) -> Self {
        self.properties.extend(laws.into_iter().map(|(name, law)| Property::always(name, law)));
        self
    }

    /// These cases are reached.
    pub fn reaching(mut self, cases: impl IntoIterator<Item = Law>) -> Self {
        self.properties.extend(cases.into_iter().map(|(name, case)| Property::sometimes(name, case)));
        self
    }

    /// The drafts of a job that sends.
    pub fn drafts(&self, job: usize) -> &[Draft] {
        match self.jobs.get(job).map(|job| &job.task) {
            Some(Task::Send(request)) => &request.drafts,
            Some(Task::Finish(send)) => self.drafts(*send),
            _ => &[],
        }
    }

    /// Who makes a job's calls.
    pub(crate) fn caller(&self, job: usize) -> Caller<'_> {
        let (user, route) = match &self.jobs[job].task {
            Task::Send(request) => (request.sender, None),
            Task::Append(user, _) => (*user, None),
            Task::Connect(route) | Task::Disconnect(route) | Task::Sweep(route) => (route.user, Some(route)),
            Task::Sync(request) => (request.user, request.route.as_ref()),
            Task::Settle(of) | Task::Finish(of) => (self.caller(*of).user, None),
            Task::Read(request) => (request.user, None),
            Task::Work => (UNREADABLE, None),
        };
        Caller { user, route }
    }

    /// The job's connection, if it has been accepted.
    pub fn accepted(&self, state: &State, job: usize) -> Option<&Route> {
        match (&self.jobs[job].task, &state.runs[job].phase) {
            (Task::Connect(route), Phase::Done(Answer::Connect(connect::Answer::Accepted))) => Some(route),
            _ => None,
        }
    }

    /// What a sync would answer if it ran now, without anything in between, and what it would leave.
    pub fn sync_now(state: &State, request: sync::Request) -> (sync::Answer, State) {
        let mut state = state.clone();
        let (user, route) = (request.user, request.route.clone());
        let caller = Caller { user, route: route.as_ref() };
        let (mut machine, mut step) = Sync::begun(Sync::start(request));
        loop {
            match step {
                Step::Done(Answer::Sync(answer)) => return (answer, state),
                Step::Done(_) => return (sync::Answer::Unavailable, state),
                Step::Call(call) => step = machine.next(state.make(&call, caller, None), NOW),
            }
        }
    }
}

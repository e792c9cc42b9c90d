//! How one moment of a world follows another.

use stateright::{Model, Property};
use tidings_domain::connect::Connect;
use tidings_domain::fan_out::Worker;
use tidings_domain::limits::SEND_DEADLINE_MS;
use tidings_domain::posting::Post;
use tidings_domain::protocol::Step;
use tidings_domain::read::Read;
use tidings_domain::send::{self, Send};
use tidings_domain::settle::Settle;
use tidings_domain::sync::{self, Sync};
use tidings_domain::task;
use tidings_domain::time::Timestamp;

use crate::cast::ours;
use crate::machine::{Answer, Begun as _, Call, Machine, Seen};
use crate::make::{parts, writes};
use crate::scenario::{Job, Scenario, Task};
use crate::state::{Phase, Run, Socket, State, Write};

/// What happens next. The first number is the job's.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Action {
    /// Its call takes effect, and the reply arrives. What is no function just happens.
    Reply(usize),
    /// Its call takes effect, the reply is lost, and the SDK will repeat it.
    LoseReply(usize),
    /// It hears that its call failed. A write may take effect nevertheless, later.
    Fail(usize),
    /// The same, after its deadline.
    TimeOut(usize),
    /// Its call takes effect, and the reply arrives after its deadline.
    ReplyTooLate(usize),
    /// Its function dies. What it wrote last may take effect nevertheless, later.
    Die(usize),
    /// A write takes effect that nobody waits for any more.
    TakeEffect(usize, usize),
    /// The accepted socket comes up.
    ComeUp(usize),
    /// It posts or queues, and this one of its posts or jobs is not taken.
    Refuse(usize, usize, Post),
    /// It receives this record, and perhaps another one after it.
    Receive(usize, u8, Option<u8>),
}

impl Scenario {
    /// Begins every job that may. Beginning alone does nothing, so it may be done at once: the first call can take
    /// effect any time later.
    fn begin(&self, state: &mut State) {
        for (job, Job { task, when, now, .. }) in self.jobs.iter().enumerate() {
            if state.runs[job].phase != Phase::Idle || !when(state) {
                continue;
            }
            if let Task::Sweep(route) = task {
                state.runs[job].phase = Phase::Dead;
                state.runs[job].late.push(Write::Release(route.clone()));
            } else if let Some(started) = self.start(state, task, *now) {
                self.go_on(state, job, started);
            }
        }
    }

    /// The machine of a task that begins by itself, and its first step.
    fn start(&self, state: &State, task: &Task, now: Timestamp) -> Option<(Machine, Step<Call, Answer>)> {
        Some(match task {
            Task::Send(request) => Send::begun(Send::start(request.clone(), self.inline_max, now).ok()?),
            Task::Finish(of) => {
                let mine = |task: &&task::Task| {
                    let task::Task::Send(rest) = task;
                    rest.sender == self.caller(*of).user && self.drafts(*of).starts_with(&rest.drafts)
                };
                let task::Task::Send(rest) = state.tasks.iter().find(mine)?.clone();
                Send::begun(Send::start(rest, self.inline_max, now).ok()?)
            }
            Task::Connect(route) => Connect::begun(Connect::start(route.clone())),
            Task::Sync(request) => Sync::begun(Sync::start(request.clone())),
            Task::Read(request) => Read::begun(Read::start(request.clone(), self.inline_max).ok()?),
            Task::Settle(of) => match &state.runs[*of].phase {
                Phase::Done(Answer::Sync(sync::Answer::Page(page))) => {
                    Settle::begun(Settle::start(page.settle.first()?))
                }
                _ => return None,
            },
            Task::Append(..) | Task::Disconnect(_) | Task::Sweep(_) | Task::Work => return None,
        })
    }

    /// Waits for the next call, or notes the answer. Calls that are still are made at once.
    fn go_on(&self, state: &mut State, job: usize, (mut machine, mut step): (Machine, Step<Call, Answer>)) {
        let (caller, now) = (self.caller(job), self.now(state, job));
        loop {
            match step {
                Step::Call(call) if is_wait(&call) || (self.still)(&call) => {
                    step = machine.next(state.make(&call, caller, None), now);
                }
                Step::Call(call) => {
                    state.runs[job].phase = Phase::Waiting(machine, call);
                    return;
                }
                Step::Done(answer) => return Self::end(state, job, answer),
            }
        }
    }

    /// What follows from an answer.
    fn end(state: &mut State, job: usize, answer: Answer) {
        if let Answer::Worker(done) = answer {
            // A worker is ready for the next batch; what is not done comes again.
            let held = std::mem::take(&mut state.runs[job].held);
            for (record, _) in held.iter().zip(done).filter(|(_, done)| *done) {
                state.queue.remove(record);
            }
            state.runs[job].phase = Phase::Idle;
        } else {
            state.runs[job].phase = Phase::Done(answer);
        }
    }

    /// The waiting run hears `seen`.
    fn hear(&self, state: &mut State, job: usize, seen: Seen) {
        if let Phase::Waiting(mut machine, _) = std::mem::take(&mut state.runs[job].phase) {
            let step = machine.next(seen, self.now(state, job));
            self.go_on(state, job, (machine, step));
        }
    }

    /// The call of the waiting run takes effect.
    fn take_effect(&self, state: &mut State, job: usize, refused: Option<(usize, Post)>) -> Option<Seen> {
        let Phase::Waiting(_, call) = &state.runs[job].phase else { return None };
        let call = call.clone();
        Some(state.make(&call, self.caller(job), refused))
    }

    /// The write of the waiting run is on its way, and nobody will hear of it. That the same write is on its way twice
    /// is no other world: it can do by itself what it does twice.
    fn let_go(state: &mut State, job: usize) {
        let run = &mut state.runs[job];
        if let Phase::Waiting(_, call) = &run.phase
            && writes(call)
            && !run.late.contains(&Write::Call(call.clone()))
        {
            run.late.push(Write::Call(call.clone()));
        }
    }

    /// What a worker may receive: one record or two, in any order. One that another worker holds comes twice, which is
    /// a fault.
    fn receivable(state: &State, job: usize, actions: &mut Vec<Action>) {
        let held = |record: &u8| state.runs.iter().any(|run| run.held.contains(record));
        let records: Vec<_> = state.queue.keys().copied().filter(|record| state.faults > 0 || !held(record)).collect();
        for first in &records {
            actions.push(Action::Receive(job, *first, None));
            let others = records.iter().filter(|second| *second != first);
            actions.extend(others.map(|second| Action::Receive(job, *first, Some(*second))));
        }
    }

    fn receive(&self, state: &mut State, job: usize, records: Vec<u8>) {
        let held = |record: &u8| state.runs.iter().any(|run| run.held.contains(record));
        if records.iter().any(held) {
            state.faults -= 1;
        }
        let jobs = records.iter().filter_map(|record| state.queue.get(record).cloned()).collect();
        let started = Worker::begun(Worker::start(jobs, self.jobs[job].now));
        state.runs[job].held = records;
        self.go_on(state, job, started);
    }

    /// What the clock of the job's function says.
    fn now(&self, state: &State, job: usize) -> Timestamp {
        self.jobs[job].now.plus_millis(if state.runs[job].overdue { SEND_DEADLINE_MS } else { 0 })
    }
}

/// Waiting is nobody else's business.
const fn is_wait(call: &Call) -> bool {
    matches!(call, Call::Send(send::Call::Wait { .. }))
}

impl Model for Scenario {
    type State = State;
    type Action = Action;

    fn init_states(&self) -> Vec<State> {
        let mut state = self.start.clone();
        state.runs = vec![Run::default(); self.jobs.len()];
        self.begin(&mut state);
        vec![state]
    }

    fn actions(&self, state: &State, actions: &mut Vec<Action>) {
        for (job, (run, Job { task, when, .. })) in state.runs.iter().zip(&self.jobs).enumerate() {
            actions.extend((0..run.late.len()).map(|write| Action::TakeEffect(job, write)));
            if self.accepted(state, job).is_some_and(|route| !state.sockets.contains_key(&route.connection)) {
                actions.push(Action::ComeUp(job));
            }
            match (&run.phase, task) {
                (Phase::Waiting(_, call), _) => {
                    actions.push(Action::Reply(job));
                    if state.faults > 0 {
                        actions.push(Action::Fail(job));
                        if writes(call) {
                            actions.push(Action::LoseReply(job));
                        }
                        if matches!(task, Task::Send(_)) && !run.overdue {
                            actions.extend([Action::TimeOut(job), Action::ReplyTooLate(job)]);
                        }
                        for part in 0..parts(call) {
                            actions.push(Action::Refuse(job, part, Post::Failed));
                            actions.push(Action::Refuse(job, part, Post::Slow));
                        }
                    }
                    if state.deaths > 0 {
                        actions.push(Action::Die(job));
                    }
                }
                (Phase::Idle, Task::Append(..) | Task::Disconnect(_)) if when(state) => {
                    actions.push(Action::Reply(job));
                }
                (Phase::Idle, Task::Work) => Self::receivable(state, job, actions),
                (Phase::Idle | Phase::Done(_) | Phase::Dead, _) => {}
            }
        }
    }

    fn next_state(&self, last: &State, action: Action) -> Option<State> {
        let mut state = last.clone();
        match action {
            Action::Reply(job) => match &self.jobs[job].task {
                Task::Append(sender, draft) => {
                    let entry = draft.follow(state.logs.of(ours()).next_back(), ours(), *sender, self.jobs[job].now);
                    state.logs.put(ours(), &entry);
                    state.runs[job].phase = Phase::Dead;
                }
                Task::Disconnect(route) => {
                    state.close(&route.connection);
                    state.runs[job] =
                        Run { phase: Phase::Dead, late: vec![Write::Release(route.clone())], ..Run::default() };
                }
                _ => {
                    let seen = self.take_effect(&mut state, job, None)?;
                    self.hear(&mut state, job, seen);
                }
            },
            Action::Refuse(job, part, post) => {
                state.faults -= 1;
                let seen = self.take_effect(&mut state, job, Some((part, post)))?;
                self.hear(&mut state, job, seen);
            }
            Action::ReplyTooLate(job) => {
                state.faults -= 1;
                let seen = self.take_effect(&mut state, job, None)?;
                state.runs[job].overdue = true;
                self.hear(&mut state, job, seen);
            }
            Action::LoseReply(job) => {
                state.faults -= 1;
                self.take_effect(&mut state, job, None)?;
            }
            Action::Fail(job) => {
                state.faults -= 1;
                Self::let_go(&mut state, job);
                self.hear(&mut state, job, Seen::Failed);
            }
            Action::TimeOut(job) => {
                state.faults -= 1;
                Self::let_go(&mut state, job);
                state.runs[job].overdue = true;
                self.hear(&mut state, job, Seen::Failed);
            }
            Action::Die(job) => {
                state.deaths -= 1;
                Self::let_go(&mut state, job);
                state.runs[job].held.clear();
                let again = matches!(self.jobs[job].task, Task::Work);
                state.runs[job].phase = if again { Phase::Idle } else { Phase::Dead };
            }
            Action::TakeEffect(job, write) => match state.runs[job].late.remove(write) {
                Write::Call(call) => drop(state.make(&call, self.caller(job), None)),
                Write::Release(route) => state.release(&route),
            },
            Action::ComeUp(job) => {
                let connection = self.accepted(&state, job)?.connection.clone();
                state.sockets.insert(connection, Socket::up());
            }
            Action::Receive(job, first, second) => {
                self.receive(&mut state, job, std::iter::once(first).chain(second).collect());
            }
        }
        self.begin(&mut state);
        Some(state)
    }

    fn properties(&self) -> Vec<Property<Self>> {
        self.properties.clone()
    }
}

//! One function's environments, and who works next.
//!
//! Work goes to the environment that was used last, as on Lambda: so the others fall idle and end. An environment
//! that has answered but not yet asked for more counts as nearly free, else every busy moment would start one
//! process too many.

use std::collections::VecDeque;
use std::sync::Arc;

use tokio::sync::oneshot;
use tokio::time::Instant;

use super::environment::{Environment, Phase, Work};
use super::{Function, Host, Invocation, InvokeError, Outcome};
use crate::state::FunctionState;

/// The state of one function's environments.
#[derive(Debug, Default)]
pub(super) struct Pool {
    /// Frozen and waiting for work, the one used last at the end.
    idle: Vec<Parked>,
    /// Invocations that no environment has taken yet.
    waiting: VecDeque<Invocation>,
    /// Environments in all.
    live: usize,
    /// Of those, started and not yet heard of.
    starting: usize,
    /// Of those, done with their work and about to ask for more.
    finishing: usize,
}

/// An environment that has asked for work and waits for the answer.
#[derive(Debug)]
struct Parked {
    environment: Arc<Environment>,
    answer: oneshot::Sender<Work>,
    since: Instant,
}

impl Pool {
    /// Takes note that one more starts, if the line is longer than what comes free and there is room.
    fn claim_start(&mut self, room: usize) -> bool {
        let needed = self.waiting.len() > self.starting + self.finishing && self.live < room;
        if needed {
            self.live += 1;
            self.starting += 1;
            // Whoever waits longest without a start of their own waits for this one.
            if let Some(invocation) = self.waiting.iter_mut().find(|invocation| !invocation.cold) {
                invocation.cold = true;
            }
        }
        needed
    }

    /// An environment goes to another phase; says which it was in.
    pub(super) fn advance(&mut self, environment: &Environment, to: Phase) -> Phase {
        let from = environment.enter(to);
        if from != Phase::Gone {
            self.moved(from, to);
        }
        from
    }

    /// What it is at.
    pub(super) fn state(&self) -> FunctionState {
        let idle = self.idle.len() + self.finishing;
        FunctionState {
            waiting: self.waiting.len(),
            starting: self.starting,
            working: self.live.saturating_sub(self.starting + idle),
            idle,
        }
    }

    fn moved(&mut self, from: Phase, to: Phase) {
        match from {
            Phase::Starting => self.starting -= 1,
            Phase::Finishing => self.finishing -= 1,
            Phase::Ready | Phase::Gone => {}
        }
        match to {
            Phase::Finishing => self.finishing += 1,
            Phase::Gone => self.live -= 1,
            Phase::Starting | Phase::Ready => {}
        }
    }
}

impl Host {
    /// Gives an invocation to an idle environment, or puts it in line and starts one if need be.
    pub(super) fn place(self: &Arc<Self>, function: &Arc<Function>, mut invocation: Invocation) {
        let mut pool = function.lock();
        while let Some(parked) = pool.idle.pop() {
            if parked.answer.is_closed() {
                continue;
            }
            let work = self.begin(&parked.environment, invocation);
            parked.environment.thaw();
            match parked.answer.send(work) {
                Ok(()) => return,
                // It died in this very moment. The next one does it.
                Err(_) => match parked.environment.take_back() {
                    Some(back) => invocation = back,
                    None => return,
                },
            }
        }
        pool.waiting.push_back(invocation);
        drop(pool);
        self.start_where_needed(function);
    }

    /// An environment asks for work: some now, or the promise of some. Frozen if it has to wait.
    pub(super) fn next_work(self: &Arc<Self>, environment: &Arc<Environment>) -> Result<Work, oneshot::Receiver<Work>> {
        let mut pool = environment.function.lock();
        pool.advance(environment, Phase::Ready);
        if let Some(invocation) = pool.waiting.pop_front() {
            return Ok(self.begin(environment, invocation));
        }
        let (answer, work) = oneshot::channel();
        // Under the lock, so that nobody can thaw it before it is frozen.
        environment.freeze();
        pool.idle.push(Parked { environment: Arc::clone(environment), answer, since: Instant::now() });
        Err(work)
    }

    /// Starts environments while the line is longer than what comes free.
    pub(super) fn start_where_needed(self: &Arc<Self>, function: &Arc<Function>) {
        loop {
            if *self.ending.borrow() {
                // Nobody will come for those that wait.
                for invocation in function.lock().waiting.drain(..) {
                    invocation.fail(InvokeError::Ending);
                }
                return;
            }
            if !function.lock().claim_start(self.limits.environments) {
                return;
            }
            if let Err(error) = self.start(function) {
                let how = format!("cannot start {}: {error}", function.spec.binary.display());
                self.loudness.plain(&format!("{}: {how}", function.spec.name));
                let mut pool = function.lock();
                pool.moved(Phase::Starting, Phase::Gone);
                if let Some(invocation) = pool.waiting.pop_front() {
                    invocation.fail(InvokeError::Crashed(how));
                }
            }
        }
    }

    /// An environment's process has ended, in whichever phase, and how.
    pub(super) fn exited(self: &Arc<Self>, environment: &Arc<Environment>, how: String) {
        let function = &environment.function;
        {
            let mut pool = function.lock();
            let was = pool.advance(environment, Phase::Gone);
            pool.idle.retain(|parked| parked.environment.id != environment.id);
            // Who failed to start would fail again: whoever waited for it hears of it, as Lambda does.
            if was == Phase::Starting
                && let Some(invocation) = pool.waiting.pop_front()
            {
                invocation.fail(environment.start_failure(how.clone()));
            }
        }
        environment.finish(None, Err(InvokeError::Crashed(how)));
        self.strike_off(environment);
        self.start_where_needed(function);
    }

    /// Ends environments that have been idle for long. Runs until the end.
    pub(crate) async fn reap_idle(self: Arc<Self>) {
        let age = self.limits.environment_idle;
        let mut rounds = tokio::time::interval(age / 4);
        loop {
            rounds.tick().await;
            for function in self.functions.values() {
                let mut pool = function.lock();
                let is_old = |parked: &Parked| parked.since.elapsed() >= age;
                let (old, young): (Vec<_>, Vec<_>) = std::mem::take(&mut pool.idle).into_iter().partition(is_old);
                pool.idle = young;
                drop(pool);
                for parked in old {
                    parked.environment.kill();
                }
            }
        }
    }
}

impl Invocation {
    fn fail(self, error: InvokeError) {
        // The caller may be gone, and then nobody wants to know.
        let _ = self.reply.send(Outcome { answer: Err(error), billed_ms: 0, cold: self.cold });
    }
}

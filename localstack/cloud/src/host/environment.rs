//! One process of one function.

use std::process::Stdio;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use bytes::Bytes;
use rustix::process::{Pid, Signal, kill_process};
use tokio::process::Command;
use tokio::task::AbortHandle;
use tokio::time::Instant;

use super::{Function, Host, Invocation, InvokeError, Outcome, SECRET, logs};
use crate::caller::{Badge, Caller};
use crate::clock;
use crate::faults::{Fate, Moment};

/// Where an environment is in its life.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Phase {
    /// Started; has not asked for work yet.
    Starting,
    /// Has asked for work, and waits for it or does it.
    Ready,
    /// Has answered; has not asked for more yet.
    Finishing,
    /// Its process has ended.
    Gone,
}

/// One process of a function, serving one invocation at a time.
#[derive(Debug)]
pub(super) struct Environment {
    pub(super) id: u64,
    pub(super) function: Arc<Function>,
    /// Its own, so that the services know for whom it calls.
    pub(super) access_key: String,
    pub(super) badge: Arc<Badge>,
    /// By how many milliseconds its clock is off, if that is injected.
    clock_offset_ms: Option<i64>,
    state: Mutex<State>,
}

#[derive(Debug)]
struct State {
    phase: Phase,
    pid: Option<Pid>,
    current: Option<Current>,
    /// What it said about its failure to start.
    start_error: Option<Bytes>,
}

/// The invocation that it works on.
#[derive(Debug)]
struct Current {
    invocation: Invocation,
    /// How it ends, when it shall not end well.
    fate: Option<Fate>,
    since: Instant,
    timer: AbortHandle,
}

/// What the answer to "next" holds.
#[derive(Debug)]
pub(super) struct Work {
    pub(super) request_id: String,
    pub(super) event: Bytes,
    pub(super) deadline_ms: u64,
}

impl Environment {
    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Goes to another phase; says which it was in. Nothing comes after [`Phase::Gone`].
    pub(super) fn enter(&self, phase: Phase) -> Phase {
        let mut state = self.lock();
        let was = state.phase;
        if was != Phase::Gone {
            state.phase = phase;
        }
        if phase == Phase::Gone {
            state.pid = None;
        }
        was
    }

    /// Its process id, while it lives.
    pub(super) fn pid(&self) -> Option<u32> {
        self.lock().pid.and_then(|pid| u32::try_from(pid.as_raw_nonzero().get()).ok())
    }

    /// Stops all its threads, as Lambda does between calls: background work of a function does not go on.
    pub(super) fn freeze(&self) {
        self.signal(Signal::STOP);
    }

    /// Lets it go on.
    pub(super) fn thaw(&self) {
        self.signal(Signal::CONT);
    }

    /// Ends it, frozen or not.
    pub(super) fn kill(&self) {
        self.signal(Signal::KILL);
    }

    /// Its own clock, by which Lambda, too, tells it its deadline: both are in the same machine.
    fn now_ms(&self) -> u64 {
        clock::now_ms().saturating_add_signed(self.clock_offset_ms.unwrap_or_default())
    }

    fn signal(&self, signal: Signal) {
        if let Some(pid) = self.lock().pid {
            // It may have ended in this moment; then nothing is to be done.
            let _ = kill_process(pid, signal);
        }
    }

    /// Waits until its process has ended.
    pub(super) async fn gone(&self) {
        self.badge.ended().await;
    }

    /// Whether it shall be killed at that moment of what it works on.
    pub(super) fn is_doomed(&self, moment: Moment) -> bool {
        self.lock().current.as_ref().and_then(|current| current.fate).is_some_and(|fate| fate.moment() == moment)
    }

    /// Takes an invocation back that it never got to see.
    pub(super) fn take_back(&self) -> Option<Invocation> {
        let current = self.lock().current.take()?;
        current.timer.abort();
        Some(current.invocation)
    }

    /// Its work is done, one way or the other; `false` if it wasn't working on that request.
    pub(super) fn finish(&self, request_id: Option<&str>, answer: Result<Bytes, InvokeError>) -> bool {
        let current = {
            let mut state = self.lock();
            let asked_for = |current: &Current| request_id.is_none_or(|id| id == current.invocation.request_id);
            if !state.current.as_ref().is_some_and(asked_for) {
                return false;
            }
            state.current.take()
        };
        let Some(current) = current else { return false };
        current.timer.abort();
        // Whatever it still calls for in the background belongs to nobody, and is no step of what comes next.
        self.badge.fuse().set(None);
        // Lambda bills whole milliseconds, begun ones too.
        let billed_ms = u64::try_from(current.since.elapsed().as_micros().div_ceil(1000)).unwrap_or(u64::MAX);
        let cold = current.invocation.cold;
        // The caller may be gone; the work is done and paid for all the same.
        let _ = current.invocation.reply.send(Outcome { answer, billed_ms, cold });
        true
    }

    /// Takes down what it said about its failure to start.
    pub(super) fn note_start_error(&self, error: Bytes) {
        self.lock().start_error = Some(error);
    }

    /// Why it did not start: its own words if there were any.
    pub(super) fn start_failure(&self, how: String) -> InvokeError {
        self.lock().start_error.take().map_or(InvokeError::Crashed(how), InvokeError::Function)
    }
}

impl Host {
    /// Starts a process. It will ask for work by itself.
    pub(super) fn start(self: &Arc<Self>, function: &Arc<Function>) -> std::io::Result<()> {
        let id = self.next_environment.fetch_add(1, std::sync::atomic::Ordering::Relaxed);
        let access_key = format!("LOCAL{id}");
        let environment = Arc::new(Environment {
            id,
            function: Arc::clone(function),
            badge: Arc::new(Badge::new(&function.spec.name)),
            state: Mutex::new(State { phase: Phase::Starting, pid: None, current: None, start_error: None }),
            access_key,
            clock_offset_ms: self.front.faults().clock_offset_ms(),
        });
        // Before its process, which may ask for work before this thread is scheduled again.
        self.enlist(&environment);
        let spawned = Command::new(&function.spec.binary)
            .env_clear()
            .envs(&self.variables)
            .envs(&function.spec.own)
            .envs(self.own_variables(&environment))
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            // Its own group: Ctrl-C in the terminal is ours to handle. And when we are killed without a chance to
            // end it, the kernel finds a stopped process in an orphaned group and sends it SIGHUP and SIGCONT; one
            // that runs ends by itself, as its connection to the Runtime API is broken.
            .process_group(0)
            .kill_on_drop(true)
            .spawn();
        let mut child = match spawned {
            Ok(child) => child,
            Err(error) => {
                self.strike_off(&environment);
                environment.badge.end();
                return Err(error);
            }
        };
        environment.lock().pid = child.id().and_then(|pid| i32::try_from(pid).ok()).and_then(Pid::from_raw);
        // Whoever ended everything may have looked before there was a process to end.
        if *self.ending.borrow() {
            environment.kill();
        }
        self.loudness.verbose(&format!("{}: environment {id} starts", function.spec.name));
        if let Some(stdout) = child.stdout.take() {
            tokio::spawn(logs::follow(stdout, Arc::clone(&environment), Arc::clone(&self.front), self.loudness));
        }
        if let Some(stderr) = child.stderr.take() {
            tokio::spawn(logs::follow(stderr, Arc::clone(&environment), Arc::clone(&self.front), self.loudness));
        }
        let host = Arc::clone(self);
        tokio::spawn(async move {
            let starts_in_time = tokio::time::sleep(host.limits.init_timeout);
            tokio::pin!(starts_in_time);
            let mut watched = true;
            let status = loop {
                tokio::select! {
                    status = child.wait() => break status,
                    () = environment.badge.fuse().blown() => environment.kill(),
                    () = &mut starts_in_time, if watched => {
                        watched = false;
                        if environment.lock().phase == Phase::Starting {
                            environment.kill();
                        }
                    }
                }
            };
            let how = status.map_or_else(|error| error.to_string(), |status| status.to_string());
            host.loudness
                .verbose(&format!("{}: environment {} ended: {how}", environment.function.spec.name, environment.id));
            host.exited(&environment, how);
            environment.badge.end();
        });
        Ok(())
    }

    fn enlist(&self, environment: &Arc<Environment>) {
        self.front.badges().admit(&environment.access_key, Arc::clone(&environment.badge));
        let mut environments = self.environments.lock().unwrap_or_else(PoisonError::into_inner);
        environments.insert(environment.id, Arc::clone(environment));
    }

    pub(super) fn strike_off(&self, environment: &Environment) {
        self.environments.lock().unwrap_or_else(PoisonError::into_inner).remove(&environment.id);
        self.front.badges().dismiss(&environment.access_key);
    }

    /// What only this environment finds among its variables.
    fn own_variables(&self, environment: &Environment) -> Vec<(&'static str, String)> {
        let Environment { id, function, access_key, clock_offset_ms, .. } = environment;
        let name = &function.spec.name;
        let offset = clock_offset_ms.map(|offset_ms| ("CLOCK_OFFSET_MS", offset_ms.to_string()));
        let fixed = [
            ("AWS_ACCESS_KEY_ID", access_key.clone()),
            ("AWS_SECRET_ACCESS_KEY", SECRET.to_owned()),
            ("AWS_LAMBDA_RUNTIME_API", format!("http://{}/{id}", self.runtime_api)),
            ("AWS_LAMBDA_FUNCTION_NAME", name.clone()),
            ("AWS_LAMBDA_FUNCTION_MEMORY_SIZE", function.spec.manifest.memory_mb.to_string()),
            ("AWS_LAMBDA_FUNCTION_VERSION", "$LATEST".to_owned()),
            ("AWS_LAMBDA_LOG_GROUP_NAME", format!("/aws/lambda/{name}")),
            ("AWS_LAMBDA_LOG_STREAM_NAME", format!("local/[$LATEST]{id}")),
            ("AWS_LAMBDA_INITIALIZATION_TYPE", "on-demand".to_owned()),
            ("AWS_EXECUTION_ENV", "AWS_Lambda_provided.al2023".to_owned()),
            ("_HANDLER", "bootstrap".to_owned()),
            ("LAMBDA_TASK_ROOT", "/".to_owned()),
            ("PATH", "/usr/local/bin:/usr/bin:/bin".to_owned()),
        ];
        fixed.into_iter().chain(offset).collect()
    }

    /// From now on the environment works on the invocation: its clock runs.
    pub(super) fn begin(self: &Arc<Self>, environment: &Arc<Environment>, invocation: Invocation) -> Work {
        let timeout = Duration::from_secs(environment.function.spec.manifest.timeout_s.into());
        let work = Work {
            request_id: invocation.request_id.clone(),
            event: invocation.event.clone(),
            deadline_ms: environment.now_ms() + u64::try_from(timeout.as_millis()).unwrap_or_default(),
        };
        let Caller { exposed, use_case, .. } = &invocation.caller;
        let fate = if *exposed { self.front.faults().fate(&environment.function.spec.name, use_case) } else { None };
        environment.badge.begin(invocation.caller.clone(), fate);
        let timer = {
            let host = Arc::clone(self);
            let environment = Arc::clone(environment);
            let request_id = invocation.request_id.clone();
            tokio::spawn(async move {
                tokio::time::sleep(timeout).await;
                if environment.finish(Some(&request_id), Err(InvokeError::TimedOut)) {
                    let name = &environment.function.spec.name;
                    host.loudness
                        .plain(&format!("{name}: timed out after {} s, its process is ended", timeout.as_secs()));
                    environment.kill();
                }
            })
        };
        let timer = timer.abort_handle();
        environment.lock().current = Some(Current { invocation, fate, since: Instant::now(), timer });
        work
    }
}

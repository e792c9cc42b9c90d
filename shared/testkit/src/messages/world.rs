//! Sockets and queues in memory.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};

use tidings_application::error::PortError;
use tidings_application::ports::{FanOutQueue, Gateway, RetryQueue, TaskQueue};
use tidings_domain::delivery::{Event, FanOut};
use tidings_domain::ids::ConnectionId;
use tidings_domain::posting::{Post, Retry};
use tidings_domain::task::Task;

/// A gateway that takes every post, unless it is told how a connection answers.
#[derive(Clone, Debug, Default)]
pub struct FakeGateway(Arc<Mutex<GatewayState>>);

#[derive(Debug, Default)]
struct GatewayState {
    answers: BTreeMap<ConnectionId, Post>,
    posts: Vec<(ConnectionId, Vec<Event>)>,
    closed: Vec<ConnectionId>,
}

impl FakeGateway {
    /// From now on posts to this connection are answered so.
    pub fn answers(&self, connection: &ConnectionId, post: Post) {
        self.with(|state| state.answers.insert(connection.clone(), post));
    }

    /// The posts that were taken, in order; forgets them.
    pub fn take_posts(&self) -> Vec<(ConnectionId, Vec<Event>)> {
        self.with(|state| std::mem::take(&mut state.posts))
    }

    /// The connections that were closed, in order.
    pub fn closed(&self) -> Vec<ConnectionId> {
        self.with(|state| state.closed.clone())
    }

    fn with<T>(&self, act: impl FnOnce(&mut GatewayState) -> T) -> T {
        act(&mut self.0.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

impl Gateway for FakeGateway {
    async fn post(&self, connection: &ConnectionId, events: &[Event]) -> Post {
        self.with(|state| {
            let answer = state.answers.get(connection).copied().unwrap_or(Post::Taken);
            if answer == Post::Taken {
                state.posts.push((connection.clone(), events.to_vec()));
            }
            answer
        })
    }

    async fn close(&self, connection: &ConnectionId) -> Result<(), PortError> {
        self.with(|state| state.closed.push(connection.clone()));
        Ok(())
    }
}

/// Queues that keep what they are given.
#[derive(Clone, Debug, Default)]
pub struct FakeQueue(Arc<Mutex<QueueState>>);

#[derive(Debug, Default)]
struct QueueState {
    fan_outs: Vec<FanOut>,
    retries: Vec<Retry>,
    tasks: Vec<Task>,
    broken: bool,
}

impl FakeQueue {
    /// Jobs for everybody in a conversation; forgets them.
    pub fn take_fan_outs(&self) -> Vec<FanOut> {
        self.with(|state| std::mem::take(&mut state.fan_outs))
    }

    /// Jobs for connections that could not be reached; forgets them.
    pub fn take_retries(&self) -> Vec<Retry> {
        self.with(|state| std::mem::take(&mut state.retries))
    }

    /// Requests that stopped half-way; forgets them.
    pub fn take_tasks(&self) -> Vec<Task> {
        self.with(|state| std::mem::take(&mut state.tasks))
    }

    /// From now on it takes nothing, or takes everything again.
    pub fn breaks(&self, broken: bool) {
        self.with(|state| state.broken = broken);
    }

    fn with<T>(&self, act: impl FnOnce(&mut QueueState) -> T) -> T {
        act(&mut self.0.lock().unwrap_or_else(PoisonError::into_inner))
    }

    fn keep(&self, act: impl FnOnce(&mut QueueState)) -> Result<(), PortError> {
        self.with(|state| {
            if state.broken {
                return Err(PortError::retryable("the queue is broken"));
            }
            act(state);
            Ok(())
        })
    }
}

impl FanOutQueue for FakeQueue {
    async fn fan_out(&self, job: &FanOut) -> Result<(), PortError> {
        self.keep(|state| state.fan_outs.push(job.clone()))
    }
}

impl RetryQueue for FakeQueue {
    async fn retry(&self, job: &Retry) -> Result<(), PortError> {
        self.keep(|state| state.retries.push(job.clone()))
    }
}

impl TaskQueue for FakeQueue {
    async fn finish(&self, task: &Task) -> Result<(), PortError> {
        self.keep(|state| state.tasks.push(task.clone()))
    }
}

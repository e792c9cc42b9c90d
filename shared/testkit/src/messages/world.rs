//! Sockets and queues in memory.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};

use tidings_application::error::PortError;
use tidings_application::ports::{FanOutQueue, Gateway, RetryQueue};
use tidings_domain::delivery::{Event, FanOut, Post, Retry};
use tidings_domain::ids::ConnectionId;

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
pub struct FakeQueue(Arc<Mutex<(Vec<FanOut>, Vec<Retry>)>>);

impl FakeQueue {
    /// Jobs for everybody in a conversation; forgets them.
    pub fn take_fan_outs(&self) -> Vec<FanOut> {
        std::mem::take(&mut self.0.lock().unwrap_or_else(PoisonError::into_inner).0)
    }

    /// Jobs for connections that could not be reached; forgets them.
    pub fn take_retries(&self) -> Vec<Retry> {
        std::mem::take(&mut self.0.lock().unwrap_or_else(PoisonError::into_inner).1)
    }
}

impl FanOutQueue for FakeQueue {
    async fn fan_out(&self, job: &FanOut) -> Result<(), PortError> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).0.push(job.clone());
        Ok(())
    }
}

impl RetryQueue for FakeQueue {
    async fn retry(&self, job: &Retry) -> Result<(), PortError> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).1.push(job.clone());
        Ok(())
    }
}

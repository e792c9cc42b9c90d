//! Delivery: posts, sweeps of dead routes, and another try for what failed.

use futures_util::future::try_join_all;
use futures_util::stream::{self, StreamExt};
use tidings_domain::delivery::{self, Call, Event, FanOut, Post, Retry, Seen};
use tidings_domain::ids::UserId;
use tidings_domain::membership;
use tidings_domain::route::Route;

use crate::clock::Clock;
use crate::error::PortError;
use crate::ports::{FanOutQueue, Gateway, RetryQueue, RouteRead, RouteWrite};

/// Posts in flight at once per delivery. With a round trip of 10 ms that is 1,600 posts/s, a sixth of an account's
/// default; more would only wait at the gateway.
const POSTS_IN_FLIGHT: usize = 16;

/// Posts events to connections.
#[derive(Debug)]
pub struct Deliver<G, R, Q, C> {
    /// The sockets.
    pub gateway: G,
    /// The routes that a Gone sweeps.
    pub routes: R,
    /// Where a failed post goes, and what must reach too many.
    pub queue: Q,
    /// The time.
    pub clock: C,
}

impl<G: Gateway, R: RouteWrite, Q: RetryQueue, C: Clock> Deliver<G, R, Q, C> {
    /// Posts `events` to each route, sweeps what is gone for good and queues what failed. An error means that some of
    /// it could be neither posted nor queued.
    pub async fn to(&self, routes: Vec<Route>, events: Vec<Event>) -> Result<(), PortError> {
        let failed = self.post(routes, &events).await;
        if failed.is_empty() {
            return Ok(());
        }
        self.queue.retry(&Retry { routes: failed, events }).await
    }

    /// Works a retry job off. An error means that nobody was reached: the record is to be delivered again. When some
    /// were, the rest becomes a job of its own, so that nobody gets the events twice for others' sake.
    pub async fn again(&self, job: Retry) -> Result<(), PortError> {
        let now = self.clock.now();
        let routes = delivery::reachable(job.routes, None, now);
        let tried = routes.len();
        let failed = self.post(routes, &job.events).await;
        match failed.len() {
            0 => Ok(()),
            all if all == tried => Err(PortError::retryable("no connection of the job could be reached")),
            _ => self.queue.retry(&Retry { routes: failed, events: job.events }).await,
        }
    }

    /// The routes that could not be reached.
    async fn post(&self, routes: Vec<Route>, events: &[Event]) -> Vec<Route> {
        let post = |route: Route| async move {
            match self.gateway.post(&route.connection, events).await {
                Post::Taken => None,
                Post::Failed => Some(route),
                Post::Gone => {
                    if route.gone_is_final(self.clock.now()) {
                        // A sweep that fails leaves the route to the next Gone, or to its expiry.
                        drop(self.routes.release(route.user, &route.device, &route.connection).await);
                    }
                    None
                }
            }
        };
        stream::iter(routes).map(post).buffer_unordered(POSTS_IN_FLIGHT).filter_map(std::future::ready).collect().await
    }
}

impl<G, R, Q, C> Deliver<G, R, Q, C>
where
    G: Gateway,
    R: RouteRead + RouteWrite,
    Q: FanOutQueue + RetryQueue,
    C: Clock,
{
    /// Makes one call of a protocol that delivers.
    pub async fn make(&self, call: Call) -> Result<Seen, PortError> {
        Ok(match call {
            Call::ReadRoutes(users) => Seen::Routes(self.routes_of(users).await?),
            Call::Post(routes, events) => {
                self.to(routes, events).await?;
                Seen::Delivered
            }
            Call::Queue(job) => {
                self.queue.fan_out(&job).await?;
                Seen::Delivered
            }
        })
    }
}

impl<G: Gateway, R: RouteRead + RouteWrite, Q: RetryQueue, C: Clock> Deliver<G, R, Q, C> {
    /// Works a fan-out job off: reads who is online now and posts. An error means that the job is to be delivered
    /// again.
    pub async fn fan_out(&self, job: FanOut) -> Result<(), PortError> {
        let routes = self.routes_of(membership::people(job.conversation)).await?;
        let routes = delivery::reachable(routes, job.except.as_ref(), self.clock.now());
        self.to(routes, job.events).await
    }

    async fn routes_of(&self, users: Vec<UserId>) -> Result<Vec<Route>, PortError> {
        let reads = users.into_iter().map(|user| self.routes.of(user));
        Ok(try_join_all(reads).await?.concat())
    }
}

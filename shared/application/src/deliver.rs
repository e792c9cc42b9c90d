//! Delivery: drives [`tidings_domain::posting::Posting`] for a sender and [`tidings_domain::fan_out::Worker`] for the
//! queues.

use std::pin::pin;

use futures_util::future::{join_all, try_join_all};
use futures_util::stream::{self, StreamExt};
use tidings_domain::delivery::{self, Event};
use tidings_domain::fan_out::{self, Job, Worker};
use tidings_domain::ids::UserId;
use tidings_domain::limits::INLINE_POSTING_MS;
use tidings_domain::posting::{self, Parcel, Post, Posting};
use tidings_domain::route::Route;
use tidings_domain::time::Timestamp;

use crate::clock::Clock;
use crate::drive::drive;
use crate::error::PortError;
use crate::pace::Pace;
use crate::ports::{FanOutQueue, Gateway, MemberRead, RetryQueue, RouteRead, RouteWrite};

/// Posts in flight at once per delivery. With a round trip of 10 ms that is 1,600 posts/s, a sixth of an account's
/// default; more would only wait at the gateway.
const POSTS_IN_FLIGHT: usize = 16;

/// Posts events to connections.
#[derive(Debug)]
pub struct Deliver<G, R, Q, C> {
    /// The sockets.
    pub gateway: G,
    /// Who is reached where.
    pub routes: R,
    /// Where a failed post goes, and what must reach too many.
    pub queue: Q,
    /// The time.
    pub clock: C,
    /// How fast it may post.
    pub pace: Pace,
}

impl<G, R, Q, C> Deliver<G, R, Q, C>
where
    G: Gateway,
    R: RouteRead + RouteWrite,
    Q: FanOutQueue + RetryQueue,
    C: Clock,
{
    /// Makes one call of a protocol that delivers.
    pub async fn make(&self, call: delivery::Call) -> Result<delivery::Seen, PortError> {
        Ok(match call {
            delivery::Call::ReadRoutes(users) => {
                let reads = users.into_iter().map(|user| self.routes.of(user));
                delivery::Seen::Routes(try_join_all(reads).await?.concat())
            }
            delivery::Call::Post(routes, events) => self.to(routes, events).await?,
            delivery::Call::Queue(job) => {
                self.queue.fan_out(&job).await?;
                delivery::Seen::Delivered
            }
        })
    }

    /// Posts `events` to each route and queues what failed. An error means that some of it could be neither posted
    /// nor queued.
    async fn to(&self, routes: Vec<Route>, events: Vec<Event>) -> Result<delivery::Seen, PortError> {
        let until = self.clock.now().plus_millis(INLINE_POSTING_MS);
        let posting = Posting::inline(routes, events);
        let seen_to = drive(posting, &self.clock, |call| self.make_posting(call, until)).await;
        let seen = delivery::Seen::of_posting(&seen_to);
        seen.ok_or_else(|| PortError::retryable("some connections could be neither posted to nor queued"))
    }
}

impl<G, R, Q, C> Deliver<G, R, Q, C>
where
    G: Gateway,
    R: RouteRead + RouteWrite,
    Q: RetryQueue,
    C: Clock,
{
    /// Works a batch of jobs off: whether each is done. The others are to be delivered again. Nothing is posted after
    /// `until`; what is left then is queued.
    pub async fn work(&self, groups: &impl MemberRead, jobs: Vec<Job>, until: Timestamp) -> Vec<bool> {
        let worker = Worker::start(jobs, self.clock.now());
        drive(worker, &self.clock, |call| self.make_fan_out(groups, call, until)).await
    }

    async fn make_fan_out(
        &self,
        groups: &impl MemberRead,
        call: fan_out::Call,
        until: Timestamp,
    ) -> Result<fan_out::Seen, PortError> {
        Ok(match call {
            fan_out::Call::ReadMembers(wanted) => {
                let members = async |(group, buckets)| {
                    let members = groups.members(group, buckets).await.ok()?;
                    Some(members.into_iter().map(|member| (member.user, member.from)).collect())
                };
                fan_out::Seen::Members(join_all(wanted.into_iter().map(members)).await)
            }
            fan_out::Call::ReadRoutes(users) => fan_out::Seen::Routes(self.routes_of_each(users).await),
            fan_out::Call::Posting(call) => fan_out::Seen::Posting(self.make_posting(call, until).await?),
        })
    }

    async fn routes_of_each(&self, users: Vec<UserId>) -> Vec<Option<Vec<Route>>> {
        join_all(users.into_iter().map(async |user| self.routes.of(user).await.ok())).await
    }

    async fn make_posting(&self, call: posting::Call, until: Timestamp) -> Result<posting::Seen, PortError> {
        Ok(match call {
            posting::Call::Post(parcels) => posting::Seen::Posted(self.post(parcels, until).await),
            posting::Call::Queue(jobs) => {
                let queued = join_all(jobs.iter().map(async |job| self.queue.retry(job).await.is_ok())).await;
                posting::Seen::Queued(queued)
            }
            posting::Call::Release(routes) => {
                let releases =
                    routes.iter().map(|route| self.routes.release(route.user, &route.device, &route.connection));
                join_all(releases).await;
                posting::Seen::Released
            }
        })
    }

    /// Posts in the budget; what it has not begun at `until` has failed. A slow connection holds up no other.
    async fn post(&self, parcels: Vec<Parcel>, until: Timestamp) -> Vec<Post> {
        let mut posts = vec![Post::Failed; parcels.len()];
        let post = |(index, parcel): (usize, Parcel)| async move {
            if !self.pace.turn(parcel.frames(), until, &self.clock).await {
                return (index, Post::Failed);
            }
            (index, self.gateway.post(&parcel.route.connection, &parcel.events).await)
        };
        let mut running =
            pin!(stream::iter(parcels.into_iter().enumerate()).map(post).buffer_unordered(POSTS_IN_FLIGHT));
        while let Some((index, outcome)) = running.next().await {
            posts[index] = outcome;
        }
        posts
    }
}

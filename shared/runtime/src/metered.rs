//! Ports that count what passes them. The use cases and the protocols know nothing of it: whatever a metric is about
//! passes a port, with its outcome.

use tidings_application::error::PortError;
use tidings_application::ports::{
    FanOutQueue, Gateway, LogAppend, LogPage, LogRead, Range, RetryQueue, RouteRead, RouteWrite, TaskQueue,
};
use tidings_domain::delivery::{Event, FanOut};
use tidings_domain::ids::{ConnectionId, ConversationId, DeviceId, UserId};
use tidings_domain::log::{Entry, From, Put, Seq, Tail};
use tidings_domain::posting::{Post, Retry};
use tidings_domain::route::{Claim, Route};
use tidings_domain::task::Task;
use tidings_metrics::Metric;

use crate::meter::Meter;

/// A port, and who counts.
#[derive(Clone, Debug)]
pub struct Metered<P> {
    port: P,
    meter: Meter,
}

impl<P> Metered<P> {
    /// Counts what passes `port`.
    pub fn new(port: P, meter: &Meter) -> Self {
        Self { port, meter: meter.clone() }
    }
}

impl<G: Gateway> Gateway for Metered<G> {
    async fn post(&self, connection: &ConnectionId, events: &[Event]) -> Post {
        let post = self.port.post(connection, events).await;
        self.meter.count(
            match post {
                Post::Taken => Metric::PostsTaken,
                Post::Gone => Metric::PostsGone,
                Post::Slow => Metric::PostsSlow,
                Post::Failed => Metric::PostsFailed,
            },
            1,
        );
        if post == Post::Taken {
            for event in events {
                match event {
                    Event::Entry(_, entry) => self.meter.took(Metric::PushLatency, entry.sent_at),
                    Event::Pull { .. } => self.meter.count(Metric::PullHints, 1),
                    Event::Read { .. } | Event::Kicked(_) | Event::Presence(..) | Event::Typing { .. } => {}
                }
            }
        }
        post
    }

    async fn close(&self, connection: &ConnectionId) -> Result<(), PortError> {
        self.port.close(connection).await
    }
}

impl<L: LogRead> LogRead for Metered<L> {
    async fn tail(&self, conversation: ConversationId, from: From, limit: usize) -> Result<Tail, PortError> {
        self.port.tail(conversation, from, limit).await
    }

    async fn page(&self, conversation: ConversationId, range: Range, limit: usize) -> Result<LogPage, PortError> {
        self.meter.count(Metric::Pulls, usize::from(matches!(range, Range::After(_))));
        self.port.page(conversation, range, limit).await
    }

    async fn entry(&self, conversation: ConversationId, seq: Seq) -> Result<Option<Entry>, PortError> {
        self.port.entry(conversation, seq).await
    }
}

impl<L: LogAppend> LogAppend for Metered<L> {
    async fn put(&self, conversation: ConversationId, entry: &Entry) -> Result<Put, PortError> {
        let put = self.port.put(conversation, entry).await?;
        if let Put::Taken(winner) = &put {
            // An earlier attempt of the same message is no conflict.
            let by_another = (winner.sender, winner.client_id) != (entry.sender, entry.client_id);
            self.meter.count(Metric::Conflicts, usize::from(by_another));
        }
        Ok(put)
    }
}

impl<R: RouteRead> RouteRead for Metered<R> {
    async fn of(&self, user: UserId) -> Result<Vec<Route>, PortError> {
        self.port.of(user).await
    }

    async fn get(&self, user: UserId, device: &DeviceId) -> Result<Option<Route>, PortError> {
        self.port.get(user, device).await
    }
}

impl<R: RouteWrite> RouteWrite for Metered<R> {
    async fn claim(&self, route: &Route) -> Result<Claim, PortError> {
        self.port.claim(route).await
    }

    async fn restore(&self, route: &Route) -> Result<Claim, PortError> {
        let claim = self.port.restore(route).await?;
        self.meter.count(Metric::RouteMisses, usize::from(matches!(claim, Claim::Won(_))));
        Ok(claim)
    }

    async fn release(&self, user: UserId, device: &DeviceId, connection: &ConnectionId) -> Result<bool, PortError> {
        self.port.release(user, device, connection).await
    }
}

impl<Q: FanOutQueue> FanOutQueue for Metered<Q> {
    async fn fan_out(&self, job: &FanOut) -> Result<(), PortError> {
        self.port.fan_out(job).await?;
        self.meter.count(Metric::FanOutJobs, 1);
        Ok(())
    }
}

impl<Q: RetryQueue> RetryQueue for Metered<Q> {
    async fn retry(&self, job: &Retry) -> Result<(), PortError> {
        self.port.retry(job).await?;
        self.meter.count(Metric::RetryJobs, 1);
        Ok(())
    }
}

impl<Q: TaskQueue> TaskQueue for Metered<Q> {
    async fn finish(&self, task: &Task) -> Result<(), PortError> {
        self.port.finish(task).await?;
        self.meter.count(Metric::Tasks, 1);
        Ok(())
    }
}

//! `conversation.read`: drives [`tidings_domain::read::Read`].

use tidings_domain::ids::{ConversationId, UserId};
use tidings_domain::log::Seq;
use tidings_domain::membership;
use tidings_domain::read::{Call, Read, Refusal, Request, Seen};

use crate::clock::Clock;
use crate::deliver::Deliver;
use crate::drive::drive;
use crate::error::PortError;
use crate::ports::{FanOutQueue, Gateway, InboxAdvance, InboxRead, LogRead, RetryQueue, RouteRead, RouteWrite};

/// Moves read positions and tells the others.
#[derive(Debug)]
pub struct ReadConversation<L, I, G, R, Q, C> {
    /// The log, for the counters at the position.
    pub log: L,
    /// The inboxes.
    pub inboxes: I,
    /// Delivery.
    pub deliver: Deliver<G, R, Q, C>,
    /// How many connections are posted to while the reader waits.
    pub inline_max: usize,
}

impl<L, I, G, R, Q, C> ReadConversation<L, I, G, R, Q, C>
where
    L: LogRead,
    I: InboxRead + InboxAdvance,
    G: Gateway,
    R: RouteRead + RouteWrite,
    Q: RetryQueue + FanOutQueue,
    C: Clock,
{
    /// Where the reader's position stands now.
    pub async fn run(&self, request: Request) -> Result<Seq, Refusal> {
        let (conversation, user) = (request.conversation, request.user);
        let read = Read::start(request, self.inline_max)?;
        drive(read, &self.deliver.clock, |call| self.make(conversation, user, call)).await
    }

    async fn make(&self, conversation: ConversationId, user: UserId, call: Call) -> Result<Seen, PortError> {
        Ok(match call {
            Call::ReadCounts(seq) => Seen::Counts(self.log.entry(conversation, seq).await?.map(|entry| entry.counts)),
            Call::ReadSpans => {
                let entry = self.inboxes.entry(user, conversation).await?;
                Seen::Spans(membership::spans(conversation, user, entry.as_ref()))
            }
            Call::Advance(position) => {
                let (moved, stands) = self.inboxes.advance(user, conversation, position).await?;
                Seen::Position(moved, stands)
            }
            Call::Deliver(call) => Seen::Deliver(self.deliver.make(call).await?),
        })
    }
}

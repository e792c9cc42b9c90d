//! `message.send`: drives [`tidings_domain::send::Send`].

use futures_util::future::try_join_all;
use tidings_domain::contact::DirectMessages;
use tidings_domain::group::change::Wanted;
use tidings_domain::group::{Group, Member};
use tidings_domain::ids::{ConversationId, UserId};
use tidings_domain::limits::SEARCH_MAX;
use tidings_domain::send::{Call, Refusal, Request, Seen, Send, Sent};

use crate::clock::{Clock, Random};
use crate::deliver::Deliver;
use crate::drive::drive;
use crate::error::PortError;
use crate::ports::{
    FanOutQueue, Gateway, GroupRead, InboxOpen, InboxRead, Introduce, LogAppend, LogRead, RetryQueue, RouteRead,
    RouteWrite, StrangersRead, TaskQueue,
};

/// Appends messages and delivers them.
#[derive(Debug)]
pub struct SendMessages<L, I, P, S, G, R, Q, C> {
    /// The log.
    pub log: L,
    /// The inboxes.
    pub inboxes: I,
    /// What recipients say of strangers.
    pub people: P,
    /// Who may write to whom.
    pub direct: DirectMessages,
    /// The groups.
    pub groups: S,
    /// Delivery, with the routes, the queues and the clock.
    pub deliver: Deliver<G, R, Q, C>,
    /// How many connections are posted to while the sender waits.
    pub inline_max: usize,
}

/// The people of whoever finishes what is in the log already: its sender had leave, so nobody is asked for it.
#[derive(Clone, Copy, Debug, Default)]
pub struct Nobody;

impl Nobody {
    fn asked<T>() -> Result<T, PortError> {
        Err(PortError::fatal("what is in the log already needs nobody's leave"))
    }
}

impl StrangersRead for Nobody {
    async fn takes_strangers(&self, _: UserId) -> Result<Option<bool>, PortError> {
        Self::asked()
    }
}

impl Introduce for Nobody {
    async fn introduce(&self, _: UserId, _: ConversationId) -> Result<bool, PortError> {
        Self::asked()
    }
}

impl<L, I, P, S, G, R, Q, C> SendMessages<L, I, P, S, G, R, Q, C>
where
    L: LogRead + LogAppend,
    I: InboxRead + InboxOpen,
    P: Introduce,
    S: GroupRead,
    G: Gateway,
    R: RouteRead + RouteWrite,
    Q: RetryQueue + FanOutQueue + TaskQueue,
    C: Clock + Random,
{
    /// Answers each draft, in order, or refuses the request as a whole.
    pub async fn run(&self, request: Request) -> Result<Vec<Result<Sent, Refusal>>, Refusal> {
        let (conversation, sender, clock) = (request.conversation, request.sender, &self.deliver.clock);
        let send = Send::start(request, self.inline_max, clock.now())?;
        Ok(drive(send, clock, |call| self.make(conversation, sender, call)).await)
    }

    /// Finishes what an earlier run left in the log. An error means that it could not be done now: the task is to be
    /// delivered again.
    pub async fn finish(&self, unfinished: Request) -> Result<(), PortError> {
        let (conversation, sender, clock) = (unfinished.conversation, unfinished.sender, &self.deliver.clock);
        let make = async |call| match call {
            // The record that brought this task stays in its queue; a second one would only multiply it.
            Call::Finish(_) => Ok(Seen::Queued),
            // What a task is about is in the log already. Whoever finishes has no right to more, and shall not need one
            // where nobody enforces it.
            Call::Put(_) | Call::ReadPermission(_) | Call::ReadAccount(_) | Call::Introduce(_) => {
                Err(PortError::fatal("a task of messages that are not in the log"))
            }
            call => self.make(conversation, sender, call).await,
        };
        let answers = match Send::start(unfinished, self.inline_max, clock.now()) {
            Ok(send) => drive(send, clock, make).await,
            Err(refusal) => vec![Err(refusal)],
        };
        // Far behind the head there is nothing left to do: whoever wrote there since has opened the conversation. Any
        // other refusal is a task that is not finished.
        match answers.into_iter().find_map(Result::err) {
            None | Some(Refusal::Behind) => Ok(()),
            Some(refusal) => Err(PortError::retryable(format!("the messages could not be shown: {refusal:?}"))),
        }
    }

    async fn make(&self, conversation: ConversationId, sender: UserId, call: Call) -> Result<Seen, PortError> {
        Ok(match call {
            Call::ReadLog(from) => {
                // The bound itself is read too: it is the predecessor.
                Seen::Log(self.log.tail(conversation, from, SEARCH_MAX + 1).await?)
            }
            Call::ReadPermission(user) => {
                let entry = self.inboxes.entry(user, conversation).await?;
                Seen::Door(self.direct.verdict(entry.map(|entry| entry.door).unwrap_or_default()))
            }
            Call::ReadAccount(user) => Seen::Owner(self.people.takes_strangers(user).await?),
            Call::Introduce(user) => Seen::Introduced(self.people.introduce(user, conversation).await?),
            Call::ReadStanding => {
                let (group, member) = self.standing(conversation, sender).await?;
                Seen::Standing(group.map(Box::new), member.map(Box::new))
            }
            Call::Put(entry) => Seen::Put(self.log.put(conversation, &entry).await?),
            Call::Wait { bound_ms } => {
                let clock = &self.deliver.clock;
                clock.sleep(clock.up_to(bound_ms)).await;
                Seen::Waited
            }
            Call::ReadInboxes(users) => Seen::Inboxes(self.inboxes.states(&users, conversation).await?),
            Call::Open(users) => {
                try_join_all(users.into_iter().map(|user| self.inboxes.open(user, conversation))).await?;
                Seen::Opened
            }
            Call::Deliver(call) => Seen::Deliver(self.deliver.make(call).await?),
            Call::Finish(task) => {
                self.deliver.queue.finish(&task).await?;
                Seen::Queued
            }
        })
    }

    async fn standing(
        &self,
        conversation: ConversationId,
        sender: UserId,
    ) -> Result<(Option<Group>, Option<Member>), PortError> {
        let ConversationId::Group(group) = conversation else { return Ok((None, None)) };
        let mut state = self.groups.state(group, &Wanted { members: vec![sender], ..Wanted::default() }).await?;
        Ok((state.group, state.members.remove(&sender)))
    }
}

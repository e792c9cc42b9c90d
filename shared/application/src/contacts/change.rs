//! Every change of what two people are to each other: drives [`tidings_domain::change::Change`].

use tidings_domain::change::{Call, Change, Changed, Refusal, Seen};
use tidings_domain::contact::change::{self, Request, State, Told, Write};
use tidings_domain::ids::{ConnectionId, UserId};

use crate::change::{self as common, Made};
use crate::clock::{Clock, Random};
use crate::drive::drive;
use crate::error::PortError;
use crate::ports::{ContactCommit, ContactRead, FanOutQueue, LogRead};

/// Changes contacts.
#[derive(Debug)]
pub struct ChangeContact<L, S, Q, C> {
    /// The logs, of which notices are told.
    pub log: L,
    /// The contacts.
    pub contacts: S,
    /// Where what was told goes on from.
    pub queue: Q,
    /// Time and chance.
    pub clock: C,
    /// What is told, as a body's JSON.
    pub encode: fn(&Told) -> String,
}

impl<L, S, Q, C> ChangeContact<L, S, Q, C>
where
    L: LogRead,
    S: ContactRead + ContactCommit,
    Q: FanOutQueue,
    C: Clock + Random,
{
    /// Makes the change, or finds that it was made. `connection` gets the answer and no push.
    pub async fn run(
        &self,
        request: Request,
        connection: Option<ConnectionId>,
    ) -> Result<Changed, Refusal<change::Refusal>> {
        request.check().map_err(Refusal::Rule)?;
        let (actor, peer) = (request.actor, request.peer);
        let change = Change::start(request, self.encode, connection, self.clock.now())?;
        drive(change, &self.clock, |call| self.make(actor, peer, call)).await
    }

    async fn make(&self, actor: UserId, peer: UserId, call: Call<Write>) -> Result<Seen<State>, PortError> {
        Ok(match common::make(&self.log, &self.queue, &self.clock, call).await? {
            Made::Seen(seen) => seen,
            Made::Read => Seen::State(self.contacts.between(actor, peer).await?),
            Made::Commit(entries, writes) => Seen::Committed(self.contacts.commit(&entries, &writes).await?),
        })
    }
}

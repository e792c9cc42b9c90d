//! Every change of a group: drives [`tidings_domain::change::Change`].

use futures_util::future::try_join_all;
use tidings_domain::change::{Call, Change, Changed, Refusal, Seen};
use tidings_domain::group::Link;
use tidings_domain::group::change::{self, Request, State, Told, Wanted, Write};
use tidings_domain::ids::{ClientId, ConnectionId, GroupId, UserId};

use crate::change::{self as common, Made};
use crate::clock::{Clock, Random};
use crate::doors::Doors;
use crate::drive::drive;
use crate::error::PortError;
use crate::ports::{FanOutQueue, GroupCommit, GroupRead, InboxRead, LinkRead, LogRead, StrangersRead};

/// Changes groups.
#[derive(Debug)]
pub struct ChangeGroup<L, S, I, P, Q, C> {
    /// The logs.
    pub log: L,
    /// The groups.
    pub groups: S,
    /// Who takes messages of whom: they may be brought in without being asked.
    pub doors: Doors<I, P>,
    /// Where what was told goes on from.
    pub queue: Q,
    /// Time and chance.
    pub clock: C,
    /// What is told, as a body's JSON.
    pub encode: fn(&Told) -> String,
}

impl<L, S, I, P, Q, C> ChangeGroup<L, S, I, P, Q, C>
where
    L: LogRead,
    S: GroupRead + GroupCommit + LinkRead,
    I: InboxRead,
    P: StrangersRead,
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
        let change = Change::start(request.clone(), self.encode, connection, self.clock.now())?;
        drive(change, &self.clock, |call| self.make(&request, call)).await
    }

    /// Who owns a group: whom a request to join it is told.
    pub async fn owner(&self, group: GroupId) -> Result<Option<UserId>, PortError> {
        Ok(self.groups.state(group, &Wanted::default()).await?.group.map(|group| group.owner))
    }

    /// The link that this request made, if it is still there.
    pub async fn link(&self, group: GroupId, by: UserId, client_id: ClientId) -> Result<Option<Link>, PortError> {
        let links = self.groups.links(group).await?;
        Ok(links.into_iter().find(|link| link.by == by && link.client_id == client_id))
    }

    async fn make(&self, request: &Request, call: Call<Write>) -> Result<Seen<State>, PortError> {
        Ok(match common::make(&self.log, &self.queue, &self.clock, call).await? {
            Made::Seen(seen) => seen,
            Made::Read => {
                let mut state = self.groups.state(request.group, &request.wanted()).await?;
                let received = async |user: UserId| Ok((user, self.doors.reception(user, request.actor).await?));
                let people = request.people(&state).into_iter();
                state.people = try_join_all(people.map(received)).await?.into_iter().collect();
                Seen::State(state)
            }
            Made::Commit(entries, writes) => {
                Seen::Committed(self.groups.commit(request.group, &entries, &writes).await?)
            }
        })
    }
}

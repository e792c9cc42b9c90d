//! Tells a person's own devices what the person did: drives [`tidings_domain::change::Change`].

use std::convert::Infallible;

use tidings_domain::change::{Call, Change, Changed, Refusal, Seen};
use tidings_domain::contact::change::Write;
use tidings_domain::ids::ConnectionId;
use tidings_domain::notice::{Notice, Open};

use crate::change::{self as common, Made};
use crate::clock::{Clock, Random};
use crate::drive::drive;
use crate::error::PortError;
use crate::ports::{ContactCommit, FanOutQueue, LogRead};

/// Tells people what they did.
#[derive(Clone, Debug)]
pub struct TellOneself<T, L, S, Q, C> {
    /// The logs, of which notices are told.
    pub log: L,
    /// Where notices are written with what they tell.
    pub notices: S,
    /// Where what was told goes on from.
    pub queue: Q,
    /// Time and chance.
    pub clock: C,
    /// What is told, as a body's JSON.
    pub encode: fn(&T) -> String,
}

impl<T, L, S, Q, C> TellOneself<T, L, S, Q, C>
where
    T: Clone + Send + Sync,
    L: LogRead,
    S: ContactCommit,
    Q: FanOutQueue,
    C: Clock + Random,
{
    /// Tells it, or finds that it was told. `connection` knows it, and gets no push.
    pub async fn run(
        &self,
        notice: Notice<T>,
        connection: Option<ConnectionId>,
    ) -> Result<Changed, Refusal<Infallible>> {
        let change = Change::start(notice, self.encode, connection, self.clock.now())?;
        drive(change, &self.clock, |call| self.make(call)).await
    }

    async fn make(&self, call: Call<Open>) -> Result<Seen<()>, PortError> {
        Ok(match common::make(&self.log, &self.queue, &self.clock, call).await? {
            Made::Seen(seen) => seen,
            Made::Read => Seen::State(()),
            Made::Commit(entries, opened) => {
                let writes: Vec<_> = opened.into_iter().map(|Open(user)| Write::Notices(user)).collect();
                Seen::Committed(self.notices.commit(&entries, &writes).await?)
            }
        })
    }
}

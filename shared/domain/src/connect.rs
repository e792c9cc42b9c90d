//! A device comes online. The route is written while `$connect` runs, before the socket is up, so that a sync
//! over it comes later (MEET-1).

use crate::ids::ConnectionId;
use crate::protocol::{self, Protocol};
use crate::route::{Claim, Route};
use crate::time::Timestamp;

/// The next call.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Call {
    /// Write the route on condition that the device has used no ticket, or only older ones.
    Claim(Route),
    /// Close the connection that was replaced.
    Close(ConnectionId),
    /// Delete the route if it is this connection's: the claim's outcome is unknown, and the socket will not come up.
    Release,
}

/// What it showed.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Seen {
    /// Of [`Call::Claim`].
    Claim(Claim),
    /// Of [`Call::Close`], whatever came of it: the loser has no route, so it is deaf anyway.
    Closed,
    /// Of [`Call::Release`], whatever came of it.
    Released,
    /// The claim failed or its outcome is unknown.
    Failed,
}

/// How it ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Answer {
    /// The socket may come up.
    Accepted,
    /// The ticket was used, or the device has connected with a later one: this connection is abandoned.
    Refused,
    /// Try again with a new ticket.
    Unavailable,
}

/// What to do next.
pub type Step = protocol::Step<Call, Answer>;

/// The protocol of `$connect`.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Connect {
    connection: ConnectionId,
}

impl Connect {
    /// Begins with writing the route.
    pub fn start(route: Route) -> (Self, Step) {
        let connection = route.connection.clone();
        (Self { connection }, Step::Call(Call::Claim(route)))
    }
}

impl Protocol for Connect {
    type Call = Call;
    type Seen = Seen;
    type Answer = Answer;
    const FAILED: Seen = Seen::Failed;

    fn next(&mut self, seen: Seen, _: Timestamp) -> Step {
        match seen {
            Seen::Claim(Claim::Won(Some(replaced))) if replaced.connection != self.connection => {
                Step::Call(Call::Close(replaced.connection))
            }
            Seen::Claim(Claim::Won(_)) | Seen::Closed => Step::Done(Answer::Accepted),
            // The SDK repeats a write whose reply was lost: then it was ours that won.
            Seen::Claim(Claim::Lost(Some(current))) if current.connection == self.connection => {
                Step::Done(Answer::Accepted)
            }
            Seen::Claim(Claim::Lost(_)) => Step::Done(Answer::Refused),
            Seen::Failed => Step::Call(Call::Release),
            Seen::Released => Step::Done(Answer::Unavailable),
        }
    }
}

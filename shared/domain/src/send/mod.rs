//! Appending messages: one write each, single for ever, in one order, visible before they are acknowledged.
//!
//! The steps, none of which overlap or swap (each of the ways to reorder them loses or doubles a message):
//!
//! 1. read the log from what the sender knew on: the search for an earlier attempt and the head in one query;
//! 2. read whether the sender may write;
//! 3. put head + 1 on condition that its place is free; a lost place shows the winner;
//! 4. read both inbox entries, open what is not open;
//! 5. read the routes, plan the delivery, and only then acknowledge.
//!
//! In a direct conversation the permission is in the recipient's inbox entry. A stranger's first message asks the
//! recipient's account instead, and leaves the answer in the entry for those that follow.
//!
//! In a group the permission is the sender's membership and the group's state, its members' inbox entries are always open,
//! and who is online is left to the queue's worker.
//!
//! Finding a message in the log replaces step 3 alone. Any call that fails is made again, the same, until the
//! deadline; what is then not known to be done is `unavailable`, and the client sends the same again.

mod answer;
#[cfg(test)]
mod tests;

pub use answer::{Refusal, Sent};

use crate::change::Audience;
use crate::contact::Verdict;
use crate::delivery::{self, Event, FanOut};
use crate::group::permissions::{self, Act, Denied};
use crate::group::{Group, Member};
use crate::ids::{ConnectionId, ConversationId, UserId};
use crate::inbox::HeadState;
use crate::limits::{BATCH_MAX, CLOCK_SKEW_MS, SEND_DEADLINE_MS};
use crate::log::{Draft, Entry, From, Put, Seq, Tail};
use crate::membership;
use crate::protocol::{self, BackOff, Protocol};
use crate::route::Route;
use crate::task::Task;
use crate::time::Timestamp;

/// Who says what where.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Request {
    /// Where.
    pub conversation: ConversationId,
    /// Who, as the authorizer said.
    pub sender: UserId,
    /// The connection that the answer goes to; it gets no push.
    pub connection: Option<ConnectionId>,
    /// The highest seq that the client knew to exist when the first draft entered its outbox.
    pub after: Option<Seq>,
    /// What, in this order.
    pub drafts: Vec<Draft>,
}

/// The next call. All reads are strongly consistent.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Call {
    /// Read the end of the log.
    ReadLog(From),
    /// Read what the inbox entry of this user, the recipient, allows the sender.
    ReadPermission(UserId),
    /// First contact: read whether this user has an account, and takes messages of strangers.
    ReadAccount(UserId),
    /// First contact: write into this user's inbox entry that strangers may write, on condition that it is still so and
    /// that the sender is still one.
    Introduce(UserId),
    /// In a group: read it, and the sender as its member.
    ReadStanding,
    /// Put the entry on condition that its place is free.
    Put(Box<Entry>),
    /// Wait a random time, at most so many milliseconds: doubled with each loss, in units of what an attempt at the place
    /// took, or after a failed call of [`BACKOFF_UNIT_MS`](crate::limits::BACKOFF_UNIT_MS).
    Wait {
        /// The upper bound, up to [`BACKOFF_MAX_MS`](crate::limits::BACKOFF_MAX_MS).
        bound_ms: u64,
    },
    /// Read the state of these users' inbox entries.
    ReadInboxes(Vec<UserId>),
    /// Open these users' inbox entries, creating what is missing.
    Open(Vec<UserId>),
    /// Read the routes, then tell those who are online.
    Deliver(delivery::Call),
    /// Queue the rest of the request as a task: it is in the log, and there is no time left to show it.
    Finish(Task),
}

/// What a call showed.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Seen {
    /// Of [`Call::ReadLog`].
    Log(Tail),
    /// Of [`Call::ReadPermission`].
    Door(Verdict),
    /// Of [`Call::ReadAccount`]: whether strangers may write; `None` if there is no account.
    Owner(Option<bool>),
    /// Of [`Call::Introduce`]: whether it held.
    Introduced(bool),
    /// Of [`Call::ReadStanding`]: both as of one moment.
    Standing(Option<Box<Group>>, Option<Box<Member>>),
    /// Of [`Call::Put`].
    Put(Put),
    /// Of [`Call::Wait`].
    Waited,
    /// Of [`Call::ReadInboxes`], in the order asked; `None` for a missing entry.
    Inboxes(Vec<Option<HeadState>>),
    /// Of [`Call::Open`].
    Opened,
    /// Of [`Call::Deliver`].
    Deliver(delivery::Seen),
    /// Of [`Call::Finish`].
    Queued,
    /// The call failed or its outcome is unknown.
    Failed,
}

/// What to do next.
pub type Step = protocol::Step<Call, Vec<Result<Sent, Refusal>>>;

#[derive(Clone, Debug, PartialEq, Eq, Hash)]
enum State {
    Searching(From),
    AskingPermission(UserId),
    AskingAccount(UserId),
    Introducing(UserId),
    AskingStanding,
    Putting(Box<Entry>),
    ReadingInboxes,
    Opening(Vec<UserId>),
    ReadingRoutes,
    Delivering,
    /// Out of time.
    Leaving,
}

/// A draft that has its place.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
struct Placed {
    entry: Entry,
    duplicate: bool,
}

/// The protocol of `message.send`.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Send {
    request: Request,
    inline_max: usize,
    back_off: BackOff,
    state: State,
    /// The last entry examined. Everything between the search's bound and it is known.
    head: Option<Entry>,
    /// Per draft.
    placed: Vec<Option<Placed>>,
    permitted: bool,
    /// Of a group: whom its messages reach.
    audience: Option<Audience>,
    /// Why the first draft without a place gets none.
    refusal: Option<Refusal>,
    /// Why it gets none, unless an earlier attempt has placed it meanwhile.
    verdict: Option<Refusal>,
}

impl Send {
    /// Begins, or refuses the request as a whole. More connections than `inline_max` are not posted to at once but
    /// through a queue.
    pub fn start(request: Request, inline_max: usize, now: Timestamp) -> Result<(Self, Step), Refusal> {
        check(&request, now)?;
        let bound = match request.after {
            Some(after) => From::Seq(after.max(Seq::FIRST)),
            None => From::Time(earliest(&request.drafts).minus_millis(CLOCK_SKEW_MS)),
        };
        let send = Self {
            back_off: BackOff::new(now, now.plus_millis(SEND_DEADLINE_MS)),
            state: State::Searching(bound),
            head: None,
            placed: vec![None; request.drafts.len()],
            // Nobody needs leave to write notes to themselves.
            permitted: request.conversation.peer(request.sender) == Some(request.sender),
            audience: None,
            refusal: None,
            verdict: None,
            inline_max,
            request,
        };
        let step = Step::Call(send.call());
        Ok((send, step))
    }

    fn call(&self) -> Call {
        match &self.state {
            State::Searching(from) => Call::ReadLog(*from),
            State::AskingPermission(user) => Call::ReadPermission(*user),
            State::AskingAccount(user) => Call::ReadAccount(*user),
            State::Introducing(user) => Call::Introduce(*user),
            State::AskingStanding => Call::ReadStanding,
            State::Putting(entry) => Call::Put(entry.clone()),
            State::ReadingInboxes => Call::ReadInboxes(self.people()),
            State::Opening(users) => Call::Open(users.clone()),
            State::ReadingRoutes | State::Delivering => Call::Deliver(if self.is_in_group() {
                delivery::Call::Queue(self.job())
            } else {
                delivery::Call::ReadRoutes(self.people())
            }),
            State::Leaving => Call::Finish(self.rest()),
        }
    }

    fn enter(&mut self, state: State) -> Step {
        self.state = state;
        Step::Call(self.call())
    }

    /// Step 1, and every later look at the log: learn the head, and which drafts an earlier attempt placed.
    fn examine(&mut self, tail: Tail, now: Timestamp) -> Step {
        if tail.truncated {
            return self.turn_away(Refusal::Behind);
        }
        let first_search = self.head.is_none() && self.verdict.is_none();
        let placed = self.accepted().count();
        for entry in tail.entries {
            self.learn(entry, true);
        }
        if let Some(refusal) = self.verdict.take().filter(|_| self.accepted().count() == placed) {
            return self.refuse(refusal);
        }
        match (self.request.after, &self.head) {
            // `after` is what the client knew to exist; a log that ends below it is not the log it knew.
            (Some(after), head) if first_search && head.as_ref().map_or(Seq::NONE, |entry| entry.seq) < after => {
                self.turn_away(Refusal::AfterAboveHead)
            }
            _ => self.place_next(now),
        }
    }

    fn learn(&mut self, entry: Entry, duplicate: bool) {
        if self.head.as_ref().is_some_and(|head| head.seq >= entry.seq) {
            return;
        }
        if entry.kind.changes_permissions() {
            self.permitted = self.request.conversation.peer(self.request.sender) == Some(self.request.sender);
        }
        if entry.sender == self.request.sender
            && let Some(index) = self.request.drafts.iter().position(|draft| draft.client_id == entry.client_id)
        {
            let placed = Placed { entry: entry.clone(), duplicate };
            // The first one counts; there is no second one to be had.
            self.placed[index].get_or_insert(placed);
        }
        self.head = Some(entry);
    }

    /// Steps 2 and 3 for the first draft that has no place, step 4 when there is none.
    fn place_next(&mut self, now: Timestamp) -> Step {
        let drafts = self.request.drafts.iter().zip(&self.placed);
        let stop = drafts.enumerate().find_map(|(index, (draft, placed))| match placed {
            Some(placed) if placed.entry.body.hash == draft.body.hash => None,
            Some(_) => Some((index, Some(Refusal::Conflict))),
            None => Some((index, None)),
        });
        match stop {
            None => self.show(),
            Some((_, Some(conflict))) => self.refuse(conflict),
            Some((index, None)) => match self.request.conversation.peer(self.request.sender) {
                Some(recipient) if !self.permitted => self.enter(State::AskingPermission(recipient)),
                None if !self.permitted => self.enter(State::AskingStanding),
                _ => {
                    let Request { conversation, sender, .. } = self.request;
                    let entry = self.request.drafts[index].follow(self.head.as_ref(), conversation, sender, now);
                    self.back_off.begin(now);
                    self.enter(State::Putting(Box::new(entry)))
                }
            },
        }
    }

    fn put(&mut self, put: Put, now: Timestamp) -> Step {
        let State::Putting(wanted) = &self.state else { return self.retry(now) };
        match put {
            Put::Stored => {
                let entry = Entry::clone(wanted);
                // The next draft's losses are its own: a batch must not wait ever longer because it is long.
                self.back_off.won();
                self.learn(entry, false);
                self.place_next(now)
            }
            Put::Taken(winner) => {
                // Our own is an earlier attempt, or this very put whose reply was lost: the two cannot be told
                // apart, so both are called a duplicate.
                let own = winner.sender == wanted.sender && winner.client_id == wanted.client_id;
                let next = winner.seq;
                self.learn(*winner, true);
                if own {
                    return self.place_next(now);
                }
                // Query on from the last examined entry, never from the head alone: what lies between may be ours.
                self.state = State::Searching(From::Seq(next));
                // An attempt is a query and a put.
                Step::Call(Call::Wait { bound_ms: self.back_off.collided(now) })
            }
        }
    }

    /// Waits, then makes the call of the present state again.
    fn retry(&mut self, now: Timestamp) -> Step {
        Step::Call(Call::Wait { bound_ms: self.back_off.failed(now) })
    }

    /// Stops placing drafts; those that have a place are still made visible before they are acknowledged.
    fn refuse(&mut self, refusal: Refusal) -> Step {
        self.refusal = Some(refusal);
        if self.accepted().next().is_some() { self.show() } else { self.answer() }
    }

    /// Refuses by what the log shows, which in a group is for members to know (SEE-1).
    fn turn_away(&mut self, refusal: Refusal) -> Step {
        let step = self.refuse(refusal);
        if self.is_in_group() && self.accepted().next().is_none() { self.enter(State::AskingStanding) } else { step }
    }

    fn show(&mut self) -> Step {
        match (self.is_in_group(), &self.audience) {
            (false, _) => self.enter(State::ReadingInboxes),
            // All of it was found in the log: nobody has asked yet.
            (true, None) => self.enter(State::AskingStanding),
            (true, Some(_)) => self.enter(State::Delivering),
        }
    }

    const fn is_in_group(&self) -> bool {
        matches!(self.request.conversation, ConversationId::Group(_))
    }

    /// Step 2 in a group. A member who is removed, muted or unmuted meanwhile is told by an entry, and then this is read
    /// again.
    fn stand(&mut self, group: Option<&Group>, sender: Option<&Member>, now: Timestamp) -> Step {
        let buckets = group.map_or(0, |group| group.buckets);
        self.audience = Some(Audience { buckets, also: Vec::new() });
        let check = permissions::check(Act::Write, group, sender, None, now);
        if self.refusal.is_some() && self.accepted().next().is_none() {
            return if check == Err(Denied::NotAMember) {
                self.refuse(Denied::NotAMember.into())
            } else {
                self.answer()
            };
        }
        match check {
            // What is in the log already was permitted then.
            Err(denied) if self.accepted().count() < self.request.drafts.len() => self.doubt(denied.into()),
            Ok(()) | Err(_) => {
                self.permitted = true;
                self.place_next(now)
            }
        }
    }

    /// The permission is younger than the log that was searched: another attempt may have placed the message while it was
    /// given. It is searched for once more.
    fn doubt(&mut self, refusal: Refusal) -> Step {
        self.verdict = Some(refusal);
        let seen = self.head.as_ref().map_or(Seq::FIRST, |head| head.seq);
        self.enter(State::Searching(From::Seq(seen)))
    }

    fn deliver(&mut self, routes: Vec<Route>, now: Timestamp) -> Step {
        let job = self.job();
        self.state = State::Delivering;
        match delivery::plan(routes, job, self.inline_max, now) {
            Some(call) => Step::Call(Call::Deliver(call)),
            None => self.answer(),
        }
    }

    fn job(&self) -> FanOut {
        let conversation = self.request.conversation;
        let events = self.accepted().map(|placed| Event::Entry(conversation, placed.entry.clone())).collect();
        let audience = self.audience.clone().unwrap_or_default();
        FanOut { conversation, events, except: self.request.connection.clone(), audience }
    }

    /// Out of time. Whatever is in the log may not be visible yet, so nothing is acknowledged: the same again finds
    /// it. Should the sender never come back, the task shows it.
    fn leave(&mut self, seen: Seen) -> Step {
        match (&self.state, seen) {
            (State::Putting(wanted), Seen::Put(Put::Stored)) => self.learn(Entry::clone(wanted), false),
            (State::Putting(_), Seen::Put(Put::Taken(winner))) => self.learn(*winner, true),
            (State::Searching(_), Seen::Log(tail)) => {
                tail.entries.into_iter().for_each(|entry| self.learn(entry, true));
            }
            _ => {}
        }
        if self.state != State::Leaving && self.accepted().next().is_some() {
            return self.enter(State::Leaving);
        }
        Step::Done(vec![Err(Refusal::Unavailable); self.request.drafts.len()])
    }

    /// The request again, with nothing in it but what is in the log: to finish it appends nothing.
    fn rest(&self) -> Task {
        let placed = self.accepted().count();
        let drafts = self.request.drafts[..placed].to_vec();
        Task::Send(Request { connection: None, drafts, ..self.request.clone() })
    }

    fn people(&self) -> Vec<UserId> {
        membership::people(self.request.conversation)
    }

    /// The drafts that will be acknowledged: those before the first without a place or with another body.
    fn accepted(&self) -> impl Iterator<Item = &Placed> {
        self.placed
            .iter()
            .zip(&self.request.drafts)
            .map_while(|(placed, draft)| placed.as_ref().filter(|placed| placed.entry.body.hash == draft.body.hash))
    }

    fn answer(&self) -> Step {
        let mut results: Vec<_> = self.accepted().map(|placed| Ok(Sent::of(&placed.entry, placed.duplicate))).collect();
        let count = self.request.drafts.len();
        if results.len() < count {
            results.push(Err(self.refusal.unwrap_or(Refusal::Unavailable)));
            results.resize(count, Err(Refusal::NotTried));
        }
        Step::Done(results)
    }
}

impl Protocol for Send {
    type Call = Call;
    type Seen = Seen;
    type Answer = Vec<Result<Sent, Refusal>>;
    const FAILED: Seen = Seen::Failed;

    fn next(&mut self, seen: Seen, now: Timestamp) -> Step {
        if self.state == State::Leaving || (self.back_off.is_late(now) && self.state != State::Delivering) {
            return self.leave(seen);
        }
        match (&self.state, seen) {
            (_, Seen::Waited) => {
                self.back_off.begin(now);
                Step::Call(self.call())
            }
            (State::Searching(_), Seen::Log(tail)) => self.examine(tail, now),
            (State::AskingPermission(_), Seen::Door(Verdict::Welcome))
            | (State::Introducing(_), Seen::Introduced(true)) => {
                self.permitted = true;
                self.place_next(now)
            }
            (State::AskingPermission(_), Seen::Door(Verdict::Unwelcome))
            | (State::AskingAccount(_), Seen::Owner(Some(false))) => self.refuse(Refusal::Unwelcome),
            (State::AskingPermission(recipient), Seen::Door(Verdict::Ask)) => {
                self.enter(State::AskingAccount(*recipient))
            }
            (State::AskingAccount(recipient), Seen::Owner(Some(true))) => self.enter(State::Introducing(*recipient)),
            (State::AskingAccount(_), Seen::Owner(None)) => self.refuse(Refusal::NoSuchUser),
            // The recipient has changed their mind meanwhile, or what the sender is to them.
            (State::Introducing(recipient), Seen::Introduced(false)) => {
                self.state = State::AskingPermission(*recipient);
                self.retry(now)
            }
            (State::AskingStanding, Seen::Standing(group, sender)) => {
                self.stand(group.as_deref(), sender.as_deref(), now)
            }
            (State::Putting(_), Seen::Put(put)) => self.put(put, now),
            (State::ReadingInboxes, Seen::Inboxes(states)) => {
                let closed = self.people().into_iter().zip(states.into_iter().chain(std::iter::repeat(None)));
                let closed: Vec<_> =
                    closed.filter(|(_, state)| *state != Some(HeadState::Open)).map(|(user, _)| user).collect();
                self.enter(if closed.is_empty() { State::ReadingRoutes } else { State::Opening(closed) })
            }
            // An entry that could not be read counts as not open.
            (State::ReadingInboxes, Seen::Failed) => self.enter(State::Opening(self.people())),
            (State::Opening(_), Seen::Opened) => self.enter(State::ReadingRoutes),
            (State::ReadingRoutes, Seen::Deliver(delivery::Seen::Routes(routes))) => self.deliver(routes, now),
            // What could not even be queued is planned again, as long as there is time. After that it is answered all
            // the same: a push is only a hint.
            (State::Delivering, Seen::Failed) if !self.back_off.is_late(now) => {
                self.state = State::ReadingRoutes;
                self.retry(now)
            }
            (State::Delivering, _) => self.answer(),
            // An unknown outcome, or an answer to another call than ours: make the same call again.
            _ => self.retry(now),
        }
    }
}

/// What the request says of itself, before anything is read.
fn check(request: &Request, now: Timestamp) -> Result<(), Refusal> {
    if request.drafts.is_empty() || request.drafts.len() > BATCH_MAX {
        return Err(Refusal::BatchSize);
    }
    let repeated = |(index, draft): (usize, &Draft)| {
        request.drafts[..index].iter().any(|earlier| earlier.client_id == draft.client_id)
    };
    if request.drafts.iter().enumerate().any(repeated) {
        return Err(Refusal::RepeatedClientId);
    }
    if request.drafts.iter().any(|draft| draft.client_id.time() > now.plus_millis(CLOCK_SKEW_MS)) {
        return Err(Refusal::ClientIdFromFuture);
    }
    if membership::is_foreign(request.conversation, request.sender) {
        return Err(Refusal::NotAMember);
    }
    match request.conversation {
        ConversationId::Notices(_) => Err(Refusal::Forbidden),
        ConversationId::Direct(_) | ConversationId::Group(_) => Ok(()),
    }
}

fn earliest(drafts: &[Draft]) -> Timestamp {
    drafts.iter().map(|draft| draft.client_id.time()).min().unwrap_or(Timestamp::EPOCH)
}

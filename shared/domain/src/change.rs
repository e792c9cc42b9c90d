//! Changes of groups and of what people are to each other: one transaction each, in the order of the logs that tell
//! them.
//!
//! 1. Read the logs that tell the actor of the change from the client id's time on: the search for an earlier attempt, and
//!    the head (IDEM-1); read the heads of the other logs that may be told.
//! 2. Read the records that the change rests on, all at once.
//! 3. Decide ([`Rules::decide`]). Before anything but a change is answered, read what was told meanwhile: the same request
//!    at the same time may have made the change, and so be the reason. What an earlier attempt told is handed on again,
//!    in all logs: it may have died before.
//! 4. Put the entries at head + 1 of their logs and write the records, all or nothing, on condition that the places are
//!    free.
//! 5. Hand what was told to the queues, and answer.
//!
//! The places are the lock. Whatever changes these records appends to the same logs, so records that were read after a
//! head are still the same when the place after it is taken. A lost place means that something was told meanwhile: read
//! again from there on. There is no state in between that a crash could leave behind, and so no task to mend it.

use crate::delivery::{Event, FanOut};
use crate::ids::{ClientId, ConnectionId, ConversationId, UserId};
use crate::limits::{CHANGE_DEADLINE_MS, CLOCK_SKEW_MS};
use crate::log::{Body, BodyHash, Entry, From, Seq, Tail, Telling};
use crate::protocol::{self, BackOff, Protocol};
use crate::time::Timestamp;

/// Who hears of a change beside the people whom a conversation's id names.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub struct Audience {
    /// Over how many buckets the members are spread; none of a conversation whose id names its people.
    pub buckets: u32,
    /// Who is told although they are no members any more.
    pub also: Vec<UserId>,
}

/// What one conversation is told.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Tell<T> {
    /// Where.
    pub conversation: ConversationId,
    /// What.
    pub what: T,
    /// How many members it has more after it.
    pub joins: i64,
}

/// What comes of a change.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Decision<R: Rules + ?Sized> {
    /// It may not be.
    Refuse(R::Refusal),
    /// It is so already: nobody is told.
    Nothing,
    /// Tell these and write those, all or nothing. The first of them is told in a log that is searched.
    Commit(Vec<Tell<R::Told>>, Vec<R::Write>),
}

/// The heads that were read.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Tops(Vec<(ConversationId, Option<Entry>)>);

impl Tops {
    /// The newest entry of a log.
    pub fn of(&self, conversation: ConversationId) -> Option<&Entry> {
        self.0.iter().find(|(log, _)| *log == conversation).and_then(|(_, head)| head.as_ref())
    }

    /// The place that an entry gets there.
    pub fn next(&self, conversation: ConversationId) -> Seq {
        self.of(conversation).map_or(Seq::NONE, |head| head.seq).next()
    }

    fn set(&mut self, index: usize, head: Option<Entry>) {
        if let (Some((_, top)), Some(head)) = (self.0.get_mut(index), head) {
            *top = Some(head);
        }
    }
}

/// One kind of change.
pub trait Rules {
    /// The records that it rests on.
    type State: Clone;
    /// What it tells.
    type Told: Clone;
    /// What it writes.
    type Write: Clone;
    /// Why it may not be.
    type Refusal: Copy;

    /// Who changes something.
    fn actor(&self) -> UserId;
    /// What they call it.
    fn client_id(&self) -> ClientId;
    /// What tells this request from another one with the same client id.
    fn fingerprint(&self) -> BodyHash;
    /// The logs it may tell: those that an earlier attempt would be found in, then the others.
    fn logs(&self) -> (Vec<ConversationId>, Vec<ConversationId>);
    /// What comes of it. `tops` are those of [`logs`](Self::logs).
    fn decide(&self, state: &Self::State, tops: &Tops, now: Timestamp) -> Decision<Self>;
    /// What somebody is refused with who may not even learn that there is anything to change (SEE-1).
    fn hides(&self, _state: &Self::State) -> Option<Self::Refusal> {
        None
    }
    /// Who hears of it in a conversation.
    fn audience(&self, state: &Self::State, conversation: ConversationId) -> Audience;
}

/// The next call. All reads are strongly consistent.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Call<W> {
    /// Read the end of this log.
    ReadLog(ConversationId, From),
    /// Read the newest entries of these logs.
    ReadHeads(Vec<ConversationId>),
    /// Read the records.
    ReadState,
    /// Put the entries on condition that their places are free, and write these: all or nothing.
    Commit(Vec<(ConversationId, Entry)>, Vec<W>),
    /// Wait a random time, at most so many milliseconds.
    Wait {
        /// The upper bound.
        bound_ms: u64,
    },
    /// Hand these to the queues of their shards.
    Queue(Vec<FanOut>),
}

/// What a call showed.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Seen<S> {
    /// Of [`Call::ReadLog`].
    Log(Tail),
    /// Of [`Call::ReadHeads`], in the order asked.
    Heads(Vec<Option<Entry>>),
    /// Of [`Call::ReadState`].
    State(S),
    /// Of [`Call::Commit`]: whether all of it was written, or nothing.
    Committed(bool),
    /// Of [`Call::Wait`].
    Waited,
    /// Of [`Call::Queue`].
    Queued,
    /// The call failed or its outcome is unknown.
    Failed,
}

/// A change that is done.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Changed {
    /// Where the actor is told.
    pub conversation: ConversationId,
    /// Its place there; the head, if it was so already.
    pub seq: Seq,
    /// Whether an earlier attempt had done it.
    pub duplicate: bool,
}

/// Why a change is not known to be done.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Refusal<R> {
    /// By its rules.
    Rule(R),
    /// The client id is from further in the future than clocks may differ.
    ClientIdFromFuture,
    /// The client id is taken by another request.
    Conflict,
    /// Too many entries since the client id's time to search them.
    Behind,
    /// Not known to be done in time; the same again is safe.
    Unavailable,
}

/// What to do next.
pub type Step<R> = protocol::Step<Call<<R as Rules>::Write>, Result<Changed, Refusal<<R as Rules>::Refusal>>>;

#[derive(Clone, Debug, PartialEq, Eq, Hash)]
enum Phase {
    /// The log with this number.
    Searching(usize),
    ReadingHeads,
    ReadingState,
    Committing,
    Queueing,
}

/// The protocol of one change.
#[derive(Clone, Debug)]
pub struct Change<R: Rules> {
    rules: R,
    /// What is told, as a body's JSON.
    encode: fn(&R::Told) -> String,
    /// Gets the answer, and no push.
    connection: Option<ConnectionId>,
    back_off: BackOff,
    phase: Phase,
    tops: Tops,
    /// How many of them are searched.
    searched: usize,
    /// There were too many entries to search.
    behind: bool,
    /// What is answered, unless an earlier attempt is found after all.
    verdict: Option<Result<Changed, Refusal<R::Refusal>>>,
    /// What an earlier attempt told, where the actor is told of it first.
    found: Vec<(ConversationId, Entry)>,
    entries: Vec<(ConversationId, Entry)>,
    writes: Vec<R::Write>,
    jobs: Vec<FanOut>,
}

impl<R: Rules> Change<R> {
    /// Begins, or refuses at once. `connection` gets the answer and no push.
    pub fn start(
        rules: R,
        encode: fn(&R::Told) -> String,
        connection: Option<ConnectionId>,
        now: Timestamp,
    ) -> Result<(Self, Step<R>), Refusal<R::Refusal>> {
        if rules.client_id().time() > now.plus_millis(CLOCK_SKEW_MS) {
            return Err(Refusal::ClientIdFromFuture);
        }
        let (own, others) = rules.logs();
        let searched = own.len();
        let tops = Tops(own.into_iter().chain(others).map(|conversation| (conversation, None)).collect());
        let change = Self {
            rules,
            encode,
            connection,
            back_off: BackOff::new(now, now.plus_millis(CHANGE_DEADLINE_MS)),
            phase: Phase::Searching(0),
            tops,
            searched,
            behind: false,
            verdict: None,
            found: Vec::new(),
            entries: Vec::new(),
            writes: Vec::new(),
            jobs: Vec::new(),
        };
        let step = Step::<R>::Call(change.call());
        Ok((change, step))
    }

    fn call(&self) -> Call<R::Write> {
        match &self.phase {
            Phase::Searching(index) => match self.tops.0.get(*index) {
                // From the last entry seen on: what lies between may be our own.
                Some((conversation, Some(head))) if *index < self.searched => {
                    Call::ReadLog(*conversation, From::Seq(head.seq))
                }
                Some((conversation, _)) => Call::ReadLog(*conversation, From::Time(self.composed())),
                None => Call::ReadState,
            },
            Phase::ReadingHeads => Call::ReadHeads(self.others()),
            Phase::ReadingState => Call::ReadState,
            Phase::Committing => Call::Commit(self.entries.clone(), self.writes.clone()),
            Phase::Queueing => Call::Queue(self.jobs.clone()),
        }
    }

    /// No attempt is older.
    fn composed(&self) -> Timestamp {
        self.rules.client_id().time().minus_millis(CLOCK_SKEW_MS)
    }

    fn others(&self) -> Vec<ConversationId> {
        self.tops.0.iter().skip(self.searched).map(|(conversation, _)| *conversation).collect()
    }

    fn enter(&mut self, phase: Phase) -> Step<R> {
        self.phase = phase;
        Step::<R>::Call(self.call())
    }

    fn examine(&mut self, index: usize, tail: Tail) -> Step<R> {
        if tail.truncated && self.found.is_empty() {
            // Which is for those who may know that there are any.
            self.behind = true;
            return self.enter(Phase::ReadingState);
        }
        let (actor, client_id) = (self.rules.actor(), self.rules.client_id());
        let own = tail.entries.iter().find(|entry| entry.sender == actor && entry.client_id == client_id);
        if let (Some(own), Some((conversation, _))) = (own, self.tops.0.get(index)) {
            if own.body.hash != self.rules.fingerprint() {
                return Step::<R>::Done(Err(Refusal::Conflict));
            }
            let told = (*conversation, own.clone());
            self.verdict = None;
            if self.entries.contains(&told) {
                // This very attempt, whose reply was lost: all who are to be told are known.
                self.found = vec![told];
                return self.enter(Phase::Queueing);
            }
            self.found.push(told);
        }
        self.tops.set(index, tail.entries.into_iter().next_back());
        let next = index + 1;
        // Whoever did it may have died before anybody was told, wherever that is.
        let last = if self.found.is_empty() { self.searched } else { self.tops.0.len() };
        let phase = match self.verdict.take_if(|_| next >= self.searched) {
            Some(verdict) => return Step::<R>::Done(verdict),
            None if next < last => Phase::Searching(next),
            None if !self.found.is_empty() || self.others().is_empty() => Phase::ReadingState,
            None => Phase::ReadingHeads,
        };
        self.enter(phase)
    }

    fn decide(&mut self, state: &R::State, now: Timestamp) -> Step<R> {
        if self.behind {
            return Step::<R>::Done(Err(self.rules.hides(state).map_or(Refusal::Behind, Refusal::Rule)));
        }
        if !self.found.is_empty() {
            let found = self.found.iter();
            self.jobs = found.map(|(to, entry)| self.job(state, *to, entry.clone())).collect();
            return self.enter(Phase::Queueing);
        }
        match self.rules.decide(state, &self.tops, now) {
            Decision::Refuse(refusal) => self.doubt(Err(Refusal::Rule(refusal))),
            Decision::Nothing => {
                let top = self.tops.0.first();
                let so = top.map(|(conversation, head)| Changed {
                    conversation: *conversation,
                    seq: head.as_ref().map_or(Seq::NONE, |head| head.seq),
                    duplicate: false,
                });
                self.doubt(so.ok_or(Refusal::Unavailable))
            }
            Decision::Commit(tells, writes) => {
                self.entries = tells.iter().map(|tell| self.entry(tell, now)).collect();
                let told = self.entries.iter();
                self.jobs = told.map(|(to, entry)| self.job(state, *to, entry.clone())).collect();
                self.writes = writes;
                self.enter(Phase::Committing)
            }
        }
    }

    /// The records are younger than the logs that were searched: what they refuse may be what another attempt has made of
    /// them.
    fn doubt(&mut self, verdict: Result<Changed, Refusal<R::Refusal>>) -> Step<R> {
        self.verdict = Some(verdict);
        self.enter(Phase::Searching(0))
    }

    fn entry(&self, tell: &Tell<R::Told>, now: Timestamp) -> (ConversationId, Entry) {
        let body = Body { json: (self.encode)(&tell.what), hash: self.rules.fingerprint() };
        let telling = Telling { client_id: self.rules.client_id(), body, joins: tell.joins };
        let head = self.tops.of(tell.conversation);
        (tell.conversation, telling.follow(head, tell.conversation, self.rules.actor(), now))
    }

    fn job(&self, state: &R::State, conversation: ConversationId, entry: Entry) -> FanOut {
        let audience = self.rules.audience(state, conversation);
        let events = vec![Event::Entry(conversation, entry)];
        FanOut { conversation, events, except: self.connection.clone(), audience }
    }

    fn retry(&mut self, now: Timestamp) -> Step<R> {
        Step::<R>::Call(Call::Wait { bound_ms: self.back_off.failed(now) })
    }

    fn answer(&self) -> Step<R> {
        let duplicate = !self.found.is_empty();
        let told = self.found.first().or(self.entries.first());
        let changed = told.map(|(to, entry)| Changed { conversation: *to, seq: entry.seq, duplicate });
        Step::<R>::Done(changed.ok_or(Refusal::Unavailable))
    }
}

impl<R: Rules> Protocol for Change<R> {
    type Call = Call<R::Write>;
    type Seen = Seen<R::State>;
    type Answer = Result<Changed, Refusal<R::Refusal>>;
    const FAILED: Seen<R::State> = Seen::Failed;

    fn next(&mut self, seen: Seen<R::State>, now: Timestamp) -> Step<R> {
        // What is committed is answered, however late: it is done.
        let committed = matches!((&self.phase, &seen), (Phase::Committing, Seen::Committed(true)));
        if self.back_off.is_late(now) && self.phase != Phase::Queueing && !committed {
            return Step::<R>::Done(Err(Refusal::Unavailable));
        }
        match (&self.phase, seen) {
            (_, Seen::Waited) => {
                self.back_off.begin(now);
                Step::<R>::Call(self.call())
            }
            (Phase::Searching(index), Seen::Log(tail)) => self.examine(*index, tail),
            (Phase::ReadingHeads, Seen::Heads(heads)) => {
                for (place, head) in heads.into_iter().enumerate() {
                    self.tops.set(self.searched + place, head);
                }
                self.enter(Phase::ReadingState)
            }
            (Phase::ReadingState, Seen::State(state)) => self.decide(&state, now),
            (Phase::Committing, Seen::Committed(true)) => self.enter(Phase::Queueing),
            // Somebody else has a place, or nobody knows: the search tells.
            (Phase::Committing, _) => {
                self.phase = Phase::Searching(0);
                Step::<R>::Call(Call::Wait { bound_ms: self.back_off.collided(now) })
            }
            (Phase::Queueing, Seen::Failed) if !self.back_off.is_late(now) => self.retry(now),
            // A push is only a hint.
            (Phase::Queueing, _) => self.answer(),
            _ => self.retry(now),
        }
    }
}

//! Posting: events go out to connections, and whoever could not be reached is tried again, alone.
//!
//! A budget, not a retry storm: nothing is posted twice here. What failed is queued for just the connections that
//! failed; after [`POST_TRIES`], or at once for a connection that is slow, the events are replaced by one hint to
//! pull. A connection that is gone for good loses its route.

use std::sync::Arc;

use crate::delivery::Event;
use crate::limits::{FRAME_BYTES, HINT_TRIES, POST_TRIES, PULL_WITHIN_MIN_MS, PULLS_PER_S, RETRY_ROUTES_MAX};
use crate::protocol::{self, Protocol};
use crate::route::Route;
use crate::time::Timestamp;

/// What one connection is sent.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Parcel {
    /// Whom.
    pub route: Route,
    /// What; shared by all who are sent the same.
    pub events: Arc<[Event]>,
    /// How often it was tried in vain.
    pub tries: u32,
}

impl Parcel {
    /// About how many frames it takes, which is what the gateway counts.
    pub fn frames(&self) -> u32 {
        let bytes = self.events.iter().map(bytes).sum::<usize>();
        u32::try_from(bytes.div_ceil(FRAME_BYTES)).unwrap_or(u32::MAX).max(1)
    }
}

/// What an entry has besides its body, in bytes: 300 as an event, 450 in a record.
const ENVELOPE_BYTES: usize = 450;

/// About how large an event is, in bytes.
pub(crate) fn bytes(event: &Event) -> usize {
    match event {
        Event::Entry(_, entry) => ENVELOPE_BYTES + entry.body.json.len(),
        Event::Read { .. } | Event::Pull { .. } | Event::Kicked(_) | Event::Presence(..) | Event::Typing { .. } => {
            ENVELOPE_BYTES / 2
        }
    }
}

/// What a connection gets that is not to get its entries: a hint to fetch them. Read positions stay beside it, and that
/// it was signed out, since nothing but their events tells them; what is fleeting is over by then.
pub(crate) fn hint(events: &[Event], within_ms: u64) -> Vec<Event> {
    let told_once = events.iter().filter(|event| matches!(event, Event::Read { .. } | Event::Kicked(_)));
    std::iter::once(Event::Pull { within_ms }).chain(told_once.cloned()).collect()
}

/// What became of one post.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Post {
    /// The gateway took it.
    Taken,
    /// The gateway knows no such connection, or none that is up yet.
    Gone,
    /// The connection takes nothing, or takes it too slowly: to send it less is all that helps.
    Slow,
    /// Anything else; it may succeed later.
    Failed,
}

/// Events for connections that could not be reached, as a queue's job.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Retry {
    /// Whom.
    pub routes: Vec<Route>,
    /// What.
    pub events: Vec<Event>,
    /// How often it was tried in vain, from 1.
    pub tries: u32,
}

impl Retry {
    /// How long to wait before the next try, in seconds: 0, 2, 6, 14, 30, then a minute. The first time is meant for
    /// a throttle, which is over within the second that the queue's batch window waits anyway.
    pub const fn delay_s(&self) -> u32 {
        match self.tries {
            0 | 1 => 0,
            2..=5 => (1 << self.tries) - 2,
            _ => 60,
        }
    }
}

/// The next call.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Call {
    /// Post each parcel, in any order.
    Post(Vec<Parcel>),
    /// Hand these jobs to the retry queue.
    Queue(Vec<Retry>),
    /// Delete these routes, each on condition that it is still this connection's. Best effort.
    Release(Vec<Route>),
}

/// What it showed.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Seen {
    /// Of [`Call::Post`]: what became of each parcel, in their order.
    Posted(Vec<Post>),
    /// Of [`Call::Queue`]: whether each job is queued, in their order.
    Queued(Vec<bool>),
    /// Of [`Call::Release`].
    Released,
    /// The call failed or its outcome is unknown.
    Failed,
}

/// What to do next. The answer says of each parcel whether it was seen to: posted, queued again, or given up because
/// there is nobody to reach. `false` is work that must not be forgotten.
pub type Step = protocol::Step<Call, Vec<bool>>;

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
enum State {
    Posting,
    Queueing,
    Releasing,
}

/// The protocol of some parcels.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Posting {
    parcels: Vec<Parcel>,
    posts: Vec<Post>,
    state: State,
    /// The retry job that each parcel is in.
    jobs: Vec<Option<usize>>,
    queued: Vec<bool>,
}

impl Posting {
    /// Begins with the posts.
    pub fn start(parcels: Vec<Parcel>) -> (Self, Step) {
        let step = if parcels.is_empty() { Step::Done(Vec::new()) } else { Step::Call(Call::Post(parcels.clone())) };
        (Self { parcels, posts: Vec::new(), state: State::Posting, jobs: Vec::new(), queued: Vec::new() }, step)
    }

    /// Begins the posts of a request that delivers by itself: everybody gets the same, for the first time.
    pub fn inline(routes: Vec<Route>, events: Vec<Event>) -> (Self, Step) {
        let events: Arc<[Event]> = events.into();
        let parcel = |route| Parcel { route, events: events.clone(), tries: 0 };
        Self::start(routes.into_iter().map(parcel).collect())
    }

    fn posted(&mut self, posts: Vec<Post>, now: Timestamp) -> Step {
        self.posts = posts;
        let retries = self.retries();
        if retries.is_empty() {
            return self.release(now);
        }
        self.state = State::Queueing;
        Step::Call(Call::Queue(retries))
    }

    /// Jobs for what failed: connections that are to get the same share a job.
    fn retries(&mut self) -> Vec<Retry> {
        let again: Vec<_> = self.outcomes().map(|(parcel, post)| next_try(parcel, post)).collect();
        let hinted = again.iter().flatten().filter(|(what, _)| *what == What::Hint).count();
        let within_ms = pull_within_ms(hinted);
        let mut retries: Vec<Retry> = Vec::new();
        let mut jobs = Vec::with_capacity(again.len());
        for (parcel, next) in self.parcels.iter().zip(again) {
            jobs.push(next.map(|(what, tries)| {
                let events = match what {
                    What::Events => parcel.events.to_vec(),
                    What::Hint => hint(&parcel.events, within_ms),
                };
                let fits =
                    |job: &Retry| job.tries == tries && job.events == events && job.routes.len() < RETRY_ROUTES_MAX;
                let index = retries.iter().position(fits).unwrap_or(retries.len());
                match retries.get_mut(index) {
                    Some(job) => job.routes.push(parcel.route.clone()),
                    None => retries.push(Retry { routes: vec![parcel.route.clone()], events, tries }),
                }
                index
            }));
        }
        self.jobs = jobs;
        retries
    }

    fn release(&mut self, now: Timestamp) -> Step {
        let gone = self.outcomes().filter(|(parcel, post)| *post == Post::Gone && parcel.route.gone_is_final(now));
        let routes: Vec<_> = gone.map(|(parcel, _)| parcel.route.clone()).collect();
        if routes.is_empty() {
            return self.answer();
        }
        self.state = State::Releasing;
        Step::Call(Call::Release(routes))
    }

    fn outcomes(&self) -> impl Iterator<Item = (&Parcel, Post)> {
        // A post without an outcome is one that failed.
        self.parcels.iter().zip(self.posts.iter().copied().chain(std::iter::repeat(Post::Failed)))
    }

    fn answer(&self) -> Step {
        let queued = |job: &usize| self.queued.get(*job).copied().unwrap_or(false);
        Step::Done(self.jobs.iter().map(|job| job.as_ref().is_none_or(queued)).collect())
    }
}

impl Protocol for Posting {
    type Call = Call;
    type Seen = Seen;
    type Answer = Vec<bool>;
    const FAILED: Seen = Seen::Failed;

    fn next(&mut self, seen: Seen, now: Timestamp) -> Step {
        match (self.state, seen) {
            (State::Posting, Seen::Posted(posts)) => self.posted(posts, now),
            (State::Posting, _) => self.posted(Vec::new(), now),
            (State::Queueing, seen) => {
                if let Seen::Queued(queued) = seen {
                    self.queued = queued;
                }
                self.release(now)
            }
            // A route that could not be deleted is left to the next Gone, or to its expiry.
            (State::Releasing, _) => self.answer(),
        }
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum What {
    Events,
    Hint,
}

/// What this connection is sent next, as its how many-th try in vain; nothing when it has it or cannot be reached.
fn next_try(parcel: &Parcel, post: Post) -> Option<(What, u32)> {
    let tries = parcel.tries + 1;
    let what = match post {
        Post::Taken | Post::Gone => return None,
        Post::Slow => What::Hint,
        Post::Failed if tries > POST_TRIES => What::Hint,
        Post::Failed => What::Events,
    };
    (tries <= HINT_TRIES).then_some((what, tries))
}

/// Over how long so many devices spread their pulls, in milliseconds.
pub fn pull_within_ms(devices: usize) -> u64 {
    let devices = u64::try_from(devices).unwrap_or(u64::MAX);
    (devices.saturating_mul(1_000) / PULLS_PER_S).max(PULL_WITHIN_MIN_MS)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::identity::Platform;
    use crate::ids::{ClientId, ConnectionId, ConversationId, UserId};
    use crate::limits::GONE_GRACE_MS;
    use crate::log::{Body, BodyHash, Draft, Seq};

    const NOW: Timestamp = Timestamp::from_millis(10 * GONE_GRACE_MS);

    fn parcel(connection: &str, age_ms: u64, tries: u32) -> Parcel {
        let user = UserId::from_bits(1);
        let connected_at = NOW.minus_millis(age_ms);
        let route = Route {
            user,
            device: "d".parse().unwrap(),
            platform: Platform::Web,
            connection: ConnectionId::new(connection),
            ticket_at: connected_at,
            connected_at,
        };
        Parcel { route, events: news().into(), tries }
    }

    /// An entry and a read position.
    fn news() -> Vec<Event> {
        let (one, other) = (UserId::from_bits(1), UserId::from_bits(2));
        let conversation = ConversationId::direct(one, other);
        let draft = Draft {
            client_id: ClientId::from_bits(1),
            body: Body { json: "x".to_owned(), hash: BodyHash::new([0; 32]) },
        };
        let entry = draft.follow(None, conversation, one, NOW);
        vec![Event::Entry(conversation, entry), read()]
    }

    fn read() -> Event {
        let (user, conversation) =
            (UserId::from_bits(2), ConversationId::direct(UserId::from_bits(1), UserId::from_bits(2)));
        Event::Read { conversation, user, seq: Seq::FIRST }
    }

    fn names(routes: &[Route]) -> Vec<&str> {
        routes.iter().map(|route| route.connection.as_str()).collect()
    }

    #[test]
    fn only_what_failed_is_queued_and_only_what_is_gone_for_good_is_released() {
        let parcels = vec![
            parcel("taken", 0, 0),
            parcel("failed", 0, 0),
            parcel("young", GONE_GRACE_MS, 0),
            parcel("old", GONE_GRACE_MS + 1, 0),
            parcel("slow", 0, 0),
            parcel("failed too", 0, 0),
            parcel("third time", 0, POST_TRIES),
            parcel("last time", 0, HINT_TRIES),
        ];
        let (mut posting, step) = Posting::start(parcels.clone());
        assert_eq!(step, Step::Call(Call::Post(parcels)));
        let posts =
            [Post::Taken, Post::Failed, Post::Gone, Post::Gone, Post::Slow, Post::Failed, Post::Failed, Post::Failed];
        let Step::Call(Call::Queue(jobs)) = posting.next(Seen::Posted(posts.to_vec()), NOW) else { unreachable!() };
        let jobs: Vec<_> = jobs.iter().map(|job| (names(&job.routes), job.events.clone(), job.tries)).collect();
        let hint = vec![Event::Pull { within_ms: PULL_WITHIN_MIN_MS }, read()];
        let expected = [
            (vec!["failed", "failed too"], news(), 1),
            (vec!["slow"], hint.clone(), 1),
            (vec!["third time"], hint, POST_TRIES + 1),
        ];
        assert_eq!(jobs, expected);
        let mut lost = posting.clone();
        let Step::Call(Call::Release(gone)) = posting.next(Seen::Queued(vec![true, false, true]), NOW) else {
            unreachable!()
        };
        assert_eq!(names(&gone), ["old"]);
        // The job that could not be queued was the slow one's.
        let seen_to = [true, true, true, true, false, true, true, true];
        assert_eq!(posting.next(Seen::Released, NOW), Step::Done(seen_to.to_vec()));

        // Nothing could be queued.
        lost.next(Seen::Failed, NOW);
        let seen_to = [true, false, true, true, false, false, false, true];
        assert_eq!(lost.next(Seen::Failed, NOW), Step::Done(seen_to.to_vec()));
    }

    #[test]
    fn a_crowd_that_is_told_to_pull_is_spread_and_split() {
        let parcels: Vec<_> = (0..1_000).map(|_| parcel("c", 0, POST_TRIES)).collect();
        let (mut posting, _) = Posting::start(parcels);
        let Step::Call(Call::Queue(jobs)) = posting.next(Seen::Failed, NOW) else { unreachable!() };
        assert_eq!(jobs.iter().map(|job| job.routes.len()).collect::<Vec<_>>(), [400, 400, 200]);
        assert!(jobs.iter().all(|job| job.events[0] == Event::Pull { within_ms: 10_000 }), "100 a second");
    }

    #[test]
    fn waits_grow_to_a_minute() {
        let delay = |tries| Retry { routes: Vec::new(), events: Vec::new(), tries }.delay_s();
        assert_eq!((1..=HINT_TRIES).map(delay).collect::<Vec<_>>(), [0, 2, 6, 14, 30, 60, 60, 60]);
    }
}

//! Fan-out: what a worker does with a batch of jobs from the queues.
//!
//! A job names no recipients. The worker reads who is online after it has received the job, so whoever came online
//! before finds the message in its sync and whoever is online now gets the push (MEET-1). All events of a batch for
//! one connection go out together, since the gateway charges by the frame. A job is done when each of its
//! connections was seen to; only then does its record leave the queue. Doubled, late and reordered jobs do no harm:
//! a push is only a hint (HINT-1).

use std::collections::{BTreeMap, BTreeSet};
use std::num::NonZeroU64;
use std::sync::Arc;

use crate::delivery::{self, Event, FanOut};
use crate::ids::{ConnectionId, ConversationId, GroupId, UserId};
use crate::limits::{PARCEL_BYTES_MAX, POST_SHARE_PERCENT};
use crate::log::Seq;
use crate::membership;
use crate::posting::{self, Parcel, Posting, Retry};
use crate::protocol::{self, Protocol};
use crate::route::Route;
use crate::time::Timestamp;

/// A job from one of the queues.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Job {
    /// Tell everybody in a conversation.
    FanOut(FanOut),
    /// Tell these connections.
    Retry(Retry),
}

/// Who is a member of a group, and the first entry that each of them sees.
pub type Members = Vec<(UserId, Seq)>;

/// The next call.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Call {
    /// Read who the members of these groups are, each spread over so many buckets, strongly consistent.
    ReadMembers(Vec<(GroupId, u32)>),
    /// Read where these users' devices are reached, strongly consistent.
    ReadRoutes(Vec<UserId>),
    /// Post to all of them.
    Posting(posting::Call),
}

/// What it showed.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Seen {
    /// Of [`Call::ReadMembers`], in the order asked; `None` for a group whose members could not be read.
    Members(Vec<Option<Members>>),
    /// Of [`Call::ReadRoutes`], in the order asked; `None` for a user whose routes could not be read.
    Routes(Vec<Option<Vec<Route>>>),
    /// Of [`Call::Posting`].
    Posting(posting::Seen),
    /// The call failed or its outcome is unknown.
    Failed,
}

/// What to do next. The answer says of each job whether it is done; the others are to be delivered again.
pub type Step = protocol::Step<Call, Vec<bool>>;

/// The protocol of one batch.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Worker {
    jobs: Vec<Job>,
    done: Vec<bool>,
    /// The groups that the jobs tell, and who is in them as far as that could be read.
    groups: Vec<(GroupId, u32)>,
    members: BTreeMap<GroupId, BTreeMap<UserId, Seq>>,
    /// Whose routes are asked for.
    users: Vec<UserId>,
    /// Per parcel, what is in it.
    shares: Vec<Share>,
    posting: Option<Posting>,
}

/// The jobs that concern a connection, each with the first entry of its conversation that the connection's user sees.
type Share = BTreeMap<usize, Seq>;

impl Worker {
    /// Begins with who the members of the groups are that the jobs tell, each group asked for once.
    pub fn start(jobs: Vec<Job>, now: Timestamp) -> (Self, Step) {
        let mut groups = BTreeMap::new();
        for (group, buckets) in jobs.iter().filter_map(group_of) {
            let known = groups.entry(group).or_insert(buckets);
            *known = buckets.max(*known);
        }
        let mut worker = Self {
            done: vec![true; jobs.len()],
            groups: groups.into_iter().collect(),
            members: BTreeMap::new(),
            users: Vec::new(),
            shares: Vec::new(),
            posting: None,
            jobs,
        };
        let step = if worker.groups.is_empty() {
            worker.read_routes(now)
        } else {
            Step::Call(Call::ReadMembers(worker.groups.clone()))
        };
        (worker, step)
    }

    /// Goes on with the routes of everybody whom the jobs concern, each asked for once.
    fn read_routes(&mut self, now: Timestamp) -> Step {
        let users: BTreeSet<_> =
            self.jobs.iter().filter_map(|job| self.people(job)).flat_map(BTreeMap::into_keys).collect();
        self.users = users.into_iter().collect();
        if self.users.is_empty() {
            self.post(&BTreeMap::new(), now)
        } else {
            Step::Call(Call::ReadRoutes(self.users.clone()))
        }
    }

    /// The people whose routes a job needs, each with the first entry that they see; `None` when they are not known.
    fn people(&self, job: &Job) -> Option<BTreeMap<UserId, Seq>> {
        let Job::FanOut(fan_out) = job else { return Some(BTreeMap::new()) };
        let mut people = match group_of(job) {
            Some((group, _)) => self.members.get(&group)?.clone(),
            None => BTreeMap::new(),
        };
        let named = membership::people(fan_out.conversation).into_iter().chain(fan_out.audience.also.iter().copied());
        people.extend(named.map(|user| (user, Seq::NONE)));
        Some(people)
    }

    /// Whom a job reaches; `None` when somebody's routes are not known.
    fn reached(&self, job: &Job, routes: &BTreeMap<UserId, Vec<Route>>, now: Timestamp) -> Option<Vec<(Route, Seq)>> {
        match job {
            Job::FanOut(fan_out) => {
                let people = self.people(job)?;
                let found: Option<Vec<_>> =
                    people.into_iter().map(|(user, from)| Some((routes.get(&user)?.clone(), from))).collect();
                let usable = |(routes, from)| {
                    let routes = delivery::reachable(routes, fan_out.except.as_ref(), now);
                    routes.into_iter().map(move |route| (route, from))
                };
                Some(found?.into_iter().flat_map(usable).collect())
            }
            Job::Retry(retry) => {
                let routes = delivery::reachable(retry.routes.clone(), None, now);
                Some(routes.into_iter().map(|route| (route, Seq::NONE)).collect())
            }
        }
    }

    /// Makes one parcel for each connection and posts them all. Those whom the same jobs concern share what they are
    /// sent, so that a crowd costs no more memory than one.
    fn post(&mut self, routes: &BTreeMap<UserId, Vec<Route>>, now: Timestamp) -> Step {
        let mut targets: BTreeMap<ConnectionId, (Route, Share)> = BTreeMap::new();
        for (index, job) in self.jobs.iter().enumerate() {
            let Some(reached) = self.reached(job, routes, now) else {
                self.done[index] = false;
                continue;
            };
            let lowest = lowest_entry(job);
            for (route, from) in reached {
                // A member who sees all of it shares with everybody who does.
                let from = if from <= lowest { Seq::NONE } else { from };
                let empty = || (route.clone(), Share::new());
                targets.entry(route.connection.clone()).or_insert_with(empty).1.insert(index, from);
            }
        }
        let mut contents: BTreeMap<&Share, (Arc<[Event]>, u32)> = BTreeMap::new();
        let crowd = targets.len();
        let parcels = targets.values().map(|(route, share)| {
            let (events, tries) = contents.entry(share).or_insert_with(|| self.content(share, crowd)).clone();
            Parcel { route: route.clone(), events, tries }
        });
        let parcels: Vec<_> = parcels.collect();
        drop(contents);
        // Who sees nothing of it, because it was before their time, is posted nothing.
        let mut told = Vec::new();
        self.shares.clear();
        for ((_, share), parcel) in targets.into_values().zip(parcels) {
            if !parcel.events.is_empty() {
                self.shares.push(share);
                told.push(parcel);
            }
        }
        let (posting, step) = Posting::start(told);
        self.posting = Some(posting);
        self.take(step)
    }

    /// What those are sent whom these jobs concern, after how many tries. Too much of it becomes a hint to pull, which
    /// a crowd that is told together follows over some time.
    fn content(&self, share: &Share, crowd: usize) -> (Arc<[Event]>, u32) {
        let mut events = Vec::new();
        let mut tries = 0;
        for (job, from) in share.iter().filter_map(|(index, from)| Some((self.jobs.get(*index)?, *from))) {
            let (more, tried) = match job {
                Job::FanOut(job) => (&job.events, 0),
                Job::Retry(job) => (&job.events, job.tries),
            };
            events.extend(more.iter().filter(|event| is_shown(event, from)).cloned());
            tries = tries.max(tried);
        }
        let mut events = coalesce(events);
        if events.iter().map(posting::bytes).sum::<usize>() > PARCEL_BYTES_MAX {
            events = posting::hint(&events, posting::pull_within_ms(crowd));
        }
        (events.into(), tries)
    }

    fn take(&mut self, step: posting::Step) -> Step {
        match step {
            posting::Step::Call(call) => Step::Call(Call::Posting(call)),
            posting::Step::Done(seen_to) => {
                for (share, seen_to) in self.shares.iter().zip(seen_to) {
                    for job in share.keys() {
                        self.done[*job] &= seen_to;
                    }
                }
                Step::Done(self.done.clone())
            }
        }
    }
}

impl Protocol for Worker {
    type Call = Call;
    type Seen = Seen;
    type Answer = Vec<bool>;
    const FAILED: Seen = Seen::Failed;

    fn next(&mut self, seen: Seen, now: Timestamp) -> Step {
        match (&mut self.posting, seen) {
            (None, Seen::Members(members)) => {
                let known = self.groups.iter().zip(members);
                let known = known.filter_map(|((group, _), members)| Some((*group, members?.into_iter().collect())));
                self.members = known.collect();
                self.read_routes(now)
            }
            (None, Seen::Routes(routes)) => {
                let known = self.users.iter().copied().zip(routes);
                let known = known.filter_map(|(user, routes)| Some((user, routes?))).collect();
                self.post(&known, now)
            }
            (None, _) => self.post(&BTreeMap::new(), now),
            (Some(posting), Seen::Posting(seen)) => {
                let step = posting.next(seen, now);
                self.take(step)
            }
            (Some(posting), _) => {
                let step = posting.next(Posting::FAILED, now);
                self.take(step)
            }
        }
    }
}

/// The group whose members a job tells.
fn group_of(job: &Job) -> Option<(GroupId, u32)> {
    match job {
        Job::FanOut(FanOut { conversation: ConversationId::Group(group), audience, .. }) if audience.buckets > 0 => {
            Some((*group, audience.buckets))
        }
        Job::FanOut(_) | Job::Retry(_) => None,
    }
}

/// The lowest entry that a job tells of.
fn lowest_entry(job: &Job) -> Seq {
    let events = match job {
        Job::FanOut(job) => &job.events,
        Job::Retry(job) => &job.events,
    };
    let seq = |event: &Event| if let Event::Entry(_, entry) = event { Some(entry.seq) } else { None };
    events.iter().filter_map(seq).min().unwrap_or(Seq::NONE)
}

/// SEE-1: whether somebody who sees the conversation from there on is told this.
fn is_shown(event: &Event, from: Seq) -> bool {
    !matches!(event, Event::Entry(_, entry) if entry.seq < from)
}

/// The same news in as little as tells them: each entry once and in order, of each read position the highest, of what
/// is fleeting the last. A hint to pull stands for all entries.
fn coalesce(events: Vec<Event>) -> Vec<Event> {
    let mut hinted = None;
    let mut entries = BTreeMap::new();
    let mut reads = BTreeMap::new();
    let (mut kicked, mut present, mut typing) = (None, BTreeMap::new(), BTreeMap::new());
    for event in events {
        match event {
            Event::Entry(conversation, entry) => {
                let latest = entries.entry((conversation, entry.seq)).or_insert_with(|| entry.clone());
                if latest.rev < entry.rev {
                    *latest = entry;
                }
            }
            Event::Read { conversation, user, seq } => {
                let highest = reads.entry((conversation, user)).or_insert(seq);
                *highest = seq.max(*highest);
            }
            Event::Pull { within_ms } => hinted = hinted.max(Some(within_ms)),
            Event::Kicked(reason) => kicked = Some(reason),
            Event::Presence(user, presence) => drop(present.insert(user, presence)),
            Event::Typing { conversation, user, typing: now } => drop(typing.insert((conversation, user), now)),
        }
    }
    let entries = entries.into_iter().map(|((conversation, _), entry)| Event::Entry(conversation, entry));
    let reads = reads.into_iter().map(|((conversation, user), seq)| Event::Read { conversation, user, seq });
    let fleeting = present.into_iter().map(|(user, presence)| Event::Presence(user, presence));
    let typing = typing.into_iter().map(|((conversation, user), typing)| Event::Typing { conversation, user, typing });
    let kicked = kicked.map(Event::Kicked);
    let events: Vec<_> = entries.chain(reads).chain(fleeting).chain(typing).chain(kicked).collect();
    match hinted {
        Some(within_ms) => posting::hint(&events, within_ms),
        None => events,
    }
}

/// How many posts a second one worker may make, of so many that the account has: the workers' share, divided by how
/// many of them can run at once, whichever queue they serve. At least one.
pub fn posts_per_s(account: u64, workers: u64) -> NonZeroU64 {
    NonZeroU64::new(account.saturating_mul(POST_SHARE_PERCENT) / 100 / workers.max(1)).unwrap_or(NonZeroU64::MIN)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::change::Audience;
    use crate::identity::Platform;
    use crate::ids::ClientId;
    use crate::limits::PULL_WITHIN_MIN_MS;
    use crate::log::{Body, BodyHash, Draft, Entry, Seq};
    use crate::posting::Post;

    const NOW: Timestamp = Timestamp::from_millis(1_000);

    fn user(bits: u128) -> UserId {
        UserId::from_bits(bits)
    }

    fn with(peer: u128) -> ConversationId {
        ConversationId::direct(user(1), user(peer))
    }

    fn route(of: u128, device: &str) -> Route {
        Route {
            user: user(of),
            device: device.parse().unwrap(),
            platform: Platform::Web,
            connection: ConnectionId::new(format!("{of}-{device}")),
            ticket_at: NOW,
            connected_at: NOW,
        }
    }

    fn entries(conversation: ConversationId, count: u128, bytes: usize) -> Vec<Entry> {
        let mut log: Vec<Entry> = Vec::new();
        for number in 0..count {
            let body = Body { json: "x".repeat(bytes), hash: BodyHash::new([0; 32]) };
            let draft = Draft { client_id: ClientId::from_bits(number), body };
            log.push(draft.follow(log.last(), conversation, user(1), NOW));
        }
        log
    }

    fn told(conversation: ConversationId, entry: &Entry) -> Job {
        let events = vec![Event::Entry(conversation, entry.clone())];
        Job::FanOut(FanOut {
            conversation,
            events,
            except: Some(ConnectionId::new("1-sender")),
            audience: Audience::default(),
        })
    }

    fn seqs(events: &[Event]) -> Vec<(ConversationId, u64)> {
        let seq = |event: &Event| match event {
            Event::Entry(conversation, entry) => Some((*conversation, entry.seq.get())),
            _ => None,
        };
        events.iter().filter_map(seq).collect()
    }

    fn parcels(step: &Step) -> &[Parcel] {
        let Step::Call(Call::Posting(posting::Call::Post(parcels))) = step else { unreachable!("{step:?}") };
        parcels
    }

    #[test]
    fn a_batch_becomes_one_parcel_for_each_connection() {
        let (log, other) = (entries(with(2), 3, 10), entries(with(3), 1, 10));
        // Reordered and doubled, as a queue may.
        let jobs = vec![
            told(with(2), &log[2]),
            told(with(3), &other[0]),
            told(with(2), &log[0]),
            told(with(2), &log[2]),
            told(with(2), &log[1]),
        ];
        let (mut worker, step) = Worker::start(jobs, NOW);
        assert_eq!(step, Step::Call(Call::ReadRoutes(vec![user(1), user(2), user(3)])));
        let routes =
            vec![Some(vec![route(1, "sender"), route(1, "phone")]), Some(vec![route(2, "laptop")]), Some(Vec::new())];
        let step = worker.next(Seen::Routes(routes), NOW);
        let sent: Vec<_> =
            parcels(&step).iter().map(|parcel| (parcel.route.connection.as_str(), seqs(&parcel.events))).collect();
        let ours = vec![(with(2), 1), (with(2), 2), (with(2), 3)];
        let all = [ours.clone(), vec![(with(3), 1)]].concat();
        assert_eq!(sent, [("1-phone", all), ("2-laptop", ours)], "the sender was answered");
        let taken = Seen::Posting(posting::Seen::Posted(vec![Post::Taken; 2]));
        assert_eq!(worker.next(taken, NOW), Step::Done(vec![true; 5]));
    }

    #[test]
    fn who_cannot_be_read_or_queued_fails_only_the_own_jobs() {
        let (log, other) = (entries(with(2), 1, 10), entries(with(3), 1, 10));
        let again = Retry { routes: vec![route(4, "d")], events: vec![Event::Pull { within_ms: 1 }], tries: 3 };
        let jobs = vec![told(with(2), &log[0]), told(with(3), &other[0]), Job::Retry(again)];
        let (mut worker, _) = Worker::start(jobs, NOW);
        let routes = vec![Some(Vec::new()), None, Some(vec![route(3, "d")])];
        let step = worker.next(Seen::Routes(routes), NOW);
        assert_eq!(parcels(&step).len(), 2);
        let posts = vec![Post::Taken, Post::Failed];
        worker.next(Seen::Posting(posting::Seen::Posted(posts)), NOW);
        assert_eq!(worker.next(Seen::Failed, NOW), Step::Done(vec![false, true, false]));
    }

    /// SEE-1.
    #[test]
    fn members_are_told_what_they_see_and_the_removed_only_their_removal() {
        let group = GroupId::from_bits(7);
        let conversation = ConversationId::Group(group);
        let log = entries(conversation, 3, 10);
        let told = |entry: &Entry, also: Vec<UserId>| {
            let events = vec![Event::Entry(conversation, entry.clone())];
            Job::FanOut(FanOut { conversation, events, except: None, audience: Audience { buckets: 2, also } })
        };
        let jobs = vec![told(&log[0], Vec::new()), told(&log[1], vec![user(3)]), told(&log[2], Vec::new())];
        let (mut worker, step) = Worker::start(jobs.clone(), NOW);
        assert_eq!(step, Step::Call(Call::ReadMembers(vec![(group, 2)])));
        // The first was there from the beginning, the second came with the third entry.
        let members = vec![(user(1), Seq::FIRST), (user(2), Seq::new(3))];
        let step = worker.next(Seen::Members(vec![Some(members)]), NOW);
        assert_eq!(step, Step::Call(Call::ReadRoutes(vec![user(1), user(2), user(3)])));
        let routes = [1, 2, 3].map(|of| Some(vec![route(of, "d")]));
        let step = worker.next(Seen::Routes(routes.to_vec()), NOW);
        let sent: Vec<_> = parcels(&step).iter().map(|parcel| (parcel.route.user, seqs(&parcel.events))).collect();
        let places = |seqs: &[u64]| seqs.iter().map(|seq| (conversation, *seq)).collect::<Vec<_>>();
        assert_eq!(sent, [(user(1), places(&[1, 2, 3])), (user(2), places(&[3])), (user(3), places(&[2]))]);
        let taken = Seen::Posting(posting::Seen::Posted(vec![Post::Taken; 3]));
        assert_eq!(worker.next(taken, NOW), Step::Done(vec![true; 3]));

        let (mut unread, _) = Worker::start(jobs, NOW);
        let step = unread.next(Seen::Members(vec![None]), NOW);
        assert_eq!(step, Step::Done(vec![false; 3]), "members that could not be read are read again");
    }

    #[test]
    fn too_much_for_one_connection_becomes_a_hint() {
        let conversation = with(2);
        let log = entries(conversation, 5, PARCEL_BYTES_MAX / 4);
        let jobs = log.iter().map(|entry| told(conversation, entry)).collect();
        let (mut worker, _) = Worker::start(jobs, NOW);
        let step = worker.next(Seen::Routes(vec![Some(Vec::new()), Some(vec![route(2, "d")])]), NOW);
        assert_eq!(*parcels(&step)[0].events, [Event::Pull { within_ms: PULL_WITHIN_MIN_MS }]);
    }

    #[test]
    fn positions_only_move_forward_and_a_hint_stands_for_entries() {
        let read = |seq| Event::Read { conversation: with(2), user: user(2), seq: Seq::new(seq) };
        assert_eq!(coalesce(vec![read(3), read(7), read(5)]), [read(7)]);
        let hint = |within_ms| Event::Pull { within_ms };
        let entry = Event::Entry(with(2), entries(with(2), 1, 10).remove(0));
        assert_eq!(coalesce(vec![read(3), hint(5), entry, hint(9)]), [hint(9), read(3)], "sync tells no positions");
    }

    #[test]
    fn the_budget_is_shared_by_all_workers() {
        assert_eq!(posts_per_s(10_000, 8).get(), 875);
        assert_eq!(posts_per_s(10, 1_000).get(), 1);
    }
}

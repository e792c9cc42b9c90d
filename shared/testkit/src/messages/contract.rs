//! What every log, inbox and route store must do. Each case makes its own people, so one store serves them all.

use futures_util::future::join_all;
use tidings_application::clock::{Clock, Random};
use tidings_application::ports::{
    InboxAdvance, InboxOpen, InboxRead, InboxSettle, LogAppend, LogRead, Range, RouteLeave, RouteRead, RouteRevoke,
    RouteWrite, SightingRead,
};
use tidings_domain::identity::Platform;
use tidings_domain::ids::{ClientId, ConnectionId, ConversationId, UserId};
use tidings_domain::inbox::{HeadState, ReadPosition};
use tidings_domain::log::{Body, BodyHash, Counts, Draft, Entry, From, Put, Seq};
use tidings_domain::presence::Sighting;
use tidings_domain::route::{Claim, Route};
use tidings_domain::time::Timestamp;

use crate::clock::TestClock;

/// How many write the same place at once.
const CROWD: usize = 64;

fn people(clock: &TestClock) -> (UserId, UserId, ConversationId) {
    let (one, other) = (UserId::from_bits(clock.bits()), UserId::from_bits(clock.bits()));
    (one, other, ConversationId::direct(one, other))
}

/// A draft whose body is `text`.
pub fn draft(clock: &TestClock, text: &str) -> Draft {
    let mut hash = [0; 32];
    hash.iter_mut().zip(text.bytes()).for_each(|(to, from)| *to = from);
    Draft {
        client_id: ClientId::new(clock.now(), clock.bits()),
        body: Body { json: text.to_owned(), hash: BodyHash::new(hash) },
    }
}

/// A log keeps its places, shows the winner, and pages in both directions.
///
/// # Panics
/// Where it does not.
#[expect(clippy::unwrap_used, reason = "a broken contract ends the test")]
pub async fn log_holds<L: LogRead + LogAppend + Clone + Send + 'static>(log: L) {
    let clock = TestClock::new(2);
    let (one, other, conversation) = people(&clock);
    assert_eq!(log.tail(conversation, From::Seq(Seq::FIRST), 10).await.unwrap().entries, []);
    assert_eq!(log.page(conversation, Range::Newest, 10).await.unwrap().entries, []);
    assert_eq!(log.entry(conversation, Seq::FIRST).await.unwrap(), None);

    // Twelve entries, a second apart.
    let mut all: Vec<Entry> = Vec::new();
    for number in 0..12 {
        clock.advance(1_000);
        let sender = if number % 3 == 0 { other } else { one };
        let entry = draft(&clock, &format!("{number} 李 \"♥\"")).follow(all.last(), conversation, sender, clock.now());
        assert_eq!(log.put(conversation, &entry).await.unwrap(), Put::Stored);
        all.push(entry);
    }
    // A taken place shows who has it, whole, even to its own writer.
    let late = draft(&clock, "late").follow(all.get(3), conversation, one, clock.now());
    assert_eq!(log.put(conversation, &late).await.unwrap(), Put::Taken(Box::new(all[4].clone())));
    assert_eq!(log.put(conversation, &all[4]).await.unwrap(), Put::Taken(Box::new(all[4].clone())));

    let tail = async |from, limit| log.tail(conversation, from, limit).await.unwrap();
    assert_eq!(tail(From::Seq(Seq::FIRST), 12).await.entries, all);
    assert_eq!(tail(From::Seq(Seq::new(9)), 12).await.entries, all[8..]);
    assert_eq!(tail(From::Seq(Seq::new(13)), 12).await.entries, []);
    assert!(tail(From::Seq(Seq::FIRST), 11).await.truncated);
    assert_eq!(tail(From::Time(all[7].sent_at), 12).await.entries, all[7..]);
    assert_eq!(tail(From::Time(all[11].sent_at.plus_millis(1)), 12).await.entries, all[11..]);
    assert!(tail(From::Time(all[0].sent_at), 11).await.truncated);

    let page = async |range, limit| log.page(conversation, range, limit).await.unwrap();
    for (range, limit, want, more) in [
        (Range::Newest, 5, 7..12, true),
        (Range::Newest, 12, 0..12, false),
        (Range::Newest, 50, 0..12, false),
        (Range::Before(Seq::new(8)), 5, 2..7, true),
        (Range::Before(Seq::new(4)), 5, 0..3, false),
        (Range::Before(Seq::FIRST), 5, 0..0, false),
        (Range::After(Seq::NONE), 5, 0..5, true),
        (Range::After(Seq::new(7)), 5, 7..12, false),
        (Range::After(Seq::new(12)), 5, 12..12, false),
    ] {
        let got = page(range, limit).await;
        assert_eq!((got.entries.as_slice(), got.more), (&all[want], more), "{range:?} {limit}");
    }
    assert_eq!(log.entry(conversation, Seq::new(5)).await.unwrap(), Some(all[4].clone()));
    one_of_a_crowd_wins(log, &clock).await;
}

/// Of 64 that put the same place at once one stores, and all others see that one.
#[expect(clippy::unwrap_used, reason = "a broken contract ends the test")]
async fn one_of_a_crowd_wins<L: LogRead + LogAppend + Clone + Send + 'static>(log: L, clock: &TestClock) {
    let (one, _, conversation) = people(clock);
    let puts = (0..CROWD).map(|number| {
        let entry = draft(clock, &number.to_string()).follow(None, conversation, one, clock.now());
        let log = log.clone();
        tokio::spawn(async move { (entry.clone(), log.put(conversation, &entry).await.unwrap()) })
    });
    let results: Vec<_> = join_all(puts).await.into_iter().map(Result::unwrap).collect();
    let stored: Vec<_> = results.iter().filter(|(_, put)| *put == Put::Stored).map(|(entry, _)| entry).collect();
    assert_eq!(stored.len(), 1, "one winner");
    for (_, put) in &results {
        if let Put::Taken(winner) = put {
            assert_eq!(**winner, *stored[0]);
        }
    }
    assert_eq!(log.page(conversation, Range::Newest, 10).await.unwrap().entries, [stored[0].clone()]);
}

/// Inbox entries open, settle and advance as their protocols say.
///
/// # Panics
/// Where it does not.
#[expect(clippy::unwrap_used, reason = "a broken contract ends the test")]
pub async fn inboxes_hold<I>(inboxes: I)
where
    I: InboxRead + InboxOpen + InboxSettle + InboxAdvance + Clone + Send + 'static,
{
    let clock = TestClock::new(3);
    let (one, other, conversation) = people(&clock);
    assert_eq!(inboxes.entry(one, conversation).await.unwrap(), None);
    assert_eq!(inboxes.states(&[one, other], conversation).await.unwrap(), [None, None]);

    inboxes.open(one, conversation).await.unwrap();
    assert_eq!(inboxes.states(&[other, one], conversation).await.unwrap(), [None, Some(HeadState::Open)]);
    let entry = inboxes.entry(one, conversation).await.unwrap().unwrap();
    assert_eq!(
        (entry.state, entry.version, entry.head.seq, entry.read.seq),
        (HeadState::Open, 1, Seq::NONE, Seq::NONE)
    );

    // Settling is conditional on the version at both phases.
    let head = draft(&clock, "x").follow(None, conversation, other, clock.now()).head();
    assert!(!inboxes.mark(one, conversation, 7).await.unwrap());
    assert!(!inboxes.settle(one, conversation, 1, head).await.unwrap(), "not without a mark");
    assert!(inboxes.mark(one, conversation, 1).await.unwrap());
    assert_eq!(inboxes.states(&[one], conversation).await.unwrap(), [Some(HeadState::Settling)]);
    inboxes.open(one, conversation).await.unwrap();
    assert!(!inboxes.settle(one, conversation, 2, head).await.unwrap(), "an opening in between wins");
    assert!(inboxes.mark(one, conversation, 3).await.unwrap());
    assert!(inboxes.mark(one, conversation, 4).await.unwrap(), "anybody takes a stale mark over");
    assert!(!inboxes.settle(one, conversation, 4, head).await.unwrap(), "and then the first settler loses");
    assert!(inboxes.settle(one, conversation, 5, head).await.unwrap());
    let entry = inboxes.entry(one, conversation).await.unwrap().unwrap();
    assert_eq!((entry.state, entry.version, entry.head), (HeadState::Settled, 6, head));
    assert!(!inboxes.mark(one, conversation, 6).await.unwrap(), "settled stays settled until it is opened");
    inboxes.open(one, conversation).await.unwrap();
    assert_eq!(inboxes.entry(one, conversation).await.unwrap().unwrap().head, head, "opening keeps the rest");

    // Read positions only move forward (MONO-1), and a missing entry is created, open.
    let at = |seq: u64| ReadPosition { seq: Seq::new(seq), counts: Counts::Direct([seq, 0]) };
    assert_eq!(inboxes.advance(other, conversation, at(4)).await.unwrap(), (true, Seq::new(4)));
    assert_eq!(inboxes.advance(other, conversation, at(4)).await.unwrap(), (false, Seq::new(4)));
    assert_eq!(inboxes.advance(other, conversation, at(2)).await.unwrap(), (false, Seq::new(4)));
    let entry = inboxes.entry(other, conversation).await.unwrap().unwrap();
    assert_eq!((entry.state, entry.read), (HeadState::Open, at(4)));
    assert!(inboxes.mark(other, conversation, entry.version).await.unwrap(), "and it can be settled");

    // Of 64 openings none is lost.
    let (_, busy, talk) = people(&clock);
    let opens = (0..CROWD).map(|_| {
        let inboxes = inboxes.clone();
        tokio::spawn(async move { inboxes.open(busy, talk).await.unwrap() })
    });
    join_all(opens).await.into_iter().for_each(Result::unwrap);
    assert_eq!(inboxes.entry(busy, talk).await.unwrap().unwrap().version, CROWD as u64);

    // Pages in key order.
    let owner = UserId::from_bits(clock.bits());
    let mut talks: Vec<_> = (0..5).map(|_| ConversationId::direct(owner, UserId::from_bits(clock.bits()))).collect();
    talks.push(ConversationId::Notices(owner));
    for talk in &talks {
        inboxes.open(owner, *talk).await.unwrap();
    }
    talks.sort_by_key(ToString::to_string);
    let page = async |after, limit| {
        let (page, more) = inboxes.page(owner, after, limit).await.unwrap();
        (page.iter().map(|entry| entry.conversation).collect::<Vec<_>>(), more)
    };
    assert_eq!(page(None, 4).await, (talks[..4].to_vec(), true));
    assert_eq!(page(Some(talks[3]), 4).await, (talks[4..].to_vec(), false));
    assert_eq!(page(None, 6).await, (talks.clone(), false));
    assert_eq!(page(Some(talks[5]), 4).await, (Vec::new(), false));
}

/// When devices were seen is remembered beside their routes, and tickets can be spent without being used.
///
/// # Panics
/// Where it is not, or they cannot.
#[expect(clippy::unwrap_used, reason = "a broken contract ends the test")]
pub async fn sightings_hold<R>(routes: R)
where
    R: RouteRead + RouteWrite + RouteLeave + RouteRevoke + SightingRead,
{
    let clock = TestClock::new(6);
    let user = UserId::from_bits(clock.bits());
    let after = |millis| clock.now().plus_millis(millis);
    let route = |device: &str, connection: &str, ticket: u64| Route {
        user,
        device: device.parse().unwrap(),
        platform: Platform::Phone,
        connection: ConnectionId::new(connection),
        ticket_at: after(ticket),
        connected_at: after(ticket + 1),
    };
    let seen = |route: &Route, up: bool, at: Timestamp| Sighting {
        device: route.device.clone(),
        route: up.then(|| route.clone()),
        seen_at: Some(at),
    };
    assert_eq!(routes.sightings(user).await.unwrap(), []);
    let (phone, tablet) = (route("phone", "c1=", 10), route("tablet", "c2=", 20));
    routes.claim(&phone).await.unwrap();
    routes.claim(&tablet).await.unwrap();
    let both = [seen(&phone, true, phone.connected_at), seen(&tablet, true, tablet.connected_at)];
    assert_eq!(routes.sightings(user).await.unwrap(), both);

    // Only its own connection leaves, and is seen until then; one that is swept was seen when it connected.
    let other = ConnectionId::new("other=");
    assert!(!routes.leave(user, &phone.device, &other, after(30)).await.unwrap());
    assert!(routes.leave(user, &phone.device, &phone.connection, after(40)).await.unwrap());
    assert!(!routes.leave(user, &phone.device, &phone.connection, after(50)).await.unwrap());
    assert!(routes.release(user, &tablet.device, &tablet.connection).await.unwrap());
    let left = [seen(&phone, false, after(40)), seen(&tablet, false, tablet.connected_at)];
    assert_eq!(routes.sightings(user).await.unwrap(), left);
    assert_eq!(routes.of(user).await.unwrap(), []);
    assert_eq!(routes.claim(&phone).await.unwrap(), Claim::Lost(None), "its ticket stays used");

    // Tickets up to then are spent, whether they were used or not, and the route of one of them is gone.
    let (unused, later) = (route("phone", "c3=", 60), route("phone", "c4=", 71));
    let up = route("phone", "c5=", 55);
    routes.claim(&up).await.unwrap();
    assert_eq!(routes.revoke(user, &up.device, after(70)).await.unwrap(), Some(up.clone()));
    assert_eq!(routes.revoke(user, &up.device, after(70)).await.unwrap(), None, "once");
    assert_eq!(routes.get(user, &up.device).await.unwrap(), None);
    assert_eq!(routes.claim(&unused).await.unwrap(), Claim::Lost(None));
    assert_eq!(routes.restore(&up).await.unwrap(), Claim::Lost(None), "nor does a sync write it again");
    assert_eq!(routes.claim(&later).await.unwrap(), Claim::Won(None));
    assert_eq!(routes.revoke(user, &later.device, after(70)).await.unwrap(), None, "a later ticket was used");
    assert_eq!(routes.get(user, &later.device).await.unwrap(), Some(later));

    // Also of a device that never was online, which is not seen by it.
    let (fresh, early) = (route("new", "c6=", 81), route("new", "c7=", 80));
    assert_eq!(routes.revoke(user, &fresh.device, after(80)).await.unwrap(), None);
    assert_eq!(routes.claim(&early).await.unwrap(), Claim::Lost(None));
    let unseen = Sighting { device: fresh.device.clone(), route: None, seen_at: None };
    assert!(routes.sightings(user).await.unwrap().contains(&unseen));
    assert_eq!(routes.claim(&fresh).await.unwrap(), Claim::Won(None));
}

/// Routes go to the later ticket and are released only by their own connection.
///
/// # Panics
/// Where it does not.
#[expect(clippy::unwrap_used, reason = "a broken contract ends the test")]
pub async fn routes_hold<R: RouteRead + RouteWrite + Clone + Send + 'static>(routes: R) {
    let clock = TestClock::new(4);
    let user = UserId::from_bits(clock.bits());
    let route = |device: &str, connection: &str, ticket: u64| Route {
        user,
        device: device.parse().unwrap(),
        platform: Platform::Phone,
        connection: ConnectionId::new(connection),
        ticket_at: clock.now().plus_millis(ticket),
        connected_at: clock.now(),
    };
    let (first, second) = (route("d1", "c1=", 1), route("d1", "c2=", 2));
    assert_eq!(routes.claim(&first).await.unwrap(), Claim::Won(None));
    assert_eq!(routes.claim(&first).await.unwrap(), Claim::Lost(Some(first.clone())), "a ticket works once");
    assert_eq!(routes.claim(&second).await.unwrap(), Claim::Won(Some(first.clone())));
    assert_eq!(routes.claim(&first).await.unwrap(), Claim::Lost(Some(second.clone())), "a late write loses");
    assert_eq!(routes.get(user, &second.device).await.unwrap(), Some(second.clone()));

    let tablet = route("d2", "c3=", 1);
    routes.claim(&tablet).await.unwrap();
    assert_eq!(routes.of(user).await.unwrap(), [second.clone(), tablet.clone()]);
    assert!(!routes.release(user, &first.device, &first.connection).await.unwrap(), "not the replaced one's");
    assert!(routes.release(user, &second.device, &second.connection).await.unwrap());
    assert!(!routes.release(user, &second.device, &second.connection).await.unwrap());
    assert_eq!(routes.of(user).await.unwrap(), [tablet]);

    // A ticket works once, also after its connection is over; only a connection that is up writes its route again.
    assert_eq!(routes.get(user, &second.device).await.unwrap(), None);
    assert_eq!(routes.claim(&second).await.unwrap(), Claim::Lost(None));
    assert_eq!(routes.claim(&first).await.unwrap(), Claim::Lost(None));
    assert_eq!(routes.restore(&first).await.unwrap(), Claim::Lost(None), "not an older one");
    assert_eq!(routes.restore(&second).await.unwrap(), Claim::Won(None));
    assert_eq!(routes.restore(&second).await.unwrap(), Claim::Lost(Some(second.clone())));
    assert!(routes.release(user, &second.device, &second.connection).await.unwrap());
    let third = route("d1", "c4=", 3);
    assert_eq!(routes.claim(&third).await.unwrap(), Claim::Won(None));

    // Of 64 tickets the latest has the device, in whatever order they are written.
    let claims = (0..CROWD as u64).map(|number| {
        let (routes, route) = (routes.clone(), route("d3", &format!("x{number}="), (number * 37) % CROWD as u64));
        tokio::spawn(async move { routes.claim(&route).await.unwrap() })
    });
    join_all(claims).await.into_iter().for_each(|claim| drop(claim.unwrap()));
    let winner = routes.get(user, &"d3".parse().unwrap()).await.unwrap().unwrap();
    assert_eq!(winner.ticket_at, clock.now().plus_millis(CROWD as u64 - 1));
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::messages::{FakeInboxes, FakeLog, FakeRoutes};

    #[tokio::test]
    async fn the_fakes_keep_the_contract() {
        log_holds(FakeLog::default()).await;
        inboxes_hold(FakeInboxes::default()).await;
        routes_hold(FakeRoutes::default()).await;
        sightings_hold(FakeRoutes::default()).await;
    }
}

//! Presence and typing against the fakes.
#![expect(clippy::unwrap_used, reason = "what fails ends the test")]

use tidings_application::clock::Clock;
use tidings_application::connect::DisconnectDevice;
use tidings_application::doors::Doors;
use tidings_application::ports::{GroupCommit, RouteWrite};
use tidings_application::presence::{QueryPresence, TellWatchers, WatchPresence};
use tidings_application::typing::{TellTyping, TypingError};
use tidings_domain::contact::DirectMessages;
use tidings_domain::delivery::Event;
use tidings_domain::group::change::Write;
use tidings_domain::group::permissions::Denied;
use tidings_domain::group::{Group, Member, Role, Settings};
use tidings_domain::identity::Platform;
use tidings_domain::ids::{ConnectionId, ConversationId, GroupId, UserId};
use tidings_domain::limits::{GROUP_BUCKETS, ROUTE_TTL_MS, TYPING_GROUP_MAX};
use tidings_domain::log::Seq;
use tidings_domain::presence::{Presence, Watcher};
use tidings_domain::profile::PresenceTo;
use tidings_domain::route::Route;
use tidings_testkit::clock::TestClock;
use tidings_testkit::messages::{FakeGateway, FakeGroups, FakeInboxes, FakePeople, FakeRoutes};
use tidings_testkit::presence::{FakeAudience, FakeWatches};

const ANN: UserId = UserId::from_bits(1);
const BOB: UserId = UserId::from_bits(2);
const CAT: UserId = UserId::from_bits(3);

/// A deployment in memory.
#[derive(Default)]
struct World {
    routes: FakeRoutes,
    watches: FakeWatches,
    gateway: FakeGateway,
    audience: FakeAudience,
    people: FakePeople,
    groups: FakeGroups,
    clock: TestClock,
}

impl World {
    fn query(&self) -> QueryPresence<FakeRoutes, FakeAudience, TestClock> {
        let (routes, audience) = (self.routes.clone(), self.audience.clone());
        QueryPresence { routes, audience, clock: self.clock.clone() }
    }

    fn watchers(&self) -> TellWatchers<FakeWatches, FakeRoutes, FakeAudience, FakeGateway, TestClock> {
        TellWatchers {
            watches: self.watches.clone(),
            routes: self.routes.clone(),
            audience: self.audience.clone(),
            gateway: self.gateway.clone(),
            clock: self.clock.clone(),
        }
    }

    /// As `$connect` does.
    async fn connect(&self, user: UserId, device: &str) -> Route {
        self.clock.advance(1);
        let route = Route {
            user,
            device: device.parse().unwrap(),
            platform: Platform::Phone,
            connection: ConnectionId::new(format!("{device}-{}", self.clock.now())),
            ticket_at: self.clock.now(),
            connected_at: self.clock.now(),
        };
        self.routes.claim(&route).await.unwrap();
        self.watchers().came(user, &route.device).await.unwrap();
        route
    }

    /// As `$disconnect` does.
    async fn disconnect(&self, route: &Route) {
        self.clock.advance(1);
        let disconnect = DisconnectDevice { routes: self.routes.clone(), clock: self.clock.clone() };
        disconnect.run(route.user, &route.device, &route.connection).await.unwrap();
        self.watchers().went(route.user).await.unwrap();
    }

    async fn watch(&self, route: &Route, people: &[UserId], millis: u64) -> Vec<Presence> {
        let watch = WatchPresence { watches: self.watches.clone(), query: self.query() };
        let watcher = Watcher {
            user: route.user,
            device: route.device.clone(),
            connection: route.connection.clone(),
            until: self.clock.now().plus_millis(millis),
        };
        watch.run(&watcher, people).await.unwrap()
    }

    fn typing(&self) -> TellTyping<FakeGroups, FakeInboxes, FakePeople, FakeRoutes, FakeGateway, TestClock> {
        let people = self.people.clone();
        TellTyping {
            groups: self.groups.clone(),
            doors: Doors { inboxes: people.inboxes.clone(), people, direct: DirectMessages::Anyone },
            routes: self.routes.clone(),
            gateway: self.gateway.clone(),
            clock: self.clock.clone(),
        }
    }

    /// What was pushed, and to whom; forgets it.
    fn pushed(&self) -> Vec<(ConnectionId, Event)> {
        let posts = self.gateway.take_posts().into_iter();
        posts.map(|(connection, mut events)| (connection, events.remove(0))).collect()
    }

    fn left(&self) -> Presence {
        Presence::Offline { last_seen: Some(self.clock.now()) }
    }
}

#[tokio::test]
async fn a_person_is_online_while_one_device_is() {
    let world = World::default();
    let query = world.query();
    let seen = async || query.run(ANN, &[BOB, ANN]).await.unwrap();
    assert_eq!(seen().await, [Presence::HIDDEN; 2], "nobody was ever there");
    let (phone, desk) = (world.connect(BOB, "phone").await, world.connect(BOB, "desk").await);
    assert_eq!(seen().await, [Presence::Online, Presence::HIDDEN]);
    world.disconnect(&phone).await;
    assert_eq!(seen().await[0], Presence::Online);
    world.disconnect(&desk).await;
    let left = world.left();
    world.clock.advance(5_000);
    assert_eq!(seen().await[0], left);

    // Nobody heard of the end of this one.
    let lost = world.connect(BOB, "desk").await;
    world.clock.advance(ROUTE_TTL_MS);
    assert_eq!(seen().await[0], Presence::Offline { last_seen: Some(lost.connected_at) }, "and it moved forward");
}

#[tokio::test]
async fn who_hides_is_offline_to_strangers_and_was_never_seen() {
    let audience =
        FakeAudience::default().with(BOB, PresenceTo::Contacts, &[ANN]).with(CAT, PresenceTo::Nobody, &[ANN, BOB]);
    let world = World { audience, ..World::default() };
    let (bob, cat) = (world.connect(BOB, "phone").await, world.connect(CAT, "phone").await);
    let query = world.query();
    let seen = async |viewer| query.run(viewer, &[BOB, CAT]).await.unwrap();
    assert_eq!(seen(ANN).await, [Presence::Online, Presence::HIDDEN]);
    assert_eq!(seen(CAT).await, [Presence::HIDDEN, Presence::Online]);
    let ann = world.connect(ANN, "phone").await;
    world.watch(&ann, &[BOB, CAT], 60_000).await;
    world.watch(&cat, &[BOB, CAT], 60_000).await;
    world.disconnect(&bob).await;
    assert_eq!(world.pushed(), [(ann.connection, Event::Presence(BOB, world.left()))], "pushes know it, too");
    world.disconnect(&cat).await;
    assert_eq!(world.pushed(), [(cat.connection, Event::Presence(CAT, world.left()))]);
}

#[tokio::test]
async fn watchers_are_told_who_comes_and_goes_until_their_watch_ends() {
    let world = World::default();
    let ann = world.connect(ANN, "phone").await;
    assert_eq!(world.watch(&ann, &[BOB, CAT, BOB], 10_000).await, [Presence::HIDDEN; 3]);
    let told = |event| vec![(ann.connection.clone(), event)];
    let bob = world.connect(BOB, "phone").await;
    assert_eq!(world.pushed(), told(Event::Presence(BOB, Presence::Online)));
    let desk = world.connect(BOB, "desk").await;
    world.disconnect(&bob).await;
    assert_eq!(world.pushed(), [], "another device is there all the time");
    // The old connection's end is heard after the new one's beginning.
    let again = world.connect(BOB, "desk").await;
    world.disconnect(&desk).await;
    assert_eq!(world.pushed(), told(Event::Presence(BOB, Presence::Online)), "and nothing of having gone");
    world.disconnect(&again).await;
    assert_eq!(world.pushed(), told(Event::Presence(BOB, world.left())));

    world.clock.advance(10_000);
    let bob = world.connect(BOB, "phone").await;
    assert_eq!(world.pushed(), [], "it has expired");
    assert_eq!(world.watch(&ann, &[BOB], 10_000).await, [Presence::Online]);
    world.disconnect(&bob).await;
    assert_eq!(world.pushed().len(), 1, "and is renewed by asking again");
}

#[tokio::test]
async fn a_watch_takes_the_place_of_the_one_before() {
    let world = World::default();
    let (phone, desk) = (world.connect(ANN, "phone").await, world.connect(ANN, "desk").await);
    world.watch(&phone, &[BOB, CAT], 60_000).await;
    world.watch(&desk, &[BOB], 60_000).await;
    world.watch(&phone, &[CAT], 60_000).await;
    world.connect(BOB, "phone").await;
    world.connect(CAT, "phone").await;
    let online = |user| Event::Presence(user, Presence::Online);
    assert_eq!(world.pushed(), [(desk.connection.clone(), online(BOB)), (phone.connection.clone(), online(CAT))]);
    world.watch(&phone, &[], 60_000).await;
    world.watch(&desk, &[], 60_000).await;
    for user in [BOB, CAT] {
        world.connect(user, "other").await;
    }
    assert_eq!(world.pushed(), []);
}

#[tokio::test]
async fn only_the_other_side_learns_who_writes() {
    let world = World::default();
    for (user, device) in [(ANN, "phone"), (ANN, "desk"), (CAT, "phone")] {
        world.connect(user, device).await;
    }
    let (phone, desk) = (world.connect(BOB, "phone").await, world.connect(BOB, "desk").await);
    let tell = world.typing();
    let conversation = ConversationId::direct(ANN, BOB);
    for typing in [true, false] {
        tell.run(ANN, conversation, typing).await.unwrap();
        let event = Event::Typing { conversation, user: ANN, typing };
        let mut pushed = world.pushed();
        pushed.reverse();
        assert_eq!(pushed, [(phone.connection.clone(), event.clone()), (desk.connection.clone(), event)]);
    }
    for nowhere in [conversation, ConversationId::Notices(ANN)] {
        let refused = tell.run(CAT, nowhere, true).await;
        assert!(matches!(refused, Err(TypingError::Denied(Denied::NotAMember))), "{refused:?}");
    }
    for alone in [ConversationId::direct(ANN, ANN), ConversationId::Notices(ANN)] {
        tell.run(ANN, alone, true).await.unwrap();
    }
    assert_eq!(world.pushed(), []);
}

#[tokio::test]
async fn who_takes_no_messages_of_somebody_is_not_told_that_they_write() {
    let world = World::default();
    world.connect(BOB, "phone").await;
    let (tell, conversation) = (world.typing(), ConversationId::direct(ANN, BOB));
    for says in [Some(false), None] {
        world.people.says(BOB, says);
        tell.run(ANN, conversation, true).await.unwrap();
    }
    assert_eq!(world.pushed(), [], "and the writer learns nothing");
    world.people.says(BOB, Some(true));
    tell.run(ANN, conversation, true).await.unwrap();
    assert_eq!(world.pushed().len(), 1);
}

const CLUB: GroupId = GroupId::from_bits(7);

/// A club of Ann, Bob and so many others.
async fn club(world: &World, others: u128, change: impl FnOnce(&mut Group, &mut Member)) {
    let at = world.clock.now();
    let mut group = Group {
        id: CLUB,
        name: "Club".parse().unwrap(),
        description: "".parse().unwrap(),
        owner: BOB,
        settings: Settings::default(),
        muted: false,
        announced: None,
        buckets: GROUP_BUCKETS,
        version: Seq::FIRST,
        created_at: at,
        dissolved: false,
    };
    let mut ann = Member::new(ANN, Role::Member, Seq::FIRST, at);
    change(&mut group, &mut ann);
    let bob = Member::new(BOB, Role::Owner, Seq::FIRST, at);
    let others = (0..others).map(|number| Member::new(UserId::from_bits(100 + number), Role::Member, Seq::FIRST, at));
    let members = [ann, bob].into_iter().chain(others).map(Write::Member);
    let writes: Vec<_> = [Write::Group(group)].into_iter().chain(members).collect();
    assert!(world.groups.commit(CLUB, &[], &writes).await.unwrap());
}

#[tokio::test]
async fn the_other_members_of_a_small_group_learn_who_writes() {
    let most = u128::try_from(TYPING_GROUP_MAX).unwrap() - 2;
    for (others, told) in [(0, 1), (most, 2), (most + 1, 0)] {
        let world = World::default();
        club(&world, others, |_, _| ()).await;
        for (user, device) in [(ANN, "phone"), (ANN, "desk"), (BOB, "phone"), (CAT, "phone")] {
            world.connect(user, device).await;
        }
        world.connect(UserId::from_bits(100), "phone").await;
        // Who takes no messages of a stranger is in the group all the same.
        world.people.says(BOB, Some(false));
        world.typing().run(ANN, ConversationId::Group(CLUB), true).await.unwrap();
        assert_eq!(world.pushed().len(), told, "{others}");
    }
}

#[tokio::test]
async fn who_may_not_write_in_a_group_tells_nobody() {
    let world = World::default();
    world.connect(BOB, "phone").await;
    let refused = async |user| match world.typing().run(user, ConversationId::Group(CLUB), true).await {
        Err(TypingError::Denied(denied)) => denied,
        other => panic!("{other:?}"),
    };
    assert_eq!(refused(ANN).await, Denied::NotAMember, "there is no such group");
    club(&world, 0, |_, _| ()).await;
    assert_eq!(refused(CAT).await, Denied::NotAMember);
    let later = world.clock.now().plus_millis(1_000);
    club(&world, 0, |_, ann| ann.muted_until = Some(later)).await;
    assert_eq!(refused(ANN).await, Denied::Muted);
    club(&world, 0, |group, _| group.muted = true).await;
    assert_eq!(refused(ANN).await, Denied::AllMuted);
    club(&world, 0, |group, _| group.dissolved = true).await;
    assert_eq!(refused(ANN).await, Denied::Dissolved);
    assert_eq!(world.pushed(), []);
}

//! The use cases of messages against the fakes.
#![expect(clippy::unwrap_used, reason = "a broken expectation ends the test")]

use std::num::NonZeroU64;

use tidings_application::clock::Clock;
use tidings_application::connect::{ConnectDevice, DisconnectDevice};
use tidings_application::deliver::Deliver;
use tidings_application::error::PortError;
use tidings_application::history::{HistoryError, ReadHistory};
use tidings_application::pace::Pace;
use tidings_application::ports::{InboxRead, LogAppend, LogPage, LogRead, Range, RouteRead, RouteWrite};
use tidings_application::read::ReadConversation;
use tidings_application::send::SendMessages;
use tidings_application::sync::{Page, SyncDevice, SyncError};
use tidings_domain::connect::Answer;
use tidings_domain::contact::DirectMessages;
use tidings_domain::delivery::Event;
use tidings_domain::fan_out::Job;
use tidings_domain::identity::Platform;
use tidings_domain::ids::{ConnectionId, ConversationId, UserId};
use tidings_domain::inbox::HeadState;
use tidings_domain::limits::{GONE_GRACE_MS, ROUTE_TTL_MS, SEND_DEADLINE_MS, SETTLE_AFTER_MS, SETTLE_MAX};
use tidings_domain::log::{Entry, From, Put, Seq, Tail};
use tidings_domain::posting::{Post, Retry};
use tidings_domain::route::Route;
use tidings_domain::send::{Refusal, Request, Sent};
use tidings_domain::sync;
use tidings_domain::task::Task;
use tidings_domain::{read, time::Timestamp};
use tidings_testkit::clock::TestClock;
use tidings_testkit::messages::contract::draft;
use tidings_testkit::messages::{FakeGateway, FakeGroups, FakeInboxes, FakeLog, FakePeople, FakeQueue, FakeRoutes};

/// A deployment in memory.
#[derive(Default)]
struct World {
    log: FakeLog,
    inboxes: FakeInboxes,
    people: FakePeople,
    routes: FakeRoutes,
    gateway: FakeGateway,
    queue: FakeQueue,
    clock: TestClock,
}

type Sender<L> = SendMessages<L, FakeInboxes, FakePeople, FakeGroups, FakeGateway, FakeRoutes, FakeQueue, TestClock>;

/// A log whose every answer takes until the sender is out of time.
struct SlowLog {
    log: FakeLog,
    clock: TestClock,
}

impl LogRead for SlowLog {
    async fn tail(&self, conversation: ConversationId, from: From, limit: usize) -> Result<Tail, PortError> {
        let found = self.log.tail(conversation, from, limit).await;
        if found.as_ref().is_ok_and(|tail| !tail.entries.is_empty()) {
            self.clock.advance(SEND_DEADLINE_MS);
        }
        found
    }

    async fn page(&self, conversation: ConversationId, range: Range, limit: usize) -> Result<LogPage, PortError> {
        self.log.page(conversation, range, limit).await
    }

    async fn entry(&self, conversation: ConversationId, seq: Seq) -> Result<Option<Entry>, PortError> {
        self.log.entry(conversation, seq).await
    }
}

impl LogAppend for SlowLog {
    async fn put(&self, conversation: ConversationId, entry: &Entry) -> Result<Put, PortError> {
        let stored = self.log.put(conversation, entry).await;
        self.clock.advance(SEND_DEADLINE_MS);
        stored
    }
}

fn user(number: u128) -> UserId {
    UserId::from_bits(number)
}

fn ours() -> ConversationId {
    ConversationId::direct(user(1), user(2))
}

impl World {
    fn deliver(&self) -> Deliver<FakeGateway, FakeRoutes, FakeQueue, TestClock> {
        Deliver {
            gateway: self.gateway.clone(),
            routes: self.routes.clone(),
            queue: self.queue.clone(),
            clock: self.clock.clone(),
            pace: Pace::unbounded(),
        }
    }

    async fn work(&self, jobs: Vec<Job>) -> Vec<bool> {
        self.deliver().work(&FakeGroups::default(), jobs, self.clock.now().plus_millis(1_000)).await
    }

    fn sender<L>(&self, log: L, inline_max: usize) -> Sender<L> {
        let (inboxes, people, direct) = (self.inboxes.clone(), self.people.clone(), DirectMessages::Anyone);
        let groups = FakeGroups::default();
        SendMessages { log, inboxes, people, direct, groups, deliver: self.deliver(), inline_max }
    }

    /// Opens the inboxes first, so that nobody needs an account.
    async fn say(&self, sender: u128, conversation: ConversationId, text: &str, inline_max: usize) -> Sent {
        use tidings_application::ports::InboxOpen;
        for member in tidings_domain::membership::people(conversation) {
            if self.inboxes.entry(member, conversation).await.unwrap().is_none() {
                self.inboxes.open(member, conversation).await.unwrap();
            }
        }
        let send = self.sender(self.log.clone(), inline_max);
        let connection = Some(ConnectionId::new(format!("{sender}-laptop")));
        let drafts = vec![draft(&self.clock, text)];
        let request = Request { conversation, sender: user(sender), connection, after: None, drafts };
        send.run(request).await.unwrap().remove(0).unwrap()
    }

    fn route(&self, number: u128, device: &str) -> Route {
        Route {
            user: user(number),
            device: device.parse().unwrap(),
            platform: Platform::Desktop,
            connection: ConnectionId::new(format!("{number}-{device}")),
            ticket_at: self.clock.now(),
            connected_at: self.clock.now(),
        }
    }

    async fn connect(&self, number: u128, device: &str) -> Route {
        let connect =
            ConnectDevice { routes: self.routes.clone(), gateway: self.gateway.clone(), clock: self.clock.clone() };
        let route = self.route(number, device);
        assert_eq!(connect.run(route.clone()).await, Answer::Accepted);
        route
    }

    fn syncer(&self) -> SyncDevice<FakeLog, FakeInboxes, FakeRoutes, FakeGateway, TestClock> {
        SyncDevice {
            log: self.log.clone(),
            inboxes: self.inboxes.clone(),
            routes: self.routes.clone(),
            gateway: self.gateway.clone(),
            clock: self.clock.clone(),
        }
    }

    async fn sync(&self, number: u128, since: Option<Timestamp>) -> Page {
        let request = sync::Request { user: user(number), route: None, cursor: None, since, conversations: 50 };
        self.syncer().run(request).await.unwrap()
    }

    fn pushed(&self) -> Vec<(String, Vec<u64>)> {
        let seqs = |events: &[Event]| {
            events
                .iter()
                .map(|event| match event {
                    Event::Entry(_, entry) => entry.seq.get(),
                    Event::Read { seq, .. } => seq.get(),
                    _ => 0,
                })
                .collect()
        };
        let mut posts: Vec<_> =
            self.gateway.take_posts().iter().map(|(to, events)| (to.to_string(), seqs(events))).collect();
        posts.sort();
        posts
    }
}

#[tokio::test]
async fn a_message_reaches_the_peer_and_the_senders_other_devices() {
    let world = World::default();
    for (who, device) in [(1, "laptop"), (1, "phone"), (2, "laptop"), (3, "laptop")] {
        world.connect(who, device).await;
    }
    world.say(1, ours(), "hi", 4).await;
    assert_eq!(world.pushed(), [("1-phone".to_owned(), vec![1]), ("2-laptop".to_owned(), vec![1])]);
    assert!(world.queue.take_fan_outs().is_empty() && world.queue.take_retries().is_empty());
}

#[tokio::test]
async fn too_many_connections_go_through_the_queue() {
    let world = World::default();
    world.connect(1, "laptop").await;
    world.connect(2, "laptop").await;
    world.say(1, ours(), "hi", 0).await;
    assert!(world.pushed().is_empty());
    let jobs = world.queue.take_fan_outs();
    assert_eq!(jobs.len(), 1);
    assert_eq!(world.work(vec![Job::FanOut(jobs[0].clone())]).await, [true]);
    assert_eq!(world.pushed(), [("2-laptop".to_owned(), vec![1])], "the sender was answered");
}

#[tokio::test]
async fn gone_sweeps_old_routes_and_spares_young_ones() {
    let world = World::default();
    let old = world.connect(2, "old").await;
    world.clock.advance(GONE_GRACE_MS + 1);
    let young = world.connect(2, "young").await;
    for route in [&old, &young] {
        world.gateway.answers(&route.connection, Post::Gone);
    }
    world.say(1, ours(), "hi", 4).await;
    assert_eq!(world.routes.of(user(2)).await.unwrap(), [young]);
    assert!(world.queue.take_retries().is_empty(), "Gone is not tried again");
}

#[tokio::test]
async fn what_fails_is_tried_again_for_the_failed_alone() {
    let world = World::default();
    for device in ["a", "b", "c"] {
        world.connect(2, device).await;
    }
    for device in ["a", "b"] {
        world.gateway.answers(&ConnectionId::new(format!("2-{device}")), Post::Failed);
    }
    world.say(1, ours(), "hi", 4).await;
    assert_eq!(world.pushed(), [("2-c".to_owned(), vec![1])]);
    let retry = world.queue.take_retries().remove(0);
    assert_eq!(retry.routes.len(), 2);

    assert_eq!((retry.tries, retry.events.len()), (1, 1));

    // Nobody reached: both again, and by and by a hint is all that they are sent.
    let work = async |job: &Retry| world.work(vec![Job::Retry(job.clone())]).await;
    assert_eq!(work(&retry).await, [true]);
    let retry = world.queue.take_retries().remove(0);
    assert_eq!((retry.routes.len(), retry.tries), (2, 2));
    assert_eq!(work(&retry).await, [true]);
    let hint = world.queue.take_retries().remove(0);
    assert!(matches!(hint.events[..], [Event::Pull { .. }]), "{hint:?}");

    // One reached: the rest becomes a job of its own.
    world.gateway.answers(&ConnectionId::new("2-a"), Post::Taken);
    assert_eq!(work(&hint).await, [true]);
    assert_eq!(world.pushed(), [("2-a".to_owned(), vec![0])]);
    let rest = world.queue.take_retries().remove(0);
    assert_eq!(rest.routes.iter().map(|route| route.device.as_str()).collect::<Vec<_>>(), ["b"]);

    // Neither posted nor queued: the record itself is delivered again.
    world.queue.breaks(true);
    assert_eq!(work(&rest).await, [false]);
    world.queue.breaks(false);

    // Expired meanwhile: done.
    world.clock.advance(ROUTE_TTL_MS);
    assert_eq!(work(&rest).await, [true]);
    assert!(world.queue.take_retries().is_empty());
}

#[tokio::test]
async fn a_batch_is_one_post_for_each_connection_within_the_budget() {
    let world = World::default();
    for number in 1..=2 {
        world.connect(number, "phone").await;
    }
    for text in ["one", "two", "three"] {
        world.say(1, ours(), text, 0).await;
    }
    let mut jobs: Vec<_> = world.queue.take_fan_outs().into_iter().map(Job::FanOut).collect();
    jobs.reverse();
    let worker = Deliver { pace: Pace::per_second(NonZeroU64::new(2).unwrap()), ..world.deliver() };
    let began = world.clock.now();
    assert_eq!(worker.work(&FakeGroups::default(), jobs.clone(), began.plus_millis(500)).await, [true; 3]);
    let seqs = vec![1, 2, 3];
    assert_eq!(world.pushed(), [("1-phone".to_owned(), seqs.clone()), ("2-phone".to_owned(), seqs)]);
    // A tenth of a second is for free, then one every half.
    assert_eq!(world.clock.now().millis_since(began), 400);

    // No time for a second post: queued again, at once, and the batch is done.
    assert_eq!(worker.work(&FakeGroups::default(), jobs, world.clock.now().plus_millis(200)).await, [true; 3]);
    assert!(world.pushed().is_empty());
    assert_eq!(world.queue.take_retries()[0].routes.len(), 2);
}

#[tokio::test]
async fn what_a_send_left_in_the_log_is_finished_by_its_task() {
    let world = World::default();
    world.connect(1, "phone").await;
    let notes = ConversationId::direct(user(1), user(1));
    let slow = world.sender(SlowLog { log: world.log.clone(), clock: world.clock.clone() }, 4);
    let drafts = vec![draft(&world.clock, "hi")];
    let request = Request { conversation: notes, sender: user(1), connection: None, after: None, drafts };
    assert_eq!(slow.run(request).await.unwrap(), [Err(Refusal::Unavailable)]);
    let shown = async || world.sync(1, None).await.conversations.len();
    assert_eq!((world.log.all(notes).len(), shown().await), (1, 0), "in the log, and nobody sees it");

    let Task::Send(unfinished) = world.queue.take_tasks().remove(0);
    for _ in 0..2 {
        world.sender(world.log.clone(), 4).finish(unfinished.clone()).await.unwrap();
        assert_eq!(shown().await, 1);
        assert_eq!(world.pushed(), [("1-phone".to_owned(), vec![1])]);
    }
    // Out of time once more: the record stays, and becomes no second task.
    slow.finish(unfinished).await.unwrap_err();
    assert!(world.queue.take_tasks().is_empty());
    assert_eq!(world.log.all(notes).len(), 1, "it appends nothing");
}

#[tokio::test]
async fn a_later_ticket_replaces_and_an_abandoned_connection_is_refused() {
    let world = World::default();
    let connect =
        ConnectDevice { routes: world.routes.clone(), gateway: world.gateway.clone(), clock: world.clock.clone() };
    let first = world.connect(1, "laptop").await;
    let reused = Route { connection: ConnectionId::new("thief"), ..first.clone() };
    assert_eq!(connect.run(reused).await, Answer::Refused, "a ticket works once");
    assert_eq!(connect.run(first.clone()).await, Answer::Accepted, "the SDK's own repetition");

    world.clock.advance(1);
    let second = Route { connection: ConnectionId::new("second"), ..world.route(1, "laptop") };
    assert_eq!(connect.run(second.clone()).await, Answer::Accepted);
    assert_eq!(world.gateway.closed(), std::slice::from_ref(&first.connection));
    assert_eq!(connect.run(Route { connection: ConnectionId::new("late"), ..first.clone() }).await, Answer::Refused);

    let disconnect = DisconnectDevice { routes: world.routes.clone(), clock: world.clock.clone() };
    disconnect.run(first.user, &first.device, &first.connection).await.unwrap();
    assert_eq!(world.routes.of(user(1)).await.unwrap(), [second], "the replaced one deletes nothing");
}

#[tokio::test]
async fn a_sync_shows_heads_unread_and_newest_entries() {
    let world = World::default();
    for number in 0..30 {
        world.say(1 + number % 2, ours(), "hi", 4).await;
    }
    let page = world.sync(1, None).await;
    let talk = &page.conversations[0];
    assert_eq!((talk.head.seq, talk.unread, talk.entries.len()), (Seq::new(30), 15, 5));
    assert_eq!(talk.entries.last().unwrap().seq, Seq::new(30));

    let reader = ReadConversation {
        log: world.log.clone(),
        inboxes: world.inboxes.clone(),
        deliver: world.deliver(),
        inline_max: 4,
    };
    world.connect(2, "laptop").await;
    let reading =
        |who, seq| read::Request { conversation: ours(), user: user(who), connection: None, seq: Seq::new(seq) };
    let read = async |seq| reader.run(reading(1, seq)).await;
    assert_eq!(read(29).await, Ok(Seq::new(29)));
    assert_eq!(world.pushed(), [("2-laptop".to_owned(), vec![29])]);
    assert_eq!(read(3).await, Ok(Seq::new(29)), "never back");
    assert!(world.pushed().is_empty(), "and nobody is told");
    assert_eq!(world.sync(1, None).await.conversations[0].unread, 1);
    for (seq, who, want) in
        [(31, 1, read::Refusal::NoSuchEntry), (0, 1, read::Refusal::NoSuchEntry), (1, 3, read::Refusal::NotAMember)]
    {
        assert_eq!(reader.run(reading(who, seq)).await, Err(want), "{seq} {who}");
    }
}

#[tokio::test]
async fn quiet_conversations_settle_a_few_a_sync_and_stay_exact() {
    let world = World::default();
    let count = u128::try_from(SETTLE_MAX).unwrap() + 3;
    for peer in 0..count {
        world.say(10 + peer, ConversationId::direct(user(1), user(10 + peer)), "hi", 4).await;
    }
    let before = world.sync(1, None).await;
    world.clock.advance(SETTLE_AFTER_MS);
    let settled = async || {
        let (entries, _) = world.inboxes.page(user(1), None, 50).await.unwrap();
        entries.iter().filter(|entry| entry.state == HeadState::Settled).count()
    };
    assert_eq!(settled().await, 0);
    let page = world.sync(1, None).await;
    assert_eq!(settled().await, SETTLE_MAX);
    assert_eq!(world.sync(1, Some(page.since)).await.conversations.len(), usize::try_from(count).unwrap());
    assert_eq!(settled().await, SETTLE_MAX + 3);

    // Settled: the same heads and unread, without asking the logs; entries only where something changed.
    let page = world.sync(1, Some(page.since)).await;
    let heads = |page: &Page| page.conversations.iter().map(|it| (it.head, it.unread)).collect::<Vec<_>>();
    assert_eq!(heads(&page), heads(&before));
    assert!(page.conversations.iter().all(|it| it.entries.is_empty()));
    let page = world.sync(1, Some(Timestamp::EPOCH)).await;
    assert!(page.conversations.iter().all(|it| it.entries.len() == 1));

    // The next message opens its entry again.
    world.say(10, ConversationId::direct(user(1), user(10)), "again", 4).await;
    assert_eq!(settled().await, SETTLE_MAX + 2);
    assert_eq!(world.sync(1, None).await.conversations[0].head.seq, Seq::new(2));
}

#[tokio::test]
async fn a_sync_writes_a_missing_route_again_and_a_replaced_connection_is_told() {
    let world = World::default();
    let route = world.connect(1, "laptop").await;
    world.routes.release(route.user, &route.device, &route.connection).await.unwrap();
    let run = async |route: &Route| {
        let route = Some(route.clone());
        let request = sync::Request { user: user(1), route, cursor: None, since: None, conversations: 50 };
        world.syncer().run(request).await
    };
    run(&route).await.unwrap();
    assert_eq!(world.routes.of(user(1)).await.unwrap(), std::slice::from_ref(&route));

    world.clock.advance(1);
    let newer = Route { connection: ConnectionId::new("newer"), ..world.route(1, "laptop") };
    world.routes.claim(&newer).await.unwrap();
    assert_eq!(run(&route).await, Err(SyncError::Replaced));
    assert_eq!(world.gateway.closed(), [route.connection]);
    assert_eq!(world.routes.of(user(1)).await.unwrap(), [newer]);
}

#[tokio::test]
async fn pages_of_a_sync_go_through_all_conversations() {
    let world = World::default();
    for peer in 10..17 {
        world.say(peer, ConversationId::direct(user(1), user(peer)), "hi", 4).await;
    }
    let (mut cursor, mut seen) = (None, Vec::new());
    loop {
        let request = sync::Request { user: user(1), route: None, cursor, since: None, conversations: 3 };
        let page = world.syncer().run(request).await.unwrap();
        seen.extend(page.conversations.iter().map(|it| it.inbox.conversation));
        cursor = page.cursor;
        if cursor.is_none() {
            break;
        }
    }
    assert_eq!(seen, (10..17).map(|peer| ConversationId::direct(user(1), user(peer))).collect::<Vec<_>>());
}

#[tokio::test]
async fn outsiders_learn_nothing() {
    let world = World::default();
    world.say(1, ours(), "secret", 4).await;
    let history = ReadHistory { log: world.log.clone(), inboxes: world.inboxes.clone() };
    for (conversation, who) in
        [(ours(), 3), (ConversationId::Notices(user(1)), 2), (ConversationId::direct(user(8), user(9)), 3)]
    {
        let answer = history.run(user(who), conversation, Range::Newest, 10).await;
        assert!(matches!(answer, Err(HistoryError::NotAMember)), "{conversation}");
    }
    assert_eq!(history.run(user(2), ours(), Range::Newest, 10).await.unwrap().entries.len(), 1);
    assert!(world.sync(3, None).await.conversations.is_empty());

    world.people.says(user(4), None);
    let send = world.sender(world.log.clone(), 4);
    let request =
        |conversation, drafts| Request { conversation, sender: user(3), connection: None, after: None, drafts };
    let intrusion = send.run(request(ours(), vec![draft(&world.clock, "x")])).await;
    assert_eq!(intrusion, Err(Refusal::NotAMember));
    let stranger = ConversationId::direct(user(3), user(4));
    let answer = send.run(request(stranger, vec![draft(&world.clock, "x")])).await.unwrap();
    assert_eq!(answer, [Err(Refusal::NoSuchUser)], "nobody has an account here");
    assert!(world.log.all(stranger).is_empty() && world.log.all(ours()).len() == 1);
}

//! Contacts and who may write to whom, against the fakes.
#![expect(clippy::unwrap_used, reason = "a broken expectation ends the test")]

use tidings_application::clock::{Clock as _, Random as _};
use tidings_application::contacts::{ChangeContact, ForgetStrangers, LookAtContacts};
use tidings_application::deliver::Deliver;
use tidings_application::doors::Doors;
use tidings_application::pace::Pace;
use tidings_application::ports::{InboxOpen as _, InboxRead as _, Introduce, LogAppend as _, StrangersRead};
use tidings_application::send::{Nobody, SendMessages};
use tidings_domain::change::{self, Changed};
use tidings_domain::contact::change::{Change, Request};
use tidings_domain::contact::{self, DirectMessages, Reception};
use tidings_domain::ids::{ClientId, ConversationId, UserId};
use tidings_domain::limits::{ASKING_TTL_MS, CHANGE_SEARCH_MAX, GONE_CONTACT_TTL_MS, SEARCH_MAX, SINCE_OVERLAP_MS};
use tidings_domain::log::{BodyHash, Seq};
use tidings_domain::send::{self, Refusal, Sent};
use tidings_testkit::clock::TestClock;
use tidings_testkit::messages::contract::draft;
use tidings_testkit::messages::{
    FakeContacts, FakeGateway, FakeGroups, FakeInboxes, FakePeople, FakeQueue, FakeRoutes,
};

const ANN: UserId = UserId::from_bits(1);
const BOB: UserId = UserId::from_bits(2);
const CAT: UserId = UserId::from_bits(3);

#[derive(Default)]
struct World {
    contacts: FakeContacts,
    queue: FakeQueue,
    clock: TestClock,
}

impl World {
    async fn does(&self, actor: UserId, peer: UserId, change: Change) {
        let client_id = ClientId::new(self.clock.now(), self.clock.bits());
        self.run(Request { actor, peer, client_id, fingerprint: BodyHash::new([0; 32]), change }).await.unwrap();
    }

    async fn run(&self, request: Request) -> Result<Changed, change::Refusal<contact::change::Refusal>> {
        let (contacts, queue, clock) = (self.contacts.clone(), self.queue.clone(), self.clock.clone());
        let use_case =
            ChangeContact { log: contacts.log.clone(), contacts, queue, clock, encode: |told| format!("{told:?}") };
        use_case.run(request, None).await
    }

    /// So many notices of Ann's within a moment.
    async fn flood(&self, count: usize) {
        let (notices, mut head) = (ConversationId::Notices(ANN), None);
        for _ in 0..count {
            let entry = draft(&self.clock, "notice").follow(head.as_ref(), notices, BOB, self.clock.now());
            self.contacts.log.put(notices, &entry).await.unwrap();
            head = Some(entry);
        }
    }

    fn look(&self) -> LookAtContacts<tidings_testkit::messages::FakeLog, FakeContacts, TestClock> {
        LookAtContacts { log: self.contacts.log.clone(), contacts: self.contacts.clone(), clock: self.clock.clone() }
    }

    /// Whom it tells of, and the version; gone ones with their id alone.
    async fn list(&self, since: Option<u64>) -> (Vec<(UserId, bool)>, u64, bool) {
        let page = self.look().list(ANN, since.map(Seq::new), None, 9).await.unwrap();
        let contacts = page.contacts.iter().map(|contact| (contact.peer, contact.is_gone()));
        (contacts.collect(), page.version.get(), page.whole)
    }

    async fn say<P: Introduce>(&self, people: P, direct: DirectMessages, sender: UserId) -> Result<Sent, Refusal> {
        let send = SendMessages {
            log: self.contacts.log.clone(),
            inboxes: self.contacts.people.inboxes.clone(),
            people,
            direct,
            groups: FakeGroups::default(),
            deliver: Deliver {
                gateway: FakeGateway::default(),
                routes: FakeRoutes::default(),
                queue: self.queue.clone(),
                clock: self.clock.clone(),
                pace: Pace::unbounded(),
            },
            inline_max: 4,
        };
        let conversation = ConversationId::direct(sender, BOB);
        let drafts = vec![draft(&self.clock, "hello")];
        let request = send::Request { conversation, sender, connection: None, after: None, drafts };
        send.run(request).await.unwrap().remove(0)
    }

    fn doors<P: StrangersRead>(&self, people: P, direct: DirectMessages) -> Doors<FakeInboxes, P> {
        Doors { inboxes: self.people().inboxes, people, direct }
    }

    fn people(&self) -> FakePeople {
        self.contacts.people.clone()
    }
}

/// Who is flooded can still put an end to it, and is told once that they did.
#[tokio::test]
async fn a_change_looks_through_a_flood_and_no_further() {
    let world = World::default();
    world.flood(3 * SEARCH_MAX).await;
    let client_id = ClientId::new(world.clock.now(), world.clock.bits());
    let fingerprint = BodyHash::new([0; 32]);
    let block = Request { actor: ANN, peer: BOB, client_id, fingerprint, change: Change::Block };
    let told = world.run(block.clone()).await.unwrap();
    assert_eq!((told.seq.get(), told.duplicate), (1 + 3 * SEARCH_MAX as u64, false));
    assert_eq!(world.run(block.clone()).await.unwrap(), Changed { duplicate: true, ..told });

    let world = World::default();
    world.flood(CHANGE_SEARCH_MAX + 2).await;
    assert_eq!(world.run(block).await, Err(change::Refusal::Behind));
}

#[tokio::test]
async fn a_list_tells_what_changed_since_its_version() {
    let world = World::default();
    assert_eq!(world.list(None).await, (vec![], 0, true));
    world.does(ANN, BOB, Change::Block).await;
    assert_eq!(world.list(None).await, (vec![(BOB, false)], 0, true), "a minute later it counts");
    world.clock.advance(SINCE_OVERLAP_MS + 1);
    assert_eq!(world.list(None).await, (vec![(BOB, false)], 1, true));
    world.does(ANN, CAT, Change::Request { greeting: None }).await;
    assert_eq!(world.list(Some(1)).await, (vec![(CAT, false)], 1, false));
    world.does(ANN, BOB, Change::Unblock).await;
    assert_eq!(world.list(Some(1)).await, (vec![(BOB, true), (CAT, false)], 1, false));
    assert_eq!(world.list(None).await.0, [(CAT, false)]);
    world.clock.advance(SINCE_OVERLAP_MS + 1);
    assert_eq!(world.list(Some(1)).await.1, 3);
    assert_eq!(world.list(Some(3)).await, (vec![], 3, false));
    // Of a place that there is not, and of one after which some that are gone are forgotten.
    assert!(world.list(Some(4)).await.2);
    world.clock.advance(GONE_CONTACT_TTL_MS);
    assert!(world.list(Some(1)).await.2);
}

#[tokio::test]
async fn a_request_that_nobody_answers_is_in_the_list_for_a_time() {
    let world = World::default();
    world.does(CAT, ANN, Change::Request { greeting: None }).await;
    assert_eq!(world.list(None).await.0, [(CAT, false)]);
    world.clock.advance(ASKING_TTL_MS);
    assert_eq!(world.list(None).await.0, []);
}

#[tokio::test]
async fn blocked_ones_come_in_pages() {
    let world = World::default();
    for peer in [BOB, CAT] {
        world.does(ANN, peer, Change::Block).await;
    }
    let (page, cursor) = world.look().blocked(ANN, None, 1).await.unwrap();
    assert_eq!((page[0].peer, cursor), (BOB, Some(BOB)));
    let (page, cursor) = world.look().blocked(ANN, cursor, 1).await.unwrap();
    assert_eq!((page[0].peer, cursor), (CAT, None));
}

#[tokio::test]
async fn both_are_told_and_only_they() {
    let world = World::default();
    world.does(ANN, BOB, Change::Request { greeting: None }).await;
    let jobs: Vec<_> = world.queue.take_fan_outs().into_iter().map(|job| job.conversation).collect();
    assert_eq!(jobs, [ConversationId::Notices(ANN), ConversationId::Notices(BOB)]);
    world.does(BOB, ANN, Change::Block).await;
    let jobs: Vec<_> = world.queue.take_fan_outs().into_iter().map(|job| job.conversation).collect();
    assert_eq!(jobs, [ConversationId::Notices(BOB)]);
}

#[tokio::test]
async fn among_contacts_alone_no_account_is_read() {
    let world = World::default();
    assert_eq!(world.say(Nobody, DirectMessages::Contacts, ANN).await, Err(Refusal::Unwelcome));
    world.does(BOB, ANN, Change::Request { greeting: None }).await;
    assert_eq!(world.say(Nobody, DirectMessages::Contacts, ANN).await, Err(Refusal::Unwelcome));
    world.does(ANN, BOB, Change::Answer { accept: true }).await;
    assert_eq!(world.say(Nobody, DirectMessages::Contacts, ANN).await.map(|sent| sent.seq), Ok(Seq::FIRST));
    world.does(BOB, ANN, Change::Block).await;
    assert_eq!(world.say(Nobody, DirectMessages::Contacts, ANN).await, Err(Refusal::Unwelcome));
}

#[tokio::test]
async fn a_stranger_is_asked_about_once_and_again_after_a_change_of_mind() {
    let world = World::default();
    let say = async |people| world.say(people, DirectMessages::Anyone, ANN).await;
    assert!(say(world.people()).await.is_ok());
    let seq = world.say(Nobody, DirectMessages::Anyone, ANN).await.map(|sent| sent.seq);
    assert_eq!(seq, Ok(Seq::new(2)), "the inbox remembers");

    world.people().says(BOB, Some(false));
    let inboxes = world.people().inboxes;
    // Neither a talk in which nobody was introduced nor the notices are in its way.
    for talk in [ConversationId::direct(BOB, CAT), ConversationId::Notices(BOB)] {
        inboxes.open(BOB, talk).await.unwrap();
    }
    ForgetStrangers { inboxes }.run(BOB).await.unwrap();
    assert_eq!(say(world.people()).await, Err(Refusal::Unwelcome));
    world.people().says(BOB, Some(true));
    assert!(say(world.people()).await.is_ok());
}

#[tokio::test]
async fn who_would_take_a_message_is_asked_without_being_introduced() {
    for direct in [DirectMessages::Anyone, DirectMessages::Contacts] {
        let world = World::default();
        let doors = world.doors(world.people(), direct);
        let anyone = direct == DirectMessages::Anyone;
        for (says, want) in [
            (Some(true), if anyone { Reception::Welcome } else { Reception::Unwelcome }),
            (Some(false), Reception::Unwelcome),
            (None, Reception::Nobody),
        ] {
            world.people().says(BOB, says);
            assert_eq!(doors.reception(BOB, ANN).await.unwrap(), want, "{direct:?} {says:?}");
            assert_eq!(doors.welcomes(BOB, ANN).await.unwrap(), want == Reception::Welcome, "{direct:?} {says:?}");
        }
        assert_eq!(world.people().inboxes.entry(BOB, ConversationId::direct(ANN, BOB)).await.unwrap(), None);
        world.people().says(BOB, Some(false));
        world.does(BOB, ANN, Change::Request { greeting: None }).await;
        world.does(ANN, BOB, Change::Answer { accept: true }).await;
        assert_eq!(doors.reception(BOB, ANN).await.unwrap(), Reception::Welcome);
        assert!(world.doors(Nobody, direct).welcomes(BOB, ANN).await.unwrap(), "of a contact no account is read");
        world.does(BOB, ANN, Change::Block).await;
        assert_eq!(doors.reception(BOB, ANN).await.unwrap(), Reception::Blocked);
        assert!(!world.doors(Nobody, direct).welcomes(BOB, ANN).await.unwrap(), "nor of one who is blocked");
    }
}

/// The account is read, then written, then the inbox forgets: an introduction in between does not hold.
#[tokio::test]
async fn no_introduction_outlives_a_change_of_mind() {
    let world = World::default();
    let talk = ConversationId::direct(ANN, BOB);
    assert_eq!(world.people().takes_strangers(BOB).await.unwrap(), Some(true));
    world.people().says(BOB, Some(false));
    let inboxes = world.people().inboxes;
    ForgetStrangers { inboxes: inboxes.clone() }.run(BOB).await.unwrap();
    assert!(!world.people().introduce(BOB, talk).await.unwrap());
    // One that held before the account was written is found, however many there are.
    world.people().says(BOB, Some(true));
    for number in 10..300 {
        let talk = ConversationId::direct(BOB, UserId::from_bits(number));
        assert!(world.people().introduce(BOB, talk).await.unwrap());
    }
    world.people().says(BOB, Some(false));
    ForgetStrangers { inboxes }.run(BOB).await.unwrap();
    for number in [10, 150, 299] {
        let sender = UserId::from_bits(number);
        assert_eq!(world.say(world.people(), DirectMessages::Anyone, sender).await, Err(Refusal::Unwelcome));
    }
}

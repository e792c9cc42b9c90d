//! Profiles, searches, passwords and the end of accounts against the fakes.

#![expect(clippy::unwrap_used, reason = "what fails ends the test")]

use tidings_application::clock::{Clock, Random};
use tidings_application::contacts::ForgetStrangers;
use tidings_application::error::PortError;
use tidings_application::identity::ports::{AccountRead, SessionList};
use tidings_application::identity::{
    Account, Change, ChangePassword, ChangePasswordError, DeleteAccount, DeleteAccountError, Device, GetUser,
    GetUserError, Kick, LeaveEverything, Lifetimes, Principal, Refresh, RefreshError, SearchPeople, SearchPeopleError,
    Seen, SignIn, SignInCommand, SignInError, SignUp, SignUpCommand, SignUpError, SignedIn, UpdateUser,
    UpdateUserCommand, UpdateUserError, Who,
};
use tidings_application::notice::TellOneself;
use tidings_application::ports::{InboxRead, Introduce};
use tidings_domain::change::Refusal;
use tidings_domain::delivery::Event;
use tidings_domain::identity::{Password, Platform};
use tidings_domain::ids::{ClientId, ConversationId, UserId};
use tidings_domain::inbox::HeadState;
use tidings_domain::limits::{CHANGES_KEPT, CLOCK_SKEW_MS, SEARCH_PAGE_MAX};
use tidings_domain::log::BodyHash;
use tidings_domain::login::LoginPolicy;
use tidings_domain::profile::{MessagesFrom, PresenceTo};
use tidings_testkit::clock::TestClock;
use tidings_testkit::identity::{FakeHasher, FakeKeys, FakeSocial};
use tidings_testkit::messages::{FakeContacts, FakeGateway, FakeQueue, FakeRoutes};

const OLD: &str = "correct horse";
const NEW: &str = "battery staple";

const LIFETIMES: Lifetimes = Lifetimes { access_token_s: 900, refresh_token_s: 86_400 };

/// A deployment in memory.
#[derive(Clone, Default)]
struct World {
    social: FakeSocial,
    contacts: FakeContacts,
    queue: FakeQueue,
    routes: FakeRoutes,
    gateway: FakeGateway,
    hasher: FakeHasher,
    clock: TestClock,
}

impl World {
    /// Alice, who signed up with this request.
    async fn with_alice() -> (Self, SignUpCommand, UserId) {
        let world = Self::default();
        let request = world.sign_up_request("alice");
        let user = world.sign_up(request.clone()).await.unwrap();
        (world, request, user)
    }

    fn client_id(&self) -> ClientId {
        ClientId::new(self.clock.now(), self.clock.bits())
    }

    fn sign_up_request(&self, username: &str) -> SignUpCommand {
        SignUpCommand {
            username: username.parse().unwrap(),
            password: OLD.parse().unwrap(),
            display_name: "Somebody".parse().unwrap(),
            client_id: Some(self.client_id()),
        }
    }

    async fn sign_up(&self, request: SignUpCommand) -> Result<UserId, SignUpError> {
        let (accounts, hasher) = (self.social.clone(), self.hasher.clone());
        let sign_up = SignUp { accounts, hasher, clock: self.clock.clone(), open: true };
        sign_up.run(request).await.map(|card| card.user)
    }

    async fn sign_in(&self, password: &str, device: &str) -> Result<SignedIn, SignInError> {
        let sign_in = SignIn {
            policy: LoginPolicy::Unlimited,
            kick: self.kick(),
            store: self.social.clone(),
            hasher: self.hasher.clone(),
            keys: FakeKeys,
            clock: self.clock.clone(),
            lifetimes: LIFETIMES,
        };
        let device =
            Device { id: device.parse().unwrap(), name: "A device".parse().unwrap(), platform: Platform::Desktop };
        sign_in.run(SignInCommand { username: "alice".parse().unwrap(), password: secret(password), device }).await
    }

    async fn refresh(&self, signed_in: &SignedIn) -> Result<SignedIn, RefreshError> {
        let refresh =
            Refresh { store: self.social.clone(), keys: FakeKeys, clock: self.clock.clone(), lifetimes: LIFETIMES };
        refresh.run(signed_in.refresh_token.reveal()).await
    }

    async fn update(&self, command: UpdateUserCommand) -> Result<Account, UpdateUserError> {
        let strangers = ForgetStrangers { inboxes: self.contacts.people.inboxes.clone() };
        let (log, notices) = (self.contacts.log.clone(), self.contacts.clone());
        let (queue, clock, encode) = (self.queue.clone(), self.clock.clone(), told as fn(&Account) -> String);
        let tell = TellOneself { log, notices, queue, clock, encode };
        UpdateUser { accounts: self.social.clone(), strangers, tell }.run(command).await
    }

    async fn change_password(&self, who: &Principal, old: &str, new: &str) -> Result<(), ChangePasswordError> {
        let (store, hasher, kick) = (self.social.clone(), self.hasher.clone(), self.kick());
        ChangePassword { store, hasher, kick }.run(who, &secret(old), &secret(new)).await
    }

    async fn delete(&self, who: &Principal, password: &str) -> Result<(), DeleteAccountError> {
        let (store, hasher, kick) = (self.social.clone(), self.hasher.clone(), self.kick());
        DeleteAccount { store, hasher, kick, ties: Alone }.run(who, &secret(password)).await
    }

    /// What a person's notices tell, each handed on to their devices.
    fn told(&self, user: UserId) -> Vec<String> {
        let notices = ConversationId::Notices(user);
        let told = self.contacts.log.all(notices);
        let pushed: Vec<_> = self.queue.take_fan_outs().into_iter().flat_map(|job| job.events).collect();
        for entry in &told {
            assert!(pushed.contains(&Event::Entry(notices, entry.clone())), "nobody is told {entry:?}");
        }
        told.into_iter().map(|entry| entry.body.json).collect()
    }

    fn kick(&self) -> Kick<FakeSocial, FakeRoutes, FakeGateway, TestClock> {
        let (sessions, routes) = (self.social.clone(), self.routes.clone());
        Kick { sessions, routes, gateway: self.gateway.clone(), clock: self.clock.clone() }
    }

    /// The devices that are signed in.
    async fn devices(&self, user: UserId) -> Vec<String> {
        let sessions = self.social.sessions(user).await.unwrap();
        sessions.iter().map(|session| session.device.to_string()).collect()
    }

    /// Who speaks on this device.
    async fn principal(&self, user: UserId, device: &str) -> Principal {
        let sessions = self.social.sessions(user).await.unwrap();
        sessions.iter().find(|session| session.device.as_str() == device).unwrap().principal()
    }
}

/// Nothing ties anybody to others. What becomes of ties is tested in `endings`.
struct Alone;

impl LeaveEverything for Alone {
    async fn leave(&self, _: UserId) -> Result<(), PortError> {
        Ok(())
    }
}

fn told(account: &Account) -> String {
    format!("{} {}", account.version, account.username)
}

fn command(world: &World, user: UserId, change: Change) -> UpdateUserCommand {
    let (client_id, fingerprint) = (world.client_id(), BodyHash::new([1; 32]));
    UpdateUserCommand { user, client_id, fingerprint, connection: None, version: None, change }
}

/// Does it after so many turns of everybody else.
async fn after<T>(turns: i32, it: impl Future<Output = T>) -> T {
    for _ in 0..turns {
        tokio::task::yield_now().await;
    }
    it.await
}

fn secret(text: &str) -> Password {
    text.parse().unwrap()
}

mod update {
    use super::*;

    fn bio(text: &str) -> Change {
        Change { bio: Some(text.parse().unwrap()), ..Change::default() }
    }

    fn named(username: &str) -> Change {
        Change { username: Some(username.parse().unwrap()), ..Change::default() }
    }

    /// The first attempt may have died when the account was written: the same again makes the inbox forget.
    #[tokio::test]
    async fn a_change_of_mind_about_strangers_is_finished_by_its_repetition() {
        let (world, _, user) = World::with_alice().await;
        let people = &world.contacts.people;
        let talk = ConversationId::direct(user, UserId::from_bits(7));
        let remembered =
            async || world.contacts.people.inboxes.entry(user, talk).await.unwrap().unwrap().door.strangers;
        let contacts = Change { messages_from: Some(MessagesFrom::Contacts), ..Change::default() };
        let request = command(&world, user, contacts);
        for _ in 0..2 {
            assert!(people.introduce(user, talk).await.unwrap() && remembered().await);
            world.update(request.clone()).await.unwrap();
            assert!(!remembered().await);
        }
        people.introduce(user, talk).await.unwrap();
        world.update(command(&world, user, bio("words"))).await.unwrap();
        assert!(remembered().await, "other changes are not about strangers");
    }

    #[tokio::test]
    async fn a_change_is_told_once_and_again_by_its_repetition() {
        let (world, _, user) = World::with_alice().await;
        let request = command(&world, user, named("alicia"));
        world.update(request.clone()).await.unwrap();
        assert_eq!(world.told(user), ["1 alicia"]);
        let notices = ConversationId::Notices(user);
        let seen = world.contacts.people.inboxes.entry(user, notices).await.unwrap();
        assert_eq!(seen.map(|entry| entry.state), Some(HeadState::Open), "a sync shows it");
        // Whoever made it may have died before anybody was told.
        world.update(request.clone()).await.unwrap();
        assert_eq!(world.told(user), ["1 alicia"]);
        let error =
            world.update(UpdateUserCommand { fingerprint: BodyHash::new([2; 32]), ..request }).await.unwrap_err();
        assert!(matches!(error, UpdateUserError::Untold(Refusal::Conflict)), "{error:?}");
    }

    /// The reply of the write is lost: the account is changed, and nobody was told.
    #[tokio::test]
    async fn a_repetition_tells_what_a_crash_left_untold() {
        let (world, _, user) = World::with_alice().await;
        let first = command(&world, user, named("alicia"));
        world.social.lose_replies(1);
        assert!(world.update(first.clone()).await.is_err());
        assert_eq!(world.told(user), [""; 0]);
        world.update(command(&world, user, named("alison"))).await.unwrap();
        assert_eq!(world.told(user), ["2 alison"]);
        world.update(first).await.unwrap();
        assert_eq!(world.queue.take_fan_outs().len(), 1);
        let told = world.contacts.log.all(ConversationId::Notices(user));
        let told: Vec<_> = told.iter().map(|entry| entry.body.json.as_str()).collect();
        assert_eq!(told, ["2 alison", "2 alison"], "as it stands, and not as it was");
    }

    #[tokio::test]
    async fn what_can_never_be_told_is_not_made() {
        let (world, _, user) = World::with_alice().await;
        let early = world.clock.now().plus_millis(CLOCK_SKEW_MS + 1);
        let request =
            UpdateUserCommand { client_id: ClientId::new(early, 0), ..command(&world, user, named("alicia")) };
        let error = world.update(request).await.unwrap_err();
        assert!(matches!(error, UpdateUserError::Untold(Refusal::ClientIdFromFuture)), "{error:?}");
        assert_eq!(world.social.account(user).await.unwrap().unwrap().version, 0);
    }

    #[tokio::test]
    async fn what_is_named_changes_and_nothing_else() {
        let (world, _, user) = World::with_alice().await;
        let before = world.social.account(user).await.unwrap().unwrap();
        let hidden = Change { presence_to: Some(PresenceTo::Nobody), ..bio("hi") };
        let updated = world.update(command(&world, user, hidden)).await.unwrap();
        let mut profile = before.profile.clone();
        (profile.bio, profile.presence_to) = ("hi".parse().unwrap(), PresenceTo::Nobody);
        assert_eq!((&updated.profile, updated.version), (&profile, 1));
        assert_eq!(updated.username, before.username);
        assert_eq!(world.social.account(user).await.unwrap(), Some(updated));
    }

    #[tokio::test]
    async fn nothing_is_no_change() {
        let (world, _, user) = World::with_alice().await;
        let error = world.update(command(&world, user, Change::default())).await.unwrap_err();
        assert!(matches!(error, UpdateUserError::Nothing), "{error:?}");
    }

    #[tokio::test]
    async fn a_change_of_another_version_is_refused() {
        let (world, _, user) = World::with_alice().await;
        let at = |version, change| UpdateUserCommand { version: Some(version), ..command(&world, user, change) };
        world.update(at(0, bio("one"))).await.unwrap();
        for version in [0, 2] {
            let error = world.update(at(version, bio("late"))).await.unwrap_err();
            assert!(matches!(error, UpdateUserError::Changed), "{error:?}");
        }
        let updated = world.update(at(1, bio("two"))).await.unwrap();
        assert_eq!((updated.version, updated.profile.bio.as_str()), (2, "two"));
    }

    #[tokio::test]
    async fn the_same_request_again_changes_nothing_more() {
        let (world, _, user) = World::with_alice().await;
        let first = UpdateUserCommand { version: Some(0), ..command(&world, user, named("alicia")) };
        world.social.lose_replies(1);
        let error = world.update(first.clone()).await.unwrap_err();
        assert!(matches!(error, UpdateUserError::Port(ref error) if error.retryable), "{error:?}");
        let again = world.update(first.clone()).await.unwrap();
        assert_eq!((again.version, again.username.as_str()), (1, "alicia"));

        world.update(command(&world, user, named("alison"))).await.unwrap();
        let late = world.update(first).await.unwrap();
        assert_eq!((late.version, late.username.as_str()), (2, "alison"), "nothing is taken back");
    }

    #[tokio::test]
    async fn a_client_id_names_one_change() {
        let (world, _, user) = World::with_alice().await;
        let first = command(&world, user, bio("one"));
        world.update(first.clone()).await.unwrap();
        let error = world.update(UpdateUserCommand { change: bio("two"), ..first }).await.unwrap_err();
        assert!(matches!(error, UpdateUserError::ClientIdReused), "{error:?}");
    }

    #[tokio::test]
    async fn only_the_last_changes_are_remembered() {
        let (world, _, user) = World::with_alice().await;
        for number in 0..=CHANGES_KEPT {
            world.update(command(&world, user, bio(&number.to_string()))).await.unwrap();
        }
        assert_eq!(world.social.account(user).await.unwrap().unwrap().changes.len(), CHANGES_KEPT);
    }

    #[tokio::test]
    async fn both_of_two_changes_at_once_are_made() {
        let (world, _, user) = World::with_alice().await;
        let hidden = Change { presence_to: Some(PresenceTo::Nobody), ..Change::default() };
        let (one, other) =
            tokio::join!(world.update(command(&world, user, bio("hi"))), world.update(command(&world, user, hidden)));
        assert!(one.is_ok() && other.is_ok());
        let account = world.social.account(user).await.unwrap().unwrap();
        let (bio, to) = (account.profile.bio.as_str(), account.profile.presence_to);
        assert_eq!((bio, to, account.version), ("hi", PresenceTo::Nobody, 2));
    }

    #[tokio::test]
    async fn both_of_two_copies_of_a_change_succeed_and_one_tells_it() {
        let (world, _, user) = World::with_alice().await;
        let request = command(&world, user, named("alicia"));
        let (one, other) = tokio::join!(world.update(request.clone()), world.update(request));
        let (one, other) = (one.unwrap(), other.unwrap());
        assert_eq!((&one, one.version), (&other, 1));
        assert_eq!(world.told(user), ["1 alicia"]);
    }

    #[tokio::test]
    async fn a_name_moves_only_where_it_is_free() {
        let (world, _, user) = World::with_alice().await;
        let bob = world.sign_up(world.sign_up_request("bob.b")).await.unwrap();
        let error = world.update(command(&world, user, named("Bob.B"))).await.unwrap_err();
        assert!(matches!(error, UpdateUserError::NameTaken), "{error:?}");
        world.update(command(&world, user, named("alicia"))).await.unwrap();
        world.update(command(&world, bob, named("alice"))).await.unwrap();
        let get = GetUser { accounts: world.social.clone() };
        for (name, owner) in [("alicia", Some(user)), ("alice", Some(bob)), ("bob.b", None)] {
            let found = match get.run(user, Who::Username(name.parse().unwrap())).await {
                Ok(Seen::Own(account)) => Some(account.user),
                Ok(Seen::Card(card)) => Some(card.user),
                Err(error) => {
                    assert!(matches!(error, GetUserError::NotFound), "{error:?}");
                    None
                }
            };
            assert_eq!(found, owner, "{name}");
        }
    }

    #[tokio::test]
    async fn one_keeps_ones_own_name_and_the_search_finds_what_changed() {
        let (world, _, user) = World::with_alice().await;
        world
            .update(command(&world, user, Change { username: Some("alice".parse().unwrap()), ..bio("hi") }))
            .await
            .unwrap();
        let search = SearchPeople { accounts: world.social.clone() };
        let found = search.run("AL".parse().unwrap(), None, None).await.unwrap();
        assert_eq!(found.people.iter().map(|card| card.bio.as_str()).collect::<Vec<_>>(), ["hi"]);
    }
}

mod search {
    use super::*;

    #[tokio::test]
    async fn pages_are_bounded_and_their_cursors_their_own() {
        let world = World::default();
        for number in 0..=SEARCH_PAGE_MAX {
            world.sign_up(world.sign_up_request(&format!("al{number:02}"))).await.unwrap();
        }
        let search = SearchPeople { accounts: world.social.clone() };
        let prefix = || "al".parse().unwrap();
        let first = search.run(prefix(), None, None).await.unwrap();
        assert_eq!((first.people.len(), first.more), (SEARCH_PAGE_MAX, true));
        let last = first.people.last().map(|card| card.username.clone());
        let rest = search.run(prefix(), last.clone(), None).await.unwrap();
        assert_eq!((rest.people.len(), rest.more), (1, false));
        for limit in [0, SEARCH_PAGE_MAX + 1] {
            let error = search.run(prefix(), None, Some(limit)).await.unwrap_err();
            assert!(matches!(error, SearchPeopleError::Limit), "{error:?}");
        }
        let error = search.run("be".parse().unwrap(), last, None).await.unwrap_err();
        assert!(matches!(error, SearchPeopleError::Cursor), "{error:?}");
    }
}

mod password {
    use super::*;

    #[tokio::test]
    async fn a_new_password_ends_all_other_sessions() {
        let (world, _, user) = World::with_alice().await;
        let laptop = world.sign_in(OLD, "laptop").await.unwrap();
        let phone = world.sign_in(OLD, "phone").await.unwrap();
        let who = world.principal(user, "laptop").await;
        world.change_password(&who, OLD, NEW).await.unwrap();
        assert_eq!(world.devices(user).await, ["laptop"]);
        assert!(world.refresh(&laptop).await.is_ok());
        assert!(matches!(world.refresh(&phone).await, Err(RefreshError::Ended)));
        assert!(matches!(world.sign_in(OLD, "phone").await, Err(SignInError::Refused)));
        assert!(world.sign_in(NEW, "phone").await.is_ok());
    }

    #[tokio::test]
    async fn a_wrong_password_changes_nothing() {
        let (world, _, user) = World::with_alice().await;
        world.sign_in(OLD, "laptop").await.unwrap();
        world.sign_in(OLD, "phone").await.unwrap();
        let who = world.principal(user, "laptop").await;
        let error = world.change_password(&who, "something else", NEW).await.unwrap_err();
        assert!(matches!(error, ChangePasswordError::WrongPassword), "{error:?}");
        assert_eq!(world.devices(user).await, ["laptop", "phone"]);
        assert!(world.sign_in(OLD, "laptop").await.is_ok());
    }

    #[tokio::test]
    async fn who_was_signed_out_does_not_sign_out_others() {
        let (world, _, user) = World::with_alice().await;
        world.sign_in(OLD, "laptop").await.unwrap();
        let replaced = world.principal(user, "laptop").await;
        world.sign_in(OLD, "laptop").await.unwrap();
        let error = world.change_password(&replaced, OLD, NEW).await.unwrap_err();
        assert!(matches!(error, ChangePasswordError::Ended), "{error:?}");
        assert!(world.sign_in(OLD, "laptop").await.is_ok());
    }

    /// The reply of each write is lost once: of the hash, and of each end of a session.
    #[tokio::test]
    async fn after_a_lost_reply_the_same_request_finishes_it() {
        let (world, _, user) = World::with_alice().await;
        for device in ["laptop", "phone", "tablet"] {
            world.sign_in(OLD, device).await.unwrap();
        }
        let who = world.principal(user, "laptop").await;
        world.social.lose_replies(1);
        let error = world.change_password(&who, OLD, NEW).await.unwrap_err();
        assert!(matches!(error, ChangePasswordError::Port(ref error) if error.retryable), "{error:?}");
        assert_eq!(world.devices(user).await.len(), 3, "it stopped in between");
        world.social.lose_replies(1);
        assert!(world.change_password(&who, OLD, NEW).await.is_err());
        world.change_password(&who, OLD, NEW).await.unwrap();
        assert_eq!(world.devices(user).await, ["laptop"]);
        assert!(world.sign_in(NEW, "laptop").await.is_ok());
    }

    /// However they interleave, nobody stays signed in with the old password.
    #[tokio::test]
    async fn a_sign_in_that_meets_the_change_does_not_survive_it() {
        let (mut refused, mut beaten) = (0, 0);
        for lead in -12..12 {
            let (world, _, user) = World::with_alice().await;
            world.sign_in(OLD, "laptop").await.unwrap();
            let who = world.principal(user, "laptop").await;
            let change = after(lead, world.change_password(&who, OLD, NEW));
            let (changed, phone) = tokio::join!(change, after(-lead, world.sign_in(OLD, "phone")));
            changed.unwrap();
            match phone {
                Ok(phone) => assert!(world.refresh(&phone).await.is_err(), "lead {lead}: it was ended afterwards"),
                Err(SignInError::Refused) => refused += 1,
                Err(SignInError::Port(error)) => {
                    assert!(error.retryable, "{error}");
                    beaten += 1;
                }
            }
            assert_eq!(world.devices(user).await, ["laptop"], "lead {lead}");
        }
        assert!(refused > 0 && beaten > 0, "the interleavings are tried: {refused} {beaten}");
    }
}

mod deletion {
    use super::*;

    #[tokio::test]
    async fn nothing_is_left_but_that_there_was_somebody() {
        let (world, sign_up, user) = World::with_alice().await;
        let phone = world.sign_in(OLD, "phone").await.unwrap();
        world.sign_in(OLD, "laptop").await.unwrap();
        let who = world.principal(user, "laptop").await;
        world.delete(&who, OLD).await.unwrap();

        let get = GetUser { accounts: world.social.clone() };
        for name in [Who::User(user), Who::Username(sign_up.username.clone())] {
            let found = get.run(user, name).await;
            assert!(matches!(found, Err(GetUserError::NotFound)), "{found:?}");
        }
        let search = SearchPeople { accounts: world.social.clone() };
        assert_eq!(search.run("al".parse().unwrap(), None, None).await.unwrap().people, []);
        assert_eq!(world.devices(user).await, [""; 0]);
        assert!(matches!(world.refresh(&phone).await, Err(RefreshError::Ended)));
        assert!(matches!(world.sign_in(OLD, "phone").await, Err(SignInError::Refused)));
        let change = Change { bio: Some("still here".parse().unwrap()), ..Change::default() };
        let error = world.update(command(&world, user, change)).await.unwrap_err();
        assert!(matches!(error, UpdateUserError::NoAccount), "{error:?}");
    }

    #[tokio::test]
    async fn a_late_repetition_of_the_sign_up_brings_nobody_back() {
        let (world, sign_up, user) = World::with_alice().await;
        world.sign_in(OLD, "laptop").await.unwrap();
        let who = world.principal(user, "laptop").await;
        world.delete(&who, OLD).await.unwrap();
        let error = world.sign_up(sign_up.clone()).await.unwrap_err();
        assert!(matches!(error, SignUpError::Ended), "{error:?}");
        // The name is free for a new request, and the old one is none of the heir's.
        let heir = world.sign_up(world.sign_up_request("alice")).await.unwrap();
        assert_ne!(heir, user);
        let error = world.sign_up(sign_up).await.unwrap_err();
        assert!(matches!(error, SignUpError::Ended), "{error:?}");
    }

    #[tokio::test]
    async fn a_wrong_password_ends_nothing() {
        let (world, _, user) = World::with_alice().await;
        world.sign_in(OLD, "laptop").await.unwrap();
        let who = world.principal(user, "laptop").await;
        let error = world.delete(&who, "something else").await.unwrap_err();
        assert!(matches!(error, DeleteAccountError::WrongPassword), "{error:?}");
        assert_eq!(world.devices(user).await, ["laptop"]);
        assert!(world.social.account(user).await.unwrap().is_some());
    }

    #[tokio::test]
    async fn after_a_lost_reply_the_same_request_finishes_it() {
        let (world, _, user) = World::with_alice().await;
        world.sign_in(OLD, "laptop").await.unwrap();
        let who = world.principal(user, "laptop").await;
        world.social.lose_replies(1);
        let error = world.delete(&who, OLD).await.unwrap_err();
        assert!(matches!(error, DeleteAccountError::Port(PortError { retryable: true, .. })), "{error:?}");
        assert_eq!(world.devices(user).await, ["laptop"], "it stopped in between");
        for _ in 0..2 {
            world.delete(&who, OLD).await.unwrap();
            assert_eq!(world.devices(user).await, [""; 0]);
        }
    }

    /// However they interleave, nobody is signed in to an account that has ended.
    #[tokio::test]
    async fn a_sign_in_that_meets_the_end_does_not_survive_it() {
        let mut beaten = 0;
        for lead in -12..12 {
            let (world, _, user) = World::with_alice().await;
            world.sign_in(OLD, "laptop").await.unwrap();
            let who = world.principal(user, "laptop").await;
            let end = after(lead, world.delete(&who, OLD));
            let (ended, phone) = tokio::join!(end, after(-lead, world.sign_in(OLD, "phone")));
            ended.unwrap();
            beaten += usize::from(matches!(phone, Err(SignInError::Port(_))));
            assert_eq!(world.devices(user).await, [""; 0], "lead {lead}");
        }
        assert!(beaten > 0, "the interleavings are tried");
    }

    /// A rename under way either comes first, and its name goes with the account, or finds nobody.
    #[tokio::test]
    async fn a_rename_that_meets_the_end_leaves_no_name_behind() {
        let mut made = 0;
        for lead in -12..12 {
            let (world, _, user) = World::with_alice().await;
            world.sign_in(OLD, "laptop").await.unwrap();
            let who = world.principal(user, "laptop").await;
            let change = Change { username: Some("alicia".parse().unwrap()), ..Change::default() };
            let command = UpdateUserCommand {
                user,
                client_id: world.client_id(),
                fingerprint: BodyHash::new([1; 32]),
                connection: None,
                version: None,
                change,
            };
            let rename = after(lead, world.update(command));
            let (renamed, ended) = tokio::join!(rename, after(-lead, world.delete(&who, OLD)));
            ended.unwrap();
            made += usize::from(renamed.is_ok());
            for name in ["alice", "alicia"] {
                assert_eq!(world.social.user_named(&name.parse().unwrap()).await.unwrap(), None, "lead {lead}: {name}");
            }
        }
        assert!((1..24).contains(&made), "the interleavings are tried: {made}");
    }
}

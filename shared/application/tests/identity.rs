//! Identity's use cases against the fakes: signing up and in, refreshing, tickets.

#![expect(clippy::unwrap_used, reason = "what fails ends the test")]

use std::collections::HashSet;

use tidings_application::clock::{Clock, Random};
use tidings_application::identity::ports::{AccountRead, SessionRead};
use tidings_application::identity::{
    Admit, AdmitError, Card, Device, GetUser, GetUserError, IssueTicket, IssueTicketError, Kick, Lifetimes, Principal,
    REFRESH_GRACE_MS, Refresh, RefreshError, Seen, Session, SignIn, SignInCommand, SignInError, SignUp, SignUpCommand,
    SignUpError, SignedIn, Who,
};
use tidings_domain::identity::Platform;
use tidings_domain::ids::{ClientId, DeviceId, UserId};
use tidings_domain::limits::CLOCK_SKEW_MS;
use tidings_domain::login::LoginPolicy;
use tidings_testkit::clock::TestClock;
use tidings_testkit::identity::{FakeHasher, FakeKeys, FakeSocial};
use tidings_testkit::messages::{FakeGateway, FakeRoutes};

const PASSWORD: &str = "correct horse";

const LIFETIMES: Lifetimes = Lifetimes { access_token_s: 900, refresh_token_s: 86_400 };

/// A deployment in memory.
#[derive(Default)]
struct World {
    social: FakeSocial,
    hasher: FakeHasher,
    clock: TestClock,
    routes: FakeRoutes,
    gateway: FakeGateway,
    policy: LoginPolicy,
}

impl World {
    fn sign_up(&self) -> SignUp<FakeSocial, FakeHasher, TestClock> {
        SignUp { accounts: self.social.clone(), hasher: self.hasher.clone(), clock: self.clock.clone(), open: true }
    }

    fn kick(&self) -> Kick<FakeSocial, FakeRoutes, FakeGateway, TestClock> {
        Kick {
            sessions: self.social.clone(),
            routes: self.routes.clone(),
            gateway: self.gateway.clone(),
            clock: self.clock.clone(),
        }
    }

    fn sign_in(&self) -> SignIn<FakeSocial, FakeHasher, FakeKeys, TestClock, FakeRoutes, FakeGateway> {
        SignIn {
            policy: self.policy,
            kick: self.kick(),
            store: self.social.clone(),
            hasher: self.hasher.clone(),
            keys: FakeKeys,
            clock: self.clock.clone(),
            lifetimes: LIFETIMES,
        }
    }

    fn refresh(&self) -> Refresh<FakeSocial, FakeKeys, TestClock> {
        Refresh { store: self.social.clone(), keys: FakeKeys, clock: self.clock.clone(), lifetimes: LIFETIMES }
    }

    fn tickets(&self) -> IssueTicket<FakeSocial, FakeKeys, TestClock> {
        IssueTicket { sessions: self.social.clone(), keys: FakeKeys, clock: self.clock.clone(), ttl_s: 30 }
    }

    async fn signed_up(&self, username: &str) -> Card {
        self.sign_up().run(new_person(username, None)).await.unwrap()
    }

    async fn signed_in(&self, username: &str, device: &str) -> SignedIn {
        self.sign_in().run(credentials(username, PASSWORD, device)).await.unwrap()
    }

    /// Alice on her laptop.
    async fn with_alice() -> (Self, SignedIn) {
        let world = Self::default();
        world.signed_up("alice").await;
        let alice = world.signed_in("alice", "laptop").await;
        (world, alice)
    }

    async fn session(&self, user: UserId, device: &str) -> Option<Session> {
        self.social.session(user, &device.parse().unwrap()).await.unwrap()
    }

    async fn principal(&self, user: UserId, device: &str) -> Principal {
        self.session(user, device).await.unwrap().principal()
    }
}

fn new_person(username: &str, client_id: Option<ClientId>) -> SignUpCommand {
    SignUpCommand {
        username: username.parse().unwrap(),
        password: PASSWORD.parse().unwrap(),
        display_name: "Somebody".parse().unwrap(),
        client_id,
    }
}

fn credentials(username: &str, password: &str, device: &str) -> SignInCommand {
    SignInCommand {
        username: username.parse().unwrap(),
        password: password.parse().unwrap(),
        device: Device { id: device.parse().unwrap(), name: "A device".parse().unwrap(), platform: Platform::Desktop },
    }
}

mod sign_up {
    use super::*;

    #[tokio::test]
    async fn a_new_person_can_be_found_and_can_sign_in() {
        let world = World::default();
        let card = world.signed_up("alice").await;
        assert_eq!(world.signed_in("alice", "laptop").await.card, card);
        let get = GetUser { accounts: world.social.clone() };
        let viewer = UserId::from_bits(1);
        assert_eq!(get.run(viewer, Who::User(card.user)).await.unwrap(), Seen::Card(card.clone()));
        assert_eq!(get.run(viewer, Who::Username("ALICE".parse().unwrap())).await.unwrap(), Seen::Card(card));
        let nobody = get.run(viewer, Who::User(UserId::from_bits(2))).await;
        assert!(matches!(nobody, Err(GetUserError::NotFound)), "{nobody:?}");
        let nobody = get.run(viewer, Who::Username("bob.b".parse().unwrap())).await;
        assert!(matches!(nobody, Err(GetUserError::NotFound)), "{nobody:?}");
    }

    #[tokio::test]
    async fn a_name_has_one_owner() {
        let world = World::default();
        let alice = world.signed_up("alice").await;
        for client_id in [None, Some(ClientId::new(world.clock.now(), 7))] {
            let error = world.sign_up().run(new_person("Alice", client_id)).await.unwrap_err();
            assert!(matches!(error, SignUpError::NameTaken), "{error:?}");
        }
        let named = world.social.user_named(&"alice".parse().unwrap()).await.unwrap();
        assert_eq!(named, Some(alice.user));
    }

    #[tokio::test]
    async fn the_same_request_again_gets_the_first_answer() {
        let world = World::default();
        let request = new_person("alice", Some(ClientId::new(world.clock.now(), 7)));
        let first = world.sign_up().run(request.clone()).await.unwrap();
        world.clock.advance(3_600_000);
        assert_eq!(world.sign_up().run(request).await.unwrap(), first);
    }

    #[tokio::test]
    async fn after_a_lost_reply_the_same_request_succeeds() {
        let world = World::default();
        let request = new_person("alice", Some(ClientId::new(world.clock.now(), 7)));
        world.social.lose_replies(1);
        let error = world.sign_up().run(request.clone()).await.unwrap_err();
        assert!(matches!(error, SignUpError::Port(ref error) if error.retryable), "{error:?}");
        let card = world.sign_up().run(request).await.unwrap();
        assert_eq!(world.signed_in("alice", "laptop").await.card, card);
    }

    #[tokio::test]
    async fn both_of_two_copies_of_a_request_succeed() {
        let world = World::default();
        let request = new_person("alice", Some(ClientId::new(world.clock.now(), 7)));
        let (one, other) = (world.sign_up(), world.sign_up());
        let (one, other) = tokio::join!(one.run(request.clone()), other.run(request));
        assert_eq!(one.unwrap(), other.unwrap());
    }

    #[tokio::test]
    async fn a_client_id_names_one_request() {
        let world = World::default();
        let client_id = Some(ClientId::new(world.clock.now(), 7));
        world.sign_up().run(new_person("alice", client_id)).await.unwrap();
        let same = new_person("alice", client_id);
        let other_password = SignUpCommand { password: "battery staple".parse().unwrap(), ..same.clone() };
        let other_name = SignUpCommand { display_name: "Somebody else".parse().unwrap(), ..same };
        for request in [other_password, other_name] {
            let error = world.sign_up().run(request).await.unwrap_err();
            assert!(matches!(error, SignUpError::ClientIdReused), "{error:?}");
        }
        assert_eq!(world.signed_in("alice", "laptop").await.card.display_name.as_str(), "Somebody");
    }

    #[tokio::test]
    async fn a_client_id_from_the_future_is_refused() {
        let world = World::default();
        let now = world.clock.now();
        let at = |ahead_ms| Some(ClientId::new(now.plus_millis(ahead_ms), 7));
        assert!(world.sign_up().run(new_person("alice", at(CLOCK_SKEW_MS))).await.is_ok());
        let error = world.sign_up().run(new_person("bob.b", at(CLOCK_SKEW_MS + 1))).await.unwrap_err();
        assert!(matches!(error, SignUpError::FromTheFuture { now: told } if told == now), "{error:?}");
    }

    #[tokio::test]
    async fn closed_means_closed() {
        let world = World::default();
        let closed = SignUp { open: false, ..world.sign_up() };
        let error = closed.run(new_person("alice", None)).await.unwrap_err();
        assert!(matches!(error, SignUpError::Closed), "{error:?}");
        assert_eq!(world.social.user_named(&"alice".parse().unwrap()).await.unwrap(), None);
    }
}

mod sign_in {
    use super::*;

    #[tokio::test]
    async fn a_wrong_password_and_an_unknown_name_are_told_alike_and_cost_alike() {
        let world = World::default();
        world.signed_up("alice").await;
        let mut seen = Vec::new();
        for credentials in
            [credentials("alice", "battery staple", "laptop"), credentials("mallory", PASSWORD, "laptop")]
        {
            let before = (world.social.reads(), world.hasher.verified());
            let error = world.sign_in().run(credentials).await.unwrap_err();
            let cost = (world.social.reads() - before.0, world.hasher.verified() - before.1);
            seen.push((matches!(error, SignInError::Refused), error.to_string(), cost));
        }
        assert_eq!(seen[0], seen[1]);
        assert_eq!((seen[0].0, seen[0].2), (true, (2, 1)));
    }

    #[tokio::test]
    async fn nobody_is_signed_in_by_a_wrong_password() {
        let world = World::default();
        let alice = world.signed_up("alice").await;
        world.sign_in().run(credentials("alice", "battery staple", "laptop")).await.unwrap_err();
        assert_eq!(world.session(alice.user, "laptop").await, None);
    }

    #[tokio::test]
    async fn signing_in_again_on_a_device_replaces_its_session_alone() {
        let (world, first) = World::with_alice().await;
        let phone = world.signed_in("alice", "phone").await;
        let second = world.signed_in("alice", "laptop").await;
        assert_ne!(first.refresh_token, second.refresh_token);
        let error = world.refresh().run(first.refresh_token.reveal()).await.unwrap_err();
        assert!(matches!(error, RefreshError::Ended), "{error:?}");
        // The old token said nothing about the new session.
        assert!(world.refresh().run(second.refresh_token.reveal()).await.is_ok());
        assert!(world.refresh().run(phone.refresh_token.reveal()).await.is_ok());
    }

    #[tokio::test]
    async fn a_hash_with_old_parameters_is_made_anew() {
        let mut world = World::default();
        let alice = world.signed_up("alice").await;
        let old = world.social.account(alice.user).await.unwrap().unwrap().password_hash;
        world.hasher = FakeHasher::with_parameters(2);
        world.signed_in("alice", "laptop").await;
        let new = world.social.account(alice.user).await.unwrap().unwrap().password_hash;
        assert_ne!(new, old);
        world.signed_in("alice", "laptop").await;
        assert_eq!(world.social.account(alice.user).await.unwrap().unwrap().password_hash, new);
    }
}

mod refresh {
    use super::*;

    async fn generation(world: &World, signed_in: &SignedIn) -> Option<u64> {
        world.session(signed_in.card.user, "laptop").await.map(|session| session.generation)
    }

    #[tokio::test]
    async fn each_token_gives_the_next_one() {
        let (world, mut latest) = World::with_alice().await;
        for turn in 2..5 {
            world.clock.advance(600_000);
            let next = world.refresh().run(latest.refresh_token.reveal()).await.unwrap();
            assert_ne!(next.refresh_token, latest.refresh_token);
            assert_eq!((next.card.clone(), next.expires_in_s), (latest.card, LIFETIMES.access_token_s));
            assert_eq!(generation(&world, &next).await, Some(turn));
            latest = SignedIn { ..next };
        }
    }

    #[tokio::test]
    async fn after_a_lost_reply_the_same_token_gives_the_same_next_one() {
        let (world, alice) = World::with_alice().await;
        world.social.lose_replies(1);
        let error = world.refresh().run(alice.refresh_token.reveal()).await.unwrap_err();
        assert!(matches!(error, RefreshError::Port(ref error) if error.retryable), "{error:?}");
        world.clock.advance(10_000);
        let again = world.refresh().run(alice.refresh_token.reveal()).await.unwrap();
        world.clock.advance(10_000);
        let once_more = world.refresh().run(alice.refresh_token.reveal()).await.unwrap();
        assert_eq!(again.refresh_token, once_more.refresh_token);
        assert_eq!(generation(&world, &alice).await, Some(2));
        assert!(world.refresh().run(again.refresh_token.reveal()).await.is_ok());
    }

    #[tokio::test]
    async fn two_tabs_at_once_both_get_the_same_valid_token() {
        let (world, alice) = World::with_alice().await;
        let (one, other) = (world.refresh(), world.refresh());
        let token = alice.refresh_token.reveal();
        let (one, other) = tokio::join!(one.run(token), other.run(token));
        let (one, other) = (one.unwrap(), other.unwrap());
        assert_eq!(one.refresh_token, other.refresh_token);
        assert_eq!(generation(&world, &alice).await, Some(2), "one of them advanced it");
        assert!(world.refresh().run(one.refresh_token.reveal()).await.is_ok());
    }

    #[tokio::test]
    async fn the_grace_ends_to_the_millisecond() {
        for (after_ms, good) in [(REFRESH_GRACE_MS, true), (REFRESH_GRACE_MS + 1, false)] {
            let (world, alice) = World::with_alice().await;
            world.refresh().run(alice.refresh_token.reveal()).await.unwrap();
            world.clock.advance(after_ms);
            let again = world.refresh().run(alice.refresh_token.reveal()).await;
            assert_eq!(again.is_ok(), good, "after {after_ms} ms: {again:?}");
        }
    }

    #[tokio::test]
    async fn a_copied_token_ends_the_session_for_thief_and_owner() {
        let (world, stolen) = World::with_alice().await;
        let owner = world.refresh().run(stolen.refresh_token.reveal()).await.unwrap();
        world.clock.advance(REFRESH_GRACE_MS + 1);
        let error = world.refresh().run(stolen.refresh_token.reveal()).await.unwrap_err();
        assert!(matches!(error, RefreshError::Reused { .. }), "{error:?}");
        assert_eq!(generation(&world, &stolen).await, None);
        let error = world.refresh().run(owner.refresh_token.reveal()).await.unwrap_err();
        assert!(matches!(error, RefreshError::Ended), "{error:?}");
        // Signing in again heals it.
        assert!(world.sign_in().run(credentials("alice", PASSWORD, "laptop")).await.is_ok());
    }

    #[tokio::test]
    async fn the_token_before_the_one_before_is_reuse_at_once() {
        let (world, first) = World::with_alice().await;
        let second = world.refresh().run(first.refresh_token.reveal()).await.unwrap();
        world.refresh().run(second.refresh_token.reveal()).await.unwrap();
        let error = world.refresh().run(first.refresh_token.reveal()).await.unwrap_err();
        assert!(matches!(error, RefreshError::Reused { .. }), "{error:?}");
    }

    #[tokio::test]
    async fn an_unused_session_expires_and_a_used_one_does_not() {
        let day_ms = LIFETIMES.refresh_token_s * 1_000;
        let (world, alice) = World::with_alice().await;
        world.clock.advance(day_ms - 1);
        let next = world.refresh().run(alice.refresh_token.reveal()).await.unwrap();
        world.clock.advance(day_ms - 1);
        let next = world.refresh().run(next.refresh_token.reveal()).await.unwrap();
        world.clock.advance(day_ms);
        let error = world.refresh().run(next.refresh_token.reveal()).await.unwrap_err();
        assert!(matches!(error, RefreshError::Ended), "{error:?}");
    }

    #[tokio::test]
    async fn what_is_not_ours_is_forged() {
        let (world, alice) = World::with_alice().await;
        for token in ["", "nonsense", alice.access_token.reveal()] {
            let error = world.refresh().run(token).await.unwrap_err();
            assert!(matches!(error, RefreshError::Forged), "{error:?}");
        }
        assert_eq!(generation(&world, &alice).await, Some(1));
    }

    /// Whatever two tabs do within the grace, in whichever order and with whichever replies lost, the session
    /// lives and the latest token works.
    #[tokio::test]
    async fn tabs_and_lost_replies_never_end_a_session() {
        for seed in 0..200 {
            let chance = TestClock::new(seed);
            let (world, alice) = World::with_alice().await;
            let mut latest = alice.refresh_token.clone();
            for _ in 0..6 {
                world.social.lose_replies(u32::from(chance.up_to(1) == 0));
                let (one, other) = (world.refresh(), world.refresh());
                let (one, other) = tokio::join!(one.run(latest.reveal()), other.run(latest.reveal()));
                world.social.lose_replies(0);
                world.clock.advance(chance.up_to(REFRESH_GRACE_MS));
                // Both tabs share what they store; whoever got an answer stores it.
                latest = match (one, other) {
                    (Ok(one), Ok(other)) => {
                        assert_eq!(one.refresh_token, other.refresh_token, "seed {seed}");
                        one.refresh_token
                    }
                    (Ok(got), Err(RefreshError::Port(_))) | (Err(RefreshError::Port(_)), Ok(got)) => got.refresh_token,
                    (one, other) => panic!("seed {seed}: {one:?} and {other:?}"),
                };
            }
            assert!(world.refresh().run(latest.reveal()).await.is_ok(), "seed {seed}");
        }
    }
}

mod tickets {
    use super::*;

    #[tokio::test]
    async fn a_ticket_lets_its_device_in() {
        let (world, alice) = World::with_alice().await;
        let principal = world.principal(alice.card.user, "laptop").await;
        let issued = world.tickets().run(&principal).await.unwrap();
        assert_eq!(issued.expires_in_s, 30);
        let admit = Admit { keys: FakeKeys, clock: world.clock.clone(), denied: HashSet::new() };
        let admitted = admit.run(issued.ticket.reveal()).unwrap();
        assert_eq!((admitted.principal, admitted.ticket_at), (principal, world.clock.now()));
        world.clock.advance(30_000);
        assert_eq!(admit.run(issued.ticket.reveal()), Err(AdmitError::NoTicket));
    }

    #[tokio::test]
    async fn what_is_no_ticket_lets_nobody_in() {
        let (world, alice) = World::with_alice().await;
        let admit = Admit { keys: FakeKeys, clock: world.clock.clone(), denied: HashSet::new() };
        for ticket in ["", "nonsense", alice.access_token.reveal(), alice.refresh_token.reveal()] {
            assert_eq!(admit.run(ticket), Err(AdmitError::NoTicket), "{ticket}");
        }
    }

    #[tokio::test]
    async fn the_deny_list_keeps_people_out() {
        let (world, alice) = World::with_alice().await;
        let principal = world.principal(alice.card.user, "laptop").await;
        let ticket = world.tickets().run(&principal).await.unwrap().ticket;
        let denied = HashSet::from([alice.card.user]);
        let admit = Admit { keys: FakeKeys, clock: world.clock.clone(), denied };
        assert_eq!(admit.run(ticket.reveal()), Err(AdmitError::Denied));
    }

    #[tokio::test]
    async fn an_access_token_of_a_session_that_ended_gets_no_ticket() {
        let (world, first) = World::with_alice().await;
        let replaced = world.principal(first.card.user, "laptop").await;
        world.signed_in("alice", "laptop").await;
        let expired = world.principal(first.card.user, "laptop").await;
        let elsewhere: DeviceId = "phone".parse().unwrap();
        let never = Principal { device: elsewhere, ..expired.clone() };
        for principal in [&replaced, &never] {
            let error = world.tickets().run(principal).await.unwrap_err();
            assert!(matches!(error, IssueTicketError::Ended), "{error:?}");
        }
        assert!(world.tickets().run(&expired).await.is_ok());
        world.clock.advance(LIFETIMES.refresh_token_s * 1_000);
        let error = world.tickets().run(&expired).await.unwrap_err();
        assert!(matches!(error, IssueTicketError::Ended), "{error:?}");
    }
}

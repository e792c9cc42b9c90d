//! Devices against the fakes: listed, signed out, displaced by the login policy.
#![expect(clippy::unwrap_used, reason = "what fails ends the test")]

use tidings_application::clock::{Clock, Random};
use tidings_application::connect::{ConnectDevice, DisconnectDevice};
use tidings_application::error::PortError;
use tidings_application::identity::ports::{SessionList, SessionRead, SessionWrite};
use tidings_application::identity::{
    Device, IssueTicket, IssueTicketError, Kick, Lifetimes, ListDevices, Refresh, RefreshError, Session, SessionId,
    SignIn, SignInCommand, SignOutDevices, SignOutError, SignOutWhom, SignUp, SignUpCommand, SignedIn,
};
use tidings_application::ports::{RouteRead, RouteWrite};
use tidings_domain::connect::Answer;
use tidings_domain::delivery::Event;
use tidings_domain::identity::Platform;
use tidings_domain::ids::{ClientId, ConnectionId, DeviceId, UserId};
use tidings_domain::login::{KickReason, LoginPolicy};
use tidings_domain::posting::Post;
use tidings_domain::route::{Claim, Route};
use tidings_domain::time::Timestamp;
use tidings_testkit::clock::TestClock;
use tidings_testkit::identity::{FakeHasher, FakeKeys, FakeSocial};
use tidings_testkit::messages::{FakeGateway, FakeRoutes};

const PASSWORD: &str = "correct horse";

const LIFETIMES: Lifetimes = Lifetimes { access_token_s: 900, refresh_token_s: 86_400 };

/// A deployment in memory, with Alice.
struct World {
    social: FakeSocial,
    routes: FakeRoutes,
    gateway: FakeGateway,
    clock: TestClock,
    policy: LoginPolicy,
    alice: UserId,
}

type Store = FakeSocial;

impl World {
    async fn under(policy: LoginPolicy) -> Self {
        let (social, clock) = (FakeSocial::default(), TestClock::default());
        let hasher = FakeHasher::default();
        let sign_up = SignUp { accounts: social.clone(), hasher, clock: clock.clone(), open: true };
        let person = SignUpCommand {
            username: "alice".parse().unwrap(),
            password: PASSWORD.parse().unwrap(),
            display_name: "Alice".parse().unwrap(),
            client_id: None,
        };
        let alice = sign_up.run(person).await.unwrap().user;
        Self { social, routes: FakeRoutes::default(), gateway: FakeGateway::default(), clock, policy, alice }
    }

    fn kick(&self) -> Kick<Store, FakeRoutes, FakeGateway, TestClock> {
        Kick {
            sessions: self.social.clone(),
            routes: self.routes.clone(),
            gateway: self.gateway.clone(),
            clock: self.clock.clone(),
        }
    }

    async fn sign_in(&self, device: &str, platform: Platform) -> SignedIn {
        let sign_in = SignIn {
            store: self.social.clone(),
            hasher: FakeHasher::default(),
            keys: FakeKeys,
            clock: self.clock.clone(),
            lifetimes: LIFETIMES,
            policy: self.policy,
            kick: self.kick(),
        };
        let device = Device { id: device.parse().unwrap(), name: device.parse().unwrap(), platform };
        let who = SignInCommand { username: "alice".parse().unwrap(), password: PASSWORD.parse().unwrap(), device };
        sign_in.run(who).await.unwrap()
    }

    /// Signs in and connects, some time after whatever was before.
    async fn online(&self, device: &str, platform: Platform) -> (SignedIn, Route) {
        self.clock.advance(1_000);
        let signed_in = self.sign_in(device, platform).await;
        let route = self.route(device, "c");
        assert_eq!(self.routes.claim(&route).await.unwrap(), Claim::Won(None));
        (signed_in, route)
    }

    /// A connection with a ticket of now.
    fn route(&self, device: &str, connection: &str) -> Route {
        Route {
            user: self.alice,
            device: device.parse().unwrap(),
            platform: Platform::Web,
            connection: ConnectionId::new(format!("{device}-{connection}")),
            ticket_at: self.clock.now(),
            connected_at: self.clock.now(),
        }
    }

    fn tickets<S>(&self, sessions: S) -> IssueTicket<S, FakeKeys, TestClock> {
        IssueTicket { sessions, keys: FakeKeys, clock: self.clock.clone(), ttl_s: 30 }
    }

    fn refresh(&self) -> Refresh<Store, FakeKeys, TestClock> {
        Refresh { store: self.social.clone(), keys: FakeKeys, clock: self.clock.clone(), lifetimes: LIFETIMES }
    }

    async fn sign_out(&self, from: &str, id: u128, whom: SignOutWhom) -> Result<Vec<String>, SignOutError> {
        let sign_out = SignOutDevices { kick: self.kick() };
        let out = sign_out.run(self.alice, &from.parse().unwrap(), ClientId::from_bits(id), whom).await?;
        Ok(out.iter().map(ToString::to_string).collect())
    }

    /// The devices that are signed in, in the order of their names.
    async fn signed_in(&self) -> Vec<String> {
        let sessions = self.social.sessions(self.alice).await.unwrap();
        sessions.iter().map(|session| session.device.to_string()).collect()
    }

    async fn up(&self) -> Vec<String> {
        let routes = self.routes.of(self.alice).await.unwrap();
        routes.iter().map(|route| route.connection.to_string()).collect()
    }

    /// The connections that were told why they end, and closed.
    fn kicked(&self) -> Vec<(String, KickReason)> {
        let closed = self.gateway.closed();
        let told = self.gateway.take_posts().into_iter().map(|(connection, events)| {
            let [Event::Kicked(reason)] = events[..] else { unreachable!("{events:?}") };
            assert!(closed.contains(&connection), "{connection} is told and not closed");
            (connection.to_string(), reason)
        });
        told.collect()
    }
}

fn named(device: &str) -> SignOutWhom {
    SignOutWhom::Device(device.parse().unwrap())
}

#[tokio::test]
async fn devices_are_listed_with_when_they_were_last_there() {
    let world = World::under(LoginPolicy::Unlimited).await;
    let at = |millis| Timestamp::from_millis(tidings_testkit::clock::START_MS + millis);
    let (_, phone) = world.online("phone", Platform::Phone).await;
    world.online("desk", Platform::Desktop).await;
    world.clock.advance(1_000);
    let tablet = world.sign_in("tablet", Platform::Tablet).await;
    world.clock.advance(1_000);
    let disconnect = DisconnectDevice { routes: world.routes.clone(), clock: world.clock.clone() };
    disconnect.run(world.alice, &phone.device, &phone.connection).await.unwrap();
    world.clock.advance(1_000);
    world.refresh().run(tablet.refresh_token.reveal()).await.unwrap();

    let list = ListDevices { sessions: world.social.clone(), routes: world.routes.clone(), clock: world.clock.clone() };
    let listed = async || {
        let devices = list.run(world.alice).await.unwrap();
        let shown = devices.iter().map(|one| (one.session.device.to_string(), one.online, one.last_seen));
        shown.collect::<Vec<_>>()
    };
    let all = [("desk", true, at(2_000)), ("tablet", false, at(5_000)), ("phone", false, at(4_000))];
    assert_eq!(listed().await, all.map(|(device, online, seen)| (device.to_owned(), online, seen)));
    world.clock.advance(LIFETIMES.refresh_token_s * 1_000 - 1);
    assert_eq!(listed().await.len(), 1, "a session that has expired is none");
}

#[tokio::test]
async fn a_device_that_is_signed_out_is_told_closed_and_cannot_come_back() {
    let world = World::under(LoginPolicy::Unlimited).await;
    let (desk, _) = world.online("desk", Platform::Desktop).await;
    let (phone, route) = world.online("phone", Platform::Phone).await;
    let session = world.social.session(world.alice, &route.device).await.unwrap().unwrap();
    world.clock.advance(1);
    let unused = world.route("phone", "ticket in hand");
    world.clock.advance(1);

    assert_eq!(world.sign_out("desk", 1, named("phone")).await.unwrap(), ["phone"]);
    assert_eq!(world.kicked(), [("phone-c".to_owned(), KickReason::SignedOut)]);
    assert_eq!(world.signed_in().await, ["desk"]);
    assert_eq!(world.up().await, ["desk-c"]);
    let refused = world.refresh().run(phone.refresh_token.reveal()).await;
    assert!(matches!(refused, Err(RefreshError::Ended)), "{refused:?}");
    let refused = world.tickets(world.social.clone()).run(&session.principal()).await;
    assert!(matches!(refused, Err(IssueTicketError::Ended)), "{refused:?}");
    let connect =
        ConnectDevice { routes: world.routes.clone(), gateway: world.gateway.clone(), clock: world.clock.clone() };
    assert_eq!(connect.run(unused).await, Answer::Refused, "what it had a ticket for is over, too");
    assert!(world.refresh().run(desk.refresh_token.reveal()).await.is_ok());

    // Signed in again it is as new.
    world.online("phone", Platform::Phone).await;
    assert_eq!(world.up().await, ["desk-c", "phone-c"]);
}

#[tokio::test]
async fn all_others_are_signed_out_and_the_asking_one_stays() {
    let world = World::under(LoginPolicy::Unlimited).await;
    for device in ["desk", "phone", "web"] {
        world.online(device, Platform::Web).await;
    }
    world.sign_in("never-connected", Platform::Tablet).await;
    let out = world.sign_out("phone", 1, SignOutWhom::Others).await.unwrap();
    assert_eq!(out, ["desk", "never-connected", "web"]);
    assert_eq!((world.signed_in().await, world.up().await), (vec!["phone".to_owned()], vec!["phone-c".to_owned()]));
    assert_eq!(world.kicked().len(), 2);
    // The asking one may go, too.
    assert_eq!(world.sign_out("phone", 2, named("phone")).await.unwrap(), ["phone"]);
    assert!(world.signed_in().await.is_empty() && world.up().await.is_empty());
}

/// IDEM-1: the same request ends the same sessions, and spares who has signed in since.
#[tokio::test]
async fn a_sign_out_that_is_repeated_ends_nothing_else() {
    let world = World::under(LoginPolicy::Unlimited).await;
    world.online("desk", Platform::Desktop).await;
    world.online("phone", Platform::Phone).await;
    assert_eq!(world.sign_out("desk", 1, named("phone")).await.unwrap(), ["phone"]);
    assert_eq!(world.sign_out("desk", 2, SignOutWhom::Others).await.unwrap(), [""; 0]);
    world.kicked();
    world.online("phone", Platform::Phone).await;
    for _ in 0..2 {
        assert_eq!(world.sign_out("desk", 1, named("phone")).await.unwrap(), ["phone"], "the first answer");
        assert_eq!(world.sign_out("desk", 2, SignOutWhom::Others).await.unwrap(), [""; 0]);
    }
    assert_eq!((world.signed_in().await.len(), world.kicked()), (2, vec![]));

    let error = world.sign_out("desk", 1, SignOutWhom::Others).await.unwrap_err();
    assert!(matches!(error, SignOutError::ClientIdReused), "{error:?}");
    for _ in 0..2 {
        let error = world.sign_out("desk", 3, named("tablet")).await.unwrap_err();
        assert!(matches!(error, SignOutError::NotFound), "{error:?}");
    }
    assert_eq!(world.signed_in().await.len(), 2);
}

/// Whatever reply is lost, the same again finishes it.
#[tokio::test]
async fn after_a_lost_reply_the_same_sign_out_succeeds() {
    for lost in 1..=2 {
        let world = World::under(LoginPolicy::Unlimited).await;
        world.online("desk", Platform::Desktop).await;
        world.online("phone", Platform::Phone).await;
        world.social.lose_replies(lost);
        for _ in 0..lost {
            let error = world.sign_out("desk", 1, named("phone")).await.unwrap_err();
            assert!(matches!(error, SignOutError::Port(ref error) if error.retryable), "{error:?}");
        }
        assert_eq!(world.sign_out("desk", 1, named("phone")).await.unwrap(), ["phone"]);
        assert_eq!((world.signed_in().await, world.up().await), (vec!["desk".to_owned()], vec!["desk-c".to_owned()]));
        assert_eq!(world.kicked().len(), 1);
    }
}

#[tokio::test]
async fn a_connection_that_hears_nothing_is_closed_all_the_same() {
    let world = World::under(LoginPolicy::Unlimited).await;
    let (_, phone) = world.online("phone", Platform::Phone).await;
    world.gateway.answers(&phone.connection, Post::Slow);
    world.sign_out("phone", 1, named("phone")).await.unwrap();
    assert_eq!(world.gateway.closed(), [phone.connection]);
    assert!(world.up().await.is_empty());
}

#[tokio::test]
async fn each_policy_leaves_what_it_allows() {
    for (policy, stay) in [
        (LoginPolicy::Unlimited, vec!["desk", "phone1", "phone2", "web"]),
        (LoginPolicy::OnePerClass, vec!["desk", "phone2", "web"]),
        (LoginPolicy::Single, vec!["phone2"]),
    ] {
        let world = World::under(policy).await;
        let devices = [
            ("phone1", Platform::Phone),
            ("web", Platform::Web),
            ("desk", Platform::Desktop),
            ("phone2", Platform::Phone),
        ];
        for (device, platform) in devices {
            world.online(device, platform).await;
        }
        assert_eq!(world.signed_in().await, stay, "{policy:?}");
        assert_eq!(world.up().await.len(), stay.len(), "{policy:?}");
        let kicked = world.kicked();
        assert_eq!(kicked.len(), 4 - stay.len(), "{policy:?}");
        assert!(kicked.iter().all(|(_, reason)| *reason == KickReason::LoginPolicy));
        // The same device again displaces nobody but its own session.
        world.clock.advance(1);
        world.sign_in(stay[0], devices.iter().find(|(device, _)| *device == stay[0]).unwrap().1).await;
        assert_eq!(world.signed_in().await, stay, "{policy:?}");
    }
}

#[tokio::test]
async fn of_sign_ins_at_once_one_stays() {
    let world = World::under(LoginPolicy::Single).await;
    let all = (0..8).map(async |number| world.sign_in(&format!("d{number}"), Platform::Web).await);
    let tokens = futures_util::future::join_all(all).await;
    assert_eq!(world.signed_in().await.len(), 1);
    let mut good = 0;
    for signed_in in tokens {
        good += usize::from(world.refresh().run(signed_in.refresh_token.reveal()).await.is_ok());
    }
    assert_eq!(good, 1, "and its tokens are good, the others' are not");
}

/// Sessions as somebody finds them whose look takes so long that they end meanwhile.
struct SlowLook<'a>(&'a World);

impl SessionRead for SlowLook<'_> {
    async fn session(&self, user: UserId, device: &DeviceId) -> Result<Option<Session>, PortError> {
        let found = self.0.social.session(user, device).await;
        self.0.clock.advance(1);
        self.0.sign_out("desk", self.0.clock.bits(), SignOutWhom::Device(device.clone())).await.unwrap();
        found
    }
}

/// A ticket that races with the end of its session opens nothing, and a refresh that does is refused.
#[tokio::test]
async fn what_races_with_the_end_of_its_session_comes_to_nothing() {
    let world = World::under(LoginPolicy::Single).await;
    let (phone, route) = world.online("phone", Platform::Phone).await;
    let session = world.social.session(world.alice, &route.device).await.unwrap().unwrap();
    let issued = world.clock.now();
    assert!(world.tickets(SlowLook(&world)).run(&session.principal()).await.is_ok(), "it was found alive");
    let late = Route { ticket_at: issued, connection: ConnectionId::new("late"), ..route };
    assert_eq!(world.routes.claim(&late).await.unwrap(), Claim::Lost(None), "and its ticket is spent");
    assert!(world.up().await.is_empty());

    // The generation is advanced on condition of the session, so it is refreshed before it ends or not at all.
    let refused = world.refresh().run(phone.refresh_token.reveal()).await;
    assert!(matches!(refused, Err(RefreshError::Ended)), "{refused:?}");
    let (one, other) = (world.sign_in("desk", Platform::Desktop).await, world.refresh());
    let (_, refreshed) = tokio::join!(world.sign_in("web", Platform::Web), other.run(one.refresh_token.reveal()));
    let dead = match refreshed {
        Ok(refreshed) => world.refresh().run(refreshed.refresh_token.reveal()).await,
        refused => refused,
    };
    assert!(matches!(dead, Err(RefreshError::Ended)), "{dead:?}");
}

/// Who has signed in again on the device meanwhile keeps their connection.
#[tokio::test]
async fn a_session_that_began_meanwhile_is_spared() {
    let world = World::under(LoginPolicy::Unlimited).await;
    world.online("phone", Platform::Phone).await;
    let now = world.clock.now();
    let next = Session {
        id: SessionId::from_bits(7),
        created_at: now.plus_millis(1),
        ..world.social.session(world.alice, &"phone".parse().unwrap()).await.unwrap().unwrap()
    };
    let routes = world.routes.of(world.alice).await.unwrap();
    let seen = world.social.sessions(world.alice).await.unwrap().remove(0);
    world.social.put(&next).await.unwrap();
    let later = Route { ticket_at: now.plus_millis(2), ..world.route("phone", "next") };
    world.routes.claim(&later).await.unwrap();
    let ended = [tidings_application::identity::Ended { device: seen.device, session: seen.id }];
    world.kick().run(world.alice, &ended, &routes, KickReason::SignedOut).await.unwrap();
    assert_eq!(world.up().await, ["phone-next"]);
    assert_eq!(world.kicked(), [("phone-c".to_owned(), KickReason::SignedOut)]);
}

//! What every store of accounts and sessions must do. Each case makes its own people, so one store serves them all.

mod people;

use futures_util::future::join_all;
use tidings_application::clock::{Clock, Random};
use tidings_application::identity::ports::{
    AccountClose, AccountCreate, AccountRead, AccountRehash, AccountUpdate, Created, PeopleSearch, Rotated, SessionEnd,
    SessionList, SessionRead, SessionWrite, SignOutBegin,
};
use tidings_application::identity::{
    Account, Ended, PasswordHash, RefreshClaims, Session, SessionId, SignOut, SignOutWhom,
};
use tidings_domain::identity::Platform;
use tidings_domain::ids::{ClientId, UserId};
use tidings_domain::profile::Profile;

use crate::clock::TestClock;

/// How many try the same thing at once.
const CROWD: usize = 64;

/// Every port of accounts.
pub trait Accounts:
    AccountRead + AccountCreate + AccountUpdate + AccountRehash + AccountClose + PeopleSearch + Clone + Send + 'static
{
}

impl<S> Accounts for S where
    S: AccountRead
        + AccountCreate
        + AccountUpdate
        + AccountRehash
        + AccountClose
        + PeopleSearch
        + Clone
        + Send
        + 'static
{
}

/// Every port of accounts and sessions.
pub trait Social: Accounts + SessionRead + SessionList + SessionWrite + SessionEnd + SignOutBegin {}

impl<S> Social for S where S: Accounts + SessionRead + SessionList + SessionWrite + SessionEnd + SignOutBegin {}

/// The whole contract, on an empty store. Panics where it is broken.
pub async fn holds<S: Social>(store: S) {
    let suite = Suite { store, clock: TestClock::new(1) };
    suite.accounts_read_back().await;
    suite.a_taken_name_writes_nothing().await;
    suite.a_taken_id_writes_nothing().await;
    suite.of_a_crowd_one_gets_the_name().await;
    suite.a_hash_is_replaced_only_by_who_knows_it().await;
    suite.profiles_are_changed_and_say_nothing_again().await;
    suite.a_stale_change_writes_nothing().await;
    suite.a_rename_moves_name_and_card().await;
    suite.a_rename_to_a_taken_name_writes_nothing().await;
    suite.of_a_crowd_one_is_renamed().await;
    suite.a_change_leaves_the_password_alone().await;
    suite.searches_find_names_in_order_and_page_by_page().await;
    suite.a_closed_account_leaves_its_id_taken_and_its_name_free().await;
    suite.an_account_that_changed_is_not_closed().await;
    suite.a_closed_account_is_not_changed().await;
    suite.sessions_are_listed_of_one_person_alone().await;
    suite.sessions_read_back_and_are_replaced().await;
    suite.rotation_advances_the_generation_once().await;
    suite.a_lost_rotation_shows_what_is_there().await;
    suite.of_a_crowd_one_rotates().await;
    suite.only_the_present_session_ends().await;
    suite.sessions_are_listed_with_their_person().await;
    suite.a_sign_out_is_what_it_was_the_first_time().await;
}

struct Suite<S> {
    store: S,
    clock: TestClock,
}

#[expect(clippy::unwrap_used, reason = "a broken contract ends the test")]
impl<S: Social> Suite<S> {
    fn account(&self) -> Account {
        let bits = self.clock.bits();
        Account {
            user: UserId::from_bits(bits),
            username: format!("u{:x}", bits % (1 << 100)).parse().unwrap(),
            profile: Profile::new("李雷 \"♥\"".parse().unwrap()),
            password_hash: PasswordHash::new("$argon2id$v=19$m=19456,t=2,p=1$c2FsdA$aGFzaA"),
            created_at: self.clock.now(),
            version: 0,
            changes: Vec::new(),
        }
    }

    fn session(&self) -> Session {
        let now = self.clock.now();
        Session {
            user: UserId::from_bits(self.clock.bits()),
            device: "d-_".repeat(21).parse().unwrap(),
            name: "Phone of 李雷".parse().unwrap(),
            platform: Platform::Phone,
            id: SessionId::from_bits(self.clock.bits()),
            generation: 1,
            created_at: now,
            rotated_at: now,
            // Not a whole second: nothing may be rounded.
            expires_at: now.plus_millis(86_400_123),
        }
    }

    async fn stored(&self, session: &Session) -> Option<Session> {
        self.store.session(session.user, &session.device).await.unwrap()
    }

    async fn accounts_read_back(&self) {
        let account = self.account();
        assert_eq!(self.store.account(account.user).await.unwrap(), None);
        assert_eq!(self.store.user_named(&account.username).await.unwrap(), None);
        assert_eq!(self.store.create(&account).await.unwrap(), Created::Yes);
        assert_eq!(self.store.user_named(&account.username).await.unwrap(), Some(account.user));
        assert_eq!(self.store.account(account.user).await.unwrap(), Some(account));
    }

    async fn a_taken_name_writes_nothing(&self) {
        let first = self.account();
        let second = Account { username: first.username.clone(), ..self.account() };
        assert_eq!(self.store.create(&first).await.unwrap(), Created::Yes);
        assert_eq!(self.store.create(&second).await.unwrap(), Created::NameTaken);
        assert_eq!(self.store.account(second.user).await.unwrap(), None);
        assert_eq!(self.store.user_named(&first.username).await.unwrap(), Some(first.user));
    }

    async fn a_taken_id_writes_nothing(&self) {
        let first = self.account();
        let second = Account { user: first.user, ..self.account() };
        assert_eq!(self.store.create(&first).await.unwrap(), Created::Yes);
        assert_eq!(self.store.create(&second).await.unwrap(), Created::Known);
        let same_name = Account { password_hash: PasswordHash::new("other"), ..first.clone() };
        assert_eq!(self.store.create(&same_name).await.unwrap(), Created::Known, "whatever its name");
        assert_eq!(self.store.user_named(&second.username).await.unwrap(), None);
        assert_eq!(self.store.account(first.user).await.unwrap(), Some(first));
    }

    async fn of_a_crowd_one_gets_the_name(&self) {
        let name = self.account().username;
        let crowd: Vec<_> = (0..CROWD).map(|_| Account { username: name.clone(), ..self.account() }).collect();
        let outcomes = join_all(crowd.iter().map(|account| {
            let (store, account) = (self.store.clone(), account.clone());
            // A conflict with another transaction may pass; its outcome is known to be nothing.
            async move { store.create(&account).await.unwrap_or(Created::NameTaken) }
        }))
        .await;
        let winners: Vec<_> =
            crowd.iter().zip(&outcomes).filter(|(_, outcome)| **outcome == Created::Yes).map(|(one, _)| one).collect();
        assert_eq!(winners.len(), 1, "{outcomes:?}");
        assert_eq!(self.store.user_named(&name).await.unwrap(), Some(winners[0].user));
        for account in &crowd {
            let exists = self.store.account(account.user).await.unwrap().is_some();
            assert_eq!(exists, account.user == winners[0].user);
        }
    }

    async fn a_hash_is_replaced_only_by_who_knows_it(&self) {
        let account = self.account();
        let (old, new) = (account.password_hash.clone(), PasswordHash::new("new"));
        self.store.create(&account).await.unwrap();
        assert!(!self.store.rehash(account.user, &PasswordHash::new("other"), &new).await.unwrap());
        assert_eq!(self.store.account(account.user).await.unwrap().unwrap().password_hash, old);
        assert!(self.store.rehash(account.user, &old, &new).await.unwrap());
        let changed = Account { password_hash: new.clone(), ..account };
        assert_eq!(self.store.account(changed.user).await.unwrap(), Some(changed), "and nothing else");

        let nobody = self.account().user;
        assert!(!self.store.rehash(nobody, &old, &new).await.unwrap());
        assert_eq!(self.store.account(nobody).await.unwrap(), None);
    }

    async fn sessions_read_back_and_are_replaced(&self) {
        let session = self.session();
        assert_eq!(self.stored(&session).await, None);
        self.store.put(&session).await.unwrap();
        assert_eq!(self.stored(&session).await, Some(session.clone()));

        let tablet = Session { device: "tablet".parse().unwrap(), platform: Platform::Tablet, ..session.clone() };
        assert_eq!(self.stored(&tablet).await, None, "devices have sessions of their own");

        let next = Session { id: SessionId::from_bits(7), generation: 1, ..session };
        self.store.put(&next).await.unwrap();
        assert_eq!(self.stored(&next).await, Some(next));
    }

    async fn rotation_advances_the_generation_once(&self) {
        let session = self.session();
        self.store.put(&session).await.unwrap();
        let (now, end) = (self.clock.now().plus_millis(5), self.clock.now().plus_millis(99_999_999));
        let rotated = Session { generation: 2, rotated_at: now, expires_at: end, ..session.clone() };
        let claims = session.refresh_claims();
        assert_eq!(self.store.rotate(&claims, now, end).await.unwrap(), Rotated::Yes(rotated.clone()));
        assert_eq!(self.stored(&session).await, Some(rotated.clone()));
        let later = end.plus_millis(1);
        assert_eq!(self.store.rotate(&claims, later, later).await.unwrap(), Rotated::Lost(Some(rotated)));
    }

    async fn a_lost_rotation_shows_what_is_there(&self) {
        let session = self.session();
        let now = self.clock.now();
        let rotate = async |claims: &RefreshClaims| self.store.rotate(claims, now, now).await.unwrap();
        assert_eq!(rotate(&session.refresh_claims()).await, Rotated::Lost(None));
        assert_eq!(self.stored(&session).await, None, "a rotation creates nothing");
        self.store.put(&session).await.unwrap();
        let other = RefreshClaims { session: SessionId::from_bits(7), ..session.refresh_claims() };
        assert_eq!(rotate(&other).await, Rotated::Lost(Some(session.clone())));
        let ahead = RefreshClaims { generation: 2, ..session.refresh_claims() };
        assert_eq!(rotate(&ahead).await, Rotated::Lost(Some(session.clone())));
        assert_eq!(self.stored(&session).await, Some(session));
    }

    async fn of_a_crowd_one_rotates(&self) {
        let session = self.session();
        self.store.put(&session).await.unwrap();
        let now = self.clock.now().plus_millis(1);
        let rotated = Session { generation: 2, rotated_at: now, expires_at: now, ..session.clone() };
        let outcomes = join_all((0..CROWD).map(|_| {
            let (store, claims) = (self.store.clone(), session.refresh_claims());
            async move { store.rotate(&claims, now, now).await.unwrap() }
        }))
        .await;
        let (winners, losers): (Vec<_>, Vec<_>) =
            outcomes.into_iter().partition(|outcome| matches!(outcome, Rotated::Yes(_)));
        assert_eq!(winners, [Rotated::Yes(rotated.clone())]);
        assert!(losers.iter().all(|loser| *loser == Rotated::Lost(Some(rotated.clone()))));
    }

    async fn only_the_present_session_ends(&self) {
        let session = self.session();
        let end = async |id| self.store.end(session.user, &session.device, id).await.unwrap();
        end(session.id).await;
        self.store.put(&session).await.unwrap();
        assert_eq!(end(SessionId::from_bits(7)).await, Some(session.clone()), "what the device has instead");
        assert_eq!(self.stored(&session).await, Some(session.clone()));
        assert_eq!(end(session.id).await, None);
        assert_eq!(self.stored(&session).await, None);
        assert_eq!(end(session.id).await, None);
    }

    async fn sessions_are_listed_with_their_person(&self) {
        let session = self.session();
        assert_eq!(self.store.sessions(session.user).await.unwrap(), []);
        // What lies beside sessions is none.
        let account = Account { user: session.user, ..self.account() };
        self.store.create(&account).await.unwrap();
        self.store.begin(&self.sign_out(&session)).await.unwrap();
        let tablet = Session { device: "tablet".parse().unwrap(), platform: Platform::Tablet, ..session.clone() };
        for one in [&session, &tablet, &self.session()] {
            self.store.put(one).await.unwrap();
        }
        assert_eq!(self.store.sessions(session.user).await.unwrap(), [session.clone(), tablet]);
    }

    fn sign_out(&self, of: &Session) -> SignOut {
        let ended = vec![Ended { device: of.device.clone(), session: of.id }];
        SignOut {
            user: of.user,
            client_id: ClientId::from_bits(self.clock.bits()),
            whom: SignOutWhom::Device(of.device.clone()),
            ended,
            kept_until: self.clock.now().plus_millis(123),
        }
    }

    async fn a_sign_out_is_what_it_was_the_first_time(&self) {
        let first = self.sign_out(&self.session());
        assert_eq!(self.store.begin(&first).await.unwrap(), first);
        let again = SignOut { whom: SignOutWhom::Others, ended: Vec::new(), ..first.clone() };
        assert_eq!(self.store.begin(&again).await.unwrap(), first);
        let next = SignOut { client_id: ClientId::from_bits(self.clock.bits()), ..again };
        assert_eq!(self.store.begin(&next).await.unwrap(), next);
        let of_another = SignOut { user: self.session().user, ..next };
        assert_eq!(self.store.begin(&of_another).await.unwrap(), of_another);
    }
}

#[cfg(test)]
mod tests {
    use crate::identity::FakeSocial;

    #[tokio::test]
    async fn the_fake_keeps_the_contract() {
        super::holds(FakeSocial::default()).await;
    }
}

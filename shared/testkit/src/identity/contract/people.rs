//! Profiles, searches, and the end of accounts.

use futures_util::future::join_all;
use tidings_application::clock::{Clock, Random};
use tidings_application::identity::ports::{Created, Updated};
use tidings_application::identity::{Account, Card, PasswordHash, Session, SessionId};
use tidings_domain::identity::Username;
use tidings_domain::ids::{ClientId, UserId};
use tidings_domain::profile::{MessagesFrom, PresenceTo, Profile};

use super::{CROWD, Social, Suite};

#[expect(clippy::unwrap_used, reason = "a broken contract ends the test")]
impl<S: Social> Suite<S> {
    async fn created(&self) -> Account {
        let account = self.account();
        assert_eq!(self.store.create(&account).await.unwrap(), Created::Yes);
        account
    }

    /// The next version of an account.
    fn next(&self, before: &Account) -> Account {
        let mut after = Account { version: before.version + 1, ..before.clone() };
        after.changes.push(ClientId::from_bits(self.clock.bits()));
        after
    }

    async fn is_stored(&self, account: &Account) {
        assert_eq!(self.store.account(account.user).await.unwrap().as_ref(), Some(account));
        assert_eq!(self.store.user_named(&account.username).await.unwrap(), Some(account.user));
        assert_eq!(self.listed(&account.username).await, Some(account.card()));
    }

    async fn is_free(&self, username: &Username) {
        assert_eq!(self.store.user_named(username).await.unwrap(), None, "{username}");
        assert_eq!(self.listed(username).await, None, "{username}");
    }

    /// Who has just this name, as a search finds them: before all others.
    async fn listed(&self, username: &Username) -> Option<Card> {
        let (found, _) = self.store.search(&username.as_str().parse().unwrap(), None, 1).await.unwrap();
        found.into_iter().find(|card| card.username == *username)
    }

    pub(super) async fn profiles_are_changed_and_say_nothing_again(&self) {
        let account = self.created().await;
        self.is_stored(&account).await;
        let mut told = self.next(&account);
        told.profile = Profile {
            display_name: "韩梅梅".parse().unwrap(),
            bio: "two\nlines \"♥\"".parse().unwrap(),
            language: "zh-Hans".parse().unwrap(),
            time_zone: "Asia/Shanghai".parse().unwrap(),
            messages_from: MessagesFrom::Contacts,
            presence_to: PresenceTo::Nobody,
        };
        assert_eq!(self.store.update(&account, &told).await.unwrap(), Updated::Yes);
        self.is_stored(&told).await;

        let mut hidden = self.next(&told);
        hidden.profile.presence_to = PresenceTo::Contacts;
        assert_eq!(self.store.update(&told, &hidden).await.unwrap(), Updated::Yes, "what is on no card");
        self.is_stored(&hidden).await;

        let mut silent = self.next(&hidden);
        silent.profile = Profile::new(hidden.profile.display_name.clone());
        assert_eq!(self.store.update(&hidden, &silent).await.unwrap(), Updated::Yes);
        self.is_stored(&silent).await;
    }

    pub(super) async fn a_stale_change_writes_nothing(&self) {
        let account = self.created().await;
        let first = self.next(&account);
        assert_eq!(self.store.update(&account, &first).await.unwrap(), Updated::Yes);
        let mut settings = self.next(&account);
        settings.profile.messages_from = MessagesFrom::Contacts;
        let mut card = self.next(&account);
        card.profile.bio = "late".parse().unwrap();
        let name = Account { username: self.account().username, ..self.next(&account) };
        for late in [settings, card, name.clone()] {
            assert_eq!(self.store.update(&account, &late).await.unwrap(), Updated::Stale);
        }
        self.is_stored(&first).await;
        self.is_free(&name.username).await;
    }

    pub(super) async fn a_rename_moves_name_and_card(&self) {
        let account = self.created().await;
        let renamed = Account { username: self.account().username, ..self.next(&account) };
        assert_eq!(self.store.update(&account, &renamed).await.unwrap(), Updated::Yes);
        self.is_stored(&renamed).await;
        self.is_free(&account.username).await;
        let heir = Account { username: account.username.clone(), ..self.account() };
        assert_eq!(self.store.create(&heir).await.unwrap(), Created::Yes);
        let back = Account { username: account.username, ..self.next(&renamed) };
        assert_eq!(self.store.update(&renamed, &back).await.unwrap(), Updated::NameTaken);
        self.is_stored(&heir).await;
    }

    pub(super) async fn a_rename_to_a_taken_name_writes_nothing(&self) {
        let (account, other) = (self.created().await, self.created().await);
        let renamed = Account { username: other.username.clone(), ..self.next(&account) };
        assert_eq!(self.store.update(&account, &renamed).await.unwrap(), Updated::NameTaken);
        self.is_stored(&account).await;
        self.is_stored(&other).await;
    }

    pub(super) async fn of_a_crowd_one_is_renamed(&self) {
        let name = self.account().username;
        let mut crowd = Vec::new();
        for _ in 0..CROWD {
            crowd.push(self.created().await);
        }
        let outcomes = join_all(crowd.iter().map(|before| {
            let after = Account { username: name.clone(), ..self.next(before) };
            let store = self.store.clone();
            // A conflict with another transaction may pass; its outcome is known to be nothing.
            async move { store.update(before, &after).await.unwrap_or(Updated::NameTaken) }
        }))
        .await;
        let renamed = crowd.iter().zip(&outcomes).filter(|(_, outcome)| **outcome == Updated::Yes);
        let renamed: Vec<_> = renamed.map(|(before, _)| before.user).collect();
        assert_eq!(renamed.len(), 1, "{outcomes:?}");
        assert_eq!(self.store.user_named(&name).await.unwrap(), Some(renamed[0]));
        for before in crowd.iter().filter(|before| before.user != renamed[0]) {
            self.is_stored(before).await;
        }
    }

    pub(super) async fn a_change_leaves_the_password_alone(&self) {
        let account = self.created().await;
        let new = PasswordHash::new("new");
        assert!(self.store.rehash(account.user, &account.password_hash, &new).await.unwrap());
        let renamed = Account { username: self.account().username, ..self.next(&account) };
        assert_eq!(self.store.update(&account, &renamed).await.unwrap(), Updated::Yes);
        self.is_stored(&Account { password_hash: new, ..renamed }).await;
    }

    pub(super) async fn searches_find_names_in_order_and_page_by_page(&self) {
        let beginning = format!("q{:x}", self.clock.bits() >> 64);
        // Every kind of character after the same beginning, and what lies around it.
        let names = ["", ".", ".a", "0", "9z", "_", "a", "ab", "b", "zz"].map(|end| format!("{beginning}{end}"));
        let neighbours = [format!("{}.", &beginning[..beginning.len() - 1]), format!("q{}", "z".repeat(20))];
        for name in names.iter().rev().chain(&neighbours) {
            let account = Account { username: name.parse().unwrap(), ..self.account() };
            assert_eq!(self.store.create(&account).await.unwrap(), Created::Yes, "{name}");
        }
        let prefix = beginning.parse().unwrap();
        for limit in [1, 3, names.len(), 20] {
            let mut found = Vec::new();
            loop {
                let after: Option<Username> = found.last().cloned();
                let (page, more) = self.store.search(&prefix, after.as_ref(), limit).await.unwrap();
                assert!(page.len() <= limit);
                found.extend(page.into_iter().map(|card| card.username));
                assert_eq!(more, found.len() < names.len(), "{found:?}");
                if !more {
                    break;
                }
            }
            let found: Vec<_> = found.iter().map(Username::as_str).collect();
            assert_eq!(found, names, "in pages of {limit}");
        }
        let nobody = format!("{beginning}x").parse().unwrap();
        assert_eq!(self.store.search(&nobody, None, 20).await.unwrap(), (vec![], false));
    }

    pub(super) async fn a_closed_account_leaves_its_id_taken_and_its_name_free(&self) {
        let account = self.created().await;
        assert!(self.store.close(&account, self.clock.now()).await.unwrap());
        assert_eq!(self.store.account(account.user).await.unwrap(), None);
        self.is_free(&account.username).await;
        // Repeated later, and hashed again, as a request is.
        self.clock.advance(1);
        let late = Account { password_hash: PasswordHash::new("salted"), created_at: self.clock.now(), ..account };
        assert_eq!(self.store.create(&late).await.unwrap(), Created::Known, "nobody becomes who they were");
        assert_eq!(self.store.account(late.user).await.unwrap(), None);
        self.is_free(&late.username).await;
        let heir = Account { username: late.username, ..self.account() };
        assert_eq!(self.store.create(&heir).await.unwrap(), Created::Yes);
        self.is_stored(&heir).await;
    }

    pub(super) async fn an_account_that_changed_is_not_closed(&self) {
        let account = self.created().await;
        let other_name = Account { username: self.account().username, ..account.clone() };
        let other_hash = Account { password_hash: PasswordHash::new("other"), ..account.clone() };
        for stale in [other_name, other_hash] {
            assert!(!self.store.close(&stale, self.clock.now()).await.unwrap());
            self.is_stored(&account).await;
        }
        assert!(!self.store.close(&self.account(), self.clock.now()).await.unwrap(), "nobody's");
    }

    pub(super) async fn a_closed_account_is_not_changed(&self) {
        let account = self.created().await;
        assert!(self.store.close(&account, self.clock.now()).await.unwrap());
        let renamed = Account { username: self.account().username, ..self.next(&account) };
        for after in [self.next(&account), renamed.clone()] {
            assert_eq!(self.store.update(&account, &after).await.unwrap(), Updated::Stale);
        }
        let hash = PasswordHash::new("new");
        assert!(!self.store.rehash(account.user, &account.password_hash, &hash).await.unwrap());
        assert_eq!(self.store.account(account.user).await.unwrap(), None);
        self.is_free(&renamed.username).await;
    }

    pub(super) async fn sessions_are_listed_of_one_person_alone(&self) {
        let account = self.created().await;
        let of = |user: UserId, device: &str| Session { user, device: device.parse().unwrap(), ..self.session() };
        assert_eq!(self.store.sessions(account.user).await.unwrap(), []);
        let sessions = ["a", "b", "c"].map(|device| of(account.user, device));
        for session in sessions.iter().rev().chain([&of(self.account().user, "a")]) {
            self.store.put(session).await.unwrap();
        }
        assert_eq!(self.store.sessions(account.user).await.unwrap(), sessions);
        self.store.end(account.user, &sessions[1].device, sessions[1].id).await.unwrap();
        self.store.end(account.user, &sessions[2].device, SessionId::from_bits(7)).await.unwrap();
        let left = [sessions[0].clone(), sessions[2].clone()];
        assert_eq!(self.store.sessions(account.user).await.unwrap(), left);
    }
}

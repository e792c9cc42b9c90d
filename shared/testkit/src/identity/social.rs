//! Accounts and sessions in memory.

use std::collections::{BTreeMap, HashMap, HashSet};
use std::ops::Bound;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tidings_application::error::PortError;
use tidings_application::identity::ports::{
    AccountClose, AccountCreate, AccountRead, AccountRehash, AccountUpdate, Created, PeopleSearch, Rotated, SessionEnd,
    SessionList, SessionRead, SessionWrite, SignOutBegin, Updated,
};
use tidings_application::identity::{Account, Card, PasswordHash, RefreshClaims, Session, SessionId, SignOut};
use tidings_domain::identity::{Username, UsernamePrefix};
use tidings_domain::ids::{ClientId, DeviceId, UserId};
use tidings_domain::time::Timestamp;
use tokio::task::yield_now;

/// Accounts and sessions in memory. Its clones are one store. Every call lets other tasks run once before it is
/// done and once after, as a network would, so that joined use cases interleave.
#[derive(Clone, Debug, Default)]
pub struct FakeSocial(Arc<Mutex<State>>);

#[derive(Debug, Default)]
struct State {
    accounts: HashMap<UserId, Account>,
    /// Who once had an account.
    closed: HashSet<UserId>,
    names: BTreeMap<Username, UserId>,
    sessions: BTreeMap<(UserId, DeviceId), Session>,
    sign_outs: HashMap<(UserId, ClientId), SignOut>,
    lost_replies: u32,
    reads: u32,
}

impl FakeSocial {
    /// Does the next writes as told, and then says that they failed.
    pub fn lose_replies(&self, writes: u32) {
        self.state().lost_replies = writes;
    }

    /// How many items were read.
    pub fn reads(&self) -> u32 {
        self.state().reads
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    async fn read<T>(&self, read: impl FnOnce(&State) -> T + Send) -> Result<T, PortError>
    where
        T: Send,
    {
        yield_now().await;
        let value = {
            let mut state = self.state();
            state.reads += 1;
            read(&state)
        };
        yield_now().await;
        Ok(value)
    }

    async fn write<T>(&self, write: impl FnOnce(&mut State) -> T + Send) -> Result<T, PortError>
    where
        T: Send,
    {
        yield_now().await;
        let (value, lost) = {
            let mut state = self.state();
            let value = write(&mut state);
            let lost = state.lost_replies > 0;
            state.lost_replies = state.lost_replies.saturating_sub(1);
            (value, lost)
        };
        yield_now().await;
        if lost { Err(PortError::retryable("the reply was lost")) } else { Ok(value) }
    }
}

impl AccountRead for FakeSocial {
    async fn account(&self, user: UserId) -> Result<Option<Account>, PortError> {
        self.read(|state| state.accounts.get(&user).cloned()).await
    }

    async fn user_named(&self, username: &Username) -> Result<Option<UserId>, PortError> {
        self.read(|state| state.names.get(username).copied()).await
    }
}

impl PeopleSearch for FakeSocial {
    async fn search(
        &self,
        prefix: &UsernamePrefix,
        after: Option<&Username>,
        limit: usize,
    ) -> Result<(Vec<Card>, bool), PortError> {
        self.read(|state| {
            let above = after.map_or(Bound::Unbounded, Bound::Excluded);
            let found = state.names.range::<Username, _>((above, Bound::Unbounded));
            let mut found = found.filter(|(name, _)| prefix.begins(name));
            let page = found.by_ref().take(limit).map(|(_, user)| state.accounts[user].card()).collect();
            (page, found.next().is_some())
        })
        .await
    }
}

impl AccountCreate for FakeSocial {
    async fn create(&self, account: &Account) -> Result<Created, PortError> {
        self.write(|state| {
            if state.accounts.contains_key(&account.user) || state.closed.contains(&account.user) {
                return Created::Known;
            }
            if state.names.contains_key(&account.username) {
                return Created::NameTaken;
            }
            state.accounts.insert(account.user, account.clone());
            state.names.insert(account.username.clone(), account.user);
            Created::Yes
        })
        .await
    }
}

impl AccountUpdate for FakeSocial {
    async fn update(&self, before: &Account, after: &Account) -> Result<Updated, PortError> {
        self.write(|state| {
            let present = state.accounts.get_mut(&before.user).filter(|present| present.version == before.version);
            let Some(present) = present else { return Updated::Stale };
            if state.names.get(&after.username).is_some_and(|owner| *owner != after.user) {
                return Updated::NameTaken;
            }
            let password_hash = present.password_hash.clone();
            *present = Account { password_hash, ..after.clone() };
            state.names.remove(&before.username);
            state.names.insert(after.username.clone(), after.user);
            Updated::Yes
        })
        .await
    }
}

impl AccountRehash for FakeSocial {
    async fn rehash(&self, user: UserId, old: &PasswordHash, new: &PasswordHash) -> Result<bool, PortError> {
        self.write(|state| {
            let account = state.accounts.get_mut(&user).filter(|account| account.password_hash == *old);
            account.map(|account| account.password_hash = new.clone()).is_some()
        })
        .await
    }
}

impl AccountClose for FakeSocial {
    async fn close(&self, account: &Account, _: Timestamp) -> Result<bool, PortError> {
        self.write(|state| {
            let present = state.accounts.get(&account.user);
            let same = present.is_some_and(|present| {
                (&present.username, &present.password_hash) == (&account.username, &account.password_hash)
            });
            if same {
                state.accounts.remove(&account.user);
                state.names.remove(&account.username);
                state.closed.insert(account.user);
            }
            same
        })
        .await
    }
}

impl SessionRead for FakeSocial {
    async fn session(&self, user: UserId, device: &DeviceId) -> Result<Option<Session>, PortError> {
        self.read(|state| state.sessions.get(&(user, device.clone())).cloned()).await
    }
}

impl SessionWrite for FakeSocial {
    async fn put(&self, session: &Session) -> Result<(), PortError> {
        self.write(|state| {
            let key = (session.user, session.device.clone());
            match state.sessions.get(&key) {
                Some(present) if present.id == session.id => Ok(()),
                Some(present) if present.created_at > session.created_at => {
                    Err(PortError::retryable("the device was signed in later"))
                }
                _ => {
                    state.sessions.insert(key, session.clone());
                    Ok(())
                }
            }
        })
        .await?
    }

    async fn rotate(
        &self,
        claims: &RefreshClaims,
        now: Timestamp,
        expires_at: Timestamp,
    ) -> Result<Rotated, PortError> {
        self.write(|state| {
            let present = state.sessions.get_mut(&(claims.user, claims.device.clone()));
            match present {
                Some(session) if session.id == claims.session && session.generation == claims.generation => {
                    session.generation += 1;
                    session.rotated_at = now;
                    session.expires_at = expires_at;
                    Rotated::Yes(session.clone())
                }
                present => Rotated::Lost(present.cloned()),
            }
        })
        .await
    }
}

impl SessionList for FakeSocial {
    async fn sessions(&self, user: UserId) -> Result<Vec<Session>, PortError> {
        self.read(|state| {
            let mut own: Vec<_> = state.sessions.values().filter(|session| session.user == user).cloned().collect();
            own.sort_by(|one, other| one.device.as_str().cmp(other.device.as_str()));
            own
        })
        .await
    }
}

impl SessionEnd for FakeSocial {
    async fn end(&self, user: UserId, device: &DeviceId, session: SessionId) -> Result<Option<Session>, PortError> {
        self.write(|state| {
            let key = (user, device.clone());
            if state.sessions.get(&key).is_some_and(|present| present.id == session) {
                state.sessions.remove(&key);
            }
            state.sessions.get(&key).cloned()
        })
        .await
    }
}

impl SignOutBegin for FakeSocial {
    async fn begin(&self, sign_out: &SignOut) -> Result<SignOut, PortError> {
        let key = (sign_out.user, sign_out.client_id);
        self.write(|state| state.sign_outs.entry(key).or_insert_with(|| sign_out.clone()).clone()).await
    }
}

//! Changes to one's own profile, settings and user name. The account is written first, then the person's other devices are
//! told: a repetition of the request tells what a crash left untold.

use std::convert::Infallible;

use tidings_domain::change::Refusal;
use tidings_domain::identity::{DisplayName, Username};
use tidings_domain::ids::{ClientId, ConnectionId, UserId};
use tidings_domain::limits::{CHANGES_KEPT, CLOCK_SKEW_MS};
use tidings_domain::log::BodyHash;
use tidings_domain::notice::Notice;
use tidings_domain::profile::{Bio, Language, MessagesFrom, PresenceTo, TimeZone};

use super::ports::{AccountRead, AccountUpdate, Updated};
use super::records::Account;
use crate::clock::{Clock, Random};
use crate::contacts::ForgetStrangers;
use crate::error::PortError;
use crate::notice::TellOneself;
use crate::ports::{ContactCommit, FanOutQueue, InboxForget, InboxRead, LogRead};

/// How often a change that met another one is tried. Each time one of them was made, so only a person with as many
/// devices that all change something at once gets to the end.
const TRIES: usize = 5;

/// Changes profiles.
#[derive(Clone, Debug)]
pub struct UpdateUser<A, I, L, S, Q, C> {
    /// The accounts.
    pub accounts: A,
    /// What remembers whose messages people take.
    pub strangers: ForgetStrangers<I>,
    /// What tells the person's devices. It tells the account as it stands and not what became different: of two changes
    /// whoever is told last may have been made first, and a device keeps the one of the higher version (MONO-1).
    pub tell: TellOneself<Account, L, S, Q, C>,
}

/// What becomes different. What is not named stays as it is.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Change {
    /// The name to sign in with and to be found by.
    pub username: Option<Username>,
    /// What others call them.
    pub display_name: Option<DisplayName>,
    /// A few words.
    pub bio: Option<Bio>,
    /// What they read best.
    pub language: Option<Language>,
    /// Where their clock is.
    pub time_zone: Option<TimeZone>,
    /// Whose messages they take.
    pub messages_from: Option<MessagesFrom>,
    /// Who sees whether they are online.
    pub presence_to: Option<PresenceTo>,
}

/// Somebody changes their account.
#[derive(Clone, Debug)]
pub struct UpdateUserCommand {
    /// Who, and nobody else.
    pub user: UserId,
    /// What the client calls the request (IDEM-1).
    pub client_id: ClientId,
    /// What tells it from another request of the same client id.
    pub fingerprint: BodyHash,
    /// Gets the answer, and no push.
    pub connection: Option<ConnectionId>,
    /// Only if this is the account's version.
    pub version: Option<u64>,
    /// What.
    pub change: Change,
}

/// Why a change is not known to be made and told.
#[derive(Debug, thiserror::Error)]
pub enum UpdateUserError {
    /// The request names nothing.
    #[error("nothing to change")]
    Nothing,
    /// The person closed their account.
    #[error("no such account")]
    NoAccount,
    /// The account has another version than the request wants.
    #[error("changed since that version")]
    Changed,
    /// Another person has the name.
    #[error("the user name is taken")]
    NameTaken,
    /// The person's last change had the same client id and was another one.
    #[error("this client id was used for another request")]
    ClientIdReused,
    /// The person's devices cannot be told.
    #[error("their devices cannot be told: {0:?}")]
    Untold(Refusal<Infallible>),
    /// A port failed.
    #[error(transparent)]
    Port(#[from] PortError),
}

impl Change {
    /// Whether it names nothing.
    pub fn is_empty(&self) -> bool {
        *self == Self::default()
    }

    /// The account with it.
    fn made(self, by: ClientId, before: &Account) -> Account {
        let Self { username, display_name, bio, language, time_zone, messages_from, presence_to } = self;
        let mut after = before.clone();
        let profile = &mut after.profile;
        replace(&mut after.username, username);
        replace(&mut profile.display_name, display_name);
        replace(&mut profile.bio, bio);
        replace(&mut profile.language, language);
        replace(&mut profile.time_zone, time_zone);
        replace(&mut profile.messages_from, messages_from);
        replace(&mut profile.presence_to, presence_to);
        after.version = before.version.saturating_add(1);
        after.changes.push(by);
        let forgotten = after.changes.len().saturating_sub(CHANGES_KEPT);
        after.changes.drain(..forgotten);
        after
    }

    /// Whether the account is as this change leaves it.
    fn stands_in(&self, account: &Account) -> bool {
        let Account { username, profile, .. } = account;
        is(self.username.as_ref(), username)
            && is(self.display_name.as_ref(), &profile.display_name)
            && is(self.bio.as_ref(), &profile.bio)
            && is(self.language.as_ref(), &profile.language)
            && is(self.time_zone.as_ref(), &profile.time_zone)
            && is(self.messages_from.as_ref(), &profile.messages_from)
            && is(self.presence_to.as_ref(), &profile.presence_to)
    }
}

fn replace<T>(place: &mut T, value: Option<T>) {
    if let Some(value) = value {
        *place = value;
    }
}

fn is<T: PartialEq>(wanted: Option<&T>, present: &T) -> bool {
    wanted.is_none_or(|wanted| wanted == present)
}

impl<A, I, L, S, Q, C> UpdateUser<A, I, L, S, Q, C>
where
    A: AccountRead + AccountUpdate,
    I: InboxRead + InboxForget,
    L: LogRead,
    S: ContactCommit,
    Q: FanOutQueue,
    C: Clock + Random,
{
    /// Makes the change, or finds that the same request did so before; the account as it stands then.
    pub async fn run(&self, command: UpdateUserCommand) -> Result<Account, UpdateUserError> {
        let UpdateUserCommand { user, client_id, fingerprint, connection, version, change } = command;
        // Before anything is written: it could never be told.
        if client_id.time() > self.tell.clock.now().plus_millis(CLOCK_SKEW_MS) {
            return Err(UpdateUserError::Untold(Refusal::ClientIdFromFuture));
        }
        let touches_strangers = change.messages_from.is_some();
        let account = self.change(user, client_id, version, change).await?;
        // The rest also if it was found: whoever made it may have died before this.
        if touches_strangers {
            self.strangers.run(user).await?;
        }
        let notice = Notice { owner: user, client_id, fingerprint, what: account.clone() };
        self.tell.run(notice, connection).await.map_err(UpdateUserError::Untold)?;
        Ok(account)
    }

    async fn change(
        &self,
        user: UserId,
        client_id: ClientId,
        version: Option<u64>,
        change: Change,
    ) -> Result<Account, UpdateUserError> {
        if change.is_empty() {
            return Err(UpdateUserError::Nothing);
        }
        for _ in 0..TRIES {
            let before = self.accounts.account(user).await?.ok_or(UpdateUserError::NoAccount)?;
            if before.changes.contains(&client_id) {
                // What came after it may have undone it; as the last one it must stand.
                if before.changes.last() == Some(&client_id) && !change.stands_in(&before) {
                    return Err(UpdateUserError::ClientIdReused);
                }
                return Ok(before);
            }
            if version.is_some_and(|version| version != before.version) {
                return Err(UpdateUserError::Changed);
            }
            let after = change.clone().made(client_id, &before);
            match self.accounts.update(&before, &after).await? {
                Updated::Yes => return Ok(after),
                Updated::NameTaken => return Err(UpdateUserError::NameTaken),
                Updated::Stale => {}
            }
        }
        Err(PortError::retryable("other changes were faster each time").into())
    }
}

//! Changes to one's own profile, settings and user name.

use tidings_domain::identity::{DisplayName, Username};
use tidings_domain::ids::{ClientId, UserId};
use tidings_domain::limits::CHANGES_KEPT;
use tidings_domain::profile::{Bio, Language, MessagesFrom, PresenceTo, TimeZone};

use super::ports::{AccountRead, AccountUpdate, Updated};
use super::records::Account;
use crate::contacts::ForgetStrangers;
use crate::error::PortError;
use crate::ports::{InboxForget, InboxRead};

/// How often a change that met another one is tried. Each time one of them was made, so only a person with as many
/// devices that all change something at once gets to the end.
const TRIES: usize = 5;

/// Changes profiles.
#[derive(Clone, Debug)]
pub struct UpdateUser<A, I> {
    /// The accounts.
    pub accounts: A,
    /// What remembers whose messages people take.
    pub strangers: ForgetStrangers<I>,
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
    /// Only if this is the account's version.
    pub version: Option<u64>,
    /// What.
    pub change: Change,
}

/// An account after a change.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct UpdatedUser {
    /// As it stands now.
    pub account: Account,
    /// Whether this call made the change: what the person's other devices have to be told. `false` when an earlier
    /// attempt of the same request had made it. That one may have ended before it told anybody, so what is told goes by
    /// the request's client id and not by this alone.
    pub changed: bool,
}

/// Why nothing was changed.
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

impl<A: AccountRead + AccountUpdate, I: InboxRead + InboxForget> UpdateUser<A, I> {
    /// Makes the change, or finds that the same request did so before.
    pub async fn run(&self, command: UpdateUserCommand) -> Result<UpdatedUser, UpdateUserError> {
        let (user, touches_strangers) = (command.user, command.change.messages_from.is_some());
        let updated = self.change(command).await?;
        if touches_strangers {
            // Also if it was found: whoever made it may have died before this.
            self.strangers.run(user).await?;
        }
        Ok(updated)
    }

    async fn change(&self, command: UpdateUserCommand) -> Result<UpdatedUser, UpdateUserError> {
        let UpdateUserCommand { user, client_id, version, change } = command;
        if change.is_empty() {
            return Err(UpdateUserError::Nothing);
        }
        for attempt in 0..TRIES {
            let before = self.accounts.account(user).await?.ok_or(UpdateUserError::NoAccount)?;
            if before.changes.contains(&client_id) {
                // What came after it may have undone it; as the last one it must stand.
                if before.changes.last() == Some(&client_id) && !change.stands_in(&before) {
                    return Err(UpdateUserError::ClientIdReused);
                }
                // After an own attempt it was that one, whose outcome got lost on the way.
                return Ok(UpdatedUser { account: before, changed: attempt > 0 });
            }
            if version.is_some_and(|version| version != before.version) {
                return Err(UpdateUserError::Changed);
            }
            let after = change.clone().made(client_id, &before);
            match self.accounts.update(&before, &after).await? {
                Updated::Yes => return Ok(UpdatedUser { account: after, changed: true }),
                Updated::NameTaken => return Err(UpdateUserError::NameTaken),
                Updated::Stale => {}
            }
        }
        Err(PortError::retryable("other changes were faster each time").into())
    }
}

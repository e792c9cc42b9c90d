//! One's own profile and account.

use std::time::{Duration, Instant};

use tidings_domain::identity::{DisplayName, Password, Username};
use tidings_domain::ids::ClientId;
use tidings_domain::profile::{Bio, Language, MessagesFrom, PresenceTo, TimeZone};
use tidings_protocol::actions::{UserGet, UserUpdate};
use tidings_protocol::error::ErrorCode;
use tidings_protocol::http::{ChangePassword, DeleteAccount, Done};
use tidings_protocol::user::{Own, User};

use crate::client::{Client, patiently};
use crate::config::Options;
use crate::engine::Command;
use crate::error::CallError;
use crate::store::Write;

/// What becomes different of one's own profile. What is `None` stays.
#[derive(Clone, Debug, Default)]
pub struct ProfileChange {
    /// Only if the profile has this version; refused as `conflict` otherwise.
    pub version: Option<u64>,
    /// A new user name. The old one is free for others at once.
    pub username: Option<Username>,
    /// What others see.
    pub display_name: Option<DisplayName>,
    /// A few words.
    pub bio: Option<Bio>,
    /// What one reads best; empty to tell it no longer.
    pub language: Option<Language>,
    /// Where one's clock is; empty to tell it no longer.
    pub time_zone: Option<TimeZone>,
    /// Whose messages to take.
    pub messages_from: Option<MessagesFrom>,
    /// Who sees whether one is online.
    pub presence_to: Option<PresenceTo>,
}

/// How long the end of an account is asked for while the server says that there is more to do. It leaves a hundred groups
/// or contacts a time, and an access token is good for longer.
const DELETE_WITHIN: Duration = Duration::from_mins(5);

impl Client {
    /// One's own card and the rest of the profile, as the server has them.
    pub async fn profile(&self) -> Result<(User, Own), CallError> {
        let reply = self.call(UserGet { user: Some(self.me().id), username: None }).await?;
        let own = reply.own.ok_or_else(|| CallError::Garbled("one's own profile is not whole".to_owned()))?;
        Ok((reply.user, own))
    }

    /// Changes one's own profile; however often it has to be asked for, it is done once. [`Client::me`] stays what it
    /// was when the client was opened.
    pub async fn update_profile(&self, change: ProfileChange) -> Result<(User, Own), CallError> {
        let request = move |client_id: ClientId| {
            let change = change.clone();
            UserUpdate {
                client_id: client_id.into(),
                version: change.version,
                username: change.username.map(Into::into),
                display_name: change.display_name.map(Into::into),
                bio: change.bio.map(Into::into),
                language: change.language.map(Into::into),
                time_zone: change.time_zone.map(Into::into),
                messages_from: change.messages_from.map(Into::into),
                presence_to: change.presence_to.map(Into::into),
            }
        };
        let reply = self.change(request).await?;
        self.store.write(vec![Write::Person(reply.user.clone())]).await?;
        self.account.is_now(reply.user.clone()).await?;
        Ok((reply.user, reply.own))
    }

    /// Changes the password. All other devices of this person are signed out.
    pub async fn change_password(&self, old: Password, new: Password) -> Result<(), CallError> {
        let change = ChangePassword { old: old.into(), new: new.into() };
        let api = &self.account.api;
        patiently(&Options::default(), || self.account.ask(|token| api.change_password(token, &change))).await?;
        Ok(())
    }

    /// Deletes the account, for good: the name is free for others, all its devices are signed out, groups are left and
    /// contacts end, and messages stay with those who got them. What this device holds stays in its store.
    pub async fn delete_account(&self, password: Password) -> Result<(), CallError> {
        let account = DeleteAccount { password: password.into() };
        let api = &self.account.api;
        // One for all attempts: the first ends the session, and with it what gets another.
        let token = self.account.fresh_token().await?;
        let began = Instant::now();
        loop {
            match patiently(&Options::default(), || api.delete_account(token.clone(), &account)).await {
                Err(error) if error.code() == Some(ErrorCode::Unavailable) && began.elapsed() < DELETE_WITHIN => {}
                answer => break answer.map(|Done {}| ())?,
            }
        }
        self.tell(Command::Disconnect).await;
        self.account.end().await;
        Ok(self.store.write(vec![Write::Session(None)]).await?)
    }
}

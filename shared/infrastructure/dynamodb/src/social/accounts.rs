//! Accounts and whose a user name is.

use std::collections::HashMap;

use aws_sdk_dynamodb::error::SdkError;
use aws_sdk_dynamodb::operation::update_item::UpdateItemError;
use aws_sdk_dynamodb::types::builders::UpdateBuilder;
use aws_sdk_dynamodb::types::{AttributeValue, Delete, Put, Update};
use tidings_application::error::PortError;
use tidings_application::identity::ports::{
    AccountClose, AccountCreate, AccountRead, AccountRehash, AccountUpdate, Created, Updated,
};
use tidings_application::identity::{Account, PasswordHash};
use tidings_domain::identity::Username;
use tidings_domain::ids::UserId;
use tidings_domain::profile::{MessagesFrom, PresenceTo, Profile};
use tidings_domain::time::Timestamp;
use tidings_tables::social::SocialKey;

use super::{SocialTable, item, item_key, key_of, people};
use crate::attributes::{Item, Reader, number, string, strings};
use crate::error::{port_error, unreadable};
use crate::transaction::Transaction;

/// The condition of a put that replaces nothing.
const NOTHING_THERE: &str = "attribute_not_exists(pk)";

impl AccountRead for SocialTable {
    async fn account(&self, user: UserId) -> Result<Option<Account>, PortError> {
        Ok(self.get(&SocialKey::Account(user)).await?.as_ref().map(decode).transpose()?.flatten())
    }

    async fn user_named(&self, username: &Username) -> Result<Option<UserId>, PortError> {
        let item = self.get(&SocialKey::Username(username.clone())).await?;
        item.map(|item| Reader::new(&item, "user name").parse("user")).transpose()
    }
}

impl AccountCreate for SocialTable {
    async fn create(&self, account: &Account) -> Result<Created, PortError> {
        let new = || Put::builder().condition_expression(NOTHING_THERE);
        let mut transaction = Transaction::new(&self.client);
        transaction.put_where(&self.table, encode(account), new())?;
        transaction.put_where(&self.table, name_of(account), new())?;
        transaction.put(&self.table, people::encode(&account.card()))?;
        Ok(match transaction.commit().await? {
            None => Created::Yes,
            Some(0) => Created::Known,
            Some(_) => Created::NameTaken,
        })
    }
}

impl AccountUpdate for SocialTable {
    async fn update(&self, before: &Account, after: &Account) -> Result<Updated, PortError> {
        let update = Change::of(before, after);
        let (old, new) = (before.card(), after.card());
        if old == new {
            return self.update_alone(after.user, update).await;
        }
        let mut transaction = Transaction::new(&self.client);
        transaction.update(&self.table, item_key(&SocialKey::Account(after.user)), update.in_transaction())?;
        if old.username != new.username {
            let put = Put::builder().condition_expression(NOTHING_THERE);
            transaction.put_where(&self.table, name_of(after), put)?;
            self.release(&mut transaction, before)?;
        }
        transaction.put(&self.table, people::encode(&new))?;
        Ok(match transaction.commit().await? {
            None => Updated::Yes,
            Some(1) => Updated::NameTaken,
            Some(_) => Updated::Stale,
        })
    }
}

impl AccountRehash for SocialTable {
    async fn rehash(&self, user: UserId, old: &PasswordHash, new: &PasswordHash) -> Result<bool, PortError> {
        let result = self
            .client
            .update_item()
            .table_name(&self.table)
            .set_key(Some(item_key(&SocialKey::Account(user))))
            .update_expression("SET #hash = :new")
            // The new one has a salt of its own: where it stands, the SDK's own repetition finds what it had written.
            .condition_expression("#hash = :old OR #hash = :new")
            .expression_attribute_names("#hash", "password_hash")
            .expression_attribute_values(":new", string(new.reveal()))
            .expression_attribute_values(":old", string(old.reveal()))
            .send()
            .await;
        held(result)
    }
}

impl AccountClose for SocialTable {
    async fn close(&self, account: &Account, now: Timestamp) -> Result<bool, PortError> {
        let Account { user, username, password_hash, .. } = account;
        let tombstone = item(&SocialKey::Account(*user), [("deleted_at", number(now.as_millis()))]);
        let unchanged = Put::builder()
            .condition_expression("#username = :username AND #hash = :hash")
            .expression_attribute_names("#username", "username")
            .expression_attribute_names("#hash", "password_hash")
            .expression_attribute_values(":username", string(username))
            .expression_attribute_values(":hash", string(password_hash.reveal()));
        let mut transaction = Transaction::new(&self.client);
        transaction.put_where(&self.table, tombstone, unchanged)?;
        self.release(&mut transaction, account)?;
        Ok(transaction.commit().await?.is_none())
    }
}

/// Whether an update's condition held.
fn held<T>(result: Result<T, SdkError<UpdateItemError>>) -> Result<bool, PortError> {
    let Err(error) = result else { return Ok(true) };
    match error.as_service_error() {
        Some(UpdateItemError::ConditionalCheckFailedException(_)) => Ok(false),
        _ => Err(port_error(&error)),
    }
}

/// An update of an account, as an operation of its own and as a part of a transaction.
struct Change {
    expression: String,
    condition: &'static str,
    names: HashMap<String, String>,
    values: HashMap<String, AttributeValue>,
}

impl Change {
    /// Sets what differs between accounts of one person, and removes what says nothing any more; never the password.
    fn of(before: &Account, after: &Account) -> Self {
        let own = [
            ("username", Some(string(&after.username))),
            ("version", Some(number(after.version))),
            ("changes", Some(strings(&after.changes))),
        ];
        let mut names = HashMap::from([("#username".to_owned(), "username".to_owned())]);
        let mut values = HashMap::from([(":before".to_owned(), number(before.version))]);
        let (mut set, mut removed) = (Vec::new(), Vec::new());
        for (name, value) in own.into_iter().chain(attributes(&after.profile)) {
            names.insert(format!("#{name}"), name.to_owned());
            match value {
                Some(value) => {
                    values.insert(format!(":{name}"), value);
                    set.push(format!("#{name} = :{name}"));
                }
                None => removed.push(format!("#{name}")),
            }
        }
        let mut expression = format!("SET {}", set.join(", "));
        if !removed.is_empty() {
            expression = format!("{expression} REMOVE {}", removed.join(", "));
        }
        // A closed account has no user name.
        let condition = match before.version {
            0 => "attribute_exists(#username) AND (attribute_not_exists(#version) OR #version = :before)",
            _ => "attribute_exists(#username) AND #version = :before",
        };
        Self { expression, condition, names, values }
    }

    fn in_transaction(self) -> UpdateBuilder {
        Update::builder()
            .update_expression(self.expression)
            .condition_expression(self.condition)
            .set_expression_attribute_names(Some(self.names))
            .set_expression_attribute_values(Some(self.values))
    }
}

impl SocialTable {
    /// Lets go of an account's user name, and takes it off the list.
    fn release(&self, transaction: &mut Transaction, account: &Account) -> Result<(), PortError> {
        let Account { user, username, .. } = account;
        let own = Delete::builder()
            .condition_expression("#user = :user")
            .expression_attribute_names("#user", "user")
            .expression_attribute_values(":user", string(user));
        transaction.delete_where(&self.table, item_key(&SocialKey::Username(username.clone())), own)?;
        transaction.delete(&self.table, item_key(&SocialKey::Listed(username.clone())))
    }

    async fn update_alone(&self, user: UserId, change: Change) -> Result<Updated, PortError> {
        let result = self
            .client
            .update_item()
            .table_name(&self.table)
            .set_key(Some(item_key(&SocialKey::Account(user))))
            .update_expression(change.expression)
            .condition_expression(change.condition)
            .set_expression_attribute_names(Some(change.names))
            .set_expression_attribute_values(Some(change.values))
            .send()
            .await;
        Ok(if held(result)? { Updated::Yes } else { Updated::Stale })
    }
}

/// A profile's attributes; none is left out of the item.
fn attributes(profile: &Profile) -> [(&'static str, Option<AttributeValue>); 6] {
    let Profile { display_name, bio, language, time_zone, messages_from, presence_to } = profile;
    [
        ("display_name", Some(string(display_name))),
        ("bio", (!bio.is_empty()).then(|| string(bio))),
        ("language", (!language.is_empty()).then(|| string(language))),
        ("time_zone", (!time_zone.is_empty()).then(|| string(time_zone))),
        ("messages_from", (*messages_from != MessagesFrom::default()).then(|| string(messages_from))),
        ("presence_to", (*presence_to != PresenceTo::default()).then(|| string(presence_to))),
    ]
}

/// A new account.
fn encode(account: &Account) -> Item {
    let own = [
        ("username", string(&account.username)),
        ("password_hash", string(account.password_hash.reveal())),
        ("created_at", number(account.created_at.as_millis())),
    ];
    let profile = attributes(&account.profile).into_iter().filter_map(|(name, value)| Some((name, value?)));
    item(&SocialKey::Account(account.user), own.into_iter().chain(profile))
}

fn name_of(account: &Account) -> Item {
    item(&SocialKey::Username(account.username.clone()), [("user", string(account.user))])
}

/// The account; none if it was closed.
fn decode(item: &Item) -> Result<Option<Account>, PortError> {
    const WHAT: &str = "account";
    let SocialKey::Account(user) = key_of(item, WHAT)? else {
        return Err(unreadable(WHAT, "another kind of key"));
    };
    let reader = Reader::new(item, WHAT);
    if reader.optional_number("deleted_at")?.is_some() {
        return Ok(None);
    }
    Ok(Some(Account {
        user,
        username: reader.parse("username")?,
        profile: Profile {
            display_name: reader.parse("display_name")?,
            bio: reader.optional("bio")?.unwrap_or_default(),
            language: reader.optional("language")?.unwrap_or_default(),
            time_zone: reader.optional("time_zone")?.unwrap_or_default(),
            messages_from: reader.optional("messages_from")?.unwrap_or_default(),
            presence_to: reader.optional("presence_to")?.unwrap_or_default(),
        },
        password_hash: PasswordHash::new(reader.text("password_hash")?),
        created_at: Timestamp::from_millis(reader.number("created_at")?),
        version: reader.optional_number("version")?.unwrap_or(0),
        changes: reader.texts("changes")?,
    }))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_no_account_is_named() {
        let session = item_key(&SocialKey::Session(UserId::from_bits(1), "phone".parse().unwrap()));
        assert_eq!(decode(&session).unwrap_err().to_string(), "unreadable account: another kind of key");
        let bare = item_key(&SocialKey::Account(UserId::from_bits(1)));
        assert_eq!(decode(&bare).unwrap_err().to_string(), "unreadable account: username: no text");
    }

    #[test]
    fn an_account_of_before_profiles_reads_with_their_defaults() {
        let key = SocialKey::Account(UserId::from_bits(1));
        let old = item(
            &key,
            [
                ("username", string("alice")),
                ("display_name", string("Alice")),
                ("password_hash", string("hash")),
                ("created_at", number(7)),
            ],
        );
        let account = decode(&old).unwrap().unwrap();
        assert_eq!(account.profile, Profile::new("Alice".parse().unwrap()));
        assert_eq!((account.version, account.changes), (0, vec![]));
    }
}

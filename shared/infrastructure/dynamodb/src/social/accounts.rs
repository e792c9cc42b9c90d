//! Accounts and whose a user name is.

use std::hash::{DefaultHasher, Hash, Hasher};

use aws_sdk_dynamodb::operation::transact_write_items::TransactWriteItemsError;
use aws_sdk_dynamodb::operation::update_item::UpdateItemError;
use aws_sdk_dynamodb::types::error::TransactionCanceledException;
use aws_sdk_dynamodb::types::{Put, TransactWriteItem};
use tidings_application::error::PortError;
use tidings_application::identity::ports::{AccountCreate, AccountRead, AccountRehash, Created};
use tidings_application::identity::{Account, PasswordHash};
use tidings_domain::identity::Username;
use tidings_domain::ids::UserId;
use tidings_domain::time::Timestamp;
use tidings_tables::social::SocialKey;

use super::{SocialTable, item, item_key, key_of};
use crate::attributes::{Item, Reader, number, string};
use crate::error::{port_error, unreadable};

impl AccountRead for SocialTable {
    async fn account(&self, user: UserId) -> Result<Option<Account>, PortError> {
        self.get(&SocialKey::Account(user)).await?.as_ref().map(decode).transpose()
    }

    async fn user_named(&self, username: &Username) -> Result<Option<UserId>, PortError> {
        let item = self.get(&SocialKey::Username(username.clone())).await?;
        item.map(|item| Reader::new(&item, "user name").parse("user")).transpose()
    }
}

impl AccountCreate for SocialTable {
    async fn create(&self, account: &Account) -> Result<Created, PortError> {
        let result = self
            .client
            .transact_write_items()
            .client_request_token(request_token(account))
            .transact_items(self.put_new(encode(account))?)
            .transact_items(self.put_new(encode_name(account))?)
            .send()
            .await;
        let Err(error) = result else { return Ok(Created::Yes) };
        match error.as_service_error() {
            Some(TransactWriteItemsError::TransactionCanceledException(cancelled)) if is_taken(cancelled) => {
                Ok(Created::Taken)
            }
            Some(TransactWriteItemsError::TransactionCanceledException(cancelled)) if !may_pass(cancelled) => {
                Err(PortError::fatal(error.into_service_error()))
            }
            _ => Err(port_error(&error)),
        }
    }
}

impl AccountRehash for SocialTable {
    async fn rehash(&self, user: UserId, old: &PasswordHash, new: &PasswordHash) -> Result<(), PortError> {
        let result = self
            .client
            .update_item()
            .table_name(&self.table)
            .set_key(Some(item_key(&SocialKey::Account(user))))
            .update_expression("SET #hash = :new")
            .condition_expression("#hash = :old")
            .expression_attribute_names("#hash", "password_hash")
            .expression_attribute_values(":new", string(new.reveal()))
            .expression_attribute_values(":old", string(old.reveal()))
            .send()
            .await;
        match result {
            Ok(_) => Ok(()),
            Err(error) => match error.as_service_error() {
                Some(UpdateItemError::ConditionalCheckFailedException(_)) => Ok(()),
                _ => Err(port_error(&error)),
            },
        }
    }
}

impl SocialTable {
    /// A put on condition that nothing is there.
    fn put_new(&self, item: Item) -> Result<TransactWriteItem, PortError> {
        let put = Put::builder()
            .table_name(&self.table)
            .set_item(Some(item))
            .condition_expression("attribute_not_exists(#pk)")
            .expression_attribute_names("#pk", "pk")
            .build()
            .map_err(PortError::fatal)?;
        Ok(TransactWriteItem::builder().put(put).build())
    }
}

/// Whether an item of the transaction was there before.
fn is_taken(cancelled: &TransactionCanceledException) -> bool {
    codes(cancelled).any(|code| code == "ConditionalCheckFailed")
}

/// Whether every reason is a conflict or a throttle.
fn may_pass(cancelled: &TransactionCanceledException) -> bool {
    const PASSING: [&str; 4] = ["None", "TransactionConflict", "ThrottlingError", "ProvisionedThroughputExceeded"];
    codes(cancelled).all(|code| PASSING.contains(&code))
}

fn codes(cancelled: &TransactionCanceledException) -> impl Iterator<Item = &str> {
    cancelled.cancellation_reasons().iter().map(|reason| reason.code().unwrap_or("None"))
}

/// What makes the SDK's own retries one transaction. The SDK would make a token by itself, from a generator that it
/// seeds with the clock alone: two processes that start in the same instant were seen to send the same one for
/// different accounts. Ours follows from what is written, in the 36 characters that DynamoDB takes.
fn request_token(account: &Account) -> String {
    let mut hasher = DefaultHasher::new();
    let Account { user, username, display_name, password_hash, created_at } = account;
    (user, username, display_name, password_hash.reveal(), created_at).hash(&mut hasher);
    // 80 random bits of the id and 64 of everything.
    let id = user.to_string();
    format!("{:016x}{}", hasher.finish(), &id[id.len() - 16..])
}

fn encode(account: &Account) -> Item {
    item(
        &SocialKey::Account(account.user),
        [
            ("username", string(&account.username)),
            ("display_name", string(&account.display_name)),
            ("password_hash", string(account.password_hash.reveal())),
            ("created_at", number(account.created_at.as_millis())),
        ],
    )
}

fn encode_name(account: &Account) -> Item {
    item(&SocialKey::Username(account.username.clone()), [("user", string(account.user))])
}

fn decode(item: &Item) -> Result<Account, PortError> {
    const WHAT: &str = "account";
    let SocialKey::Account(user) = key_of(item, WHAT)? else {
        return Err(unreadable(WHAT, "another kind of key"));
    };
    let reader = Reader::new(item, WHAT);
    Ok(Account {
        user,
        username: reader.parse("username")?,
        display_name: reader.parse("display_name")?,
        password_hash: PasswordHash::new(reader.text("password_hash")?),
        created_at: Timestamp::from_millis(reader.number("created_at")?),
    })
}

#[cfg(test)]
mod tests {
    use aws_sdk_dynamodb::types::CancellationReason;

    use super::*;

    #[test]
    fn cancelled_transactions_are_understood() {
        for (reasons, taken, passes) in [
            (["ConditionalCheckFailed", "None"], true, false),
            (["None", "ConditionalCheckFailed"], true, false),
            (["ConditionalCheckFailed", "TransactionConflict"], true, false),
            (["TransactionConflict", "None"], false, true),
            (["None", "ThrottlingError"], false, true),
            (["ValidationError", "None"], false, false),
        ] {
            let reasons = reasons.map(|code| CancellationReason::builder().code(code).build());
            let cancelled =
                TransactionCanceledException::builder().set_cancellation_reasons(Some(reasons.to_vec())).build();
            assert_eq!((is_taken(&cancelled), may_pass(&cancelled)), (taken, passes), "{cancelled:?}");
        }
    }

    #[test]
    fn what_is_no_account_is_named() {
        let session = item_key(&SocialKey::Session(UserId::from_bits(1), "phone".parse().unwrap()));
        assert_eq!(decode(&session).unwrap_err().to_string(), "unreadable account: another kind of key");
        let bare = item_key(&SocialKey::Account(UserId::from_bits(1)));
        assert_eq!(decode(&bare).unwrap_err().to_string(), "unreadable account: username: no text");
    }
}

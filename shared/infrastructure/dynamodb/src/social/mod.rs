//! The `social` table: partition key `pk`, sort key `sk` ([`SocialKey`] has their grammar).
//!
//! | item | attributes beside the key |
//! | --- | --- |
//! | account | `username`, `display_name`, `password_hash` (S), `created_at` (N, ms); missing is empty, the default, 0: `bio`, `language`, `time_zone`, `messages_from`, `presence_to` (S), `version` (N), `changes` (L of S: client ids) |
//! | closed account | `deleted_at` (N, ms) and nothing else. It stays for ever |
//! | user name | `user` (S) |
//! | listed card | `user`, `display_name` (S), `bio` (S; missing is empty) |
//! | session | `session`, `name`, `platform` (S), `generation`, `created_at`, `rotated_at`, `ends_at` (N, ms), `expires_at` (N, seconds: the table's TTL. Readers go by `ends_at` and do not wait for it) |
//! | sign-out | `device` (S, `*` for all others), `sessions` (L of M: `device`, `session`), `kept_until` (N, ms), `expires_at` |

mod accounts;
mod people;
mod sessions;
mod sign_outs;

use aws_sdk_dynamodb::Client;
use aws_sdk_dynamodb::types::AttributeValue;
use tidings_application::error::PortError;
use tidings_tables::social::SocialKey;

use crate::attributes::{Item, Reader, string};
use crate::error::{port_error, unreadable};

/// Accounts and sessions over DynamoDB.
#[derive(Clone, Debug)]
pub struct SocialTable {
    client: Client,
    table: String,
}

impl SocialTable {
    /// The accounts and sessions in this table.
    pub fn new(client: Client, table: impl Into<String>) -> Self {
        Self { client, table: table.into() }
    }

    /// Reads one item, strongly consistent.
    async fn get(&self, key: &SocialKey) -> Result<Option<Item>, PortError> {
        let request = self.client.get_item().table_name(&self.table).consistent_read(true);
        let output = request.set_key(Some(item_key(key))).send().await.map_err(|error| port_error(&error))?;
        Ok(output.item)
    }
}

/// A key as the attributes that it is made of.
pub(crate) fn item_key(key: &SocialKey) -> Item {
    let (pk, sk) = key.encode();
    Item::from([("pk".to_owned(), string(pk)), ("sk".to_owned(), string(sk))])
}

/// A whole item: its key and the rest.
pub(crate) fn item(key: &SocialKey, attributes: impl IntoIterator<Item = (&'static str, AttributeValue)>) -> Item {
    let attributes = attributes.into_iter().map(|(name, value)| (name.to_owned(), value));
    item_key(key).into_iter().chain(attributes).collect()
}

/// The key of an item that was read.
pub(crate) fn key_of(item: &Item, what: &'static str) -> Result<SocialKey, PortError> {
    let reader = Reader::new(item, what);
    SocialKey::decode(reader.text("pk")?, reader.text("sk")?).map_err(|error| unreadable(what, error))
}

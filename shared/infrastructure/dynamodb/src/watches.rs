//! Watches, in the `routes` table under partition keys of their own ([`WatchKey`] has their grammar).
//!
//! | item | attributes beside the key |
//! | --- | --- |
//! | watcher | `connection` (S), `until` (N, ms), `expires_at` (N, seconds: the table's TTL. Readers go by `until`) |
//! | watching | `people` (L of S), `expires_at` |

use aws_sdk_dynamodb::Client;
use aws_sdk_dynamodb::types::AttributeValue;
use tidings_application::error::PortError;
use tidings_application::ports::{WatchRead, WatchWrite, WatcherRead};
use tidings_domain::ids::{ConnectionId, DeviceId, UserId};
use tidings_domain::limits::{WATCHERS_READ_MAX, WATCHERS_TOLD_MAX};
use tidings_domain::presence::Watcher;
use tidings_domain::time::Timestamp;
use tidings_tables::routes::WatchKey;

use crate::attributes::{Item, Reader, number, string};
use crate::error::{port_error, unreadable};

/// Watches over DynamoDB.
#[derive(Clone, Debug)]
pub struct WatchTable {
    client: Client,
    table: String,
}

impl WatchTable {
    /// The watches in this table.
    pub fn new(client: Client, table: impl Into<String>) -> Self {
        Self { client, table: table.into() }
    }

    async fn put(&self, key: &WatchKey, until: Timestamp, more: Item) -> Result<(), PortError> {
        let mut item = item_key(key);
        item.insert("expires_at".to_owned(), number(until.as_secs().saturating_add(1)));
        item.extend(more);
        let put = self.client.put_item().table_name(&self.table).set_item(Some(item));
        put.send().await.map(drop).map_err(|error| port_error(&error))
    }

    async fn delete(&self, key: &WatchKey) -> Result<(), PortError> {
        let delete = self.client.delete_item().table_name(&self.table).set_key(Some(item_key(key)));
        delete.send().await.map(drop).map_err(|error| port_error(&error))
    }
}

impl WatcherRead for WatchTable {
    async fn watchers(&self, watched: UserId, now: Timestamp) -> Result<Vec<Watcher>, PortError> {
        let query = self
            .client
            .query()
            .table_name(&self.table)
            .consistent_read(true)
            .key_condition_expression("#user = :watched")
            .filter_expression("#until > :now")
            .expression_attribute_names("#user", "user")
            .expression_attribute_names("#until", "until")
            .expression_attribute_values(":watched", string(WatchKey::watchers_of(watched)))
            .expression_attribute_values(":now", number(now.as_millis()))
            .limit(i32::try_from(WATCHERS_TOLD_MAX).unwrap_or(i32::MAX));
        let mut watchers = Vec::new();
        let mut start = None;
        for _ in 0..WATCHERS_READ_MAX / WATCHERS_TOLD_MAX {
            let page = query.clone().set_exclusive_start_key(start).send().await.map_err(|error| port_error(&error))?;
            // One that a newer version wrote is logged and skipped.
            watchers.extend(page.items.unwrap_or_default().iter().filter_map(|item| decode(item).ok()));
            start = page.last_evaluated_key;
            if start.is_none() || watchers.len() >= WATCHERS_TOLD_MAX {
                break;
            }
        }
        watchers.truncate(WATCHERS_TOLD_MAX);
        Ok(watchers)
    }
}

impl WatchRead for WatchTable {
    async fn watched_by(&self, watcher: UserId, device: &DeviceId) -> Result<Vec<UserId>, PortError> {
        let get = self.client.get_item().table_name(&self.table).consistent_read(true);
        let get = get.set_key(Some(item_key(&WatchKey::Watching(watcher, device.clone()))));
        let output = get.send().await.map_err(|error| port_error(&error))?;
        let Some(item) = output.item else { return Ok(Vec::new()) };
        let Some(AttributeValue::L(people)) = item.get("people") else { return Err(unreadable(WHAT, "no people")) };
        let person = |value: &AttributeValue| value.as_s().ok().and_then(|text| text.parse().ok());
        people.iter().map(|value| person(value).ok_or_else(|| unreadable(WHAT, "no user id"))).collect()
    }
}

impl WatchWrite for WatchTable {
    async fn watch(&self, watched: UserId, watcher: &Watcher) -> Result<(), PortError> {
        let more = [
            ("connection".to_owned(), string(&watcher.connection)),
            ("until".to_owned(), number(watcher.until.as_millis())),
        ];
        self.put(&key_of(watched, watcher), watcher.until, more.into()).await
    }

    async fn unwatch(&self, watched: UserId, watcher: &Watcher) -> Result<(), PortError> {
        self.delete(&key_of(watched, watcher)).await
    }

    async fn watches(&self, watcher: &Watcher, people: &[UserId]) -> Result<(), PortError> {
        let key = WatchKey::Watching(watcher.user, watcher.device.clone());
        if people.is_empty() {
            return self.delete(&key).await;
        }
        let people = AttributeValue::L(people.iter().map(string).collect());
        self.put(&key, watcher.until, [("people".to_owned(), people)].into()).await
    }
}

const WHAT: &str = "watch";

fn key_of(watched: UserId, watcher: &Watcher) -> WatchKey {
    WatchKey::Watcher(watched, watcher.user, watcher.device.clone())
}

fn item_key(key: &WatchKey) -> Item {
    let (partition, sort) = key.encode();
    Item::from([("user".to_owned(), string(partition)), ("device".to_owned(), string(sort))])
}

fn decode(item: &Item) -> Result<Watcher, PortError> {
    let reader = Reader::new(item, WHAT);
    let key = WatchKey::decode(reader.text("user")?, reader.text("device")?);
    let WatchKey::Watcher(_, user, device) = key.map_err(|error| unreadable(WHAT, error))? else {
        return Err(unreadable(WHAT, "another kind of key"));
    };
    Ok(Watcher {
        user,
        device,
        connection: ConnectionId::new(reader.text("connection")?),
        until: Timestamp::from_millis(reader.number("until")?),
    })
}

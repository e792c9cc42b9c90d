//! Contacts over DynamoDB: what people have of each other, its changes, each one transaction over `log`, `social` and
//! `inboxes`, and who may write to whom.
//!
//! | item of `social` | attributes beside the key |
//! | --- | --- |
//! | contact | `tie` (S: `asked`, `asking`, `friends`; missing is nothing), `since` (N, ms), `greeting`, `remark` (S), `tags` (L of S), `blocked` (BOOL; missing is no), `version`, `changed_at` (N), `expires_at` (N, seconds: the table's TTL. Readers go by `since` and `version`) |

use aws_sdk_dynamodb::Client;
use aws_sdk_dynamodb::types::builders::UpdateBuilder;
use aws_sdk_dynamodb::types::{AttributeValue, ConditionCheck, Update};
use tidings_application::error::PortError;
use tidings_application::ports::{ContactCommit, ContactRead, Introduce, StrangersRead, Which};
use tidings_domain::contact::change::{State, Write};
use tidings_domain::contact::{Contact, Relation, Tie};
use tidings_domain::group::Greeting;
use tidings_domain::ids::{ConversationId, UserId};
use tidings_domain::limits::{ASKING_TTL_MS, GONE_CONTACT_TTL_MS};
use tidings_domain::log::{Entry, Seq};
use tidings_domain::profile::MessagesFrom;
use tidings_domain::time::Timestamp;
use tidings_tables::social::{CONTACT, SocialKey};

use crate::attributes::{Item, Reader, number, string, strings};
use crate::error::{port_error, unreadable};
use crate::inboxes::{self, BLOCKED, CONTACT as IS_CONTACT, OPEN, SETTLED};
use crate::social::{item, item_key, key_of};
use crate::transaction::{Transaction, read_at_once};

/// Contacts over DynamoDB.
#[derive(Clone, Debug)]
pub struct ContactTables {
    client: Client,
    log: String,
    social: String,
    inboxes: String,
}

impl ContactTables {
    /// Contacts in these tables.
    pub fn new(client: Client, log: impl Into<String>, social: impl Into<String>, inboxes: impl Into<String>) -> Self {
        Self { client, log: log.into(), social: social.into(), inboxes: inboxes.into() }
    }

    fn write(&self, transaction: &mut Transaction, write: &Write) -> Result<(), PortError> {
        match write {
            Write::Contact(owner, contact) => transaction.put(&self.social, encode(*owner, contact)),
            Write::Door { owner, peer, relation } => {
                let key = inboxes::key(*owner, ConversationId::direct(*owner, *peer));
                transaction.update(&self.inboxes, key, relate(*relation))
            }
            Write::Notices(user) => {
                let update = Update::builder()
                    .update_expression("SET head_state = :open ADD version :one")
                    .expression_attribute_values(":open", string(OPEN))
                    .expression_attribute_values(":one", number(1));
                transaction.update(&self.inboxes, inboxes::key(*user, ConversationId::Notices(*user)), update)
            }
        }
    }
}

/// What an inbox entry says of the peer. Where nothing has been said yet there is nothing to be seen.
fn relate(relation: Relation) -> UpdateBuilder {
    let peer = match relation {
        Relation::Stranger => return Update::builder().update_expression("REMOVE peer"),
        Relation::Contact => IS_CONTACT,
        Relation::Blocked => BLOCKED,
    };
    Update::builder()
        .update_expression("SET peer = :peer, head_state = if_not_exists(head_state, :settled)")
        .expression_attribute_values(":peer", string(peer))
        .expression_attribute_values(":settled", string(SETTLED))
}

impl ContactRead for ContactTables {
    async fn between(&self, owner: UserId, peer: UserId) -> Result<State, PortError> {
        let keys = [SocialKey::Contact(owner, peer), SocialKey::Contact(peer, owner), SocialKey::Account(peer)];
        let keys = keys.iter().map(|key| (self.social.as_str(), item_key(key)));
        let mut state = State::default();
        for item in read_at_once(&self.client, keys).await? {
            match key_of(&item, WHAT)? {
                SocialKey::Contact(of, _) if of == owner => state.own = Some(decode(&item)?),
                SocialKey::Contact(..) => state.theirs = Some(decode(&item)?),
                SocialKey::Account(_) => state.known = is_account(&item),
                _ => return Err(unreadable(WHAT, "another kind of key")),
            }
        }
        Ok(state)
    }

    async fn contacts(
        &self,
        owner: UserId,
        after: Option<UserId>,
        which: Which,
        limit: usize,
    ) -> Result<(Vec<Contact>, bool), PortError> {
        let (partition, _) = SocialKey::Contact(owner, owner).encode();
        let begin = after.map_or(CONTACT.to_owned(), |after| format!("{CONTACT}{after}"));
        let mut contacts = Vec::new();
        let mut start = None;
        while contacts.len() <= limit {
            let query = self
                .client
                .query()
                .table_name(&self.social)
                .consistent_read(true)
                .key_condition_expression("pk = :pk AND sk BETWEEN :begin AND :end")
                .expression_attribute_values(":pk", string(&partition))
                .expression_attribute_values(":begin", string(&begin))
                .expression_attribute_values(":end", string(format!("{CONTACT}~")))
                .set_exclusive_start_key(start);
            let query = match which {
                // Nearly all of them: no more is read than a page. `BETWEEN` takes the last one of the page before, too.
                Which::Present => query
                    .limit(i32::try_from(limit + 2 - contacts.len()).unwrap_or(i32::MAX))
                    .filter_expression("attribute_exists(tie) OR attribute_exists(blocked)"),
                Which::Blocked => query.filter_expression("attribute_exists(blocked)"),
                Which::ChangedAfter(seq) => {
                    query.filter_expression("version > :seq").expression_attribute_values(":seq", number(seq.get()))
                }
            };
            let output = query.send().await.map_err(|error| port_error(&error))?;
            for item in output.items.unwrap_or_default() {
                contacts.push(decode(&item)?);
            }
            contacts.retain(|contact| Some(contact.peer) != after);
            start = output.last_evaluated_key;
            if start.is_none() {
                break;
            }
        }
        let more = contacts.len() > limit;
        contacts.truncate(limit);
        Ok((contacts, more))
    }
}

impl ContactCommit for ContactTables {
    async fn commit(&self, entries: &[(ConversationId, Entry)], writes: &[Write]) -> Result<bool, PortError> {
        let mut transaction = Transaction::new(&self.client);
        for (conversation, entry) in entries {
            transaction.append(&self.log, *conversation, entry)?;
        }
        for write in writes {
            self.write(&mut transaction, write)?;
        }
        Ok(transaction.commit().await?.is_none())
    }
}

/// What accounts say of strangers, and inboxes remember of it.
#[derive(Clone, Debug)]
pub struct PeopleTables {
    client: Client,
    social: String,
    inboxes: String,
}

impl PeopleTables {
    /// People in these tables.
    pub fn new(client: Client, social: impl Into<String>, inboxes: impl Into<String>) -> Self {
        Self { client, social: social.into(), inboxes: inboxes.into() }
    }
}

impl StrangersRead for PeopleTables {
    async fn takes_strangers(&self, user: UserId) -> Result<Option<bool>, PortError> {
        let request = self.client.get_item().table_name(&self.social).consistent_read(true);
        let request = request.set_key(Some(item_key(&SocialKey::Account(user))));
        let output = request.send().await.map_err(|error| port_error(&error))?;
        let Some(account) = output.item.filter(is_account) else { return Ok(None) };
        Ok(Some(account.get("messages_from") != Some(&string(MessagesFrom::Contacts))))
    }
}

impl Introduce for PeopleTables {
    async fn introduce(&self, user: UserId, conversation: ConversationId) -> Result<bool, PortError> {
        let mut transaction = Transaction::new(&self.client);
        let check = ConditionCheck::builder()
            .condition_expression(
                "attribute_exists(username) AND (attribute_not_exists(messages_from) OR messages_from <> :contacts)",
            )
            .expression_attribute_values(":contacts", string(MessagesFrom::Contacts));
        transaction.check(&self.social, item_key(&SocialKey::Account(user)), check)?;
        let update = Update::builder()
            .update_expression("SET strangers = :true, head_state = if_not_exists(head_state, :settled)")
            .condition_expression("attribute_not_exists(peer)")
            .expression_attribute_values(":true", AttributeValue::Bool(true))
            .expression_attribute_values(":settled", string(SETTLED));
        transaction.update(&self.inboxes, inboxes::key(user, conversation), update)?;
        Ok(transaction.commit().await?.is_none())
    }
}

/// Whether it is the account of somebody: what is left of one that was closed has no name.
fn is_account(item: &Item) -> bool {
    item.contains_key("username")
}

const WHAT: &str = "contact";

/// When what is stored counts no longer: what is gone, and a request that nobody answered.
fn expiry(contact: &Contact) -> Option<Timestamp> {
    match &contact.tie {
        _ if contact.blocked => None,
        Some(Tie::Friends { .. }) => None,
        Some(Tie::Asked { at, .. } | Tie::Asking { at, .. }) => Some(at.plus_millis(ASKING_TTL_MS)),
        None => Some(contact.changed_at.plus_millis(GONE_CONTACT_TTL_MS)),
    }
}

fn encode(owner: UserId, contact: &Contact) -> Item {
    let mut attributes =
        vec![("version", number(contact.version.get())), ("changed_at", number(contact.changed_at.as_millis()))];
    let tie = contact.tie.as_ref().map(|tie| match tie {
        Tie::Asked { at, greeting } => ("asked", *at, greeting.as_ref()),
        Tie::Asking { at, greeting } => ("asking", *at, greeting.as_ref()),
        Tie::Friends { since } => ("friends", *since, None),
    });
    if let Some((tie, since, greeting)) = tie {
        attributes.extend([("tie", string(tie)), ("since", number(since.as_millis()))]);
        attributes.extend(greeting.map(|greeting| ("greeting", string(greeting))));
    }
    attributes.extend(contact.remark.as_ref().map(|remark| ("remark", string(remark))));
    if !contact.tags.is_empty() {
        attributes.push(("tags", strings(&contact.tags)));
    }
    if contact.blocked {
        attributes.push(("blocked", AttributeValue::Bool(true)));
    }
    // In whole seconds, never earlier.
    attributes.extend(expiry(contact).map(|until| ("expires_at", number(until.as_secs().saturating_add(1)))));
    item(&SocialKey::Contact(owner, contact.peer), attributes)
}

fn decode(item: &Item) -> Result<Contact, PortError> {
    let SocialKey::Contact(_, peer) = key_of(item, WHAT)? else { return Err(unreadable(WHAT, "another kind of key")) };
    let reader = Reader::new(item, WHAT);
    let since = || reader.number("since").map(Timestamp::from_millis);
    let greeting = || reader.optional::<Greeting>("greeting");
    let tie = match reader.optional::<String>("tie")?.as_deref() {
        None => None,
        Some("asked") => Some(Tie::Asked { at: since()?, greeting: greeting()? }),
        Some("asking") => Some(Tie::Asking { at: since()?, greeting: greeting()? }),
        Some("friends") => Some(Tie::Friends { since: since()? }),
        Some(other) => return Err(unreadable(WHAT, format!("tie: {other}"))),
    };
    Ok(Contact {
        peer,
        tie,
        remark: reader.optional("remark")?,
        tags: reader.texts("tags")?,
        blocked: reader.truth("blocked"),
        version: Seq::new(reader.number("version")?),
        changed_at: Timestamp::from_millis(reader.number("changed_at")?),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_counts_for_ever_does_not_expire() {
        let at = Timestamp::from_millis(1_764_000_000_500);
        let stranger = Contact { changed_at: at, ..Contact::stranger(UserId::from_bits(1)) };
        let asked = Contact { tie: Some(Tie::Asked { at, greeting: None }), ..stranger.clone() };
        let friends = Contact { tie: Some(Tie::Friends { since: at }), ..stranger.clone() };
        let ttl = |contact: &Contact| encode(UserId::from_bits(2), contact).remove("expires_at");
        assert_eq!(ttl(&friends), None);
        assert_eq!(ttl(&Contact { blocked: true, ..asked.clone() }), None);
        let month = number(1_764_000_001 + 30 * 24 * 60 * 60);
        assert_eq!((ttl(&asked), ttl(&stranger)), (Some(month.clone()), Some(month)));
    }
}

//! The `inboxes` table: partition key `user`, sort key `conversation`; one item per conversation that a user has.
//!
//! | attribute | type | what |
//! | --- | --- | --- |
//! | `user`, `conversation` | S | key |
//! | `head_state` | S | `open`, `settling` or `settled`; missing is open |
//! | `version` | N | changes of the state; missing is 0 |
//! | `head_seq`, `head_at`, `head_counts` | N, N, L of N | the stored head; missing is an empty log |
//! | `read_seq`, `read_counts` | N, L of N | the read position; missing is nothing read |
//! | `remark` | S | what the user calls it |
//! | `peer` | S | of a direct conversation: what the peer is to the user, `contact` or `blocked`; missing is a stranger |
//! | `strangers` | BOOL | likewise: the user was seen to take messages of strangers; missing is not known |
//! | `spans` | L of N | of a group: first and last place of each membership in turn; no last one while it lasts |

use aws_sdk_dynamodb::Client;
use aws_sdk_dynamodb::error::SdkError;
use aws_sdk_dynamodb::operation::update_item::UpdateItemError;
use aws_sdk_dynamodb::operation::update_item::builders::UpdateItemFluentBuilder;
use aws_sdk_dynamodb::types::{AttributeValue, KeysAndAttributes, ReturnValuesOnConditionCheckFailure};
use tidings_application::error::PortError;
use tidings_application::ports::{InboxAdvance, InboxForget, InboxOpen, InboxRead, InboxSettle};
use tidings_domain::contact::{Door, Relation};
use tidings_domain::ids::{ConversationId, UserId};
use tidings_domain::inbox::{HeadState, InboxEntry, ReadPosition};
use tidings_domain::log::{Head, Seq};
use tidings_domain::membership::{Span, Spans};
use tidings_domain::time::Timestamp;

use crate::attributes::{Item, Reader, counts, number, string};
use crate::error::{port_error, unreadable};

/// Inboxes over DynamoDB.
#[derive(Clone, Debug)]
pub struct InboxTable {
    client: Client,
    table: String,
}

impl InboxTable {
    /// The inboxes in this table.
    pub fn new(client: Client, table: impl Into<String>) -> Self {
        Self { client, table: table.into() }
    }

    fn update(&self, user: UserId, conversation: ConversationId) -> UpdateItemFluentBuilder {
        self.client
            .update_item()
            .table_name(&self.table)
            .key("user", string(user))
            .key("conversation", string(conversation))
    }
}

impl InboxRead for InboxTable {
    async fn entry(&self, user: UserId, conversation: ConversationId) -> Result<Option<InboxEntry>, PortError> {
        let output = self
            .client
            .get_item()
            .table_name(&self.table)
            .consistent_read(true)
            .set_key(Some(key(user, conversation)))
            .send()
            .await
            .map_err(|error| port_error(&error))?;
        output.item.as_ref().map(decode).transpose()
    }

    async fn states(
        &self,
        users: &[UserId],
        conversation: ConversationId,
    ) -> Result<Vec<Option<HeadState>>, PortError> {
        let wanted = KeysAndAttributes::builder()
            .consistent_read(true)
            .set_keys(Some(users.iter().map(|user| key(*user, conversation)).collect()))
            .projection_expression("#user, head_state")
            .expression_attribute_names("#user", "user")
            .build()
            .map_err(PortError::fatal)?;
        let output = self
            .client
            .batch_get_item()
            .request_items(&self.table, wanted)
            .send()
            .await
            .map_err(|error| port_error(&error))?;
        // An unprocessed key reads as a missing entry: both count as not open, and opening is harmless.
        let items = output.responses.unwrap_or_default().remove(&self.table).unwrap_or_default();
        let states = items.iter().map(|item| {
            let reader = Reader::new(item, "inbox entry");
            Ok((reader.parse::<UserId>("user")?, state(item)?))
        });
        let states = states.collect::<Result<Vec<_>, PortError>>()?;
        let state_of = |user: &UserId| states.iter().find(|(owner, _)| owner == user).map(|(_, state)| *state);
        Ok(users.iter().map(state_of).collect())
    }

    async fn page(
        &self,
        user: UserId,
        after: Option<ConversationId>,
        limit: usize,
    ) -> Result<(Vec<InboxEntry>, bool), PortError> {
        let mut entries = Vec::new();
        let mut after = after;
        // A page of DynamoDB ends at 1 MB, ours at `limit` + 1: the one too many tells that there are more.
        while entries.len() <= limit {
            let query = self.client.query().table_name(&self.table).consistent_read(true);
            let query = match after {
                None => query.key_condition_expression("#user = :user"),
                Some(after) => query
                    .key_condition_expression("#user = :user AND conversation > :after")
                    .expression_attribute_values(":after", string(after)),
            };
            let output = query
                .expression_attribute_names("#user", "user")
                .expression_attribute_values(":user", string(user))
                .limit(i32::try_from(limit + 1 - entries.len()).unwrap_or(i32::MAX))
                .send()
                .await
                .map_err(|error| port_error(&error))?;
            for item in output.items.unwrap_or_default() {
                // One that a newer version wrote is logged and skipped: it must not hide all the others.
                entries.extend(decode(&item).ok());
            }
            if let Some(last) = &output.last_evaluated_key {
                after = Some(Reader::new(last, "inbox key").parse("conversation")?);
            } else {
                break;
            }
        }
        let more = entries.len() > limit;
        entries.truncate(limit);
        Ok((entries, more))
    }
}

impl InboxOpen for InboxTable {
    async fn open(&self, user: UserId, conversation: ConversationId) -> Result<(), PortError> {
        self.update(user, conversation)
            .update_expression("SET head_state = :open ADD version :one")
            .expression_attribute_values(":open", string(OPEN))
            .expression_attribute_values(":one", number(1))
            .send()
            .await
            .map_err(|error| port_error(&error))?;
        Ok(())
    }
}

impl InboxSettle for InboxTable {
    async fn mark(&self, user: UserId, conversation: ConversationId, version: u64) -> Result<bool, PortError> {
        // An entry that only a read position created has neither a version nor a state yet.
        let of_version =
            if version == 0 { "(attribute_not_exists(version) OR version = :version)" } else { "version = :version" };
        let condition = format!("{of_version} AND (attribute_not_exists(head_state) OR head_state <> :settled)");
        let result = self
            .update(user, conversation)
            .update_expression("SET head_state = :settling ADD version :one")
            .condition_expression(condition)
            .expression_attribute_values(":settling", string(SETTLING))
            .expression_attribute_values(":settled", string(SETTLED))
            .expression_attribute_values(":version", number(version))
            .expression_attribute_values(":one", number(1))
            .send()
            .await;
        held(result)
    }

    async fn settle(
        &self,
        user: UserId,
        conversation: ConversationId,
        version: u64,
        head: Head,
    ) -> Result<bool, PortError> {
        let result = self
            .update(user, conversation)
            .update_expression(
                "SET head_state = :settled, head_seq = :seq, head_at = :at, head_counts = :counts ADD version :one",
            )
            .condition_expression("head_state = :settling AND version = :version")
            .expression_attribute_values(":settled", string(SETTLED))
            .expression_attribute_values(":settling", string(SETTLING))
            .expression_attribute_values(":version", number(version))
            .expression_attribute_values(":seq", number(head.seq.get()))
            .expression_attribute_values(":at", number(head.at.as_millis()))
            .expression_attribute_values(":counts", counts(head.counts))
            .expression_attribute_values(":one", number(1))
            .send()
            .await;
        held(result)
    }
}

impl InboxAdvance for InboxTable {
    async fn advance(
        &self,
        user: UserId,
        conversation: ConversationId,
        position: ReadPosition,
    ) -> Result<(bool, Seq), PortError> {
        let result = self
            .update(user, conversation)
            // What is read is to be seen, even if nobody has opened it yet.
            .update_expression(
                "SET read_seq = :seq, read_counts = :counts, head_state = if_not_exists(head_state, :open)",
            )
            .expression_attribute_values(":open", string(OPEN))
            .condition_expression("attribute_not_exists(read_seq) OR read_seq < :seq")
            .expression_attribute_values(":seq", number(position.seq.get()))
            .expression_attribute_values(":counts", counts(position.counts))
            .return_values_on_condition_check_failure(ReturnValuesOnConditionCheckFailure::AllOld)
            .send()
            .await;
        match result {
            Ok(_) => Ok((true, position.seq)),
            Err(error) => match error.as_service_error() {
                Some(UpdateItemError::ConditionalCheckFailedException(lost)) => {
                    let item =
                        lost.item().ok_or_else(|| unreadable("inbox entry", "a lost condition without its item"))?;
                    Ok((false, decode(item)?.read.seq))
                }
                _ => Err(port_error(&error)),
            },
        }
    }
}

impl InboxForget for InboxTable {
    async fn forget_strangers(&self, user: UserId, conversation: ConversationId) -> Result<(), PortError> {
        let result = self
            .update(user, conversation)
            .update_expression("REMOVE strangers")
            .condition_expression("attribute_exists(strangers)")
            .send()
            .await;
        held(result).map(drop)
    }
}

/// What a peer is: a contact.
pub(crate) const CONTACT: &str = "contact";
/// What a peer is: blocked.
pub(crate) const BLOCKED: &str = "blocked";

pub(crate) const OPEN: &str = "open";
const SETTLING: &str = "settling";
pub(crate) const SETTLED: &str = "settled";

fn held<T>(result: Result<T, SdkError<UpdateItemError>>) -> Result<bool, PortError> {
    match result {
        Ok(_) => Ok(true),
        Err(error) => match error.as_service_error() {
            Some(UpdateItemError::ConditionalCheckFailedException(_)) => Ok(false),
            _ => Err(port_error(&error)),
        },
    }
}

/// The key of an entry.
pub(crate) fn key(user: UserId, conversation: ConversationId) -> Item {
    Item::from([("user".to_owned(), string(user)), ("conversation".to_owned(), string(conversation))])
}

fn state(item: &Item) -> Result<HeadState, PortError> {
    if !item.contains_key("head_state") {
        return Ok(HeadState::Open);
    }
    match Reader::new(item, "inbox entry").text("head_state")? {
        OPEN => Ok(HeadState::Open),
        SETTLING => Ok(HeadState::Settling),
        SETTLED => Ok(HeadState::Settled),
        other => Err(unreadable("inbox entry", format!("head_state: {other}"))),
    }
}

fn relation(item: &Item) -> Result<Relation, PortError> {
    if !item.contains_key("peer") {
        return Ok(Relation::Stranger);
    }
    match Reader::new(item, "inbox entry").text("peer")? {
        CONTACT => Ok(Relation::Contact),
        BLOCKED => Ok(Relation::Blocked),
        other => Err(unreadable("inbox entry", format!("peer: {other}"))),
    }
}

fn decode(item: &Item) -> Result<InboxEntry, PortError> {
    let reader = Reader::new(item, "inbox entry");
    let conversation = reader.parse("conversation")?;
    Ok(InboxEntry {
        conversation,
        state: state(item)?,
        version: reader.optional_number("version")?.unwrap_or(0),
        head: Head {
            seq: Seq::new(reader.optional_number("head_seq")?.unwrap_or(0)),
            at: Timestamp::from_millis(reader.optional_number("head_at")?.unwrap_or(0)),
            counts: reader.counts("head_counts", conversation)?,
        },
        read: ReadPosition {
            seq: Seq::new(reader.optional_number("read_seq")?.unwrap_or(0)),
            counts: reader.counts("read_counts", conversation)?,
        },
        spans: read_spans(item)?,
        remark: reader.optional("remark")?,
        door: Door { peer: relation(item)?, strangers: reader.truth("strangers") },
    })
}

/// Stretches of membership, as they are written.
pub(crate) fn write_spans(spans: &Spans) -> AttributeValue {
    let places = spans.as_slice().iter().flat_map(|span| [Some(span.from), span.to]).flatten();
    AttributeValue::L(places.map(|seq| number(seq.get())).collect())
}

/// Reads [`write_spans`]; none where they are missing.
pub(crate) fn read_spans(item: &Item) -> Result<Spans, PortError> {
    let places = Reader::new(item, "inbox entry").numbers("spans")?.unwrap_or_default();
    let spans = places.chunks(2).map(|span| Span { from: Seq::new(span[0]), to: span.get(1).copied().map(Seq::new) });
    Spans::of(spans.collect()).ok_or_else(|| unreadable("inbox entry", "spans: not in order"))
}

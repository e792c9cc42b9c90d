//! The `log` table: partition key `conversation`, sort key `seq`; one item per entry.
//!
//! | attribute | type | what |
//! | --- | --- | --- |
//! | `conversation`, `seq` | S, N | key |
//! | `sender`, `client_id` | S | who, and what they called it |
//! | `sent_at` | N | milliseconds since the Unix epoch |
//! | `kind` | S | `message` or `system` |
//! | `body` | S | JSON |
//! | `body_hash` | B | SHA-256 of the original body |
//! | `rev` | N | changes so far |
//! | `counts` | L of N | messages so far |
//! | `expires_at` | N | milliseconds since the Unix epoch, if it expires; not a table TTL |

use aws_sdk_dynamodb::Client;
use aws_sdk_dynamodb::operation::put_item::PutItemError;
use aws_sdk_dynamodb::operation::query::builders::QueryFluentBuilder;
use aws_sdk_dynamodb::primitives::Blob;
use aws_sdk_dynamodb::types::{AttributeValue, ReturnValuesOnConditionCheckFailure};
use tidings_application::error::PortError;
use tidings_application::ports::{LogAppend, LogPage, LogRead, Range};
use tidings_domain::ids::ConversationId;
use tidings_domain::log::{Body, BodyHash, Entry, From, Kind, Put, Seq, Tail};
use tidings_domain::time::Timestamp;

use crate::attributes::{Item, Reader, counts, number, string};
use crate::error::{port_error, unreadable};

/// Entries read at once when the search for an earlier attempt goes back by time: usually the first page holds
/// everything since the message was composed.
const SEARCH_PAGE: usize = 50;

/// The log over DynamoDB.
#[derive(Clone, Debug)]
pub struct LogTable {
    client: Client,
    table: String,
}

impl LogTable {
    /// The log in this table.
    pub fn new(client: Client, table: impl Into<String>) -> Self {
        Self { client, table: table.into() }
    }

    /// A strongly consistent query of a conversation, at most `limit` entries.
    fn query(&self, conversation: ConversationId, limit: usize) -> QueryFluentBuilder {
        self.client
            .query()
            .table_name(&self.table)
            .consistent_read(true)
            .limit(i32::try_from(limit).unwrap_or(i32::MAX))
            .expression_attribute_values(":conversation", string(conversation))
    }

    /// One request, at most 1 MB: the entries in the order of the query, and whether it stopped early.
    async fn fetch(
        &self,
        conversation: ConversationId,
        query: QueryFluentBuilder,
    ) -> Result<(Vec<Entry>, bool), PortError> {
        let output = query.send().await.map_err(|error| port_error(&error))?;
        let more = output.last_evaluated_key.is_some();
        let items = output.items.unwrap_or_default();
        Ok((items.iter().map(|item| decode(conversation, item)).collect::<Result<_, _>>()?, more))
    }

    async fn tail_from(&self, conversation: ConversationId, from: Seq, limit: usize) -> Result<Tail, PortError> {
        let mut entries: Vec<Entry> = Vec::new();
        loop {
            let begin = entries.last().map_or(from, |last| last.seq.next());
            let query = self
                .query(conversation, limit + 1 - entries.len())
                .key_condition_expression("conversation = :conversation AND seq >= :begin")
                .expression_attribute_values(":begin", number(begin.get()));
            let (page, more) = self.fetch(conversation, query).await?;
            entries.extend(page);
            if entries.len() > limit {
                return Ok(Tail { entries: Vec::new(), truncated: true });
            }
            if !more {
                return Ok(Tail { entries, truncated: false });
            }
        }
    }

    async fn tail_since(
        &self,
        conversation: ConversationId,
        since: Timestamp,
        limit: usize,
    ) -> Result<Tail, PortError> {
        let mut newest_first: Vec<Entry> = Vec::new();
        let mut size = SEARCH_PAGE;
        loop {
            let below = newest_first.last().map_or(Seq::new(u64::MAX), |last| last.seq);
            let (page, more) = self.fetch(conversation, self.below(conversation, below, size)).await?;
            // In a flood as many as a request brings: 200 in a row would outlast whoever waits.
            size = limit;
            let end = page.iter().position(|entry| entry.sent_at < since);
            let done = end.is_some() || !more;
            newest_first.extend(page);
            if done {
                // The head is kept however old: the next entry's seq and counters follow from it.
                let keep = newest_first.iter().take_while(|entry| entry.sent_at >= since).count().max(1);
                newest_first.truncate(keep);
            }
            if newest_first.len() > limit {
                return Ok(Tail { entries: Vec::new(), truncated: true });
            }
            if done {
                newest_first.reverse();
                return Ok(Tail { entries: newest_first, truncated: false });
            }
        }
    }

    /// The entries below `seq`, newest first.
    fn below(&self, conversation: ConversationId, seq: Seq, limit: usize) -> QueryFluentBuilder {
        self.query(conversation, limit)
            .scan_index_forward(false)
            .key_condition_expression("conversation = :conversation AND seq < :below")
            .expression_attribute_values(":below", number(seq.get()))
    }
}

impl LogRead for LogTable {
    async fn tail(&self, conversation: ConversationId, from: From, limit: usize) -> Result<Tail, PortError> {
        match from {
            From::Seq(seq) => self.tail_from(conversation, seq, limit).await,
            From::Time(since) => self.tail_since(conversation, since, limit).await,
        }
    }

    async fn page(&self, conversation: ConversationId, range: Range, limit: usize) -> Result<LogPage, PortError> {
        let below = match range {
            Range::After(after) => {
                // One more than asked tells whether there are more, without a page that turns out empty.
                let query = self
                    .query(conversation, limit + 1)
                    .key_condition_expression("conversation = :conversation AND seq > :after")
                    .expression_attribute_values(":after", number(after.get()));
                let (mut entries, stopped) = self.fetch(conversation, query).await?;
                let more = entries.len() > limit || stopped;
                entries.truncate(limit);
                return Ok(LogPage { entries, more });
            }
            Range::Before(before) => before,
            Range::Newest => Seq::new(u64::MAX),
        };
        let (mut entries, _) = self.fetch(conversation, self.below(conversation, below, limit)).await?;
        entries.reverse();
        // The log is dense: there is something below unless this is the first entry.
        let more = entries.first().is_some_and(|first| first.seq > Seq::FIRST);
        Ok(LogPage { entries, more })
    }

    async fn entry(&self, conversation: ConversationId, seq: Seq) -> Result<Option<Entry>, PortError> {
        let output = self
            .client
            .get_item()
            .table_name(&self.table)
            .consistent_read(true)
            .key("conversation", string(conversation))
            .key("seq", number(seq.get()))
            .send()
            .await
            .map_err(|error| port_error(&error))?;
        output.item.as_ref().map(|item| decode(conversation, item)).transpose()
    }
}

impl LogAppend for LogTable {
    async fn put(&self, conversation: ConversationId, entry: &Entry) -> Result<Put, PortError> {
        let result = self
            .client
            .put_item()
            .table_name(&self.table)
            .set_item(Some(encode(conversation, entry)))
            .condition_expression(PLACE_IS_FREE)
            .return_values_on_condition_check_failure(ReturnValuesOnConditionCheckFailure::AllOld)
            .send()
            .await;
        match result {
            Ok(_) => Ok(Put::Stored),
            Err(error) => match error.as_service_error() {
                Some(PutItemError::ConditionalCheckFailedException(lost)) => {
                    let winner =
                        lost.item().ok_or_else(|| unreadable("log entry", "a lost condition without its item"))?;
                    Ok(Put::Taken(Box::new(decode(conversation, winner)?)))
                }
                _ => Err(port_error(&error)),
            },
        }
    }
}

pub(crate) fn encode(conversation: ConversationId, entry: &Entry) -> Item {
    let mut item = Item::from([
        ("conversation".to_owned(), string(conversation)),
        ("seq".to_owned(), number(entry.seq.get())),
        ("sender".to_owned(), string(entry.sender)),
        ("client_id".to_owned(), string(entry.client_id)),
        ("sent_at".to_owned(), number(entry.sent_at.as_millis())),
        ("kind".to_owned(), string(kind_name(entry.kind))),
        ("body".to_owned(), string(&entry.body.json)),
        ("body_hash".to_owned(), AttributeValue::B(Blob::new(entry.body.hash.as_bytes()))),
        ("rev".to_owned(), number(entry.rev.into())),
        ("counts".to_owned(), counts(entry.counts)),
    ]);
    if let Some(expires_at) = entry.expires_at {
        item.insert("expires_at".to_owned(), number(expires_at.as_millis()));
    }
    item
}

/// The condition of every append (ORD-1).
pub(crate) const PLACE_IS_FREE: &str = "attribute_not_exists(seq)";

fn decode(conversation: ConversationId, item: &Item) -> Result<Entry, PortError> {
    let reader = Reader::new(item, "log entry");
    let rev = reader.number("rev")?;
    Ok(Entry {
        seq: Seq::new(reader.number("seq")?),
        sender: reader.parse("sender")?,
        client_id: reader.parse("client_id")?,
        sent_at: Timestamp::from_millis(reader.number("sent_at")?),
        kind: parse_kind(reader.text("kind")?)?,
        body: Body { json: reader.text("body")?.to_owned(), hash: BodyHash::new(reader.bytes("body_hash")?) },
        rev: u32::try_from(rev).map_err(|error| unreadable("log entry", format!("rev: {error}")))?,
        counts: reader.counts("counts", conversation)?,
        expires_at: reader.optional_number("expires_at")?.map(Timestamp::from_millis),
    })
}

const fn kind_name(kind: Kind) -> &'static str {
    match kind {
        Kind::Message => "message",
        Kind::System => "system",
    }
}

fn parse_kind(name: &str) -> Result<Kind, PortError> {
    match name {
        "message" => Ok(Kind::Message),
        "system" => Ok(Kind::System),
        other => Err(unreadable("log entry", format!("kind: {other}"))),
    }
}

#[cfg(test)]
mod tests {
    use tidings_domain::ids::{ClientId, UserId};
    use tidings_domain::log::Draft;

    use super::*;

    #[test]
    fn an_entry_reads_back_as_written() {
        let (a, b) = (UserId::from_bits(1), UserId::from_bits(2));
        let conversation = ConversationId::direct(a, b);
        let body = Body { json: r#"{"type":"text","text":"hi"}"#.to_owned(), hash: BodyHash::new([7; 32]) };
        let draft = Draft { client_id: ClientId::from_bits(9), body };
        let mut entry = draft.follow(None, conversation, b, Timestamp::from_millis(5));
        assert_eq!(decode(conversation, &encode(conversation, &entry)).unwrap(), entry);
        entry.expires_at = Some(Timestamp::from_millis(77));
        let item = encode(conversation, &entry);
        assert_eq!(decode(conversation, &item).unwrap(), entry);
        for name in item.keys().filter(|name| !["conversation", "expires_at", "counts"].contains(&name.as_str())) {
            let mut broken = item.clone();
            broken.remove(name);
            assert!(!decode(conversation, &broken).unwrap_err().retryable, "{name}");
        }
    }
}

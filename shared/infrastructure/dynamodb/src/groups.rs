//! Groups over DynamoDB: what is read of them, and their changes, each one transaction over `log`, `social` and
//! `inboxes`.
//!
//! | item of `social` | attributes beside the key |
//! | --- | --- |
//! | group | `name`, `description`, `owner`, `joining`, `history`, `may_invite`, `may_edit`, `may_pin`, `may_mention_all` (S), `findable`, `leavers_keep`, `muted`, `dissolved` (BOOL), `buckets`, `version`, `created_at` (N), `announced`, `announced_by` (S), `announced_at` (N) |
//! | member | `role` (S), `from`, `joined_at` (N), `nickname` (S), `muted_until` (N) |
//! | asking | `invited_by`, `greeting` (S), `unheard` (BOOL; missing is no), `asked_at`, `expires_at` (N, seconds: the table's TTL. Readers go by `asked_at`) |
//! | link | `made_by`, `client_id` (S), `good_until`, `uses_left`, `expires_at` (N, likewise) |

use aws_sdk_dynamodb::Client;
use aws_sdk_dynamodb::types::builders::UpdateBuilder;
use aws_sdk_dynamodb::types::{AttributeValue, Update};
use futures_util::future::try_join_all;
use tidings_application::error::PortError;
use tidings_application::ports::{AskingRead, GroupCommit, GroupRead, LinkRead, MemberRead, RecordRead};
use tidings_domain::group::change::{State, Wanted, Write};
use tidings_domain::group::{Announced, Asking, Group, Link, Member, Permissions, Settings, bucket_of};
use tidings_domain::ids::{ConversationId, GroupId, UserId};
use tidings_domain::limits::{ASKING_TTL_MS, GROUP_BUCKETS};
use tidings_domain::log::{Entry, Seq};
use tidings_domain::time::Timestamp;
use tidings_tables::social::{ASKING, LINK, SocialKey};

use crate::attributes::{Item, Reader, counts, number, string};
use crate::error::{port_error, unreadable};
use crate::inboxes::{self, OPEN, SETTLED, read_spans, write_spans};
use crate::social::{item, item_key, key_of};
use crate::transaction::{Transaction, read_at_once};

/// What `social` alone says of groups.
#[derive(Clone, Debug)]
pub struct GroupTable {
    client: Client,
    social: String,
}

impl GroupTable {
    /// Groups in this table.
    pub fn new(client: Client, social: impl Into<String>) -> Self {
        Self { client, social: social.into() }
    }

    /// All items of a partition of `social` whose sort key begins so.
    async fn query(&self, partition: String, beginning: &str) -> Result<Vec<Item>, PortError> {
        let mut items = Vec::new();
        let mut start = None;
        loop {
            let query = self.client.query().table_name(&self.social).consistent_read(true);
            let query = if beginning.is_empty() {
                query.key_condition_expression("pk = :pk")
            } else {
                query
                    .key_condition_expression("pk = :pk AND begins_with(sk, :beginning)")
                    .expression_attribute_values(":beginning", string(beginning))
            };
            let query = query.expression_attribute_values(":pk", string(&partition)).set_exclusive_start_key(start);
            let output = query.send().await.map_err(|error| port_error(&error))?;
            items.extend(output.items.unwrap_or_default());
            start = output.last_evaluated_key;
            if start.is_none() {
                return Ok(items);
            }
        }
    }
}

/// Groups over DynamoDB.
#[derive(Clone, Debug)]
pub struct GroupTables {
    table: GroupTable,
    log: String,
    inboxes: String,
}

impl GroupTables {
    /// Groups in these tables.
    pub fn new(client: Client, log: impl Into<String>, social: impl Into<String>, inboxes: impl Into<String>) -> Self {
        Self { table: GroupTable::new(client, social), log: log.into(), inboxes: inboxes.into() }
    }

    /// Adds what one write does.
    fn write(&self, transaction: &mut Transaction, group: GroupId, write: &Write) -> Result<(), PortError> {
        let inbox = |user: UserId| inboxes::key(user, ConversationId::Group(group));
        let social = |key: SocialKey| item_key(&key);
        match write {
            Write::Group(group) => transaction.put(&self.table.social, encode_group(group)),
            Write::Member(member) => transaction.put(&self.table.social, encode_member(group, member)),
            Write::NoMember(user) => transaction.delete(&self.table.social, social(member_key(group, *user))),
            Write::Joined { user, spans, read } => {
                let update = opening()
                    .update_expression(
                        "SET head_state = :open, spans = :spans, read_seq = :seq, read_counts = :counts ADD version :one",
                    )
                    .expression_attribute_values(":spans", write_spans(spans))
                    .expression_attribute_values(":seq", number(read.seq.get()))
                    .expression_attribute_values(":counts", counts(read.counts));
                transaction.update(&self.inboxes, inbox(*user), update)
            }
            Write::Left { user, spans, head } => {
                let update = Update::builder()
                    .update_expression(
                        "SET head_state = :settled, spans = :spans, head_seq = :seq, head_at = :at, \
                         head_counts = :counts ADD version :one",
                    )
                    .expression_attribute_values(":settled", string(SETTLED))
                    .expression_attribute_values(":one", number(1))
                    .expression_attribute_values(":spans", write_spans(spans))
                    .expression_attribute_values(":seq", number(head.seq.get()))
                    .expression_attribute_values(":at", number(head.at.as_millis()))
                    .expression_attribute_values(":counts", counts(head.counts));
                transaction.update(&self.inboxes, inbox(*user), update)
            }
            Write::Asking(asking) => transaction.put(&self.table.social, encode_asking(group, asking)),
            Write::NoAsking(user) => transaction.delete(&self.table.social, social(SocialKey::Asking(group, *user))),
            Write::Link(link) => transaction.put(&self.table.social, encode_link(group, link)),
            Write::NoLink(code) => transaction.delete(&self.table.social, social(SocialKey::Link(group, code.clone()))),
            Write::Remark { user, remark } => {
                let update = match remark {
                    Some(remark) => Update::builder()
                        .update_expression("SET remark = :remark")
                        .expression_attribute_values(":remark", string(remark)),
                    None => Update::builder().update_expression("REMOVE remark"),
                };
                transaction.update(&self.inboxes, inbox(*user), update)
            }
            Write::Notices(user) => {
                let update = opening().update_expression("SET head_state = :open ADD version :one");
                transaction.update(&self.inboxes, inboxes::key(*user, ConversationId::Notices(*user)), update)
            }
        }
    }
}

/// What every update needs that opens an inbox entry.
fn opening() -> UpdateBuilder {
    Update::builder().expression_attribute_values(":open", string(OPEN)).expression_attribute_values(":one", number(1))
}

/// A member's key. Every group has as many buckets as a new one.
fn member_key(group: GroupId, user: UserId) -> SocialKey {
    SocialKey::Member(group, bucket_of(user, GROUP_BUCKETS), user)
}

impl GroupRead for GroupTables {
    async fn state(&self, group: GroupId, wanted: &Wanted) -> Result<State, PortError> {
        let conversation = ConversationId::Group(group);
        let social = |key: &SocialKey| (self.table.social.as_str(), item_key(key));
        let mut keys = vec![social(&SocialKey::Group(group))];
        keys.extend(wanted.members.iter().map(|user| social(&member_key(group, *user))));
        keys.extend(wanted.spans.iter().map(|user| (self.inboxes.as_str(), inboxes::key(*user, conversation))));
        keys.extend(wanted.asking.iter().map(|user| social(&SocialKey::Asking(group, *user))));
        keys.extend(wanted.link.iter().map(|code| social(&SocialKey::Link(group, code.clone()))));
        keys.dedup();
        let mut state = State::default();
        for item in read_at_once(&self.table.client, keys).await? {
            if item.contains_key("conversation") {
                let owner = Reader::new(&item, "inbox entry").parse("user")?;
                state.spans.insert(owner, read_spans(&item)?);
                continue;
            }
            match key_of(&item, "item of a group")? {
                SocialKey::Group(_) => state.group = Some(decode_group(&item)?),
                SocialKey::Member(_, _, user) => drop(state.members.insert(user, decode_member(&item)?)),
                SocialKey::Asking(..) => state.asking = Some(decode_asking(&item)?),
                SocialKey::Link(..) => state.link = Some(decode_link(&item)?),
                SocialKey::Account(_)
                | SocialKey::Session(..)
                | SocialKey::SignOut(..)
                | SocialKey::Contact(..)
                | SocialKey::Username(_)
                | SocialKey::Listed(_) => {
                    return Err(unreadable("item of a group", "another kind of key"));
                }
            }
        }
        Ok(state)
    }
}

impl RecordRead for GroupTable {
    async fn groups(&self, groups: &[GroupId]) -> Result<Vec<Option<Group>>, PortError> {
        let read = async |group: &GroupId| {
            let request = self.client.get_item().table_name(&self.social).consistent_read(true);
            let request = request.set_key(Some(item_key(&SocialKey::Group(*group))));
            let output = request.send().await.map_err(|error| port_error(&error))?;
            output.item.as_ref().map(decode_group).transpose()
        };
        try_join_all(groups.iter().map(read)).await
    }
}

impl RecordRead for GroupTables {
    async fn groups(&self, groups: &[GroupId]) -> Result<Vec<Option<Group>>, PortError> {
        self.table.groups(groups).await
    }
}

impl MemberRead for GroupTable {
    async fn members(&self, group: GroupId, buckets: u32) -> Result<Vec<Member>, PortError> {
        let bucket = async |bucket| {
            let (partition, _) = SocialKey::Member(group, bucket, UserId::from_bits(0)).encode();
            self.query(partition, "").await
        };
        let items = try_join_all((0..buckets).map(bucket)).await?;
        items.iter().flatten().map(decode_member).collect()
    }
}

impl MemberRead for GroupTables {
    async fn members(&self, group: GroupId, buckets: u32) -> Result<Vec<Member>, PortError> {
        self.table.members(group, buckets).await
    }
}

impl AskingRead for GroupTables {
    async fn asking(&self, group: GroupId) -> Result<Vec<Asking>, PortError> {
        let (partition, _) = SocialKey::Group(group).encode();
        self.table.query(partition, ASKING).await?.iter().map(decode_asking).collect()
    }
}

impl LinkRead for GroupTables {
    async fn links(&self, group: GroupId) -> Result<Vec<Link>, PortError> {
        let (partition, _) = SocialKey::Group(group).encode();
        self.table.query(partition, LINK).await?.iter().map(decode_link).collect()
    }
}

impl GroupCommit for GroupTables {
    async fn commit(
        &self,
        group: GroupId,
        entries: &[(ConversationId, Entry)],
        writes: &[Write],
    ) -> Result<bool, PortError> {
        let mut transaction = Transaction::new(&self.table.client);
        for (conversation, entry) in entries {
            transaction.append(&self.log, *conversation, entry)?;
        }
        for write in writes {
            self.write(&mut transaction, group, write)?;
        }
        Ok(transaction.commit().await?.is_none())
    }
}

fn encode_group(group: &Group) -> Item {
    let Settings { joining, findable, history, leavers_keep, permissions } = group.settings;
    let mut attributes = vec![
        ("name", string(&group.name)),
        ("description", string(&group.description)),
        ("owner", string(group.owner)),
        ("joining", string(joining)),
        ("history", string(history)),
        ("may_invite", string(permissions.invite)),
        ("may_edit", string(permissions.edit)),
        ("may_pin", string(permissions.pin)),
        ("may_mention_all", string(permissions.mention_all)),
        ("findable", AttributeValue::Bool(findable)),
        ("leavers_keep", AttributeValue::Bool(leavers_keep)),
        ("muted", AttributeValue::Bool(group.muted)),
        ("dissolved", AttributeValue::Bool(group.dissolved)),
        ("buckets", number(group.buckets.into())),
        ("version", number(group.version.get())),
        ("created_at", number(group.created_at.as_millis())),
    ];
    if let Some(Announced { text, by, at }) = &group.announced {
        attributes.extend([
            ("announced", string(text)),
            ("announced_by", string(by)),
            ("announced_at", number(at.as_millis())),
        ]);
    }
    item(&SocialKey::Group(group.id), attributes)
}

fn decode_group(item: &Item) -> Result<Group, PortError> {
    const WHAT: &str = "group";
    let SocialKey::Group(id) = key_of(item, WHAT)? else { return Err(unreadable(WHAT, "another kind of key")) };
    let reader = Reader::new(item, WHAT);
    let announced = match reader.optional("announced")? {
        Some(text) => {
            let at = Timestamp::from_millis(reader.number("announced_at")?);
            Some(Announced { text, by: reader.parse("announced_by")?, at })
        }
        None => None,
    };
    Ok(Group {
        id,
        name: reader.parse("name")?,
        description: reader.parse("description")?,
        owner: reader.parse("owner")?,
        settings: Settings {
            joining: reader.parse("joining")?,
            findable: reader.truth("findable"),
            history: reader.parse("history")?,
            leavers_keep: reader.truth("leavers_keep"),
            permissions: Permissions {
                invite: reader.parse("may_invite")?,
                edit: reader.parse("may_edit")?,
                pin: reader.parse("may_pin")?,
                mention_all: reader.parse("may_mention_all")?,
            },
        },
        muted: reader.truth("muted"),
        announced,
        buckets: u32::try_from(reader.number("buckets")?).map_err(|error| unreadable(WHAT, error))?,
        version: Seq::new(reader.number("version")?),
        created_at: Timestamp::from_millis(reader.number("created_at")?),
        dissolved: reader.truth("dissolved"),
    })
}

fn encode_member(group: GroupId, member: &Member) -> Item {
    let mut attributes = vec![
        ("role", string(member.role)),
        ("from", number(member.from.get())),
        ("joined_at", number(member.joined_at.as_millis())),
    ];
    attributes.extend(member.nickname.as_ref().map(|nickname| ("nickname", string(nickname))));
    attributes.extend(member.muted_until.map(|until| ("muted_until", number(until.as_millis()))));
    item(&member_key(group, member.user), attributes)
}

fn decode_member(item: &Item) -> Result<Member, PortError> {
    const WHAT: &str = "member";
    let SocialKey::Member(_, _, user) = key_of(item, WHAT)? else {
        return Err(unreadable(WHAT, "another kind of key"));
    };
    let reader = Reader::new(item, WHAT);
    Ok(Member {
        user,
        role: reader.parse("role")?,
        nickname: reader.optional("nickname")?,
        muted_until: reader.optional_number("muted_until")?.map(Timestamp::from_millis),
        from: Seq::new(reader.number("from")?),
        joined_at: Timestamp::from_millis(reader.number("joined_at")?),
    })
}

/// The table's TTL for what counts until then: in whole seconds, never earlier.
fn ttl(until: Timestamp) -> AttributeValue {
    number(until.as_secs().saturating_add(1))
}

fn encode_asking(group: GroupId, asking: &Asking) -> Item {
    let mut attributes =
        vec![("asked_at", number(asking.at.as_millis())), ("expires_at", ttl(asking.at.plus_millis(ASKING_TTL_MS)))];
    attributes.extend(asking.invited_by.map(|inviter| ("invited_by", string(inviter))));
    attributes.extend(asking.greeting.as_ref().map(|greeting| ("greeting", string(greeting))));
    if asking.unheard {
        attributes.push(("unheard", AttributeValue::Bool(true)));
    }
    item(&SocialKey::Asking(group, asking.user), attributes)
}

fn decode_asking(item: &Item) -> Result<Asking, PortError> {
    const WHAT: &str = "request to join";
    let SocialKey::Asking(_, user) = key_of(item, WHAT)? else {
        return Err(unreadable(WHAT, "another kind of key"));
    };
    let reader = Reader::new(item, WHAT);
    Ok(Asking {
        user,
        invited_by: reader.optional("invited_by")?,
        greeting: reader.optional("greeting")?,
        at: Timestamp::from_millis(reader.number("asked_at")?),
        unheard: reader.truth("unheard"),
    })
}

fn encode_link(group: GroupId, link: &Link) -> Item {
    let mut attributes = vec![
        ("made_by", string(link.by)),
        ("client_id", string(link.client_id)),
        ("good_until", number(link.expires_at.as_millis())),
        ("expires_at", ttl(link.expires_at)),
    ];
    attributes.extend(link.uses_left.map(|uses| ("uses_left", number(uses.into()))));
    item(&SocialKey::Link(group, link.code.clone()), attributes)
}

fn decode_link(item: &Item) -> Result<Link, PortError> {
    const WHAT: &str = "link";
    let SocialKey::Link(_, code) = key_of(item, WHAT)? else { return Err(unreadable(WHAT, "another kind of key")) };
    let reader = Reader::new(item, WHAT);
    let uses_left = reader.optional_number("uses_left")?.map(u32::try_from).transpose();
    Ok(Link {
        code,
        by: reader.parse("made_by")?,
        client_id: reader.parse("client_id")?,
        expires_at: Timestamp::from_millis(reader.number("good_until")?),
        uses_left: uses_left.map_err(|error| unreadable(WHAT, error))?,
    })
}

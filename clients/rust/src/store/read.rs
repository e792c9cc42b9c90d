//! What is read back.

use std::collections::VecDeque;
use std::str::FromStr;

use rusqlite::{Connection, OptionalExtension, Row, params};
use serde::Deserialize;
use tidings_domain::ids::{ClientId, ConversationId, DeviceId, UserId};
use tidings_domain::log::Counts;
use tidings_domain::time::Timestamp;
use tidings_protocol::Text;
use tidings_protocol::body::Body;
use tidings_protocol::entry::{Entry, EntryKind};
use tidings_protocol::error::ErrorBody;
use tidings_protocol::user::User;

use super::{Store, int};
use crate::error::StoreError;
use crate::outbox::{Item, Lane};
use crate::session::Session;
use crate::timeline::{Below, Position, to_read};

/// Everything that the engine keeps in memory.
#[derive(Debug, Default)]
pub(crate) struct Loaded {
    pub(crate) since: Option<String>,
    /// Each with the seqs of the unread messages in its run, ascending.
    pub(crate) conversations: Vec<(ConversationId, Position, VecDeque<u64>)>,
    pub(crate) lanes: Vec<(ConversationId, Lane)>,
    pub(crate) failed: Vec<(ConversationId, Item, ErrorBody)>,
}

/// Who was signed in here, and with what if still so.
#[derive(Clone, Debug)]
pub(crate) struct Owner {
    pub(crate) server: String,
    pub(crate) user: User,
    pub(crate) device: DeviceId,
    pub(crate) session: Option<Session>,
}

fn garbled(what: impl std::fmt::Display) -> StoreError {
    StoreError(format!("a row does not read: {what}"))
}

fn parse<T: FromStr<Err: std::fmt::Display>>(text: &str) -> Result<T, StoreError> {
    text.parse().map_err(garbled)
}

fn number(row: &Row<'_>, column: &str) -> Result<u64, rusqlite::Error> {
    Ok(u64::try_from(row.get::<_, i64>(column)?).unwrap_or(0))
}

fn maybe_number(row: &Row<'_>, column: &str) -> Result<Option<u64>, rusqlite::Error> {
    Ok(row.get::<_, Option<i64>>(column)?.map(|number| u64::try_from(number).unwrap_or(0)))
}

impl Store {
    /// Everything that the engine of this user keeps in memory.
    pub(crate) async fn load(&self, me: UserId) -> Result<Loaded, StoreError> {
        let profile = self.profile;
        self.run(move |connection| {
            let since =
                connection.query_row("SELECT since FROM profiles WHERE id = ?", params![profile], |row| row.get(0))?;
            let conversations = positions(connection, profile)?
                .into_iter()
                .map(|(conversation, at)| {
                    let unread = unread(connection, profile, conversation, &at, me)?;
                    Ok((conversation, at, unread))
                })
                .collect::<Result<_, StoreError>>()?;
            let mut loaded = Loaded { since, conversations, ..Loaded::default() };
            outbox(connection, profile, &mut loaded)?;
            Ok(loaded)
        })
        .await
    }

    /// Who this profile belongs to.
    pub(crate) async fn owner(&self) -> Result<Option<Owner>, StoreError> {
        let profile = self.profile;
        self.run(move |connection| owner(connection, profile)).await
    }

    /// Entries from `from` up to `to`, both included, ascending.
    pub(crate) async fn entries(
        &self,
        conversation: ConversationId,
        from: u64,
        to: u64,
    ) -> Result<Vec<Entry>, StoreError> {
        let profile = self.profile;
        self.run(move |connection| {
            let mut select = connection.prepare_cached(SELECT_ENTRIES)?;
            let key = params![profile, conversation.to_string(), int(from), int(to)];
            let rows = select.query_map(key, |row| row.get::<_, String>(0))?;
            rows.map(|json| Ok(serde_json::from_str(&json?)?)).collect()
        })
        .await
    }

    /// A card that was seen before, by id.
    pub(crate) async fn person(&self, user: UserId) -> Result<Option<User>, StoreError> {
        self.card("SELECT card FROM people WHERE profile = ? AND user = ?", user.to_string()).await
    }

    /// A card that was seen before, by user name.
    pub(crate) async fn person_named(&self, username: &str) -> Result<Option<User>, StoreError> {
        self.card("SELECT card FROM people WHERE profile = ? AND username = ?", username.to_owned()).await
    }

    async fn card(&self, query: &'static str, key: String) -> Result<Option<User>, StoreError> {
        let profile = self.profile;
        self.run(move |connection| {
            let card: Option<String> =
                connection.query_row(query, params![profile, key], |row| row.get(0)).optional()?;
            Ok(card.map(|card| serde_json::from_str(&card)).transpose()?)
        })
        .await
    }
}

const SELECT_ENTRIES: &str = "SELECT entry FROM entries
    WHERE conversation = (SELECT id FROM conversations WHERE profile = ? AND conversation = ?)
        AND seq BETWEEN ? AND ? ORDER BY seq";

/// What of an entry says whether it is to be read.
#[derive(Deserialize)]
struct Gist {
    seq: u64,
    sender: Text<UserId>,
    kind: EntryKind,
}

fn unread(
    connection: &Connection,
    profile: i64,
    conversation: ConversationId,
    at: &Position,
    me: UserId,
) -> Result<VecDeque<u64>, StoreError> {
    let mut unread = VecDeque::new();
    let from = at.base.max(at.read_seq.saturating_add(1));
    if from > at.last {
        return Ok(unread);
    }
    let mut select = connection.prepare_cached(SELECT_ENTRIES)?;
    let mut rows = select.query(params![profile, conversation.to_string(), int(from), int(at.last)])?;
    while let Some(row) = rows.next()? {
        let gist: Gist = serde_json::from_str(row.get_ref(0)?.as_str().map_err(garbled)?)?;
        if to_read(&gist.sender, gist.kind, me) {
            unread.push_back(gist.seq);
        }
    }
    Ok(unread)
}

fn owner(connection: &Connection, profile: i64) -> Result<Option<Owner>, StoreError> {
    let text = |column: &str| -> Result<Option<String>, rusqlite::Error> {
        connection.query_row(&format!("SELECT {column} FROM profiles WHERE id = ?"), params![profile], |row| row.get(0))
    };
    let (Some(server), Some(user), Some(device)) = (text("server")?, text("user")?, text("device")?) else {
        return Ok(None);
    };
    let user: User = serde_json::from_str(&user)?;
    let device: DeviceId = parse(&device)?;
    let until = connection.query_row("SELECT access_until FROM profiles WHERE id = ?", params![profile], |row| {
        maybe_number(row, "access_until")
    })?;
    let session = match (text("refresh_token")?, text("access_token")?, until) {
        (Some(refresh_token), Some(access_token), Some(until)) => Some(Session {
            server: server.clone(),
            user: user.clone(),
            device: device.clone(),
            refresh_token,
            access_token,
            access_until: Timestamp::from_millis(until),
        }),
        _ => None,
    };
    Ok(Some(Owner { server, user, device, session }))
}

fn positions(connection: &Connection, profile: i64) -> Result<Vec<(ConversationId, Position)>, StoreError> {
    let mut select = connection.prepare_cached("SELECT * FROM conversations WHERE profile = ?")?;
    let rows = select.query_map(params![profile], |row| {
        let position = Position {
            base: number(row, "base")?,
            last: number(row, "last")?,
            floor: number(row, "floor")?,
            counts: None,
            read_seq: number(row, "read_seq")?,
            told_seq: number(row, "told_seq")?,
            peer_read_seq: number(row, "peer_read_seq")?,
            below: Below { at_most: number(row, "unread_below")?, exact: row.get("below_exact")? },
            left: row.get("has_left")?,
        };
        Ok((row.get::<_, String>("conversation")?, row.get::<_, Option<String>>("counts")?, position))
    })?;
    rows.map(|row| {
        let (conversation, counts, mut position) = row?;
        let conversation: ConversationId = parse(&conversation)?;
        if let Some(counts) = counts {
            position.counts = Counts::of(conversation, &serde_json::from_str::<Vec<u64>>(&counts)?);
        }
        Ok((conversation, position))
    })
    .collect()
}

fn outbox(connection: &Connection, profile: i64, loaded: &mut Loaded) -> Result<(), StoreError> {
    let mut select = connection.prepare_cached("SELECT * FROM outbox WHERE profile = ? ORDER BY conversation, id")?;
    let rows = select.query_map(params![profile], |row| {
        Ok((
            row.get::<_, String>("conversation")?,
            row.get::<_, String>("client_id")?,
            row.get::<_, String>("body")?,
            maybe_number(row, "after")?,
            row.get::<_, bool>("attempt")?,
            row.get::<_, Option<String>>("failed")?,
        ))
    })?;
    let mut lanes: Vec<(ConversationId, VecDeque<Item>, usize)> = Vec::new();
    for row in rows {
        let (conversation, client_id, json, after, attempt, failed) = row?;
        let conversation: ConversationId = parse(&conversation)?;
        let client_id: ClientId = parse(&client_id)?;
        let body: Body = serde_json::from_str(&json)?;
        let item = Item { client_id, body, bytes: json.len(), after };
        if let Some(error) = failed {
            loaded.failed.push((conversation, item, serde_json::from_str(&error)?));
            continue;
        }
        if lanes.last().is_none_or(|(of, ..)| *of != conversation) {
            lanes.push((conversation, VecDeque::new(), 0));
        }
        if let Some((_, items, attempted)) = lanes.last_mut() {
            items.push_back(item);
            *attempted += usize::from(attempt);
        }
    }
    loaded.lanes =
        lanes.into_iter().map(|(conversation, items, attempt)| (conversation, Lane::restore(items, attempt))).collect();
    Ok(())
}

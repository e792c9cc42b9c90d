//! Everything that is written, each as data, so that the engine decides and the store only stores.

use rusqlite::{Connection, params};
use tidings_domain::ids::{ClientId, ConversationId};
use tidings_protocol::entry::Entry;
use tidings_protocol::error::ErrorBody;
use tidings_protocol::user::User;

use super::{Store, int};
use crate::error::StoreError;
use crate::outbox::Item;
use crate::session::Session;
use crate::timeline::Position;

/// One change of the store.
#[derive(Clone, Debug)]
pub(crate) enum Write {
    /// How far a conversation is.
    Position(ConversationId, Position),
    /// An entry, or a higher `rev` of it. After the conversation's first position.
    Entry(ConversationId, Entry),
    /// A new message, at the end of the outbox.
    Enqueue(ConversationId, Item),
    /// These messages are about to be written, or no longer are.
    Attempt(ConversationId, Vec<ClientId>, bool),
    /// The log was searched for this message up to here.
    After(ConversationId, ClientId, u64),
    /// A message left the outbox.
    Remove(ConversationId, ClientId),
    /// A message is refused for good.
    Fail(ConversationId, ClientId, ErrorBody),
    /// For the next sync.
    Since(String),
    /// Who is signed in, and with what; `None` ends the session and keeps the data.
    Session(Option<Session>),
    /// A person's card.
    Person(User),
}

impl Store {
    /// Makes these changes durable, all or none.
    pub(crate) async fn write(&self, writes: Vec<Write>) -> Result<(), StoreError> {
        let profile = self.profile;
        self.run(move |connection| writes.into_iter().try_for_each(|write| apply(connection, profile, write))).await
    }
}

fn apply(connection: &Connection, profile: i64, write: Write) -> Result<(), StoreError> {
    match write {
        Write::Position(conversation, position) => save_position(connection, profile, conversation, &position),
        Write::Entry(conversation, entry) => save_entry(connection, profile, conversation, &entry),
        Write::Enqueue(conversation, item) => {
            let mut insert = connection.prepare_cached(
                "INSERT INTO outbox (profile, conversation, client_id, body, after, attempt) VALUES (?, ?, ?, ?, ?, 0)",
            )?;
            let body = serde_json::to_string(&item.body)?;
            insert.execute(params![
                profile,
                conversation.to_string(),
                item.client_id.to_string(),
                body,
                item.after.map(int)
            ])?;
            Ok(())
        }
        Write::Attempt(conversation, ids, attempt) => {
            let mut update = connection.prepare_cached(
                "UPDATE outbox SET attempt = ? WHERE profile = ? AND conversation = ? AND client_id = ?",
            )?;
            for id in ids {
                update.execute(params![attempt, profile, conversation.to_string(), id.to_string()])?;
            }
            Ok(())
        }
        Write::After(conversation, id, after) => {
            let mut update = connection.prepare_cached(
                "UPDATE outbox SET after = ? WHERE profile = ? AND conversation = ? AND client_id = ?",
            )?;
            update.execute(params![int(after), profile, conversation.to_string(), id.to_string()])?;
            Ok(())
        }
        Write::Remove(conversation, id) => {
            let mut delete = connection
                .prepare_cached("DELETE FROM outbox WHERE profile = ? AND conversation = ? AND client_id = ?")?;
            delete.execute(params![profile, conversation.to_string(), id.to_string()])?;
            Ok(())
        }
        Write::Fail(conversation, id, error) => {
            let mut update = connection.prepare_cached(
                "UPDATE outbox SET failed = ?, attempt = 0 WHERE profile = ? AND conversation = ? AND client_id = ?",
            )?;
            let error = serde_json::to_string(&error)?;
            update.execute(params![error, profile, conversation.to_string(), id.to_string()])?;
            Ok(())
        }
        Write::Since(since) => {
            connection.execute("UPDATE profiles SET since = ? WHERE id = ?", params![since, profile])?;
            Ok(())
        }
        Write::Session(session) => save_session(connection, profile, session),
        Write::Person(user) => {
            // A name has one owner: whoever was seen with it before has another one by now.
            connection
                .prepare_cached("DELETE FROM people WHERE profile = ? AND username = ? AND user <> ?")?
                .execute(params![profile, user.username.as_str(), user.id.to_string()])?;
            let mut upsert = connection
                .prepare_cached("INSERT OR REPLACE INTO people (profile, user, username, card) VALUES (?, ?, ?, ?)")?;
            let card = serde_json::to_string(&user)?;
            upsert.execute(params![profile, user.id.to_string(), user.username.as_str(), card])?;
            Ok(())
        }
    }
}

fn save_position(
    connection: &Connection,
    profile: i64,
    conversation: ConversationId,
    at: &Position,
) -> Result<(), StoreError> {
    let counts = at.counts.map(|counts| serde_json::to_string(&counts.numbers())).transpose()?;
    let mut upsert = connection.prepare_cached(
        "INSERT INTO conversations (profile, conversation, base, last, floor, counts, read_seq, told_seq,
            peer_read_seq, unread_below, below_exact, has_left) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)
         ON CONFLICT (profile, conversation) DO UPDATE SET base = excluded.base, last = excluded.last,
            floor = excluded.floor, counts = excluded.counts, read_seq = excluded.read_seq,
            told_seq = excluded.told_seq, peer_read_seq = excluded.peer_read_seq,
            unread_below = excluded.unread_below, below_exact = excluded.below_exact,
            has_left = excluded.has_left",
    )?;
    upsert.execute(params![
        profile,
        conversation.to_string(),
        int(at.base),
        int(at.last),
        int(at.floor),
        counts,
        int(at.read_seq),
        int(at.told_seq),
        int(at.peer_read_seq),
        int(at.below.at_most),
        at.below.exact,
        at.left,
    ])?;
    Ok(())
}

fn save_entry(
    connection: &Connection,
    profile: i64,
    conversation: ConversationId,
    entry: &Entry,
) -> Result<(), StoreError> {
    let mut upsert = connection.prepare_cached(
        "INSERT INTO entries (conversation, seq, rev, entry)
         SELECT id, ?3, ?4, ?5 FROM conversations WHERE profile = ?1 AND conversation = ?2
         ON CONFLICT (conversation, seq) DO UPDATE SET rev = excluded.rev, entry = excluded.entry
            WHERE excluded.rev > rev",
    )?;
    let json = serde_json::to_string(entry)?;
    upsert.execute(params![profile, conversation.to_string(), int(entry.seq), entry.rev, json])?;
    Ok(())
}

fn save_session(connection: &Connection, profile: i64, session: Option<Session>) -> Result<(), StoreError> {
    let Some(session) = session else {
        connection.execute(
            "UPDATE profiles SET refresh_token = NULL, access_token = NULL, access_until = NULL WHERE id = ?",
            params![profile],
        )?;
        return Ok(());
    };
    connection.execute(
        "UPDATE profiles SET server = ?, user = ?, device = ?, refresh_token = ?, access_token = ?, access_until = ?
         WHERE id = ?",
        params![
            session.server,
            serde_json::to_string(&session.user)?,
            session.device.as_str(),
            session.refresh_token,
            session.access_token,
            int(session.access_until.as_millis()),
            profile,
        ],
    )?;
    Ok(())
}

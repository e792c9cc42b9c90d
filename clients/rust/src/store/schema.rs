//! The tables of the local store.

use rusqlite::{Connection, OptionalExtension, params};

use crate::error::StoreError;

/// Version of the tables below, kept in `user_version`.
const VERSION: i64 = 1;

/// `profiles`: a device, with its session. `conversations`: how far each one is. `entries`: what was applied.
/// `outbox`: messages that are not acknowledged; `attempt` marks those of the unanswered attempt, `failed` holds the
/// error of those that the server refuses for good. `people`: cards, so that names are there offline.
const TABLES: &str = "
    CREATE TABLE profiles (
        id INTEGER PRIMARY KEY,
        name TEXT NOT NULL UNIQUE,
        server TEXT, user TEXT, device TEXT,
        refresh_token TEXT, access_token TEXT, access_until INTEGER,
        since TEXT
    );
    CREATE TABLE conversations (
        id INTEGER PRIMARY KEY,
        profile INTEGER NOT NULL REFERENCES profiles,
        conversation TEXT NOT NULL,
        base INTEGER NOT NULL, last INTEGER NOT NULL, floor INTEGER NOT NULL, counts TEXT,
        read_seq INTEGER NOT NULL, read_others INTEGER, told_seq INTEGER NOT NULL,
        peer_read_seq INTEGER NOT NULL, unread_hint INTEGER NOT NULL,
        UNIQUE (profile, conversation)
    );
    CREATE TABLE entries (
        conversation INTEGER NOT NULL REFERENCES conversations,
        seq INTEGER NOT NULL, rev INTEGER NOT NULL, entry TEXT NOT NULL,
        PRIMARY KEY (conversation, seq)
    ) WITHOUT ROWID;
    CREATE TABLE outbox (
        id INTEGER PRIMARY KEY AUTOINCREMENT,
        profile INTEGER NOT NULL REFERENCES profiles,
        conversation TEXT NOT NULL, client_id TEXT NOT NULL,
        body TEXT NOT NULL, after INTEGER, attempt INTEGER NOT NULL, failed TEXT,
        UNIQUE (profile, conversation, client_id)
    );
    CREATE TABLE people (
        profile INTEGER NOT NULL REFERENCES profiles,
        user TEXT NOT NULL, username TEXT NOT NULL, card TEXT NOT NULL,
        PRIMARY KEY (profile, user)
    ) WITHOUT ROWID;
    CREATE INDEX people_by_username ON people (profile, username);
";

/// Creates the tables, or finds them.
pub(super) fn migrate(connection: &Connection) -> Result<(), StoreError> {
    let version: i64 = connection.query_row("PRAGMA user_version", [], |row| row.get(0))?;
    match version {
        0 => {
            connection.execute_batch(&format!("BEGIN; {TABLES} PRAGMA user_version = {VERSION}; COMMIT;"))?;
            Ok(())
        }
        VERSION => Ok(()),
        newer => Err(StoreError(format!("it has version {newer}, and this program knows version {VERSION}"))),
    }
}

/// The profile with this name; created if there is none.
pub(super) fn profile(connection: &Connection, name: &str) -> Result<i64, StoreError> {
    let there =
        connection.query_row("SELECT id FROM profiles WHERE name = ?", params![name], |row| row.get(0)).optional()?;
    if let Some(id) = there {
        return Ok(id);
    }
    connection.execute("INSERT INTO profiles (name) VALUES (?)", params![name])?;
    Ok(connection.last_insert_rowid())
}

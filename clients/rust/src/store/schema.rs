//! The tables of the local store.

use rusqlite::{Connection, OptionalExtension, Transaction, TransactionBehavior, params};

use crate::error::StoreError;

/// Version of the tables below, kept in `user_version`.
const VERSION: i64 = 3;

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
        read_seq INTEGER NOT NULL, told_seq INTEGER NOT NULL, peer_read_seq INTEGER NOT NULL,
        unread_below INTEGER NOT NULL, below_exact INTEGER NOT NULL, has_left INTEGER NOT NULL,
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

/// From version 1, which kept a number of unread messages. They are counted anew: what is held here, the rest by the
/// next sync.
const SECOND: &str = "
    ALTER TABLE conversations ADD COLUMN unread_below INTEGER NOT NULL DEFAULT 0;
    ALTER TABLE conversations ADD COLUMN below_exact INTEGER NOT NULL DEFAULT 0;
    UPDATE conversations SET unread_below = MAX(0, base - read_seq - 1), below_exact = (base <= read_seq + 1);
    ALTER TABLE conversations DROP COLUMN unread_hint;
    ALTER TABLE conversations DROP COLUMN read_others;
";

/// From version 2, which knew no groups.
const THIRD: &str = "
    ALTER TABLE conversations ADD COLUMN has_left INTEGER NOT NULL DEFAULT 0;
";

/// Creates the tables, or finds them, or brings them up to date.
pub(super) fn migrate(connection: &Connection) -> Result<(), StoreError> {
    if version(connection)? == VERSION {
        return Ok(());
    }
    // Looked at again under the lock: another process may be doing the same.
    let transaction = Transaction::new_unchecked(connection, TransactionBehavior::Immediate)?;
    let steps = match version(&transaction)? {
        0 => &[TABLES][..],
        1 => &[SECOND, THIRD],
        2 => &[THIRD],
        VERSION => &[],
        newer => {
            return Err(StoreError(format!("it has version {newer}, and this program knows version {VERSION}")));
        }
    };
    steps.iter().try_for_each(|step| transaction.execute_batch(step))?;
    transaction.pragma_update(None, "user_version", VERSION)?;
    Ok(transaction.commit()?)
}

fn version(connection: &Connection) -> Result<i64, StoreError> {
    Ok(connection.query_row("PRAGMA user_version", [], |row| row.get(0))?)
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

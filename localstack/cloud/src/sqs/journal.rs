//! The journal: every message that waits in a queue, on disk.
//!
//! rustack keeps messages in memory, so what must outlive the cloud is written down here: a message before it goes
//! into its queue, the tries that it has had, and that it was deleted. At the next start [`Journal::waiting`] says
//! what is to be put back.
//!
//! A row is one message. It never misses one that a queue has, but may hold one that the queue has no more (killed
//! between the two): such a message comes again, and that is what at-least-once means.
//!
//! SQLite with a write-ahead log and `synchronous = NORMAL`: a commit is with the operating system, which a killed
//! process does not take along. A power failure may take the last commits, never the rest. Deleted rows' pages are
//! used again, so the file is as large as the largest backlog was.

use std::collections::HashMap;
use std::path::Path;
use std::sync::{Mutex, MutexGuard, PoisonError};

use rusqlite::{Connection, Result, params};

/// A message's place in the journal; later ones are higher.
pub(super) type Row = i64;

/// One message that waits.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Waiting {
    pub(super) row: Row,
    /// The name of its queue.
    pub(super) queue: String,
    /// When it may be seen, in milliseconds since 1970.
    pub(super) due_ms: u64,
    /// The message as its sender gave it, in JSON.
    pub(super) message: String,
}

/// The journal of all queues.
#[derive(Debug)]
pub(super) struct Journal {
    state: Mutex<State>,
}

#[derive(Debug)]
struct State {
    connection: Connection,
    /// The rows of the messages that are in the queues, by the id that the queue gave them in this run.
    rows: HashMap<String, Row>,
    /// Rows that a disk which failed did not delete yet. Nobody is told of a deletion while there are any.
    owed: Vec<Row>,
}

impl Journal {
    /// Opens the journal, or makes it. Messages that had their last try are in their dead-letter queue from here on,
    /// and all others begin with no tries: nobody works on them any more.
    pub(super) fn open(path: &Path) -> Result<Self> {
        let connection = Connection::open(path)?;
        connection.pragma_update(None, "journal_mode", "WAL")?;
        connection.pragma_update(None, "synchronous", "NORMAL")?;
        connection.execute_batch(
            "CREATE TABLE IF NOT EXISTS messages (
                 row INTEGER PRIMARY KEY,
                 queue TEXT NOT NULL,
                 due_ms INTEGER NOT NULL,
                 message TEXT NOT NULL,
                 receives INTEGER NOT NULL DEFAULT 0,
                 -- The queue to be found in at the next start, if this is its last try.
                 dead_letters TEXT
             );
             UPDATE messages SET queue = coalesce(dead_letters, queue), dead_letters = NULL, receives = 0
                 WHERE receives > 0;",
        )?;
        Ok(Self { state: Mutex::new(State { connection, rows: HashMap::new(), owed: Vec::new() }) })
    }

    /// The queues that messages wait in.
    pub(super) fn queues(&self) -> Result<Vec<String>> {
        let state = self.state();
        let mut statement = state.connection.prepare("SELECT DISTINCT queue FROM messages ORDER BY queue")?;
        statement.query_map([], |row| row.get(0))?.collect()
    }

    /// Everything that waits, in the order in which it was sent.
    pub(super) fn waiting(&self) -> Result<Vec<Waiting>> {
        let state = self.state();
        let mut statement =
            state.connection.prepare("SELECT row, queue, due_ms, message FROM messages ORDER BY row")?;
        let waiting = |row: &rusqlite::Row<'_>| {
            Ok(Waiting { row: row.get(0)?, queue: row.get(1)?, due_ms: row.get(2)?, message: row.get(3)? })
        };
        statement.query_map([], waiting)?.collect()
    }

    /// Writes messages down, each with the time from which on it may be seen, before they go into their queue.
    pub(super) fn write(&self, queue: &str, messages: &[(u64, String)]) -> Result<Vec<Row>> {
        let mut state = self.state();
        let transaction = state.connection.transaction()?;
        let rows = {
            let mut statement =
                transaction.prepare_cached("INSERT INTO messages (queue, due_ms, message) VALUES (?1, ?2, ?3)")?;
            let mut write = |(due_ms, message): &(u64, String)| statement.insert(params![queue, due_ms, message]);
            messages.iter().map(&mut write).collect::<Result<_>>()?
        };
        transaction.commit()?;
        Ok(rows)
    }

    /// What became of written messages: the id that the queue gave, or `None` if it refused.
    pub(super) fn settle(&self, outcomes: impl IntoIterator<Item = (Row, Option<String>)>) -> Result<()> {
        let mut state = self.state();
        let mut gone = Vec::new();
        for (row, id) in outcomes {
            match id {
                // A FIFO queue answers a duplicate with the id of the first, which has its row.
                Some(id) if state.rows.contains_key(&id) => gone.push(row),
                Some(id) => drop(state.rows.insert(id, row)),
                None => gone.push(row),
            }
        }
        state.delete(gone)
    }

    /// Messages came out of a queue, for `tries` times at most; after the last try that ends without a deletion they
    /// are in `dead_letters`. Where they come out of is where they are, so this also finds out what was moved.
    pub(super) fn received<'a>(
        &self,
        queue: &str,
        ids: impl IntoIterator<Item = &'a str>,
        dead_letters: Option<(&str, u32)>,
    ) -> Result<()> {
        let mut state = self.state();
        let State { connection, rows, .. } = &mut *state;
        let transaction = connection.transaction()?;
        {
            let (dead_letters, tries) = dead_letters.unzip();
            let mut moved = transaction.prepare_cached(
                "UPDATE messages SET queue = ?2, receives = 0, dead_letters = NULL WHERE row = ?1 AND queue != ?2",
            )?;
            let mut tried = transaction.prepare_cached(
                "UPDATE messages SET receives = receives + 1,
                     dead_letters = CASE WHEN receives + 1 >= ?2 THEN ?3 END WHERE row = ?1",
            )?;
            for row in ids.into_iter().filter_map(|id| rows.get(id)) {
                moved.execute(params![row, queue])?;
                tried.execute(params![row, tries, dead_letters])?;
            }
        }
        transaction.commit()
    }

    /// Messages were deleted. After an error the next call, for whichever messages, tries again with all of them.
    pub(super) fn deleted<'a>(&self, ids: impl IntoIterator<Item = &'a str>) -> Result<()> {
        let mut state = self.state();
        let gone = ids.into_iter().filter_map(|id| state.rows.remove(id)).collect();
        state.delete(gone)
    }

    /// A queue was emptied. Messages at their last try stay: they may have left it for its dead-letter queue.
    pub(super) fn purged(&self, queue: &str) -> Result<()> {
        let mut state = self.state();
        state.connection.execute("DELETE FROM messages WHERE queue = ?1 AND dead_letters IS NULL", params![queue])?;
        let left: Vec<Row> = {
            let mut statement = state.connection.prepare("SELECT row FROM messages ORDER BY row")?;
            statement.query_map([], |row| row.get(0))?.collect::<Result<_>>()?
        };
        state.rows.retain(|_, row| left.binary_search(row).is_ok());
        Ok(())
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl State {
    fn delete(&mut self, gone: Vec<Row>) -> Result<()> {
        self.owed.extend(gone);
        if self.owed.is_empty() {
            return Ok(());
        }
        let transaction = self.connection.transaction()?;
        {
            let mut statement = transaction.prepare_cached("DELETE FROM messages WHERE row = ?1")?;
            for row in &self.owed {
                statement.execute(params![row])?;
            }
        }
        transaction.commit()?;
        self.owed.clear();
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_deletion_that_the_disk_refused_is_not_forgotten() {
        let folder = tempfile::tempdir().unwrap();
        let journal = Journal::open(&folder.path().join("journal")).unwrap();
        let rows = journal.write("queue", &[(0, "first".to_owned()), (0, "second".to_owned())]).unwrap();
        journal.settle(rows.into_iter().zip([Some("1".to_owned()), Some("2".to_owned())])).unwrap();
        let writable = |on: bool| journal.state().connection.pragma_update(None, "query_only", !on).unwrap();
        writable(false);
        assert!(journal.deleted(["1"]).is_err());
        assert!(journal.deleted(["1"]).is_err(), "its client tries again, and must not be told that it is gone");
        writable(true);
        journal.deleted(["1"]).unwrap();
        let left: Vec<_> = journal.waiting().unwrap().into_iter().map(|waiting| waiting.message).collect();
        assert_eq!(left, ["second"]);
    }
}

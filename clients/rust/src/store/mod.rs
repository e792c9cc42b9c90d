//! The local store: the outbox, and what this device has seen, in SQLite.
//!
//! One thread owns the database. It takes everything that is waiting and commits it together, so many devices in
//! one process share the cost of making things durable; each caller is answered after the commit, not before.

mod read;
mod schema;
mod write;

use std::fmt;
use std::path::Path;
use std::sync::mpsc;
use std::thread;
use std::time::Duration;

use rusqlite::Connection;
use tokio::sync::oneshot;

pub(crate) use self::write::Write;
use crate::error::StoreError;

/// So many jobs share a commit at most.
const TOGETHER: usize = 512;

/// Name of the profile that [`Store::open`] selects.
const DEFAULT_PROFILE: &str = "default";

/// How well a commit survives.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Durability {
    /// The end of the process, of the system, and of the power: every commit is flushed to the disk.
    #[default]
    Full,
    /// The end of the process only. For load tests that run many devices on one disk.
    Process,
}

/// A job answers its caller once it is known whether the commit worked.
type Answer = Box<dyn FnOnce(Result<(), StoreError>) + Send>;
type Job = Box<dyn FnOnce(Result<&Connection, StoreError>) -> Answer + Send>;

/// A device's local store. Cheap to clone; the database closes with the last clone.
#[derive(Clone)]
pub struct Store {
    jobs: mpsc::Sender<Job>,
    profile: i64,
}

impl fmt::Debug for Store {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Store").field("profile", &self.profile).finish_non_exhaustive()
    }
}

impl Store {
    /// Opens the store in this file, or creates it.
    pub fn open(path: impl AsRef<Path>) -> Result<Self, StoreError> {
        Self::open_with(path, Durability::Full)
    }

    /// Opens the store in this file with less durability than usual.
    pub fn open_with(path: impl AsRef<Path>, durability: Durability) -> Result<Self, StoreError> {
        Self::start(Connection::open(path)?, durability)
    }

    /// A store that ends with the process.
    pub fn memory() -> Result<Self, StoreError> {
        Self::start(Connection::open_in_memory()?, Durability::Process)
    }

    fn start(connection: Connection, durability: Durability) -> Result<Self, StoreError> {
        connection.busy_timeout(Duration::from_secs(5))?;
        connection.pragma_update(None, "journal_mode", "WAL")?;
        connection.pragma_update(
            None,
            "synchronous",
            match durability {
                Durability::Full => "FULL",
                Durability::Process => "NORMAL",
            },
        )?;
        connection.set_prepared_statement_cache_capacity(64);
        schema::migrate(&connection)?;
        let profile = schema::profile(&connection, DEFAULT_PROFILE)?;
        let (jobs, queue) = mpsc::channel();
        thread::Builder::new()
            .name("tidings-store".into())
            .spawn(move || work(&connection, &queue))
            .map_err(|error| StoreError(error.to_string()))?;
        Ok(Self { jobs, profile })
    }

    /// Another device's part of the same database.
    pub async fn profile(&self, name: &str) -> Result<Self, StoreError> {
        let name = name.to_owned();
        let profile = self.run(move |connection| schema::profile(connection, &name)).await?;
        Ok(Self { jobs: self.jobs.clone(), profile })
    }

    /// Runs `job` on the store's thread and answers when what it did is durable.
    async fn run<T: Send + 'static>(
        &self,
        job: impl FnOnce(&Connection) -> Result<T, StoreError> + Send + 'static,
    ) -> Result<T, StoreError> {
        let (answer, answered) = oneshot::channel();
        let job: Job = Box::new(move |connection| {
            let result = connection.and_then(|connection| isolated(connection, job));
            Box::new(move |committed| {
                // The caller may have gone; what it asked for is done all the same.
                let _ = answer.send(committed.and(result));
            })
        });
        self.jobs.send(job).map_err(|_| closed())?;
        answered.await.map_err(|_| closed())?
    }
}

/// Numbers of ours fit: a log has fewer entries than 2^63.
fn int(number: u64) -> i64 {
    i64::try_from(number).unwrap_or(i64::MAX)
}

fn closed() -> StoreError {
    StoreError("its thread has ended".into())
}

/// A failing job takes back what it did itself and nothing else.
fn isolated<T>(
    connection: &Connection,
    job: impl FnOnce(&Connection) -> Result<T, StoreError>,
) -> Result<T, StoreError> {
    connection.execute_batch("SAVEPOINT job")?;
    let result = job(connection);
    connection.execute_batch(if result.is_ok() { "RELEASE job" } else { "ROLLBACK TO job; RELEASE job" })?;
    result
}

fn work(connection: &Connection, queue: &mpsc::Receiver<Job>) {
    while let Ok(first) = queue.recv() {
        if let Err(error) = connection.execute_batch("BEGIN IMMEDIATE") {
            first(Err(error.into()))(Ok(()));
            continue;
        }
        let mut answers = vec![first(Ok(connection))];
        while answers.len() < TOGETHER
            && let Ok(job) = queue.try_recv()
        {
            answers.push(job(Ok(connection)));
        }
        let committed = connection.execute_batch("COMMIT").map_err(StoreError::from);
        if committed.is_err() {
            // Whatever is left open must not leak into the next round.
            let _ = connection.execute_batch("ROLLBACK");
        }
        for answer in answers {
            answer(committed.clone());
        }
    }
}

#[cfg(test)]
mod tests;

//! The rules of Tidings: ids, entries, inboxes, and every protocol as a pure step function.
//!
//! Nothing here does I/O, reads a clock or knows how anything is stored or sent. A protocol such as
//! [`send::Send`] is a state machine: it names the next [`send::Call`], its driver makes the call and hands
//! back what it saw. The use cases in the application layer drive it against tables; model checkers drive
//! the very same machine through every interleaving.
//!
//! Invariants carry ids (ACK-1, ORD-1, IDEM-1, HINT-1, MONO-1, MEET-1, SEE-1, ...); ARCHITECTURE.md lists them.

pub mod change;
pub mod connect;
pub mod contact;
pub mod delivery;
pub mod fan_out;
pub mod group;
pub mod identity;
pub mod ids;
pub mod inbox;
pub mod limits;
pub mod log;
pub mod login;
pub mod membership;
pub mod notice;
pub mod posting;
pub mod presence;
pub mod profile;
pub mod protocol;
pub mod read;
pub mod route;
pub mod send;
pub mod settle;
pub mod shard;
pub mod sync;
pub mod task;
pub mod time;

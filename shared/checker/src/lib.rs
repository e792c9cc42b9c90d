//! The history checker: one judge for every run, be it a replay, a test under faults or a soak.
//!
//! A run tells a [`History`] what happens, as it happens: what was sent, acknowledged and refused, what each device
//! showed its user, and at the end what devices and server hold. [`History::judge`] then says what of that breaks the
//! promise, each [`Violation`] with enough to look it up:
//!
//! ```
//! use tidings_checker::{Digest, Holder, History, Kind, Seen};
//! # use tidings_domain::ids::{ClientId, ConversationId, UserId};
//! # let (ann, bob, client_id) = (UserId::from_bits(1), UserId::from_bits(2), ClientId::from_bits(3));
//! # let talk = ConversationId::direct(ann, bob);
//! let mut history = History::default();
//! let (laptop, desk) = (history.device(ann, "laptop"), history.device(bob, "desk"));
//!
//! let began = history.now();
//! // ... hand the message to the device, then:
//! history.sent(laptop, talk, client_id, Digest::of("hi"), began);
//! history.acknowledged(laptop, talk, client_id, 1);
//!
//! let (digest, stamp) = (Digest::of("hi"), Digest::of(&1_764_000_000_000_u64));
//! let entry = Seen { seq: 1, sender: ann, client_id, digest, stamp };
//! history.shown(desk, talk, entry);
//! history.transcript(Holder::Server, talk, 1, &[entry]);
//! history.transcript(Holder::Device(laptop), talk, 1, &[entry]);
//! assert_eq!(history.judge().count(Kind::Missing), 1, "nobody looked at what bob's desk holds");
//! ```
//!
//! It does no I/O and takes little memory: what a device shows is compared on the spot, so a soak of hours needs no
//! more than its messages.

mod conversation;
mod history;
mod judge;

#[cfg(test)]
mod tests;
mod verdict;

pub use history::{DeviceKey, Digest, History, Holder, Seen, Tick};
pub use verdict::{Kind, Verdict, Violation};

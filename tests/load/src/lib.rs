//! Load runs: many people on the real SDK against a server, all of it judged by the history checker.
//!
//! - [`soak`]: an action mix for as long as one likes, while functions are killed and everything else fails now and
//!   then,
//! - [`storm`]: all devices cut at once, and how they come back,
//! - [`contention`]: few and many senders in one conversation.
//!
//! A run plays against a [`Target`]: a local cloud of its own, or a server somewhere. It ends in a [`Report`].

pub mod contention;
mod crowd;
mod memory;
mod meter;
mod mix;
mod plan;
mod report;
pub mod soak;
pub mod storm;
mod target;

pub use crowd::Crowd;
pub use plan::throughout;
pub use report::Report;
pub use target::Target;

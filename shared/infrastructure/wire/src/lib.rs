//! Between the domain and the wire. Pushes, replies and queue records all carry entries; this is the one place that
//! says how a domain entry looks to a client, how frames are packed, and which code a refusal has.

pub mod contacts;
pub mod entry;
pub mod frames;
pub mod groups;
pub mod job;
pub mod pages;
pub mod refusal;

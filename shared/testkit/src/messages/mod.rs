//! Logs, inboxes, routes, sockets and queues in memory, and the contract that they and the real adapters keep.

pub mod append;
pub mod contract;
mod stores;
pub mod tables;
mod world;

pub use stores::{FakeInboxes, FakeLog, FakeRoutes};
pub use world::{FakeGateway, FakeQueue};

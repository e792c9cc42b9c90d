//! Logs, inboxes, routes, sockets and queues in memory, and the contract that they and the real adapters keep.

pub mod append;
pub mod contract;
mod groups;
pub mod membership;
mod stores;
pub mod tables;
mod world;

pub use groups::FakeGroups;
pub use stores::{FakeInboxes, FakeLog, FakeRoutes};
pub use world::{FakeGateway, FakeQueue};

//! Logs, inboxes, routes, sockets and queues in memory, and the contract that they and the real adapters keep.

pub mod append;
mod contacts;
pub mod contract;
pub mod doors;
mod groups;
pub mod membership;
mod stores;
pub mod tables;
mod world;

pub use contacts::{FakeContacts, FakePeople};
pub use groups::FakeGroups;
pub use stores::{FakeInboxes, FakeLog, FakeRoutes};
pub use world::{FakeGateway, FakeQueue};

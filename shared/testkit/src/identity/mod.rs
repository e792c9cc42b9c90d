//! Fakes of the ports of identity, and the contract that they share with the real adapter.

pub mod contract;
mod crypto;
mod social;

pub use crypto::{FakeHasher, FakeKeys};
pub use social::FakeSocial;

//! The rules of the repository, as code: which crate may depend on which ([`edges`]), under which licences we take
//! other people's code ([`licences`]), and what a tidy tree is ([`tidy`]).
//!
//! Each checker works on plain data, so that its own tests can show it a tree that breaks the rule. The tests under
//! `tests/` feed it this repository.

pub mod edges;
pub mod licences;
pub mod tidy;
pub mod workspace;

//! Groups: what is changed of them, and what is read.

mod change;
mod look;

pub use change::{Bring, ChangeGroup, Everybody};
pub use look::{Info, Listed, LookAtGroups, LookError, MemberPage};

//! What people are to each other: what is changed of it, what is read, and who may write to whom.

mod change;
mod forget;
mod look;

pub use change::ChangeContact;
pub use forget::ForgetStrangers;
pub use look::{ContactPage, LookAtContacts};

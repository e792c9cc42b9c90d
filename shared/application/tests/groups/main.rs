//! Changes of groups over the fakes: one after the other in any sequence, and side by side in every order of their calls.
#![expect(clippy::unwrap_used, reason = "a broken expectation ends the test")]

mod races;
mod sequences;
mod world;

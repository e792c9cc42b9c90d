//! Models of the protocols. What is checked is the domain's own step functions: the very machines that the use cases
//! drive against DynamoDB are driven here through every order of events that a small world allows. A model has no
//! rule of its own; it is only the world.
//!
//! In this world
//! - every call is a message: it takes effect some time after it was issued, also after its function died;
//! - a write may take effect twice, because the AWS SDK repeats what it heard no reply to;
//! - a reply may be lost, and the function then hears that the call failed, or hears nothing and dies;
//! - a function may die between any two steps, and may hear of a reply after its deadline;
//! - what may begin, begins at any time: a late first attempt after the second, a disconnect long after.
//!
//! Tables are those of the testkit's fakes, which the contract suites hold to what the adapters do. Reads are
//! strongly consistent, as the ports promise; a read's delay is the delay of the call after it.
//!
//! A [`Scenario`] says what may happen, and which properties hold always. It also names what must be reached
//! *sometimes*: a model that never meets the case that a rule is for proves nothing about the rule. [`check()`] explores
//! all of it, breadth first, so a counter-example is one of the shortest; it prints as one line a step.

pub mod cast;
mod check;
mod describe;
pub mod laws;
mod machine;
mod make;
mod moves;
mod scenario;
mod state;

pub use check::{Verdict, check};
pub use machine::{Answer, Call, Machine};
pub use moves::Action;
pub use scenario::{Job, Law, Scenario, Task};
pub use state::{Phase, Run, Socket, State};

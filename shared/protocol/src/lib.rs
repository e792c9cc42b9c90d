//! The wire: one JSON object per text frame, and a small HTTP API beside it.
//!
//! [`actions::ACTIONS`] is the one table of what can be asked over the socket, [`http::ROUTES`] of what can be
//! asked over HTTP. The schemas under `schema/`, the routes of the gateway, the methods of the SDKs and the tables
//! in the documentation are generated from them.
//!
//! Lists of entries and conversations always ascend. Unknown fields are ignored, unknown actions get an error.

pub mod actions;
pub mod body;
pub mod contact;
pub mod entry;
pub mod envelope;
pub mod error;
pub mod event;
pub mod generate;
pub mod group;
pub mod http;
pub mod limits;
pub mod news;
pub mod shape;
mod text;
pub mod user;

pub use text::Text;

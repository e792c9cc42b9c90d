//! The Rust client of Tidings.
//!
//! ```no_run
//! use tidings_client::{Body, Client, Next, Options, Store, Update};
//!
//! # async fn chat(peer: tidings_client::UserId) -> Result<(), Box<dyn std::error::Error>> {
//! let client = Client::open(Store::open("alice.db")?, Options::default()).await?;
//! let mut updates = client.updates();
//! client.connect().await;
//!
//! let message = client.send(client.direct(peer), Body::text("hi")).await?; // durable from here on
//! let place = message.acknowledged().await?; // in the log, for everybody, for ever
//!
//! while let Some(Next::Update(update)) = updates.next().await {
//!     if let Update::Entry { entry, .. } = &*update {
//!         // The next entry of its conversation: in order, without a hole, once.
//!         client.read(client.direct(peer), entry.seq).await?;
//!     }
//! }
//! # Ok(()) }
//! ```
//!
//! What it takes care of: a durable outbox that neither loses, doubles nor reorders across crashes ([`Client::send`]);
//! entries in order whatever the pushes do ([`Update::Entry`]); exact unread counts and read positions, also offline
//! ([`Client::conversations`], [`Client::read`]); staying connected and catching up after every loss; changes that are
//! done once, however often they have to be asked for ([`Client::groups`]).
//!
//! Inside, the rules are state machines without I/O (`outbox`, `timeline`), driven by one task (`engine`) that commits
//! before it acts.

mod client;
mod clock;
mod config;
mod contacts;
mod devices;
mod engine;
mod error;
mod generated;
pub mod groups;
mod history;
mod http;
mod outbox;
mod people;
mod session;
mod socket;
mod store;
mod timeline;
mod update;
mod view;

pub use tidings_domain::contact::Tag;
pub use tidings_domain::group::Greeting;
pub use tidings_domain::ids::{ClientId, ConversationId, DeviceId, GroupId, UserId};
pub use tidings_protocol::Text;
pub use tidings_protocol::actions::{self, Call, Sent};
pub use tidings_protocol::body::Body;
pub use tidings_protocol::contact::{ContactInfo, ContactState};
pub use tidings_protocol::entry::{Entry, EntryKind};
pub use tidings_protocol::error::{ErrorBody, ErrorCode};
pub use tidings_protocol::event::KickReason;
pub use tidings_protocol::http::EntriesQuery;
pub use tidings_protocol::news::News;
pub use tidings_protocol::user::{Own, User};

pub use crate::client::{Client, SendHandle, SignIn, SignUp};
pub use crate::config::{AfterWrite, Options, Timing};
pub use crate::contacts::Contacts;
pub use crate::error::{ApiError, CallError, NotSent, OpenError, SendError, StoreError};
pub use crate::http::Network;
pub use crate::people::ProfileChange;
pub use crate::store::{Durability, Store};
pub use crate::update::{Connection, ConnectionState, MessageState, Next, TYPING_FOR, Update, Updates};
pub use crate::view::{Conversation, HistoryPage, Outgoing, Page};

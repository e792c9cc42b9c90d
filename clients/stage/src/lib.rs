//! Many people on one stage: real clients in one process, whose every word is told to the history checker.
//!
//! A [`Stage`] signs people up and in, each with devices that run the real SDK, and connects them. Whatever they
//! [say](Device::say), hear and show goes into one history ([`Recorder`]). What they do is up to the play: a [`Dialogue`]
//! from a file ([`play`]), writing into one conversation at once ([`contend()`]), or a load run of its own. At the end
//! [`Stage::compare`] reads what every device and the server hold, and [`Recorder::judge`] says whether that is right.

mod cast;
mod compare;
mod contend;
mod device;
mod dialogues;
mod error;
mod files;
pub mod play;
mod progress;
mod quantiles;
mod record;

pub use cast::{Person, Settings, Stage};
pub use compare::Talk;
pub use contend::contend;
pub use device::{Device, Said};
pub use dialogues::{Dialogue, Part};
pub use error::StageError;
pub use files::raise_file_limit;
pub use progress::{Audience, Progress};
pub use quantiles::{Quantiles, per_second};
pub use record::Recorder;

//! Profiles: a folder for each person on each device.

use std::fs::{File, TryLockError};
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use etcetera::BaseStrategy;
use tidings_client::{Client, ConnectionState, Options, Store};
use tokio::time::timeout;

use crate::args::Place;
use crate::problem::{Problem, SIGNED_OUT};
use crate::say;

/// Exit code of the test hook.
const TEST_EXIT: i32 = 86;

/// How long what is in the outbox may take at the end of a command that was about something else.
const OUTBOX_WITHIN: Duration = Duration::from_secs(5);

/// A profile of which this process is the only user.
pub(crate) struct Profile {
    pub(crate) store: Store,
    pub(crate) options: Options,
    /// Held until the end: two processes with one device's identity would kick each other out.
    _lock: File,
}

impl Profile {
    /// Opens the profile's folder, or makes it.
    pub(crate) fn open(place: &Place) -> Result<Self, Problem> {
        Self::open_and(place, false)
    }

    /// Opens the profile's folder; if asked, forgets what is there.
    pub(crate) fn open_and(place: &Place, forget: bool) -> Result<Self, Problem> {
        let plain = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'-' | b'.');
        if place.profile.is_empty() || place.profile.starts_with('.') || !place.profile.bytes().all(plain) {
            return Err(Problem::told("a profile's name is of A-Z a-z 0-9 _ - ."));
        }
        let folder = home(place)?.join(&place.profile);
        std::fs::create_dir_all(&folder)
            .map_err(|error| Problem::told(format!("{} cannot be made: {error}", folder.display())))?;
        private(&folder)?;
        let lock = File::create(folder.join("lock"))?;
        match lock.try_lock() {
            Ok(()) => {}
            Err(TryLockError::WouldBlock) => {
                return Err(Problem::told(format!(
                    "the profile `{}` is in use by another `tidings`; end that one, or sign in again under another \
                     --profile: a second device sees the same",
                    place.profile
                )));
            }
            Err(TryLockError::Error(error)) => return Err(error.into()),
        }
        if forget {
            for file in ["store.db", "store.db-wal", "store.db-shm"] {
                match std::fs::remove_file(folder.join(file)) {
                    Err(error) if error.kind() != std::io::ErrorKind::NotFound => return Err(error.into()),
                    _ => {}
                }
            }
        }
        Ok(Self { store: Store::open(folder.join("store.db"))?, options: options(place), _lock: lock })
    }

    /// The client of who is signed in here.
    pub(crate) async fn client(&self, place: &Place) -> Result<Client, Problem> {
        let client = Client::open(self.store.clone(), self.options.clone()).await?;
        match &place.server {
            Some(server) if server.trim_end_matches('/') != client.server() => Err(Problem::told(format!(
                "this profile is signed in at {}, not at {server}; use another --profile",
                client.server()
            ))),
            _ => Ok(client),
        }
    }
}

fn home(place: &Place) -> Result<PathBuf, Problem> {
    if let Some(home) = &place.home {
        return Ok(home.clone());
    }
    let platform = etcetera::choose_base_strategy()
        .map_err(|error| Problem::told(format!("{error}; name a folder in TIDINGS_HOME")))?;
    Ok(platform.data_dir().join("tidings"))
}

/// What is in a profile is nobody else's business: it holds tokens and messages.
#[cfg(unix)]
fn private(folder: &std::path::Path) -> Result<(), Problem> {
    use std::os::unix::fs::PermissionsExt;
    Ok(std::fs::set_permissions(folder, std::fs::Permissions::from_mode(0o700))?)
}

#[cfg(not(unix))]
fn private(_: &std::path::Path) -> Result<(), Problem> {
    Ok(())
}

fn options(place: &Place) -> Options {
    let mut options = Options::default();
    if place.test_exit_after_write.as_deref().is_some_and(|value| !value.is_empty() && value != "0") {
        options.after_write = Some(Arc::new(|action| {
            if action == "message.send" {
                std::process::exit(TEST_EXIT);
            }
        }));
    }
    options
}

/// Why there is no connection.
pub(crate) enum Offline {
    /// It has not come about in time.
    Unreachable(String),
    /// Signing in again is needed.
    SignedOut,
}

impl From<Offline> for Problem {
    fn from(offline: Offline) -> Self {
        match offline {
            Offline::Unreachable(reason) => Self::Told(reason),
            Offline::SignedOut => Self::told(SIGNED_OUT),
        }
    }
}

/// How long a connection may take where a command can do nothing without one.
pub(crate) const ONLINE_WITHIN: Duration = Duration::from_secs(10);

/// Connects, and waits until this device is caught up.
pub(crate) async fn online(client: &Client, within: Duration) -> Result<(), Offline> {
    let mut connection = client.connection();
    client.connect().await;
    let mut why = String::from("the server does not answer");
    let settled = connection.until(|state| {
        if let ConnectionState::Offline { reason, retry_in: Some(_) } = state {
            reason.clone_into(&mut why);
        }
        matches!(state, ConnectionState::Online | ConnectionState::SignedOut | ConnectionState::Closed)
    });
    match timeout(within, settled).await {
        Ok(Some(ConnectionState::Online)) => Ok(()),
        Ok(Some(ConnectionState::SignedOut)) => Err(Offline::SignedOut),
        Ok(_) | Err(_) => Err(Offline::Unreachable(why)),
    }
}

/// Connects if that is possible soon; says so and goes on with what is here if not.
pub(crate) async fn online_if_possible(client: &Client) -> Result<(), Problem> {
    match online(client, Duration::from_secs(5)).await {
        Ok(()) => Ok(()),
        Err(Offline::SignedOut) => Err(Offline::SignedOut.into()),
        Err(Offline::Unreachable(reason)) => {
            say::note(format_args!("offline ({reason}); this is what this device has"));
            Ok(())
        }
    }
}

/// Ends the client. What earlier commands left in the outbox gets a moment to go out first, if there is a connection.
pub(crate) async fn leave(client: &Client) {
    if client.connection().state() == ConnectionState::Online {
        let _ = timeout(OUTBOX_WITHIN, client.idle()).await;
    }
    client.close().await;
}

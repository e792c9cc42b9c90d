//! The people on stage: fresh accounts, each with devices that run the real client.

use std::fmt;

use futures_util::{StreamExt, TryStreamExt, stream};
use rand::RngExt;
use rand::distr::Alphanumeric;
use std::time::Duration;
use tempfile::TempDir;
use tidings_checker::History;
use tidings_client::{Client, Durability, Options, SignIn, SignUp, Store, UserId};
use tidings_domain::identity::{Password, Platform, Username};

use crate::device::Device;
use crate::error::StageError;
use crate::progress::{Audience, Steps};
use crate::record::Recorder;

/// How long all devices may take to be connected, each.
const CONNECT_WITHIN: Duration = Duration::from_mins(2);

/// So many devices connect at the same time: the gateway's account takes 500 new connections a second.
const CONNECTING: usize = 64;

/// Characters of a person's name that go into a user name.
const NAME_PART: usize = 10;

/// What is the same for everybody on stage.
#[derive(Clone, Debug)]
pub struct Settings {
    /// The clients' waits and buffers. They share its network.
    pub options: Options,
    /// How well the devices' store survives. All share one file and its commits.
    pub durability: Durability,
    /// So many people sign up and in at the same time; password hashing is slow on purpose.
    pub signing_in: usize,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            // Whatever a device missed, it has everything in the end, so that transcripts are whole.
            options: Options { update_buffer: 256, first_page: u64::MAX, ..Options::default() },
            durability: Durability::Process,
            signing_in: 8,
        }
    }
}

/// Makes people and remembers what they do.
pub struct Stage {
    server: String,
    settings: Settings,
    store: Store,
    /// Makes the names of this run its own, so that one server sees many runs.
    run: String,
    password: Password,
    recorder: Recorder,
    pub(crate) audience: Audience,
    _folder: TempDir,
}

impl fmt::Debug for Stage {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Stage").field("server", &self.server).field("run", &self.run).finish_non_exhaustive()
    }
}

/// Somebody.
#[derive(Debug)]
pub struct Person {
    /// Their id.
    pub user: UserId,
    /// What they use.
    pub devices: Vec<Device>,
}

impl Stage {
    /// A stage without people, at this server. Where clients never begin with their newest page, the verdict holds them to
    /// that.
    pub fn new(server: &str, settings: Settings, audience: Audience) -> Result<Self, StageError> {
        let folder = tempfile::tempdir()?;
        let store = Store::open_with(folder.path().join("devices.db"), settings.durability)?;
        let letters = rand::rng().sample_iter(Alphanumeric).map(char::from);
        let mut letters = letters.filter(|letter| !letter.is_ascii_uppercase());
        let run: String = letters.by_ref().take(6).collect();
        let secret: String = letters.take(24).collect();
        let recorder = Recorder::default();
        if settings.options.first_page == u64::MAX {
            recorder.tell(History::expect_whole);
        }
        Ok(Self {
            server: server.to_owned(),
            settings,
            store,
            run,
            password: secret.parse()?,
            recorder,
            audience,
            _folder: folder,
        })
    }

    /// What everybody tells.
    pub const fn recorder(&self) -> &Recorder {
        &self.recorder
    }

    /// Accounts with so many devices each for people who are called so, signed in and not yet connected.
    pub async fn people(&self, names: &[String], devices: usize) -> Result<Vec<Person>, StageError> {
        let steps = Steps::begin(&self.audience, "signing in devices", names.len() * devices);
        let arriving = names.iter().enumerate().map(|(number, name)| self.person(number, name, devices, &steps));
        stream::iter(arriving).buffered(self.settings.signing_in).try_collect().await
    }

    async fn person(&self, number: usize, name: &str, devices: usize, steps: &Steps<'_>) -> Result<Person, StageError> {
        let username: Username = format!("r{}{number}.{}", part(name), self.run).parse()?;
        let person = SignUp {
            username: username.clone(),
            password: self.password.clone(),
            display_name: username.as_str().parse()?,
        };
        let user = Client::sign_up(&self.settings.options.network, &self.server, person).await?.id.0;
        let mut person = Person { user, devices: Vec::new() };
        for number in 0..devices {
            let name = format!("{username} {number}");
            let store = self.store.profile(&name).await?;
            let login = SignIn {
                server: self.server.clone(),
                username: username.clone(),
                password: self.password.clone(),
                device_name: format!("Device {number}").parse()?,
                platform: if number == 0 { Platform::Phone } else { Platform::Desktop },
            };
            let client = Client::sign_in(store, self.settings.options.clone(), login).await?;
            person.devices.push(Device::new(client, &name, self.recorder.clone()));
            steps.step();
        }
        Ok(person)
    }

    /// Brings devices online.
    pub async fn connect(&self, devices: &[&Device]) -> Result<(), StageError> {
        let steps = Steps::begin(&self.audience, "connecting devices", devices.len());
        let connecting = devices.iter().map(|device| async {
            device.go_online(CONNECT_WITHIN).await?;
            steps.step();
            Ok(())
        });
        stream::iter(connecting).buffer_unordered(CONNECTING).try_collect::<Vec<()>>().await.map(drop)
    }
}

/// What of a name may stand in a user name.
fn part(name: &str) -> String {
    let plain = |letter: &char| letter.is_ascii_lowercase() || letter.is_ascii_digit() || *letter == '_';
    name.to_ascii_lowercase().chars().filter(plain).take(NAME_PART).collect()
}

//! The people of a replay: fresh accounts, each with devices that run the real client.

use std::sync::Arc;
use std::time::Duration;

use futures_util::{StreamExt, TryStreamExt, stream};
use rand::RngExt;
use rand::distr::Alphanumeric;
use tidings_client::{Client, ConnectionState, ConversationId, Network, Options, SignIn, SignUp, Store, UserId};
use tidings_domain::identity::{Password, Platform, Username};
use tokio::time::timeout;

use super::Progress;
use super::watch::Watch;
use crate::args::Replay;
use crate::problem::Problem;

/// How long all devices may take to be connected, each.
const CONNECT_WITHIN: Duration = Duration::from_mins(2);

/// So many devices connect at the same time: the gateway's account takes 500 new connections a second.
const CONNECTING: usize = 64;

/// Characters of a name in the file that go into a user name.
const NAME_PART: usize = 10;

/// Makes people.
pub(super) struct Cast {
    server: String,
    network: Network,
    store: Store,
    devices: usize,
    parallel: usize,
    /// Makes the names of this run its own, so that one server sees many runs.
    run: String,
    password: Password,
    buffer: usize,
}

/// Somebody.
pub(super) struct Person {
    pub(super) user: UserId,
    pub(super) devices: Vec<Device>,
}

/// A device of somebody.
pub(super) struct Device {
    pub(super) client: Client,
    pub(super) watch: Watch,
}

/// Two people and their conversation.
pub(super) struct Pair {
    pub(super) conversation: ConversationId,
    pub(super) people: [Person; 2],
}

impl Pair {
    /// All devices of both.
    pub(super) fn devices(&self) -> impl Iterator<Item = &Device> {
        self.people.iter().flat_map(|person| &person.devices)
    }
}

impl Cast {
    pub(super) fn new(server: &str, store: Store, replay: &Replay) -> Result<Self, Problem> {
        let letters = rand::rng().sample_iter(Alphanumeric).map(char::from);
        let mut letters = letters.filter(|letter| !letter.is_ascii_uppercase());
        let run: String = letters.by_ref().take(6).collect();
        let secret: String = letters.take(24).collect();
        Ok(Self {
            server: server.to_owned(),
            network: Network::default(),
            store,
            devices: usize::from(replay.devices),
            parallel: usize::from(replay.parallel),
            run,
            password: secret.parse()?,
            buffer: if replay.contend { 16 * 1024 } else { 256 },
        })
    }

    /// Accounts and devices for everybody, all connected. `names` are those of two people and of what they share.
    pub(super) async fn pairs(&self, names: Vec<([String; 2], String)>) -> Result<Vec<Arc<Pair>>, Problem> {
        let progress = Progress::new("signing in devices", names.len() * 2 * self.devices);
        let registering = names.into_iter().map(|(people, shared)| self.pair(people, shared, &progress));
        // Both people of a pair come one after the other, so this many hashes run at once.
        let pairs: Vec<Pair> = stream::iter(registering).buffered(self.parallel).try_collect().await?;
        progress.end();
        let devices: Vec<&Device> = pairs.iter().flat_map(Pair::devices).collect();
        let progress = Progress::new("connecting devices", devices.len());
        let connecting = devices.iter().map(|device| connect(&device.client, &progress));
        stream::iter(connecting).buffer_unordered(CONNECTING).try_collect::<Vec<()>>().await?;
        progress.end();
        Ok(pairs.into_iter().map(Arc::new).collect())
    }

    async fn pair(&self, [one, other]: [String; 2], shared: String, progress: &Progress) -> Result<Pair, Problem> {
        let (one, one_devices) = self.person(&one, &shared, progress).await?;
        let (other, other_devices) = self.person(&other, &shared, progress).await?;
        let conversation = ConversationId::direct(one, other);
        let people = [(one, one_devices), (other, other_devices)].map(|(user, clients)| {
            let device = |client: Client| Device { watch: Watch::new(&client, conversation), client };
            Person { user, devices: clients.into_iter().map(device).collect() }
        });
        Ok(Pair { conversation, people })
    }

    async fn person(&self, name: &str, shared: &str, progress: &Progress) -> Result<(UserId, Vec<Client>), Problem> {
        let username: Username = format!("r{}{}.{}", part(name), part(shared), self.run).parse()?;
        let person = SignUp {
            username: username.clone(),
            password: self.password.clone(),
            display_name: username.as_str().parse()?,
        };
        let user = Client::sign_up(&self.network, &self.server, person).await?.id.0;
        let mut clients = Vec::new();
        for number in 0..self.devices {
            let store = self.store.profile(&format!("{username} {number}")).await?;
            let options = Options { network: self.network.clone(), update_buffer: self.buffer, ..Options::default() };
            let login = SignIn {
                server: self.server.clone(),
                username: username.clone(),
                password: self.password.clone(),
                device_name: format!("Replay {number}").parse()?,
                platform: if number == 0 { Platform::Phone } else { Platform::Desktop },
            };
            clients.push(Client::sign_in(store, options, login).await?);
            progress.step();
        }
        Ok((user, clients))
    }
}

/// What of a name in the file may stand in a user name.
fn part(name: &str) -> String {
    let plain = |letter: &char| letter.is_ascii_lowercase() || letter.is_ascii_digit() || *letter == '_';
    name.to_ascii_lowercase().chars().filter(plain).take(NAME_PART).collect()
}

async fn connect(client: &Client, progress: &Progress) -> Result<(), Problem> {
    let mut connection = client.connection();
    client.connect().await;
    let mut why = String::from("no answer");
    let settled = connection.until(|state| {
        if let ConnectionState::Offline { reason, retry_in: Some(_) } = state {
            reason.clone_into(&mut why);
        }
        matches!(state, ConnectionState::Online | ConnectionState::SignedOut)
    });
    match timeout(CONNECT_WITHIN, settled).await {
        Ok(Some(ConnectionState::Online)) => {
            progress.step();
            Ok(())
        }
        _ => Err(Problem::told(format!("a device cannot connect: {why}"))),
    }
}

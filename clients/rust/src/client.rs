//! The client: what a program holds.

use std::sync::Arc;
use std::time::Duration;

use tidings_domain::identity::{DisplayName, Password, Platform, Username};
use tidings_domain::ids::{ClientId, ConversationId, DeviceId, UserId};
use tidings_protocol::actions::{Call, Sent, UserGet};
use tidings_protocol::body::Body;
use tidings_protocol::http::{CreateAccount, CreateSession, Device};
use tidings_protocol::user::User;
use tokio::sync::{broadcast, mpsc, oneshot, watch};
use tokio::time::sleep;

use crate::clock::{self, Dice};
use crate::config::Options;
use crate::engine::{Change, Command, Ending, Engine};
use crate::error::{ApiError, CallError, NotSent, OpenError, SendError, StoreError};
use crate::http::{Api, Network};
use crate::session::{Account, Session};
use crate::store::{Store, Write};
use crate::update::{Connection, ConnectionState, Update, Updates};
use crate::view::{Conversation, Outgoing};

/// How often signing up and in is tried while the server is busy or away.
const TRIES: u32 = 3;

/// A new person.
#[derive(Clone, Debug)]
pub struct SignUp {
    /// Unique.
    pub username: Username,
    /// The secret.
    pub password: Password,
    /// What others see.
    pub display_name: DisplayName,
}

/// Who signs in, and on what.
#[derive(Clone, Debug)]
pub struct SignIn {
    /// The server's address: `https://...`.
    pub server: String,
    /// Who.
    pub username: Username,
    /// The secret.
    pub password: Password,
    /// For the person's list of devices.
    pub device_name: DisplayName,
    /// The device's class.
    pub platform: Platform,
}

/// One device of one person. Cheap to clone; its task ends with the last clone, or with [`Client::close`].
#[derive(Clone, Debug)]
pub struct Client {
    commands: mpsc::Sender<Command>,
    updates: broadcast::Sender<Arc<Update>>,
    states: watch::Receiver<ConnectionState>,
    pub(crate) account: Arc<Account>,
    pub(crate) store: Store,
    me: User,
    device: DeviceId,
}

impl Client {
    /// Creates an account. A lost answer is asked for again; it does not make a second account.
    pub async fn sign_up(network: &Network, server: &str, person: SignUp) -> Result<User, ApiError> {
        let api = Api::new(network.clone(), server)?;
        let account = CreateAccount {
            username: person.username.into(),
            password: person.password.into(),
            display_name: person.display_name.into(),
            client_id: Some(Dice::new(None).client_id(clock::now()).into()),
        };
        Ok(patiently(&Options::default(), || api.create_account(&account)).await?.user)
    }

    /// Signs in on this device and remembers it in the store. A store that has data of the same person keeps it.
    pub async fn sign_in(store: Store, options: Options, login: SignIn) -> Result<Self, OpenError> {
        let api = Api::new(options.network.clone(), &login.server)?;
        let owner = store.owner().await?;
        let device = match &owner {
            Some(owner) if owner.server != api.server() => return Err(OpenError::OtherServer(owner.server.clone())),
            Some(owner) => owner.device.clone(),
            None => new_device(&options)?,
        };
        let request = CreateSession {
            username: login.username.into(),
            password: login.password.into(),
            device: Device {
                id: device.clone().into(),
                name: login.device_name.into(),
                platform: login.platform.into(),
            },
        };
        let reply = patiently(&options, || api.create_session(&request)).await?;
        if let Some(owner) = owner
            && owner.user.id != reply.user.id
        {
            return Err(OpenError::OtherUser(owner.user.id.0));
        }
        let session = Session::new(api.server(), device, reply);
        store.write(vec![Write::Session(Some(session.clone())), Write::Person(session.user.clone())]).await?;
        Self::start(store, options, api, session).await
    }

    /// Who signed in with this store last, whether or not the session lasts.
    pub async fn owner(store: &Store) -> Result<Option<User>, StoreError> {
        Ok(store.owner().await?.map(|owner| owner.user))
    }

    /// Opens the device that signed in with this store before. Works without a network.
    pub async fn open(store: Store, options: Options) -> Result<Self, OpenError> {
        let owner = store.owner().await?.ok_or(OpenError::NotSignedIn)?;
        let session = owner.session.ok_or(OpenError::NotSignedIn)?;
        let api = Api::new(options.network.clone(), &session.server)?;
        Self::start(store, options, api, session).await
    }

    async fn start(store: Store, options: Options, api: Api, session: Session) -> Result<Self, OpenError> {
        let (me, device) = (session.user.clone(), session.device.clone());
        let (updates, _) = broadcast::channel(options.update_buffer.max(1));
        let begin = ConnectionState::Offline { reason: "not connected".into(), retry_in: None };
        let (states, state) = watch::channel(begin);
        let account = Arc::new(Account::new(api, store.clone(), session));
        let told = (updates.clone(), states);
        let commands = Engine::start(options, account.clone(), store.clone(), me.id.0, told).await?;
        Ok(Self { commands, updates, states: state, account, store, me, device })
    }

    /// Who is signed in.
    pub const fn me(&self) -> &User {
        &self.me
    }

    /// This device.
    pub const fn device(&self) -> &DeviceId {
        &self.device
    }

    /// The server's address.
    pub fn server(&self) -> &str {
        self.account.api.server()
    }

    /// The direct conversation with somebody; with oneself one's own notes.
    pub fn direct(&self, peer: UserId) -> ConversationId {
        ConversationId::direct(self.me.id.0, peer)
    }

    /// Goes online and stays so: connects, and again after every loss, until [`Client::disconnect`] or the end.
    /// While it waits before a new attempt, this makes it now.
    pub async fn connect(&self) {
        self.tell(Command::Connect).await;
    }

    /// Goes offline. Messages can still be sent; they wait in the outbox.
    pub async fn disconnect(&self) {
        self.tell(Command::Disconnect).await;
    }

    /// Asks what happened since, now: after the machine slept, or to be sure.
    pub async fn wake(&self) {
        self.tell(Command::Sync).await;
    }

    /// A reader of what happens from now on.
    pub fn updates(&self) -> Updates {
        Updates(self.updates.subscribe())
    }

    /// The state of the connection, now and later.
    pub fn connection(&self) -> Connection {
        Connection(self.states.clone())
    }

    /// Sends a message. It is durable when this returns: it will arrive, once, in this order, whatever happens to
    /// this process. The handle tells when it is acknowledged.
    pub async fn send(&self, conversation: ConversationId, body: Body) -> Result<SendHandle, SendError> {
        let bytes = body.encode()?.len();
        let (answer, answered) = oneshot::channel();
        self.tell(Command::Send { conversation, body, bytes, answer }).await;
        let (client_id, ending) = answered.await.map_err(|_| SendError::Closed)??;
        Ok(SendHandle { client_id, ending })
    }

    /// I have read everything up to `seq`. Durable here when this returns; the server and my other devices learn
    /// it soon, or with the next connection.
    pub async fn read(&self, conversation: ConversationId, seq: u64) -> Result<(), CallError> {
        let (answer, answered) = oneshot::channel();
        self.tell(Command::Read { conversation, seq, answer }).await;
        Ok(answered.await.map_err(|_| CallError::Closed)??)
    }

    /// Asks the server over the socket. Sent again until there is an answer or the time is up. What changes something
    /// goes through [`Client::change`], messages through [`Client::send`] instead.
    pub async fn call<C: Call>(&self, request: C) -> Result<C::Reply, CallError> {
        let fields = serde_json::to_value(&request).map_err(|error| CallError::Garbled(error.to_string()))?;
        let (answer, answered) = oneshot::channel();
        self.tell(Command::Call { action: C::ACTION, fields, answer }).await;
        let reply = answered.await.map_err(|_| CallError::Closed)??;
        serde_json::from_value(reply).map_err(|error| CallError::Garbled(error.to_string()))
    }

    /// Changes something: `request` under a client id that is made here. Sent again under the same one until there is an
    /// answer or the time is up ([`crate::Timing::change_within`]), so it is done once or not at all.
    pub async fn change<C: Call>(
        &self,
        request: impl Fn(ClientId) -> C + Send + 'static,
    ) -> Result<C::Reply, CallError> {
        // Strings, numbers and flags alone: this cannot fail.
        let change = Change::new(move |client_id| serde_json::to_value(request(client_id)).unwrap_or_default());
        let (answer, answered) = oneshot::channel();
        self.tell(Command::Change { action: C::ACTION, change, answer }).await;
        let reply = answered.await.map_err(|_| CallError::Closed)??;
        serde_json::from_value(reply).map_err(|error| CallError::Garbled(error.to_string()))
    }

    /// A change was told here. The device that makes one is answered instead of pushed to: it fetches the entry by itself.
    pub(crate) async fn told(&self, conversation: ConversationId, seq: u64) {
        self.tell(Command::Exists { conversation, seq }).await;
    }

    /// Every conversation that this device knows, in the order of their ids.
    pub async fn conversations(&self) -> Result<Vec<Conversation>, CallError> {
        self.view(None).await
    }

    /// One conversation, if this device knows it.
    pub async fn conversation(&self, conversation: ConversationId) -> Result<Option<Conversation>, CallError> {
        Ok(self.view(Some(conversation)).await?.pop())
    }

    async fn view(&self, only: Option<ConversationId>) -> Result<Vec<Conversation>, CallError> {
        let (answer, answered) = oneshot::channel();
        self.tell(Command::Conversations(only, answer)).await;
        answered.await.map_err(|_| CallError::Closed)
    }

    /// Messages of this device that are not acknowledged: on their way, or refused for good.
    pub async fn outbox(&self) -> Result<Vec<Outgoing>, CallError> {
        let (answer, answered) = oneshot::channel();
        self.tell(Command::Outbox(answer)).await;
        answered.await.map_err(|_| CallError::Closed)
    }

    /// Returns when nothing of this device is on its way any more: no message, no read position.
    pub async fn idle(&self) -> Result<(), CallError> {
        let (answer, answered) = oneshot::channel();
        self.tell(Command::Idle(answer)).await;
        answered.await.map_err(|_| CallError::Closed)
    }

    /// A person's card, as it was last seen or else as the server has it.
    pub async fn user(&self, user: UserId) -> Result<User, CallError> {
        if user == self.me.id.0 {
            return Ok(self.me.clone());
        }
        match self.store.person(user).await? {
            Some(card) => Ok(card),
            None => self.ask_user(UserGet { user: Some(user.into()), username: None }).await,
        }
    }

    /// The card of the person with this user name. A name may pass to somebody else, so what was seen before counts
    /// only offline.
    pub async fn user_named(&self, username: Username) -> Result<User, CallError> {
        if self.connection().state() == ConnectionState::Online {
            return self.ask_user(UserGet { user: None, username: Some(username.into()) }).await;
        }
        match self.store.person_named(username.as_str()).await? {
            Some(card) => Ok(card),
            None => self.ask_user(UserGet { user: None, username: Some(username.into()) }).await,
        }
    }

    async fn ask_user(&self, request: UserGet) -> Result<User, CallError> {
        let user = self.call(request).await?.user;
        self.store.write(vec![Write::Person(user.clone())]).await?;
        Ok(user)
    }

    /// Ends the client. What is in the outbox stays there. Returns when everything is stored and the socket is given
    /// up.
    pub async fn close(&self) {
        let (answer, answered) = oneshot::channel();
        self.tell(Command::Close(answer)).await;
        // An engine that has ended already has nothing left to do.
        let _ = answered.await;
    }

    pub(crate) async fn tell(&self, command: Command) {
        // If the engine has ended, the answer's other end is gone too, and the caller sees that.
        let _ = self.commands.send(command).await;
    }
}

/// A message on its way.
#[derive(Debug)]
pub struct SendHandle {
    client_id: ClientId,
    ending: oneshot::Receiver<Ending>,
}

impl SendHandle {
    /// What this device called the message.
    pub const fn client_id(&self) -> ClientId {
        self.client_id
    }

    /// Waits until the message is in the log, however long that takes, or is refused for good.
    pub async fn acknowledged(self) -> Result<Sent, NotSent> {
        self.ending.await.unwrap_or(Err(NotSent::Closed))
    }
}

fn new_device(options: &Options) -> Result<DeviceId, OpenError> {
    let id = Dice::new(options.seed).client_id(clock::now()).to_string();
    id.parse().map_err(|error| OpenError::Store(StoreError(format!("{error}"))))
}

/// Tries a few times while the failure may pass.
pub(crate) async fn patiently<T, F>(options: &Options, request: impl Fn() -> F) -> Result<T, ApiError>
where
    F: Future<Output = Result<T, ApiError>>,
{
    let mut dice = Dice::new(options.seed);
    let mut tries = 0;
    loop {
        tries += 1;
        match request().await {
            Err(error) if error.retryable() && tries < TRIES => {
                let asked = match &error {
                    ApiError::Refused(error) => error.retry_after_ms.unwrap_or(0),
                    _ => 0,
                };
                let wait = dice.back_off(options.timing.back_off_base, options.timing.back_off_cap, tries);
                sleep(wait.max(Duration::from_millis(asked))).await;
            }
            answer => return answer,
        }
    }
}

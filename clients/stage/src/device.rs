//! A device on stage: the real client, with everything it does on record.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use tidings_checker::{DeviceKey, History};
use tidings_client::{
    Body, CallError, Client, ClientId, ConnectionState, ConversationId, MessageState, Next, NotSent, SendHandle,
    Update, Updates, UserId,
};
use tokio::sync::{Mutex, watch};
use tokio::time::timeout;

use crate::error::StageError;
use crate::record::{self, Recorder};

/// A device of somebody.
#[derive(Debug)]
pub struct Device {
    /// Whose.
    pub user: UserId,
    /// The client that it runs.
    pub client: Client,
    key: DeviceKey,
    recorder: Recorder,
    /// Changes whenever something is shown, an entry or a number of unread ones.
    shown: watch::Receiver<()>,
    tries: Arc<AtomicU64>,
    /// What is told must be told in the order in which it was said.
    saying: Mutex<()>,
}

/// A message that was said.
#[derive(Debug)]
pub struct Said {
    handle: SendHandle,
    conversation: ConversationId,
    device: DeviceKey,
    recorder: Recorder,
    began: Instant,
}

impl Device {
    /// Puts a client on stage. From here on its user misses nothing, or the verdict says so.
    pub(crate) fn new(client: Client, name: &str, recorder: Recorder) -> Self {
        let user = client.me().id.0;
        let key = recorder.tell(|history| history.device(user, name));
        let (show, shown) = watch::channel(());
        let tries = Arc::new(AtomicU64::new(0));
        tokio::spawn(follow(client.updates(), key, recorder.clone(), show, tries.clone()));
        Self { user, client, key, recorder, shown, tries, saying: Mutex::new(()) }
    }

    /// What the checker calls it.
    pub const fn key(&self) -> DeviceKey {
        self.key
    }

    /// How often a message of this device was written to a socket: once each, and again for each resend.
    pub fn tries(&self) -> u64 {
        self.tries.load(Ordering::Relaxed)
    }

    /// Hands a text to the client.
    pub async fn say(&self, conversation: ConversationId, text: impl Into<String>) -> Result<Said, StageError> {
        let body = Body::text(text);
        let digest = record::digest(&body);
        let turn = self.saying.lock().await;
        let before = self.recorder.tell(History::now);
        let began = Instant::now();
        let handle = self.client.send(conversation, body).await?;
        let client_id = handle.client_id();
        self.recorder.tell(|history| history.sent(self.key, conversation, client_id, digest, before));
        drop(turn);
        Ok(Said { handle, conversation, device: self.key, recorder: self.recorder.clone(), began })
    }

    /// Waits until this entry was shown; whether it was in time.
    pub async fn has_shown(&self, conversation: ConversationId, seq: u64, within: Duration) -> bool {
        let far_enough = async || self.recorder.tell(|history| history.last_shown(self.key, conversation)) >= seq;
        self.comes_to(far_enough, within).await
    }

    /// Its user reads everything up to `seq` on it.
    pub async fn read(&self, conversation: ConversationId, seq: u64) -> Result<(), CallError> {
        self.client.read(conversation, seq).await?;
        self.recorder.tell(|history| history.read(self.key, conversation, seq));
        Ok(())
    }

    /// Its user reads everything that it has shown.
    pub async fn read_shown(&self, conversation: ConversationId) -> Result<(), CallError> {
        let last = self.recorder.tell(|history| history.last_shown(self.key, conversation));
        self.read(conversation, last).await
    }

    /// Waits until it knows that its user has read up to here, on whichever device; whether it was in time.
    pub async fn knows_read(&self, conversation: ConversationId, seq: u64, within: Duration) -> bool {
        let read_seq = async || self.client.conversation(conversation).await.ok().flatten().map_or(0, |it| it.read_seq);
        self.comes_to(async || read_seq().await >= seq, within).await
    }

    /// Waits until the server has taken all its messages and read positions; whether it was in time.
    pub async fn has_told(&self, within: Duration) -> bool {
        timeout(within, self.client.idle()).await.is_ok()
    }

    /// Looks again whenever something is shown, until it is so or the time is up.
    async fn comes_to(&self, so: impl AsyncFn() -> bool, within: Duration) -> bool {
        let mut shown = self.shown.clone();
        let waiting = async {
            // When the client ends nothing more comes.
            while !so().await && shown.changed().await.is_ok() {}
        };
        let _ = timeout(within, waiting).await;
        so().await
    }

    /// Gives the connection up, as when somebody closes the lid.
    pub async fn go_offline(&self) {
        let mut connection = self.client.connection();
        self.client.disconnect().await;
        // When the client has ended, it is as offline as it can be.
        let _ = connection.until(|state| !is_up(state)).await;
    }

    /// Connects and waits until it has caught up.
    pub async fn go_online(&self, within: Duration) -> Result<(), StageError> {
        let mut connection = self.client.connection();
        self.client.connect().await;
        let mut why = String::from("no answer");
        let settled = connection.until(|state| {
            if let ConnectionState::Offline { reason, retry_in: Some(_) } = state {
                reason.clone_into(&mut why);
            }
            matches!(state, ConnectionState::Online | ConnectionState::SignedOut)
        });
        match timeout(within, settled).await {
            Ok(Some(ConnectionState::Online)) => Ok(()),
            _ => Err(StageError::NotOnline(why)),
        }
    }
}

fn is_up(state: &ConnectionState) -> bool {
    matches!(state, ConnectionState::Connecting | ConnectionState::Syncing | ConnectionState::Online)
}

impl Said {
    /// What its device calls it.
    pub const fn client_id(&self) -> ClientId {
        self.handle.client_id()
    }

    /// Waits until it is acknowledged, however long that takes, and says how long it took.
    pub async fn acknowledged(self) -> Result<Duration, NotSent> {
        let Self { handle, conversation, device, recorder, began } = self;
        let client_id = handle.client_id();
        let ending = handle.acknowledged().await;
        let took = began.elapsed();
        match &ending {
            Ok(sent) => recorder.tell(|history| history.acknowledged(device, conversation, client_id, sent.seq)),
            Err(NotSent::Refused(_)) => recorder.tell(|history| history.refused(device, conversation, client_id)),
            // Still in the outbox: nobody knows.
            Err(_) => {}
        }
        ending.map(|_| took)
    }
}

/// Tells the checker what the device shows, until it ends.
async fn follow(
    mut updates: Updates,
    key: DeviceKey,
    recorder: Recorder,
    show: watch::Sender<()>,
    tries: Arc<AtomicU64>,
) {
    while let Some(next) = updates.next().await {
        match next {
            Next::Missed(_) => recorder.tell(|history| history.missed(key)),
            Next::Update(update) => match &*update {
                Update::Entry { conversation, entry } => {
                    recorder.tell(|history| history.shown(key, *conversation, record::seen(entry)));
                }
                Update::Jumped { conversation, to } => {
                    recorder.tell(|history| history.jumped(key, *conversation, *to));
                }
                Update::Message { state: MessageState::Sent, .. } => {
                    tries.fetch_add(1, Ordering::Relaxed);
                    continue;
                }
                Update::Unread { .. } => {}
                _ => continue,
            },
        }
        show.send_replace(());
    }
}

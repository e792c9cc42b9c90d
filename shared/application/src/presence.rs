//! Presence: asked for, watched, and told to those who watch.

use std::collections::BTreeSet;
use std::pin::pin;

use futures_util::future::{Either, select};
use futures_util::stream::{self, StreamExt, TryStreamExt};
use tidings_domain::contact::Relation;
use tidings_domain::delivery::Event;
use tidings_domain::ids::{DeviceId, UserId};
use tidings_domain::presence::{Presence, Sighting, Watcher, visible};
use tidings_domain::profile::PresenceTo;
use tidings_domain::time::Timestamp;

use crate::clock::Clock;
use crate::error::PortError;
use crate::fleeting::tell;
use crate::identity::ports::AccountRead;
use crate::ports::{AudienceRead, Gateway, RelationRead, SightingRead, WatchRead, WatchWrite, WatcherRead};

/// Reads and writes under way at once: more would not be faster on one small function.
const AT_ONCE: usize = 16;

/// How long a device that connects waits until others are told, in milliseconds: some round trips, and far less than the
/// function's time-out when a table is throttled or a hundred watchers are asked for.
const TELL_BUDGET_MS: u64 = 1_000;

/// To whom people show their presence: their accounts say to which circle, their inboxes who is in it.
#[derive(Clone, Debug)]
pub struct Circles<A, R> {
    /// The accounts.
    pub accounts: A,
    /// Who is whose contact.
    pub relations: R,
}

impl<A: AccountRead, R: RelationRead> AudienceRead for Circles<A, R> {
    async fn audience(&self, owner: UserId, viewer: UserId) -> Result<(PresenceTo, Relation), PortError> {
        let account = self.accounts.account(owner).await?;
        let audience = account.map_or(PresenceTo::Nobody, |account| account.profile.presence_to);
        let relation = match audience {
            PresenceTo::Contacts => self.relations.relation(owner, viewer).await?,
            // Of no account.
            PresenceTo::Everybody | PresenceTo::Nobody => Relation::Stranger,
        };
        Ok((audience, relation))
    }
}

/// Whether the viewer may know the owner's presence.
async fn may_see(audience: &impl AudienceRead, viewer: UserId, owner: UserId) -> Result<bool, PortError> {
    let (shown_to, relation) = audience.audience(owner, viewer).await?;
    Ok(visible(viewer, owner, shown_to, relation))
}

/// Tells who is online.
#[derive(Clone, Debug)]
pub struct QueryPresence<R, A, C> {
    /// When devices were seen.
    pub routes: R,
    /// Who may know it.
    pub audience: A,
    /// The time.
    pub clock: C,
}

impl<R: SightingRead, A: AudienceRead, C: Clock> QueryPresence<R, A, C> {
    /// What each of them shows to the viewer, in their order. Whether an account exists is not told.
    pub async fn run(&self, viewer: UserId, people: &[UserId]) -> Result<Vec<Presence>, PortError> {
        let asked: Vec<_> = people.iter().map(|owner| self.of(viewer, *owner)).collect();
        stream::iter(asked).buffered(AT_ONCE).try_collect().await
    }

    async fn of(&self, viewer: UserId, owner: UserId) -> Result<Presence, PortError> {
        if !may_see(&self.audience, viewer, owner).await? {
            return Ok(Presence::HIDDEN);
        }
        Ok(Presence::of(&self.routes.sightings(owner).await?, self.clock.now()))
    }
}

/// Watches people.
#[derive(Debug)]
pub struct WatchPresence<W, R, A, C> {
    /// Who watches whom.
    pub watches: W,
    /// Where they are now.
    pub query: QueryPresence<R, A, C>,
}

impl<W, R, A, C> WatchPresence<W, R, A, C>
where
    W: WatchRead + WatchWrite,
    R: SightingRead,
    A: AudienceRead,
    C: Clock,
{
    /// From now on the watcher is told of these people and of no others. Where they are is read after that, so nobody
    /// comes or goes unnoticed in between.
    pub async fn run(&self, watcher: &Watcher, people: &[UserId]) -> Result<Vec<Presence>, PortError> {
        let before = self.watches.watched_by(watcher.user, &watcher.device).await?;
        let watched: BTreeSet<_> = people.iter().copied().collect();
        // In this order the list names everybody who is watched, whenever this dies.
        let ended = before.iter().copied().filter(|person| !watched.contains(person)).collect();
        each(ended, |person| self.watches.unwatch(person, watcher)).await?;
        let watched: Vec<_> = watched.into_iter().collect();
        if !(watched.is_empty() && before.is_empty()) {
            self.watches.watches(watcher, &watched).await?;
        }
        each(watched, |person| self.watches.watch(person, watcher)).await?;
        self.query.run(watcher.user, people).await
    }
}

async fn each<F>(people: Vec<UserId>, act: impl Fn(UserId) -> F) -> Result<(), PortError>
where
    F: Future<Output = Result<(), PortError>>,
{
    stream::iter(people.into_iter().map(act)).buffer_unordered(AT_ONCE).try_collect::<Vec<()>>().await.map(drop)
}

/// Tells watchers that somebody came or went.
#[derive(Debug)]
pub struct TellWatchers<W, R, A, G, C> {
    /// Who watches whom.
    pub watches: W,
    /// The person's other devices.
    pub routes: R,
    /// Who may know it.
    pub audience: A,
    /// The sockets.
    pub gateway: G,
    /// The time.
    pub clock: C,
}

impl<W, R, A, G, C> TellWatchers<W, R, A, G, C>
where
    W: WatcherRead,
    R: SightingRead,
    A: AudienceRead,
    G: Gateway,
    C: Clock,
{
    /// A device came online. Nobody is told whose other device was online already. The device waits for it, so not for long.
    pub async fn came(&self, user: UserId, device: &DeviceId) -> Result<(), PortError> {
        let telling = self.changed(user, |now, devices| {
            let mut others = devices.iter().filter(|other| other.device != *device);
            (!others.any(|other| other.online(now))).then_some(Presence::Online)
        });
        match select(pin!(telling), pin!(self.clock.sleep(TELL_BUDGET_MS))).await {
            Either::Left((told, _)) => told,
            Either::Right(_) => Ok(()),
        }
    }

    /// A device went. Nobody is told whose other device is online, or this one again.
    pub async fn went(&self, user: UserId) -> Result<(), PortError> {
        self.changed(user, |now, devices| Some(Presence::of(devices, now)).filter(|it| *it != Presence::Online)).await
    }

    /// One read when nobody watches. Best effort: an error here keeps nobody from connecting.
    async fn changed(
        &self,
        user: UserId,
        what: impl Fn(Timestamp, &[Sighting]) -> Option<Presence>,
    ) -> Result<(), PortError> {
        let now = self.clock.now();
        let watchers = self.watches.watchers(user, now).await?;
        if watchers.is_empty() {
            return Ok(());
        }
        let Some(presence) = what(now, &self.routes.sightings(user).await?) else { return Ok(()) };
        let seeing = watchers.into_iter().map(async |watcher| {
            let sees = may_see(&self.audience, watcher.user, user).await?;
            Ok::<_, PortError>(sees.then_some((watcher.connection, Event::Presence(user, presence))))
        });
        let told: Vec<_> = stream::iter(seeing).buffered(AT_ONCE).try_collect().await?;
        tell(&self.gateway, told.into_iter().flatten().collect()).await;
        Ok(())
    }
}

//! Watches in memory, and the contract that they and the real adapter keep.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tidings_application::clock::{Clock, Random};
use tidings_application::error::PortError;
use tidings_application::ports::{AudienceRead, WatchRead, WatchWrite, WatcherRead};
use tidings_domain::contact::Relation;
use tidings_domain::ids::{ConnectionId, DeviceId, UserId};
use tidings_domain::limits::WATCHERS_TOLD_MAX;
use tidings_domain::presence::Watcher;
use tidings_domain::profile::PresenceTo;
use tidings_domain::time::Timestamp;

use crate::clock::TestClock;

/// Watches in memory.
#[derive(Clone, Debug, Default)]
pub struct FakeWatches(Arc<Mutex<State>>);

#[derive(Debug, Default)]
struct State {
    watchers: BTreeMap<(UserId, UserId, DeviceId), Watcher>,
    watching: BTreeMap<(UserId, DeviceId), Vec<UserId>>,
}

impl FakeWatches {
    fn state(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl WatcherRead for FakeWatches {
    async fn watchers(&self, watched: UserId, now: Timestamp) -> Result<Vec<Watcher>, PortError> {
        let state = self.state();
        let watchers = state.watchers.iter().filter(|((person, ..), it)| *person == watched && now < it.until);
        Ok(watchers.map(|(_, watcher)| watcher.clone()).take(WATCHERS_TOLD_MAX).collect())
    }
}

impl WatchRead for FakeWatches {
    async fn watched_by(&self, watcher: UserId, device: &DeviceId) -> Result<Vec<UserId>, PortError> {
        Ok(self.state().watching.get(&(watcher, device.clone())).cloned().unwrap_or_default())
    }
}

impl WatchWrite for FakeWatches {
    async fn watch(&self, watched: UserId, watcher: &Watcher) -> Result<(), PortError> {
        self.state().watchers.insert((watched, watcher.user, watcher.device.clone()), watcher.clone());
        Ok(())
    }

    async fn unwatch(&self, watched: UserId, watcher: &Watcher) -> Result<(), PortError> {
        self.state().watchers.remove(&(watched, watcher.user, watcher.device.clone()));
        Ok(())
    }

    async fn watches(&self, watcher: &Watcher, people: &[UserId]) -> Result<(), PortError> {
        self.state().watching.insert((watcher.user, watcher.device.clone()), people.to_vec());
        Ok(())
    }
}

/// Whom people show themselves to, as a test says; everybody, of whom it says nothing.
#[derive(Clone, Debug, Default)]
pub struct FakeAudience(BTreeMap<UserId, (PresenceTo, Vec<UserId>)>);

impl FakeAudience {
    /// The owner shows themselves to that audience, and has these contacts.
    #[must_use]
    pub fn with(mut self, owner: UserId, audience: PresenceTo, contacts: &[UserId]) -> Self {
        self.0.insert(owner, (audience, contacts.to_vec()));
        self
    }
}

impl AudienceRead for FakeAudience {
    async fn audience(&self, owner: UserId, viewer: UserId) -> Result<(PresenceTo, Relation), PortError> {
        let Some((audience, contacts)) = self.0.get(&owner) else { return Ok(Default::default()) };
        let relation = if contacts.contains(&viewer) { Relation::Contact } else { Relation::Stranger };
        Ok((*audience, relation))
    }
}

/// Watches are found from both ends, replaced by their own device alone, and taken away.
///
/// # Panics
/// Where they are not.
#[expect(clippy::unwrap_used, reason = "a broken contract ends the test")]
pub async fn watches_hold<W: WatcherRead + WatchRead + WatchWrite>(watches: W) {
    let clock = TestClock::new(5);
    let person = || UserId::from_bits(clock.bits());
    let (ann, bob, carol) = (person(), person(), person());
    let watcher = |user, device: &str, connection: &str, until| Watcher {
        user,
        device: device.parse().unwrap(),
        connection: ConnectionId::new(connection),
        // Not a whole second: nothing may be rounded.
        until: clock.now().plus_millis(until),
    };
    let now = clock.now();
    assert_eq!(watches.watchers(ann, now).await.unwrap(), []);
    let (phone, desk) = (watcher(bob, "phone", "c1=", 1), watcher(bob, "desk-_", "c2=", 60_001));
    assert_eq!(watches.watched_by(bob, &phone.device).await.unwrap(), []);
    watches.unwatch(ann, &phone).await.unwrap();
    for one in [&phone, &desk] {
        watches.watch(ann, one).await.unwrap();
    }
    watches.watch(carol, &desk).await.unwrap();
    let watchers = async |watched| {
        let mut watchers = watches.watchers(watched, now).await.unwrap();
        watchers.sort();
        watchers
    };
    assert_eq!(watchers(ann).await, [desk.clone(), phone.clone()]);
    let later = now.plus_millis(1);
    assert_eq!(watches.watchers(ann, later).await.unwrap(), std::slice::from_ref(&desk), "not a millisecond longer");
    assert_eq!(watchers(carol).await, std::slice::from_ref(&desk));
    assert_eq!(watchers(bob).await, []);

    let again = watcher(bob, "phone", "c3=", 120_001);
    watches.watch(ann, &again).await.unwrap();
    assert_eq!(watchers(ann).await, [desk.clone(), again], "the device's later connection takes its place");
    watches.unwatch(ann, &desk).await.unwrap();
    assert_eq!(watchers(ann).await.len(), 1);
    assert_eq!(watchers(carol).await, std::slice::from_ref(&desk), "of whom nothing was said stays");

    watches.watches(&desk, &[ann, carol]).await.unwrap();
    assert_eq!(watches.watched_by(bob, &desk.device).await.unwrap(), [ann, carol]);
    assert_eq!(watches.watched_by(bob, &phone.device).await.unwrap(), [], "each device for itself");
    watches.watches(&desk, &[]).await.unwrap();
    assert_eq!(watches.watched_by(bob, &desk.device).await.unwrap(), []);

    // Somebody popular: as many as are told, and no more. Those who were do not take their places.
    let popular = person();
    for number in 0..=WATCHERS_TOLD_MAX {
        watches.watch(popular, &watcher(bob, &format!("d{number}"), "c=", 0)).await.unwrap();
        watches.watch(popular, &watcher(ann, &format!("d{number}"), "c=", 1)).await.unwrap();
    }
    assert_eq!(watchers(popular).await.len(), WATCHERS_TOLD_MAX);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn the_fake_keeps_the_contract() {
        watches_hold(FakeWatches::default()).await;
    }
}

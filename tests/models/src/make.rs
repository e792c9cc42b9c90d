//! What each call does to the world, as the use cases make it against the ports.

use tidings_application::ports::Range;
use tidings_domain::contact::DirectMessages;
use tidings_domain::delivery::{self, Event};
use tidings_domain::fan_out::{self, Job};
use tidings_domain::ids::{ConnectionId, UserId};
use tidings_domain::limits::SEARCH_MAX;
use tidings_domain::log::{Entry, Head, Seq};
use tidings_domain::posting::{self, Parcel, Post};
use tidings_domain::route::Route;
use tidings_domain::{connect, read, send, settle, sync};

use crate::cast::{UNREADABLE, ours};
use crate::machine::{Call, Seen};
use crate::state::State;

/// Who makes the calls.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Caller<'a> {
    /// Whose inbox it is about.
    pub(crate) user: UserId,
    /// The connection that it serves.
    pub(crate) route: Option<&'a Route>,
}

/// Whether the call changes something, and so may take effect late or twice.
pub(crate) const fn writes(call: &Call) -> bool {
    match call {
        Call::Send(call) => match call {
            send::Call::Put(_) | send::Call::Introduce(_) | send::Call::Open(_) | send::Call::Finish(_) => true,
            send::Call::Deliver(call) => delivers(call),
            send::Call::ReadLog(_)
            | send::Call::ReadPermission(_)
            | send::Call::ReadAccount(_)
            | send::Call::ReadStanding
            | send::Call::Wait { .. }
            | send::Call::ReadInboxes(_) => false,
        },
        Call::Connect(connect::Call::Claim(_) | connect::Call::Close(_) | connect::Call::Release)
        | Call::Read(read::Call::Advance(_))
        | Call::Posting(posting::Call::Post(_) | posting::Call::Queue(_) | posting::Call::Release(_)) => true,
        Call::Sync(call) => matches!(call, sync::Call::Restore(_) | sync::Call::Close(_)),
        Call::Settle(call) => !matches!(call, settle::Call::ReadHead),
        Call::Read(read::Call::ReadCounts(_) | read::Call::ReadSpans) => false,
        Call::Read(read::Call::Deliver(call)) => delivers(call),
        Call::Worker(call) => matches!(call, fan_out::Call::Posting(_)),
    }
}

const fn delivers(call: &delivery::Call) -> bool {
    !matches!(call, delivery::Call::ReadRoutes(_))
}

/// How many parts the call has that may fail each by itself: posts, or jobs for the retry queue.
pub(crate) fn parts(call: &Call) -> usize {
    match call {
        Call::Posting(call) | Call::Worker(fan_out::Call::Posting(call)) => match call {
            posting::Call::Post(parcels) => parcels.len(),
            posting::Call::Queue(jobs) => jobs.len(),
            posting::Call::Release(_) => 0,
        },
        _ => 0,
    }
}

impl State {
    /// What the call shows, and what it changes. Of its [`parts`] the one that is `refused` is not taken.
    pub(crate) fn make(&mut self, call: &Call, caller: Caller<'_>, refused: Option<(usize, Post)>) -> Seen {
        match call {
            Call::Send(call) => Seen::Send(self.send(call)),
            Call::Connect(call) => self.connect(call, caller).map_or(Seen::Failed, Seen::Connect),
            Call::Sync(call) => self.sync(call, caller).map_or(Seen::Failed, Seen::Sync),
            Call::Settle(call) => Seen::Settle(self.settle(*call, caller.user)),
            Call::Read(call) => Seen::Read(self.read(call, caller.user)),
            Call::Worker(fan_out::Call::ReadMembers(groups)) => {
                Seen::Worker(fan_out::Seen::Members(vec![None; groups.len()]))
            }
            Call::Worker(fan_out::Call::ReadRoutes(users)) => {
                let routes = |user: &UserId| (*user != UNREADABLE).then(|| self.routes.of(*user));
                Seen::Worker(fan_out::Seen::Routes(users.iter().map(routes).collect()))
            }
            Call::Worker(fan_out::Call::Posting(call)) => {
                Seen::Worker(fan_out::Seen::Posting(self.posting(call, refused)))
            }
            Call::Posting(call) => Seen::Posting(self.posting(call, refused)),
        }
    }

    fn send(&mut self, call: &send::Call) -> send::Seen {
        match call {
            send::Call::ReadLog(from) => send::Seen::Log(self.logs.tail(ours(), *from, SEARCH_MAX + 1)),
            send::Call::ReadPermission(user) => {
                let door = self.inboxes.entry(*user, ours()).map(|entry| entry.door).unwrap_or_default();
                send::Seen::Door(DirectMessages::Anyone.verdict(door))
            }
            // Everybody takes messages of strangers here.
            send::Call::ReadAccount(_) => send::Seen::Owner(Some(true)),
            send::Call::Introduce(user) => send::Seen::Introduced(self.inboxes.introduce(*user, ours())),
            // The models' conversation is a direct one.
            send::Call::ReadStanding => send::Seen::Failed,
            send::Call::Put(entry) => send::Seen::Put(self.logs.put(ours(), entry)),
            send::Call::Wait { .. } => send::Seen::Waited,
            send::Call::ReadInboxes(users) => send::Seen::Inboxes(self.inboxes.states(users, ours())),
            send::Call::Open(users) => {
                for user in users {
                    self.inboxes.open(*user, ours());
                }
                send::Seen::Opened
            }
            send::Call::Deliver(call) => send::Seen::Deliver(self.deliver(call)),
            send::Call::Finish(task) => {
                // How often a task comes is up to the jobs that take it.
                if !self.tasks.contains(task) {
                    self.tasks.push(task.clone());
                }
                send::Seen::Queued
            }
        }
    }

    fn connect(&mut self, call: &connect::Call, caller: Caller<'_>) -> Option<connect::Seen> {
        Some(match call {
            connect::Call::Claim(route) => connect::Seen::Claim(self.routes.claim(route)),
            connect::Call::Close(connection) => {
                self.close(connection);
                connect::Seen::Closed
            }
            connect::Call::Release => {
                self.release(caller.route?);
                connect::Seen::Released
            }
        })
    }

    fn sync(&mut self, call: &sync::Call, caller: Caller<'_>) -> Option<sync::Seen> {
        let newest = |limit| self.logs.page(ours(), Range::Newest, limit).entries;
        Some(match call {
            sync::Call::ReadRoute => {
                let own = caller.route?;
                sync::Seen::Route(self.routes.get(own.user, &own.device).cloned())
            }
            sync::Call::Restore(route) => sync::Seen::Restored(self.routes.restore(route)),
            sync::Call::Close(connection) => {
                self.close(connection);
                sync::Seen::Closed
            }
            sync::Call::ReadInbox { after, limit } => {
                let (entries, more) = self.inboxes.page(caller.user, *after, *limit);
                sync::Seen::Inbox(entries, more)
            }
            sync::Call::ReadNewest { conversations, entries } => {
                sync::Seen::Newest(conversations.iter().map(|_| newest(*entries)).collect())
            }
            // Of groups alone, and there is none here.
            sync::Call::ReadAgain(_) => return None,
        })
    }

    fn settle(&mut self, call: settle::Call, user: UserId) -> settle::Seen {
        match call {
            settle::Call::Mark { version } => settle::Seen::Written(self.inboxes.mark(user, ours(), version)),
            settle::Call::ReadHead => {
                settle::Seen::Head(self.logs.of(ours()).next_back().map_or(Head::none(ours()), Entry::head))
            }
            settle::Call::Settle { version, head } => {
                settle::Seen::Written(self.inboxes.settle(user, ours(), version, head))
            }
        }
    }

    fn read(&mut self, call: &read::Call, user: UserId) -> read::Seen {
        match call {
            read::Call::ReadCounts(seq) => read::Seen::Counts(self.logs.entry(ours(), *seq).map(|entry| entry.counts)),
            // The models' conversation is a direct one, whose id says it all.
            read::Call::ReadSpans => read::Seen::Failed,
            read::Call::Advance(position) => {
                let (moved, stands) = self.inboxes.advance(user, ours(), *position);
                read::Seen::Position(moved, stands)
            }
            read::Call::Deliver(call) => read::Seen::Deliver(self.deliver(call)),
        }
    }

    fn deliver(&mut self, call: &delivery::Call) -> delivery::Seen {
        match call {
            delivery::Call::ReadRoutes(users) => {
                delivery::Seen::Routes(users.iter().flat_map(|user| self.routes.of(*user)).collect())
            }
            // The machine makes posts a protocol of their own.
            delivery::Call::Post(..) => delivery::Seen::Delivered,
            delivery::Call::Queue(job) => {
                self.enqueue(Job::FanOut(job.clone()));
                delivery::Seen::Delivered
            }
        }
    }

    fn posting(&mut self, call: &posting::Call, refused: Option<(usize, Post)>) -> posting::Seen {
        match call {
            posting::Call::Post(parcels) => {
                let posts = parcels.iter().enumerate().map(|(index, parcel)| match refused {
                    Some((which, post)) if which == index => post,
                    _ => self.post(parcel),
                });
                posting::Seen::Posted(posts.collect())
            }
            posting::Call::Queue(jobs) => {
                let queued = jobs.iter().enumerate().map(|(index, job)| {
                    let taken = refused.is_none_or(|(which, _)| which != index);
                    if taken {
                        self.enqueue(Job::Retry(job.clone()));
                    }
                    taken
                });
                posting::Seen::Queued(queued.collect())
            }
            posting::Call::Release(routes) => {
                for route in routes {
                    self.release(route);
                }
                posting::Seen::Released
            }
        }
    }

    fn post(&mut self, parcel: &Parcel) -> Post {
        let head = self.logs.of(ours()).next_back().map_or(Seq::NONE, |entry| entry.seq);
        let socket = self.sockets.get_mut(&parcel.route.connection).filter(|socket| socket.open);
        let Some(socket) = socket else { return Post::Gone };
        for event in parcel.events.iter() {
            match event {
                Event::Entry(_, entry) => drop(socket.pushed.insert(entry.seq)),
                Event::Pull { .. } => socket.hinted = socket.hinted.max(head),
                Event::Read { seq, .. } => socket.read = socket.read.max(*seq),
                Event::Kicked(_) | Event::Presence(..) | Event::Typing { .. } => {}
            }
        }
        Post::Taken
    }

    /// Adds a record to the queue. Records are never named twice.
    pub fn enqueue(&mut self, job: Job) {
        self.queue.insert(self.records, job);
        self.records += 1;
    }

    pub(crate) fn close(&mut self, connection: &ConnectionId) {
        if let Some(socket) = self.sockets.get_mut(connection) {
            socket.open = false;
        }
    }

    pub(crate) fn release(&mut self, route: &Route) {
        self.routes.release(route.user, &route.device, &route.connection);
    }
}

//! Jobs as queue records. Private to us: both ends are of one deployment, but a record may wait while a new version
//! is deployed, so fields are only ever added, with a default.

use std::fmt;

use serde::{Deserialize, Serialize};
use tidings_domain::change::Audience;
use tidings_domain::delivery::{Event, FanOut};
use tidings_domain::fan_out;
use tidings_domain::identity::Platform;
use tidings_domain::ids::{ClientId, ConnectionId, ConversationId, DeviceId, UserId};
use tidings_domain::log::{Body, BodyHash, Counts, Draft, Entry, Kind, Seq};
use tidings_domain::login::KickReason;
use tidings_domain::posting::Retry;
use tidings_domain::presence::Presence;
use tidings_domain::route::Route;
use tidings_domain::send;
use tidings_domain::task::Task;
use tidings_domain::time::Timestamp;
use tidings_protocol::Text;

use crate::entry::presence_out;

/// A record of one of the queues.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Job {
    /// Push something.
    Deliver(fan_out::Job),
    /// Finish a request.
    Finish(Task),
}

/// A record that is no job of this version.
#[derive(Debug)]
pub struct InvalidJob(String);

impl fmt::Display for InvalidJob {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "not a job: {}", self.0)
    }
}

impl std::error::Error for InvalidJob {}

impl Job {
    /// The record's text.
    pub fn encode(&self) -> Result<String, InvalidJob> {
        let json = serde_json::to_string(&Record::from(self)).map_err(|error| InvalidJob(error.to_string()))?;
        // SQS takes the characters of XML 1.0. JSON escapes the control characters; these two are left, and the queue
        // would refuse or replace them.
        Ok(json.replace('\u{fffe}', "\\ufffe").replace('\u{ffff}', "\\uffff"))
    }

    /// Reads a record's text.
    pub fn decode(text: &str) -> Result<Self, InvalidJob> {
        // Where and how, and not the error's own text: that quotes what it met, and what it met may be a message.
        let record: Record = serde_json::from_str(text).map_err(|error| {
            InvalidJob(format!("{:?} at line {} column {}", error.classify(), error.line(), error.column()))
        })?;
        record.try_into()
    }
}

#[derive(Serialize, Deserialize)]
#[serde(tag = "job", rename_all = "snake_case")]
enum Record {
    FanOut {
        conversation: Text<ConversationId>,
        events: Vec<EventRecord>,
        except: Option<String>,
        #[serde(default, skip_serializing_if = "is_zero")]
        buckets: u32,
        #[serde(default, skip_serializing_if = "Vec::is_empty")]
        also: Vec<Text<UserId>>,
    },
    Retry {
        routes: Vec<RouteRecord>,
        events: Vec<EventRecord>,
        #[serde(default)]
        tries: u32,
    },
    FinishSend {
        conversation: Text<ConversationId>,
        sender: Text<UserId>,
        after: Option<u64>,
        drafts: Vec<DraftRecord>,
    },
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde asks it by reference")]
const fn is_zero(number: &u32) -> bool {
    *number == 0
}

#[derive(Serialize, Deserialize)]
struct DraftRecord {
    client_id: Text<ClientId>,
    body: String,
    body_hash: [u8; 32],
}

#[derive(Serialize, Deserialize)]
#[serde(tag = "event", rename_all = "snake_case")]
enum EventRecord {
    Entry { conversation: Text<ConversationId>, entry: EntryRecord },
    Read { conversation: Text<ConversationId>, user: Text<UserId>, seq: u64 },
    Pull { within_ms: u64 },
    Kicked { reason: ReasonRecord },
    Presence { user: Text<UserId>, online: bool, last_seen: Option<u64> },
    Typing { conversation: Text<ConversationId>, user: Text<UserId>, typing: bool },
}

#[derive(Clone, Copy, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
enum ReasonRecord {
    SignedOut,
    LoginPolicy,
    PasswordChanged,
    AccountDeleted,
}

#[derive(Serialize, Deserialize)]
struct EntryRecord {
    seq: u64,
    sender: Text<UserId>,
    client_id: Text<ClientId>,
    sent_at: u64,
    kind: KindRecord,
    body: String,
    body_hash: [u8; 32],
    rev: u32,
    counts: Vec<u64>,
    expires_at: Option<u64>,
}

#[derive(Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
enum KindRecord {
    Message,
    System,
}

#[derive(Serialize, Deserialize)]
struct RouteRecord {
    user: Text<UserId>,
    device: Text<DeviceId>,
    platform: Text<Platform>,
    connection: String,
    ticket_at: u64,
    connected_at: u64,
}

impl From<&Job> for Record {
    fn from(job: &Job) -> Self {
        match job {
            Job::Deliver(fan_out::Job::FanOut(job)) => Self::FanOut {
                conversation: job.conversation.into(),
                events: job.events.iter().map(EventRecord::from).collect(),
                except: job.except.as_ref().map(ToString::to_string),
                buckets: job.audience.buckets,
                also: job.audience.also.iter().copied().map(Text).collect(),
            },
            Job::Deliver(fan_out::Job::Retry(job)) => Self::Retry {
                routes: job.routes.iter().map(RouteRecord::from).collect(),
                events: job.events.iter().map(EventRecord::from).collect(),
                tries: job.tries,
            },
            Job::Finish(Task::Send(job)) => Self::FinishSend {
                conversation: job.conversation.into(),
                sender: job.sender.into(),
                after: job.after.map(Seq::get),
                drafts: job.drafts.iter().map(DraftRecord::from).collect(),
            },
        }
    }
}

impl TryFrom<Record> for Job {
    type Error = InvalidJob;

    fn try_from(record: Record) -> Result<Self, InvalidJob> {
        let events =
            |records: Vec<EventRecord>| records.into_iter().map(Event::try_from).collect::<Result<Vec<_>, _>>();
        Ok(match record {
            Record::FanOut { conversation, events: records, except, buckets, also } => {
                Self::Deliver(fan_out::Job::FanOut(FanOut {
                    conversation: conversation.0,
                    events: events(records)?,
                    except: except.map(ConnectionId::new),
                    audience: Audience { buckets, also: also.into_iter().map(|user| user.0).collect() },
                }))
            }
            Record::Retry { routes, events: records, tries } => Self::Deliver(fan_out::Job::Retry(Retry {
                routes: routes.into_iter().map(Route::from).collect(),
                events: events(records)?,
                tries,
            })),
            Record::FinishSend { conversation, sender, after, drafts } => Self::Finish(Task::Send(send::Request {
                conversation: conversation.0,
                sender: sender.0,
                connection: None,
                after: after.map(Seq::new),
                drafts: drafts.into_iter().map(Draft::from).collect(),
            })),
        })
    }
}

impl From<&Event> for EventRecord {
    fn from(event: &Event) -> Self {
        match event {
            Event::Entry(conversation, entry) => {
                Self::Entry { conversation: (*conversation).into(), entry: entry.into() }
            }
            Event::Read { conversation, user, seq } => {
                Self::Read { conversation: (*conversation).into(), user: (*user).into(), seq: seq.get() }
            }
            Event::Pull { within_ms } => Self::Pull { within_ms: *within_ms },
            Event::Kicked(reason) => Self::Kicked {
                reason: match reason {
                    KickReason::SignedOut => ReasonRecord::SignedOut,
                    KickReason::LoginPolicy => ReasonRecord::LoginPolicy,
                    KickReason::PasswordChanged => ReasonRecord::PasswordChanged,
                    KickReason::AccountDeleted => ReasonRecord::AccountDeleted,
                },
            },
            Event::Presence(user, presence) => {
                let (online, last_seen) = presence_out(*presence);
                Self::Presence { user: (*user).into(), online, last_seen }
            }
            Event::Typing { conversation, user, typing } => {
                Self::Typing { conversation: (*conversation).into(), user: (*user).into(), typing: *typing }
            }
        }
    }
}

impl TryFrom<EventRecord> for Event {
    type Error = InvalidJob;

    fn try_from(record: EventRecord) -> Result<Self, InvalidJob> {
        Ok(match record {
            EventRecord::Entry { conversation, entry } => Self::Entry(conversation.0, entry.read(conversation.0)?),
            EventRecord::Read { conversation, user, seq } => {
                Self::Read { conversation: conversation.0, user: user.0, seq: Seq::new(seq) }
            }
            EventRecord::Pull { within_ms } => Self::Pull { within_ms },
            EventRecord::Kicked { reason } => Self::Kicked(match reason {
                ReasonRecord::SignedOut => KickReason::SignedOut,
                ReasonRecord::LoginPolicy => KickReason::LoginPolicy,
                ReasonRecord::PasswordChanged => KickReason::PasswordChanged,
                ReasonRecord::AccountDeleted => KickReason::AccountDeleted,
            }),
            EventRecord::Presence { user, online: true, .. } => Self::Presence(user.0, Presence::Online),
            EventRecord::Presence { user, online: false, last_seen } => {
                Self::Presence(user.0, Presence::Offline { last_seen: last_seen.map(Timestamp::from_millis) })
            }
            EventRecord::Typing { conversation, user, typing } => {
                Self::Typing { conversation: conversation.0, user: user.0, typing }
            }
        })
    }
}

impl From<&Draft> for DraftRecord {
    fn from(draft: &Draft) -> Self {
        Self {
            client_id: draft.client_id.into(),
            body: draft.body.json.clone(),
            body_hash: *draft.body.hash.as_bytes(),
        }
    }
}

impl From<DraftRecord> for Draft {
    fn from(record: DraftRecord) -> Self {
        let body = Body { json: record.body, hash: BodyHash::new(record.body_hash) };
        Self { client_id: record.client_id.0, body }
    }
}

impl From<&Entry> for EntryRecord {
    fn from(entry: &Entry) -> Self {
        Self {
            seq: entry.seq.get(),
            sender: entry.sender.into(),
            client_id: entry.client_id.into(),
            sent_at: entry.sent_at.as_millis(),
            kind: match entry.kind {
                Kind::Message => KindRecord::Message,
                Kind::System => KindRecord::System,
            },
            body: entry.body.json.clone(),
            body_hash: *entry.body.hash.as_bytes(),
            rev: entry.rev,
            counts: entry.counts.numbers(),
            expires_at: entry.expires_at.map(Timestamp::as_millis),
        }
    }
}

impl EntryRecord {
    fn read(self, conversation: ConversationId) -> Result<Entry, InvalidJob> {
        let counts = Counts::of(conversation, &self.counts)
            .ok_or_else(|| InvalidJob("not the counters of its conversation".to_owned()))?;
        Ok(Entry {
            seq: Seq::new(self.seq),
            sender: self.sender.0,
            client_id: self.client_id.0,
            sent_at: Timestamp::from_millis(self.sent_at),
            kind: match self.kind {
                KindRecord::Message => Kind::Message,
                KindRecord::System => Kind::System,
            },
            body: Body { json: self.body, hash: BodyHash::new(self.body_hash) },
            rev: self.rev,
            counts,
            expires_at: self.expires_at.map(Timestamp::from_millis),
        })
    }
}

impl From<&Route> for RouteRecord {
    fn from(route: &Route) -> Self {
        Self {
            user: route.user.into(),
            device: route.device.clone().into(),
            platform: route.platform.into(),
            connection: route.connection.to_string(),
            ticket_at: route.ticket_at.as_millis(),
            connected_at: route.connected_at.as_millis(),
        }
    }
}

impl From<RouteRecord> for Route {
    fn from(record: RouteRecord) -> Self {
        Self {
            user: record.user.0,
            device: record.device.0,
            platform: record.platform.0,
            connection: ConnectionId::new(record.connection),
            ticket_at: Timestamp::from_millis(record.ticket_at),
            connected_at: Timestamp::from_millis(record.connected_at),
        }
    }
}

#[cfg(test)]
mod tests {
    use tidings_domain::log::Draft;

    use super::*;

    #[test]
    fn jobs_read_back_as_written() {
        let (a, b) = (UserId::from_bits(1), UserId::from_bits(2));
        let conversation = ConversationId::direct(a, b);
        let body = Body { json: "\u{fffe} \u{ffff} \u{1} \u{fffd}".to_owned(), hash: BodyHash::new([3; 32]) };
        let draft = Draft { client_id: ClientId::from_bits(5), body };
        let entry = draft.follow(None, conversation, a, Timestamp::from_millis(9));
        let events = vec![
            Event::Entry(conversation, entry),
            Event::Read { conversation, user: b, seq: Seq::FIRST },
            Event::Pull { within_ms: 7 },
            Event::Kicked(KickReason::SignedOut),
            Event::Kicked(KickReason::LoginPolicy),
            Event::Kicked(KickReason::PasswordChanged),
            Event::Kicked(KickReason::AccountDeleted),
            Event::Presence(a, Presence::Online),
            Event::Presence(b, Presence::Offline { last_seen: Some(Timestamp::from_millis(8)) }),
            Event::Presence(b, Presence::HIDDEN),
            Event::Typing { conversation, user: b, typing: true },
        ];
        let unfinished =
            send::Request { conversation, sender: a, connection: None, after: Some(Seq::FIRST), drafts: vec![draft] };
        let route = Route {
            user: a,
            device: "d".parse().unwrap(),
            platform: Platform::Web,
            connection: ConnectionId::new("c="),
            ticket_at: Timestamp::from_millis(1),
            connected_at: Timestamp::from_millis(2),
        };
        for job in [
            Job::Deliver(fan_out::Job::FanOut(FanOut {
                conversation,
                events: events.clone(),
                except: Some(ConnectionId::new("c=")),
                audience: Audience { buckets: 4, also: vec![a] },
            })),
            Job::Deliver(fan_out::Job::Retry(Retry { routes: vec![route], events, tries: 2 })),
            Job::Finish(Task::Send(unfinished)),
        ] {
            let text = job.encode().unwrap();
            assert!(text.chars().all(|c| c >= ' ' && !['\u{fffe}', '\u{ffff}'].contains(&c)), "SQS refuses {text:?}");
            assert_eq!(Job::decode(&text).unwrap(), job);
        }
        for bad in ["", "{}", r#"{"job":"other"}"#, "[1]"] {
            assert!(Job::decode(bad).is_err(), "{bad}");
        }
    }
}

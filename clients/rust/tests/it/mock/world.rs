//! What the scripted server knows.

use std::collections::{HashMap, VecDeque};
use std::time::Duration;

use rand::rngs::StdRng;
use rand::{RngExt, SeedableRng};
use serde_json::{Value, json};
use tidings_client::actions::{MessageSend, Sent};
use tidings_client::{
    Body, ClientId, ConversationId, EntriesQuery, Entry, EntryKind, ErrorCode, GroupId, News, UserId,
};
use tidings_domain::ids::Pair;
use tidings_domain::log::{Counts, Kind};
use tidings_protocol::actions::HistoryReply;
use tokio::sync::mpsc::UnboundedSender;

use super::{Fate, Push};

type Reply = Option<Result<Value, ErrorCode>>;

pub(crate) struct World {
    rng: StdRng,
    serial: u64,
    pub(crate) logs: HashMap<ConversationId, Vec<Entry>>,
    pub(crate) reads: HashMap<(UserId, ConversationId), u64>,
    pub(crate) sockets: HashMap<(UserId, String), UnboundedSender<Value>>,
    pub(crate) access_tokens: HashMap<String, (UserId, String)>,
    pub(crate) refresh_tokens: HashMap<String, (UserId, String)>,
    names: HashMap<String, UserId>,
    /// Every frame that came, with who sent it.
    pub(crate) frames: Vec<(UserId, Value)>,
    pub(crate) fates: VecDeque<Fate>,
    /// Whether `bad_request` is for batches alone.
    pub(crate) singles_pass: bool,
    pub(crate) pushes: Box<dyn FnMut(u64) -> Push + Send>,
    /// Refuses the next change, because the server's clock is so far behind its client id's.
    pub(crate) behind_ms: u64,
    /// More entries than this above `after` are not searched.
    pub(crate) search_max: u64,
    pub(crate) sync_entries: usize,
    pub(crate) floor: u64,
    /// Life of access tokens, in seconds.
    pub(crate) token_life: u64,
    pub(crate) refreshes: usize,
    /// So many of the next ones have no answer.
    pub(crate) lost_refreshes: usize,
    pub(crate) tickets: usize,
    /// What the end of an account is asked for with.
    pub(crate) closing: Option<String>,
    /// How often it is not done yet.
    pub(crate) closing_takes: usize,
    pub(crate) pulls: usize,
    /// How long a page is on its way.
    pub(crate) pull_delay: Duration,
}

impl Default for World {
    fn default() -> Self {
        Self {
            rng: StdRng::seed_from_u64(1),
            serial: 0,
            logs: HashMap::new(),
            reads: HashMap::new(),
            sockets: HashMap::new(),
            access_tokens: HashMap::new(),
            refresh_tokens: HashMap::new(),
            names: HashMap::new(),
            frames: Vec::new(),
            fates: VecDeque::new(),
            singles_pass: false,
            pushes: Box::new(|_| Push::Fine),
            behind_ms: 0,
            search_max: 1_000,
            sync_entries: 10,
            floor: 1,
            token_life: 900,
            refreshes: 0,
            lost_refreshes: 0,
            tickets: 0,
            closing: None,
            closing_takes: 0,
            pulls: 0,
            pull_delay: Duration::ZERO,
        }
    }
}

impl World {
    pub(crate) fn dice(&mut self, below: u64) -> u64 {
        self.rng.random_range(0..below)
    }

    pub(crate) fn user(&mut self, name: &str) -> UserId {
        let next = UserId::from_bits(self.names.len() as u128 + 1);
        *self.names.entry(name.to_owned()).or_insert(next)
    }

    pub(crate) fn session(&mut self, user: UserId, device: &str) -> Value {
        self.serial += 1;
        let (access, refresh) = (format!("access{}", self.serial), format!("refresh{}", self.serial));
        self.access_tokens.insert(access.clone(), (user, device.to_owned()));
        self.refresh_tokens.insert(refresh.clone(), (user, device.to_owned()));
        let name = self.names.iter().find(|(_, id)| **id == user).map(|(name, _)| name.clone()).unwrap();
        json!({
            "access_token": access, "refresh_token": refresh, "expires_in": self.token_life,
            "user": { "id": user.to_string(), "username": name, "display_name": name },
        })
    }

    pub(crate) fn card(&self, frame: &Value) -> Value {
        let name = frame["username"].as_str().unwrap();
        json!({ "user": { "id": self.names[name].to_string(), "username": name, "display_name": name } })
    }

    pub(crate) fn page(&self, conversation: ConversationId, query: EntriesQuery) -> HistoryReply {
        let limit = query.limit.unwrap_or(50);
        let all: Vec<&Entry> =
            self.logs.get(&conversation).into_iter().flatten().filter(|entry| entry.seq >= self.floor).collect();
        let (entries, more): (Vec<Entry>, bool) = if let Some(after) = query.after {
            let above: Vec<&Entry> = all.into_iter().filter(|entry| entry.seq > after).collect();
            let more = above.len() > limit;
            (above.into_iter().take(limit).cloned().collect(), more)
        } else {
            let before = query.before.unwrap_or(u64::MAX);
            let below: Vec<&Entry> = all.into_iter().filter(|entry| entry.seq < before).collect();
            let from = below.len().saturating_sub(limit);
            (below[from..].iter().map(|entry| (*entry).clone()).collect(), from > 0)
        };
        HistoryReply { entries, more, floor: self.floor }
    }

    pub(crate) fn sync(&self, user: UserId, frame: &Value) -> Value {
        let mut mine: Vec<&ConversationId> =
            self.logs.keys().filter(|conversation| conversation.peer(user).is_some()).collect();
        mine.sort();
        // One conversation a page, so that every sync has to go on.
        let at = frame["cursor"].as_str().map_or(0, |cursor| cursor.parse().unwrap());
        let page: Vec<Value> = mine
            .iter()
            .skip(at)
            .take(1)
            .map(|conversation| {
                let log = &self.logs[*conversation];
                let head = log.len() as u64;
                let read = self.reads.get(&(user, **conversation)).copied().unwrap_or(0);
                let unread = log.iter().filter(|entry| entry.seq > read && entry.sender.0 != user).count();
                let entries: Vec<&Entry> =
                    log.iter().rev().take(self.sync_entries).rev().filter(|entry| entry.seq >= self.floor).collect();
                json!({
                    "conversation": conversation.to_string(), "head_seq": head, "head_at": 0, "read_seq": read,
                    "unread": unread, "floor": self.floor, "entries": entries,
                })
            })
            .collect();
        let more = at + 1 < mine.len();
        json!({ "conversations": page, "more": more, "cursor": more.then(|| (at + 1).to_string()), "since": "s" })
    }

    pub(crate) fn read(&mut self, user: UserId, frame: &Value) -> Value {
        let conversation: ConversationId = frame["conversation"].as_str().unwrap().parse().unwrap();
        let read = self.reads.entry((user, conversation)).or_default();
        *read = (*read).max(frame["seq"].as_u64().unwrap());
        let seq = *read;
        let event = json!({ "events": [{
            "type": "read", "conversation": conversation.to_string(), "user": user.to_string(), "seq": seq,
        }] });
        for ((member, _), socket) in &self.sockets {
            if conversation.peer(*member).is_some() {
                let _ = socket.send(event.clone());
            }
        }
        json!({ "read_seq": seq })
    }

    pub(crate) fn send(&mut self, user: UserId, device: &str, frame: &Value) -> Reply {
        let request: MessageSend = serde_json::from_value(frame.clone()).unwrap();
        let (conversation, after) = (request.conversation.0, request.after);
        let (drafts, batch) = request.into_drafts().unwrap();
        let head = self.logs.entry(conversation).or_default().len() as u64;
        assert!(after.is_none_or(|after| after <= head), "`after` above the head");
        let fate = self.fates.pop_front().unwrap_or(Fate::Fine);
        let (do_it, upto, error) = match fate {
            Fate::Fine | Fate::LostAnswer => (true, usize::MAX, None),
            Fate::GatewayError { done } | Fate::Cut { done } => (done, usize::MAX, None),
            Fate::Stopped(upto, code) => (true, upto.min(drafts.len() - 1), Some(code)),
            Fate::Refused(ErrorCode::BadRequest) if self.singles_pass && !batch => (true, usize::MAX, None),
            Fate::Refused(code) => return Some(Err(code)),
        };
        let mut results = Vec::new();
        if do_it {
            if after.is_some_and(|after| head - after > self.search_max) {
                return Some(Err(ErrorCode::Behind));
            }
            for draft in drafts.iter().take(upto) {
                let sent = self.append(conversation, user, device, draft.client_id.0, draft.body.clone(), after);
                results.push(json!(sent));
            }
        }
        if matches!(fate, Fate::LostAnswer | Fate::GatewayError { .. } | Fate::Cut { .. }) {
            self.fail(fate, user, device);
            return None;
        }
        match (batch, error) {
            (false, Some(code)) => Some(Err(code)),
            (false, None) => Some(Ok(results.remove(0))),
            (true, error) => {
                if let Some(code) = error {
                    let failed = json!({ "error": { "code": code, "message": "", "retryable": code.retryable() } });
                    results.resize(drafts.len(), failed);
                }
                Some(Ok(json!({ "results": results })))
            }
        }
    }

    /// Changes a group: all that comes of it here is that it is told, once.
    pub(crate) fn change(&mut self, user: UserId, device: &str, frame: &Value) -> Option<Value> {
        let group: GroupId = frame["group"].as_str().unwrap().parse().unwrap();
        let client_id: ClientId = frame["client_id"].as_str().unwrap().parse().unwrap();
        let conversation = ConversationId::Group(group);
        let refused = |code: ErrorCode| json!({ "error": { "code": code, "message": "as scripted", "retryable": code.retryable() } });
        if self.behind_ms > 0 {
            let mut outcome = refused(ErrorCode::BadRequest);
            outcome["error"]["server_time"] = json!(client_id.time().as_millis() - std::mem::take(&mut self.behind_ms));
            return Some(outcome);
        }
        let fate = self.fates.pop_front().unwrap_or(Fate::Fine);
        match fate {
            Fate::Stopped(_, code) | Fate::Refused(code) => return Some(refused(code)),
            Fate::Fine | Fate::LostAnswer | Fate::GatewayError { done: true } | Fate::Cut { done: true } => {}
            Fate::GatewayError { done: false } | Fate::Cut { done: false } => {
                self.fail(fate, user, device);
                return None;
            }
        }
        let log = self.logs.entry(conversation).or_default();
        let earlier = log.iter().find(|entry| entry.sender.0 == user && entry.client_id.0 == client_id);
        let (seq, duplicate) = earlier.map_or((log.len() as u64 + 1, false), |entry| (entry.seq, true));
        if !duplicate {
            log.push(Entry {
                seq,
                sender: user.into(),
                client_id: client_id.into(),
                sent_at: client_id.time().as_millis(),
                kind: EntryKind::System,
                body: Body::News(News::MemberJoined { user: user.into(), by: None }),
                rev: 0,
                counts: vec![0, seq],
                expires_at: None,
            });
        }
        if fate != Fate::Fine {
            self.fail(fate, user, device);
            return None;
        }
        Some(json!({ "ok": { "conversation": conversation.to_string(), "seq": seq, "duplicate": duplicate } }))
    }

    /// Nobody hears what came of a request.
    fn fail(&mut self, fate: Fate, user: UserId, device: &str) {
        let of = (user, device.to_owned());
        match fate {
            Fate::GatewayError { .. } => {
                let error = json!({ "message": "Internal server error", "connectionId": "c", "requestId": "r" });
                if let Some(socket) = self.sockets.get(&of) {
                    let _ = socket.send(error);
                }
            }
            Fate::Cut { .. } => drop(self.sockets.remove(&of)),
            _ => {}
        }
    }

    /// Appends as the server does: the search for an earlier attempt begins right above `after`.
    pub(crate) fn append(
        &mut self,
        conversation: ConversationId,
        sender: UserId,
        device: &str,
        client_id: ClientId,
        body: tidings_client::Body,
        after: Option<u64>,
    ) -> Sent {
        let log = self.logs.entry(conversation).or_default();
        let earlier = log
            .iter()
            .find(|entry| entry.seq > after.unwrap_or(0) && entry.sender.0 == sender && entry.client_id.0 == client_id);
        if let Some(entry) = earlier {
            return Sent { seq: entry.seq, sent_at: entry.sent_at, duplicate: true };
        }
        let ConversationId::Direct(pair) = conversation else { panic!("direct only") };
        let counts = log.last().map_or([0, 0], |entry| [entry.counts[0], entry.counts[1]]);
        let Counts::Direct(counts) = Counts::Direct(counts).followed_by(Kind::Message, conversation, sender) else {
            panic!("direct only")
        };
        let entry = Entry {
            seq: log.len() as u64 + 1,
            sender: sender.into(),
            client_id: client_id.into(),
            sent_at: client_id.time().as_millis().max(log.last().map_or(0, |entry| entry.sent_at)),
            kind: EntryKind::Message,
            body,
            rev: 0,
            counts: counts.to_vec(),
            expires_at: None,
        };
        log.push(entry.clone());
        self.push(conversation, pair, (sender, device), &entry);
        Sent { seq: entry.seq, sent_at: entry.sent_at, duplicate: false }
    }

    fn push(&mut self, conversation: ConversationId, pair: Pair, (sender, device): (UserId, &str), entry: &Entry) {
        let event = json!({ "type": "entry", "conversation": conversation.to_string(), "entry": entry });
        for ((user, at), socket) in &self.sockets {
            if pair.index(*user).is_none() || (*user == sender && at == device) {
                continue;
            }
            let frame = json!({ "events": [{ "type": "of a later version" }, event] });
            let (many, wait) = match (self.pushes)(entry.seq) {
                Push::Fine => (1, Duration::ZERO),
                Push::Lost => (0, Duration::ZERO),
                Push::Twice => (2, Duration::ZERO),
                Push::Late(wait) => (1, wait),
            };
            let socket = socket.downgrade();
            for _ in 0..many {
                let (socket, frame) = (socket.clone(), frame.clone());
                tokio::spawn(async move {
                    tokio::time::sleep(wait).await;
                    if let Some(socket) = socket.upgrade() {
                        let _ = socket.send(frame);
                    }
                });
            }
        }
    }
}

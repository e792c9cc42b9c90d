//! Entries, bodies and events, domain to wire.

use sha2::{Digest, Sha256};
use tidings_domain::delivery;
use tidings_domain::log::{self, BodyHash, Kind};
use tidings_domain::login;
use tidings_domain::presence::Presence;
use tidings_protocol::body::{Body, InvalidBody};
use tidings_protocol::entry::{Entry, EntryKind};
use tidings_protocol::event::{Event, KickReason};

/// A body as the log stores it: encoded once, hashed over exactly these bytes.
pub fn body_in(body: &Body) -> Result<log::Body, InvalidBody> {
    let json = body.encode()?;
    let hash = BodyHash::new(Sha256::digest(json.as_bytes()).into());
    Ok(log::Body { json, hash })
}

/// An entry as readers see it. Fails only when the stored body is not one that this version knows.
pub fn entry_out(entry: &log::Entry) -> Result<Entry, serde_json::Error> {
    Ok(Entry {
        seq: entry.seq.get(),
        sender: entry.sender.into(),
        client_id: entry.client_id.into(),
        sent_at: entry.sent_at.as_millis(),
        kind: match entry.kind {
            Kind::Message => EntryKind::Message,
            Kind::System => EntryKind::System,
        },
        body: serde_json::from_str(&entry.body.json)?,
        rev: entry.rev,
        counts: entry.counts.numbers(),
        expires_at: entry.expires_at.map(tidings_domain::time::Timestamp::as_millis),
    })
}

const fn reason_out(reason: login::KickReason) -> KickReason {
    match reason {
        login::KickReason::SignedOut => KickReason::SignedOut,
        login::KickReason::LoginPolicy => KickReason::LoginPolicy,
        login::KickReason::PasswordChanged => KickReason::PasswordChanged,
        login::KickReason::AccountDeleted => KickReason::AccountDeleted,
    }
}

/// Whether they are online, and if not since when, in milliseconds since the Unix epoch.
pub fn presence_out(presence: Presence) -> (bool, Option<u64>) {
    match presence {
        Presence::Online => (true, None),
        Presence::Offline { last_seen } => (false, last_seen.map(tidings_domain::time::Timestamp::as_millis)),
    }
}

/// An event as clients see it.
pub fn event_out(event: &delivery::Event) -> Result<Event, serde_json::Error> {
    Ok(match event {
        delivery::Event::Entry(conversation, entry) => {
            Event::Entry { conversation: (*conversation).into(), entry: entry_out(entry)? }
        }
        delivery::Event::Read { conversation, user, seq } => {
            Event::Read { conversation: (*conversation).into(), user: (*user).into(), seq: seq.get() }
        }
        delivery::Event::Pull { within_ms } => Event::Pull { within_ms: *within_ms },
        delivery::Event::Kicked(reason) => Event::Kicked { reason: reason_out(*reason) },
        delivery::Event::Presence(user, presence) => {
            let (online, last_seen) = presence_out(*presence);
            Event::Presence { user: (*user).into(), online, last_seen }
        }
        delivery::Event::Typing { conversation, user, typing } => {
            Event::Typing { conversation: (*conversation).into(), user: (*user).into(), typing: *typing }
        }
    })
}

#[cfg(test)]
mod tests {
    use tidings_domain::ids::{ClientId, ConversationId, UserId};
    use tidings_domain::log::{Counts, Draft, Entry, Seq};
    use tidings_domain::time::Timestamp;
    use tidings_protocol::limits::{BODY_MAX, ENTRY_EVENT_MAX};

    use super::*;

    /// The largest body that the wire takes, in the longest entry there can be.
    #[test]
    fn the_largest_entry_fits_its_event() {
        let text = "x".repeat(BODY_MAX - r#"{"type":"text","text":""}"#.len());
        let (a, b) = (UserId::from_bits(u128::MAX), UserId::from_bits(u128::MAX - 1));
        let conversation = ConversationId::direct(a, b);
        let draft = Draft { client_id: ClientId::from_bits(u128::MAX), body: body_in(&Body::text(text)).unwrap() };
        let far = Timestamp::from_millis(u64::MAX);
        let mut entry: Entry = draft.follow(None, conversation, a, far);
        (entry.seq, entry.rev, entry.expires_at) = (Seq::new(u64::MAX), u32::MAX, Some(far));
        entry.counts = Counts::Direct([u64::MAX; 2]);
        let event = event_out(&delivery::Event::Entry(conversation, entry)).unwrap();
        let size = serde_json::to_string(&event).unwrap().len();
        assert!(size <= ENTRY_EVENT_MAX, "{size}");
        assert!(size > BODY_MAX);
    }

    #[test]
    fn the_hash_is_of_what_is_stored() {
        let body = body_in(&Body::text("hi")).unwrap();
        assert_eq!(body.json, r#"{"type":"text","text":"hi"}"#);
        assert_eq!(format!("{:?}", body.hash), "2f92c6cb..");
    }
}

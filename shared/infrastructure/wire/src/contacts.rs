//! Contacts: domain to wire and back.

use tidings_domain::change::Changed;
use tidings_domain::contact::change::Told;
use tidings_domain::contact::{Contact, Tie};
use tidings_domain::ids::UserId;
use tidings_protocol::Text;
use tidings_protocol::contact::{ContactChanged, ContactInfo, ContactState};
use tidings_protocol::news::News;

use crate::pages::{REPLY_ROOM, fitting, size};

/// What is told, as the JSON that the log keeps.
pub fn encode(told: &Told) -> String {
    // Texts alone: this cannot fail.
    serde_json::to_string(&news(told)).unwrap_or_default()
}

fn news(told: &Told) -> News {
    match told.clone() {
        Told::Requested { user, greeting } => News::ContactRequested { user: Text(user), greeting: greeting.map(Text) },
        Told::Answered { user, accepted } => News::ContactAnswered { user: Text(user), accepted },
        Told::Removed { user } => News::ContactRemoved { user: Text(user) },
        Told::Described { user, remark, tags } => News::ContactChanged {
            user: Text(user),
            remark: remark.map(Text),
            tags: tags.into_iter().map(Text).collect(),
        },
        Told::Blocked { user } => News::ContactBlocked { user: Text(user) },
        Told::Unblocked { user } => News::ContactUnblocked { user: Text(user) },
    }
}

/// A change that is done.
pub const fn changed(changed: Changed) -> ContactChanged {
    ContactChanged { seq: changed.seq.get(), duplicate: changed.duplicate }
}

/// What somebody has of another.
fn info(contact: &Contact) -> ContactInfo {
    let (state, since, greeting) = match contact.tie.clone() {
        None => (None, None, None),
        Some(Tie::Asked { at, greeting }) => (Some(ContactState::Asked), Some(at), greeting),
        Some(Tie::Asking { at, greeting }) => (Some(ContactState::Asking), Some(at), greeting),
        Some(Tie::Friends { since }) => (Some(ContactState::Friends), Some(since), None),
    };
    ContactInfo {
        user: Text(contact.peer),
        state,
        since: since.map(tidings_domain::time::Timestamp::as_millis),
        greeting: greeting.map(Text),
        remark: contact.remark.clone().map(Text),
        tags: contact.tags.iter().cloned().map(Text).collect(),
        blocked: contact.blocked,
        version: contact.version.get(),
    }
}

/// As many of a page as fit a frame, and where the next one begins.
pub fn page(
    contacts: &[Contact],
    cursor: Option<UserId>,
) -> Result<(Vec<ContactInfo>, Option<Text<UserId>>), serde_json::Error> {
    let mut infos: Vec<_> = contacts.iter().map(info).collect();
    let sizes = infos.iter().map(size).collect::<Result<Vec<_>, _>>()?;
    let keep = fitting(sizes.into_iter(), REPLY_ROOM);
    let cut = keep < infos.len();
    infos.truncate(keep);
    let cursor = if cut { infos.last().map(|last| last.user) } else { cursor.map(Text) };
    Ok((infos, cursor))
}

#[cfg(test)]
mod tests {
    use tidings_domain::limits::{CONTACT_TAGS_MAX, CONTACTS_PAGE_MAX};
    use tidings_domain::time::Timestamp;

    use super::*;

    #[test]
    fn a_page_that_is_too_large_for_a_frame_goes_on_where_it_was_cut() {
        let long = |letters: usize| "\u{10ffff}".repeat(letters);
        let greeting = long(200).parse().ok();
        let contact = |peer| Contact {
            tie: Some(Tie::Asking { at: Timestamp::EPOCH, greeting: Option::clone(&greeting) }),
            remark: long(64).parse().ok(),
            tags: vec![long(32).parse().unwrap(); CONTACT_TAGS_MAX],
            ..Contact::stranger(UserId::from_bits(peer))
        };
        let contacts: Vec<_> = (0..CONTACTS_PAGE_MAX as u128).map(contact).collect();
        let (page, cursor) = page(&contacts, None).unwrap();
        assert!(serde_json::to_string(&page).unwrap().len() <= REPLY_ROOM);
        assert!((10..CONTACTS_PAGE_MAX).contains(&page.len()), "{}", page.len());
        assert_eq!(cursor.map(|cursor| cursor.0), contacts.get(page.len() - 1).map(|last| last.peer));
    }
}

//! Wire to request, answer to wire.

use std::sync::Arc;

use tidings_application::clock::{Clock, Random};
use tidings_application::identity::ports::{AccountRead, AccountUpdate, PeopleSearch};
use tidings_application::identity::{Change, GetUser, SearchPeople, Seen, UpdateUser, UpdateUserCommand, Who};
use tidings_application::ports::{ContactCommit, FanOutQueue, InboxForget, InboxRead, LogRead};
use tidings_protocol::actions::{UserGet, UserGetReply, UserSearch, UserSearchReply, UserUpdate, UserUpdateReply};
use tidings_protocol::error::{ErrorBody, ErrorCode};
use tidings_runtime::identity::{not_this_cursor, of_get_user, of_search_people, of_update_user, own, user};
use tidings_runtime::websocket::{Caller, internal};
use tidings_wire::groups::fingerprint;

/// `user.get`.
pub(crate) async fn user_get<A: AccountRead>(
    get_user: Arc<GetUser<A>>,
    caller: Caller,
    request: UserGet,
) -> Result<UserGetReply, ErrorBody> {
    let who = match (request.user, request.username) {
        (Some(id), None) => Who::User(id.0),
        (None, Some(name)) => Who::Username(name.0),
        (None, None) | (Some(_), Some(_)) => {
            return Err(ErrorBody::new(ErrorCode::BadRequest, "either `user` or `username`, and not both"));
        }
    };
    Ok(match get_user.run(caller.user, who).await.map_err(|error| of_get_user(&error))? {
        Seen::Own(account) => {
            let (user, own) = own(account);
            UserGetReply { user, own: Some(own) }
        }
        Seen::Card(card) => UserGetReply { user: user(card), own: None },
    })
}

/// `user.search`. The cursor is the last user name of a page.
pub(crate) async fn user_search<A: PeopleSearch>(
    search: Arc<SearchPeople<A>>,
    request: UserSearch,
) -> Result<UserSearchReply, ErrorBody> {
    let after = request.cursor.map(|cursor| cursor.parse().map_err(|_| not_this_cursor())).transpose()?;
    let found = search.run(request.prefix.0, after, request.limit).await.map_err(|error| of_search_people(&error))?;
    let last = found.people.last().filter(|_| found.more);
    let cursor = last.map(|last| last.username.to_string());
    Ok(UserSearchReply { users: found.people.into_iter().map(user).collect(), more: found.more, cursor })
}

/// `user.update`.
pub(crate) async fn user_update<A, I, L, S, Q, C>(
    update: Arc<UpdateUser<A, I, L, S, Q, C>>,
    caller: Caller,
    request: UserUpdate,
) -> Result<UserUpdateReply, ErrorBody>
where
    A: AccountRead + AccountUpdate,
    I: InboxRead + InboxForget,
    L: LogRead,
    S: ContactCommit,
    Q: FanOutQueue,
    C: Clock + Random,
{
    let fingerprint = fingerprint(&request).map_err(|error| internal(&error))?;
    let command = UpdateUserCommand {
        user: caller.user,
        client_id: request.client_id.0,
        fingerprint,
        connection: Some(caller.connection),
        version: request.version,
        change: Change {
            username: request.username.map(|it| it.0),
            display_name: request.display_name.map(|it| it.0),
            bio: request.bio.map(|it| it.0),
            language: request.language.map(|it| it.0),
            time_zone: request.time_zone.map(|it| it.0),
            messages_from: request.messages_from.map(|it| it.0),
            presence_to: request.presence_to.map(|it| it.0),
        },
    };
    let updated = update.run(command).await;
    let (user, own) = own(updated.map_err(|error| of_update_user(&error, update.tell.clock.now()))?);
    Ok(UserUpdateReply { user, own })
}

#[cfg(test)]
mod tests {
    use serde::de::DeserializeOwned;
    use serde_json::{Value, json};
    use tidings_application::identity::ports::AccountCreate;
    use tidings_application::identity::{Account, PasswordHash};
    use tidings_domain::identity::Platform;
    use tidings_domain::ids::{ConnectionId, UserId};
    use tidings_domain::limits::SEARCH_PAGE_MAX;
    use tidings_domain::profile::{Bio, Profile};
    use tidings_protocol::envelope::{Outcome, Reply};
    use tidings_protocol::limits::{FRAME_MAX, REQUEST_ID_MAX};
    use tidings_testkit::clock::TestClock;
    use tidings_testkit::identity::FakeSocial;

    use super::*;

    fn account(user: u128, username: &str) -> Account {
        Account {
            user: UserId::from_bits(user),
            username: username.parse().unwrap(),
            profile: Profile::new("Somebody".parse().unwrap()),
            password_hash: PasswordHash::new("hash"),
            created_at: TestClock::new(0).now(),
            version: 0,
            changes: Vec::new(),
        }
    }

    fn caller(user: u128) -> Caller {
        let now = TestClock::new(0).now();
        Caller {
            user: UserId::from_bits(user),
            device: "laptop".parse().unwrap(),
            platform: Platform::Desktop,
            ticket_at: now,
            connected_at: now,
            connection: ConnectionId::new("c"),
            asked_at: now,
        }
    }

    fn request<T: DeserializeOwned>(fields: Value) -> T {
        serde_json::from_value(fields).unwrap()
    }

    const ALICE: &str = "u_00000000000000000000000001";
    const NOBODY: &str = "u_00000000000000000000000002";

    #[tokio::test]
    async fn people_are_found_by_either_and_only_by_one() {
        let accounts = FakeSocial::default();
        accounts.create(&account(1, "alice")).await.unwrap();
        let get = Arc::new(GetUser { accounts });
        for (who, want) in [
            (json!({ "user": ALICE }), Ok("alice")),
            (json!({ "username": "Alice" }), Ok("alice")),
            (json!({ "user": NOBODY }), Err(ErrorCode::NotFound)),
            (json!({ "username": "bob.b" }), Err(ErrorCode::NotFound)),
            (json!({}), Err(ErrorCode::BadRequest)),
            (json!({ "user": ALICE, "username": "alice" }), Err(ErrorCode::BadRequest)),
        ] {
            let reply = user_get(get.clone(), caller(2), request(who.clone())).await;
            let name = reply.map(|reply| reply.user.username.to_string()).map_err(|error| error.code);
            assert_eq!(name, want.map(str::to_owned), "{who}");
        }
    }

    #[tokio::test]
    async fn only_oneself_sees_the_rest() {
        let accounts = FakeSocial::default();
        accounts.create(&account(1, "alice")).await.unwrap();
        let get = Arc::new(GetUser { accounts });
        for (viewer, sees) in [(1, true), (2, false)] {
            let reply = user_get(get.clone(), caller(viewer), request(json!({ "user": ALICE }))).await.unwrap();
            assert_eq!(reply.own.is_some(), sees, "{viewer}");
        }
    }

    #[tokio::test]
    async fn a_cursor_belongs_to_its_search() {
        let search = Arc::new(SearchPeople { accounts: FakeSocial::default() });
        for (cursor, good) in [("alice", true), ("bob.b", false), ("", false), ("al", false)] {
            let fields = json!({ "prefix": "al", "cursor": cursor });
            let reply = user_search(search.clone(), request(fields)).await;
            assert_eq!(reply.map_err(|error| error.code).err(), (!good).then_some(ErrorCode::BadRequest), "{cursor:?}");
        }
    }

    /// Three kinds of what is longest: in bytes, in JSON's escapes, and in names.
    #[tokio::test]
    async fn a_page_of_the_longest_cards_fits_a_frame() {
        for letter in ["\u{1F600}", "\"", "\\"] {
            let accounts = FakeSocial::default();
            for number in 0..=SEARCH_PAGE_MAX {
                let mut long = account(number as u128, &format!("al{number:030}"));
                long.profile.display_name = letter.repeat(64).parse().unwrap();
                long.profile.bio = letter.repeat(Bio::MAX).parse().unwrap();
                accounts.create(&long).await.unwrap();
            }
            let search = Arc::new(SearchPeople { accounts });
            let page = user_search(search, request(json!({ "prefix": "al" }))).await.unwrap();
            assert_eq!((page.users.len(), page.more), (SEARCH_PAGE_MAX, true));
            let reply = Some("\u{1}".repeat(REQUEST_ID_MAX));
            let frame = serde_json::to_string(&Reply { reply, outcome: Outcome::Ok(page) }).unwrap();
            assert!(frame.len() <= FRAME_MAX, "{} bytes of {letter:?}", frame.len());
        }
    }
}

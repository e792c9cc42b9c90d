//! Wire to request, answer to wire.

use std::sync::Arc;

use tidings_application::identity::ports::AccountRead;
use tidings_application::identity::{GetUser, Who};
use tidings_protocol::actions::{UserGet, UserGetReply};
use tidings_protocol::error::{ErrorBody, ErrorCode};
use tidings_runtime::identity::{of_get_user, user};

/// `user.get`.
pub(crate) async fn user_get<A: AccountRead>(
    get_user: Arc<GetUser<A>>,
    request: UserGet,
) -> Result<UserGetReply, ErrorBody> {
    let who = match (request.user, request.username) {
        (Some(id), None) => Who::User(id.0),
        (None, Some(name)) => Who::Username(name.0),
        (None, None) | (Some(_), Some(_)) => {
            return Err(ErrorBody::new(ErrorCode::BadRequest, "either `user` or `username`, and not both"));
        }
    };
    let card = get_user.run(who).await.map_err(|error| of_get_user(&error))?;
    Ok(UserGetReply { user: user(card) })
}

#[cfg(test)]
mod tests {
    use tidings_application::clock::Clock;
    use tidings_application::identity::ports::AccountCreate;
    use tidings_application::identity::{Account, PasswordHash};
    use tidings_domain::identity::Username;
    use tidings_domain::ids::UserId;
    use tidings_testkit::clock::TestClock;
    use tidings_testkit::identity::FakeSocial;

    use super::*;

    async fn ask(id: Option<UserId>, name: Option<&str>) -> Result<String, ErrorCode> {
        let accounts = FakeSocial::default();
        let alice = Account {
            user: UserId::from_bits(1),
            username: "alice".parse().unwrap(),
            display_name: "Alice".parse().unwrap(),
            password_hash: PasswordHash::new("hash"),
            created_at: TestClock::new(0).now(),
        };
        accounts.create(&alice).await.unwrap();
        let name = name.map(|name| name.parse::<Username>().unwrap());
        let request = UserGet { user: id.map(Into::into), username: name.map(Into::into) };
        let reply = user_get(Arc::new(GetUser { accounts }), request).await;
        reply.map(|reply| reply.user.username.as_str().to_owned()).map_err(|error| error.code)
    }

    #[tokio::test]
    async fn people_are_found_by_either_and_only_by_one() {
        let (alice, nobody) = (Some(UserId::from_bits(1)), Some(UserId::from_bits(2)));
        for (id, name, want) in [
            (alice, None, Ok("alice")),
            (None, Some("Alice"), Ok("alice")),
            (nobody, None, Err(ErrorCode::NotFound)),
            (None, Some("bob.b"), Err(ErrorCode::NotFound)),
            (None, None, Err(ErrorCode::BadRequest)),
            (alice, Some("alice"), Err(ErrorCode::BadRequest)),
        ] {
            assert_eq!(ask(id, name).await, want.map(str::to_owned), "{id:?} {name:?}");
        }
    }
}

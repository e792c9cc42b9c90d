//! `user.get`, `user.search` and `user.update`: people and their profiles.

mod handler;

use std::sync::Arc;

use lambda_runtime::Error;
use tidings_application::identity::{GetUser, SearchPeople, UpdateUser};
use tidings_dynamodb::Client;
use tidings_dynamodb::social::SocialTable;
use tidings_runtime::settings::Environment;
use tidings_runtime::websocket::Actions;
use tidings_runtime::{aws, telemetry};

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Error> {
    let environment = Environment::process();
    let meter = telemetry::start(&environment)?;
    let table = environment.social_table()?;
    let accounts = SocialTable::new(Client::new(&aws::config().await), table);
    let get = Arc::new(GetUser { accounts: accounts.clone() });
    let search = Arc::new(SearchPeople { accounts: accounts.clone() });
    let update = Arc::new(UpdateUser { accounts });
    Actions::new(meter)
        .on(move |caller, request| handler::user_get(get.clone(), caller, request))
        .on(move |_, request| handler::user_search(search.clone(), request))
        .on(move |caller, request| handler::user_update(update.clone(), caller, request))
        .serve()
        .await
}

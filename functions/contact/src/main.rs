//! `user.*` and `contact.*`: people, their profiles, and what they are to each other.

mod contacts;
mod handler;

use std::sync::Arc;

use lambda_runtime::Error;
use tidings_application::identity::{GetUser, SearchPeople};
use tidings_runtime::settings::Environment;
use tidings_runtime::websocket::Actions;
use tidings_runtime::{aws, telemetry};

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Error> {
    let environment = Environment::process();
    let meter = telemetry::start(&environment)?;
    let sdk = aws::config().await;
    let accounts = tidings_assembly::accounts(&environment, &sdk)?;
    let get = Arc::new(GetUser { accounts: accounts.clone() });
    let search = Arc::new(SearchPeople { accounts: accounts.clone() });
    let (changes, looks) = contacts::build(&environment, &sdk, &meter)?;
    let update = Arc::new(contacts::profiles(&environment, &sdk, accounts, &changes)?);
    let actions = Actions::new(meter.clone())
        .on(move |caller, request| handler::user_get(get.clone(), caller, request))
        .on(move |_, request| handler::user_search(search.clone(), request))
        .on(move |caller, request| handler::user_update(update.clone(), caller, request));
    contacts::serve((changes, looks), actions).serve().await
}

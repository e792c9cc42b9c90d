//! `user.get`: finds people.

mod handler;

use std::sync::Arc;

use lambda_runtime::Error;
use tidings_application::identity::GetUser;
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
    let get_user = Arc::new(GetUser { accounts });
    Actions::new(meter).on(move |_, request| handler::user_get(get_user.clone(), request)).serve().await
}

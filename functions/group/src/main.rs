//! `group.*`: groups and their administration.

mod change;
mod look;

use std::sync::Arc;

use lambda_runtime::Error;
use tidings_runtime::settings::Environment;
use tidings_runtime::websocket::Actions;
use tidings_runtime::{aws, telemetry};

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Error> {
    let environment = Environment::process();
    let meter = telemetry::start(&environment)?;
    let sdk = aws::config().await;
    let change = Arc::new(change::build(&environment, &sdk, &meter)?);
    let look = Arc::new(look::build(&environment, &sdk, &meter)?);
    /// Serves one action by a method of what it needs.
    macro_rules! with {
        ($what:expr, $method:path) => {{
            let what = $what.clone();
            move |caller, request| {
                let what = what.clone();
                async move { $method(&what, caller, request).await }
            }
        }};
    }
    Actions::new(meter)
        .on(with!(change, change::create))
        .on(with!(change, change::update))
        .on(with!(change, change::join))
        .on(with!(change, change::answer))
        .on(with!(change, change::invite))
        .on(with!(change, change::leave))
        .on(with!(change, change::kick))
        .on(with!(change, change::role))
        .on(with!(change, change::transfer))
        .on(with!(change, change::mute))
        .on(with!(change, change::announce))
        .on(with!(change, change::nickname))
        .on(with!(change, change::remark))
        .on(with!(change, change::link))
        .on(with!(change, change::dissolve))
        .on(with!(look, look::info))
        .on(with!(look, look::requests))
        .on(with!(look, look::members))
        .on(with!(look, look::member))
        .on(with!(look, look::list))
        .serve()
        .await
}

//! The authorizer of `$connect`: a ticket becomes who is connecting. Reads no table.

mod handler;

use lambda_runtime::{Error, LambdaEvent};
use serde_json::Value;
use tidings_application::identity::Admit;
use tidings_identity::VerifyingKeys;
use tidings_runtime::clock::SystemClock;
use tidings_runtime::settings::{Environment, all};
use tidings_runtime::{invocation, telemetry};

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Error> {
    let environment = Environment::process();
    let meter = telemetry::start(&environment)?;
    let (keys, denied) = all((environment.verifying_keys::<VerifyingKeys>(), environment.deny_list()))?;
    let admit = &Admit { keys, clock: SystemClock, denied: denied.into_iter().collect() };
    let meter = &meter;
    invocation::serve(meter, async move |event: LambdaEvent<Value>| {
        Ok(handler::authorize(admit, meter, &event.payload))
    })
    .await
}

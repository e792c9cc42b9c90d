//! The authorizer of `$connect`: a ticket becomes who is connecting. Reads no table.

mod handler;

use lambda_runtime::{Error, LambdaEvent, run, service_fn};
use serde_json::Value;
use tidings_application::identity::Admit;
use tidings_identity::VerifyingKeys;
use tidings_runtime::clock::SystemClock;
use tidings_runtime::settings::{Environment, all};
use tidings_runtime::telemetry;

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Error> {
    let environment = Environment::process();
    telemetry::start(&environment);
    let (keys, denied) = all((environment.verifying_keys::<VerifyingKeys>(), environment.deny_list()))?;
    let admit = &Admit { keys, clock: SystemClock, denied: denied.into_iter().collect() };
    run(service_fn(async |event: LambdaEvent<Value>| Ok::<_, Error>(handler::authorize(admit, &event.payload)))).await
}

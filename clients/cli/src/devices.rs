//! `devices`: where I am signed in.

use tidings_client::{Client, DeviceId};

use crate::args::{Devices, Place};
use crate::problem::Problem;
use crate::profile::{ONLINE_WITHIN, Profile, leave, online};
use crate::say;
use crate::text::{self, Clock};

/// Lists devices, or signs them out.
pub(crate) async fn run(place: &Place, devices: Devices, clock: Clock) -> Result<(), Problem> {
    let profile = Profile::open(place)?;
    let client = profile.client(place).await?;
    let result = act(&client, devices, clock).await;
    leave(&client).await;
    result
}

async fn act(client: &Client, devices: Devices, clock: Clock) -> Result<(), Problem> {
    online(client, ONLINE_WITHIN).await?;
    match devices {
        Devices::List { json } => list(client, json, clock).await,
        Devices::SignOut { device: Some(device), .. } => {
            let device: DeviceId = device
                .parse()
                .map_err(|_| Problem::told(format!("`{device}` is no device; see `tidings devices list`")))?;
            client.sign_out(device.clone()).await?;
            say::line(format_args!("signed out {device}"));
            Ok(())
        }
        Devices::SignOut { device: None, .. } => {
            for device in client.sign_out_others().await? {
                say::line(format_args!("signed out {device}"));
            }
            Ok(())
        }
    }
}

async fn list(client: &Client, json: bool, clock: Clock) -> Result<(), Problem> {
    let all = client.devices().await?;
    for device in &all.devices {
        if json {
            say::json(device);
            continue;
        }
        let state = match (device.this, device.online) {
            (true, _) => "this device".to_owned(),
            (false, true) => "online".to_owned(),
            (false, false) => format!("last seen {}", clock.short(device.last_seen)),
        };
        let name = text::harmless(device.name.as_str());
        say::line(format_args!("{}  {:<8} {name}, {state}", device.device, device.platform.as_str()));
    }
    if all.more {
        say::note("there are more; `tidings devices sign-out --others` signs out all but this one");
    }
    Ok(())
}

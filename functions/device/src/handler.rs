//! Wire to request, answer to wire.

use std::sync::Arc;

use tidings_application::clock::Clock;
use tidings_application::identity::ports::{SessionEnd, SessionList, SignOutBegin};
use tidings_application::identity::{ListDevices, SignOutDevices, SignOutWhom};
use tidings_application::ports::{Gateway, RouteLeave, RouteRead, RouteRevoke, SightingRead};
use tidings_domain::limits::DEVICES_LISTED_MAX;
use tidings_protocol::actions::{DeviceList, DeviceListReply, DeviceSignOut, DeviceSignOutReply, SignedInDevice};
use tidings_protocol::error::{ErrorBody, ErrorCode};
use tidings_runtime::identity::{of_port, of_sign_out};
use tidings_runtime::websocket::Caller;

/// `device.list`.
pub(crate) async fn device_list<S: SessionList, R: SightingRead, C: Clock>(
    list: Arc<ListDevices<S, R, C>>,
    caller: Caller,
    _: DeviceList,
) -> Result<DeviceListReply, ErrorBody> {
    let devices = list.run(caller.user).await.map_err(|error| of_port(&error))?;
    let more = devices.len() > DEVICES_LISTED_MAX;
    let shown = devices.into_iter().take(DEVICES_LISTED_MAX).map(|device| SignedInDevice {
        this: device.session.device == caller.device,
        device: device.session.device.into(),
        name: device.session.name.into(),
        platform: device.session.platform.into(),
        signed_in_at: device.session.created_at.as_millis(),
        last_seen: device.last_seen.as_millis(),
        online: device.online,
    });
    Ok(DeviceListReply { devices: shown.collect(), more })
}

/// `device.sign_out`.
pub(crate) async fn device_sign_out<S, R, G, C>(
    sign_out: Arc<SignOutDevices<S, R, G, C>>,
    caller: Caller,
    request: DeviceSignOut,
) -> Result<DeviceSignOutReply, ErrorBody>
where
    S: SessionList + SessionEnd + SignOutBegin,
    R: RouteRead + RouteLeave + RouteRevoke,
    G: Gateway,
    C: Clock,
{
    let whom = match (request.device, request.others) {
        (Some(device), false) => SignOutWhom::Device(device.0),
        (None, true) => SignOutWhom::Others,
        (None, false) | (Some(_), true) => {
            return Err(ErrorBody::new(ErrorCode::BadRequest, "either `device` or `others`, and not both"));
        }
    };
    let ended = sign_out.run(caller.user, &caller.device, request.client_id.0, whom).await;
    let devices = ended.map_err(|error| of_sign_out(&error))?;
    Ok(DeviceSignOutReply { devices: devices.into_iter().map(Into::into).collect() })
}

#[cfg(test)]
mod tests {
    use tidings_application::identity::ports::SessionWrite;
    use tidings_application::identity::{Kick, Session, SessionId};
    use tidings_domain::identity::Platform;
    use tidings_domain::ids::{ClientId, ConnectionId, UserId};
    use tidings_protocol::envelope::{Outcome, Reply};
    use tidings_protocol::limits::FRAME_MAX;
    use tidings_testkit::clock::TestClock;
    use tidings_testkit::identity::FakeSocial;
    use tidings_testkit::messages::{FakeGateway, FakeRoutes};

    use super::*;

    const ME: UserId = UserId::from_bits(1);

    fn caller(device: &str, clock: &TestClock) -> Caller {
        Caller {
            user: ME,
            device: device.parse().unwrap(),
            platform: Platform::Web,
            ticket_at: clock.now(),
            connected_at: clock.now(),
            connection: ConnectionId::new("c"),
            asked_at: clock.now(),
        }
    }

    fn session(device: &str, name: &str, clock: &TestClock) -> Session {
        let now = clock.now();
        Session {
            user: ME,
            device: device.parse().unwrap(),
            name: name.parse().unwrap(),
            platform: Platform::Desktop,
            id: SessionId::from_bits(7),
            generation: 1,
            created_at: now,
            rotated_at: now,
            expires_at: now.plus_millis(1),
        }
    }

    #[tokio::test]
    async fn exactly_one_of_device_and_others_is_asked() {
        let (sessions, clock) = (FakeSocial::default(), TestClock::new(0));
        sessions.put(&session("phone", "Phone", &clock)).await.unwrap();
        let (routes, gateway) = (FakeRoutes::default(), FakeGateway::default());
        let kick = Kick { sessions, routes, gateway, clock: clock.clone() };
        let sign_out = Arc::new(SignOutDevices { kick });
        for (number, device, others, want) in [
            (1, None, false, Err(ErrorCode::BadRequest)),
            (2, Some("phone"), true, Err(ErrorCode::BadRequest)),
            (3, Some("nowhere"), false, Err(ErrorCode::NotFound)),
            (4, Some("phone"), false, Ok(1)),
            (4, None, true, Err(ErrorCode::Conflict)),
            (5, None, true, Ok(0)),
        ] {
            let request = DeviceSignOut {
                client_id: ClientId::from_bits(number).into(),
                device: device.map(|device| device.parse::<tidings_domain::ids::DeviceId>().unwrap().into()),
                others,
            };
            let reply = device_sign_out(sign_out.clone(), caller("laptop", &clock), request).await;
            let got = reply.map(|reply| reply.devices.len()).map_err(|error| error.code);
            assert_eq!(got, want, "{device:?} {others}");
        }
    }

    #[tokio::test]
    async fn the_longest_list_fits_a_frame() {
        let (sessions, clock) = (FakeSocial::default(), TestClock::new(0));
        for number in 0..=DEVICES_LISTED_MAX {
            sessions.put(&session(&format!("{number:064}"), &"\u{10ffff}".repeat(64), &clock)).await.unwrap();
        }
        let list = Arc::new(ListDevices { sessions, routes: FakeRoutes::default(), clock: clock.clone() });
        let reply = device_list(list, caller("laptop", &clock), DeviceList {}).await.unwrap();
        assert!(reply.devices.len() == DEVICES_LISTED_MAX && reply.more);
        let frame = Reply { reply: Some("x".repeat(64)), outcome: Outcome::Ok(reply) };
        let size = serde_json::to_string(&frame).unwrap().len();
        assert!(size <= FRAME_MAX, "{size}");
    }
}

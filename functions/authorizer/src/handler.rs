//! The gateway's question and answer. Whatever is wrong is a denial (403) and never an error: an error would be
//! answered with 500, and clients would try the same ticket again.

use serde_json::{Value, json};
use tidings_application::clock::Clock;
use tidings_application::identity::ports::VerifyTickets;
use tidings_application::identity::{Admit, Admitted};
use tidings_metrics::Metric;
use tidings_runtime::meter::Meter;

/// Whom denials are about; the gateway wants somebody.
const NOBODY: &str = "nobody";

/// The answer to a REQUEST authorizer event.
pub(crate) fn authorize<K: VerifyTickets, C: Clock>(admit: &Admit<K, C>, meter: &Meter, event: &Value) -> Value {
    // What the gateway asks about. Were it ever missing, the denial would cover everything.
    let resource = event["methodArn"].as_str().unwrap_or("*");
    let ticket = event["queryStringParameters"]["ticket"].as_str().unwrap_or_default();
    match admit.run(ticket) {
        Ok(admitted) => allow(&admitted, resource),
        Err(refused) => {
            meter.count(Metric::Refusals, 1);
            tracing::info!(reason = %refused, "refused");
            policy("Deny", NOBODY, resource, &json!({}))
        }
    }
}

/// Everything that later events need to know about the connection. Context values are texts.
fn allow(admitted: &Admitted, resource: &str) -> Value {
    let Admitted { principal, ticket_at } = admitted;
    let user = principal.user.to_string();
    let context = json!({
        "user": user,
        "device": principal.device.as_str(),
        "platform": principal.platform.as_str(),
        "ticket_at": ticket_at.to_string(),
    });
    policy("Allow", &user, resource, &context)
}

fn policy(effect: &str, principal: &str, resource: &str, context: &Value) -> Value {
    json!({
        "principalId": principal,
        "policyDocument": {
            "Version": "2012-10-17",
            "Statement": [{ "Action": "execute-api:Invoke", "Effect": effect, "Resource": resource }],
        },
        "context": context,
    })
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use tidings_application::identity::ports::SignTokens;
    use tidings_application::identity::{Principal, SessionId, Token};
    use tidings_domain::identity::Platform;
    use tidings_domain::ids::UserId;
    use tidings_identity::{Keys, SigningKey, VerifyingKeys};
    use tidings_testkit::clock::{START_MS, TestClock};

    use super::*;

    const ARN: &str = "arn:aws:execute-api:eu-central-1:123456789012:abc/live/$connect";

    struct World {
        keys: Keys,
        admit: Admit<VerifyingKeys, TestClock>,
    }

    impl World {
        fn new() -> Self {
            let signing = SigningKey::from_seed(&[1; 32]).unwrap();
            let verifying: VerifyingKeys = signing.key_set().parse().unwrap();
            let keys = Keys::new(signing, verifying.clone()).unwrap();
            Self { keys, admit: Admit { keys: verifying, clock: TestClock::new(0), denied: HashSet::new() } }
        }

        fn ticket(&self) -> Token {
            self.keys.sign_ticket(&principal(), self.admit.clock.now(), 30).unwrap()
        }

        fn ask(&self, ticket: &str) -> Value {
            let event = json!({
                "type": "REQUEST",
                "methodArn": ARN,
                "queryStringParameters": { "ticket": ticket },
                "requestContext": { "routeKey": "$connect", "eventType": "CONNECT" },
            });
            authorize(&self.admit, &Meter::off(), &event)
        }
    }

    fn principal() -> Principal {
        Principal {
            user: UserId::from_bits(1),
            device: "laptop-1".parse().unwrap(),
            platform: Platform::Desktop,
            session: SessionId::from_bits(2),
        }
    }

    fn is_denied(answer: &Value) -> bool {
        let statement = &answer["policyDocument"]["Statement"][0];
        statement["Effect"] == "Deny" && statement["Resource"] == ARN && answer["context"] == json!({})
    }

    #[test]
    fn a_ticket_becomes_who_is_connecting() {
        let world = World::new();
        let user = principal().user.to_string();
        assert_eq!(
            world.ask(world.ticket().reveal()),
            json!({
                "principalId": user,
                "policyDocument": {
                    "Version": "2012-10-17",
                    "Statement": [{ "Action": "execute-api:Invoke", "Effect": "Allow", "Resource": ARN }],
                },
                "context": {
                    "user": user, "device": "laptop-1", "platform": "desktop", "ticket_at": START_MS.to_string(),
                },
            })
        );
    }

    #[test]
    fn anything_else_is_denied() {
        let mut world = World::new();
        let (now, ticket) = (world.admit.clock.now(), world.ticket());
        let access = world.keys.sign_access_token(&principal(), now, 900).unwrap();
        let other = SigningKey::from_seed(&[2; 32]).unwrap();
        let other = Keys::new(other.clone(), other.key_set().parse().unwrap()).unwrap();
        let forged = other.sign_ticket(&principal(), now, 30).unwrap();
        for ticket in ["", "nonsense", access.reveal(), forged.reveal()] {
            assert!(is_denied(&world.ask(ticket)), "{ticket}");
        }
        world.admit.denied.insert(principal().user);
        assert!(is_denied(&world.ask(ticket.reveal())), "on the deny list");
        world.admit.denied.clear();
        world.admit.clock.advance(60_000);
        assert!(is_denied(&world.ask(ticket.reveal())), "too old");
    }

    #[test]
    fn an_event_of_another_shape_is_denied() {
        let world = World::new();
        for event in [json!({}), json!(null), json!([]), json!({ "queryStringParameters": null, "methodArn": 7 })] {
            let answer = authorize(&world.admit, &Meter::off(), &event);
            let statement = &answer["policyDocument"]["Statement"][0];
            assert_eq!((&statement["Effect"], &statement["Resource"]), (&json!("Deny"), &json!("*")), "{event}");
        }
    }
}

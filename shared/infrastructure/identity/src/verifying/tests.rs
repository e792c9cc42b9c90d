use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use jsonwebtoken::{EncodingKey, Header, encode};
use tidings_application::identity::SessionId;
use tidings_application::identity::ports::SignTokens;
use tidings_domain::identity::Platform;
use tidings_domain::ids::UserId;

use super::*;
use crate::{Keys, SigningKey};

const NOW: Timestamp = Timestamp::from_millis(1_764_000_000_900);

fn signing(seed: u8) -> SigningKey {
    SigningKey::from_seed(&[seed; 32]).unwrap()
}

fn keys(seed: u8) -> Keys {
    let signing = signing(seed);
    let verifying = signing.key_set().parse().unwrap();
    Keys::new(signing, verifying).unwrap()
}

fn verifying(seed: u8) -> VerifyingKeys {
    signing(seed).key_set().parse().unwrap()
}

fn principal() -> Principal {
    Principal {
        user: UserId::from_bits(1),
        device: "laptop-1".parse().unwrap(),
        platform: Platform::Desktop,
        session: SessionId::from_bits(2),
    }
}

#[test]
fn what_is_signed_verifies_and_says_the_same() {
    let (keys, set) = (keys(1), verifying(1));
    let token = keys.sign_access_token(&principal(), NOW, 900).unwrap();
    assert_eq!(set.verify_access_token(token.reveal(), NOW), Some(principal()));
    let ticket = keys.sign_ticket(&principal(), NOW, 30).unwrap();
    assert_eq!(set.verify_ticket(ticket.reveal(), NOW), Some((principal(), NOW)), "to the millisecond");
}

#[test]
fn an_access_token_is_no_ticket_and_a_ticket_no_access_token() {
    let (keys, set) = (keys(1), verifying(1));
    let token = keys.sign_access_token(&principal(), NOW, 900).unwrap();
    let ticket = keys.sign_ticket(&principal(), NOW, 30).unwrap();
    assert_eq!(set.verify_ticket(token.reveal(), NOW), None);
    assert_eq!(set.verify_access_token(ticket.reveal(), NOW), None);
}

#[test]
fn age_is_checked_by_our_clock_with_a_small_leeway() {
    let set = verifying(1);
    let ticket = keys(1).sign_ticket(&principal(), NOW, 30).unwrap();
    for (later_s, good) in [(0, true), (30, true), (31, true), (32, false), (3_600, false)] {
        let good_then = set.verify_ticket(ticket.reveal(), NOW.plus_millis(later_s * 1_000)).is_some();
        assert_eq!(good_then, good, "after {later_s} s");
    }
    for (earlier_s, good) in [(2, true), (3, false)] {
        let good_then = set.verify_ticket(ticket.reveal(), NOW.minus_millis(earlier_s * 1_000)).is_some();
        assert_eq!(good_then, good, "{earlier_s} s before it was signed");
    }
}

#[test]
fn keys_are_chosen_by_name_so_that_they_can_change() {
    let one: Jwks = serde_json::from_str(&signing(1).key_set()).unwrap();
    let other: Jwks = serde_json::from_str(&signing(2).key_set()).unwrap();
    let both: VerifyingKeys =
        serde_json::json!(Jwks { keys: [one.keys, other.keys].concat() }).to_string().parse().unwrap();
    for seed in [1, 2] {
        let token = keys(seed).sign_access_token(&principal(), NOW, 900).unwrap();
        assert!(both.verify_access_token(token.reveal(), NOW).is_some());
    }
    let token = keys(3).sign_access_token(&principal(), NOW, 900).unwrap();
    assert_eq!(both.verify_access_token(token.reveal(), NOW), None);
}

#[test]
fn forged_tokens_do_not_verify() {
    let set = verifying(1);
    let token = keys(1).sign_access_token(&principal(), NOW, 900).unwrap();
    let parts: Vec<&str> = token.reveal().split('.').collect();
    let json =
        |part: &str| -> serde_json::Value { serde_json::from_slice(&URL_SAFE_NO_PAD.decode(part).unwrap()).unwrap() };
    let part = |value: &serde_json::Value| URL_SAFE_NO_PAD.encode(value.to_string());

    let mut mallory = json(parts[1]);
    mallory["sub"] = UserId::from_bits(9).to_string().into();
    let mut no_algorithm = json(parts[0]);
    no_algorithm["alg"] = "none".into();
    let mut without_kid = json(parts[0]);
    without_kid.as_object_mut().unwrap().remove("kid");
    for forged in [
        format!("{}.{}.{}", parts[0], part(&mallory), parts[2]),
        format!("{}.{}.", part(&no_algorithm), parts[1]),
        format!("{}.{}.{}", part(&no_algorithm), parts[1], parts[2]),
        format!("{}.{}.{}", part(&without_kid), parts[1], parts[2]),
        format!("{}.{}.", parts[0], parts[1]),
        format!("{}.{}", parts[0], parts[1]),
        String::new(),
        "a.b.c".to_owned(),
    ] {
        assert_eq!(set.verify_access_token(&forged, NOW), None, "{forged}");
    }
}

#[test]
fn the_public_key_is_no_secret_to_sign_with() {
    let set = verifying(1);
    let jwks: Jwks = serde_json::from_str(set.key_set()).unwrap();
    let public = jwks.keys[0].public_key().unwrap();
    let header = Header { kid: Some(jwks.keys[0].kid.clone()), ..Header::new(Algorithm::HS256) };
    let claims = Claims::new(ACCESS, &principal(), NOW, 900);
    let token = encode(&header, &claims, &EncodingKey::from_secret(&public)).unwrap();
    assert_eq!(set.verify_access_token(&token, NOW), None);
}

#[test]
fn a_key_set_is_read_strictly() {
    let good = signing(1).key_set();
    assert_eq!(good.parse::<VerifyingKeys>().unwrap().key_set(), good);
    for (from, to) in
        [("OKP", "EC"), ("Ed25519", "X25519"), ("EdDSA", "HS256"), ("\"sig\"", "\"enc\""), ("kid\":\"", "kid\":\"0")]
    {
        assert!(good.contains(from), "{from} is not in {good}");
        let error = good.replacen(from, to, 1).parse::<VerifyingKeys>().unwrap_err();
        assert!(matches!(error, InvalidVerifyingKeys::Key(_)), "{to}: {error}");
    }
    assert_eq!(r#"{"keys":[]}"#.parse::<VerifyingKeys>().err(), Some(InvalidVerifyingKeys::Empty));
    assert!(matches!("{}".parse::<VerifyingKeys>(), Err(InvalidVerifyingKeys::Shape(_))));
}

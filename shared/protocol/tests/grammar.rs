//! The grammar of ids and names: the schema and the Rust type agree on what is one and what is none.
#![expect(clippy::unwrap_used, reason = "a test helper fails its test")]

use schemars::{JsonSchema, SchemaGenerator};
use serde::de::DeserializeOwned;
use serde_json::json;
use tidings_domain::identity::{DisplayName, Password, Platform, Username, UsernamePrefix};
use tidings_domain::ids::{ClientId, ConversationId, DeviceId, GroupId, UserId};
use tidings_domain::profile::{Bio, Language, MessagesFrom, PresenceTo, TimeZone};
use tidings_protocol::Text;

#[track_caller]
fn check<T>(good: &[&str], bad: &[&str])
where
    Text<T>: JsonSchema + DeserializeOwned,
{
    let schema = SchemaGenerator::default().into_root_schema_for::<Text<T>>().to_value();
    let schema = jsonschema::draft202012::new(&schema).unwrap();
    for (texts, want) in [(good, true), (bad, false)] {
        for text in texts {
            assert_eq!(schema.is_valid(&json!(text)), want, "the schema on {text:?}");
            assert_eq!(serde_json::from_value::<Text<T>>(json!(text)).is_ok(), want, "the Rust type on {text:?}");
        }
    }
    for other in [json!(null), json!(1), json!([]), json!({})] {
        assert!(!schema.is_valid(&other) && serde_json::from_value::<Text<T>>(other).is_err());
    }
}

const A: &str = "01JD0000000000000000000A00";
const B: &str = "01JD0000000000000000000B00";

#[test]
fn users_groups_and_client_ids() {
    check::<UserId>(
        &[&format!("u_{A}")],
        &["", A, "u_", &format!("u_{A} "), &format!("g_{A}"), &format!("u_{}", A.to_lowercase())],
    );
    check::<GroupId>(&[&format!("g_{A}")], &["", A, &format!("u_{A}"), &format!("g_{A}0")]);
    // U is in no ULID, and neither is a first digit above 7.
    check::<ClientId>(
        &[A, "7ZZZZZZZZZZZZZZZZZZZZZZZZZ"],
        &["", &A[1..], &A.replace('A', "U"), &format!("8{}", &A[1..])],
    );
}

#[test]
fn conversations() {
    check::<ConversationId>(
        &[&format!("d:u_{A}:u_{B}"), &format!("d:u_{A}:u_{A}"), &format!("g:g_{A}"), &format!("n:u_{A}")],
        &[
            "",
            "d:",
            &format!("d:u_{A}"),
            &format!("g:{A}"),
            &format!("n:g_{A}"),
            &format!("x:u_{A}"),
            &format!("d:u_{A}:u_{B}:u_{B}"),
        ],
    );
    // A regular expression cannot compare: the order of the two users is the Rust type's to check.
    assert!(serde_json::from_value::<Text<ConversationId>>(json!(format!("d:u_{B}:u_{A}"))).is_err());
}

#[test]
fn devices_and_platforms() {
    check::<DeviceId>(&["laptop-1", "A_b-9", &"x".repeat(64)], &["", "a b", "a/b", "é", &"x".repeat(65)]);
    check::<Platform>(&["phone", "tablet", "desktop", "web"], &["", "Phone", "watch", "web "]);
}

#[test]
fn names_and_passwords() {
    check::<Username>(
        &["ada", "Ada.L_2", &"a".repeat(32)],
        &["", "al", "1ada", "_ada", "äda", "ada l", &"a".repeat(33)],
    );
    check::<UsernamePrefix>(&["ad", "Ada.L_2", &"a".repeat(32)], &["", "a", "1a", "_a", "ä", "a d", &"a".repeat(33)]);
    check::<DisplayName>(
        &["A", "Ada Lovelace", "李雷", &"x".repeat(64)],
        &["", " Ada", "Ada ", "A\nb", "A\tb", "A\u{7f}b", "\u{1}", &"x".repeat(65)],
    );
    check::<Password>(&["12345678", "correct horse", &"x".repeat(128)], &["", "1234567", &"x".repeat(129)]);
}

#[test]
fn profiles() {
    check::<Bio>(&["", "two\nlines", &"李".repeat(280)], &["a\tb", "a\r", "\u{7f}", "\u{85}", &"x".repeat(281)]);
    check::<Language>(
        &["", "en", "zh-Hans-CN", "de-1996", &format!("abcdefgh{}", "-abcdefgh".repeat(3))],
        &["e", "en-", "en_GB", "1a", "en--GB", "abcdefghi", &format!("abcdefgh{}", "-abcdefgh".repeat(4))],
    );
    check::<TimeZone>(
        &["", "UTC", "Europe/Berlin", "America/Argentina/ComodRivadavia", "Etc/GMT+1", &"x".repeat(64)],
        &["/", "Europe/", "Europe//Berlin", "+1", "a b", "a/1", &"x".repeat(65)],
    );
    check::<MessagesFrom>(&["anyone", "contacts"], &["", "Anyone", "nobody"]);
    check::<PresenceTo>(&["everybody", "contacts", "nobody"], &["", "anyone", "nobody "]);
}

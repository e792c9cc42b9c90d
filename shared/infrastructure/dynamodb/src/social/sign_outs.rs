//! What requests signed out.

use std::collections::HashMap;

use aws_sdk_dynamodb::operation::put_item::PutItemError;
use aws_sdk_dynamodb::types::{AttributeValue, ReturnValuesOnConditionCheckFailure};
use tidings_application::error::PortError;
use tidings_application::identity::ports::SignOutBegin;
use tidings_application::identity::{Ended, SignOut, SignOutWhom};
use tidings_tables::social::SocialKey;

use super::{SocialTable, item, key_of};
use crate::attributes::{Item, Reader, number, string};
use crate::error::{port_error, unreadable};

impl SignOutBegin for SocialTable {
    async fn begin(&self, sign_out: &SignOut) -> Result<SignOut, PortError> {
        let result = self
            .client
            .put_item()
            .table_name(&self.table)
            .set_item(Some(encode(sign_out)))
            .condition_expression("attribute_not_exists(pk)")
            .return_values_on_condition_check_failure(ReturnValuesOnConditionCheckFailure::AllOld)
            .send()
            .await;
        match result {
            Ok(_) => Ok(sign_out.clone()),
            Err(error) => match error.as_service_error() {
                Some(PutItemError::ConditionalCheckFailedException(lost)) => {
                    decode(lost.item().ok_or_else(|| unreadable(WHAT, "a lost condition without its item"))?)
                }
                _ => Err(port_error(&error)),
            },
        }
    }
}

const WHAT: &str = "sign-out";
/// What `device` says when all but one were meant.
const OTHERS: &str = "*";

fn encode(sign_out: &SignOut) -> Item {
    let ended = |ended: &Ended| {
        let fields = [("device", string(&ended.device)), ("session", string(ended.session))];
        AttributeValue::M(fields.into_iter().map(|(name, value)| (name.to_owned(), value)).collect())
    };
    let device = match &sign_out.whom {
        SignOutWhom::Device(device) => string(device),
        SignOutWhom::Others => string(OTHERS),
    };
    let key = SocialKey::SignOut(sign_out.user, sign_out.client_id);
    item(
        &key,
        [
            ("device", device),
            ("sessions", AttributeValue::L(sign_out.ended.iter().map(ended).collect())),
            ("kept_until", number(sign_out.kept_until.as_millis())),
            ("expires_at", number(sign_out.kept_until.as_secs().saturating_add(1))),
        ],
    )
}

fn decode(item: &Item) -> Result<SignOut, PortError> {
    let SocialKey::SignOut(user, client_id) = key_of(item, WHAT)? else {
        return Err(unreadable(WHAT, "another kind of key"));
    };
    let reader = Reader::new(item, WHAT);
    let whom = match reader.text("device")? {
        OTHERS => SignOutWhom::Others,
        _ => SignOutWhom::Device(reader.parse("device")?),
    };
    let Some(AttributeValue::L(sessions)) = item.get("sessions") else { return Err(unreadable(WHAT, "no sessions")) };
    let ended = sessions.iter().map(|value| {
        let fields: &HashMap<_, _> = value.as_m().map_err(|_| unreadable(WHAT, "no session"))?;
        let reader = Reader::new(fields, WHAT);
        Ok(Ended { device: reader.parse("device")?, session: reader.parse("session")? })
    });
    Ok(SignOut {
        user,
        client_id,
        whom,
        ended: ended.collect::<Result<_, PortError>>()?,
        kept_until: tidings_domain::time::Timestamp::from_millis(reader.number("kept_until")?),
    })
}

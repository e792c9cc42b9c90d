//! Sessions of devices.

use aws_sdk_dynamodb::operation::delete_item::DeleteItemError;
use aws_sdk_dynamodb::operation::put_item::PutItemError;
use aws_sdk_dynamodb::operation::update_item::UpdateItemError;
use aws_sdk_dynamodb::types::{ReturnValue, ReturnValuesOnConditionCheckFailure};
use tidings_application::error::PortError;
use tidings_application::identity::ports::{Rotated, SessionEnd, SessionList, SessionRead, SessionWrite};
use tidings_application::identity::{RefreshClaims, Session, SessionId};
use tidings_domain::ids::{DeviceId, UserId};
use tidings_domain::time::Timestamp;
use tidings_tables::social::{SESSIONS, SocialKey};

use super::{SocialTable, item, item_key, key_of};
use crate::attributes::{Item, Reader, number, string};
use crate::error::{port_error, unreadable};

impl SessionRead for SocialTable {
    async fn session(&self, user: UserId, device: &DeviceId) -> Result<Option<Session>, PortError> {
        self.get(&SocialKey::Session(user, device.clone())).await?.as_ref().map(decode).transpose()
    }
}

impl SessionList for SocialTable {
    async fn sessions(&self, user: UserId) -> Result<Vec<Session>, PortError> {
        let mut sessions = Vec::new();
        let mut pages = self
            .client
            .query()
            .table_name(&self.table)
            .consistent_read(true)
            .key_condition_expression("pk = :person AND begins_with(sk, :sessions)")
            .expression_attribute_values(":person", string(SocialKey::partition_of(user)))
            .expression_attribute_values(":sessions", string(SESSIONS))
            .into_paginator()
            .send();
        while let Some(page) = pages.next().await {
            let page = page.map_err(|error| port_error(&error))?;
            for item in page.items.unwrap_or_default() {
                sessions.push(decode(&item)?);
            }
        }
        Ok(sessions)
    }
}

impl SessionWrite for SocialTable {
    async fn put(&self, session: &Session) -> Result<(), PortError> {
        let result = self
            .client
            .put_item()
            .table_name(&self.table)
            .set_item(Some(encode(session)))
            .condition_expression(
                "attribute_not_exists(#session) OR #created < :created \
                 OR (#created = :created AND #session <> :session)",
            )
            .expression_attribute_names("#session", "session")
            .expression_attribute_names("#created", "created_at")
            .expression_attribute_values(":created", number(session.created_at.as_millis()))
            .expression_attribute_values(":session", string(session.id))
            .return_values_on_condition_check_failure(ReturnValuesOnConditionCheckFailure::AllOld)
            .send()
            .await;
        match result {
            Ok(_) => Ok(()),
            Err(error) => match error.as_service_error() {
                Some(PutItemError::ConditionalCheckFailedException(lost)) => {
                    let present = lost.item().map(decode).transpose()?;
                    let own = present.is_some_and(|present| present.id == session.id);
                    // The SDK's own repetition found what it had written.
                    if own { Ok(()) } else { Err(PortError::retryable("the device was signed in later")) }
                }
                _ => Err(port_error(&error)),
            },
        }
    }

    async fn rotate(
        &self,
        claims: &RefreshClaims,
        now: Timestamp,
        expires_at: Timestamp,
    ) -> Result<Rotated, PortError> {
        let result = self
            .client
            .update_item()
            .table_name(&self.table)
            .set_key(Some(item_key(&SocialKey::Session(claims.user, claims.device.clone()))))
            .update_expression("SET #generation = :next, #rotated = :now, #ends = :ends, #ttl = :ttl")
            .condition_expression("#session = :session AND #generation = :presented")
            .expression_attribute_names("#session", "session")
            .expression_attribute_names("#generation", "generation")
            .expression_attribute_names("#rotated", "rotated_at")
            .expression_attribute_names("#ends", "ends_at")
            .expression_attribute_names("#ttl", "expires_at")
            .expression_attribute_values(":session", string(claims.session))
            .expression_attribute_values(":presented", number(claims.generation))
            .expression_attribute_values(":next", number(claims.generation.saturating_add(1)))
            .expression_attribute_values(":now", number(now.as_millis()))
            .expression_attribute_values(":ends", number(expires_at.as_millis()))
            .expression_attribute_values(":ttl", number(ttl(expires_at)))
            .return_values(ReturnValue::AllNew)
            .return_values_on_condition_check_failure(ReturnValuesOnConditionCheckFailure::AllOld)
            .send()
            .await;
        match result {
            Ok(output) => {
                let item = output.attributes.ok_or_else(|| unreadable(WHAT, "not returned"))?;
                Ok(Rotated::Yes(decode(&item)?))
            }
            Err(error) => match error.as_service_error() {
                Some(UpdateItemError::ConditionalCheckFailedException(lost)) => {
                    // An absent session is returned as no item, or by some as an empty one.
                    let present = lost.item().filter(|item| !item.is_empty());
                    Ok(Rotated::Lost(present.map(decode).transpose()?))
                }
                _ => Err(port_error(&error)),
            },
        }
    }
}

impl SessionEnd for SocialTable {
    async fn end(&self, user: UserId, device: &DeviceId, session: SessionId) -> Result<Option<Session>, PortError> {
        let result = self
            .client
            .delete_item()
            .table_name(&self.table)
            .set_key(Some(item_key(&SocialKey::Session(user, device.clone()))))
            .condition_expression("#session = :session")
            .expression_attribute_names("#session", "session")
            .expression_attribute_values(":session", string(session))
            .return_values_on_condition_check_failure(ReturnValuesOnConditionCheckFailure::AllOld)
            .send()
            .await;
        match result {
            Ok(_) => Ok(None),
            Err(error) => match error.as_service_error() {
                Some(DeleteItemError::ConditionalCheckFailedException(lost)) => {
                    let present = lost.item().filter(|item| !item.is_empty());
                    present.map(decode).transpose()
                }
                _ => Err(port_error(&error)),
            },
        }
    }
}

const WHAT: &str = "session";

/// The table's TTL for a session that ends then: in whole seconds, never earlier.
fn ttl(ends_at: Timestamp) -> u64 {
    ends_at.as_secs().saturating_add(1)
}

fn encode(session: &Session) -> Item {
    item(
        &SocialKey::Session(session.user, session.device.clone()),
        [
            ("session", string(session.id)),
            ("name", string(&session.name)),
            ("platform", string(session.platform)),
            ("generation", number(session.generation)),
            ("created_at", number(session.created_at.as_millis())),
            ("rotated_at", number(session.rotated_at.as_millis())),
            ("ends_at", number(session.expires_at.as_millis())),
            ("expires_at", number(ttl(session.expires_at))),
        ],
    )
}

fn decode(item: &Item) -> Result<Session, PortError> {
    let SocialKey::Session(user, device) = key_of(item, WHAT)? else {
        return Err(unreadable(WHAT, "another kind of key"));
    };
    let reader = Reader::new(item, WHAT);
    Ok(Session {
        user,
        device,
        name: reader.parse("name")?,
        platform: reader.parse("platform")?,
        id: reader.parse("session")?,
        generation: reader.number("generation")?,
        created_at: Timestamp::from_millis(reader.number("created_at")?),
        rotated_at: Timestamp::from_millis(reader.number("rotated_at")?),
        expires_at: Timestamp::from_millis(reader.number("ends_at")?),
    })
}

//! The `routes` table: partition key `user`, sort key `device`; one item per device that has connected. Beside them,
//! under partition keys of their own, lie watches ([`crate::watches`]).
//!
//! | attribute | type | what |
//! | --- | --- | --- |
//! | `user`, `device` | S | key |
//! | `connection_id` | S | the gateway's name of the connection; missing once it is over |
//! | `platform` | S | `phone`, `tablet`, `desktop` or `web` |
//! | `ticket_at`, `connected_at` | N | milliseconds since the Unix epoch |
//! | `seen_at` | N | when it disconnected, in milliseconds since the Unix epoch; missing where nobody was told |
//! | `expires_at` | N | seconds since the Unix epoch; the table's TTL, a month after the device was seen. Whether a route may be used follows from `connected_at` |
//!
//! When a connection is over, `ticket_at` stays until the item expires: a ticket works once. So do `connected_at` and
//! `seen_at`: they tell when the device was last seen, and cost no write of their own.

use aws_sdk_dynamodb::Client;
use aws_sdk_dynamodb::operation::put_item::PutItemError;
use aws_sdk_dynamodb::operation::update_item::UpdateItemError;
use aws_sdk_dynamodb::types::{ReturnValue, ReturnValuesOnConditionCheckFailure};
use tidings_application::error::PortError;
use tidings_application::ports::{RouteLeave, RouteRead, RouteRevoke, RouteWrite, SightingRead};
use tidings_domain::ids::{ConnectionId, DeviceId, UserId};
use tidings_domain::limits::LAST_SEEN_TTL_MS;
use tidings_domain::presence::Sighting;
use tidings_domain::route::{Claim, Route};
use tidings_domain::time::Timestamp;

use crate::attributes::{Item, Reader, number, string};
use crate::error::{port_error, unreadable};

/// Routes over DynamoDB.
#[derive(Clone, Debug)]
pub struct RouteTable {
    client: Client,
    table: String,
}

impl RouteTable {
    /// The routes in this table.
    pub fn new(client: Client, table: impl Into<String>) -> Self {
        Self { client, table: table.into() }
    }

    async fn put(&self, route: &Route, condition: &str) -> Result<Claim, PortError> {
        let result = self
            .client
            .put_item()
            .table_name(&self.table)
            .set_item(Some(encode(route)))
            .condition_expression(condition)
            .expression_attribute_values(":ticket_at", number(route.ticket_at.as_millis()))
            .return_values(ReturnValue::AllOld)
            .return_values_on_condition_check_failure(ReturnValuesOnConditionCheckFailure::AllOld)
            .send()
            .await;
        match result {
            Ok(output) => Ok(Claim::Won(output.attributes.as_ref().map_or(Ok(None), decode)?)),
            Err(error) => match error.as_service_error() {
                Some(PutItemError::ConditionalCheckFailedException(lost)) => {
                    let current =
                        lost.item().ok_or_else(|| unreadable("route", "a lost condition without its item"))?;
                    Ok(Claim::Lost(decode(current)?))
                }
                _ => Err(port_error(&error)),
            },
        }
    }
}

impl RouteRead for RouteTable {
    async fn of(&self, user: UserId) -> Result<Vec<Route>, PortError> {
        Ok(self.sightings(user).await?.into_iter().filter_map(|sighting| sighting.route).collect())
    }

    async fn get(&self, user: UserId, device: &DeviceId) -> Result<Option<Route>, PortError> {
        let output = self
            .client
            .get_item()
            .table_name(&self.table)
            .consistent_read(true)
            .key("user", string(user))
            .key("device", string(device))
            .send()
            .await
            .map_err(|error| port_error(&error))?;
        output.item.as_ref().map_or(Ok(None), decode)
    }
}

impl SightingRead for RouteTable {
    async fn sightings(&self, user: UserId) -> Result<Vec<Sighting>, PortError> {
        let mut sightings = Vec::new();
        let mut pages = self
            .client
            .query()
            .table_name(&self.table)
            .consistent_read(true)
            .key_condition_expression("#user = :user")
            .expression_attribute_names("#user", "user")
            .expression_attribute_values(":user", string(user))
            .into_paginator()
            .send();
        while let Some(page) = pages.next().await {
            let page = page.map_err(|error| port_error(&error))?;
            for item in page.items.unwrap_or_default() {
                // One that a newer version wrote is logged and skipped: the others must get their messages.
                sightings.extend(sighting(&item).ok());
            }
        }
        Ok(sightings)
    }
}

impl RouteWrite for RouteTable {
    async fn claim(&self, route: &Route) -> Result<Claim, PortError> {
        self.put(route, "attribute_not_exists(ticket_at) OR ticket_at < :ticket_at").await
    }

    async fn restore(&self, route: &Route) -> Result<Claim, PortError> {
        let condition = "attribute_not_exists(ticket_at) OR ticket_at < :ticket_at \
                         OR (ticket_at = :ticket_at AND attribute_not_exists(connection_id))";
        self.put(route, condition).await
    }

    async fn release(&self, user: UserId, device: &DeviceId, connection: &ConnectionId) -> Result<bool, PortError> {
        let result = self
            .client
            .update_item()
            .table_name(&self.table)
            .key("user", string(user))
            .key("device", string(device))
            .update_expression("REMOVE connection_id, platform")
            .condition_expression("connection_id = :connection")
            .expression_attribute_values(":connection", string(connection))
            .send()
            .await;
        match result {
            Ok(_) => Ok(true),
            Err(error) => match error.as_service_error() {
                Some(UpdateItemError::ConditionalCheckFailedException(_)) => Ok(false),
                _ => Err(port_error(&error)),
            },
        }
    }
}

impl RouteLeave for RouteTable {
    async fn leave(
        &self,
        user: UserId,
        device: &DeviceId,
        connection: &ConnectionId,
        at: Timestamp,
    ) -> Result<bool, PortError> {
        let result = self
            .client
            .update_item()
            .table_name(&self.table)
            .key("user", string(user))
            .key("device", string(device))
            .update_expression("SET seen_at = :at, expires_at = :forgotten REMOVE connection_id, platform")
            .condition_expression("connection_id = :connection")
            .expression_attribute_values(":connection", string(connection))
            .expression_attribute_values(":at", number(at.as_millis()))
            .expression_attribute_values(":forgotten", number(forgotten_at(at).as_secs()))
            .send()
            .await;
        match result {
            Ok(_) => Ok(true),
            Err(error) => match error.as_service_error() {
                Some(UpdateItemError::ConditionalCheckFailedException(_)) => Ok(false),
                _ => Err(port_error(&error)),
            },
        }
    }
}

impl RouteRevoke for RouteTable {
    async fn revoke(&self, user: UserId, device: &DeviceId, upto: Timestamp) -> Result<Option<Route>, PortError> {
        let result = self
            .client
            .update_item()
            .table_name(&self.table)
            .key("user", string(user))
            .key("device", string(device))
            .update_expression("SET ticket_at = :upto, expires_at = :forgotten REMOVE connection_id, platform")
            .condition_expression("attribute_not_exists(ticket_at) OR ticket_at <= :upto")
            .expression_attribute_values(":upto", number(upto.as_millis()))
            .expression_attribute_values(":forgotten", number(forgotten_at(upto).as_secs()))
            .return_values(ReturnValue::AllOld)
            .send()
            .await;
        match result {
            Ok(output) => output.attributes.as_ref().map_or(Ok(None), decode),
            Err(error) => match error.as_service_error() {
                Some(UpdateItemError::ConditionalCheckFailedException(_)) => Ok(None),
                _ => Err(port_error(&error)),
            },
        }
    }
}

const fn forgotten_at(seen_at: Timestamp) -> Timestamp {
    seen_at.plus_millis(LAST_SEEN_TTL_MS)
}

fn encode(route: &Route) -> Item {
    Item::from([
        ("user".to_owned(), string(route.user)),
        ("device".to_owned(), string(&route.device)),
        ("connection_id".to_owned(), string(&route.connection)),
        ("platform".to_owned(), string(route.platform)),
        ("ticket_at".to_owned(), number(route.ticket_at.as_millis())),
        ("connected_at".to_owned(), number(route.connected_at.as_millis())),
        ("expires_at".to_owned(), number(forgotten_at(route.connected_at).as_secs())),
    ])
}

/// `None` for what is left of a connection that is over.
fn decode(item: &Item) -> Result<Option<Route>, PortError> {
    if !item.contains_key("connection_id") {
        return Ok(None);
    }
    let reader = Reader::new(item, "route");
    Ok(Some(Route {
        user: reader.parse("user")?,
        device: reader.parse("device")?,
        platform: reader.parse("platform")?,
        connection: ConnectionId::new(reader.text("connection_id")?),
        ticket_at: Timestamp::from_millis(reader.number("ticket_at")?),
        connected_at: Timestamp::from_millis(reader.number("connected_at")?),
    }))
}

fn sighting(item: &Item) -> Result<Sighting, PortError> {
    let reader = Reader::new(item, "route");
    let seen_at = match reader.optional_number("seen_at")? {
        Some(seen_at) => Some(seen_at),
        None => reader.optional_number("connected_at")?,
    };
    Ok(Sighting { device: reader.parse("device")?, route: decode(item)?, seen_at: seen_at.map(Timestamp::from_millis) })
}

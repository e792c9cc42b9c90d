//! Public cards under the beginnings of user names, where searches find them.

use tidings_application::error::PortError;
use tidings_application::identity::Card;
use tidings_application::identity::ports::PeopleSearch;
use tidings_domain::identity::{Username, UsernamePrefix};
use tidings_tables::social::SocialKey;

use super::{SocialTable, item, key_of};
use crate::attributes::{Item, Reader, string};
use crate::error::{port_error, unreadable};

/// The lowest character that a user name may go on with.
const LOWEST: char = '.';
/// Above all of them.
const HIGHEST: char = '~';

impl PeopleSearch for SocialTable {
    async fn search(
        &self,
        prefix: &UsernamePrefix,
        after: Option<&Username>,
        limit: usize,
    ) -> Result<(Vec<Card>, bool), PortError> {
        let from = after.map_or_else(|| prefix.to_string(), |after| format!("{after}{LOWEST}"));
        let output = self
            .client
            .query()
            .table_name(&self.table)
            .consistent_read(true)
            .key_condition_expression("#pk = :list AND #sk BETWEEN :from AND :to")
            .expression_attribute_names("#pk", "pk")
            .expression_attribute_names("#sk", "sk")
            .expression_attribute_values(":list", string(SocialKey::list(prefix.beginning())))
            .expression_attribute_values(":from", string(from))
            .expression_attribute_values(":to", string(format!("{prefix}{HIGHEST}")))
            // The one too many tells that there are more. As many cards are far from the megabyte at which a page of
            // DynamoDB ends.
            .limit(i32::try_from(limit + 1).unwrap_or(i32::MAX))
            .send()
            .await
            .map_err(|error| port_error(&error))?;
        let mut cards = output.items().iter().map(decode).collect::<Result<Vec<_>, _>>()?;
        let more = cards.len() > limit;
        cards.truncate(limit);
        Ok((cards, more))
    }
}

pub(super) fn encode(card: &Card) -> Item {
    let Card { user, username, display_name, bio } = card;
    let bio = (!bio.is_empty()).then(|| ("bio", string(bio)));
    let attributes = [("user", string(user)), ("display_name", string(display_name))];
    item(&SocialKey::Listed(username.clone()), attributes.into_iter().chain(bio))
}

fn decode(item: &Item) -> Result<Card, PortError> {
    const WHAT: &str = "listed card";
    let SocialKey::Listed(username) = key_of(item, WHAT)? else {
        return Err(unreadable(WHAT, "another kind of key"));
    };
    let reader = Reader::new(item, WHAT);
    Ok(Card {
        user: reader.parse("user")?,
        username,
        display_name: reader.parse("display_name")?,
        bio: reader.optional("bio")?.unwrap_or_default(),
    })
}

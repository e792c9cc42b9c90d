//! People by how their user names begin. Everybody finds everybody's public card.

use tidings_domain::identity::{Username, UsernamePrefix};
use tidings_domain::limits::SEARCH_PAGE_MAX;

use super::ports::PeopleSearch;
use super::records::Card;
use crate::error::PortError;

/// Searches for people.
#[derive(Clone, Debug)]
pub struct SearchPeople<A> {
    /// The accounts.
    pub accounts: A,
}

/// A page of what is found.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Found {
    /// Ascending by user name.
    pub people: Vec<Card>,
    /// Whether there are more, above the last one's name.
    pub more: bool,
}

/// Why nobody is looked for.
#[derive(Debug, thiserror::Error)]
pub enum SearchPeopleError {
    /// No page has so many.
    #[error("a page has 1 to 20 people")]
    Limit,
    /// The cursor comes from the search for another prefix.
    #[error("the cursor is of another search")]
    Cursor,
    /// A port failed.
    #[error(transparent)]
    Port(#[from] PortError),
}

impl<A: PeopleSearch> SearchPeople<A> {
    /// The next page above `after`, or the first.
    pub async fn run(
        &self,
        prefix: UsernamePrefix,
        after: Option<Username>,
        limit: Option<usize>,
    ) -> Result<Found, SearchPeopleError> {
        let limit = limit.unwrap_or(SEARCH_PAGE_MAX);
        if !(1..=SEARCH_PAGE_MAX).contains(&limit) {
            return Err(SearchPeopleError::Limit);
        }
        if after.as_ref().is_some_and(|after| !prefix.begins(after)) {
            return Err(SearchPeopleError::Cursor);
        }
        let (people, more) = self.accounts.search(&prefix, after.as_ref(), limit).await?;
        Ok(Found { people, more })
    }
}

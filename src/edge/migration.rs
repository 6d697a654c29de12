//! `GET` and `POST /internal/migration`: what is asked for, and where the next page begins.
//!
//! A page is a number of names in KV. Each vault has several, one of them that of its index: the vault answers for that one, so
//! that each is met once in a pass.

use base64ct::{Base64UrlUnpadded, Encoding as _};
use serde::{Deserialize, Serialize};

use crate::{
    edge::{
        page_query::{CURSOR, LIMIT, USUAL_LIMIT, read_limit, refused, unknown_cursor},
        problem::Problem,
    },
    http_api::{
        ProblemCode, header,
        migration::{MigratedConnection, MigrationCounts, MigrationMode, MigrationResponse},
    },
    time::Millis,
};

/// What is asked for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MigrationQuery {
    /// How many names in KV are looked at, 1 to 100.
    pub limit: u32,
    /// Where the page begins.
    pub start: MigrationPlace,
}

/// Where a page begins, and what was counted before it. Nothing of it is kept here: whoever asks again with the same cursor gets
/// the same page, and whoever stopped goes on.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct MigrationPlace {
    /// Where KV goes on; `None` at the first name.
    pub listed_after: Option<String>,
    /// The last name that is done: KV lists them in the order of their bytes. By their number nothing could be told, since one
    /// that is done may be gone by the next page.
    pub last_done: Option<String>,
    /// What was counted so far.
    pub counts: MigrationCounts,
}

impl MigrationPlace {
    fn parse(text: &str) -> Option<Self> {
        serde_json::from_slice(&Base64UrlUnpadded::decode_vec(text).ok()?).ok()
    }

    /// Whether this name was done by an earlier page.
    #[must_use]
    pub fn is_done(&self, name: &str) -> bool {
        self.last_done.as_deref().is_some_and(|last| name <= last)
    }

    fn to_text(&self) -> String {
        Base64UrlUnpadded::encode_string(&serde_json::to_vec(self).unwrap_or_default())
    }
}

impl MigrationQuery {
    /// Reads the query of a request.
    ///
    /// # Errors
    /// The [`Problem`] to answer with: a parameter that is unknown, stands twice, or has a value that it can't have.
    pub fn parse(query: &str) -> Result<Self, Problem> {
        let (mut limit, mut start) = (None, None);
        for (name, value) in form_urlencoded::parse(query.as_bytes()) {
            let is_first = match &*name {
                LIMIT => limit.replace(read_limit(&value)?).is_none(),
                CURSOR => {
                    let place = MigrationPlace::parse(&value).ok_or_else(unknown_cursor)?;
                    start.replace(place).is_none()
                }
                _ => false,
            };
            if !is_first {
                return Err(refused("query", "the query may have `limit` and `cursor`, each once"));
            }
        }
        Ok(Self {
            limit: limit.unwrap_or(USUAL_LIMIT),
            start: start.unwrap_or_default(),
        })
    }
}

/// What a back end is told that names a user: everybody's connections are moved.
#[must_use]
pub fn moves_everybody() -> Problem {
    let detail = [
        "connections of all owners are moved: leave the header `",
        header::USER,
        "` out",
    ]
    .concat();
    refused(header::USER, &detail)
}

/// What is answered where nothing is to be moved.
#[must_use]
pub fn nothing_to_move() -> Problem {
    let detail = "nothing is moved as long as `SMARTCAR_MIGRATION` is not set: set it to `dry_run` first";
    Problem::new(ProblemCode::EndpointNotAllowed, detail)
}

/// A page while its vaults are asked.
#[derive(Debug)]
pub struct MigrationPage {
    start: MigrationPlace,
    connections: Vec<MigratedConnection>,
    /// How many names of this page are done.
    done: u32,
    retry_after: Option<Millis>,
}

impl MigrationPage {
    /// A page of which nothing is done yet.
    #[must_use]
    pub const fn new(start: MigrationPlace) -> Self {
        Self {
            start,
            connections: Vec::new(),
            done: 0,
            retry_after: None,
        }
    }

    /// Whether Smartcar wants to be left alone: nobody is asked any more.
    #[must_use]
    pub const fn is_cut_short(&self) -> bool {
        self.retry_after.is_some()
    }

    /// A name leads to no vault that answers for it.
    pub fn passed(&mut self, name: String) {
        self.done = self.done.saturating_add(1);
        self.start.last_done = Some(name);
    }

    /// The vault of a name did not answer.
    pub fn unanswered(&mut self, name: String) {
        self.passed(name);
        self.start.counts.unanswered = self.start.counts.unanswered.saturating_add(1);
    }

    /// The vault of a name has answered for its connections.
    pub fn answered(&mut self, name: String, connections: Vec<MigratedConnection>) {
        self.passed(name);
        for one in &connections {
            self.start.counts.add(one.state, one.reason);
        }
        self.connections.extend(connections);
    }

    /// Smartcar wants to be left alone. The vault that was told so is asked again by the next page.
    pub fn cut_short(&mut self, retry_after: Millis) {
        self.retry_after = Some(retry_after);
    }

    /// The answer, for a page of so many names that were not done before, after which KV goes on at `listed_after`.
    #[must_use]
    pub fn into_answer(
        self,
        mode: Option<MigrationMode>,
        names: u32,
        listed_after: Option<String>,
    ) -> MigrationResponse {
        let counts = self.start.counts.clone();
        let next = if self.done < names {
            Some(self.start)
        } else {
            listed_after.map(|cursor| MigrationPlace {
                listed_after: Some(cursor),
                ..self.start
            })
        };
        MigrationResponse {
            mode,
            counts,
            connections: self.connections,
            cursor: next.map(|place| place.to_text()),
            retry_after: self.retry_after.map(|wait| wait.as_millis().div_ceil(1_000).max(1)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        connect::ConnectionId,
        http_api::migration::{MigrationReason, MigrationState},
    };

    fn one(state: MigrationState, reason: Option<MigrationReason>) -> MigratedConnection {
        MigratedConnection {
            id: ConnectionId::from_random([1; 16]),
            principal: "user:42".to_owned(),
            user: Some("42".to_owned()),
            state,
            reason,
            reversible_until: None,
        }
    }

    fn name(last: char) -> String {
        format!("v1/{last}")
    }

    fn place_of(answer: &MigrationResponse) -> MigrationPlace {
        let query = format!("cursor={}&limit=3", answer.cursor.as_deref().unwrap());
        MigrationQuery::parse(&query).unwrap().start
    }

    #[test]
    fn counts_go_on_from_page_to_page() {
        let mut page = MigrationPage::new(MigrationPlace::default());
        page.answered(name('a'), vec![one(MigrationState::Moved, None)]);
        page.passed(name('b'));
        page.unanswered(name('c'));
        let first = page.into_answer(Some(MigrationMode::Move), 3, Some("there".to_owned()));
        let place = place_of(&first);
        assert_eq!(place.listed_after.as_deref(), Some("there"));
        let mut page = MigrationPage::new(place);
        let reason = MigrationReason::VehicleNotListed;
        page.answered(
            name('d'),
            vec![one(reason.state(), Some(reason)), one(MigrationState::Moved, None)],
        );
        let last = page.into_answer(None, 1, None);
        assert_eq!(
            (last.counts.moved, last.counts.cannot, last.counts.unanswered),
            (2, 1, 1)
        );
        assert_eq!(
            (last.counts.reasons.len(), last.cursor, last.retry_after),
            (1, None, None)
        );
    }

    #[test]
    fn a_page_that_is_cut_short_goes_on_with_the_vault_that_was_not_served() {
        let mut page = MigrationPage::new(MigrationPlace {
            listed_after: Some("here".to_owned()),
            last_done: Some(name('b')),
            counts: MigrationCounts::default(),
        });
        page.answered(name('c'), vec![one(MigrationState::Moved, None)]);
        assert!(!page.is_cut_short());
        page.cut_short(Millis::new(1_500));
        assert!(page.is_cut_short());
        let answer = page.into_answer(None, 5, Some("there".to_owned()));
        assert_eq!(answer.retry_after, Some(2));
        let place = place_of(&answer);
        assert_eq!(place.listed_after.as_deref(), Some("here"));
        assert_eq!(place.counts.moved, 1);
        // Of the three that are done KV may have any by then, and others that have come.
        for (listed, is_done) in [('a', true), ('b', true), ('c', true), ('d', false), ('e', false)] {
            assert_eq!(place.is_done(&name(listed)), is_done, "{listed}");
        }
        assert!(!MigrationPlace::default().is_done(""));
    }

    #[test]
    fn a_page_of_which_nothing_is_done_is_asked_for_again_as_it_was() {
        let place = MigrationPlace {
            listed_after: Some("here".to_owned()),
            last_done: Some(name('b')),
            counts: MigrationCounts::default(),
        };
        let mut page = MigrationPage::new(place.clone());
        page.cut_short(Millis::from_secs(1));
        assert_eq!(place_of(&page.into_answer(None, 1, None)), place);
        // With a smaller limit, what is listed may all be done: then the names after it count.
        let all_done = MigrationPage::new(place).into_answer(None, 0, Some("there".to_owned()));
        let next = place_of(&all_done);
        assert_eq!(
            (next.listed_after.as_deref(), next.is_done(&name('b'))),
            (Some("there"), true)
        );
    }

    #[test]
    fn a_query_that_says_something_else_is_refused_by_the_name_of_the_parameter() {
        assert_eq!(MigrationQuery::parse("").unwrap().limit, 40);
        for (text, field) in [
            ("limit=0", "limit"),
            ("limit=101", "limit"),
            ("limit=%2B5", "limit"),
            ("limit=05", "limit"),
            ("limit=", "limit"),
            ("cursor=", "cursor"),
            ("cursor=e30x", "cursor"),
            ("cursor=%20", "cursor"),
            ("mode=move", "query"),
            ("limit=1&limit=1", "query"),
        ] {
            let problem = MigrationQuery::parse(text).unwrap_err();
            assert_eq!(problem.code, ProblemCode::InvalidParameter, "{text}");
            assert_eq!(problem.field.as_deref(), Some(field), "{text}");
        }
    }
}

//! What the lists that are given page by page have in common in their queries.

use crate::{edge::problem::Problem, http_api::ProblemCode};

/// What a page is made of, if the query does not say: a Worker on the free plan may make 50 requests for one.
pub(super) const USUAL_LIMIT: u32 = 40;

/// What a page is made of at most.
const MOST: u32 = 100;

/// How much makes a page, 1 to 100.
pub(super) const LIMIT: &str = "limit";

/// Where the page begins: what the answer before said.
pub(super) const CURSOR: &str = "cursor";

pub(super) fn read_limit(value: &str) -> Result<u32, Problem> {
    // Not `+5` or `05`, as `parse` would.
    let is_written_so = value.bytes().all(|byte| byte.is_ascii_digit()) && !value.starts_with('0');
    let limit = value.parse().ok().filter(|limit| (1..=MOST).contains(limit));
    limit
        .filter(|_| is_written_so)
        .ok_or_else(|| refused(LIMIT, &format!("`limit` is a number from 1 to {MOST}")))
}

pub(super) fn refused(field: &str, detail: &str) -> Problem {
    Problem::new(ProblemCode::InvalidParameter, detail).with_field(field)
}

/// What is answered to a cursor that is none, or that KV does not know any more.
#[must_use]
pub fn unknown_cursor() -> Problem {
    refused(
        CURSOR,
        "`cursor` is not the last answer's, or too old: begin again without it",
    )
}

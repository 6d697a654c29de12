//! `POST /internal/sessions`, `POST /session` and `POST /session/claim`: a ticket, the session that it opens, and the cars that
//! come along.

use core::fmt;

use serde::{Deserialize, Serialize};

use super::schema::{Kind, Schema, field};
use crate::time::UnixMillis;

/// What a back end sends for a ticket.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct TicketRequest {
    /// The id of the user, as the app's log-in gives it.
    pub user: String,
}

/// What it is answered.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub struct TicketResponse<'a> {
    /// The ticket, for the page of that user.
    pub ticket: &'a str,
    /// From when on it opens nothing.
    pub expires_at: UnixMillis,
}

/// What a page sends to open a session.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct SessionRequest {
    /// The ticket.
    pub ticket: String,
}

/// What it is answered, with the cookie.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct SessionResponse {
    /// When the session ends, unless a visit renews it before.
    pub ends_at: UnixMillis,
}

/// What a page sends to bring the cars of its anonymous session along to the user who has signed in.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct ClaimRequest {
    /// A ticket of the user, which opens a session as well; none where a token of the app's log-in says who the user is.
    pub ticket: Option<String>,
}

/// What it is answered.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct ClaimResponse {
    /// How many connections come along, those that are still on their way included.
    pub connections: u32,
    /// When the session ends that the ticket has opened, unless a visit renews it before; `null` without a ticket.
    pub ends_at: Option<UnixMillis>,
}

/// The table of [`TicketResponse`].
pub const TICKET_RESPONSE: Schema = &[field("ticket", Kind::Text), field("expiresAt", Kind::Number)];

/// The table of [`SessionResponse`].
pub const SESSION_RESPONSE: Schema = &[field("endsAt", Kind::Number)];

/// The table of [`ClaimResponse`].
pub const CLAIM_RESPONSE: Schema = &[
    field("connections", Kind::Number),
    field("endsAt", Kind::Number).nullable(),
];

macro_rules! redacted {
    ($($name:ty),+) => {
        $(impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("[redacted]")
            }
        })+
    };
}

redacted!(TicketRequest, TicketResponse<'_>, SessionRequest, ClaimRequest);

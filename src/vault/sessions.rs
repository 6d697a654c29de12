//! The sessions of a principal, as far as the vault knows them: which are open, and which tickets have opened one.

use serde::{Deserialize, Serialize};

use crate::{
    identity::{SessionId, ShownSession, TicketId},
    principal::Principal,
    time::UnixMillis,
};

/// How many sessions a user may have open. The one that would end first makes room.
const MOST_OPEN: usize = 50;

/// How many tickets of one user may be used within the life of one.
const MOST_TICKETS: usize = 200;

/// A ticket that was used.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct UsedTicket {
    /// Which it was.
    pub id: TicketId,
    /// From when on it opens nothing anyway.
    pub expires_at: UnixMillis,
}

/// Why a ticket opens no session.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum OpeningError {
    /// It has opened one before.
    Used,
    /// So many were used within minutes that no more can be remembered.
    TooMany,
}

/// What is stored of the sessions of a principal.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Sessions {
    /// The sessions of a user that are open. Any other has ended.
    open: Vec<ShownSession>,
    /// The tickets that were used and have not expired.
    used_tickets: Vec<UsedTicket>,
    /// Whether the anonymous session, of which there is one, was ended before its time.
    anonymous_ended: bool,
}

impl Sessions {
    /// Whether this session of `principal` is open. An anonymous one is unless it was ended: what it opens is its own.
    #[must_use]
    pub fn admit(&self, principal: &Principal, id: &SessionId) -> bool {
        if principal.is_anonymous() {
            !self.anonymous_ended
        } else {
            self.open.iter().any(|open| open.id == *id)
        }
    }

    /// The record after a ticket has opened `session`, in place of the session `replaced` of the same user.
    ///
    /// # Errors
    /// [`OpeningError`], and nothing has changed.
    pub fn opened(
        &self,
        ticket: UsedTicket,
        session: ShownSession,
        replaced: Option<&SessionId>,
        now: UnixMillis,
    ) -> Result<Self, OpeningError> {
        let mut next = self.without_what_is_over(now);
        if next.used_tickets.iter().any(|used| used.id == ticket.id) {
            return Err(OpeningError::Used);
        }
        if next.used_tickets.len() >= MOST_TICKETS {
            return Err(OpeningError::TooMany);
        }
        next.used_tickets.push(ticket);
        next.open.retain(|open| Some(&open.id) != replaced);
        if next.open.len() >= MOST_OPEN {
            let first = next
                .open
                .iter()
                .min_by_key(|open| open.ends_at)
                .map(|open| open.id.clone());
            next.open.retain(|open| Some(&open.id) != first.as_ref());
        }
        next.open.push(session);
        Ok(next)
    }

    /// The record after a visit that has renewed the session; `None` if that is known.
    #[must_use]
    pub fn renewed(&self, session: &ShownSession) -> Option<Self> {
        let known = self.open.iter().position(|open| open.id == session.id)?;
        let mut next = self.clone();
        let open = next.open.get_mut(known).filter(|open| open.ends_at < session.ends_at)?;
        open.ends_at = session.ends_at;
        Some(next)
    }

    /// The record after this session of `principal` was ended.
    #[must_use]
    pub fn ended(&self, principal: &Principal, id: &SessionId) -> Self {
        let mut next = self.clone();
        next.open.retain(|open| open.id != *id);
        next.anonymous_ended |= principal.is_anonymous();
        next
    }

    /// The record after every session of `principal` was ended.
    #[must_use]
    pub fn all_ended(&self, principal: &Principal) -> Self {
        Self {
            open: Vec::new(),
            used_tickets: self.used_tickets.clone(),
            anonymous_ended: self.anonymous_ended || principal.is_anonymous(),
        }
    }

    /// The record without the sessions and tickets whose time is over.
    #[must_use]
    pub fn without_what_is_over(&self, now: UnixMillis) -> Self {
        let mut next = self.clone();
        next.open.retain(|open| open.ends_at > now);
        next.used_tickets.retain(|used| used.expires_at > now);
        next
    }

    /// When nothing of it is left to be kept; `None` if nothing is by now.
    #[must_use]
    pub fn kept_until(&self) -> Option<UnixMillis> {
        let open = self.open.iter().map(|open| open.ends_at);
        open.chain(self.used_tickets.iter().map(|used| used.expires_at)).max()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        identity::{Session, SessionLimits, Ticket},
        time::Millis,
    };

    const NOW: UnixMillis = UnixMillis::new(1_790_000_000_000);
    const DAY: Millis = Millis::from_days(1);

    fn user() -> Principal {
        Principal::user("42").unwrap()
    }

    fn session(byte: u8) -> ShownSession {
        let limits = SessionLimits {
            idle: DAY,
            absolute: None,
        };
        Session::start([byte; 32], NOW, limits).shown()
    }

    fn ticket(byte: u8) -> UsedTicket {
        let ticket = Ticket::issue([byte; 16], "42", NOW, Millis::from_mins(5)).unwrap();
        UsedTicket {
            id: ticket.id(),
            expires_at: ticket.expires_at(),
        }
    }

    fn opened(sessions: &Sessions, byte: u8) -> Sessions {
        sessions.opened(ticket(byte), session(byte), None, NOW).unwrap()
    }

    #[test]
    fn a_ticket_opens_one_session() {
        let one = opened(&Sessions::default(), 1);
        assert!(one.admit(&user(), &session(1).id) && !one.admit(&user(), &session(2).id));
        let again = one.opened(ticket(1), session(2), None, NOW);
        assert_eq!(again, Err(OpeningError::Used));
        let ended = one.ended(&user(), &session(1).id);
        assert!(!ended.admit(&user(), &session(1).id));
        assert_eq!(ended.opened(ticket(1), session(2), None, NOW), Err(OpeningError::Used));
        let gone = ended.all_ended(&user());
        assert_eq!(gone.opened(ticket(1), session(2), None, NOW), Err(OpeningError::Used));
    }

    #[test]
    fn signing_out_ends_one_session_and_everywhere_all() {
        let two = opened(&opened(&Sessions::default(), 1), 2);
        let one = two.ended(&user(), &session(1).id);
        assert!(!one.admit(&user(), &session(1).id) && one.admit(&user(), &session(2).id));
        let none = two.all_ended(&user());
        assert!([1, 2].iter().all(|byte| !none.admit(&user(), &session(*byte).id)));
        let replaced = two.opened(ticket(3), session(3), Some(&session(2).id), NOW).unwrap();
        assert!(!replaced.admit(&user(), &session(2).id) && replaced.admit(&user(), &session(3).id));
    }

    #[test]
    fn an_anonymous_session_is_open_until_it_is_ended() {
        let principal = Principal::anonymous(&[7; 32]);
        let sessions = Sessions::default();
        assert!(sessions.admit(&principal, &session(7).id));
        for ended in [
            sessions.ended(&principal, &session(7).id),
            sessions.all_ended(&principal),
        ] {
            assert!(!ended.admit(&principal, &session(7).id));
        }
    }

    #[test]
    fn what_is_over_is_forgotten_and_a_visit_puts_that_off() {
        let one = opened(&Sessions::default(), 1);
        assert_eq!(one.kept_until(), Some(NOW.after(DAY)));
        let later = ShownSession {
            ends_at: NOW.after(Millis::from_days(2)),
            ..session(1)
        };
        let renewed = one.renewed(&later).unwrap();
        assert_eq!(renewed.renewed(&later), None, "it is known");
        assert_eq!(renewed.kept_until(), Some(later.ends_at));
        assert_eq!(
            (renewed.renewed(&session(1)), renewed.renewed(&session(2))),
            (None, None)
        );
        assert!(renewed.without_what_is_over(NOW.after(DAY)).admit(&user(), &later.id));
        let over = renewed.without_what_is_over(later.ends_at);
        assert_eq!((over.clone(), over.kept_until()), (Sessions::default(), None));
        let signed_out = one.all_ended(&user());
        assert_eq!(
            signed_out.kept_until(),
            Some(ticket(1).expires_at),
            "the ticket is remembered"
        );
    }

    #[test]
    fn there_is_a_most_of_sessions_and_of_tickets() {
        let mut sessions = Sessions::default();
        for byte in 0..=50 {
            sessions = opened(&sessions, byte);
        }
        assert_eq!(sessions.open.len(), MOST_OPEN);
        assert!(sessions.admit(&user(), &session(50).id));
        for byte in 51..200 {
            sessions = opened(&sessions, byte);
        }
        assert_eq!(
            sessions.opened(ticket(200), session(200), None, NOW),
            Err(OpeningError::TooMany)
        );
        let later = NOW.after(Millis::from_mins(5));
        assert!(sessions.opened(ticket(200), session(200), None, later).is_ok());
    }
}

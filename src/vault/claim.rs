//! Claiming: what an anonymous session has connected becomes a user's of the app. Two vaults take part. The one that is claimed
//! sends each connection to the claimant's until that one has it, and forgets it then; the steps of a connection on its way are
//! those of [`Record::Leaving`] in [`life`](crate::vault::life).
//!
//! At any time one of the two may refresh the tokens and not both: the vault that is claimed sends them when no request of its
//! own is under way, and begins none after that, whatever it hears; the claimant's begins with what it was sent. What is sent
//! twice is known by its id the second time.

use serde::{Deserialize, Serialize};

use crate::{
    connect::{ConnectionId, ExternalId},
    time::UnixMillis,
    vault::{
        profile::{Claimant, Profile},
        publication::KvCopy,
        record::{Claimed, Ended, Live, Record},
    },
};

/// A connection as one vault sends it to the other.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Handover {
    /// Its id, which stays the same.
    pub connection_id: ConnectionId,
    /// What there is of it.
    pub claimed: Claimed,
    /// Who has claimed it.
    pub to: Claimant,
}

/// What the vault that is claimed hears of a connection that it sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum HandoverOutcome {
    /// The other vault has it, durably.
    Taken,
    /// The claimant had everything deleted since: this goes with it.
    Refused,
    /// Nothing certain: it may be there or not.
    Unknown,
}

impl HandoverOutcome {
    /// The stable name, for logs.
    #[must_use]
    pub const fn code(self) -> &'static str {
        match self {
            Self::Taken => "taken",
            Self::Refused => "refused",
            Self::Unknown => "unknown",
        }
    }
}

/// What a claim comes to in the vault that is claimed.
#[derive(Clone, Debug)]
pub enum Claim {
    /// There is nothing to claim.
    Nothing,
    /// Somebody else has claimed it.
    ByAnother,
    /// The same claimant has claimed it before; what is left to be handed over is.
    GoesOn,
    /// The profile to store before anything is handed over.
    Begins(Profile),
}

/// Decides about a claim, given the profile of the vault that is claimed.
#[must_use]
pub fn claim(profile: Option<&Profile>, by: &Claimant) -> Claim {
    let Some(profile) = profile else {
        return Claim::Nothing;
    };
    match &profile.claimed_by {
        Some(earlier) if earlier.principal == by.principal => Claim::GoesOn,
        Some(_) => Claim::ByAnother,
        // What belongs to a user of the app is nobody else's, and what its owner had deleted is nobody's.
        None if profile.closing || !profile.principal.is_anonymous() => Claim::Nothing,
        None => Claim::Begins(Profile {
            closing: true,
            claimed_by: Some(by.clone()),
            ..profile.clone()
        }),
    }
}

/// What a connection that arrives comes to in the claimant's vault.
#[derive(Clone, Debug)]
pub enum Reception {
    /// The record to store; then it is [taken](HandoverOutcome::Taken).
    Take(Box<Record>),
    /// It came before, and is taken.
    Known,
    /// It is refused.
    Refuse,
}

/// Decides about a connection that arrives at `now`, given the profile of the claimant's vault and what it keeps under the
/// connection's id.
#[must_use]
pub fn receive(profile: Option<&Profile>, known: Option<&Record>, handover: Handover, now: UnixMillis) -> Reception {
    let Handover { claimed, to, .. } = handover;
    let is_claimant = |profile: &Profile| {
        profile.principal == to.principal && profile.external_id == to.external_id && !profile.closing
    };
    if !profile.is_some_and(is_claimant) {
        return Reception::Refuse;
    }
    if known.is_some() {
        return Reception::Known;
    }
    let kv = KvCopy::dirty(now);
    let record = match claimed {
        Claimed::Live(live) => Record::Live(Live { kv, ..*live }),
        Claimed::Ended(ended) => Record::Ended(Ended { kv, ..*ended }),
    };
    Reception::Take(Box::new(record))
}

/// What is handed over of a record that `external_id` was the owner's of; `None` if nothing is.
#[must_use]
pub(super) fn claimed(record: Record, external_id: ExternalId) -> Option<Claimed> {
    match record {
        Record::Live(live) => Some(Claimed::Live(Box::new(Live {
            external_id: live.external_id.or(Some(external_id)),
            ..live
        }))),
        Record::Ended(ended) => Some(Claimed::Ended(Box::new(Ended {
            external_id: ended.external_id.or(Some(external_id)),
            ..ended
        }))),
        Record::Leaving(_) | Record::Closing(_) | Record::Tombstone(_) => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        principal::Principal,
        time::Millis,
        token::{AccessToken, RefreshToken, TokenSet},
        vault::record::Tombstone,
    };

    const NOW: UnixMillis = UnixMillis::new(1_790_000_000_000);

    fn external_id(id: &str) -> ExternalId {
        ExternalId::parse(id).unwrap()
    }

    fn claimant(user: &str) -> Claimant {
        Claimant {
            principal: Principal::user(user).unwrap(),
            external_id: external_id("e42"),
        }
    }

    fn profile(principal: Principal, id: &str) -> Profile {
        Profile {
            principal,
            external_id: external_id(id),
            last_seen: NOW,
            session_ends_at: None,
            closing: false,
            claimed_by: None,
        }
    }

    fn anonymous() -> Profile {
        profile(Principal::anonymous(&[7; 32]), "e1")
    }

    fn live() -> Live {
        let tokens = TokenSet {
            access_token: AccessToken::new("a".into()),
            access_expires_at: NOW,
            refresh_token: None,
        };
        Live::granted(tokens, RefreshToken::new("r".into()), NOW)
    }

    fn handover(claimed: Claimed) -> Handover {
        Handover {
            connection_id: ConnectionId::from_random([7; 16]),
            claimed,
            to: claimant("42"),
        }
    }

    fn later() -> UnixMillis {
        NOW.after(Millis::from_mins(1))
    }

    #[test]
    fn an_anonymous_vault_is_claimed_once_and_by_one() {
        let Claim::Begins(claimed) = claim(Some(&anonymous()), &claimant("42")) else {
            panic!("it is not claimed")
        };
        assert!(claimed.closing && claimed.claimed_by == Some(claimant("42")));
        assert_eq!(claimed.external_id, anonymous().external_id);
        let since_deleted = Claimant {
            external_id: external_id("e43"),
            ..claimant("42")
        };
        for again in [claimant("42"), since_deleted] {
            assert!(matches!(claim(Some(&claimed), &again), Claim::GoesOn));
        }
        assert!(matches!(claim(Some(&claimed), &claimant("43")), Claim::ByAnother));
    }

    #[test]
    fn a_vault_of_nobody_of_a_user_or_of_who_had_everything_deleted_is_not_claimed() {
        let closing = Profile {
            closing: true,
            ..anonymous()
        };
        let of_a_user = profile(Principal::user("43").unwrap(), "e43");
        for nothing in [None, Some(closing), Some(of_a_user)] {
            assert!(matches!(claim(nothing.as_ref(), &claimant("42")), Claim::Nothing));
        }
    }

    #[test]
    fn a_connection_arrives_as_it_was_and_is_yet_to_be_published() {
        let known = Some(&profile(Principal::user("42").unwrap(), "e42"));
        let sent = Live {
            external_id: Some(external_id("e1")),
            ..live()
        };
        let Reception::Take(taken) = receive(known, None, handover(Claimed::Live(Box::new(sent))), later()) else {
            panic!("it is not taken")
        };
        let Record::Live(live) = *taken else {
            panic!("it has ended")
        };
        assert_eq!((live.kv, live.connected_at), (KvCopy::dirty(later()), NOW));
        assert_eq!(live.external_id, Some(external_id("e1")));
        let ended = Ended {
            generation: 3,
            ..Ended::refused_since(NOW)
        };
        let Reception::Take(taken) = receive(known, None, handover(Claimed::Ended(Box::new(ended))), later()) else {
            panic!("it is not taken")
        };
        let Record::Ended(ended) = *taken else {
            panic!("it is live")
        };
        assert_eq!((ended.kv, ended.generation), (KvCopy::dirty(later()), 3));
    }

    #[test]
    fn what_came_before_is_not_taken_again_whatever_became_of_it() {
        let profile = profile(Principal::user("42").unwrap(), "e42");
        let tombstone = Record::Tombstone(Tombstone {
            since: NOW,
            generation: 1,
            kv: KvCopy::dirty(NOW),
        });
        for known in [Record::Live(live()), tombstone] {
            let again = receive(
                Some(&profile),
                Some(&known),
                handover(Claimed::Live(Box::new(live()))),
                NOW,
            );
            assert!(matches!(again, Reception::Known), "{known:?}");
        }
    }

    #[test]
    fn a_connection_for_somebody_else_or_for_who_had_everything_deleted_is_refused() {
        let user = |user, id| profile(Principal::user(user).unwrap(), id);
        let closing = Profile {
            closing: true,
            ..user("42", "e42")
        };
        for refusing in [None, Some(user("43", "e42")), Some(user("42", "e43")), Some(closing)] {
            let sent = handover(Claimed::Live(Box::new(live())));
            let known = Some(&Record::Live(live()));
            assert!(matches!(
                receive(refusing.as_ref(), None, sent.clone(), NOW),
                Reception::Refuse
            ));
            assert!(matches!(
                receive(refusing.as_ref(), known, sent, NOW),
                Reception::Refuse
            ));
        }
    }

    #[test]
    fn an_outcome_has_one_name_in_logs_and_between_vaults() {
        for outcome in [
            HandoverOutcome::Taken,
            HandoverOutcome::Refused,
            HandoverOutcome::Unknown,
        ] {
            assert_eq!(serde_json::to_value(outcome).unwrap(), outcome.code());
        }
    }
}

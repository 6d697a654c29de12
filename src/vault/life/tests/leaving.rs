//! A connection that was claimed, on its way to another vault.

use super::*;
use crate::token::cycle::LONGEST_BACKOFF;

fn leaving(vault: &Vault) -> &crate::vault::Leaving {
    match &vault.record {
        Some(Record::Leaving(leaving)) => leaving,
        other => panic!("not leaving: {other:?}"),
    }
}

/// What is sent.
fn sent(vault: &Vault) -> &Live {
    match &leaving(vault).claimed {
        Claimed::Live(live) => live,
        Claimed::Ended(ended) => panic!("it has ended: {ended:?}"),
    }
}

#[test]
fn claiming_in_every_state() {
    let expected: [(&str, &[&str], &str); 9] = [
        ("live", &["hand over 1"], "leaving"),
        ("stale", &["hand over 1"], "leaving"),
        ("calling", &[], "leaving"),
        ("ended", &["hand over invalid_grant"], "leaving"),
        ("telling", &[], "telling"),
        ("unpublishing", &[], "unpublishing"),
        ("tombstone", &[], "tombstone"),
        ("leaving", &[], "leaving"),
        ("none", &[], "none"),
    ];
    Vault::in_every_state(&expected, Vault::claimed);
}

#[test]
fn what_is_claimed_says_what_smartcar_knows_its_owner_by() {
    let external_id = |id| Some(ExternalId::parse(id).unwrap());
    let mut vault = Vault::new();
    vault.claimed();
    assert_eq!(sent(&vault).external_id, external_id("e1"));
    assert_eq!(leaving(&vault).to, claimant());
    let mut twice = Vault::new();
    let Some(Record::Live(live)) = &mut twice.record else {
        panic!("not live")
    };
    live.external_id = external_id("e0");
    twice.claimed();
    assert_eq!(
        sent(&twice).external_id,
        external_id("e0"),
        "of the session that made it"
    );
    let (_, mut ended) = Vault::every_state()
        .into_iter()
        .find(|(name, _)| *name == "ended")
        .unwrap();
    ended.claimed();
    let Claimed::Ended(sent) = &leaving(&ended).claimed else {
        panic!("it is live")
    };
    assert_eq!(sent.external_id, external_id("e1"));
}

#[test]
fn nothing_is_shown_looked_up_or_covered_by_what_is_leaving() {
    let mut vault = Vault::new();
    let claimed = step(
        &id(),
        vault.record.clone(),
        vault.now,
        Event::Claimed {
            by: claimant(),
            external_id: ExternalId::parse("e1").unwrap(),
        },
        &vault.policy,
    );
    assert_eq!(claimed.index, IndexChange::Outdated);
    vault.claimed();
    let record = vault.record.unwrap();
    assert!(!record.is_shown() && record.live().is_none() && record.vehicles().is_empty());
    assert!(record.user_id().is_none() && record.external_id().is_none());
    assert!(record.is_claimable());
}

#[test]
fn a_request_that_is_under_way_is_waited_for_and_its_pair_is_sent() {
    let mut vault = Vault::calling();
    vault.claimed();
    assert_eq!(vault.sleeps(), CALL_LOST_AFTER, "unless its process dies");
    vault.pass(Millis::from_secs(3));
    assert_eq!(vault.issued(1, 2), ["answer 2 access-2", "hand over 2"]);
    let tokens = sent(&vault).owner_tokens().unwrap();
    assert_eq!(tokens.pair.refresh_token.expose(), "refresh-2");
    assert_eq!(vault.handed_over(HandoverOutcome::Taken), ["unpublish"]);
    assert_eq!(vault.state(), "unpublishing");
}

#[test]
fn a_request_that_fails_at_once_is_repeated_before_anything_is_sent() {
    let mut vault = Vault::calling();
    vault.claimed();
    assert_eq!(vault.answered(1, TokenError::ConnectionLost), ["call 1 refresh-1"]);
    assert_eq!(vault.state(), "leaving");
    let failed = vault.answered(1, TokenError::ConnectionLost);
    assert_eq!(failed.last().unwrap(), "hand over 1");
    let attempt = sent(&vault).owner_tokens().unwrap().attempt;
    assert!(
        attempt.is_some(),
        "the other vault has to know that the token may be used up"
    );
}

#[test]
fn a_grant_that_turns_out_to_be_over_is_handed_over_as_such() {
    let mut vault = Vault::calling();
    vault.claimed();
    let effects = vault.answered(1, TokenError::InvalidGrant);
    assert_eq!(effects, ["ended invalid_grant", "hand over invalid_grant"]);
    assert_eq!(vault.handed_over(HandoverOutcome::Taken), ["unpublish"]);
}

#[test]
fn a_request_whose_process_died_is_waited_for_and_then_left_to_the_other_vault() {
    let mut vault = Vault::calling();
    vault.claimed();
    vault.pass(Millis::new(CALL_LOST_AFTER.as_millis() - 1));
    assert_eq!(vault.wake(), [""; 0]);
    vault.pass(Millis::new(1));
    assert_eq!(vault.wake(), ["hand over 1"]);
    let stored = format!("{:?}", vault.record);
    // Whatever that request brings now: the other vault may have begun its own.
    assert_eq!(vault.clone().issued(1, 2), ["unknown"]);
    assert_eq!(vault.answered(1, TokenError::InvalidGrant), ["unknown"]);
    assert_eq!(format!("{:?}", vault.record), stored);
}

#[test]
fn nothing_is_asked_for_with_tokens_that_were_sent() {
    let mut vault = Vault::stale();
    assert_eq!(vault.claimed(), ["hand over 1"]);
    for _ in 0..40 {
        assert_eq!(vault.want(), ["unknown"]);
        assert_eq!(vault.rejected(1), ["unknown"]);
        assert_eq!(vault.disconnect(), [""; 0]);
        vault.pass(vault.sleeps());
        assert_eq!(vault.wake(), ["hand over 1"]);
        assert_eq!(vault.handed_over(HandoverOutcome::Unknown), [""; 0]);
    }
}

/// A connection that was moved and claimed while new tokens of v2 are asked for, to go back with them.
fn claimed_on_its_way_back() -> Vault {
    let mut vault = Vault::new();
    vault.is_moved();
    vault.pass(Millis::from_days(1));
    assert_eq!(vault.reverses(), ["call 1 refresh-1"]);
    assert_eq!(vault.claimed(), [""; 0], "what the request brings would be lost");
    assert_eq!(vault.sleeps(), CALL_LOST_AFTER);
    vault
}

fn kept_of(live: &Live) -> Option<&OwnerTokens> {
    live.moved()?.kept.as_deref()
}

#[test]
fn a_request_for_the_way_back_is_waited_for_and_its_pair_is_sent() {
    let mut vault = claimed_on_its_way_back();
    vault.pass(Millis::from_secs(3));
    assert_eq!(vault.issued(1, 2), ["hand over 3"]);
    let tokens = sent(&vault).owner_tokens().unwrap();
    assert_eq!(
        (tokens.generation, tokens.pair.refresh_token.expose()),
        (3, "refresh-2")
    );
    assert_eq!(vault.handed_over(HandoverOutcome::Taken), ["unpublish"]);
}

#[test]
fn a_request_for_the_way_back_that_fails_leaves_what_is_known_of_it() {
    let mut vault = claimed_on_its_way_back();
    vault.pass(CALL_DEADLINE);
    assert_eq!(vault.answered(1, TokenError::TimedOut), ["hand over 2"]);
    let attempt = kept_of(sent(&vault)).unwrap().attempt;
    assert!(
        attempt.is_some(),
        "the other vault has to know that the token may be used up"
    );

    let mut vault = claimed_on_its_way_back();
    assert_eq!(vault.answered(1, TokenError::InvalidGrant), ["hand over 2"]);
    assert!(kept_of(sent(&vault)).is_none(), "it stays on v3");

    let mut vault = claimed_on_its_way_back();
    assert_eq!(vault.answered(1, TokenError::ConnectionLost), ["call 1 refresh-1"]);
    assert_eq!(vault.issued(1, 2), ["hand over 3"]);
}

#[test]
fn a_request_for_the_way_back_whose_process_died_is_left_to_the_other_vault() {
    let mut vault = claimed_on_its_way_back();
    vault.pass(Millis::new(CALL_LOST_AFTER.as_millis() - 1));
    assert_eq!(vault.wake(), [""; 0]);
    vault.pass(Millis::new(1));
    assert_eq!(vault.wake(), ["hand over 2"]);
    let stored = format!("{:?}", vault.record);
    assert_eq!(vault.issued(1, 2), ["unknown"]);
    assert_eq!(format!("{:?}", vault.record), stored);
}

#[test]
fn a_way_back_that_a_clock_began_that_was_ahead_holds_nothing_back() {
    let mut vault = Vault::new();
    vault.is_moved();
    let now = vault.now;
    vault.pass(Millis::from_days(30));
    assert_eq!(vault.reverses(), ["call 1 refresh-1"]);
    vault.now = now;
    vault.claimed();
    assert!(vault.sleeps() <= CALL_LOST_AFTER);
    vault.pass(CALL_LOST_AFTER);
    assert_eq!(vault.wake(), ["hand over 2"]);
}

#[test]
fn what_may_have_been_lost_is_sent_again_ever_more_rarely() {
    let mut vault = Vault::new();
    vault.claimed();
    assert_eq!(vault.sleeps(), CALL_LOST_AFTER);
    let mut waits = Vec::new();
    for _ in 0..10 {
        vault.handed_over(HandoverOutcome::Unknown);
        waits.push(vault.sleeps().as_secs());
        vault.pass(vault.sleeps());
        assert_eq!(vault.wake(), ["hand over 1"]);
    }
    assert_eq!(waits, [2, 4, 8, 16, 32, 64, 128, 256, 300, 300]);
}

#[test]
fn what_the_claimant_had_deleted_meanwhile_goes_with_it() {
    let mut vault = Vault::new();
    vault.claimed();
    assert_eq!(vault.handed_over(HandoverOutcome::Refused), ["tell access-1 v1"]);
    assert_eq!(vault.state(), "telling");
    let (_, mut ended) = Vault::every_state()
        .into_iter()
        .find(|(name, _)| *name == "ended")
        .unwrap();
    ended.claimed();
    assert_eq!(ended.handed_over(HandoverOutcome::Refused), ["unpublish"]);
}

#[test]
fn a_hand_over_matters_to_what_is_leaving_alone() {
    for (name, vault) in Vault::every_state() {
        if name == "leaving" {
            continue;
        }
        for outcome in [
            HandoverOutcome::Taken,
            HandoverOutcome::Refused,
            HandoverOutcome::Unknown,
        ] {
            let mut vault = vault.clone();
            let stored = format!("{:?}", vault.record);
            assert_eq!(vault.handed_over(outcome), [""; 0], "{name}");
            assert_eq!(format!("{:?}", vault.record), stored, "{name}");
        }
    }
}

#[test]
fn a_clock_that_was_ahead_holds_nothing_back() {
    let (mut right, ahead) = (Vault::calling(), Millis::from_days(30));
    right.claimed();
    let mut vault = right.clone();
    vault.pass(ahead);
    vault.wake();
    vault.handed_over(HandoverOutcome::Unknown);
    vault.now = right.now;
    let furthest = next_alarm_by(&id(), vault.record.as_ref().unwrap(), vault.now).unwrap();
    assert!(furthest.since(vault.now) <= LONGEST_BACKOFF, "{furthest:?}");
    vault.wake();
    vault.pass(CALL_LOST_AFTER);
    assert_eq!(vault.wake(), ["hand over 1"]);
    let mut called_ahead = Vault::stale();
    let now = called_ahead.now;
    called_ahead.pass(ahead);
    assert_eq!(called_ahead.want(), ["call 1 refresh-1"]);
    called_ahead.now = now;
    called_ahead.claimed();
    assert!(called_ahead.sleeps() <= CALL_LOST_AFTER);
}

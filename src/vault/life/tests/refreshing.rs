use super::*;

#[test]
fn a_fresh_token_is_answered_and_nothing_else_happens() {
    let mut vault = Vault::new();
    for minutes in [0, 1, 50, 62] {
        vault.pass(Millis::from_mins(minutes));
        let before = format!("{:?}", vault.record);
        vault.record = match vault.record.take() {
            // As if KV had just been written: that it wants to be written again is another test.
            Some(Record::Live(live)) => Some(Record::Live(Live {
                kv: KvCopy::Synced {
                    since: vault.now,
                    renew_at: None,
                },
                ..live
            })),
            other => other,
        };
        let stored = format!("{:?}", vault.record);
        assert_eq!(vault.want(), ["answer 1 access-1"], "{before}");
        assert_eq!(format!("{:?}", vault.record), stored);
    }
}

#[test]
fn within_the_margin_the_refresh_token_is_presented_once_the_intent_is_stored() {
    for left in [Millis::from_mins(5), Millis::from_secs(1), Millis::ZERO] {
        let mut vault = Vault::new();
        vault.now = UnixMillis::new(NOW.after(Millis::from_hours(2)).as_millis() - left.as_millis());
        assert_eq!(vault.want(), ["call 1 refresh-1"]);
        let intent = vault.owner().attempt.unwrap();
        assert_eq!(
            (intent.last_sent_at, intent.unresolved_since, intent.attempts),
            (vault.now, None, 1)
        );
        assert_eq!(vault.owner().generation, 1, "no pair yet");
    }
}

#[test]
fn wanting_a_token_in_every_state() {
    let expected = [
        ("live", "answer 1 access-1"),
        ("stale", "call 1 refresh-1"),
        ("calling", "call 1 refresh-1"),
        ("ended", "ended invalid_grant"),
        ("telling", "unknown"),
        ("unpublishing", "unknown"),
        ("tombstone", "unknown"),
        ("leaving", "unknown"),
        ("none", "unknown"),
    ];
    for ((name, mut vault), (expected_name, effect)) in Vault::every_state().into_iter().zip(expected) {
        assert_eq!(name, expected_name);
        assert_eq!(vault.want(), [effect], "{name}");
    }
}

#[test]
fn a_token_that_smartcar_refused_is_refreshed_although_it_looks_fresh() {
    let mut vault = Vault::new();
    assert_eq!(vault.rejected(1), ["call 1 refresh-1"]);
    vault.issued(1, 2);
    // Somebody else was refused with the older one: the newer is the answer.
    assert_eq!(vault.rejected(1), ["answer 2 access-2"]);
    vault.pass(Millis::from_mins(5));
    assert_eq!(vault.rejected(2), ["call 2 refresh-2"]);
}

#[test]
fn a_new_token_that_smartcar_refuses_too_is_no_reason_for_the_next_refresh() {
    let mut vault = Vault::new();
    vault.rejected(1);
    vault.issued(1, 2);
    assert_eq!(vault.rejected(2), ["rejected 300000 ms"]);
    let mut short = vault.clone();
    short.owner_mut().pair.access_expires_at = short.now;
    assert_eq!(
        short.rejected(2),
        ["call 2 refresh-2"],
        "it is no wonder once it has expired"
    );
    vault.pass(Millis::new(299_999));
    assert_eq!(vault.rejected(2), ["rejected 1 ms"]);
    assert_eq!(vault.want(), ["answer 2 access-2"], "nobody refused it to this one");
    vault.pass(Millis::new(1));
    assert_eq!(vault.rejected(2), ["call 2 refresh-2"]);
}

#[test]
fn a_token_that_smartcar_refused_is_not_answered_while_the_refresh_rests() {
    let mut vault = Vault::new();
    vault.rejected(1);
    vault.answered(1, TokenError::InvalidClient);
    assert_eq!(vault.rejected(1), ["unavailable invalid_client 30000 ms"]);
    assert_eq!(vault.want(), ["answer 1 access-1"], "nobody refused it to this one");
}

#[test]
fn a_new_pair_is_stored_then_answered_then_published() {
    let mut vault = Vault::calling();
    vault.pass(Millis::new(150));
    assert_eq!(vault.issued(1, 2), ["answer 2 access-2", "publish", "list"]);
    let (grant, tokens) = (vault.grant(), vault.owner());
    assert_eq!(tokens.generation, 2);
    assert_eq!(tokens.pair.refresh_token.expose(), "refresh-2");
    assert_eq!(tokens.pair.refresh_issued_at, vault.now);
    assert_eq!(tokens.pair.refresh_expires_at, vault.now.after(Millis::from_days(60)));
    assert!(tokens.attempt.is_none());
    assert_eq!(vault.vehicles(), [vehicle("v1")]);
    assert_eq!(grant.connected_at, NOW);
    assert!(matches!(tokens.refresh, RefreshState::Ok { since } if since == NOW));
    assert!(matches!(grant.kv, KvCopy::Dirty { .. }));
}

#[test]
fn a_refresh_token_that_is_not_replaced_stays_and_counts_as_honoured_now() {
    let mut vault = Vault::new();
    vault.now = NOW.after(Millis::from_days(40));
    vault.wake();
    let issued = TokenSet {
        refresh_token: None,
        ..tokens(2, vault.now)
    };
    let outcome = Ok(issued);
    vault.on(Event::RefreshCompleted { generation: 1, outcome });
    let kept = &vault.owner().pair;
    assert_eq!(kept.refresh_token.expose(), "refresh-1");
    assert_eq!(kept.refresh_expires_at, vault.now.after(Millis::from_days(60)));
    vault.published(2, KvOutcome::Done);
    vault.listed_again();
    assert!(vault.sleeps() >= Millis::from_days(30), "it is not due again at once");
}

#[test]
fn an_answer_to_an_older_generation_changes_nothing() {
    let failures = AMBIGUOUS
        .into_iter()
        .chain(TURNED_AWAY)
        .chain([TokenError::InvalidGrant]);
    for failure in failures {
        let mut vault = Vault::calling();
        vault.issued(1, 2);
        let stored = format!("{:?}", vault.record);
        assert_eq!(vault.answered(1, failure), ["answer 2 access-2"]);
        assert_eq!(vault.issued(1, 9), ["answer 2 access-2"]);
        assert_eq!(format!("{:?}", vault.record), stored);
        vault.pass(Millis::from_hours(2));
        assert_eq!(vault.answered(1, failure), ["unavailable connection_lost 1000 ms"]);
    }
}

#[test]
fn an_answer_to_a_connection_that_is_gone_brings_nothing_back() {
    for (name, vault) in Vault::every_state() {
        if matches!(vault.state(), "live") {
            continue;
        }
        for refused in [false, true] {
            let mut vault = vault.clone();
            let stored = format!("{:?}", vault.record);
            let effects = if refused {
                vault.answered(1, TokenError::InvalidGrant)
            } else {
                vault.issued(1, 2)
            };
            let answer = match name {
                "ended" => "ended invalid_grant",
                _ => "unknown",
            };
            assert_eq!(effects, [answer], "{name}");
            assert_eq!(format!("{:?}", vault.record), stored, "{name}");
        }
    }
}

#[test]
fn a_refusal_ends_the_grant_and_forgets_the_tokens() {
    let mut vault = Vault::calling();
    assert_eq!(
        vault.answered(1, TokenError::InvalidGrant),
        ["ended invalid_grant", "unpublish"]
    );
    let Some(Record::Ended(Ended { vehicles, .. })) = &vault.record else {
        panic!("{:?}", vault.record)
    };
    let covered = [KnownVehicle::new(vehicle("v1"))];
    assert_eq!(*vehicles, covered, "the owner is told which car it was");
    let stored = serde_json::to_string(&vault.record).unwrap();
    assert!(!stored.contains("access-") && !stored.contains("refresh-"), "{stored}");
}

#[test]
fn a_quick_ambiguous_failure_is_repeated_once_with_the_same_token() {
    for failure in AMBIGUOUS {
        let mut vault = Vault::calling();
        vault.pass(Millis::new(3_999));
        assert_eq!(vault.answered(1, failure), ["call 1 refresh-1"], "{failure:?}");
        assert_eq!(
            vault.owner().attempt.unwrap().unresolved_since,
            Some(NOW.after(Millis::from_hours(2)))
        );
        vault.pass(Millis::new(10));
        let cause = Cause::from(failure).as_str();
        assert_eq!(
            vault.answered(1, failure),
            [format!("unavailable {cause} 1000 ms")],
            "those who wait are told"
        );

        let mut slow = Vault::calling();
        slow.pass(Millis::new(4_000));
        assert_eq!(slow.answered(1, failure), [format!("unavailable {cause} 1000 ms")]);
    }
    for failure in TURNED_AWAY {
        let mut vault = Vault::calling();
        assert!(
            vault.answered(1, failure)[0].starts_with("unavailable"),
            "{failure:?} is not repeated"
        );
        assert!(vault.owner().attempt.is_none(), "nothing was used up");
    }
}

#[test]
fn a_failure_takes_no_living_token_away() {
    for failure in AMBIGUOUS.into_iter().chain(TURNED_AWAY) {
        let mut vault = Vault::new();
        vault.now = NOW.after(Millis::from_mins(119));
        assert_eq!(vault.want(), ["call 1 refresh-1"]);
        vault.pass(Millis::from_secs(5));
        assert_eq!(vault.answered(1, failure), ["answer 1 access-1"], "{failure:?}");
        assert_eq!(vault.want(), ["answer 1 access-1"], "{failure:?}");
        vault.pass(Millis::new(900));
        assert_eq!(vault.want(), ["answer 1 access-1"], "{failure:?}: not before its time");
    }
}

/// Fails until `until` after the first presentation, each time after 5 seconds, and tells how long after the call
/// before it each call was made.
fn gaps(grace: Millis, failure: TokenError, until: Millis) -> Vec<u64> {
    let mut vault = Vault::calling();
    vault.policy = Policy { grace };
    let first = vault.now;
    let mut last = first;
    let mut gaps = Vec::new();
    loop {
        vault.pass(Millis::from_secs(5));
        vault.answered(1, failure);
        vault.now = vault.wake_at().unwrap();
        assert_eq!(vault.wake(), ["call 1 refresh-1"]);
        gaps.push(vault.now.since(last).as_secs());
        last = vault.now;
        if last.since(first) >= until {
            return gaps;
        }
    }
}

#[test]
fn a_token_that_may_be_used_up_is_presented_again_within_the_grace() {
    let timed_out = |grace, minutes| {
        gaps(
            Millis::from_secs(grace),
            TokenError::TimedOut,
            Millis::from_mins(minutes),
        )
    };
    assert_eq!(
        timed_out(60, 2),
        [6, 7, 9, 13, 20, 20, 20, 20, 20],
        "the wait doubles up to a quarter of the grace"
    );
    assert_eq!(
        timed_out(600, 30),
        [6, 7, 9, 13, 21, 37, 69, 133, 155, 155, 155, 155, 3_605],
        "after a quarter of an hour of failures the waits are what doubling has made of them"
    );
    assert_eq!(
        timed_out(0, 10),
        [6, 7, 9, 13, 21, 37, 69, 133, 261, 517],
        "without a grace there is no hurry"
    );
}

#[test]
fn the_grace_counts_from_the_latest_moment_at_which_a_request_can_have_arrived() {
    for (seconds, is_in_doubt) in [(69, true), (70, false)] {
        let mut vault = Vault::calling();
        let sent_at = vault.now;
        vault.pass(CALL_DEADLINE);
        vault.answered(1, TokenError::TimedOut);
        vault.now = sent_at.after(Millis::from_secs(seconds));
        assert_eq!(vault.want(), ["call 1 refresh-1"]);
        let attempt = vault.owner().attempt.unwrap();
        assert_eq!(attempt.unresolved_since, is_in_doubt.then_some(sent_at), "{seconds} s");
        assert_eq!(attempt.attempts, if is_in_doubt { 2 } else { 1 }, "{seconds} s");
    }
}

#[test]
fn after_a_long_time_of_failures_each_attempt_is_still_repeated_within_the_grace() {
    let gaps = gaps(Millis::from_secs(60), TokenError::TimedOut, Millis::from_hours(10));
    let late: Vec<u64> = gaps.iter().rev().take(6).rev().copied().collect();
    assert_eq!(late, [20, 20, 3_605, 20, 20, 3_605], "three calls an hour");
}

#[test]
fn being_turned_away_uses_nothing_up() {
    for failure in TURNED_AWAY {
        let first = Millis::from_secs(if failure == TURNED_AWAY[1] { 5 } else { 30 });
        let mut vault = Vault::calling();
        vault.answered(1, failure);
        assert_eq!(vault.retry_in(), first, "{failure:?}");
        vault.pass(first);
        assert_eq!(vault.wake(), ["call 1 refresh-1"]);
        assert_eq!(vault.owner().attempt.unwrap().unresolved_since, None);
        vault.answered(1, failure);
        assert_eq!(vault.retry_in(), Millis::new(first.as_millis() * 2), "{failure:?}");
        assert!(vault.owner().attempt.is_none());
    }
}

#[test]
fn being_turned_away_does_not_settle_what_an_earlier_call_did() {
    for failure in TURNED_AWAY {
        let mut vault = Vault::calling();
        let first = vault.now;
        vault.pass(Millis::from_secs(8));
        vault.answered(1, TokenError::TimedOut);
        vault.pass(Millis::from_secs(1));
        vault.want();
        assert_eq!(vault.owner().attempt.unwrap().unresolved_since, Some(first));
        vault.pass(Millis::from_secs(1));
        vault.answered(1, failure);
        let intent = vault.owner().attempt.unwrap();
        assert_eq!(
            (intent.last_sent_at, intent.unresolved_since),
            (first, None),
            "{failure:?}: the grace counts from that call"
        );
        assert!(
            vault.retry_in() <= Millis::from_secs(15),
            "{failure:?}: {:?}",
            vault.retry_in()
        );
        // Once its grace is over, nothing is in doubt any more.
        vault.now = first.after(Millis::from_secs(70));
        vault.want();
        assert_eq!(vault.owner().attempt.unwrap().unresolved_since, None);
        vault.answered(1, failure);
        assert!(vault.owner().attempt.is_none(), "{failure:?}");
    }
}

#[test]
fn the_wait_grows_to_an_hour_and_no_further() {
    for failure in AMBIGUOUS.into_iter().chain(TURNED_AWAY) {
        let mut vault = Vault::calling();
        let mut longest = Millis::ZERO;
        for _ in 0..80 {
            vault.pass(Millis::from_secs(5));
            vault.answered(1, failure);
            longest = longest.max(vault.retry_in());
            vault.pass(vault.retry_in());
            vault.want();
        }
        assert_eq!(longest, Millis::from_hours(1), "{failure:?}");
        assert_eq!(vault.state(), "live", "no such failure ends a grant");
    }
}

#[test]
fn a_rate_limit_is_kept_unless_a_used_up_token_would_die_of_it() {
    let limited = |seconds| TokenError::RateLimited {
        retry_after: Some(Millis::from_secs(seconds)),
    };
    for (asked, kept) in [(0, 1), (1, 1), (90, 90), (3_600, 3_600), (86_400, 3_600)] {
        let mut vault = Vault::calling();
        vault.answered(1, limited(asked));
        assert_eq!(vault.retry_in(), Millis::from_secs(kept));
        vault.pass(Millis::from_secs(kept.saturating_sub(1)));
        if kept > 1 {
            assert!(vault.want()[0].starts_with("unavailable rate_limited"));
        }
        vault.pass(Millis::from_secs(1));
        assert_eq!(vault.want(), ["call 1 refresh-1"]);
    }
    let mut vault = Vault::calling();
    vault.answered(1, TokenError::ConnectionLost);
    vault.answered(1, limited(90));
    assert_eq!(
        vault.retry_in(),
        Millis::from_secs(15),
        "the first call may have used the token up"
    );
    vault.pass(Millis::from_secs(71));
    vault.want();
    vault.answered(1, limited(90));
    assert_eq!(vault.retry_in(), Millis::from_secs(90), "its grace is over");
}

#[test]
fn a_grant_is_well_again_after_its_next_success() {
    let mut vault = Vault::calling();
    vault.answered(1, TokenError::RateLimited { retry_after: None });
    let since = vault.now;
    vault.pass(Millis::from_secs(5));
    vault.want();
    vault.pass(Millis::from_secs(5));
    vault.answered(1, TokenError::TimedOut);
    assert!(matches!(
        vault.owner().refresh,
        RefreshState::Failing { cause: Cause::TimedOut, since: first, failures: 2, .. } if first == since
    ));
    vault.pass(Millis::from_mins(10));
    vault.want();
    vault.issued(1, 2);
    assert!(matches!(vault.owner().refresh, RefreshState::Ok { since } if since == vault.now));
}

#[test]
fn after_sixty_days_the_grant_is_over() {
    let mut vault = Vault::new();
    vault.now = UnixMillis::new(NOW.after(Millis::from_days(60)).as_millis() - 1);
    assert_eq!(vault.clone().want(), ["call 1 refresh-1"]);
    vault.pass(Millis::new(1));
    for mut vault in [vault.clone(), vault] {
        assert_eq!(vault.want(), ["ended refresh_token_expired", "unpublish"]);
        let Some(Record::Ended(Ended { cause, since, .. })) = vault.record else {
            panic!()
        };
        assert_eq!(
            (cause, since),
            (Cause::RefreshTokenExpired, NOW.after(Millis::from_days(60)))
        );
    }
}

#[test]
fn what_was_presented_in_time_may_be_answered_after_sixty_days() {
    let mut vault = Vault::new();
    vault.now = UnixMillis::new(NOW.after(Millis::from_days(60)).as_millis() - 1_000);
    assert_eq!(vault.want(), ["call 1 refresh-1"]);
    vault.pass(Millis::from_secs(3));
    assert_eq!(vault.wake(), [""; 0], "the call is under way");
    assert_eq!(vault.want(), ["call 1 refresh-1"], "to be joined");
    assert_eq!(vault.clone().issued(1, 2), ["answer 2 access-2", "publish", "list"]);

    // The answer is lost: the new pair can be had for as long as the grace lasts.
    vault.pass(Millis::from_secs(5));
    assert_eq!(
        vault.answered(1, TokenError::TimedOut),
        ["unavailable timed_out 1000 ms"]
    );
    vault.pass(Millis::from_secs(1));
    assert_eq!(vault.want(), ["call 1 refresh-1"]);
    vault.pass(Millis::from_mins(1));
    assert_eq!(
        vault.answered(1, TokenError::TimedOut),
        ["ended refresh_token_expired", "unpublish"]
    );

    let mut turned_away = Vault::new();
    turned_away.now = UnixMillis::new(NOW.after(Millis::from_days(60)).as_millis() - 1_000);
    turned_away.want();
    turned_away.pass(Millis::from_secs(3));
    assert_eq!(
        turned_away.answered(1, TokenError::RateLimited { retry_after: None }),
        ["ended refresh_token_expired", "unpublish"],
        "nothing was used up, so nothing can be had any more"
    );
}

#[test]
fn what_was_presented_in_time_has_until_its_call_is_lost_to_be_answered_also_without_a_grace() {
    for grace in [0, 5, 15] {
        let mut vault = Vault::new();
        vault.policy = Policy {
            grace: Millis::from_secs(grace),
        };
        vault.now = UnixMillis::new(NOW.after(Millis::from_days(60)).as_millis() - 1_000);
        assert_eq!(vault.want(), ["call 1 refresh-1"]);
        vault.pass(Millis::from_secs(9));
        assert_eq!(vault.wake(), [""; 0], "grace {grace} s: the call is under way");
        assert_eq!(
            vault.clone().issued(1, 2),
            ["answer 2 access-2", "publish", "list"],
            "grace {grace} s"
        );
        assert_eq!(
            vault.clone().want(),
            ["call 1 refresh-1"],
            "grace {grace} s: should the process have died"
        );
        // No call that could have been in time is under way any more.
        vault.now = NOW.after(Millis::from_days(60)).after(CALL_LOST_AFTER);
        assert_eq!(
            vault.clone().want(),
            ["ended refresh_token_expired", "unpublish"],
            "grace {grace} s"
        );
        assert_eq!(
            vault.wake(),
            ["ended refresh_token_expired", "unpublish"],
            "grace {grace} s"
        );
    }
}

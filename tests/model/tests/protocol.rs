//! The faithful driver: every property holds in every state, and everything that is to be tried is.

use std::{collections::BTreeSet, io::Write as _, time::Instant};

use smartcar_connect::time::Millis;
use smartcar_model::{Budget, COVERAGE, Driver, Protocol, Reissue, SAFETY};

const NOTHING: Budget = Budget::NOTHING;

const DAY: u64 = 86_400;

/// When the refresh token of the first pair expires, in seconds after the first moment.
const EXPIRY: u64 = 60 * DAY - 116 * 60;

/// What is checked: the bounds in words, the moments in seconds, the grace in seconds, and the budget.
fn checks() -> Vec<(&'static str, Protocol)> {
    let protocol = |seconds: &[u64], grace, reissue, budget| Protocol {
        moments: seconds.iter().map(|seconds| Millis::from_secs(*seconds)).collect(),
        grace: Millis::from_secs(grace),
        reissue,
        after_outage: false,
        budget,
        driver: Driver::Faithful,
    };
    // On both sides of the deadline, of a call that counts as lost, of each grace and of the access token's end.
    let refresh = [20, 90, 660];
    let storm = Budget {
        asks: 2,
        deaths: 2,
        faults: 1,
        ..NOTHING
    };
    let answers_lost = Budget {
        asks: 2,
        deaths: 1,
        faults: 2,
        ..NOTHING
    };
    let disconnecting = Budget {
        asks: 2,
        deaths: 1,
        faults: 1,
        disconnections: 1,
        ..NOTHING
    };
    let closing = Budget {
        asks: 1,
        deaths: 2,
        kv_faults: 1,
        disconnections: 1,
        ..NOTHING
    };
    let kv = Budget {
        asks: 2,
        deaths: 1,
        kv_faults: 2,
        ..NOTHING
    };
    let rejected = Budget {
        asks: 2,
        rejections: 1,
        deaths: 1,
        faults: 2,
        ..NOTHING
    };
    let twice = Budget {
        asks: 3,
        kv_faults: 1,
        deaths: 1,
        faults: 1,
        ..NOTHING
    };
    let across = Budget {
        asks: 2,
        deaths: 1,
        faults: 1,
        ..NOTHING
    };
    let across_the_grace = Budget {
        deaths: 0,
        faults: 2,
        ..across
    };
    let deletion_lost = Budget {
        asks: 1,
        kv_faults: 1,
        lost_deletions: 1,
        disconnections: 1,
        ..NOTHING
    };
    let refused = Budget {
        asks: 1,
        deaths: 1,
        faults: 1,
        lost_deletions: 1,
        ..NOTHING
    };
    let late_write = Budget {
        asks: 1,
        deaths: 1,
        kv_faults: 1,
        disconnections: 1,
        ..NOTHING
    };
    let reported = Budget {
        asks: 1,
        deaths: 1,
        faults: 1,
        disconnections: 1,
        reports: 2,
        ..NOTHING
    };
    let (keeps, kills) = (Reissue::KeepsEarlier, Reissue::KillsEarlier);
    vec![
        ("deaths, no grace", protocol(&refresh, 0, kills, storm.clone())),
        ("deaths, grace 60 s", protocol(&refresh, 60, kills, storm.clone())),
        (
            "deaths, grace 60 s, both new pairs good",
            protocol(&refresh, 60, keeps, storm.clone()),
        ),
        ("deaths, grace 600 s", protocol(&refresh, 600, kills, storm)),
        (
            "lost answers, no grace",
            protocol(&refresh, 0, keeps, answers_lost.clone()),
        ),
        (
            "lost answers, grace 60 s",
            protocol(&refresh, 60, kills, answers_lost.clone()),
        ),
        (
            "lost answers, grace 600 s",
            protocol(&refresh, 600, keeps, answers_lost.clone()),
        ),
        (
            "lost answers after an hour of failures",
            Protocol {
                after_outage: true,
                ..protocol(&refresh, 60, keeps, answers_lost)
            },
        ),
        ("an access token refused", protocol(&[20, 90, 400], 60, kills, rejected)),
        (
            "a disconnection during a refresh",
            protocol(&refresh[..2], 60, keeps, disconnecting),
        ),
        (
            "a disconnection to its end",
            protocol(&[20, 150, 300, 87_000], 60, keeps, closing),
        ),
        (
            "a lost deletion of a closed connection",
            protocol(&[20, 150, 300, 87_000], 60, keeps, deletion_lost.clone()),
        ),
        (
            "a lost deletion of a refused grant",
            protocol(&[90, 240, 400, 600], 60, keeps, refused),
        ),
        (
            "a lost deletion of an expired grant, which is disconnected",
            protocol(
                &[EXPIRY - 10, EXPIRY + 4, EXPIRY + 150, EXPIRY + 300],
                60,
                keeps,
                deletion_lost,
            ),
        ),
        (
            "a late write of an expired grant, which is disconnected",
            protocol(
                &[EXPIRY - 10, EXPIRY + 4, EXPIRY + 150, EXPIRY + 300],
                60,
                keeps,
                late_write,
            ),
        ),
        (
            "reports that the owner is wanted",
            protocol(&refresh, 60, kills, reported),
        ),
        (
            "failing and lost writes in KV",
            protocol(&[20, 150, 660], 60, keeps, kv),
        ),
        (
            "two refreshes",
            protocol(&[20, 660, 7_500, 7_520, 7_700], 60, kills, twice.clone()),
        ),
        (
            "answers across the end of the refresh token's life",
            protocol(
                &[EXPIRY - 4, EXPIRY + 4, EXPIRY + 30, EXPIRY + 100],
                60,
                kills,
                across.clone(),
            ),
        ),
        (
            "answers across the end of the refresh token's life, no grace",
            protocol(&[EXPIRY - 4, EXPIRY + 4, EXPIRY + 30], 0, kills, across.clone()),
        ),
        (
            "answers across the end of the access token's life",
            protocol(&[236, 244, 300], 60, keeps, across),
        ),
        (
            "answers across the grace",
            protocol(&[56, 64, 72, 660], 60, kills, across_the_grace.clone()),
        ),
        (
            "answers across a grace of less than a call",
            protocol(&[4, 9, 30], 5, kills, across_the_grace),
        ),
        (
            "the end of the refresh token's life",
            protocol(
                &[EXPIRY - 10, EXPIRY + 4, EXPIRY + 30, EXPIRY + 100],
                60,
                kills,
                twice.clone(),
            ),
        ),
        (
            "the end of the refresh token's life, grace 600 s",
            protocol(
                &[EXPIRY - 10, EXPIRY + 4, EXPIRY + 300, EXPIRY + 700],
                600,
                keeps,
                twice,
            ),
        ),
    ]
}

#[test]
fn every_property_holds_in_every_state() {
    let mut out = std::io::stdout().lock();
    let mut reached = BTreeSet::new();
    let mut states = 0_usize;
    let started = Instant::now();
    for (name, protocol) in checks() {
        let bounds = protocol.budget.clone();
        let checked = protocol.check();
        writeln!(
            out,
            "model: {name}: {} states, up to {} steps deep; {bounds:?}",
            checked.states, checked.depth
        )
        .unwrap();
        for (property, way) in &checked.broken {
            writeln!(out, "model: {name}: broken: {property}: {way}").unwrap();
        }
        let broken: Vec<&str> = checked.broken.iter().map(|(property, _)| *property).collect();
        assert_eq!(broken, [""; 0], "{name}");
        reached.extend(checked.reached);
        states = states.saturating_add(checked.states);
    }
    let expected: BTreeSet<&str> = COVERAGE.iter().copied().collect();
    assert_eq!(reached, expected, "nothing that was to be tried was left out");
    writeln!(
        out,
        "model: {states} states in all, {} properties, {:?}",
        SAFETY.len(),
        started.elapsed()
    )
    .unwrap();
}

//! The model, checked to the end.

use std::io::Write as _;

use smartcar_connect::time::Millis;
use smartcar_model::{Budget, Driver, Protocol, Reissue};

fn protocol(seconds: &[u64], grace: u64, reissue: Reissue, budget: [u8; 6]) -> Protocol {
    let [asks, rejections, deaths, faults, kv_faults, disconnections] = budget;
    Protocol {
        moments: seconds.iter().map(|seconds| Millis::from_secs(*seconds)).collect(),
        grace: Millis::from_secs(grace),
        reissue,
        budget: Budget {
            asks,
            rejections,
            deaths,
            faults,
            kv_faults,
            disconnections,
        },
        driver: Driver::Faithful,
    }
}

fn probe(name: &str, p: Protocol) {
    let started = std::time::Instant::now();
    let checked = p.check(false);
    writeln!(
        std::io::stdout(),
        "{name}: {} states, depth {}, {:?}",
        checked.states,
        checked.depth,
        started.elapsed()
    )
    .unwrap();
    writeln!(std::io::stdout(), "  {:?}", checked.reached).unwrap();
    for (name, path) in &checked.broken {
        writeln!(std::io::stdout(), "BROKEN {name}: {path}").unwrap();
    }
}

const DAY: u64 = 86_400;
#[test]
fn all() {
    use Reissue::*;
    let e = 60 * DAY - 116 * 60;
    probe(
        "storm60",
        protocol(&[20, 90, 600], 60, KeepsEarlier, [2, 0, 2, 2, 0, 0]),
    );
    probe(
        "storm60k",
        protocol(&[20, 90, 600], 60, KillsEarlier, [2, 0, 2, 2, 0, 0]),
    );
    probe("storm0", protocol(&[20, 90, 600], 0, KillsEarlier, [2, 0, 2, 2, 0, 0]));
    probe(
        "storm600",
        protocol(&[20, 90, 600], 600, KillsEarlier, [2, 0, 2, 2, 0, 0]),
    );
    probe(
        "rejected",
        protocol(&[20, 90, 600], 60, KillsEarlier, [3, 1, 1, 1, 0, 0]),
    );
    probe("disc", protocol(&[20, 90], 60, KeepsEarlier, [2, 0, 1, 1, 0, 1]));
    probe(
        "twice",
        protocol(&[20, 600, 7500, 7520, 7700], 60, KeepsEarlier, [2, 0, 1, 1, 0, 0]),
    );
    probe(
        "expiry",
        protocol(
            &[e - 10, e + 4, e + 30, e + 100, e + 3700],
            60,
            KeepsEarlier,
            [2, 0, 1, 1, 0, 0],
        ),
    );
    probe(
        "expiry600",
        protocol(
            &[e - 10, e + 4, e + 30, e + 100, e + 3700],
            600,
            KillsEarlier,
            [2, 0, 1, 1, 0, 0],
        ),
    );
    probe(
        "closing",
        protocol(&[20, 150, 300, 87_000], 60, KeepsEarlier, [1, 0, 2, 0, 1, 1]),
    );
}

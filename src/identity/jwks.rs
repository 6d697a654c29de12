//! When the keys of the app's log-in are fetched, and which count meanwhile: one isolate's copy of them.

use std::rc::Rc;

use crate::{
    identity::jwt::KeySet,
    time::{Millis, UnixMillis},
};

/// How long keys count without being asked for again. A key that the log-in takes back counts so long at most, while its address
/// answers.
const FRESH_FOR: Millis = Millis::from_mins(10);

/// How long they count at most while their address does not answer.
const STALE_FOR: Millis = Millis::from_hours(24);

/// How often they are asked for at most, whatever callers send.
const FETCH_EVERY: Millis = Millis::from_secs(30);

/// How soon they are asked for again if that failed and there are none.
const RETRY_EVERY: Millis = Millis::from_secs(5);

/// How long one fetch may take.
pub const FETCH_DEADLINE: Millis = Millis::from_secs(4);

/// How long a fetch is believed to be under way. One whose request was given up by its caller ends without a word.
const GIVEN_UP_AFTER: Millis = Millis::from_secs(5);

/// The keys of a log-in, and what is known of their address.
#[derive(Debug, Default)]
pub struct JwksCache {
    keys: Option<(Rc<KeySet>, UnixMillis)>,
    asked_at: Option<UnixMillis>,
    is_under_way: bool,
    has_failed: bool,
}

/// What to do about the keys for one token.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum JwksStep {
    /// Verify with these. They may not have the token's key: then it is not known.
    Use(Rc<KeySet>),
    /// Fetch them, and tell the cache what came of it.
    Fetch,
    /// Another request fetches them: wait a little, and ask again.
    Wait,
    /// Nobody can tell at the moment. After this span it may be tried again.
    Unavailable(Millis),
}

impl JwksCache {
    /// What to do for a token whose key is among those that `has_key` finds. [`JwksStep::Fetch`] is answered to one caller alone,
    /// who fetches.
    pub fn step(&mut self, has_key: impl FnOnce(&KeySet) -> bool, now: UnixMillis) -> JwksStep {
        let kept = self.keys.as_ref().filter(|(_, at)| now.since(*at) < STALE_FOR);
        let found = kept.is_some_and(|(keys, _)| has_key(keys));
        let is_fresh = kept.is_some_and(|(_, at)| now.since(*at) < FRESH_FOR);
        let kept = kept.map(|(keys, _)| Rc::clone(keys));
        let since_asked = self.asked_at.map(|at| now.since(at));
        let is_under_way = self.is_under_way && since_asked.is_some_and(|span| span < GIVEN_UP_AFTER);
        let pause = if kept.is_some() { FETCH_EVERY } else { RETRY_EVERY };
        let may_fetch = !is_under_way && since_asked.is_none_or(|span| span >= pause);
        match kept {
            Some(keys) if found && (is_fresh || !may_fetch) => JwksStep::Use(keys),
            _ if may_fetch => {
                self.asked_at = Some(now);
                self.is_under_way = true;
                JwksStep::Fetch
            }
            _ if is_under_way => JwksStep::Wait,
            Some(keys) if !self.has_failed => JwksStep::Use(keys),
            _ => {
                let left = pause
                    .as_millis()
                    .saturating_sub(since_asked.map_or(0, Millis::as_millis));
                JwksStep::Unavailable(Millis::new(left))
            }
        }
    }

    /// The fetch brought these.
    pub fn fetched(&mut self, keys: KeySet, now: UnixMillis) {
        self.keys = Some((Rc::new(keys), now));
        self.is_under_way = false;
        self.has_failed = false;
    }

    /// The fetch brought nothing that can be used. What there was is kept.
    pub fn failed(&mut self) {
        self.is_under_way = false;
        self.has_failed = true;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const START: UnixMillis = UnixMillis::new(1_790_000_000_000);

    fn at(seconds: u64) -> UnixMillis {
        START.after(Millis::from_secs(seconds))
    }

    fn keys() -> KeySet {
        let key = r#"{"kty":"OKP","crv":"Ed25519","kid":"k1","x":"11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo"}"#;
        KeySet::parse(format!(r#"{{"keys":[{key}]}}"#).as_bytes()).unwrap()
    }

    /// A step for a token whose key is known, or is not.
    fn step(cache: &mut JwksCache, is_known: bool, seconds: u64) -> JwksStep {
        cache.step(|_| is_known, at(seconds))
    }

    /// A cache that was filled at the start.
    fn filled() -> JwksCache {
        let mut cache = JwksCache::default();
        assert_eq!(step(&mut cache, true, 0), JwksStep::Fetch);
        cache.fetched(keys(), START);
        cache
    }

    fn using() -> JwksStep {
        JwksStep::Use(Rc::new(keys()))
    }

    #[test]
    fn the_first_token_fetches_and_the_others_wait_for_it() {
        let mut cache = JwksCache::default();
        assert_eq!(step(&mut cache, true, 0), JwksStep::Fetch);
        assert_eq!(step(&mut cache, true, 0), JwksStep::Wait);
        assert_eq!(step(&mut cache, false, 4), JwksStep::Wait);
        cache.fetched(keys(), at(4));
        assert_eq!(step(&mut cache, true, 4), using());
    }

    #[test]
    fn keys_count_for_ten_minutes_and_are_then_fetched_by_one_while_the_others_go_on() {
        let mut cache = filled();
        for seconds in [0, 30, 599] {
            assert_eq!(step(&mut cache, true, seconds), using(), "{seconds}");
        }
        assert_eq!(step(&mut cache, true, 600), JwksStep::Fetch);
        assert_eq!(step(&mut cache, true, 600), using());
        cache.fetched(keys(), at(601));
        assert_eq!(step(&mut cache, true, 1_200), using());
        assert_eq!(step(&mut cache, true, 1_201), JwksStep::Fetch);
    }

    #[test]
    fn keys_that_are_not_known_cause_one_fetch_in_thirty_seconds_however_many_there_are() {
        let mut cache = filled();
        let fetches = (0..300)
            .filter(|seconds| {
                let fetches = step(&mut cache, false, *seconds) == JwksStep::Fetch;
                if fetches {
                    cache.fetched(keys(), at(*seconds));
                }
                fetches
            })
            .count();
        assert_eq!(fetches, 9);
        assert_eq!(
            step(&mut cache, false, 299),
            using(),
            "which do not have it: it is not known"
        );
    }

    #[test]
    fn while_the_address_fails_the_keys_count_for_a_day_and_are_asked_for_every_thirty_seconds() {
        let mut cache = filled();
        assert_eq!(step(&mut cache, true, 600), JwksStep::Fetch);
        cache.failed();
        assert_eq!(step(&mut cache, true, 629), using());
        assert_eq!(
            step(&mut cache, false, 629),
            JwksStep::Unavailable(Millis::from_secs(1))
        );
        assert_eq!(step(&mut cache, true, 630), JwksStep::Fetch);
        cache.failed();
        const DAY: u64 = 86_400;
        assert_eq!(step(&mut cache, true, DAY - 1), JwksStep::Fetch);
        cache.failed();
        assert_eq!(step(&mut cache, true, DAY - 1), using());
        assert_eq!(step(&mut cache, true, DAY), JwksStep::Unavailable(Millis::from_secs(4)));
        assert_eq!(step(&mut cache, true, DAY + 4), JwksStep::Fetch);
    }

    #[test]
    fn without_any_keys_nobody_can_tell_and_they_are_asked_for_every_five_seconds() {
        let mut cache = JwksCache::default();
        assert_eq!(step(&mut cache, true, 0), JwksStep::Fetch);
        cache.failed();
        assert_eq!(step(&mut cache, true, 1), JwksStep::Unavailable(Millis::from_secs(4)));
        assert_eq!(step(&mut cache, true, 5), JwksStep::Fetch);
        cache.fetched(keys(), at(5));
        assert_eq!(step(&mut cache, true, 5), using());
    }

    #[test]
    fn a_fetch_that_was_given_up_holds_nobody_up() {
        let mut cache = JwksCache::default();
        assert_eq!(step(&mut cache, true, 0), JwksStep::Fetch);
        assert_eq!(step(&mut cache, true, 4), JwksStep::Wait);
        assert_eq!(step(&mut cache, true, 5), JwksStep::Fetch);
        let mut cache = filled();
        assert_eq!(step(&mut cache, false, 30), JwksStep::Fetch);
        assert_eq!(step(&mut cache, false, 34), JwksStep::Wait);
        assert_eq!(step(&mut cache, false, 35), using());
        assert_eq!(step(&mut cache, false, 60), JwksStep::Fetch);
    }

    #[test]
    fn a_clock_that_goes_back_makes_nothing_count_for_longer_than_it_may() {
        let mut cache = filled();
        assert_eq!(cache.step(|_| true, UnixMillis::EPOCH), using());
        assert_eq!(step(&mut cache, true, 600), JwksStep::Fetch);
    }
}

//! Callbacks that anybody may have sent.

use std::collections::HashSet;

use form_urlencoded::Serializer;
use proptest::{collection::vec, prelude::*};

use super::{NOW, attempt, redirect_uri, state, strategy::hostile};
use crate::connect::{Callback, CallbackError, State, StateError, UnverifiedCallback};

const NAMES: &[&str] = &[
    "code",
    "state",
    "user_id",
    "external_id",
    "virtual_key_url",
    "vehicle_id",
    "error",
    "error_description",
    "vin",
    "make",
    "model",
    "year",
    "status_code",
    "error_message",
    "iss",
    "unheard_of",
];

fn query(pairs: &[(String, String)]) -> String {
    Serializer::new(String::new()).extend_pairs(pairs).finish()
}

fn pairs() -> impl Strategy<Value = Vec<(String, String)>> {
    let name = prop_oneof![4 => prop::sample::select(NAMES).prop_map(str::to_owned), 1 => hostile()];
    vec((name, hostile()), 0..6)
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn reading_never_panics(text in hostile(), pairs in pairs()) {
        for callback in [text.clone(), format!("?{text}"), format!("https://app.example.com/cars?{text}"), query(&pairs)] {
            let by_query = UnverifiedCallback::parse(&callback);
            let by_uri = UnverifiedCallback::parse_for(&redirect_uri(), &callback);
            for read in [by_query, by_uri].into_iter().flatten() {
                let _ = read.verify(&attempt(&state(1)), NOW);
            }
        }
    }

    #[test]
    fn a_repeated_parameter_is_refused(pairs in pairs(), values in (hostile(), hostile()), at in any::<prop::sample::Index>()) {
        let mut pairs = pairs;
        pairs.push(("state".to_owned(), values.0));
        let repeated = at.get(&pairs).0.clone();
        pairs.insert(0, (repeated, values.1));
        let read = UnverifiedCallback::parse(&query(&pairs));
        prop_assert!(matches!(read, Err(CallbackError::RepeatedParameter { .. })), "{:?}", read);
    }

    #[test]
    fn nothing_is_told_without_the_right_state(pairs in pairs(), forged in hostile()) {
        let mut pairs = pairs;
        pairs.retain(|(name, _)| name != "state");
        let right = state(1);
        prop_assume!(forged != right.expose());
        let mut all = pairs.clone();
        all.push(("state".to_owned(), forged));
        for pairs in [&pairs, &all] {
            let Ok(read) = UnverifiedCallback::parse(&query(pairs)) else { continue };
            prop_assert_eq!(format!("{read:?}"), "UnverifiedCallback([redacted])");
            let expected = if read.state().is_some() { StateError::Unknown } else { StateError::Missing };
            prop_assert_eq!(read.verify(&attempt(&right), NOW).unwrap_err(), expected);
        }
    }

    #[test]
    fn no_message_repeats_a_value(name in prop::sample::select(NAMES), rest in hostile()) {
        let value = format!("MARKER{rest}");
        for pairs in [vec![(name.to_owned(), value.clone())], vec![(name.to_owned(), value.clone()), (name.to_owned(), value)]] {
            if let Err(error) = UnverifiedCallback::parse(&query(&pairs)) {
                let printed = format!("{error} {error:?}");
                prop_assert!(!printed.contains("MARKER"), "{}", printed);
            }
        }
    }

    #[test]
    fn only_the_exact_state_is_right(a in hostile(), b in hostile()) {
        if let (Ok(a), Ok(b)) = (State::parse(&a), State::parse(&b)) {
            let same = a.expose() == b.expose();
            prop_assert_eq!(a.ct_eq(&b), same);
            prop_assert_eq!(attempt(&a).check(&b, NOW).is_ok(), same);
            prop_assert!(attempt(&a).check(&a, NOW).is_ok());
        }
    }

    #[test]
    fn one_changed_bit_makes_another_state(random in any::<[u8; 32]>(), bit in 0_usize..256) {
        let mut changed = random;
        changed[bit / 8] ^= 1 << (bit % 8);
        let (right, wrong) = (State::from_random(random), State::from_random(changed));
        prop_assert_eq!(attempt(&right).check(&wrong, NOW), Err(StateError::Unknown));
        prop_assert_eq!(attempt(&right).check(&right, NOW), Ok(()));
    }

    #[test]
    fn a_code_arrives_as_one_value(code in "[ -~]{1,60}") {
        let state = state(1);
        let query = query(&[("code".to_owned(), code.clone()), ("state".to_owned(), state.expose().to_owned())]);
        let read = UnverifiedCallback::parse(&query).unwrap().verify(&attempt(&state), NOW).unwrap();
        let Callback::Granted { code: Some(read), .. } = read else { panic!("{}", read.kind()) };
        prop_assert_eq!(read.expose(), code);
    }

    #[test]
    fn what_is_verified_was_sent(pairs in pairs()) {
        let state = state(1);
        let mut pairs = pairs;
        pairs.retain(|(name, _)| name != "state");
        pairs.push(("state".to_owned(), state.expose().to_owned()));
        let Ok(read) = UnverifiedCallback::parse(&query(&pairs)) else { return Ok(()) };
        let json = serde_json::to_value(read.verify(&attempt(&state), NOW).unwrap()).unwrap();
        let sent: HashSet<&str> = pairs.iter().map(|(_, value)| value.as_str()).collect();
        for (name, value) in json.as_object().unwrap() {
            for value in value.as_object().map_or(vec![value], |inner| inner.values().collect()) {
                prop_assert!(name == "kind" || sent.contains(value.as_str().unwrap()), "{} {}", name, value);
            }
        }
    }
}

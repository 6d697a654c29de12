//! Input: a header on the first line and claims on the rest, as JSON; the whole also as a token and as a set of keys.

use serde_json::Value;
use smartcar_connect::{
    identity::{Algorithm, JwtRules, KeySet, UnverifiedJwt, VerificationKey},
    time::UnixMillis,
};

use super::{NOW, first_line};

pub fn check(data: &[u8]) {
    if let Ok(text) = core::str::from_utf8(data) {
        let _ = is_as_the_rules_say(text);
    }
    let (header, claims) = first_line(data);
    let token = [base64url(header), base64url(claims), base64url(b"signature")].join(".");
    if is_as_the_rules_say(&token) {
        says_what_it_has_to(header, claims);
    }
    keys_are_themselves(data);
}

fn rules() -> JwtRules {
    JwtRules {
        issuer: "i".to_owned(),
        audiences: vec!["a".to_owned()],
        authorized_parties: Vec::new(),
        algorithms: vec![Algorithm::Rs256, Algorithm::Es256],
        typ: None,
    }
}

/// Whether the token is taken so far. Then it is signed as a whole, and speaks for nobody unless its signature is good.
fn is_as_the_rules_say(token: &str) -> bool {
    let rules = rules();
    let Ok(parsed) = UnverifiedJwt::parse(token, &rules, NOW) else {
        return false;
    };
    let signed = core::str::from_utf8(parsed.signed()).expect("text");
    let again = [signed, ".", &base64url(parsed.signature())].concat();
    assert_eq!(again, token, "a token has one form");
    assert!(rules.algorithms.contains(&parsed.algorithm()));
    assert!(parsed.verdict(false).is_err());
    let parsed = UnverifiedJwt::parse(token, &rules, NOW).expect("the same twice");
    let principal = parsed.verdict(true).expect("a principal");
    assert!(principal.as_str().len() > "user:".len() && principal.as_str().starts_with("user:"));
    true
}

/// Another reader, which takes the last of several members of a name, finds the same in it.
fn says_what_it_has_to(header: &[u8], claims: &[u8]) {
    // Members that are not read may be too deep for this reader.
    let read = |json| serde_json::from_slice::<Value>(json).ok();
    let Some((header, claims)) = read(header).zip(read(claims)) else {
        return;
    };
    assert!(matches!(header["alg"].as_str(), Some("RS256" | "ES256")) && header.get("crit").is_none());
    assert_eq!(claims["iss"], "i");
    let is_ours = |audience: &Value| audience == "a";
    assert!(is_ours(&claims["aud"]) || claims["aud"].as_array().is_some_and(|all| all.iter().any(is_ours)));
    let seconds = NOW.since(UnixMillis::EPOCH).as_secs() as f64;
    assert!(claims["exp"].as_f64().expect("a time") > seconds - 60.0);
    assert!(
        claims
            .get("nbf")
            .is_none_or(|start| start.as_f64().expect("a time") <= seconds + 60.0)
    );
    assert!(claims["sub"].as_str().is_some_and(|sub| !sub.is_empty()));
}

/// What is left of a key to import is a key by itself, and the same one.
fn keys_are_themselves(data: &[u8]) {
    let Ok(set) = KeySet::parse(data) else { return };
    for algorithm in Algorithm::ALL {
        for key in set.candidates(algorithm, None) {
            assert!(!algorithm.is_symmetric() && key.algorithm() == algorithm);
            let again = VerificationKey::from_jwk(key.jwk()).expect("a key");
            assert_eq!((again.jwk(), again.algorithm()), (key.jwk(), algorithm));
        }
    }
}

fn base64url(bytes: &[u8]) -> String {
    const ALPHABET: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
    let mut text = String::new();
    for chunk in bytes.chunks(3) {
        let bits = chunk.iter().fold(0, |bits, byte| (bits << 8) | u32::from(*byte)) << (8 * (3 - chunk.len()));
        for at in 0..=chunk.len() {
            text.push(char::from(ALPHABET[(bits >> (18 - 6 * at)) as usize & 63]));
        }
    }
    text
}

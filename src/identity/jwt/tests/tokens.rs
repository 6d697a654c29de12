//! What is accepted, and each way not to be.

use serde_json::{Value, json};

use super::signer::{NOW, accepted, all_keys, base64url, hs256, jwk, key_set, signature, signed};
use crate::identity::jwt::{Algorithm, JwtError, JwtRules, KeySet};

fn rules() -> JwtRules {
    JwtRules {
        issuer: "https://login.example/".to_owned(),
        audiences: vec!["app".to_owned()],
        authorized_parties: Vec::new(),
        algorithms: vec![Algorithm::Rs256, Algorithm::Es256, Algorithm::EdDsa],
        typ: None,
    }
}

fn claims() -> Value {
    json!({"iss": "https://login.example/", "aud": "app", "sub": "42", "iat": NOW, "exp": NOW + 300})
}

fn header(algorithm: Algorithm) -> Value {
    json!({"alg": algorithm.as_str(), "kid": algorithm.as_str(), "typ": "JWT"})
}

/// `base` with these members, or without those that are null here.
fn with(mut base: Value, members: Value) -> String {
    let Value::Object(members) = members else { panic!() };
    for (name, value) in members {
        if value.is_null() {
            base.as_object_mut().unwrap().remove(&name);
        } else {
            base[name] = value;
        }
    }
    base.to_string()
}

fn es256(header_members: Value, claim_members: Value) -> String {
    let header = with(header(Algorithm::Es256), header_members);
    signed(Algorithm::Es256, &header, &with(claims(), claim_members))
}

fn of(token: &str) -> Result<String, JwtError> {
    accepted(token, &rules(), &all_keys())
}

#[test]
fn a_token_of_each_algorithm_speaks_for_its_subject() {
    for algorithm in [Algorithm::Rs256, Algorithm::Es256, Algorithm::EdDsa] {
        let token = signed(algorithm, &header(algorithm).to_string(), &claims().to_string());
        assert_eq!(of(&token).as_deref(), Ok("user:42"), "{algorithm:?}");
    }
    let symmetric = JwtRules {
        algorithms: vec![Algorithm::Hs256],
        ..rules()
    };
    let token = signed(Algorithm::Hs256, r#"{"alg":"HS256"}"#, &claims().to_string());
    assert_eq!(accepted(&token, &symmetric, &all_keys()).as_deref(), Ok("user:42"));
    assert_eq!(of(&token), Err(JwtError::AlgorithmNotAccepted));
}

#[test]
fn what_may_differ_may() {
    for (header_members, claim_members) in [
        (json!({"typ": null}), json!({})),
        (json!({"typ": "at+jwt"}), json!({})),
        (json!({"typ": "application/AT+JWT"}), json!({})),
        (json!({"kid": null}), json!({})),
        (
            json!({"cat": "x", "cty": "y", "x5t": "z"}),
            json!({"unknown": {"a": [1, null]}}),
        ),
        (json!({}), json!({"aud": ["other", "app"]})),
        // By the leeway.
        (json!({}), json!({"exp": NOW - 59})),
        (json!({}), json!({"nbf": NOW + 60})),
        (json!({}), json!({"exp": NOW as f64 + 0.5, "nbf": 0, "iat": 1e9})),
        (json!({}), json!({"exp": 1e300})),
        (json!({}), json!({"azp": "any"})),
    ] {
        let token = es256(header_members.clone(), claim_members.clone());
        assert_eq!(of(&token).as_deref(), Ok("user:42"), "{header_members} {claim_members}");
    }
}

#[test]
fn a_header_that_is_not_ours_is_refused() {
    for (members, error) in [
        (json!({"alg": "none"}), JwtError::AlgorithmNotAccepted),
        (json!({"alg": "None"}), JwtError::AlgorithmNotAccepted),
        (json!({"alg": "nOnE"}), JwtError::AlgorithmNotAccepted),
        (json!({"alg": ""}), JwtError::AlgorithmNotAccepted),
        (json!({"alg": "es256"}), JwtError::AlgorithmNotAccepted),
        (json!({"alg": "ES256 "}), JwtError::AlgorithmNotAccepted),
        (json!({"alg": "ES384"}), JwtError::AlgorithmNotAccepted),
        (json!({"alg": "RS512"}), JwtError::AlgorithmNotAccepted),
        (json!({"alg": "PS256"}), JwtError::AlgorithmNotAccepted),
        (json!({"alg": "HS256"}), JwtError::AlgorithmNotAccepted),
        (json!({"alg": null}), JwtError::HeaderUnreadable),
        (json!({"alg": ["ES256"]}), JwtError::HeaderUnreadable),
        (json!({"alg": 256}), JwtError::HeaderUnreadable),
        (json!({"kid": 1}), JwtError::HeaderUnreadable),
        (json!({"typ": ["JWT"]}), JwtError::HeaderUnreadable),
        (json!({"crit": ["exp"]}), JwtError::Critical),
        (json!({"crit": []}), JwtError::Critical),
        (json!({"b64": false, "crit": ["b64"]}), JwtError::Critical),
        (json!({"typ": "dpop+jwt"}), JwtError::OtherType),
        (json!({"typ": "logout+jwt"}), JwtError::OtherType),
        (json!({"typ": "secevent+jwt"}), JwtError::OtherType),
        (json!({"kid": "other"}), JwtError::UnknownKey),
        (json!({"kid": ""}), JwtError::UnknownKey),
        // The key is there, but for another algorithm.
        (json!({"kid": "RS256"}), JwtError::UnknownKey),
        // The key of this name is one of RSA, which the signature is not.
        (json!({"alg": "RS256", "kid": "RS256"}), JwtError::NotAuthentic),
        (json!({"alg": "EdDSA", "kid": "EdDSA"}), JwtError::NotAuthentic),
    ] {
        assert_eq!(of(&es256(members.clone(), json!({}))), Err(error), "{members}");
    }
}

#[test]
fn claims_that_are_not_ours_are_refused() {
    for (members, error) in [
        (json!({"iss": null}), JwtError::OtherIssuer),
        (json!({"iss": "https://login.example"}), JwtError::OtherIssuer),
        (json!({"iss": "https://login.example/evil"}), JwtError::OtherIssuer),
        (json!({"iss": "HTTPS://login.example/"}), JwtError::OtherIssuer),
        (json!({"iss": ["https://login.example/"]}), JwtError::ClaimsUnreadable),
        (json!({"aud": null}), JwtError::OtherAudience),
        (json!({"aud": "other"}), JwtError::OtherAudience),
        (json!({"aud": "APP"}), JwtError::OtherAudience),
        (json!({"aud": "app,other"}), JwtError::OtherAudience),
        (json!({"aud": []}), JwtError::OtherAudience),
        (json!({"aud": ["other", "app "]}), JwtError::OtherAudience),
        (json!({"aud": {"app": true}}), JwtError::ClaimsUnreadable),
        (json!({"aud": [["app"]]}), JwtError::ClaimsUnreadable),
        (json!({"exp": null}), JwtError::Expired),
        (json!({"exp": NOW - 60}), JwtError::Expired),
        (json!({"exp": 0}), JwtError::Expired),
        (json!({"exp": -1}), JwtError::Expired),
        (json!({"exp": "1800000000"}), JwtError::ClaimsUnreadable),
        (json!({"exp": [1_800_000_000]}), JwtError::ClaimsUnreadable),
        (json!({"nbf": NOW + 61}), JwtError::NotYetValid),
        (json!({"nbf": true}), JwtError::ClaimsUnreadable),
        (json!({"sub": null}), JwtError::NoSubject),
        (json!({"sub": ""}), JwtError::NoSubject),
        (json!({"sub": "a b"}), JwtError::NoSubject),
        (json!({"sub": "jos\u{e9}"}), JwtError::NoSubject),
        (json!({"sub": "42\n"}), JwtError::NoSubject),
        (json!({"sub": "4".repeat(508)}), JwtError::NoSubject),
        (json!({"sub": 42}), JwtError::ClaimsUnreadable),
        (json!({"azp": 1}), JwtError::ClaimsUnreadable),
    ] {
        assert_eq!(of(&es256(json!({}), members.clone())), Err(error), "{members}");
    }
}

#[test]
fn what_is_there_twice_is_refused_whatever_it_is() {
    let (good_header, good_claims) = (header(Algorithm::Es256).to_string(), claims().to_string());
    let twice = |json: &str, member: &str| [json.strip_suffix('}').unwrap(), ",", member, "}"].concat();
    for member in [
        r#""alg":"ES256""#,
        r#""kid":"ES256""#,
        r#""x":1,"x":1"#,
        r#""\u0061lg":"none""#,
    ] {
        let token = signed(Algorithm::Es256, &twice(&good_header, member), &good_claims);
        assert_eq!(of(&token), Err(JwtError::HeaderUnreadable), "{member}");
    }
    for member in [
        r#""sub":"43""#,
        r#""exp":9999999999"#,
        r#""aud":"app""#,
        r#""x":1,"x":1"#,
        r#""s\u0075b":"43""#,
    ] {
        let token = signed(Algorithm::Es256, &good_header, &twice(&good_claims, member));
        assert_eq!(of(&token), Err(JwtError::ClaimsUnreadable), "{member}");
    }
}

#[test]
fn what_is_no_token_is_none() {
    let good = es256(json!({}), json!({}));
    let [head, body, tail] = good.split('.').collect::<Vec<_>>().try_into().unwrap();
    for (token, error) in [
        (String::new(), JwtError::NotCompact),
        ("..".to_owned(), JwtError::HeaderUnreadable),
        (format!("{head}.{body}"), JwtError::NotCompact),
        (format!("{head}.{body}."), JwtError::NotAuthentic),
        (format!("{head}.{body}.{tail}.{tail}"), JwtError::NotCompact),
        (format!("{head}.{body}.{tail}.{tail}.{tail}"), JwtError::NotCompact),
        (format!(".{body}.{tail}"), JwtError::HeaderUnreadable),
        (format!("{head}..{tail}"), JwtError::ClaimsUnreadable),
        (format!("{head}.{body}.{tail}="), JwtError::NotCompact),
        (format!("{head}=.{body}.{tail}"), JwtError::NotCompact),
        (format!(" {good}"), JwtError::NotCompact),
        (format!("{good} "), JwtError::NotCompact),
        (format!("{good}\n"), JwtError::NotCompact),
        (good.replace(['-', '_'], "+"), JwtError::NotCompact),
        (format!("Bearer {good}"), JwtError::NotCompact),
        (good.chars().take(good.len() - 2).collect(), JwtError::NotAuthentic),
        (
            signed(Algorithm::Es256, "[]", &claims().to_string()),
            JwtError::HeaderUnreadable,
        ),
        (
            signed(Algorithm::Es256, "null", &claims().to_string()),
            JwtError::HeaderUnreadable,
        ),
        (
            signed(Algorithm::Es256, &header(Algorithm::Es256).to_string(), "[]"),
            JwtError::ClaimsUnreadable,
        ),
        (
            signed(
                Algorithm::Es256,
                &header(Algorithm::Es256).to_string(),
                &[claims().to_string(), "{}".into()].concat(),
            ),
            JwtError::ClaimsUnreadable,
        ),
        (es256(json!({}), json!({"x": "x".repeat(8_192)})), JwtError::TooLong),
    ] {
        assert_eq!(of(&token), Err(error), "{token}");
    }
    // Bits that no byte is made of would make one token of several texts.
    let mut twin = good.clone();
    let last = twin.pop().unwrap();
    twin.push(char::from_u32(last as u32 + 1).unwrap());
    assert_eq!(of(&twin), Err(JwtError::NotCompact));
}

#[test]
fn no_byte_of_a_token_can_be_another() {
    let good = es256(json!({}), json!({}));
    for at in 0..good.len() {
        let mut bytes = good.clone().into_bytes();
        bytes[at] = if bytes[at] == b'A' { b'B' } else { b'A' };
        let changed = String::from_utf8(bytes).unwrap();
        assert!(of(&changed).is_err(), "byte {at}");
    }
}

#[test]
fn a_token_is_verified_with_no_key_but_the_log_ins() {
    let claims_json = claims().to_string();
    let sign = |header: &Value, sign: &dyn Fn(&[u8]) -> Vec<u8>| {
        let signed = [base64url(header.to_string()), base64url(&claims_json)].join(".");
        let signature = sign(signed.as_bytes());
        [signed, base64url(signature)].join(".")
    };
    // By another key of the same kind, named, unnamed or brought along.
    let stranger = |signed: &[u8]| signature(Algorithm::Es256, 8, signed);
    for members in [
        json!({}),
        json!({"kid": null}),
        json!({"jwk": jwk(Algorithm::Es256, 8)}),
        json!({"kid": null, "jwk": jwk(Algorithm::Es256, 8)}),
        json!({"jku": "https://evil.example/jwks"}),
        json!({"x5u": "https://evil.example/x5u"}),
        json!({"x5c": ["MIIB"]}),
    ] {
        let header: Value = serde_json::from_str(&with(header(Algorithm::Es256), members.clone())).unwrap();
        assert_eq!(of(&sign(&header, &stranger)), Err(JwtError::NotAuthentic), "{members}");
    }
    // The log-in's own may have them: what they say is not read.
    let token = es256(
        json!({"jku": "https://evil.example/jwks", "jwk": jwk(Algorithm::Es256, 8)}),
        json!({}),
    );
    assert_eq!(of(&token).as_deref(), Ok("user:42"));
    // The public key of RSA as the secret of HMAC, in each form in which it is published.
    let public = jwk(Algorithm::Rs256, 7);
    for secret in [
        public["n"].as_str().unwrap().to_owned(),
        public.to_string(),
        String::new(),
    ] {
        let header = json!({"alg": "HS256", "kid": "RS256"});
        let token = sign(&header, &|signed| hs256(secret.as_bytes(), signed));
        assert_eq!(of(&token), Err(JwtError::AlgorithmNotAccepted));
    }
    // Nothing, or a signature that every key has, where a library does not look: CVE-2022-21449.
    for empty in [vec![], vec![0; 64], vec![0; 32]] {
        for algorithm in [Algorithm::Es256, Algorithm::EdDsa, Algorithm::Rs256] {
            let token = sign(&header(algorithm), &|_| empty.clone());
            assert_eq!(of(&token), Err(JwtError::NotAuthentic), "{algorithm:?}");
        }
    }
    // In the form of ASN.1, which JWS does not use.
    let der = |signed: &[u8]| {
        let signature = p256::ecdsa::Signature::from_slice(&signature(Algorithm::Es256, 7, signed)).unwrap();
        signature.to_der().as_bytes().to_vec()
    };
    assert_eq!(of(&sign(&header(Algorithm::Es256), &der)), Err(JwtError::NotAuthentic));
}

#[test]
fn of_several_keys_that_may_have_signed_each_is_tried_and_only_a_few() {
    let named = |seed| jwk(Algorithm::Es256, seed);
    let token = es256(json!({}), json!({}));
    let unnamed = es256(json!({"kid": null}), json!({}));
    let keys: Vec<KeySet> = [1, 3, 4]
        .map(|others| {
            let mut keys: Vec<Value> = (20..20 + others).map(named).collect();
            keys.push(named(7));
            key_set(&keys)
        })
        .into();
    for (keys, expected) in keys
        .iter()
        .zip([Ok("user:42"), Ok("user:42"), Err(JwtError::NotAuthentic)])
    {
        for token in [&token, &unnamed] {
            let found = accepted(token, &rules(), keys);
            assert_eq!(found.as_deref().map_err(|error| *error), expected);
        }
    }
}

#[test]
fn the_type_and_the_client_can_be_demanded() {
    let typed = JwtRules {
        typ: Some("at+jwt".to_owned()),
        ..rules()
    };
    for (typ, is_good) in [
        (json!("at+jwt"), true),
        (json!("application/at+jwt"), true),
        (json!("AT+JWT"), true),
        (json!("JWT"), false),
        (json!(null), false),
    ] {
        let found = accepted(&es256(json!({"typ": typ}), json!({})), &typed, &all_keys());
        assert_eq!(found.is_ok(), is_good, "{typ}");
    }
    let for_a_client = JwtRules {
        audiences: Vec::new(),
        authorized_parties: vec!["https://app.example".to_owned()],
        ..rules()
    };
    for (claims, error) in [
        (json!({"aud": null, "azp": "https://app.example"}), None),
        (json!({"aud": null}), Some(JwtError::OtherAuthorizedParty)),
        (
            json!({"aud": null, "azp": "https://evil.example"}),
            Some(JwtError::OtherAuthorizedParty),
        ),
        // It is meant for somebody, and nobody has said that this is us.
        (json!({"azp": "https://app.example"}), Some(JwtError::OtherAudience)),
    ] {
        let found = accepted(&es256(json!({}), claims.clone()), &for_a_client, &all_keys());
        assert_eq!(found.err(), error, "{claims}");
    }
}

#[test]
fn nothing_of_a_token_is_printed() {
    let token = es256(json!({}), json!({"sub": "hunter2"}));
    let unverified = crate::identity::UnverifiedJwt::parse(&token, &rules(), crate::time::UnixMillis::new(NOW * 1_000));
    let printed = format!("{:?}", unverified.unwrap());
    assert_eq!(printed, "UnverifiedJwt { algorithm: Es256, .. }");
}

#[test]
fn a_token_of_eight_kibibytes_is_read_and_a_longer_one_is_not() {
    let of_length = |length: usize| of(&".".repeat(length));
    assert_eq!(of_length(8_192), Err(JwtError::NotCompact));
    assert_eq!(of_length(8_193), Err(JwtError::TooLong));
}

#[test]
fn an_error_can_be_told_in_a_header_and_each_says_something_else() {
    let mut told = std::collections::BTreeSet::new();
    for error in [
        JwtError::TooLong,
        JwtError::NotCompact,
        JwtError::HeaderUnreadable,
        JwtError::Critical,
        JwtError::AlgorithmNotAccepted,
        JwtError::OtherType,
        JwtError::ClaimsUnreadable,
        JwtError::OtherIssuer,
        JwtError::OtherAudience,
        JwtError::OtherAuthorizedParty,
        JwtError::Expired,
        JwtError::NotYetValid,
        JwtError::NoSubject,
        JwtError::UnknownKey,
        JwtError::NotAuthentic,
        JwtError::CookieTwice,
    ] {
        let text = error.to_string();
        let is_allowed = |byte: u8| matches!(byte, 0x20..=0x7e) && byte != b'"' && byte != b'\\';
        assert!(text.bytes().all(is_allowed), "{text}");
        assert_eq!(text, error.description());
        assert!(text.contains("token") && told.insert(text.clone()), "{text}");
    }
}

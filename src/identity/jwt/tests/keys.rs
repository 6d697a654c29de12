//! Which keys of a set count.

use serde_json::{Value, json};

use super::signer::{N, base64url, jwk};
use crate::identity::jwt::{
    Algorithm, JwtConfig, JwtError, JwtRules, JwtSecret, KeySet, KeySetError, KeySource, MAX_KEY_SET_BYTES, ShownJwt,
    UnusableKey, VerificationKey,
};

fn read(base: Value, members: Value) -> Result<Algorithm, UnusableKey> {
    let mut jwk = base;
    let Value::Object(members) = members else { panic!() };
    for (name, value) in members {
        jwk[name] = value;
    }
    VerificationKey::from_jwk(&jwk.to_string()).map(|key| key.algorithm())
}

#[test]
fn a_set_of_a_private_key_alone_is_read_and_empty() {
    let of = |jwk: Value| KeySet::parse(json!({ "keys": [jwk] }).to_string().as_bytes()).unwrap();
    let mut private = jwk(Algorithm::Es256, 7);
    private["d"] = "AAAA".into();
    let set = of(private);
    assert!(set.is_empty() && set.has_private());
    assert!(!of(jwk(Algorithm::Es256, 7)).is_empty());
}

#[test]
fn a_token_that_is_shown_is_not_printed() {
    let shown = ShownJwt {
        token: "hunter2",
        is_ambient: true,
    };
    assert_eq!(format!("{shown:?}"), "ShownJwt { is_ambient: true, .. }");
}

#[test]
fn a_key_is_printed_by_what_it_is_for() {
    let key = VerificationKey::from_jwk(&jwk(Algorithm::Es256, 7).to_string()).unwrap();
    let printed = format!("{key:?}");
    assert!(
        printed.starts_with("VerificationKey {") && printed.contains("algorithm: Es256"),
        "{printed}"
    );
}

#[test]
fn a_key_is_for_what_it_says_it_is_for() {
    use UnusableKey::{NotForThis, Private};
    for algorithm in [Algorithm::Rs256, Algorithm::Es256, Algorithm::EdDsa] {
        let key = jwk(algorithm, 7);
        let name = algorithm.as_str();
        for (members, read_as) in [
            (json!({}), Ok(algorithm)),
            (json!({"use": "sig", "key_ops": ["verify"], "alg": name}), Ok(algorithm)),
            (
                json!({"key_ops": ["sign", "verify"], "x5c": ["MIIB"], "x5t": "t", "ext": true}),
                Ok(algorithm),
            ),
            (json!({"use": "enc"}), Err(NotForThis)),
            (json!({"use": "SIG"}), Err(NotForThis)),
            (json!({"key_ops": ["encrypt"]}), Err(NotForThis)),
            (json!({"key_ops": []}), Err(NotForThis)),
            (json!({"key_ops": "verify"}), Err(NotForThis)),
            (json!({"alg": "RS512"}), Err(NotForThis)),
            (json!({"alg": "HS256"}), Err(NotForThis)),
            (json!({"alg": 1}), Err(NotForThis)),
            (json!({"kid": 1}), Err(NotForThis)),
            (json!({"kty": "RSA2"}), Err(NotForThis)),
            (json!({"kty": "oct"}), Err(Private)),
            (json!({"d": "AQAB"}), Err(Private)),
            (json!({"k": "AQAB"}), Err(Private)),
        ] {
            assert_eq!(read(key.clone(), members.clone()), read_as, "{name} {members}");
        }
    }
    assert_eq!(
        read(jwk(Algorithm::EdDsa, 7), json!({"alg": "Ed25519"})),
        Ok(Algorithm::EdDsa)
    );
    assert_eq!(
        read(jwk(Algorithm::Es256, 7), json!({"alg": "Ed25519"})),
        Err(NotForThis)
    );
}

#[test]
fn a_curve_has_points_of_its_size() {
    for (algorithm, members) in [
        (Algorithm::Es256, json!({"crv": "P-384"})),
        (Algorithm::Es256, json!({"crv": "secp256k1"})),
        (Algorithm::Es256, json!({"x": base64url([1; 31])})),
        (Algorithm::Es256, json!({"y": base64url([1; 33])})),
        (Algorithm::Es256, json!({"x": "\"},"})),
        (Algorithm::Es256, json!({"x": 1})),
        (Algorithm::EdDsa, json!({"crv": "X25519"})),
        (Algorithm::EdDsa, json!({"crv": "Ed448"})),
        (Algorithm::EdDsa, json!({"x": base64url([1; 57])})),
        (Algorithm::EdDsa, json!({"x": ""})),
    ] {
        assert_eq!(
            read(jwk(algorithm, 7), members.clone()),
            Err(UnusableKey::NotForThis),
            "{members}"
        );
    }
}

#[test]
fn a_key_of_rsa_is_neither_weak_nor_endless() {
    let modulus = |bytes: usize, first: u8| {
        let mut n = vec![0xff; bytes];
        n[0] = first;
        base64url(n)
    };
    for (n, e, is_good) in [
        (N.to_owned(), "AQAB", true),
        (N.to_owned(), "Aw", true),
        (modulus(256, 0x80), "AQAB", true),
        (modulus(1_024, 0xff), "AQAB", true),
        (modulus(256, 0x7f), "AQAB", false),
        (modulus(128, 0xff), "AQAB", false),
        (modulus(300, 0), "AQAB", false),
        (modulus(1_025, 0xff), "AQAB", false),
        (base64url([0x80; 256]), "AQAB", false),
        (String::new(), "AQAB", false),
        (N.to_owned(), "AQ", false),
        (N.to_owned(), "", false),
        (N.to_owned(), "AA", false),
        (N.to_owned(), "BA", false),
        (N.to_owned(), "AAAAAAAAAAAD", false),
        (N.to_owned(), "AQAAAAE", false),
    ] {
        let read = read(jwk(Algorithm::Rs256, 7), json!({"n": n, "e": e}));
        let expected = if is_good {
            Ok(Algorithm::Rs256)
        } else {
            Err(UnusableKey::Weak)
        };
        assert_eq!(read, expected, "{} {e}", n.len());
    }
    assert_eq!(
        read(jwk(Algorithm::Rs256, 7), json!({"n": format!("{N}=")})),
        Err(UnusableKey::NotForThis)
    );
}

#[test]
fn an_unusable_key_is_left_out_and_the_others_count() {
    let good = jwk(Algorithm::Es256, 7);
    let body = json!({"keys": [1, null, "x", [], {}, {"kty": "RSA"}, {"kty": "oct", "k": "x"}, good, {"kty": "EC", "crv": "P-521"}]});
    let set = KeySet::parse(body.to_string().as_bytes()).unwrap();
    assert_eq!(set.candidates(Algorithm::Es256, Some("ES256")).count(), 1);
    assert!(set.has_private());
    let repeated = body
        .to_string()
        .replacen("{\"kty\":\"EC\"", "{\"kty\":\"EC\",\"kty\":\"EC\"", 1);
    assert_eq!(
        KeySet::parse(repeated.as_bytes())
            .unwrap()
            .candidates(Algorithm::Es256, None)
            .count(),
        1
    );
}

#[test]
fn what_is_no_set_of_keys_is_refused() {
    use KeySetError::{NoUsableKey, Unreadable};
    let good = json!({"keys": [jwk(Algorithm::Es256, 7)]}).to_string();
    let padded = |bytes: usize| good.clone() + &" ".repeat(bytes - good.len());
    assert!(KeySet::parse(padded(MAX_KEY_SET_BYTES).as_bytes()).is_ok());
    for (body, error) in [
        (padded(MAX_KEY_SET_BYTES + 1).as_str(), Unreadable),
        ("", Unreadable),
        ("<html>", Unreadable),
        ("[]", Unreadable),
        ("{}", Unreadable),
        (r#"{"keys":{}}"#, Unreadable),
        (r#"{"keys":null}"#, Unreadable),
        (r#"{"keys":[],"keys":[]}"#, Unreadable),
        (&[&good, "x"].concat(), Unreadable),
        (r#"{"keys":[]}"#, NoUsableKey),
        (r#"{"keys":[{"kty":"RSA"}]}"#, NoUsableKey),
    ] {
        assert_eq!(KeySet::parse(body.as_bytes()), Err(error), "{}", body.len());
    }
}

#[test]
fn a_set_has_an_end() {
    let keys: Vec<Value> = (0..150)
        .map(|index: u32| {
            let mut key = jwk(Algorithm::EdDsa, 7);
            key["kid"] = index.to_string().into();
            key
        })
        .collect();
    let set = KeySet::parse(json!({ "keys": keys }).to_string().as_bytes()).unwrap();
    assert_eq!(set.candidates(Algorithm::EdDsa, Some("99")).count(), 1);
    assert_eq!(set.candidates(Algorithm::EdDsa, Some("100")).count(), 0);
}

fn config(cookie: Option<&str>) -> JwtConfig {
    JwtConfig {
        rules: JwtRules {
            issuer: "i".to_owned(),
            audiences: vec!["a".to_owned()],
            authorized_parties: Vec::new(),
            algorithms: vec![Algorithm::Hs256],
            typ: None,
        },
        keys: KeySource::Secret(JwtSecret::new("s".repeat(32))),
        cookie: cookie.map(str::to_owned),
    }
}

#[test]
fn a_token_is_in_the_header_or_in_the_cookie_that_is_named() {
    let shown = |config: &JwtConfig, authorization, cookie| {
        let shown = config.shown_by(authorization, cookie);
        shown.map(|shown| shown.map(|shown| (shown.token.to_owned(), shown.is_ambient)))
    };
    let (without, with) = (config(None), config(Some("__session")));
    let cookies = Some("a=1; __session=c.d.e; __session2=x");
    let bearer = Ok(Some(("a.b.c".to_owned(), false)));
    for config in [&without, &with] {
        assert_eq!(shown(config, Some("Bearer a.b.c"), None), bearer);
        assert_eq!(shown(config, Some("bearer  a.b.c"), cookies), bearer);
        assert_eq!(shown(config, Some("Bearer"), cookies), Ok(Some((String::new(), false))));
        assert_eq!(shown(config, Some("Basic a.b.c"), None), Ok(None));
        assert_eq!(shown(config, None, Some("a=1")), Ok(None));
    }
    assert_eq!(shown(&without, None, cookies), Ok(None));
    assert_eq!(shown(&with, None, cookies), Ok(Some(("c.d.e".to_owned(), true))));
    assert_eq!(shown(&with, None, Some("__session=")), Ok(None));
    assert_eq!(shown(&with, None, Some("__SESSION=a; x__session=b")), Ok(None));
    assert_eq!(
        shown(&with, None, Some("__session=a; __session=a")),
        Err(JwtError::CookieTwice)
    );
    assert_eq!(
        shown(&with, None, Some("__session=a; __session=")),
        Err(JwtError::CookieTwice)
    );
}

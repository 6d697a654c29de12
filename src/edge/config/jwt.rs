//! The settings for tokens of the app's own log-in. Without any of them no token is looked at.

use zeroize::Zeroizing;

use super::reader::{LIST, ONE, Reader};
use crate::{
    connect::Origin,
    identity::{Algorithm, JwtConfig, JwtRules, JwtSecret, KeySet, KeySetError, KeySource},
};

const ISSUER: &str = "JWT_ISSUER";
const AUDIENCE: &str = "JWT_AUDIENCE";
const AUTHORIZED_PARTY: &str = "JWT_AUTHORIZED_PARTY";
const JWKS_URL: &str = "JWT_JWKS_URL";
const KEYS: &str = "JWT_KEYS";
const SECRET: &str = "JWT_SECRET";
const ALGORITHMS: &str = "JWT_ALGORITHMS";
const TYP: &str = "JWT_TYP";
const COOKIE: &str = "JWT_COOKIE";

/// HS256 needs a key as long as its hash (RFC 7518 section 3.2).
const SHORTEST_SECRET: usize = 32;

/// How callers show themselves by tokens; `Some(None)` if they do not, and `None` if a setting is wrong.
pub(super) fn jwt(reader: &mut Reader<'_>) -> Option<Option<JwtConfig>> {
    let issuer = reader.value(ISSUER, ONE);
    let audiences = list(reader, AUDIENCE);
    let authorized_parties = list(reader, AUTHORIZED_PARTY);
    let keys = key_source(reader);
    let algorithms = list(reader, ALGORITHMS);
    let typ = reader.value(TYP, ONE);
    let cookie = cookie(reader);
    let (issuer, typ) = (issuer.ok()?, typ.ok()?);
    let (audiences, authorized_parties, algorithms) = (audiences?, authorized_parties?, algorithms?);
    let (keys, cookie) = (keys?, cookie?);
    let lists = [&audiences, &authorized_parties, &algorithms];
    let is_used = issuer.is_some() || typ.is_some() || cookie.is_some() || keys.is_some();
    if !is_used && lists.iter().all(|list| list.is_empty()) {
        return Some(None);
    }
    if issuer.is_none() {
        reader.wrong(
            ISSUER,
            "is missing beside the other `JWT_` settings: give the `iss` of the log-in's tokens",
        );
    }
    if audiences.is_empty() && authorized_parties.is_empty() {
        let remedy = "is missing beside the other `JWT_` settings: give the `aud` of the tokens that are meant for this app, \
                      or their `azp` as `JWT_AUTHORIZED_PARTY`";
        reader.wrong(AUDIENCE, remedy);
    }
    if keys.is_none() {
        let remedy = "is missing beside the other `JWT_` settings: give the address of the log-in's keys, or the keys as \
                      `JWT_KEYS`, or the secret of HS256 as `JWT_SECRET`";
        reader.wrong(JWKS_URL, remedy);
    }
    let keys = keys?;
    let algorithms = accepted_algorithms(reader, &algorithms, &keys)?;
    let is_complete = !(audiences.is_empty() && authorized_parties.is_empty());
    let issuer = issuer.filter(|_| is_complete)?;
    let typ = typ.map(|typ| {
        let typ = typ.to_ascii_lowercase();
        typ.strip_prefix("application/").map(str::to_owned).unwrap_or(typ)
    });
    let rules = JwtRules {
        issuer,
        audiences,
        authorized_parties,
        algorithms,
        typ,
    };
    Some(Some(JwtConfig { rules, keys, cookie }))
}

/// The entries of a list, none if it is not set; `None` if it can't be read.
fn list(reader: &mut Reader<'_>, name: &'static str) -> Option<Vec<String>> {
    let Some(text) = reader.value(name, LIST).ok()? else {
        return Some(Vec::new());
    };
    let entries: Vec<String> = text.split(',').map(|entry| entry.trim().to_owned()).collect();
    if entries.iter().any(String::is_empty) {
        reader.wrong(
            name,
            "has an empty entry: remove the comma at the start, at the end, or that is doubled",
        );
        return None;
    }
    Some(entries)
}

/// Where the keys are; `Some(None)` if no setting says so.
fn key_source(reader: &mut Reader<'_>) -> Option<Option<KeySource>> {
    let url = url(reader);
    let inline = inline_keys(reader);
    let secret = secret(reader);
    let (url, inline, secret) = (url?, inline?, secret?);
    let given: Vec<&'static str> = [
        (JWKS_URL, url.is_some()),
        (KEYS, inline.is_some()),
        (SECRET, secret.is_some()),
    ]
    .into_iter()
    .filter_map(|(name, is_given)| is_given.then_some(name))
    .collect();
    if let [first, second, ..] = given.as_slice() {
        let reason = ["is set beside `", first, "`: remove one of the two"].concat();
        reader.wrong(second, reason);
        return None;
    }
    Some(url.or(inline).or(secret))
}

fn url(reader: &mut Reader<'_>) -> Option<Option<KeySource>> {
    let Some(text) = reader.value(JWKS_URL, ONE).ok()? else {
        return Some(None);
    };
    let authority = text.split_once("://").map(|(_, rest)| rest.split(['/', '?']).next());
    let has_user = authority.flatten().is_some_and(|authority| authority.contains('@'));
    if Origin::of_url(&text).is_none() || text.contains('#') || has_user {
        reader.wrong(
            JWKS_URL,
            "is no address of keys: give one that starts with `https://`, without a user name and without `#`",
        );
        return None;
    }
    Some(Some(KeySource::Url(text)))
}

fn inline_keys(reader: &mut Reader<'_>) -> Option<Option<KeySource>> {
    // JSON has the quotation marks and the white space that no other setting has.
    let text = (reader.get)(KEYS)
        .map(Zeroizing::new)
        .filter(|text| !text.trim().is_empty());
    let Some(text) = text else {
        return Some(None);
    };
    let reason = match KeySet::parse(text.trim().as_bytes()) {
        Ok(keys) if keys.has_private() => {
            "holds a secret or a private key: give the public keys alone, and the secret of HS256 as `JWT_SECRET`"
        }
        Ok(keys) => return Some(Some(KeySource::Inline(keys))),
        Err(KeySetError::NoUsableKey) => {
            "has no key that verifies: give RSA of 2048 bits or more, P-256 or Ed25519, for signatures"
        }
        Err(_) => "is no JSON Web Key Set: give `{\"keys\": […]}` as the log-in publishes it",
    };
    reader.wrong(KEYS, reason);
    None
}

fn secret(reader: &mut Reader<'_>) -> Option<Option<KeySource>> {
    let Some(text) = reader.value(SECRET, ONE).ok()? else {
        return Some(None);
    };
    let secret = JwtSecret::new(text);
    if secret.expose().len() < SHORTEST_SECRET {
        reader.wrong(
            SECRET,
            "has fewer than 32 characters: make one by `openssl rand -base64 32`",
        );
        return None;
    }
    Some(Some(KeySource::Secret(secret)))
}

/// The algorithms of this list that fit the keys; all that fit if it is empty.
fn accepted_algorithms(reader: &mut Reader<'_>, names: &[String], keys: &KeySource) -> Option<Vec<Algorithm>> {
    let is_secret = matches!(keys, KeySource::Secret(_));
    let fits = |algorithm: &Algorithm| algorithm.is_symmetric() == is_secret;
    if names.is_empty() {
        return Some(Algorithm::ALL.into_iter().filter(fits).collect());
    }
    let algorithms: Option<Vec<Algorithm>> = names.iter().map(|name| Algorithm::from_name(name)).collect();
    let Some(algorithms) = algorithms else {
        reader.wrong(
            ALGORITHMS,
            "has an entry that is none of `RS256`, `ES256`, `EdDSA`, `HS256`",
        );
        return None;
    };
    if !algorithms.iter().all(fits) {
        let reason = if is_secret {
            "has an algorithm of public keys: with `JWT_SECRET` it is `HS256` alone"
        } else {
            "has `HS256`, which takes `JWT_SECRET` in place of public keys"
        };
        reader.wrong(ALGORITHMS, reason);
        return None;
    }
    Some(algorithms)
}

fn cookie(reader: &mut Reader<'_>) -> Option<Option<String>> {
    let Some(name) = reader.value(COOKIE, ONE).ok()? else {
        return Some(None);
    };
    // RFC 9110 section 5.6.2.
    let is_token = |byte: u8| byte.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(&byte);
    if !name.bytes().all(is_token) {
        reader.wrong(
            COOKIE,
            "is no name of a cookie: give the name alone, without `=` and a value",
        );
        return None;
    }
    Some(Some(name))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Of RFC 8037, appendix A.2.
    const PUBLIC: &str =
        r#"{"keys": [{"kty": "OKP", "crv": "Ed25519", "x": "11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo"}]}"#;
    const SECRET_VALUE: &str = "a-secret-of-the-log-in-012345678";

    fn read(settings: &[(&str, &str)]) -> Result<Option<JwtConfig>, String> {
        let get = |name: &str| {
            let found = settings.iter().find(|(one, _)| *one == name);
            found.map(|(_, value)| (*value).to_owned())
        };
        let mut reader = Reader {
            get: &get,
            problems: Vec::new(),
        };
        let read = jwt(&mut reader);
        let problems: Vec<String> = reader
            .problems
            .iter()
            .map(|(setting, reason)| format!("`{}` {reason}", setting.name()))
            .collect();
        assert_eq!(read.is_none(), !problems.is_empty(), "{problems:?}");
        read.ok_or_else(|| problems.join("; "))
    }

    const BASE: [(&str, &str); 2] = [("JWT_ISSUER", "https://login.example/"), ("JWT_AUDIENCE", "app, other")];

    fn with(more: &[(&'static str, &'static str)]) -> Result<JwtConfig, String> {
        read(&[&BASE, more].concat()).map(Option::unwrap)
    }

    #[test]
    fn without_a_setting_no_token_counts() {
        assert!(read(&[]).unwrap().is_none());
        assert!(
            read(&[("JWT_ISSUER", "  "), ("JWT_KEYS", " "), ("JWT_COOKIE", "")])
                .unwrap()
                .is_none()
        );
    }

    #[test]
    fn the_kind_of_key_says_which_algorithms_there_are() {
        let public = [Algorithm::Rs256, Algorithm::Es256, Algorithm::EdDsa];
        for (name, value, algorithms) in [
            (JWKS_URL, "https://login.example/jwks", &public[..]),
            (JWKS_URL, "http://127.0.0.1:8080/jwks", &public),
            (
                JWKS_URL,
                "https://keys.example/x/log-in@system.example.com?a=b",
                &public,
            ),
            (KEYS, PUBLIC, &public),
            (SECRET, SECRET_VALUE, &[Algorithm::Hs256]),
        ] {
            let config = with(&[(name, value)]).unwrap();
            assert_eq!(config.rules.algorithms, algorithms, "{name}={value}");
            assert_eq!(config.rules.audiences, ["app", "other"]);
            assert_eq!((config.rules.typ, config.cookie), (None, None));
        }
        let config = with(&[
            (JWKS_URL, "https://login.example/jwks"),
            (ALGORITHMS, "ES256 , RS256"),
            (TYP, "application/AT+JWT"),
            (COOKIE, "__session"),
        ])
        .unwrap();
        assert_eq!(config.rules.algorithms, [Algorithm::Es256, Algorithm::Rs256]);
        assert_eq!(config.rules.typ.as_deref(), Some("at+jwt"));
        assert_eq!(config.cookie.as_deref(), Some("__session"));
    }

    #[test]
    fn a_half_or_contradictory_setting_is_named_with_its_remedy() {
        const URL: (&str, &str) = (JWKS_URL, "https://login.example/jwks");
        for (settings, named) in [
            (
                &[(ISSUER, "https://login.example/")][..],
                &["`JWT_AUDIENCE` is missing", "`JWT_JWKS_URL` is missing"][..],
            ),
            (
                &[(AUDIENCE, "app")],
                &["`JWT_ISSUER` is missing", "`JWT_JWKS_URL` is missing"],
            ),
            (&[URL], &["`JWT_ISSUER` is missing", "`JWT_AUDIENCE` is missing"]),
            (
                &[(COOKIE, "token")],
                &["`JWT_ISSUER` is missing", "`JWT_JWKS_URL` is missing"],
            ),
            (&[(ALGORITHMS, "RS256")], &["`JWT_ISSUER` is missing"]),
            (&[(TYP, "at+jwt")], &["`JWT_ISSUER` is missing"]),
        ] {
            let text = read(settings).unwrap_err();
            for part in named {
                assert!(text.contains(part), "{text}");
            }
        }
        for (more, text) in [
            (
                &[URL, (SECRET, SECRET_VALUE)][..],
                "`JWT_SECRET` is set beside `JWT_JWKS_URL`: remove one of the two",
            ),
            (
                &[URL, (KEYS, PUBLIC)],
                "`JWT_KEYS` is set beside `JWT_JWKS_URL`: remove one of the two",
            ),
            (
                &[(KEYS, PUBLIC), (SECRET, SECRET_VALUE)],
                "`JWT_SECRET` is set beside `JWT_KEYS`: remove one of the two",
            ),
            (
                &[URL, (ALGORITHMS, "HS256")],
                "`JWT_ALGORITHMS` has `HS256`, which takes `JWT_SECRET` in place of public keys",
            ),
            (
                &[(SECRET, SECRET_VALUE), (ALGORITHMS, "HS256,RS256")],
                "`JWT_ALGORITHMS` has an algorithm of public keys: with `JWT_SECRET` it is `HS256` alone",
            ),
            (
                &[URL, (ALGORITHMS, "none")],
                "`JWT_ALGORITHMS` has an entry that is none of `RS256`, `ES256`, `EdDSA`, `HS256`",
            ),
            (
                &[URL, (ALGORITHMS, "RS256,")],
                "`JWT_ALGORITHMS` has an empty entry: remove the comma at the start, at the end, or that is doubled",
            ),
            (
                &[URL, (COOKIE, "a=b")],
                "`JWT_COOKIE` is no name of a cookie: give the name alone, without `=` and a value",
            ),
            (
                &[(SECRET, "a-secret-of-the-log-in-01234567")],
                "`JWT_SECRET` has fewer than 32 characters: make one by `openssl rand -base64 32`",
            ),
            (
                &[(KEYS, "secret")],
                "`JWT_KEYS` is no JSON Web Key Set: give `{\"keys\": […]}` as the log-in publishes it",
            ),
            (
                &[(KEYS, r#"{"keys":[]}"#)],
                "`JWT_KEYS` has no key that verifies: give RSA of 2048 bits or more, P-256 or Ed25519, for signatures",
            ),
            (
                &[(KEYS, r#"{"keys":[{"kty":"oct","k":"c2VjcmV0"}]}"#)],
                "`JWT_KEYS` holds a secret or a private key: give the public keys alone, and the secret of HS256 as `JWT_SECRET`",
            ),
        ] {
            assert_eq!(with(more).unwrap_err(), text);
        }
    }

    #[test]
    fn keys_come_over_tls() {
        for url in [
            "http://login.example/jwks",
            "ftp://login.example/jwks",
            "https://user:password@login.example/jwks",
            "https://login.example/jwks#keys",
            "login.example/jwks",
            "/jwks",
            "https://",
        ] {
            let text = with(&[(JWKS_URL, url)]).unwrap_err();
            assert!(
                text.starts_with("`JWT_JWKS_URL` is no address of keys"),
                "{url}: {text}"
            );
        }
    }

    #[test]
    fn no_secret_is_printed() {
        let config = with(&[(SECRET, SECRET_VALUE)]).unwrap();
        assert!(!format!("{config:?}").contains(SECRET_VALUE));
    }
}

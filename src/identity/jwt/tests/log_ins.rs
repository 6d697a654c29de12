//! The settings that `docs/users.md` gives for known log-ins, tried with tokens as those make them.

use serde_json::{Value, json};

use super::signer::{NOW, SECRET, accepted, all_keys, signed};
use crate::{
    edge::Config,
    identity::jwt::{Algorithm, JwtConfig, JwtError, KeySource},
};

const USERS: &str = include_str!("../../../../docs/users.md");

/// What the settings of this log-in come to, as they stand in the page, with those that are secrets.
fn preset(name: &str, secrets: &[(&str, &str)]) -> JwtConfig {
    let (_, section) = USERS.split_once(&format!("\n#### {name}\n")).unwrap();
    let (_, block) = section.split_once("```toml\n").unwrap();
    let (block, _) = block.split_once("```").unwrap();
    let lines = block.lines().filter_map(|line| line.split_once(" = "));
    let settings: Vec<(&str, &str)> = lines.map(|(name, value)| (name, value.trim_matches('"'))).collect();
    let base = [
        ("SMARTCAR_CLIENT_ID", "8229df9f-91a0-4ff0-a1ae-a1f38ee24d07"),
        ("SMARTCAR_CLIENT_SECRET", "secret"),
        ("SEALING_KEYS", "k1:AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8="),
    ];
    let config = Config::read(|name| {
        let mut all = settings.iter().chain(&base).chain(secrets);
        all.find(|(one, _)| *one == name).map(|(_, value)| (*value).to_owned())
    });
    config.unwrap().jwt.unwrap()
}

/// Whom a token of these claims speaks for, and what becomes of it when one of its claims is another.
fn check(
    config: &JwtConfig,
    algorithm: Algorithm,
    header: Value,
    claims: &Value,
    user: &str,
    changes: &[(Value, JwtError)],
) {
    let mut header = header;
    header["alg"] = algorithm.as_str().into();
    header["kid"] = algorithm.as_str().into();
    let of = |claims: &Value| {
        let token = signed(algorithm, &header.to_string(), &claims.to_string());
        accepted(&token, &config.rules, &all_keys())
    };
    assert_eq!(of(claims).as_deref(), Ok(user), "{claims}");
    for (change, error) in changes {
        let mut changed = claims.clone();
        for (name, value) in change.as_object().unwrap() {
            changed[name] = value.clone();
        }
        assert_eq!(of(&changed), Err(*error), "{change}");
    }
}

fn url(config: &JwtConfig) -> &str {
    match &config.keys {
        KeySource::Url(url) => url,
        other => panic!("{other:?}"),
    }
}

#[test]
fn auth0() {
    let config = preset("Auth0", &[]);
    assert_eq!(url(&config), "https://example.eu.auth0.com/.well-known/jwks.json");
    let claims = json!({
        "iss": "https://example.eu.auth0.com/", "sub": "auth0|64b0f0b2c1", "iat": NOW, "exp": NOW + 86_400,
        "aud": ["https://cars.example.com", "https://example.eu.auth0.com/userinfo"],
        "scope": "openid profile email", "azp": "Qq2tBxN5aJ6",
    });
    let id_token = json!({"aud": "Qq2tBxN5aJ6", "nonce": "n", "sid": "s", "email": "anna@example.com"});
    check(
        &config,
        Algorithm::Rs256,
        json!({"typ": "JWT"}),
        &claims,
        "user:auth0|64b0f0b2c1",
        &[
            (id_token, JwtError::OtherAudience),
            (json!({"iss": "https://other.eu.auth0.com/"}), JwtError::OtherIssuer),
        ],
    );
    // The profile of RFC 9068 has another type, and `client_id` in place of `azp`.
    check(
        &config,
        Algorithm::Rs256,
        json!({"typ": "at+jwt"}),
        &claims,
        "user:auth0|64b0f0b2c1",
        &[],
    );
}

#[test]
fn clerk() {
    let config = preset("Clerk", &[]);
    assert_eq!(url(&config), "https://clerk.example.com/.well-known/jwks.json");
    assert_eq!(config.cookie.as_deref(), Some("__session"));
    let claims = json!({
        "azp": "https://app.example.com", "exp": NOW + 60, "fva": [7, -1], "iat": NOW, "iss": "https://clerk.example.com",
        "jti": "f0c1", "nbf": NOW - 10, "sid": "sess_2b", "sts": "active", "sub": "user_2bOhXZ", "v": 2,
    });
    check(
        &config,
        Algorithm::Rs256,
        json!({"typ": "JWT", "cat": "cl_B7d4PD111AAA"}),
        &claims,
        "user:user_2bOhXZ",
        &[
            (
                json!({"azp": "https://evil.example.com"}),
                JwtError::OtherAuthorizedParty,
            ),
            (json!({"aud": "https://other.example.com"}), JwtError::OtherAudience),
        ],
    );
}

#[test]
fn supabase() {
    let config = preset("Supabase", &[]);
    assert_eq!(
        url(&config),
        "https://abcdefghijklmnopqrst.supabase.co/auth/v1/.well-known/jwks.json"
    );
    let claims = json!({
        "aal": "aal1", "amr": [{"method": "password", "timestamp": NOW}], "app_metadata": {"provider": "email"},
        "aud": "authenticated", "email": "anna@example.com", "exp": NOW + 3_600, "iat": NOW, "is_anonymous": false,
        "iss": "https://abcdefghijklmnopqrst.supabase.co/auth/v1", "phone": "", "role": "authenticated",
        "session_id": "6d1f2c9e-91a0-4ff0-a1ae-a1f38ee24d07", "sub": "11111111-2222-3333-4444-555555555555",
        "user_metadata": {},
    });
    let project_key = json!({"iss": "supabase", "ref": "abcdefghijklmnopqrst", "role": "service_role"});
    let changes = [
        (project_key, JwtError::OtherIssuer),
        (json!({"aud": "anon"}), JwtError::OtherAudience),
    ];
    let user = "user:11111111-2222-3333-4444-555555555555";
    for algorithm in [Algorithm::Es256, Algorithm::Rs256] {
        check(&config, algorithm, json!({"typ": "JWT"}), &claims, user, &changes);
    }
    let legacy = preset("Supabase with a legacy secret", &[("JWT_SECRET", SECRET)]);
    check(
        &legacy,
        Algorithm::Hs256,
        json!({"typ": "JWT"}),
        &claims,
        user,
        &changes,
    );
}

#[test]
fn firebase() {
    let config = preset("Firebase", &[]);
    let keys = "https://www.googleapis.com/service_accounts/v1/jwk/securetoken@system.gserviceaccount.com";
    assert_eq!(url(&config), keys);
    let claims = json!({
        "iss": "https://securetoken.google.com/example-project", "aud": "example-project", "auth_time": NOW,
        "user_id": "k2Yb8PZqXsT0", "sub": "k2Yb8PZqXsT0", "iat": NOW, "exp": NOW + 3_600, "email": "anna@example.com",
        "email_verified": true, "firebase": {"identities": {"email": ["anna@example.com"]}, "sign_in_provider": "password"},
    });
    check(
        &config,
        Algorithm::Rs256,
        json!({"typ": "JWT"}),
        &claims,
        "user:k2Yb8PZqXsT0",
        &[
            (json!({"aud": "other-project"}), JwtError::OtherAudience),
            (
                json!({"iss": "https://securetoken.google.com/other-project"}),
                JwtError::OtherIssuer,
            ),
            // The cookie that the Admin SDK makes has an issuer of its own.
            (
                json!({"iss": "https://session.firebase.google.com/example-project"}),
                JwtError::OtherIssuer,
            ),
        ],
    );
}

#[test]
fn cloudflare_access() {
    let config = preset("Cloudflare Access", &[]);
    assert_eq!(
        url(&config),
        "https://example.cloudflareaccess.com/cdn-cgi/access/certs"
    );
    assert_eq!(config.cookie.as_deref(), Some("CF_Authorization"));
    let claims = json!({
        "aud": ["97e2aae120121f902df8bc99fc345913ab186d174f3079ea729236766b2e7c4a"], "email": "anna@example.com",
        "exp": NOW + 86_400, "iat": NOW, "nbf": NOW, "iss": "https://example.cloudflareaccess.com", "type": "app",
        "identity_nonce": "6ei69kawdKzMIAPF", "sub": "7335d417-61da-459d-899c-0a01c76a2f94", "country": "US",
    });
    check(
        &config,
        Algorithm::Rs256,
        json!({}),
        &claims,
        "user:7335d417-61da-459d-899c-0a01c76a2f94",
        &[
            (
                json!({"sub": "", "common_name": "e367826f93b8d71185e03fe518aff3b4.access"}),
                JwtError::NoSubject,
            ),
            (json!({"aud": ["another-application"]}), JwtError::OtherAudience),
        ],
    );
}

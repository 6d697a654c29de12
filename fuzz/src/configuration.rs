//! Input: settings, a line each: `NAME=value`, or `NAME` alone for one that is missing. The rest is as in a good
//! configuration.

use std::collections::BTreeMap;

use smartcar_connect::{
    connect::Origin,
    edge::{Config, Misconfiguration},
    seal::{RecordBinding, SealedRecord},
    time::Millis,
};
use url::Url;

const NAMES: [&str; 29] = [
    "SMARTCAR_CLIENT_ID",
    "SMARTCAR_CLIENT_SECRET",
    "SEALING_KEYS",
    "SERVICE_KEYS",
    "PATH_PREFIX",
    "ALLOWED_ORIGINS",
    "TOKEN_ENDPOINT_AUTH_METHOD",
    "REFRESH_GRACE_SECONDS",
    "SESSION_DAYS",
    "SESSION_MAX_DAYS",
    "RETENTION_DAYS",
    "SMARTCAR_CONNECT_ORIGIN",
    "SMARTCAR_AUTH_ORIGIN",
    "SMARTCAR_API_ORIGIN",
    "SMARTCAR_IAM_ORIGIN",
    "SMARTCAR_VEHICLE_ORIGIN",
    "SMARTCAR_API_VERSION",
    "SMARTCAR_API_CLIENT_ID",
    "SMARTCAR_API_CLIENT_SECRET",
    "SMARTCAR_MIGRATION",
    "JWT_ISSUER",
    "JWT_AUDIENCE",
    "JWT_AUTHORIZED_PARTY",
    "JWT_JWKS_URL",
    "JWT_KEYS",
    "JWT_SECRET",
    "JWT_ALGORITHMS",
    "JWT_TYP",
    "JWT_COOKIE",
];
const OTHER_KEY: &str = "ICEiIyQlJicoKSorLC0uLzAxMjM0NTY3ODk6Ozw9Pj8=";

type Settings = BTreeMap<&'static str, String>;

pub fn check(data: &[u8]) {
    let Ok(text) = core::str::from_utf8(data) else { return };
    let settings = settings(text);
    let read = read(&settings);
    assert_eq!(
        format!("{read:?}"),
        format!("{:?}", self::read(&settings)),
        "not the same twice"
    );
    match read {
        Ok(config) => serves(&config, &settings),
        Err(error) => explains(&error, &settings),
    }
}

fn settings(text: &str) -> Settings {
    let mut settings = Settings::from([
        ("SMARTCAR_CLIENT_ID", "8229df9f-91a0-4ff0-a1ae-a1f38ee24d07".to_owned()),
        ("SMARTCAR_CLIENT_SECRET", "client-secret".to_owned()),
        (
            "SEALING_KEYS",
            "k1:AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8=".to_owned(),
        ),
    ]);
    for line in text.lines() {
        let (name, value) = line
            .split_once('=')
            .map_or((line, None), |(name, value)| (name, Some(value)));
        let Some(name) = NAMES.iter().find(|known| **known == name) else {
            continue;
        };
        match value {
            Some(value) => settings.insert(name, value.to_owned()),
            None => settings.remove(name),
        };
    }
    settings
}

fn read(settings: &Settings) -> Result<Config, Misconfiguration> {
    Config::read(|name| settings.get(name).cloned())
}

fn serves(config: &Config, settings: &Settings) {
    let origins = &config.origins;
    let smartcar = [&origins.connect, &origins.auth, &origins.api];
    for origin in config.allowed_origins.iter().chain(smartcar) {
        is_an_origin(origin);
    }
    assert!(
        config.prefix.starts_with('/') && !config.prefix.ends_with('/'),
        "{}",
        config.prefix
    );
    let url = format!("https://app.example{}/healthz", config.prefix);
    assert_eq!(
        Url::parse(&url).expect("a URL").as_str(),
        url,
        "a browser asks for another path"
    );
    assert!(config.policy.grace <= Millis::from_secs(3_600));
    assert!((Millis::from_days(1)..=Millis::from_days(400)).contains(&config.session_limits.idle));
    assert!((Millis::from_days(1)..=Millis::from_days(3_650)).contains(&config.retention));

    let place = RecordBinding::profile("fuzz");
    let record = SealedRecord::seal(&config.key_ring, &place, 0, [1; 12], b"x").expect("the active key seals");
    assert!(record.open(&config.key_ring, &place).is_ok(), "and opens");

    let service_keys = settings.get("SERVICE_KEYS").map(|keys| keys.trim()).unwrap_or_default();
    assert_eq!(service_keys.is_empty(), config.service_keys.is_empty());
    for key in service_keys.split(',').map(str::trim).filter(|key| !key.is_empty()) {
        assert!(key.len() >= 32 && config.service_keys.contains(key));
    }
    assert!(!config.service_keys.contains(""));
    prints_no_secret(config, settings);
}

/// What the standard's parser takes for a bare origin, `https` or this machine.
fn is_an_origin(origin: &Origin) {
    let again = Origin::parse(origin.as_str()).expect("an origin");
    assert_eq!(again, *origin);
    let url = Url::parse(origin.as_str()).expect("a URL");
    assert_eq!(url.origin().ascii_serialization(), origin.as_str());
    assert_eq!(url.as_str(), format!("{origin}/"));
    let host = url.host_str().expect("a host");
    let loopback = host == "localhost" || host == "[::1]" || host.starts_with("127.");
    assert!(
        url.scheme() == "https" || (url.scheme() == "http" && loopback),
        "{origin}"
    );
}

/// Other secrets in the same places: nothing printed changes.
fn prints_no_secret(config: &Config, settings: &Settings) {
    let mut others = settings.clone();
    others.insert("SMARTCAR_CLIENT_SECRET", "another".to_owned());
    let ids: Vec<_> = config.key_ring.ids().collect();
    if let [id] = ids[..] {
        others.insert("SEALING_KEYS", format!("{}:{OTHER_KEY}", id.as_str()));
    }
    if let Some(keys) = others.get_mut("SERVICE_KEYS") {
        let replaced: Vec<_> = keys
            .split(',')
            .map(|key| if key.trim().is_empty() { "" } else { OTHER_KEY })
            .collect();
        *keys = replaced.join(",");
    }
    if let Some(secret) = others.get_mut("JWT_SECRET").filter(|secret| !secret.trim().is_empty()) {
        OTHER_KEY.clone_into(secret);
    }
    let others = read(&others).expect("as good as the first");
    assert_eq!(format!("{config:?}"), format!("{others:?}"));
}

fn explains(error: &Misconfiguration, settings: &Settings) {
    assert!(!error.problems().is_empty());
    let shown = [error.to_string(), format!("{error:?}")].concat();
    for (setting, reason) in error.problems() {
        assert!(NAMES.contains(&setting.name()));
        assert!(!reason.is_empty() && shown.contains(setting.name()));
    }
    let mut others = settings.clone();
    // As long, as odd and as easy to guess as before.
    let backwards = |secret: &str| secret.chars().rev().collect::<String>();
    if let Some(secret) = others.get_mut("SMARTCAR_CLIENT_SECRET") {
        *secret = backwards(secret);
    }
    if let Some(keys) = others.get_mut("SERVICE_KEYS") {
        *keys = keys.split(',').map(backwards).collect::<Vec<_>>().join(",");
    }
    if let Some(secret) = others.get_mut("JWT_SECRET") {
        *secret = backwards(secret);
    }
    let other = read(&others).expect_err("the secrets were replaced by others of the same form");
    assert_eq!(*error, other, "what is said depends on a secret");
    // An id is at most 32 characters and is shown; a key is longer and is not.
    let keys = settings.get("SEALING_KEYS").map(String::as_str).unwrap_or_default();
    for key in keys
        .split([',', ':'])
        .map(str::trim)
        .filter(|key| key.len() > 32 && !key.contains(' '))
    {
        assert!(!shown.contains(key), "a key is shown");
    }
}

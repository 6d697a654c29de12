//! The Worker's settings.

mod access;
mod api;
mod identity;
mod jwt;
mod migration;
mod misconfiguration;
mod reader;
mod webhooks;

pub use access::AccessSettings;
pub use api::ApiSettings;
pub use misconfiguration::{Misconfiguration, Setting};
use reader::{KEYS, LIST, ONE, Reader};
pub use webhooks::{Forward, WebhookSettings};

use crate::{
    connect::{ApplicationId, Origin, Origins},
    http_api::{migration::MigrationMode, path},
    identity::{JwtConfig, ServiceKeyError, ServiceKeys, SessionCookie, SessionLimits},
    seal::KeyRing,
    time::Millis,
    token::cycle::Policy,
};

/// Everything that an operator sets.
#[derive(Debug)]
pub struct Config {
    /// What Connect is opened with.
    pub application_id: ApplicationId,
    /// How the tokens of connections are had.
    pub access: AccessSettings,
    /// What records are sealed with.
    pub key_ring: KeyRing,
    /// Where Smartcar is.
    pub origins: Origins,
    /// Where the Worker's routes start, without a slash at the end.
    pub prefix: String,
    /// Whose pages may use the Worker, besides its own.
    pub allowed_origins: Vec<Origin>,
    /// How refreshes are decided.
    pub policy: Policy,
    /// The cookie of a session.
    pub session_cookie: SessionCookie,
    /// How long a session lasts.
    pub session_limits: SessionLimits,
    /// How long a ticket lives that opens a session.
    pub ticket_life: Millis,
    /// After how long without a visit everything of an owner is deleted.
    pub retention: Millis,
    /// How many vaults one run of the rotation sweep may ask. On the free plan a run may make 50 requests.
    pub rotation_batch: u32,
    /// Who may ask for tokens.
    pub service_keys: ServiceKeys,
    /// How the app's own users show themselves, if they do so by tokens of its log-in.
    pub jwt: Option<JwtConfig>,
    /// How requests are passed on to Smartcar's vehicle API.
    pub api: ApiSettings,
    /// How Smartcar's webhooks are received, if they are.
    pub webhooks: Option<WebhookSettings>,
    /// What is done about connections of v2 on their way to v3, if anything is.
    pub migration: Option<MigrationMode>,
}

impl Config {
    /// Reads every setting through `get`, which returns a variable's or secret's value by its name.
    ///
    /// # Errors
    /// [`Misconfiguration`] with all that is wrong, not only the first.
    pub fn read(get: impl Fn(&str) -> Option<String>) -> Result<Self, Misconfiguration> {
        let mut reader = Reader {
            get: &get,
            problems: Vec::new(),
        };
        let application_id = application_id(&mut reader);
        let key_ring = key_ring(&mut reader);
        let origins = origins(&mut reader);
        let access = access::access(&mut reader, application_id.as_ref(), origins.as_ref());
        let prefix = prefix(&mut reader);
        let allowed_origins = allowed_origins(&mut reader);
        let grace = reader
            .span("REFRESH_GRACE_SECONDS", 60, 0..=3_600)
            .map(Millis::from_secs);
        let session_limits = identity::session_limits(&mut reader);
        let ticket_life = identity::ticket_life(&mut reader);
        let retention = reader.span("RETENTION_DAYS", 180, 1..=3_650).map(Millis::from_days);
        let rotation_batch = reader
            .span("ROTATION_BATCH", 40, 1..=900)
            .and_then(|batch| u32::try_from(batch).ok());
        let service_keys = identity::service_keys(&mut reader);
        let jwt = jwt::jwt(&mut reader);
        let api = api::api_settings(&mut reader);
        let webhooks = webhooks::webhooks(&mut reader);
        let migration = migration::migration(&mut reader, access.as_ref());
        let all = (|| {
            let (application_id, origins, prefix) = (application_id?, origins?, prefix?);
            Some(Self {
                access: access?,
                session_cookie: SessionCookie::of_deployment(&prefix, &application_id),
                application_id,
                key_ring: key_ring?,
                origins,
                prefix,
                allowed_origins: allowed_origins?,
                policy: Policy { grace: grace? },
                session_limits: session_limits?,
                ticket_life: ticket_life?,
                retention: retention?,
                rotation_batch: rotation_batch?,
                service_keys: service_keys?,
                jwt: jwt?,
                api: api?,
                webhooks: webhooks?,
                migration: migration?,
            })
        })();
        match all {
            Some(config) if reader.problems.is_empty() => Ok(config),
            _ => Err(Misconfiguration {
                problems: reader.problems,
            }),
        }
    }
}

fn application_id(reader: &mut Reader<'_>) -> Option<ApplicationId> {
    const NAME: &str = "SMARTCAR_CLIENT_ID";
    let id = reader.required(
        NAME,
        ONE,
        "give the application's id, a UUID, from the Smartcar dashboard",
    )?;
    match ApplicationId::parse(&id) {
        Ok(id) => Some(id),
        Err(error) => {
            reader.wrong(NAME, error.to_string());
            None
        }
    }
}

fn key_ring(reader: &mut Reader<'_>) -> Option<KeyRing> {
    const NAME: &str = "SEALING_KEYS";
    let text = zeroize::Zeroizing::new(reader.required(
        NAME,
        KEYS,
        "set it by `wrangler secret put SEALING_KEYS` to `id:key`, the key made by `openssl rand -base64 32`",
    )?);
    match KeyRing::parse(&text) {
        Ok(ring) => Some(ring),
        Err(error) => {
            reader.wrong(NAME, ["is unusable: ", &error.to_string()].concat());
            None
        }
    }
}

fn origins(reader: &mut Reader<'_>) -> Option<Origins> {
    let default = Origins::default();
    let connect = reader.origin("SMARTCAR_CONNECT_ORIGIN", default.connect);
    let auth = reader.origin("SMARTCAR_AUTH_ORIGIN", default.auth);
    let api = reader.origin("SMARTCAR_API_ORIGIN", default.api);
    let iam = reader.origin("SMARTCAR_IAM_ORIGIN", default.iam);
    let vehicle = reader.origin("SMARTCAR_VEHICLE_ORIGIN", default.vehicle);
    Some(Origins {
        connect: connect?,
        auth: auth?,
        api: api?,
        iam: iam?,
        vehicle: vehicle?,
    })
}

fn prefix(reader: &mut Reader<'_>) -> Option<String> {
    const NAME: &str = "PATH_PREFIX";
    let Some(prefix) = reader.value(NAME, ONE).ok()? else {
        return Some(path::DEFAULT_MOUNT.to_owned());
    };
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'/' | b'-' | b'_' | b'.' | b'~');
    let usable = prefix.starts_with('/')
        && !prefix.ends_with('/')
        && !prefix.contains("//")
        && !prefix.split('/').any(|segment| matches!(segment, "." | ".."))
        && prefix.bytes().all(plain);
    if !usable {
        reader.wrong(
            NAME,
            "is no path prefix: start it with `/`, end it without, as in `/smartcar`",
        );
    }
    usable.then_some(prefix)
}

fn allowed_origins(reader: &mut Reader<'_>) -> Option<Vec<Origin>> {
    const NAME: &str = "ALLOWED_ORIGINS";
    let Some(list) = reader.value(NAME, LIST).ok()? else {
        return Some(Vec::new());
    };
    if list.split(',').any(|text| text.trim().is_empty()) {
        reader.wrong(NAME, ServiceKeyError::EmptyEntry.to_string());
        return None;
    }
    list.split(',')
        .map(|text| reader.parse_origin(NAME, text.trim()))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::api::Sensitive;

    const GOOD: [(&str, &str); 3] = [
        ("SMARTCAR_CLIENT_ID", "8229df9f-91a0-4ff0-a1ae-a1f38ee24d07"),
        ("SMARTCAR_CLIENT_SECRET", "secret"),
        ("SEALING_KEYS", "k1:AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8="),
    ];

    fn read(changes: &[(&str, &str)]) -> Result<Config, String> {
        Config::read(|name| {
            changes
                .iter()
                .chain(&GOOD)
                .find(|(key, _)| *key == name)
                .map(|(_, value)| (*value).to_owned())
        })
        .map_err(|error| error.to_string())
    }

    #[test]
    fn three_settings_are_enough() {
        let config = read(&[]).unwrap();
        assert_eq!(config.prefix, "/smartcar");
        assert_eq!(config.origins, Origins::default());
        assert_eq!(config.policy.grace, Millis::from_secs(60));
        assert_eq!(config.session_limits.idle, Millis::from_days(180));
        assert_eq!(config.session_limits.absolute, None);
        assert_eq!(config.ticket_life, Millis::from_mins(5));
        assert!(config.service_keys.is_empty() && config.allowed_origins.is_empty());
    }

    #[test]
    fn each_unusable_setting_is_named_with_its_remedy() {
        for (name, value, text) in [
            (
                "SMARTCAR_CLIENT_ID",
                " ",
                "`SMARTCAR_CLIENT_ID` is missing: give the application's id, a UUID, from the Smartcar dashboard",
            ),
            (
                "SMARTCAR_CLIENT_ID",
                "client_01J",
                "`SMARTCAR_CLIENT_ID` is the id of an API credential (`client_…`); give the application's own id, a UUID, from the Smartcar dashboard",
            ),
            (
                "SMARTCAR_CLIENT_SECRET",
                "",
                "`SMARTCAR_CLIENT_SECRET` is missing: set it by `wrangler secret put SMARTCAR_CLIENT_SECRET`",
            ),
            (
                "SEALING_KEYS",
                "",
                "`SEALING_KEYS` is missing: set it by `wrangler secret put SEALING_KEYS` to `id:key`, the key made by `openssl rand -base64 32`",
            ),
            (
                "SEALING_KEYS",
                "k1:c2hvcnQ=",
                "`SEALING_KEYS` is unusable: key `k1` has 5 bytes and needs 32: make one by `openssl rand -base64 32`",
            ),
            (
                "SMARTCAR_AUTH_ORIGIN",
                "http://auth.example",
                "`SMARTCAR_AUTH_ORIGIN` is plain `http` off loopback; use `https`",
            ),
            (
                "ALLOWED_ORIGINS",
                "https://a.example,nonsense",
                "`ALLOWED_ORIGINS` is not an absolute URL; start it with `https://` and a host",
            ),
            (
                "PATH_PREFIX",
                "smartcar",
                "`PATH_PREFIX` is no path prefix: start it with `/`, end it without, as in `/smartcar`",
            ),
            (
                "PATH_PREFIX",
                "/",
                "`PATH_PREFIX` is no path prefix: start it with `/`, end it without, as in `/smartcar`",
            ),
            (
                "TOKEN_ENDPOINT_AUTH_METHOD",
                "none",
                "`TOKEN_ENDPOINT_AUTH_METHOD` is neither `client_secret_post` nor `client_secret_basic`",
            ),
            (
                "REFRESH_GRACE_SECONDS",
                "-1",
                "`REFRESH_GRACE_SECONDS` is no whole number from 0 to 3600",
            ),
            ("SESSION_DAYS", "401", "`SESSION_DAYS` is no whole number from 1 to 400"),
            (
                "SESSION_MAX_DAYS",
                "0",
                "`SESSION_MAX_DAYS` is no whole number from 1 to 3650",
            ),
            (
                "API_TIMEOUT_SECONDS",
                "301",
                "`API_TIMEOUT_SECONDS` is no whole number from 1 to 300",
            ),
            (
                "API_ALLOW",
                "control_pin,read_vin",
                "`API_ALLOW` has an entry that is none of `control_pin`, `control_trunk`, `read_user_profile`: whatever else is passed on needs no entry",
            ),
            (
                "SERVICE_KEYS",
                "5f0c81d2a97b4e36180f2dc4b6e97a53,",
                "`SERVICE_KEYS` has an empty entry: remove the comma at the start, at the end, or that is doubled",
            ),
            (
                "ALLOWED_ORIGINS",
                "https://a.example,",
                "`ALLOWED_ORIGINS` has an empty entry: remove the comma at the start, at the end, or that is doubled",
            ),
            (
                "ALLOWED_ORIGINS",
                ",",
                "`ALLOWED_ORIGINS` has an empty entry: remove the comma at the start, at the end, or that is doubled",
            ),
            (
                "SERVICE_KEYS",
                "xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx",
                "`SERVICE_KEYS` has a key that can be guessed: make one by `openssl rand -base64 32`",
            ),
            (
                "SERVICE_KEYS",
                "short",
                "`SERVICE_KEYS` has a key of fewer than 32 characters: make one by `openssl rand -base64 32`",
            ),
        ] {
            assert_eq!(read(&[(name, value)]).unwrap_err(), text, "{name}={value}");
        }
    }

    const SETTINGS: [(&str, &str, &str); 15] = [
        ("SMARTCAR_CLIENT_ID", "8229df9f-91a0-4ff0-a1ae-a1f38ee24d07", ""),
        ("SMARTCAR_CLIENT_SECRET", "secret", ""),
        ("SEALING_KEYS", "k1:AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8=", ",:"),
        ("SERVICE_KEYS", "5f0c81d2a97b4e36180f2dc4b6e97a53", ","),
        ("ALLOWED_ORIGINS", "https://a.example", ","),
        ("PATH_PREFIX", "/smartcar", ""),
        ("TOKEN_ENDPOINT_AUTH_METHOD", "client_secret_post", ""),
        ("REFRESH_GRACE_SECONDS", "60", ""),
        ("SESSION_DAYS", "180", ""),
        ("SESSION_MAX_DAYS", "365", ""),
        ("RETENTION_DAYS", "180", ""),
        ("ROTATION_BATCH", "40", ""),
        ("API_TIMEOUT_SECONDS", "30", ""),
        ("API_ALLOW", "control_pin", ","),
        ("SMARTCAR_API_ORIGIN", "https://api.smartcar.com", ""),
    ];

    #[test]
    fn what_was_added_to_a_value_on_its_way_is_named_whichever_setting_it_is() {
        const QUOTED: &str = "stands in quotation marks: give it without them";
        const WHITE: &str = "has white space in it: remove it";
        const UNSEEN: &str =
            "has a character that is not visible ASCII, such as a zero-width space: type it, or copy it anew";
        for (name, value, _) in SETTINGS {
            let (start, end) = value.split_at(value.len() / 2);
            for (changed, reason) in [
                (format!("\"{value}\""), QUOTED),
                (format!("'{value}'"), QUOTED),
                (format!("{value}\""), QUOTED),
                (format!("{start} {end}"), WHITE),
                (format!("{start}\n{end}"), WHITE),
                (format!("{start}\u{200b}{end}"), UNSEEN),
                (format!("\u{feff}{value}"), UNSEEN),
                (format!("{value}\u{a0}"), UNSEEN),
                (format!("\u{201c}{value}\u{201d}"), UNSEEN),
                (format!("{start}\u{7}{end}"), UNSEEN),
                (format!("{start}\u{e9}{end}"), UNSEEN),
            ] {
                assert_eq!(
                    read(&[(name, &changed)]).unwrap_err(),
                    format!("`{name}` {reason}"),
                    "{changed:?}"
                );
            }
        }
    }

    #[test]
    fn white_space_around_a_value_or_an_entry_is_no_part_of_it() {
        for (name, value, separators) in SETTINGS {
            assert!(read(&[(name, &format!(" \t{value}\r\n"))]).is_ok(), "{name}");
            for separator in separators.chars() {
                let spaced = value.replace(separator, &format!(" {separator} "));
                assert!(read(&[(name, &spaced)]).is_ok(), "{spaced}");
            }
        }
        let config = read(&[("ALLOWED_ORIGINS", "https://a.example , https://b.example")]).unwrap();
        assert_eq!(config.allowed_origins.len(), 2);
    }

    #[test]
    fn nothing_sensitive_is_passed_on_unless_it_is_named() {
        let api = |changes| read(changes).unwrap().api;
        assert_eq!(api(&[]).allowed, []);
        assert_eq!(api(&[]).timeout, Millis::from_secs(30));
        let named = api(&[
            ("API_ALLOW", "control_trunk, control_pin"),
            ("API_TIMEOUT_SECONDS", "300"),
        ]);
        assert_eq!(named.allowed, [Sensitive::Trunk, Sensitive::Pin]);
        assert_eq!(named.timeout, Millis::from_secs(300));
    }

    #[test]
    fn a_session_has_an_absolute_limit_if_one_is_set() {
        let limits = read(&[("SESSION_DAYS", "30"), ("SESSION_MAX_DAYS", "365")])
            .unwrap()
            .session_limits;
        assert_eq!(limits.idle, Millis::from_days(30));
        assert_eq!(limits.absolute, Some(Millis::from_days(365)));
    }

    #[test]
    fn everything_wrong_is_said_at_once() {
        let text = read(&[("SMARTCAR_CLIENT_ID", ""), ("SEALING_KEYS", "x"), ("SESSION_DAYS", "0")]).unwrap_err();
        for name in ["`SMARTCAR_CLIENT_ID`", "`SEALING_KEYS`", "`SESSION_DAYS`"] {
            assert!(text.contains(name), "{text}");
        }
    }

    #[test]
    fn no_secret_is_printed() {
        let config = read(&[
            ("SMARTCAR_CLIENT_SECRET", "hunter2-hunter2"),
            ("SERVICE_KEYS", "5f0c81d2a97b4e36180f2dc4-hunter3"),
        ])
        .unwrap();
        let text = format!("{config:?}");
        assert!(!text.contains("hunter") && !text.contains("AAECAw"), "{text}");
    }
}

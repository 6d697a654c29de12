//! The settings of Smartcar's webhooks. Without a management token none is received.

use zeroize::Zeroizing;

use super::reader::{LIST, ONE, Reader};
use crate::{
    connect::Origin,
    webhook::{ForwardSecrets, ManagementTokens},
};

const TOKEN: &str = "SMARTCAR_MANAGEMENT_TOKEN";
const URL: &str = "WEBHOOK_FORWARD_URL";
const SECRET: &str = "WEBHOOK_FORWARD_SECRET";

/// The shortest token that is taken, in characters. Smartcar's are UUIDs.
const SHORTEST: usize = 16;

/// How webhooks are received and handed on.
#[derive(Debug)]
pub struct WebhookSettings {
    /// What Smartcar signs with.
    pub tokens: ManagementTokens,
    /// Where events are handed on to, if the app is called.
    pub forward: Option<Forward>,
}

/// Where the app receives events.
#[derive(Debug)]
pub struct Forward {
    /// The address.
    pub url: String,
    /// What messages are signed with.
    pub secrets: ForwardSecrets,
}

/// How webhooks are received; `Some(None)` if they are not, and `None` if a setting is wrong.
pub(super) fn webhooks(reader: &mut Reader<'_>) -> Option<Option<WebhookSettings>> {
    let tokens = tokens(reader);
    let url = url(reader);
    let secrets = secrets(reader);
    let (tokens, url, secrets) = (tokens?, url?, secrets?);
    let forward = match (url, secrets) {
        (None, None) => None,
        (Some(url), Some(secrets)) => Some(Forward { url, secrets }),
        (Some(_), None) => {
            reader.wrong(
                SECRET,
                "is missing beside `WEBHOOK_FORWARD_URL`: make one by `echo whsec_$(openssl rand -base64 32)`",
            );
            return None;
        }
        (None, Some(_)) => {
            reader.wrong(
                URL,
                "is missing beside `WEBHOOK_FORWARD_SECRET`: give the address at which the app receives events",
            );
            return None;
        }
    };
    match tokens {
        Some(tokens) => Some(Some(WebhookSettings { tokens, forward })),
        None if forward.is_none() => Some(None),
        None => {
            let remedy = "is missing beside `WEBHOOK_FORWARD_URL`: set the application management token of the Smartcar dashboard \
                          by `wrangler secret put SMARTCAR_MANAGEMENT_TOKEN`";
            reader.wrong(TOKEN, remedy);
            None
        }
    }
}

fn tokens(reader: &mut Reader<'_>) -> Option<Option<ManagementTokens>> {
    let Some(list) = reader.value(TOKEN, LIST).ok()?.map(Zeroizing::new) else {
        return Some(None);
    };
    if list
        .split(',')
        .map(str::trim)
        .any(|token| (1..SHORTEST).contains(&token.len()))
    {
        reader.wrong(
            TOKEN,
            "has a token of fewer than 16 characters: copy the application management token of the Smartcar dashboard",
        );
        return None;
    }
    match ManagementTokens::parse(&list) {
        Ok(tokens) => Some(Some(tokens)),
        Err(error) => {
            reader.wrong(TOKEN, error.to_string());
            None
        }
    }
}

fn secrets(reader: &mut Reader<'_>) -> Option<Option<ForwardSecrets>> {
    let Some(list) = reader.value(SECRET, LIST).ok()?.map(Zeroizing::new) else {
        return Some(None);
    };
    match ForwardSecrets::parse(&list) {
        Ok(secrets) => Some(Some(secrets)),
        Err(error) => {
            reader.wrong(SECRET, error.to_string());
            None
        }
    }
}

fn url(reader: &mut Reader<'_>) -> Option<Option<String>> {
    let Some(text) = reader.value(URL, ONE).ok()? else {
        return Some(None);
    };
    let authority = text.split_once("://").map(|(_, rest)| rest.split(['/', '?']).next());
    let has_user = authority.flatten().is_some_and(|authority| authority.contains('@'));
    if Origin::of_url(&text).is_none() || text.contains('#') || has_user {
        reader.wrong(
            URL,
            "is no address to call: give one that starts with `https://`, without a user name and without `#`",
        );
        return None;
    }
    Some(Some(text))
}

#[cfg(test)]
mod tests {
    use super::*;

    const GOOD: [(&str, &str); 3] = [
        (TOKEN, "0b1c1a4e-5f0f-4dbb-9f55-1d6a4b8b7a10"),
        (URL, "https://app.example/events"),
        (SECRET, "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"),
    ];

    /// What is read of the good settings without some of them, or what is wrong with them.
    fn read(settings: &[(&str, &str)]) -> Result<Option<WebhookSettings>, String> {
        let get = |name: &str| {
            let found = settings.iter().find(|(key, _)| *key == name);
            found.map(|(_, value)| (*value).to_owned())
        };
        let mut reader = Reader {
            get: &get,
            problems: Vec::new(),
        };
        let read = webhooks(&mut reader);
        assert_eq!(read.is_some(), reader.problems.is_empty());
        read.ok_or_else(|| {
            let (setting, reason) = reader.problems.remove(0);
            format!("{} {reason}", setting.name())
        })
    }

    #[test]
    fn webhooks_are_off_unless_there_is_a_token() {
        assert!(read(&[]).unwrap().is_none());
        assert!(read(&GOOD[..1]).unwrap().unwrap().forward.is_none());
        let all = read(&GOOD).unwrap().unwrap();
        assert_eq!(all.forward.as_ref().unwrap().url, "https://app.example/events");
        assert!(!format!("{all:?}").contains("0b1c1a4e") && !format!("{all:?}").contains("MfKQ"));
    }

    #[test]
    fn what_belongs_together_is_set_together() {
        let [token, url, secret] = GOOD;
        for (settings, names) in [
            (
                &[token, url][..],
                "WEBHOOK_FORWARD_SECRET is missing beside `WEBHOOK_FORWARD_URL`",
            ),
            (
                &[token, secret],
                "WEBHOOK_FORWARD_URL is missing beside `WEBHOOK_FORWARD_SECRET`",
            ),
            (
                &[url, secret],
                "SMARTCAR_MANAGEMENT_TOKEN is missing beside `WEBHOOK_FORWARD_URL`",
            ),
        ] {
            assert!(read(settings).unwrap_err().starts_with(names), "{names}");
        }
    }

    #[test]
    fn what_cannot_be_used_is_named() {
        for (name, value, reason) in [
            (TOKEN, "short", "has a token of fewer than 16 characters"),
            (SECRET, "hunter2", "is not `whsec_`"),
            (URL, "http://app.example/", "is no address to call"),
            (URL, "https://me@app.example/", "is no address to call"),
            (URL, "https://app.example/#x", "is no address to call"),
            (URL, "/events", "is no address to call"),
        ] {
            let error = read(&[(name, value)]).unwrap_err();
            assert!(error.starts_with(&format!("{name} {reason}")), "{error}");
            assert!(!error.contains("hunter2"));
        }
        assert!(read(&[GOOD[0], (URL, "http://localhost:8787/x"), GOOD[2]]).is_ok());
    }
}

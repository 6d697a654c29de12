//! Input: the redirect URI (empty for one of its own) and the callback: its URL, or its query alone.

use smartcar_connect::{
    connect::{ATTEMPT_LIFETIME, Attempt, Callback, CallbackError, RedirectUri, State, StateError, UnverifiedCallback},
    time::Millis,
};
use url::{Url, form_urlencoded};

use super::{NOW, first_text_line};

pub fn check(data: &[u8]) {
    let (redirect_uri, callback) = first_text_line(data);
    let Ok(callback) = core::str::from_utf8(callback) else {
        return;
    };
    let redirect_uri = match redirect_uri {
        "" => RedirectUri::parse("https://app.example/cars?tenant=1"),
        given => RedirectUri::parse(given),
    };
    let parsed = UnverifiedCallback::parse(callback);
    if let Ok(redirect_uri) = &redirect_uri {
        assert!(RedirectUri::parse(redirect_uri.as_str()).is_ok_and(|again| again == *redirect_uri));
        assert_eq!(
            redirect_uri.origin().is_some(),
            redirect_uri.as_str().to_ascii_lowercase().starts_with("http")
        );
        comes_from(redirect_uri, callback);
    }
    match parsed {
        Ok(unverified) => verifies_only_its_state(unverified, callback),
        Err(error) => explains(error),
    }
}

/// `parse_for` accepts nothing that the standard's parser takes for another address, and reads what `parse` reads.
fn comes_from(redirect_uri: &RedirectUri, callback: &str) {
    match UnverifiedCallback::parse_for(redirect_uri, callback) {
        Ok(unverified) => {
            let (own, given) = (Url::parse(redirect_uri.as_str()), Url::parse(callback));
            let (own, given) = (own.expect("a URL"), given.expect("a URL"));
            assert_eq!(
                (own.scheme(), own.host_str(), own.port(), own.path()),
                (given.scheme(), given.host_str(), given.port(), given.path())
            );
            assert!(given.username().is_empty() && given.password().is_none());
            no_name_twice(given.query().unwrap_or_default());
            has_no_other_issuer(given.query().unwrap_or_default());
            // As the standard writes it: white space around it and line breaks are gone.
            let alone = UnverifiedCallback::parse(given.as_str()).expect("read above");
            assert_eq!(contents(unverified), contents(alone));
        }
        Err(error) => explains(error),
    }
}

fn no_name_twice(query: &str) {
    let mut names: Vec<_> = form_urlencoded::parse(query.as_bytes()).map(|(name, _)| name).collect();
    let all = names.len();
    names.sort();
    names.dedup();
    assert_eq!(names.len(), all, "a parameter occurs twice");
}

fn attempt(state: &State) -> Attempt {
    let redirect_uri = RedirectUri::parse("https://app.example/cars").expect("a redirect URI");
    Attempt::new(state.fingerprint(), redirect_uri, NOW)
}

fn contents(unverified: UnverifiedCallback) -> Option<String> {
    let attempt = attempt(unverified.state()?);
    unverified
        .verify(&attempt, NOW)
        .ok()
        .map(|callback| format!("{callback:?}"))
}

fn verifies_only_its_state(unverified: UnverifiedCallback, text: &str) {
    let again = || UnverifiedCallback::parse(text).expect("read once already");
    assert_eq!(format!("{unverified:?}"), "UnverifiedCallback([redacted])");
    let foreign = attempt(&State::from_random([3; 32]));
    let Some(state) = again().state().cloned() else {
        assert_eq!(unverified.verify(&foreign, NOW).unwrap_err(), StateError::Missing);
        return;
    };
    assert!(State::parse(state.expose()).is_ok_and(|again| again.ct_eq(&state)));
    assert_eq!(unverified.verify(&foreign, NOW).unwrap_err(), StateError::Unknown);
    let own = attempt(&state);
    for late in [ATTEMPT_LIFETIME, Millis::from_days(1), Millis::new(u64::MAX)] {
        assert_eq!(again().verify(&own, NOW.after(late)).unwrap_err(), StateError::Expired);
    }
    verified(&again().verify(&own, NOW).expect("its own state, in time"));
}

fn verified(callback: &Callback) {
    let json = serde_json::to_value(callback).expect("serialises");
    assert_eq!(json["kind"], callback.kind());
    assert!(json.get("code").is_none(), "a code is passed on");
    if let Callback::Granted {
        code,
        user_id,
        virtual_key_url,
        ..
    } = callback
    {
        assert!(code.is_some() || user_id.is_some(), "nothing was granted");
        let shown = [json.to_string(), format!("{callback:?}")].concat();
        if let Some(code) = code.as_ref().map(|code| code.expose()) {
            assert!(code.len() <= 1_024 && code.is_ascii());
            let mut others = json;
            others["kind"].take();
            let beside = others.to_string().contains(code) || "AuthorizationCode([redacted])".contains(code);
            assert!(code.len() < 8 || beside || !shown.contains(code), "a code is shown");
        }
        if let Some(url) = virtual_key_url {
            assert_eq!(Url::parse(url).expect("a URL").scheme(), "https");
        }
    }
    assert_eq!(
        callback.is_error(),
        !matches!(callback.kind(), "granted" | "reauthenticated")
    );
    assert_eq!(
        callback.missing_code().is_none(),
        callback.kind() != "incomplete" && !lacks_code(callback)
    );
}

fn lacks_code(callback: &Callback) -> bool {
    matches!(callback, Callback::Granted { code: None, .. })
}

/// What names an issuer names Smartcar.
fn has_no_other_issuer(query: &str) {
    for (_, issuer) in
        form_urlencoded::parse(query.as_bytes()).filter(|(name, value)| name == "iss" && !value.is_empty())
    {
        let issuer = Url::parse(&issuer).expect("a URL");
        let host = issuer.host_str().expect("a host");
        assert_eq!(issuer.scheme(), "https");
        assert!(host == "smartcar.com" || host.ends_with(".smartcar.com"), "{host}");
    }
}

fn explains(error: CallbackError) {
    assert!(error.code().starts_with("callback_"));
    let text = error.to_string();
    assert!(text.starts_with(|first: char| first.is_ascii_lowercase()) && !text.contains('\n') && text.len() < 120);
}

//! Input: a `Cookie` header.

use smartcar_connect::{
    connect::ApplicationId,
    identity::{Session, SessionCookie, SessionError, SessionLimits},
    seal::KeyRing,
    time::Millis,
};

use super::{NOW, ring};

const LIMITS: SessionLimits = SessionLimits {
    idle: Millis::from_days(180),
    absolute: None,
};

pub fn check(data: &[u8]) {
    let Ok(header) = core::str::from_utf8(data) else { return };
    let application = ApplicationId::parse("8229df9f-91a0-4ff0-a1ae-a1f38ee24d07").expect("an id");
    let cookie = SessionCookie::of_deployment("/smartcar", &application);
    let found: Vec<&str> = cookie.find_all(header).collect();
    for port in [None, Some("8787")] {
        if let Some(value) = cookie.find(header, port) {
            assert!(header.contains(&format!("{}={value}", cookie.name(port))) && !value.contains(';'));
            assert!(found.contains(&value));
        }
    }
    let ring = ring();
    // Whole, the input is tried as a value too.
    for value in found.into_iter().chain([header]) {
        only_its_own_form_opens(&ring, value);
    }
    no_change_opens(&ring, data);
}

fn open(ring: &KeyRing, value: &str) -> Result<Session, SessionError> {
    Session::from_cookie(ring, value, NOW, LIMITS)
}

/// A session has one cookie: nothing can be added to it or taken away.
fn only_its_own_form_opens(ring: &KeyRing, value: &str) {
    if let Ok(session) = open(ring, value) {
        assert_eq!(session.to_cookie(ring).expect("the active key").as_str(), value);
        assert!(!session.needs_cookie() && session.ends_at() > NOW);
        let principal = session.principal();
        assert!(principal.as_str().starts_with("anonymous:") && !value.contains(&principal.as_str()[10..]));
    }
}

/// A good cookie with the input put over a part of it.
fn no_change_opens(ring: &KeyRing, data: &[u8]) {
    let Some((at, part)) = data.split_first() else { return };
    let good = Session::start([7; 32], NOW, LIMITS)
        .to_cookie(ring)
        .expect("the active key");
    let mut changed = good.as_bytes().to_vec();
    let at = usize::from(*at) % changed.len();
    for (to, from) in changed[at..].iter_mut().zip(part) {
        *to = *from;
    }
    if changed != good.as_bytes()
        && let Ok(changed) = core::str::from_utf8(&changed)
    {
        assert_eq!(open(ring, changed).unwrap_err(), SessionError::NotAuthentic);
    }
}

//! Tickets: what the app's back end gives its page, so that the page opens a session for a user of the app.

use core::fmt;

use base64ct::{Base64UrlUnpadded, Encoding as _};
use serde::{Deserialize, Serialize};
use zeroize::Zeroizing;

use crate::{
    identity::cookie::SessionCookie,
    principal::Principal,
    seal::{AuthenticText, KeyRing, MacPurpose},
    time::{Millis, UnixMillis},
};

const ID_BYTES: usize = 16;

/// The form of the tickets of a deployment, by the name of its session cookie.
fn form(cookie_name: &str) -> AuthenticText<'_> {
    AuthenticText {
        version: "t1",
        purpose: MacPurpose::Ticket,
        context: Some(cookie_name),
    }
}

/// Names a ticket where it is noted that it was used. It opens nothing: a ticket is more than its id.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct TicketId(String);

/// That the app's back end wants a session to be opened for a user, once and soon.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Ticket {
    id: [u8; ID_BYTES],
    principal: Principal,
    expires_at: UnixMillis,
}

/// The ticket was not made here with the active key, or it is too late for it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TicketError;

impl fmt::Display for TicketError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the ticket has expired, was changed, or is another deployment's: ask your back end for a new one")
    }
}

impl core::error::Error for TicketError {}

impl Ticket {
    /// A ticket of 16 random bytes for the user with the id `user`, which the app's log-in gives.
    ///
    /// # Errors
    /// The reason, when it is no id of a user; see [`Principal::user`].
    pub fn issue(
        id: [u8; ID_BYTES],
        user: &str,
        now: UnixMillis,
        life: Millis,
    ) -> Result<Self, crate::connect::InvalidValue> {
        Ok(Self {
            id,
            principal: Principal::user(user)?,
            expires_at: now.after(life),
        })
    }

    /// Reads a ticket of the deployment whose session cookie is `cookie`. One that a retired key made is refused as well: a
    /// ticket lives for minutes, and the page asks for another one.
    ///
    /// # Errors
    /// [`TicketError`], which does not tell what is wrong.
    pub fn open(ring: &KeyRing, cookie: &SessionCookie, text: &str, now: UnixMillis) -> Result<Self, TicketError> {
        let ticket = Self::authenticate(ring, cookie, text).ok_or(TicketError)?;
        if now < ticket.expires_at {
            Ok(ticket)
        } else {
            Err(TicketError)
        }
    }

    fn authenticate(ring: &KeyRing, cookie: &SessionCookie, text: &str) -> Option<Self> {
        let name = cookie.name(None);
        let (key_id, payload) = form(&name).read(ring, text)?;
        if key_id != *ring.active_id() {
            return None;
        }
        let (id, rest) = payload.split_first_chunk::<ID_BYTES>()?;
        let (expires_at, user) = rest.split_first_chunk()?;
        let user = core::str::from_utf8(user).ok()?;
        Some(Self {
            id: *id,
            principal: Principal::user(user).ok()?,
            expires_at: UnixMillis::new(u64::from_be_bytes(*expires_at)),
        })
    }

    /// The ticket as it travels. `None` never happens: the active key is in its ring, and the principal is a user.
    #[must_use]
    pub fn to_text(&self, ring: &KeyRing, cookie: &SessionCookie) -> Option<Zeroizing<String>> {
        let mut payload = Zeroizing::new(self.id.to_vec());
        payload.extend_from_slice(&self.expires_at.as_millis().to_be_bytes());
        payload.extend_from_slice(self.principal.user_id()?.as_bytes());
        form(&cookie.name(None)).write(ring, &payload)
    }

    /// What it is noted under once it was used.
    #[must_use]
    pub fn id(&self) -> TicketId {
        TicketId(Base64UrlUnpadded::encode_string(&self.id))
    }

    /// Whom the session speaks for that it opens.
    #[must_use]
    pub const fn principal(&self) -> &Principal {
        &self.principal
    }

    /// From when on it opens nothing.
    #[must_use]
    pub const fn expires_at(&self) -> UnixMillis {
        self.expires_at
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::connect::ApplicationId;

    const NOW: UnixMillis = UnixMillis::new(1_790_000_000_000);
    const LIFE: Millis = Millis::from_mins(5);
    const A: &str = "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8=";
    const B: &str = "ICEiIyQlJicoKSorLC0uLzAxMjM0NTY3ODk6Ozw9Pj8=";

    fn ring(text: &str) -> KeyRing {
        KeyRing::parse(text).unwrap()
    }

    fn one() -> KeyRing {
        ring(&format!("2026.11:{A}"))
    }

    fn at(prefix: &str, application: &str) -> SessionCookie {
        SessionCookie::of_deployment(prefix, &ApplicationId::parse(application).unwrap())
    }

    fn here() -> SessionCookie {
        at("/smartcar", "8229df9f-91a0-4ff0-a1ae-a1f38ee24d07")
    }

    fn ticket() -> Ticket {
        Ticket::issue([7; 16], "auth0|42", NOW, LIFE).unwrap()
    }

    fn text() -> String {
        ticket().to_text(&one(), &here()).unwrap().to_string()
    }

    #[test]
    fn a_ticket_speaks_for_its_user_until_it_expires() {
        let end = NOW.after(LIFE);
        for now in [NOW, UnixMillis::new(end.as_millis() - 1)] {
            let opened = Ticket::open(&one(), &here(), &text(), now).unwrap();
            assert_eq!(opened, ticket());
            assert_eq!(opened.expires_at(), end);
            assert_eq!(*opened.principal(), Principal::user("auth0|42").unwrap());
        }
        for now in [end, end.after(LIFE), UnixMillis::new(u64::MAX)] {
            assert_eq!(Ticket::open(&one(), &here(), &text(), now), Err(TicketError));
        }
        assert!(Ticket::issue([7; 16], "", NOW, LIFE).is_err());
    }

    #[test]
    fn who_shows_a_ticket_in_vain_is_told_what_to_do() {
        assert!(TicketError.to_string().contains("ask your back end for a new one"));
    }

    #[test]
    fn a_ticket_of_another_deployment_opens_nothing() {
        for other in [
            at("/cars", "8229df9f-91a0-4ff0-a1ae-a1f38ee24d07"),
            at("/smartcar", "00000000-91a0-4ff0-a1ae-a1f38ee24d07"),
        ] {
            assert_eq!(Ticket::open(&one(), &other, &text(), NOW), Err(TicketError));
        }
        for other in [
            format!("2026.11:{B}"),
            format!("other:{A}"),
            // Retired: it still opens records, but no ticket.
            format!("2026.12:{B},2026.11:{A}"),
        ] {
            assert_eq!(
                Ticket::open(&ring(&other), &here(), &text(), NOW),
                Err(TicketError),
                "{other}"
            );
        }
    }

    #[test]
    fn neither_a_cookie_nor_a_ticket_is_the_other() {
        let limits = crate::identity::SessionLimits {
            idle: LIFE,
            absolute: None,
        };
        let session = crate::identity::Session::start([7; 32], NOW, limits);
        let cookie = session.to_cookie(&one()).unwrap().replace("v1.", "t1.");
        assert_eq!(Ticket::open(&one(), &here(), &cookie, NOW), Err(TicketError));
        let as_cookie = text().replace("t1.", "v1.");
        assert!(crate::identity::Session::from_cookie(&one(), &as_cookie, NOW, limits).is_err());
    }

    #[test]
    fn no_ticket_cut_short_or_made_longer_opens_anything() {
        let text = text();
        let cut = (0..text.len()).map(|end| text.get(..end).unwrap().to_owned());
        for other in cut.chain([format!("{text}A"), format!("{text}="), format!(" {text}")]) {
            assert_eq!(Ticket::open(&one(), &here(), &other, NOW), Err(TicketError), "{other}");
        }
    }

    proptest! {
        #[test]
        fn no_changed_character_goes_unnoticed(position in 0_usize..120, replacement in "[ -~]") {
            let text = text();
            prop_assume!(position < text.len());
            let mut changed = text.clone();
            changed.replace_range(position..=position, &replacement);
            prop_assume!(changed != text);
            prop_assert_eq!(Ticket::open(&one(), &here(), &changed, NOW), Err(TicketError));
        }
    }
}

//! Smartcar's side: which refresh tokens it honours.

use smartcar_connect::{
    time::{Millis, UnixMillis},
    token::{REFRESH_LIFETIME, cycle::CALL_DEADLINE},
};

/// What becomes of an earlier new pair when the old token is used again within its grace. Smartcar does not say.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Reissue {
    /// Both new pairs are good.
    KeepsEarlier,
    /// Only the latest is.
    KillsEarlier,
}

/// A refresh token: its number is its place in the list.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
struct RefreshToken {
    issued_at: UnixMillis,
    used_at: Option<UnixMillis>,
    /// When the request that used it was sent.
    used_by_call_at: Option<UnixMillis>,
    parent: Option<u8>,
    child: Option<u8>,
    dead: bool,
}

/// The grant as Smartcar knows it.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(crate) struct Smartcar {
    tokens: Vec<RefreshToken>,
    disconnected: bool,
}

impl Smartcar {
    /// A grant of which the pair 0 was issued.
    pub(crate) fn new(now: UnixMillis) -> Self {
        let mut smartcar = Self {
            tokens: Vec::new(),
            disconnected: false,
        };
        smartcar.issue(now, None);
        smartcar
    }

    /// When the first pair was issued.
    pub(crate) fn granted_at(&self) -> UnixMillis {
        self.tokens.first().map_or(UnixMillis::EPOCH, |token| token.issued_at)
    }

    fn issue(&mut self, now: UnixMillis, parent: Option<u8>) -> u8 {
        let number = u8::try_from(self.tokens.len()).unwrap_or(u8::MAX);
        self.tokens.push(RefreshToken {
            issued_at: now,
            used_at: None,
            used_by_call_at: None,
            parent,
            child: None,
            dead: false,
        });
        number
    }

    fn token(&self, number: u8) -> Option<&RefreshToken> {
        self.tokens.get(usize::from(number))
    }

    /// Whether the token was ever used.
    pub(crate) fn is_used(&self, number: u8) -> bool {
        self.token(number).is_some_and(|token| token.used_at.is_some())
    }

    /// Whether the pair `number` was issued for the token `parent`.
    pub(crate) fn is_child(&self, number: u8, parent: u8) -> bool {
        self.token(number).is_some_and(|token| token.parent == Some(parent))
    }

    /// When the token was used, if the request arrived before the call had timed out.
    pub(crate) fn used_in_time(&self, number: u8) -> Option<UnixMillis> {
        let token = self.token(number)?;
        let (sent_at, used_at) = token.used_by_call_at.zip(token.used_at)?;
        (used_at.since(sent_at) < CALL_DEADLINE).then_some(used_at)
    }

    /// Whether the grace of a used token is over.
    pub(crate) fn is_past_grace(&self, number: u8, now: UnixMillis, grace: Millis) -> bool {
        let used_at = self.token(number).and_then(|token| token.used_at);
        used_at.is_some_and(|used_at| now >= used_at.after(grace))
    }

    /// Whether the token would bring a new pair.
    pub(crate) fn honours(&self, number: u8, now: UnixMillis, grace: Millis) -> bool {
        !self.disconnected
            && self.token(number).is_some_and(|token| {
                !token.dead
                    && match token.used_at {
                        None => now < token.issued_at.after(REFRESH_LIFETIME),
                        Some(used_at) => now < used_at.after(grace),
                    }
            })
    }

    /// The token is presented: the number of the new pair, or `None` if it is refused.
    pub(crate) fn present(
        &mut self,
        number: u8,
        sent_at: UnixMillis,
        now: UnixMillis,
        grace: Millis,
        reissue: Reissue,
    ) -> Option<u8> {
        if !self.honours(number, now, grace) {
            return None;
        }
        let new = self.issue(now, Some(number));
        let token = self.tokens.get_mut(usize::from(number))?;
        if token.used_at.is_none() {
            token.used_at = Some(now);
            token.used_by_call_at = Some(sent_at);
        }
        let earlier = token.child.replace(new);
        if let (Reissue::KillsEarlier, Some(earlier)) = (reissue, earlier) {
            self.tokens.get_mut(usize::from(earlier))?.dead = true;
        }
        Some(new)
    }

    /// The owner's disconnection arrives.
    pub(crate) const fn disconnect(&mut self) {
        self.disconnected = true;
    }
}

//! A user of the app's own, known by a token.

use crate::principal::Principal;

/// The subject (`sub`) of a token that has been verified.
#[derive(Debug)]
pub struct Subject {
    principal: Principal,
    is_ambient: bool,
}

impl Subject {
    /// The one whom a verified token speaks for. `is_ambient` says whether a browser has sent the token by itself.
    #[must_use]
    pub const fn new(principal: Principal, is_ambient: bool) -> Self {
        Self { principal, is_ambient }
    }

    /// Whom it speaks for.
    #[must_use]
    pub const fn principal(&self) -> &Principal {
        &self.principal
    }

    /// Whether a browser sends the token by itself.
    #[must_use]
    pub const fn is_ambient(&self) -> bool {
        self.is_ambient
    }
}

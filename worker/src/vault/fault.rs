//! What can go wrong in a vault that is nobody's fault.

use smartcar_connect::{
    edge::{Misconfiguration, Problem, ProblemCode},
    seal::OpenError,
    time::Millis,
};

#[derive(Clone, Debug)]
pub(super) enum Fault {
    /// The Worker is not set up.
    Misconfigured(Misconfiguration),
    /// Storage failed, or the platform replaced this object.
    Storage,
    /// A record does not open.
    Sealed(OpenError),
    /// A record opens and is not what it should be.
    Corrupt,
    /// The platform gave no randomness.
    NoRandomness,
    /// The vault belongs to someone else. Can't happen as long as vaults are named by principals.
    WrongPrincipal,
}

impl Fault {
    pub(super) fn log(&self) {
        match self {
            Self::Misconfigured(error) => worker::console_error!("{error}"),
            Self::Storage => worker::console_error!("the vault's storage failed"),
            Self::Sealed(error) => worker::console_error!("a record does not open: {error}"),
            Self::Corrupt => worker::console_error!("a record opens but has an unknown form"),
            Self::NoRandomness => worker::console_error!("the platform gave no randomness"),
            Self::WrongPrincipal => worker::console_error!("a vault was asked for someone else's records"),
        }
    }
}

impl From<worker::Error> for Fault {
    fn from(_: worker::Error) -> Self {
        Self::Storage
    }
}

impl From<OpenError> for Fault {
    fn from(error: OpenError) -> Self {
        Self::Sealed(error)
    }
}

impl From<serde_json::Error> for Fault {
    fn from(_: serde_json::Error) -> Self {
        Self::Corrupt
    }
}

impl From<crate::random::NoRandomness> for Fault {
    fn from(_: crate::random::NoRandomness) -> Self {
        Self::NoRandomness
    }
}

impl From<Fault> for Problem {
    fn from(fault: Fault) -> Self {
        match fault {
            Fault::Misconfigured(error) => Self::new(ProblemCode::Misconfigured, error.to_string()),
            _ => Self::new(
                ProblemCode::StorageUnavailable,
                "the vault could not read or write; try again",
            )
            .with_retry_after(Millis::from_secs(1)),
        }
    }
}

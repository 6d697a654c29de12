//! Failures of the platform or of stored data, not of the request.

use smartcar_connect::{edge::Problem, http_api::ProblemCode, seal::OpenError, time::Millis};

#[derive(Clone, Debug)]
pub(super) enum VaultError {
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

impl VaultError {
    pub(super) fn log(&self) {
        match self {
            Self::Storage => worker::console_error!("the vault's storage failed"),
            Self::Sealed(error) => worker::console_error!("a record does not open: {error}"),
            Self::Corrupt => worker::console_error!("a record opens but has an unknown form"),
            Self::NoRandomness => worker::console_error!("the platform gave no randomness"),
            Self::WrongPrincipal => worker::console_error!("a vault was asked for someone else's records"),
        }
    }
}

impl From<worker::Error> for VaultError {
    fn from(_: worker::Error) -> Self {
        Self::Storage
    }
}

impl From<OpenError> for VaultError {
    fn from(error: OpenError) -> Self {
        Self::Sealed(error)
    }
}

impl From<serde_json::Error> for VaultError {
    fn from(_: serde_json::Error) -> Self {
        Self::Corrupt
    }
}

impl From<crate::random::NoRandomness> for VaultError {
    fn from(_: crate::random::NoRandomness) -> Self {
        Self::NoRandomness
    }
}

impl From<VaultError> for Problem {
    fn from(_: VaultError) -> Self {
        Self::new(
            ProblemCode::StorageUnavailable,
            "the vault could not read or write; try again",
        )
        .with_retry_after(Millis::from_secs(1))
    }
}

/// Why a request to the vault is not served.
#[derive(Clone, Debug)]
pub(super) enum Refusal {
    /// It is refused, for a reason that its sender is told.
    Refused(Problem),
    /// It failed.
    Failed(VaultError),
}

impl From<Problem> for Refusal {
    fn from(problem: Problem) -> Self {
        Self::Refused(problem)
    }
}

impl<E: Into<VaultError>> From<E> for Refusal {
    fn from(error: E) -> Self {
        Self::Failed(error.into())
    }
}

//! What a connection came to, as Connect reports it.

pub(super) mod parameter;
pub(super) mod query;
pub(super) mod unverified;

use core::fmt;

use serde::Serialize;

use super::id::{ExternalId, UserId, VehicleId};
use crate::secret::secret_string;

secret_string! {
    /// Smartcar's authorization code: good for one exchange within 10 minutes.
    AuthorizationCode
}

/// What Connect reports, once the state was verified.
///
/// Serialised with the tag `kind` and camelCase fields; the code is left out, since it is a secret. `description` is
/// Smartcar's text for developers.
///
/// Source: <https://smartcar.com/docs/connect/handle-the-response> and <https://smartcar.com/docs/errors/connect-errors>.
#[derive(Clone, Debug, Serialize)]
#[serde(tag = "kind", rename_all = "snake_case", rename_all_fields = "camelCase")]
#[non_exhaustive]
pub enum Callback {
    /// The owner granted access. There is a code or a user id.
    Granted {
        /// The code, with the response type `code`.
        #[serde(skip)]
        code: Option<AuthorizationCode>,
        /// The owner's id at Smartcar. Input of the browser's: believe it only after Smartcar's API has confirmed that it
        /// belongs to this connection's external id.
        #[serde(skip_serializing_if = "Option::is_none")]
        user_id: Option<UserId>,
        /// Your own id for the owner, given back.
        #[serde(skip_serializing_if = "Option::is_none")]
        external_id: Option<ExternalId>,
        /// Where the owner of a Tesla adds the application's virtual key: `https`, or left out.
        #[serde(skip_serializing_if = "Option::is_none")]
        virtual_key_url: Option<String>,
    },
    /// The owner logged in again. The tokens that are there go on working.
    Reauthenticated {
        /// The vehicle whose owner logged in.
        vehicle_id: VehicleId,
        /// Your own id for the owner, given back.
        #[serde(skip_serializing_if = "Option::is_none")]
        external_id: Option<ExternalId>,
    },
    /// It says nothing: there is neither a code or a user id, nor a vehicle id, nor an error. Nobody was granted anything.
    Incomplete,
    /// Connect reports an error: there is no connection.
    #[serde(untagged)]
    Failed {
        /// Which one. Its name is the tag.
        #[serde(flatten)]
        error: ConnectError,
        /// Smartcar's text.
        #[serde(skip_serializing_if = "Option::is_none")]
        description: Option<String>,
    },
}

impl Callback {
    /// The tag under which the outcome is serialised: `granted`, `reauthenticated`, `incomplete`, or the
    /// [name](ConnectError::kind) of the error.
    #[must_use]
    pub const fn kind(&self) -> &'static str {
        match self {
            Self::Granted { .. } => "granted",
            Self::Reauthenticated { .. } => "reauthenticated",
            Self::Incomplete => "incomplete",
            Self::Failed { error, .. } => error.kind(),
        }
    }

    /// Whether Connect reports an error, or nothing.
    #[must_use]
    pub const fn is_error(&self) -> bool {
        matches!(self, Self::Failed { .. } | Self::Incomplete)
    }

    /// What is missing of an authorization code, for the developer; `None` if it is there, or if none is due.
    #[must_use]
    pub const fn missing_code(&self) -> Option<&'static str> {
        match self {
            Self::Granted { code: None, .. } => {
                Some("the callback has a `user_id` but no `code`: open Connect with `response_type=code`")
            }
            Self::Incomplete => Some(
                "the callback has a `state`, but no `code`, `user_id`, `vehicle_id` or `error` with a value: \
                 start the connection again",
            ),
            _ => None,
        }
    }

    /// Smartcar's text for developers, if the outcome is an error that has one.
    #[must_use]
    pub fn description(&self) -> Option<&str> {
        match self {
            Self::Failed { description, .. } => description.as_deref(),
            Self::Granted { .. } | Self::Reauthenticated { .. } | Self::Incomplete => None,
        }
    }
}

/// An error that Connect reports in place of a grant.
///
/// Source: <https://smartcar.com/docs/errors/connect-errors>.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(tag = "kind", rename_all = "snake_case", rename_all_fields = "camelCase")]
#[non_exhaustive]
pub enum ConnectError {
    /// The owner refused.
    AccessDenied,
    /// The vehicle is not compatible.
    VehicleIncompatible {
        /// The vehicle, as far as the owner agreed to tell.
        #[serde(skip_serializing_if = "Option::is_none")]
        vehicle: Option<IncompatibleVehicle>,
    },
    /// The owner's subscription to the maker's connected services is missing or over.
    InvalidSubscription,
    /// The owner's account has no vehicle.
    NoVehicles,
    /// The application is set up wrongly.
    ConfigurationError {
        /// The HTTP status that Connect would have answered with, as given.
        #[serde(skip_serializing_if = "Option::is_none")]
        status_code: Option<String>,
        /// Connect's `error_message`, in English.
        #[serde(skip_serializing_if = "Option::is_none")]
        error_message: Option<String>,
    },
    /// Smartcar failed.
    ServerError,
    /// The owner left the maker's log-in.
    OemCancelledLogin,
    /// The owner went back to the application by hand.
    UserManuallyReturnedToApplication,
    /// The owner left Connect.
    UserCancelled,
    /// An error that this version does not know.
    #[serde(rename = "unknown_error")]
    Unknown {
        /// The error as given.
        error: String,
    },
}

impl ConnectError {
    /// Smartcar's name of a known error, or `unknown_error`.
    #[must_use]
    pub const fn kind(&self) -> &'static str {
        match self {
            Self::AccessDenied => "access_denied",
            Self::VehicleIncompatible { .. } => "vehicle_incompatible",
            Self::InvalidSubscription => "invalid_subscription",
            Self::NoVehicles => "no_vehicles",
            Self::ConfigurationError { .. } => "configuration_error",
            Self::ServerError => "server_error",
            Self::OemCancelledLogin => "oem_cancelled_login",
            Self::UserManuallyReturnedToApplication => "user_manually_returned_to_application",
            Self::UserCancelled => "user_cancelled",
            Self::Unknown { .. } => "unknown_error",
        }
    }
}

/// A vehicle that Smartcar cannot connect, as far as the owner agreed to tell. Everything as given.
#[derive(Clone, Default, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct IncompatibleVehicle {
    /// Its identification number, not checked.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub vin: Option<String>,
    /// Its make.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub make: Option<String>,
    /// Its model.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub model: Option<String>,
    /// Its model year.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub year: Option<String>,
}

impl fmt::Debug for IncompatibleVehicle {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("IncompatibleVehicle")
            .field("vin", &self.vin.as_ref().map(|_| "[redacted]"))
            .field("make", &self.make)
            .field("model", &self.model)
            .field("year", &self.year)
            .finish()
    }
}

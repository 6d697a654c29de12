//! Reading what Connect sends back; its contents are to be had only once its state was verified.

use core::fmt;

use super::{
    super::{
        attempt::{Attempt, StateError},
        error::check_text,
        id::{ExternalId, UserId, VehicleId},
        redirect_uri::{Difference, RedirectUri},
        state::State,
        url_parts::UrlParts,
    },
    AuthorizationCode, Callback, ConnectError, IncompatibleVehicle,
    parameter::{self, Parameters},
    query::query_of,
};
use crate::time::UnixMillis;

/// The longest callback that is read, in bytes.
pub const MAX_CALLBACK_BYTES: usize = 8_192;

const MAX_PARAMETERS: usize = 64;
const MAX_CODE_BYTES: usize = 1_024;
const MAX_ERROR_BYTES: usize = 256;

/// A callback whose state nobody has verified yet: nothing but the state can be read from it.
///
/// Anybody can send a browser to the redirect URI with any parameters. [`verify`](Self::verify) is the one way to the
/// contents, errors included:
///
/// ```compile_fail,E0616
/// # use smartcar_connect::connect::UnverifiedCallback;
/// let callback = UnverifiedCallback::parse("?error=access_denied&state=forged").unwrap();
/// let error = callback.contents.description();
/// ```
pub struct UnverifiedCallback {
    state: Option<State>,
    contents: Callback,
}

impl UnverifiedCallback {
    /// Reads a callback from its URL, from a path with a query, or from the query alone, with or without `?`.
    ///
    /// Any parameter that occurs twice is refused, also one that Connect does not send (RFC 6749, section 3.1). Parameters
    /// without a value are not an error, but count as absent; only `error` is an error even so. Where `error` and `code` come
    /// together, the error stands.
    ///
    /// # Errors
    /// See [`CallbackError`]. No error contains a value from the callback.
    pub fn parse(url_or_query: &str) -> Result<Self, CallbackError> {
        if url_or_query.len() > MAX_CALLBACK_BYTES {
            return Err(CallbackError::TooLong);
        }
        Self::from_query(query_of(url_or_query))
    }

    /// Like [`parse`](Self::parse), for a full URL that must be `redirect_uri` with parameters added.
    ///
    /// # Errors
    /// [`CallbackError::OtherRedirectUri`] if it is another, and in what, besides those of [`parse`](Self::parse).
    pub fn parse_for(redirect_uri: &RedirectUri, url: &str) -> Result<Self, CallbackError> {
        if url.len() > MAX_CALLBACK_BYTES {
            return Err(CallbackError::TooLong);
        }
        let url = UrlParts::parse(url).ok_or(CallbackError::OtherRedirectUri(Difference::NotAUrl))?;
        match redirect_uri.difference(&url) {
            Some(difference) => Err(CallbackError::OtherRedirectUri(difference)),
            None => Self::from_query(&url.query),
        }
    }

    /// Like [`parse`](Self::parse), for a query alone, without `?`.
    ///
    /// # Errors
    /// Those of [`parse`](Self::parse).
    pub fn from_query(query: &str) -> Result<Self, CallbackError> {
        if query.len() > MAX_CALLBACK_BYTES {
            return Err(CallbackError::TooLong);
        }
        let mut parameters = Parameters::default();
        let mut seen = Vec::new();
        let mut any = false;
        for (name, value) in form_urlencoded::parse(query.as_bytes()) {
            if seen.len() >= MAX_PARAMETERS {
                return Err(CallbackError::TooLong);
            }
            if seen.contains(&name) {
                return Err(CallbackError::RepeatedParameter {
                    name: parameter::known_name(&name),
                });
            }
            if let Some(slot) = parameters.slot(&name) {
                any = true;
                if !value.is_empty() || name == "error" {
                    *slot = Some(value.into_owned());
                }
            }
            seen.push(name);
        }
        if !any {
            return Err(CallbackError::NoParameters);
        }
        if parameters.iss.take().is_some_and(|issuer| !is_smartcar(&issuer)) {
            return Err(CallbackError::OtherIssuer);
        }
        let state = checked("state", parameters.state.take(), |state| State::parse(&state).ok())?;
        Ok(Self {
            state,
            contents: contents(parameters)?,
        })
    }

    /// The state that the callback brings, by which to find the connection that was started.
    #[must_use]
    pub const fn state(&self) -> Option<&State> {
        self.state.as_ref()
    }

    /// The contents, if the callback belongs to `attempt` and is in time.
    ///
    /// Remove the attempt from where it is stored before this is called, whatever comes of it: a state is used once.
    ///
    /// # Errors
    /// [`StateError::Missing`] without a state, [`StateError::Unknown`] with another one, [`StateError::Expired`] too late.
    pub fn verify(self, attempt: &Attempt, now: UnixMillis) -> Result<Callback, StateError> {
        attempt.check(&self.state.ok_or(StateError::Missing)?, now)?;
        Ok(self.contents)
    }
}

impl fmt::Debug for UnverifiedCallback {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("UnverifiedCallback([redacted])")
    }
}

/// Whether an issuer (RFC 9207) is one of Smartcar's: an origin of `smartcar.com` or below it. Smartcar documents none so far.
fn is_smartcar(issuer: &str) -> bool {
    UrlParts::parse(issuer).is_some_and(|issuer| {
        let host = issuer.host.strip_suffix("smartcar.com");
        let is_host = host.is_some_and(|below| below.is_empty() || below.ends_with('.'));
        issuer.scheme == "https" && is_host && !issuer.has_credentials
    })
}

fn contents(parameters: Parameters) -> Result<Callback, CallbackError> {
    if let Some(name) = parameters.error {
        if !name.is_empty() && check_text(&name, MAX_ERROR_BYTES).is_err() {
            return Err(CallbackError::Malformed { name: "error" });
        }
        let error = match name.as_str() {
            "access_denied" => ConnectError::AccessDenied,
            "vehicle_incompatible" => {
                let (vin, make, model, year) = (parameters.vin, parameters.make, parameters.model, parameters.year);
                let vehicle = IncompatibleVehicle { vin, make, model, year };
                ConnectError::VehicleIncompatible {
                    vehicle: (vehicle != IncompatibleVehicle::default()).then_some(vehicle),
                }
            }
            "invalid_subscription" => ConnectError::InvalidSubscription,
            "no_vehicles" => ConnectError::NoVehicles,
            "configuration_error" => ConnectError::ConfigurationError {
                status_code: parameters.status_code,
                error_message: parameters.error_message,
            },
            "server_error" => ConnectError::ServerError,
            "oem_cancelled_login" => ConnectError::OemCancelledLogin,
            "user_manually_returned_to_application" => ConnectError::UserManuallyReturnedToApplication,
            "user_cancelled" => ConnectError::UserCancelled,
            _ => ConnectError::Unknown { error: name },
        };
        return Ok(Callback::Failed {
            error,
            description: parameters.error_description,
        });
    }
    let code = checked("code", parameters.code, |code| {
        (code.is_ascii() && check_text(&code, MAX_CODE_BYTES).is_ok()).then(|| AuthorizationCode::new(code))
    })?;
    let user_id = checked("user_id", parameters.user_id, |id| UserId::try_from(id).ok())?;
    let vehicle_id = checked("vehicle_id", parameters.vehicle_id, |id| VehicleId::try_from(id).ok())?;
    // Connect gives back the literal `null` with which a stored id was cleared: there is none.
    let external_id = parameters.external_id.filter(|id| id != "null");
    let external_id = checked("external_id", external_id, |id| ExternalId::try_from(id).ok())?;
    if code.is_none() && user_id.is_none() {
        return Ok(match vehicle_id {
            Some(vehicle_id) => Callback::Reauthenticated {
                vehicle_id,
                external_id,
            },
            None => Callback::Incomplete,
        });
    }
    // An app may well make a link of it: no other scheme may come through, yet a grant is not lost for it.
    let virtual_key_url = parameters
        .virtual_key_url
        .filter(|url| UrlParts::parse(url).is_some_and(|url| url.scheme == "https"));
    Ok(Callback::Granted {
        code,
        user_id,
        external_id,
        virtual_key_url,
    })
}

/// Converts a value that is there. Where percent-encoding hid something other than UTF-8, U+FFFD stands now.
fn checked<T>(
    name: &'static str,
    value: Option<String>,
    convert: impl FnOnce(String) -> Option<T>,
) -> Result<Option<T>, CallbackError> {
    let Some(value) = value else { return Ok(None) };
    let converted = if value.contains('\u{fffd}') {
        None
    } else {
        convert(value)
    };
    converted.map(Some).ok_or(CallbackError::Malformed { name })
}

/// Why a callback could not be read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum CallbackError {
    /// A parameter occurs more than once.
    RepeatedParameter {
        /// Its name, if it is one of Connect's.
        name: Option<&'static str>,
    },
    /// There is none of Connect's parameters.
    NoParameters,
    /// A parameter has a value that Connect does not send.
    Malformed {
        /// Its name.
        name: &'static str,
    },
    /// The callback is longer than [`MAX_CALLBACK_BYTES`] or has more than 64 parameters.
    TooLong,
    /// The URL is not the redirect URI.
    OtherRedirectUri(
        /// In what it differs first.
        Difference,
    ),
    /// It names an issuer (`iss`, RFC 9207) that is not Smartcar: another authorization server sent it.
    OtherIssuer,
}

impl CallbackError {
    /// A stable name: `callback_repeated_parameter`, `callback_empty`, `callback_malformed`, `callback_too_long`,
    /// `callback_other_redirect_uri` or `callback_other_issuer`.
    #[must_use]
    pub const fn code(self) -> &'static str {
        match self {
            Self::RepeatedParameter { .. } => "callback_repeated_parameter",
            Self::NoParameters => "callback_empty",
            Self::Malformed { .. } => "callback_malformed",
            Self::TooLong => "callback_too_long",
            Self::OtherRedirectUri(_) => "callback_other_redirect_uri",
            Self::OtherIssuer => "callback_other_issuer",
        }
    }
}

impl fmt::Display for CallbackError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (name, text) = match self {
            Self::RepeatedParameter { name: None } => {
                return f.write_str("a parameter of the callback occurs more than once; start the connection again");
            }
            Self::RepeatedParameter { name: Some(name) } => {
                (name, "` occurs more than once; start the connection again")
            }
            Self::Malformed { name } => (name, "` is not what Smartcar sends; start the connection again"),
            Self::NoParameters => {
                return f
                    .write_str("the callback has no parameters of Smartcar Connect; open it from Connect's redirect");
            }
            Self::TooLong => return f.write_str("the callback is too long; start the connection again"),
            Self::OtherRedirectUri(difference) => {
                f.write_str("the callback is not at the redirect URI: ")?;
                return f.write_str(difference.text());
            }
            Self::OtherIssuer => {
                return f.write_str(
                    "the callback's `iss` is not Smartcar; do not believe it, and start the connection again",
                );
            }
        };
        f.write_str("the callback's `")?;
        f.write_str(name)?;
        f.write_str(text)
    }
}

impl std::error::Error for CallbackError {}

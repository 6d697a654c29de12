//! Reading what Connect sends back, and believing it only after its state was verified.

use core::fmt;

use url::form_urlencoded;

use super::{
    address::Address,
    error::check_text,
    id::{ExternalId, UserId, VehicleId},
    origin,
    outcome::{AuthorizationCode, Callback, IncompatibleVehicle},
    pending::{PendingConnection, StateError},
    redirect_uri::RedirectUri,
    state::State,
};
use crate::time::UnixMillis;

/// The longest callback that is read, in bytes.
pub const MAX_CALLBACK_BYTES: usize = 8_192;

const MAX_PARAMETERS: usize = 64;
const MAX_CODE_BYTES: usize = 1_024;
const MAX_ERROR_BYTES: usize = 256;

/// Defines the parameters that Connect adds to the redirect URI.
macro_rules! parameters {
    ($($name:ident),+ $(,)?) => {
        #[derive(Default)]
        struct Parameters {
            $($name: Option<String>,)+
        }

        impl Parameters {
            fn slot(&mut self, name: &str) -> Option<&mut Option<String>> {
                match name {
                    $(stringify!($name) => Some(&mut self.$name),)+
                    _ => None,
                }
            }
        }

        /// The name, if it is one that Connect adds on its own.
        pub(super) fn known_name(name: &str) -> Option<&'static str> {
            match name {
                $(stringify!($name) => Some(stringify!($name)),)+
                _ => None,
            }
        }
    };
}

parameters! {
    code, state, user_id, external_id, virtual_key_url, vehicle_id, error, error_description, vin, make, model, year,
    status_code, error_message,
}

/// A callback whose state nobody has verified yet: nothing but the state can be read from it.
///
/// Anybody can send a browser to the redirect URI with any parameters. [`verify`](Self::verify) is the one way to the
/// contents, errors included:
///
/// ```compile_fail,E0616
/// # use smartcar_connect::connect::UncheckedCallback;
/// let callback = UncheckedCallback::parse("?error=access_denied&state=forged").unwrap();
/// let error = callback.contents.description();
/// ```
pub struct UncheckedCallback {
    state: Option<State>,
    contents: Callback,
}

impl UncheckedCallback {
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
        let without_fragment = url_or_query.split_once('#').map_or(url_or_query, |(before, _)| before);
        Self::from_query(query_of(without_fragment))
    }

    /// Like [`parse`](Self::parse), for a full URL that must be `redirect_uri` with parameters added.
    ///
    /// # Errors
    /// [`CallbackError::OtherRedirectUri`] if it is another, besides those of [`parse`](Self::parse).
    pub fn parse_for(redirect_uri: &RedirectUri, url: &str) -> Result<Self, CallbackError> {
        if url.len() > MAX_CALLBACK_BYTES {
            return Err(CallbackError::TooLong);
        }
        let address = Address::parse(url).ok_or(CallbackError::OtherRedirectUri)?;
        if !redirect_uri.leads_to(&address) {
            return Err(CallbackError::OtherRedirectUri);
        }
        Self::from_query(&address.query)
    }

    fn from_query(query: &str) -> Result<Self, CallbackError> {
        let mut parameters = Parameters::default();
        let mut seen = Vec::new();
        let mut any = false;
        for (name, value) in form_urlencoded::parse(query.as_bytes()) {
            if seen.len() >= MAX_PARAMETERS {
                return Err(CallbackError::TooLong);
            }
            if seen.contains(&name) {
                return Err(CallbackError::RepeatedParameter {
                    name: known_name(&name),
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

    /// The contents, if the callback belongs to `pending` and is in time.
    ///
    /// Remove the pending connection from where it is stored before this is called, whatever comes of it: a state is used
    /// once.
    ///
    /// # Errors
    /// [`StateError::Missing`] without a state, [`StateError::Unknown`] with another one, [`StateError::Expired`] too late.
    pub fn verify(self, pending: &PendingConnection, now: UnixMillis) -> Result<Callback, StateError> {
        pending.check(&self.state.ok_or(StateError::Missing)?, now)?;
        Ok(self.contents)
    }
}

impl fmt::Debug for UncheckedCallback {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("UncheckedCallback([redacted])")
    }
}

/// A query can contain `?` and `://` itself; it is a URL or a path only if one of those comes before any `=` or `&`.
fn query_of(url_or_query: &str) -> &str {
    let (before, query) = url_or_query.split_once('?').unwrap_or((url_or_query, ""));
    let is_url = origin::split_scheme(before).is_some_and(|(scheme, _)| is_scheme(scheme));
    if before.is_empty() || before.starts_with('/') || is_url {
        query
    } else {
        url_or_query
    }
}

fn is_scheme(text: &str) -> bool {
    !text.is_empty()
        && text
            .bytes()
            .all(|b| b.is_ascii_alphanumeric() || matches!(b, b'+' | b'-' | b'.'))
}

fn contents(parameters: Parameters) -> Result<Callback, CallbackError> {
    if let Some(error) = parameters.error {
        if !error.is_empty() && check_text("error", &error, MAX_ERROR_BYTES).is_err() {
            return Err(CallbackError::Malformed { name: "error" });
        }
        let description = parameters.error_description;
        return Ok(match error.as_str() {
            "access_denied" => Callback::AccessDenied { description },
            "vehicle_incompatible" => {
                let (vin, make, model, year) = (parameters.vin, parameters.make, parameters.model, parameters.year);
                let vehicle = IncompatibleVehicle { vin, make, model, year };
                let vehicle = (vehicle != IncompatibleVehicle::default()).then_some(vehicle);
                Callback::VehicleIncompatible { vehicle, description }
            }
            "invalid_subscription" => Callback::InvalidSubscription { description },
            "no_vehicles" => Callback::NoVehicles { description },
            "configuration_error" => {
                let (status_code, error_message) = (parameters.status_code, parameters.error_message);
                Callback::ConfigurationError {
                    status_code,
                    error_message,
                    description,
                }
            }
            "server_error" => Callback::ServerError { description },
            "oem_cancelled_login" => Callback::OemCancelledLogin { description },
            "user_manually_returned_to_application" => Callback::UserManuallyReturnedToApplication { description },
            "user_cancelled" => Callback::UserCancelled { description },
            _ => Callback::UnknownError { error, description },
        });
    }
    let code = checked("code", parameters.code, |code| {
        (code.is_ascii() && check_text("code", &code, MAX_CODE_BYTES).is_ok()).then(|| AuthorizationCode::new(code))
    })?;
    let user_id = checked("user_id", parameters.user_id, |id| UserId::try_from(id).ok())?;
    let vehicle_id = checked("vehicle_id", parameters.vehicle_id, |id| VehicleId::try_from(id).ok())?;
    // Connect gives back the literal `null` with which a stored id was cleared: there is none.
    let external_id = parameters.external_id.filter(|id| id != "null");
    let external_id = checked("external_id", external_id, |id| ExternalId::try_from(id).ok())?;
    if let (None, None, Some(vehicle_id)) = (&code, &user_id, vehicle_id) {
        return Ok(Callback::Reauthenticated {
            vehicle_id,
            external_id,
        });
    }
    // An app may well make a link of it: no other scheme may come through, yet a grant is not lost for it.
    let virtual_key_url = parameters
        .virtual_key_url
        .filter(|url| Address::parse(url).is_some_and(|address| address.scheme == "https"));
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
    OtherRedirectUri,
}

impl CallbackError {
    /// A stable name: `callback_repeated_parameter`, `callback_empty`, `callback_malformed`, `callback_too_long` or
    /// `callback_other_redirect_uri`.
    #[must_use]
    pub const fn code(self) -> &'static str {
        match self {
            Self::RepeatedParameter { .. } => "callback_repeated_parameter",
            Self::NoParameters => "callback_empty",
            Self::Malformed { .. } => "callback_malformed",
            Self::TooLong => "callback_too_long",
            Self::OtherRedirectUri => "callback_other_redirect_uri",
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
            Self::OtherRedirectUri => {
                return f.write_str("the callback is not at the redirect URI; give the URL that Connect redirected to");
            }
        };
        f.write_str("the callback's `")?;
        f.write_str(name)?;
        f.write_str(text)
    }
}

impl std::error::Error for CallbackError {}

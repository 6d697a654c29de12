//! The error bodies of Smartcar's API 2.0, as documented at <https://smartcar.com/docs/errors/api-errors>.

use axum::http::{HeaderValue, StatusCode, header};
use serde_json::{Value, json};

use crate::{
    http::{self, Answer},
    ids,
};

/// What the application or its user can do about an error.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Resolution {
    /// Nothing is said.
    Unknown,
    RetryLater,
    /// With the address of Connect's re-authentication when the vehicle is known.
    Reauthenticate,
    /// The same, and never with an address.
    ReauthenticateWithoutUrl,
    ContactSupport,
    ActionRequired,
}

/// One documented error.
#[derive(Clone, Copy, Debug)]
pub(crate) struct ApiError {
    pub(crate) kind: &'static str,
    pub(crate) code: Option<&'static str>,
    status: u16,
    resolution: Resolution,
    description: &'static str,
}

const fn error(
    kind: &'static str,
    code: Option<&'static str>,
    status: u16,
    resolution: Resolution,
    description: &'static str,
) -> ApiError {
    ApiError {
        kind,
        code,
        status,
        resolution,
        description,
    }
}

pub(crate) const AUTHENTICATION: ApiError = error(
    "AUTHENTICATION",
    None,
    401,
    Resolution::Unknown,
    "The authorization header is missing or malformed, or it contains invalid or expired authentication credentials. \
     Please check for missing parameters, spelling and casing mistakes, and other syntax issues.",
);
pub(crate) const PERMISSION: ApiError = error(
    "PERMISSION",
    None,
    403,
    Resolution::ReauthenticateWithoutUrl,
    "Your application has insufficient permissions to access the requested resource. \
     Please prompt the user to re-authenticate using Smartcar Connect.",
);
pub(crate) const RESOURCE_NOT_FOUND: ApiError = error(
    "RESOURCE_NOT_FOUND",
    None,
    404,
    Resolution::Unknown,
    "The requested resource does not exist. Please check for spelling mistakes, wrong URLs or HTTP methods.",
);
pub(crate) const VALIDATION: ApiError = error(
    "VALIDATION",
    None,
    400,
    Resolution::Unknown,
    "Request invalid or malformed. \
     Please check for missing parameters, spelling and casing mistakes, and other syntax issues.",
);
pub(crate) const AUTHENTICATION_FAILED: ApiError = error(
    "CONNECTED_SERVICES_ACCOUNT",
    Some("AUTHENTICATION_FAILED"),
    400,
    Resolution::Reauthenticate,
    "Smartcar was unable to authenticate with the user’s connected services account. \
     Please prompt the user to re-authenticate using Smartcar Connect.",
);

/// Every error that a fault may ask for by name.
const DOCUMENTED: &[ApiError] = &[
    AUTHENTICATION,
    PERMISSION,
    RESOURCE_NOT_FOUND,
    VALIDATION,
    AUTHENTICATION_FAILED,
    error(
        "CONNECTED_SERVICES_ACCOUNT",
        Some("ACCOUNT_ISSUE"),
        400,
        Resolution::ActionRequired,
        "Action needed in the user’s connected services account. \
         The user needs to log in to it and accept terms of service or complete its setup.",
    ),
    error(
        "CONNECTED_SERVICES_ACCOUNT",
        Some("NO_VEHICLES"),
        400,
        Resolution::ActionRequired,
        "No vehicles found in the user’s connected services account.",
    ),
    error(
        "CONNECTED_SERVICES_ACCOUNT",
        Some("PERMISSION"),
        400,
        Resolution::Reauthenticate,
        "Smartcar was unable to access the requested resource, \
         because the user’s connected services account lacks the permission.",
    ),
    error(
        "CONNECTED_SERVICES_ACCOUNT",
        Some("SUBSCRIPTION"),
        400,
        Resolution::ActionRequired,
        "The vehicle’s connected services subscription is inactive.",
    ),
    error(
        "CONNECTED_SERVICES_ACCOUNT",
        Some("VEHICLE_MISSING"),
        400,
        Resolution::Reauthenticate,
        "The vehicle is no longer in the user’s connected services account.",
    ),
    error(
        "CONNECTED_SERVICES_ACCOUNT",
        Some("VIRTUAL_KEY_REQUIRED"),
        400,
        Resolution::ActionRequired,
        "The vehicle’s owner has to add a virtual key before this request can be made.",
    ),
    error(
        "RATE_LIMIT",
        Some("SMARTCAR_API"),
        429,
        Resolution::RetryLater,
        "Your application has exceeded its rate limit. \
         Please see the retry-after header for when to retry the request.",
    ),
    error(
        "RATE_LIMIT",
        Some("VEHICLE"),
        429,
        Resolution::RetryLater,
        "You have reached the throttling rate limit for this vehicle. \
         Please see the retry-after header for when to retry the request.",
    ),
    error(
        "BILLING",
        Some("VEHICLE_REQUEST_LIMIT"),
        430,
        Resolution::ContactSupport,
        "Your application has used up its monthly requests for this vehicle.",
    ),
    error(
        "BILLING",
        Some("VEHICLE_LIMIT"),
        430,
        Resolution::ContactSupport,
        "Your application has reached the number of vehicles of its plan.",
    ),
    error(
        "BILLING",
        Some("INVALID_PLAN"),
        430,
        Resolution::ContactSupport,
        "Your application’s plan does not include this request.",
    ),
    error(
        "BILLING",
        Some("ACCOUNT_SUSPENDED"),
        430,
        Resolution::ContactSupport,
        "Your account is suspended.",
    ),
    error(
        "COMPATIBILITY",
        Some("MAKE_NOT_COMPATIBLE"),
        501,
        Resolution::ContactSupport,
        "Smartcar does not support this make yet.",
    ),
    error(
        "COMPATIBILITY",
        Some("SMARTCAR_NOT_CAPABLE"),
        501,
        Resolution::ContactSupport,
        "Smartcar does not support this feature for this vehicle yet.",
    ),
    error(
        "COMPATIBILITY",
        Some("VEHICLE_NOT_CAPABLE"),
        501,
        Resolution::Unknown,
        "The vehicle does not support this feature.",
    ),
    error(
        "VEHICLE_STATE",
        Some("ASLEEP"),
        409,
        Resolution::RetryLater,
        "The vehicle is in a sleep state and temporarily unable to perform your request.",
    ),
    error(
        "SERVER",
        Some("INTERNAL"),
        500,
        Resolution::RetryLater,
        "An unexpected error occurred on our end.",
    ),
    error(
        "UPSTREAM",
        Some("NO_RESPONSE"),
        502,
        Resolution::RetryLater,
        "Smartcar did not receive a response from an upstream data source.",
    ),
];

impl ApiError {
    /// Finds `TYPE` or `TYPE/CODE`.
    pub(crate) fn find(name: &str) -> Option<Self> {
        let (kind, code) = name
            .split_once('/')
            .map_or((name, None), |(kind, code)| (kind, Some(code)));
        DOCUMENTED
            .iter()
            .copied()
            .find(|error| error.kind == kind && (code.is_none() || error.code == code))
    }

    /// Every name that [`Self::find`] knows.
    pub(crate) fn names() -> Vec<String> {
        DOCUMENTED
            .iter()
            .map(|error| {
                error
                    .code
                    .map_or_else(|| error.kind.to_owned(), |code| format!("{}/{code}", error.kind))
            })
            .collect()
    }

    /// The answer; `reauthenticate_url` is where Connect would repair the vehicle at hand.
    pub(crate) fn answer(self, detail: Option<Value>, reauthenticate_url: Option<&str>) -> Answer {
        let request_id = ids::uuid();
        let page = self.kind.to_lowercase().replace('_', "-");
        let anchor = self
            .code
            .map(|code| format!("#{}", code.to_lowercase().replace('_', "-")))
            .unwrap_or_default();
        let mut body = json!({
            "type": self.kind,
            "code": self.code,
            "description": self.description,
            "docURL": format!("https://smartcar.com/docs/errors/api-errors/{page}-errors{anchor}"),
            "statusCode": self.status,
            "requestId": request_id,
            "resolution": self.resolution.body(reauthenticate_url),
        });
        if let Some(object) = body.as_object_mut() {
            if let Some(detail) = detail {
                object.insert("detail".to_owned(), detail);
            }
            if self.resolution == Resolution::Reauthenticate {
                let message = "Your car got disconnected from <app name>. \
                               Please use this link to re-connect your car: <link to Smartcar Connect>.";
                object.insert("suggestedUserMessage".to_owned(), message.into());
            }
        }
        let status = StatusCode::from_u16(self.status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
        let mut answer = http::json(status, &body);
        let headers = answer.headers_mut();
        if let Ok(value) = HeaderValue::from_str(&request_id) {
            headers.insert("sc-request-id", value);
        }
        if self.status == 429 {
            headers.insert(header::RETRY_AFTER, HeaderValue::from_static("30"));
        }
        answer
    }
}

impl Resolution {
    fn body(self, reauthenticate_url: Option<&str>) -> Value {
        match (self, reauthenticate_url) {
            (Self::Unknown, _) => json!({ "type": null }),
            (Self::RetryLater, _) => json!({ "type": "RETRY_LATER" }),
            (Self::Reauthenticate, Some(url)) => json!({ "type": "REAUTHENTICATE", "url": url }),
            (Self::Reauthenticate | Self::ReauthenticateWithoutUrl, _) => json!({ "type": "REAUTHENTICATE" }),
            (Self::ContactSupport, _) => json!({ "type": "CONTACT_SUPPORT" }),
            (Self::ActionRequired, _) => json!({ "type": "ACTION_REQUIRED" }),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bodies_are_as_documented() {
        let url = "https://connect.example/oauth/reauthenticate?vehicle_id=x";
        let answer = AUTHENTICATION_FAILED.answer(None, Some(url));
        let mut body: Value = serde_json::from_slice(answer.body()).unwrap();
        let request_id = body["requestId"].take();
        assert_eq!(request_id.as_str().unwrap(), answer.headers()["sc-request-id"]);
        assert_eq!(
            body,
            json!({
                "type": "CONNECTED_SERVICES_ACCOUNT",
                "code": "AUTHENTICATION_FAILED",
                "description": "Smartcar was unable to authenticate with the user\u{2019}s connected services account. \
                                Please prompt the user to re-authenticate using Smartcar Connect.",
                "docURL": "https://smartcar.com/docs/errors/api-errors/\
                           connected-services-account-errors#authentication-failed",
                "statusCode": 400,
                "requestId": null,
                "resolution": { "type": "REAUTHENTICATE", "url": url },
                "suggestedUserMessage": "Your car got disconnected from <app name>. \
                                         Please use this link to re-connect your car: <link to Smartcar Connect>.",
            })
        );
    }

    #[test]
    fn every_name_is_found() {
        for (name, error) in ApiError::names().iter().zip(DOCUMENTED) {
            let found = ApiError::find(name).unwrap();
            assert_eq!(
                (found.kind, found.code, found.status),
                (error.kind, error.code, error.status)
            );
        }
        assert!(ApiError::find("RATE_LIMIT/NOTHING").is_none());
        assert!(ApiError::find("").is_none());
    }
}

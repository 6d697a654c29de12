//! What an answer of Smartcar's, or a webhook, says of the owner of a vehicle.

use serde::{Deserialize, Serialize};

use crate::{
    api::{ApiError, ApiTarget, Finding, ResolutionKind},
    connect::{Origin, ReauthenticateUrl, VehicleId},
    http_api::Cause,
    string_enum::string_enum,
};

/// The permission that the description of a vehicle takes.
pub(in crate::vault) const DESCRIBES: &str = "read_vehicle_info";

string_enum! {
    /// Why Smartcar wants the owner of a vehicle back. Each is mended in another way.
    MarkCause {
        /// Smartcar can't log in at the car's maker, or wants the owner to log in there for another reason.
        LogInFailed = "authentication_failed",
        /// The owner has not granted the application what a request takes.
        PermissionMissing = "permission_missing",
        /// The owner's account at the car's maker does not grant Smartcar what a request takes.
        MakerPermissionMissing = "maker_permission_missing",
    }
}

impl MarkCause {
    /// The rule: what an error with this type and code says; `None` if its owner has nothing to do. `is_reauthentication` is
    /// whether its resolution is `REAUTHENTICATE`.
    #[must_use]
    pub fn of(error_type: Option<&str>, code: Option<&str>, is_reauthentication: bool) -> Option<Self> {
        let is = |text: Option<&str>, name: &str| text.is_some_and(|text| text.eq_ignore_ascii_case(name));
        let is_account = is(error_type, "CONNECTED_SERVICES_ACCOUNT");
        if is_account && is(code, "AUTHENTICATION_FAILED") {
            Some(Self::LogInFailed)
        } else if !is_reauthentication {
            None
        } else if is(error_type, "PERMISSION") {
            Some(Self::PermissionMissing)
        } else if is_account && is(code, "PERMISSION") {
            Some(Self::MakerPermissionMissing)
        } else {
            Some(Self::LogInFailed)
        }
    }

    /// As the owner of a connection sees it.
    #[must_use]
    pub const fn cause(self) -> Cause {
        match self {
            Self::LogInFailed => Cause::AuthenticationFailed,
            Self::PermissionMissing => Cause::PermissionMissing,
            Self::MakerPermissionMissing => Cause::MakerPermissionMissing,
        }
    }
}

/// What an error says of the owner of a vehicle.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Complaint {
    /// Why the owner is wanted.
    pub cause: MarkCause,
    /// The permission that the request took that failed, if that is known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub permission: Option<String>,
    /// Where Smartcar sends the owner: on the origin of Connect, and about this vehicle.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub resolution_url: Option<String>,
}

impl Complaint {
    /// What the error of a request says that takes `permission`; `None` if its owner has nothing to do. A URL that is not on
    /// `connect` is left out.
    #[must_use]
    pub fn of(error: &ApiError, permission: Option<&str>, vehicle: &VehicleId, connect: &Origin) -> Option<Self> {
        // That is about the token.
        if error.rejects_token() {
            return None;
        }
        let resolution = error.resolution.as_ref();
        let resolution = resolution.filter(|resolution| resolution.kind == ResolutionKind::Reauthenticate);
        let cause = MarkCause::of(error.error_type.as_deref(), error.code.as_deref(), resolution.is_some())?;
        let url = resolution.and_then(|resolution| resolution.url.as_deref());
        Some(Self {
            cause,
            permission: permission.map(str::to_owned),
            resolution_url: url
                .filter(|url| {
                    cause == MarkCause::LogInFailed && ReauthenticateUrl::is_resolution(connect, url, vehicle)
                })
                .map(str::to_owned),
        })
    }

    /// What somebody else than the answer to a request says, such as a webhook.
    #[must_use]
    pub const fn reported(cause: MarkCause) -> Self {
        Self {
            cause,
            permission: None,
            resolution_url: None,
        }
    }

    /// Whether it is the same as a mark but for its time and place.
    #[must_use]
    pub fn is_of(&self, cause: MarkCause, permission: Option<&str>) -> bool {
        self.cause == cause && self.permission.as_deref() == permission
    }
}

/// That a request for a vehicle succeeded.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Success {
    /// The permission that it took.
    pub permission: Option<String>,
    /// Whether the car's maker was asked.
    pub asks_the_maker: bool,
}

impl Success {
    /// Of a request for this.
    #[must_use]
    pub fn of(target: &ApiTarget) -> Self {
        Self {
            permission: target.permission().map(str::to_owned),
            asks_the_maker: target.asks_the_maker(),
        }
    }

    /// Of what an answer of v3 says.
    #[must_use]
    pub fn found(finding: &Finding) -> Self {
        Self {
            permission: finding.permission.map(str::to_owned),
            asks_the_maker: finding.asks_the_maker,
        }
    }

    /// Of the question what a vehicle is.
    pub(in crate::vault) fn of_description() -> Self {
        Self {
            permission: Some(DESCRIBES.to_owned()),
            asks_the_maker: false,
        }
    }

    /// Whether it shows that what a mark says is over.
    #[must_use]
    pub fn disproves(&self, cause: MarkCause, permission: Option<&str>) -> bool {
        let is_same_request = self.permission.is_some() && self.permission.as_deref() == permission;
        is_same_request || (self.asks_the_maker && cause == MarkCause::LogInFailed)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::time::UnixMillis;

    const NOW: UnixMillis = UnixMillis::new(1_790_000_000_000);

    fn complaint(status: u16, body: &str) -> Option<Complaint> {
        let error = ApiError::read(status, |_| None, body.as_bytes(), NOW);
        let vehicle = VehicleId::parse("v1").unwrap();
        Complaint::of(&error, Some("read_odometer"), &vehicle, &Origin::connect())
    }

    fn url_kept(url: &str) -> Option<String> {
        let resolution = serde_json::json!({"type": "REAUTHENTICATE", "url": url});
        let body = serde_json::json!({
            "type": "CONNECTED_SERVICES_ACCOUNT", "code": "AUTHENTICATION_FAILED", "resolution": resolution,
        });
        complaint(400, &body.to_string()).unwrap().resolution_url
    }

    #[test]
    fn each_error_says_one_thing_of_the_owner_or_nothing() {
        use MarkCause::{LogInFailed, MakerPermissionMissing, PermissionMissing};
        let account = "CONNECTED_SERVICES_ACCOUNT";
        for (kind, code, without, with) in [
            (
                account,
                Some("AUTHENTICATION_FAILED"),
                Some(LogInFailed),
                Some(LogInFailed),
            ),
            (account, Some("PERMISSION"), None, Some(MakerPermissionMissing)),
            (account, Some("VEHICLE_MISSING"), None, Some(LogInFailed)),
            (account, Some("VIRTUAL_KEY_REQUIRED"), None, Some(LogInFailed)),
            (account, None, None, Some(LogInFailed)),
            ("PERMISSION", None, None, Some(PermissionMissing)),
            ("permission", Some("X"), None, Some(PermissionMissing)),
            ("AUTHENTICATION", None, None, Some(LogInFailed)),
            ("VEHICLE_STATE", Some("AUTHENTICATION_FAILED"), None, Some(LogInFailed)),
        ] {
            assert_eq!(MarkCause::of(Some(kind), code, false), without, "{kind} {code:?}");
            assert_eq!(MarkCause::of(Some(kind), code, true), with, "{kind} {code:?}");
        }
        assert_eq!(MarkCause::of(None, Some("AUTHENTICATION_FAILED"), false), None);
        for cause in MarkCause::ALL {
            assert_eq!(cause.as_str(), cause.cause().as_str());
        }
    }

    #[test]
    fn what_is_about_the_token_says_nothing_of_the_owner() {
        let body = r#"{"type":"AUTHENTICATION","resolution":{"type":"REAUTHENTICATE"}}"#;
        assert_eq!(complaint(401, body), None);
        let told = complaint(400, body).unwrap();
        assert_eq!(
            (told.cause, told.permission.as_deref()),
            (MarkCause::LogInFailed, Some("read_odometer"))
        );
    }

    #[test]
    fn a_url_is_kept_if_it_is_connects_and_about_this_vehicle_alone() {
        let good =
            "https://connect.smartcar.com/oauth/reauthenticate?response_type=vehicle_id&client_id=c&vehicle_id=v1";
        assert_eq!(url_kept(good).as_deref(), Some(good));
        let with_port = good.replace(".com/", ".com:443/");
        assert_eq!(url_kept(&with_port), Some(with_port));
        let query = "response_type=vehicle_id&vehicle_id=v1";
        for bad in [
            format!("https://connect.smartcar.com.evil.example/oauth/reauthenticate?{query}"),
            format!("https://connect-smartcar.com/oauth/reauthenticate?{query}"),
            format!("https://connect.smartcar.com@evil.example/oauth/reauthenticate?{query}"),
            format!("https://user@connect.smartcar.com/oauth/reauthenticate?{query}"),
            format!("https://:pw@connect.smartcar.com/oauth/reauthenticate?{query}"),
            format!("http://connect.smartcar.com/oauth/reauthenticate?{query}"),
            format!("https://connect.smartcar.com:8443/oauth/reauthenticate?{query}"),
            format!("https://connect.smartcar.com./oauth/reauthenticate?{query}"),
            format!("https://api.smartcar.com/oauth/reauthenticate?{query}"),
            format!("//connect.smartcar.com/oauth/reauthenticate?{query}"),
            format!("https:\\\\connect.smartcar.com\\oauth\\reauthenticate?{query}"),
            format!("https://connect.smartcar.com/oauth/reauthenticate/../../elsewhere?{query}"),
            format!("https://connect.smartcar.com/oauth/authorize?{query}"),
            format!("https://connect.smartcar.com/oauth/reauthenticate?{query}#fragment"),
            format!("https://connect.smartcar.com/oauth/reauthenticate?{query}&vehicle_id=v2"),
            format!("https://connect.smartcar.com/oauth/reauthenticate?{query}&client_secret=s"),
            "https://connect.smartcar.com/oauth/reauthenticate?vehicle_id=v2".to_owned(),
            "https://connect.smartcar.com/oauth/reauthenticate?response_type=vehicle_id".to_owned(),
            "javascript:alert(1)".to_owned(),
            "data:text/html,x".to_owned(),
            String::new(),
        ] {
            assert_eq!(url_kept(&bad), None, "{bad}");
        }
        let permission =
            serde_json::json!({"type": "PERMISSION", "resolution": {"type": "REAUTHENTICATE", "url": good}});
        assert_eq!(
            complaint(403, &permission.to_string()).unwrap().resolution_url,
            None,
            "it mends no permission"
        );
    }
}

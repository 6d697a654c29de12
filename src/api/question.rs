//! Asking whether something works again.

use super::{
    call::{ApiTarget, Found},
    endpoint::{ENDPOINTS, Endpoint},
    request::{ApiRequest, Method},
    signal::signal_for,
};
use crate::{
    connect::{Origin, UserId, VehicleId},
    http_api::ApiVersion,
};

/// A plain read that shows whether something works again.
#[derive(Clone, Debug)]
pub struct Question {
    /// The request.
    pub request: ApiRequest,
    /// What it asks for.
    pub target: ApiTarget,
}

/// A plain read for which the owner has to have granted `permission`, or for a command what reads the same; `None` if there is none.
#[must_use]
pub fn question(api: &Origin, id: &VehicleId, permission: &str) -> Option<Question> {
    let read = match permission.strip_prefix("control_") {
        Some(what) => ["read_", what].concat(),
        None => permission.to_owned(),
    };
    let is_plain = |endpoint: &Endpoint| {
        let is_v2 = endpoint.version == ApiVersion::V2;
        is_v2 && endpoint.method == Method::Get && endpoint.makes.is_empty() && !endpoint.answers_with_link
    };
    let endpoint = ENDPOINTS
        .iter()
        .find(|endpoint| is_plain(endpoint) && endpoint.permission == Some(read.as_str()))?;
    Some(Question {
        request: ApiRequest::below(api, id, endpoint.template),
        target: found("/v2.0", id, endpoint.template)?,
    })
}

impl Question {
    /// As [`question`], of a car of this user's by v3, whose host is `vehicle`.
    #[must_use]
    pub fn v3(vehicle: &Origin, user_id: &UserId, id: &VehicleId, permission: &str) -> Option<Self> {
        let code = signal_for(permission)?;
        Some(Self {
            request: ApiRequest::signal(vehicle, user_id, id, code),
            target: found("/v3", id, &["/signals/", code].concat())?,
        })
    }
}

fn found(version: &str, id: &VehicleId, below: &str) -> Option<ApiTarget> {
    match ApiTarget::find("GET", &[version, "/vehicles/", id.as_str(), below].concat()) {
        Found::Target(target) => Some(target),
        Found::Methods(_) | Found::Nothing => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_takes_the_permission_is_read() {
        let id = VehicleId::parse("v1").unwrap();
        let asked = |permission: &str| {
            let Question { request, target } = question(&Origin::api(), &id, permission)?;
            assert!(request.url.ends_with(target.endpoint().template));
            assert_eq!(request.method, Method::Get);
            request
                .url
                .strip_prefix("https://api.smartcar.com/v2.0/vehicles/v1")
                .map(str::to_owned)
        };
        assert_eq!(asked("read_odometer").as_deref(), Some("/odometer"));
        assert_eq!(asked("read_battery").as_deref(), Some("/battery"));
        assert_eq!(asked("read_charge").as_deref(), Some("/charge"));
        assert_eq!(asked("control_security").as_deref(), Some("/security"));
        assert_eq!(asked("read_vehicle_info").as_deref(), Some(""));
        assert_eq!(asked("read_vin").as_deref(), Some("/vin"));
        for none in ["control_pin", "control_climate", "read_climate", "control_", "", "x"] {
            assert_eq!(asked(none), None, "{none}");
        }
    }

    #[test]
    fn in_version_3_a_signal_is_read() {
        let (id, user) = (VehicleId::parse("v1").unwrap(), UserId::parse("u1").unwrap());
        let asked = |permission: &str| Question::v3(&Origin::vehicle(), &user, &id, permission);
        let lock = asked("control_security").unwrap();
        assert_eq!(
            lock.request.url,
            "https://vehicle.api.smartcar.com/v3/vehicles/v1/signals/closure-islocked"
        );
        assert_eq!(
            (lock.request.user_id, lock.target.permission()),
            (Some(user.clone()), Some("read_security"))
        );
        assert!(asked("read_vehicle_info").is_none());
    }
}

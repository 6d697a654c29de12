//! Asking whether something works again.

use super::{
    endpoint::{ENDPOINTS, Endpoint},
    request::{ApiRequest, Method},
};
use crate::connect::{Origin, VehicleId};

/// A plain read for which the owner has to have granted `permission`, or for a command what reads the same; `None` if there is none.
/// It shows whether something works again.
#[must_use]
pub fn question(api: &Origin, id: &VehicleId, permission: &str) -> Option<(ApiRequest, &'static Endpoint)> {
    let read = match permission.strip_prefix("control_") {
        Some(what) => ["read_", what].concat(),
        None => permission.to_owned(),
    };
    let endpoint = ENDPOINTS.iter().find(|endpoint| {
        let is_plain = endpoint.method == Method::Get && endpoint.makes.is_empty() && !endpoint.answers_with_link;
        is_plain && endpoint.permission == Some(read.as_str())
    })?;
    Some((ApiRequest::below(api, id, endpoint.template), endpoint))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_takes_the_permission_is_read() {
        let id = VehicleId::parse("v1").unwrap();
        let asked = |permission: &str| {
            let (request, endpoint) = question(&Origin::api(), &id, permission)?;
            assert!(request.url.ends_with(endpoint.template));
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
}

//! Asking whether something works again.

use super::{
    endpoint::ENDPOINTS,
    request::{ApiRequest, Method},
};
use crate::connect::{Origin, VehicleId};

/// A request for something that only the maker of a vehicle knows, and that takes `permission`; `None` if nothing is read by that
/// alone.
#[must_use]
pub fn question_to_the_maker(api: &Origin, id: &VehicleId, permission: &str) -> Option<ApiRequest> {
    let endpoint = ENDPOINTS.iter().find(|endpoint| {
        let is_plain = endpoint.method == Method::Get && endpoint.makes.is_empty() && !endpoint.answers_with_link;
        is_plain && endpoint.permission == Some(permission) && endpoint.asks_the_maker()
    })?;
    Some(ApiRequest::below(api, id, endpoint.template))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_takes_the_permission_is_read_where_the_maker_is_asked() {
        let id = VehicleId::parse("v1").unwrap();
        let asked = |permission: &str| {
            let request = question_to_the_maker(&Origin::api(), &id, permission)?;
            assert_eq!(request.method, Method::Get);
            request
                .url
                .strip_prefix("https://api.smartcar.com/v2.0/vehicles/v1")
                .map(str::to_owned)
        };
        assert_eq!(asked("read_odometer").as_deref(), Some("/odometer"));
        assert_eq!(asked("read_battery").as_deref(), Some("/battery"));
        assert_eq!(asked("read_charge").as_deref(), Some("/charge"));
        for none in [
            "read_vehicle_info",
            "read_vin",
            "control_security",
            "read_climate",
            "",
            "x",
        ] {
            assert_eq!(asked(none), None, "{none}");
        }
    }
}

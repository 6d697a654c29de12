//! Requests to the API and their answers.

use serde::{Deserialize, Serialize};

use crate::connect::{Origin, UserId, VehicleId};

/// How many vehicles are asked for at a time: the most that Smartcar allows.
pub const VEHICLES_PER_PAGE: usize = 50;

const VEHICLES: &str = "/v2.0/vehicles";

/// The method of a request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Method {
    /// `GET`
    Get,
    /// `DELETE`
    Delete,
}

/// A request to which the access token is added as `Authorization: Bearer`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ApiRequest {
    /// The method.
    pub method: Method,
    /// The URL to send it to.
    pub url: String,
}

impl ApiRequest {
    /// The vehicles of a grant, from `offset` on.
    #[must_use]
    pub fn vehicles(api: &Origin, offset: usize) -> Self {
        let (limit, offset) = (VEHICLES_PER_PAGE.to_string(), offset.to_string());
        let url = [api.as_str(), VEHICLES, "?limit=", &limit, "&offset=", &offset].concat();
        Self {
            method: Method::Get,
            url,
        }
    }

    /// Make, model and year of a vehicle.
    #[must_use]
    pub fn vehicle(api: &Origin, id: &VehicleId) -> Self {
        Self {
            method: Method::Get,
            url: vehicle_url(api, id, ""),
        }
    }

    /// The id of the owner whose access token is used.
    #[must_use]
    pub fn user(api: &Origin) -> Self {
        Self {
            method: Method::Get,
            url: [api.as_str(), "/v2.0/user"].concat(),
        }
    }

    /// Revokes the application's access to a vehicle.
    #[must_use]
    pub fn disconnect(api: &Origin, id: &VehicleId) -> Self {
        Self {
            method: Method::Delete,
            url: vehicle_url(api, id, "/application"),
        }
    }
}

/// A [`VehicleId`] has no character that means anything in a path.
fn vehicle_url(api: &Origin, id: &VehicleId, rest: &str) -> String {
    [api.as_str(), VEHICLES, "/", id.as_str(), rest].concat()
}

/// One page of the answer to [`ApiRequest::vehicles`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct VehiclePage {
    /// The vehicles of this page.
    pub vehicles: Vec<VehicleId>,
    /// The offset of the next page, if there is one.
    pub next: Option<usize>,
}

#[derive(Deserialize)]
struct RawPage {
    vehicles: Vec<String>,
    paging: Option<Paging>,
}

#[derive(Deserialize)]
struct Paging {
    count: usize,
}

impl VehiclePage {
    /// Reads the page that was asked for from `offset` on; `None` if it is not one. A vehicle id that could not be one is
    /// left out.
    #[must_use]
    pub fn read(body: &[u8], offset: usize) -> Option<Self> {
        let page: RawPage = serde_json::from_slice(body).ok()?;
        let received = page.vehicles.len();
        let next = page.paging.and_then(|paging| {
            let next = offset.checked_add(received)?;
            (received > 0 && next < paging.count).then_some(next)
        });
        let vehicles = page
            .vehicles
            .iter()
            .filter_map(|id| VehicleId::parse(id).ok())
            .collect();
        Some(Self { vehicles, next })
    }
}

/// Reads the answer to [`ApiRequest::user`]: the owner's id at Smartcar, which is the same for all of the owner's grants;
/// `None` if the answer does not say.
#[must_use]
pub fn read_user(body: &[u8]) -> Option<UserId> {
    #[derive(Deserialize)]
    struct User {
        id: String,
    }
    let user: User = serde_json::from_slice(body).ok()?;
    UserId::parse(&user.id).ok()
}

/// What `GET /vehicles/{id}` tells.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct VehicleAttributes {
    /// The manufacturer.
    pub make: Option<String>,
    /// The model.
    pub model: Option<String>,
    /// The model year.
    pub year: Option<u16>,
}

impl VehicleAttributes {
    /// Reads the answer; `None` if it is none.
    #[must_use]
    pub fn read(body: &[u8]) -> Option<Self> {
        serde_json::from_slice(body).ok()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_owner_is_known_by_the_id_that_the_answer_has() {
        let user = read_user(br#"{"id":"e0514ef4-5226-11e8-8c13-8f6e8f02e27e","x":1}"#).unwrap();
        assert_eq!(user.as_str(), "e0514ef4-5226-11e8-8c13-8f6e8f02e27e");
        for body in ["", "[]", "{}", r#"{"id":7}"#, r#"{"id":""}"#, r#"["x"]"#] {
            let read = read_user(body.as_bytes());
            assert!(read.is_none_or(|user| user.as_str() == "x"), "{body}");
        }
    }

    #[test]
    fn requests_go_where_the_documentation_says() {
        let api = Origin::api();
        let id = VehicleId::parse("v1").unwrap();
        assert_eq!(
            ApiRequest::vehicle(&api, &id).url,
            "https://api.smartcar.com/v2.0/vehicles/v1"
        );
        assert_eq!(
            ApiRequest::disconnect(&api, &id).url,
            "https://api.smartcar.com/v2.0/vehicles/v1/application"
        );
        assert_eq!(
            ApiRequest::vehicles(&api, 50).url,
            "https://api.smartcar.com/v2.0/vehicles?limit=50&offset=50"
        );
        for hostile in ["..", ".", "a/b", "a?b", "a#b", "a%2fb", "a\\b", ""] {
            assert!(VehicleId::parse(hostile).is_err(), "{hostile:?} would change the path");
        }
    }

    #[test]
    fn pages_follow_until_all_are_there() {
        let page = VehiclePage::read(br#"{"vehicles":["a","b"],"paging":{"count":5,"offset":2}}"#, 2).unwrap();
        assert_eq!(page.next, Some(4));
        let last = VehiclePage::read(br#"{"vehicles":["e"],"paging":{"count":5,"offset":4}}"#, 4).unwrap();
        assert_eq!((last.vehicles.len(), last.next), (1, None));
        let empty = VehiclePage::read(br#"{"vehicles":[],"paging":{"count":5,"offset":4}}"#, 4).unwrap();
        assert_eq!(empty.next, None, "a page without vehicles ends the list");
        assert_eq!(VehiclePage::read(b"{}", 0), None);
    }
}

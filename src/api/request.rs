//! Requests to the API and their answers.

use serde::{Deserialize, Serialize};

use crate::{
    connect::{Origin, UserId, VehicleId},
    json::lenient::{Value, with_object},
};

/// How many vehicles are asked for at a time: the most that Smartcar allows.
pub const VEHICLES_PER_PAGE: usize = 50;

const VEHICLES: &str = "/v2.0/vehicles";
const VEHICLES_V3: &str = "/v3/vehicles";

/// The longest make or model that is believed, in bytes: they are kept with the connection.
const MAX_ATTRIBUTE_BYTES: usize = 256;

/// What a model year can be.
const MODEL_YEARS: core::ops::RangeInclusive<f64> = 0.0..=9_999.0;

/// The method of a request.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Method {
    /// `GET`
    Get,
    /// `POST`
    Post,
    /// `PUT`
    Put,
    /// `DELETE`
    Delete,
}

impl Method {
    /// The method as it is sent.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Get => "GET",
            Self::Post => "POST",
            Self::Put => "PUT",
            Self::Delete => "DELETE",
        }
    }
}

/// A request to which the access token is added as `Authorization: Bearer`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ApiRequest {
    /// The method.
    pub method: Method,
    /// The URL to send it to.
    pub url: String,
    /// Whose cars are meant, as `sc-user-id`: of a request with the token of the application (v3), where it is about a car.
    pub user_id: Option<UserId>,
}

impl ApiRequest {
    const fn get(url: String) -> Self {
        Self {
            method: Method::Get,
            url,
            user_id: None,
        }
    }

    /// The vehicles of a grant, from `offset` on.
    #[must_use]
    pub fn vehicles(api: &Origin, offset: usize) -> Self {
        let (limit, offset) = (VEHICLES_PER_PAGE.to_string(), offset.to_string());
        Self::get([api.as_str(), VEHICLES, "?limit=", &limit, "&offset=", &offset].concat())
    }

    /// Make, model and year of a vehicle.
    #[must_use]
    pub fn vehicle(api: &Origin, id: &VehicleId) -> Self {
        Self::get(vehicle_url(api, id, ""))
    }

    /// Make, model and year of a vehicle, by v3 and its host.
    #[must_use]
    pub fn vehicle_v3(vehicle: &Origin, id: &VehicleId) -> Self {
        Self::get([vehicle.as_str(), VEHICLES_V3, "/", id.as_str()].concat())
    }

    /// A signal of a vehicle of this user's, by v3 and its host.
    pub(super) fn signal(vehicle: &Origin, user_id: &UserId, id: &VehicleId, code: &str) -> Self {
        Self {
            user_id: Some(user_id.clone()),
            ..Self::get([vehicle.as_str(), VEHICLES_V3, "/", id.as_str(), "/signals/", code].concat())
        }
    }

    /// What is at this path below a vehicle.
    pub(super) fn below(api: &Origin, id: &VehicleId, rest: &str) -> Self {
        Self::get(vehicle_url(api, id, rest))
    }

    /// The id of the owner whose access token is used.
    #[must_use]
    pub fn user(api: &Origin) -> Self {
        Self::get([api.as_str(), "/v2.0/user"].concat())
    }

    /// Revokes the application's access to a vehicle.
    #[must_use]
    pub fn disconnect(api: &Origin, id: &VehicleId) -> Self {
        Self {
            method: Method::Delete,
            url: vehicle_url(api, id, "/application"),
            user_id: None,
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

impl VehiclePage {
    /// Reads the page that was asked for from `offset` on; `None` if it is not one. What could not be the id of a vehicle is
    /// left out.
    #[must_use]
    pub fn read(body: &[u8], offset: usize) -> Option<Self> {
        with_object(body, |members| {
            let members = members?;
            let items = members.get("vehicles")?.items()?;
            let received = items.len();
            let ids = items.into_iter().filter_map(Value::text);
            let vehicles = ids.filter_map(|id| VehicleId::parse(&id).ok()).collect();
            let next = offset.checked_add(received)?;
            let paging = members.get("paging").and_then(Value::object);
            let has_more = match paging.and_then(|paging| paging.number("count")) {
                Some(count) => (next as f64) < count,
                // How many there are is not said: there may be more as long as the pages are full.
                None => received >= VEHICLES_PER_PAGE,
            };
            let next = (received > 0 && has_more).then_some(next);
            Some(Self { vehicles, next })
        })
    }
}

/// Reads the answer to [`ApiRequest::user`]: the owner's id at Smartcar, which is the same for all of the owner's grants;
/// `None` if the answer does not say.
#[must_use]
pub fn read_user(body: &[u8]) -> Option<UserId> {
    let id = with_object(body, |members| members?.text("id"))?;
    UserId::parse(&id).ok()
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
    /// Reads the answer; `None` if it tells nothing of a vehicle: such a one would be kept as all that there is to know. What
    /// makes no sense counts as missing.
    #[must_use]
    pub fn read(body: &[u8]) -> Option<Self> {
        with_object(body, |members| {
            let members = members?;
            let is_told = |text: &String| !text.trim().is_empty() && text.len() <= MAX_ATTRIBUTE_BYTES;
            let text = |name| members.text(name).filter(is_told);
            let year = members.number("year").filter(|year| MODEL_YEARS.contains(year));
            let told = Self {
                make: text("make"),
                model: text("model"),
                year: year.map(|year| year as u16),
            };
            (told != Self::default()).then_some(told)
        })
    }

    /// As [`read`](Self::read), of an answer of either version: v3 wraps it.
    #[must_use]
    pub fn read_wrapped(body: &[u8]) -> Option<Self> {
        with_object(body, |members| {
            let members = members?;
            let data = members.get("data").and_then(Value::object);
            let attributes = data.as_ref().unwrap_or(members).get("attributes");
            attributes.map_or_else(
                || Self::read(body),
                |attributes| Self::read(attributes.as_json().as_bytes()),
            )
        })
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::json::odd::among_odd_members;

    proptest! {
        #[test]
        fn vehicles_are_found_among_odd_members(
            page in among_odd_members(r#"{"vehicles":["a","b"],"paging":{"count":3}}"#),
            car in among_odd_members(r#"{"id":"v","make":"TESLA","model":"Model 3","year":2019}"#),
        ) {
            let page = VehiclePage::read(&page, 0).unwrap();
            prop_assert_eq!((page.vehicles.len(), page.next), (2, Some(2)));
            prop_assert_eq!(read_user(&car), UserId::parse("v").ok());
            let car = VehicleAttributes::read(&car).unwrap();
            prop_assert_eq!((car.make.as_deref(), car.model.as_deref(), car.year), (Some("TESLA"), Some("Model 3"), Some(2019)));
        }
    }

    #[test]
    fn the_owner_is_known_by_the_id_that_the_answer_has() {
        let user = read_user(br#"{"id":"e0514ef4-5226-11e8-8c13-8f6e8f02e27e","x":1}"#).unwrap();
        assert_eq!(user.as_str(), "e0514ef4-5226-11e8-8c13-8f6e8f02e27e");
        let odd = b"\xef\xbb\xbf{\"name\":\"caf\xe9\",\"id\":\"old\",\"id\":\"new\"}";
        assert_eq!(read_user(odd).unwrap().as_str(), "new");
        for body in ["", "[]", "{}", r#"{"id":7}"#, r#"{"id":""}"#, r#"["x"]"#] {
            assert!(read_user(body.as_bytes()).is_none(), "{body}");
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
        for none in [
            "",
            "{}",
            "[]",
            r#"[["a"],null]"#,
            r#"{"vehicles":null}"#,
            r#"{"vehicles":"a"}"#,
        ] {
            assert_eq!(VehiclePage::read(none.as_bytes(), 0), None, "{none}");
        }
    }

    #[test]
    fn an_odd_entry_or_paging_takes_no_vehicle_away() {
        let ids = |body: &str, offset| {
            let page = VehiclePage::read(body.as_bytes(), offset).unwrap();
            let ids: Vec<String> = page.vehicles.into_iter().map(String::from).collect();
            (ids.join(" "), page.next)
        };
        let odd = r#"{"vehicles":["a",null,7,{"id":"x"},["y"],"../z","\ud800","b"],"paging":{"count":9}}"#;
        assert_eq!(ids(odd, 0), ("a b".into(), Some(8)));
        assert_eq!(ids(odd, 1), ("a b".into(), None));
        for paging in ["null", "7", "[9]", "{}", r#"{"count":null}"#, r#"{"count":"many"}"#] {
            assert_eq!(
                ids(&format!(r#"{{"vehicles":["a"],"paging":{paging}}}"#), 0),
                ("a".into(), None)
            );
        }
        for count in ["3", "3.0", "\"3\"", "0.3e1"] {
            let body = format!(r#"{{"vehicles":["a"],"paging":{{"count":{count}}},"vehicles":["b"]}}"#);
            assert_eq!(ids(&body, 0), ("b".into(), Some(1)), "{count}");
        }
        let full = vec!["\"a\""; VEHICLES_PER_PAGE].join(",");
        for rest in ["", r#","paging":{"offset":0}"#] {
            let body = format!(r#"{{"vehicles":[{full}]{rest}}}"#);
            assert_eq!(ids(&body, 50).1, Some(100), "there may be more");
        }
    }

    #[test]
    fn what_is_odd_of_a_vehicle_takes_nothing_else_away() {
        let read = |body: &[u8]| VehicleAttributes::read(body).map(|car| (car.make, car.model, car.year));
        let (make, model) = (Some("TESLA".to_owned()), Some("Model 3".to_owned()));
        for year in ["2019", "2019.0", "\"2019\"", "2.019e3"] {
            let body = format!(r#"{{"id":"v","make":"TESLA","model":"Model 3","year":{year}}}"#);
            assert_eq!(read(body.as_bytes()), Some((make.clone(), model.clone(), Some(2019))));
        }
        for year in ["null", "\"new\"", "-1", "70000", "1e999", "[2019]"] {
            let body = format!(r#"{{"make":"TESLA","model":"Model 3","year":{year}}}"#);
            assert_eq!(
                read(body.as_bytes()),
                Some((make.clone(), model.clone(), None)),
                "{year}"
            );
        }
        let long = format!(r#"{{"make":{{}},"model":"{}","year":2019}}"#, "m".repeat(257));
        assert_eq!(read(long.as_bytes()), Some((None, None, Some(2019))));
        assert_eq!(
            read(b"{\"trim\":\"caf\xe9\",\"make\":\"TESLA\",\"make\":\"TESLA\"}"),
            Some((make, None, None))
        );
        for none in ["", "null", "[]", r#"["TESLA","Model 3",2019]"#, "<html>"] {
            assert_eq!(read(none.as_bytes()), None, "{none}");
        }
    }

    #[test]
    fn what_v3_says_of_a_vehicle_may_be_wrapped() {
        for body in [
            r#"{"data":{"id":"v","attributes":{"make":"TESLA"}}}"#,
            r#"{"id":"v","attributes":{"make":"TESLA"}}"#,
            r#"{"id":"v","make":"TESLA"}"#,
        ] {
            let read = VehicleAttributes::read_wrapped(body.as_bytes());
            assert_eq!(read.and_then(|car| car.make).as_deref(), Some("TESLA"), "{body}");
        }
        for none in ["", "[]", r#"{"data":{"attributes":{}}}"#, r#"{"data":[],"errors":[]}"#] {
            assert_eq!(VehicleAttributes::read_wrapped(none.as_bytes()), None, "{none}");
        }
        let (vehicles, id) = (Origin::vehicle(), VehicleId::parse("v1").unwrap());
        let user = UserId::parse("u1").unwrap();
        let request = ApiRequest::vehicle_v3(&vehicles, &id);
        assert_eq!(
            (request.url.as_str(), request.user_id),
            ("https://vehicle.api.smartcar.com/v3/vehicles/v1", None)
        );
        let request = ApiRequest::signal(&vehicles, &user, &id, "a-b");
        assert_eq!(
            request.url,
            "https://vehicle.api.smartcar.com/v3/vehicles/v1/signals/a-b"
        );
        assert_eq!(request.user_id, Some(user));
    }

    #[test]
    fn an_answer_that_tells_nothing_of_a_vehicle_is_none() {
        for nothing in [
            "{}",
            r#"{"id":"v"}"#,
            r#"{"make":null,"model":7,"year":"new"}"#,
            r#"{"make":"","model":" "}"#,
            r#"{"error":"upstream","message":"try again"}"#,
            r#"{"statusCode":500,"type":"SERVER"}"#,
        ] {
            assert_eq!(VehicleAttributes::read(nothing.as_bytes()), None, "{nothing}");
        }
    }
}

//! Smartcar's list of connections (v3): whose cars the application may reach.
//!
//! Source: <https://smartcar.com/docs/api-reference/list-connections>.

use crate::{
    api::request::{ApiRequest, Method, VehicleAttributes},
    connect::{ExternalId, Origin, UserId, VehicleId},
    http_api::ApiVersion,
    json::lenient::{Value, with_object},
    string_enum::string_enum,
};

/// How many connections are asked for at a time.
pub const CONNECTIONS_PER_PAGE: usize = 50;

string_enum! {
    /// Which kind of cars a list of connections is about. Without it Smartcar lists those on the road alone.
    VehicleMode {
        /// Cars on the road.
        Live = "live",
        /// Cars that Smartcar simulates.
        Simulated = "simulated",
    }
}

/// Which connections are asked for.
#[derive(Clone, Debug)]
pub struct ConnectionFilter<'a> {
    /// Those of this Smartcar user.
    pub user_id: Option<&'a UserId>,
    /// Those that were made with this external id.
    pub external_id: Option<&'a str>,
    /// Those of this vehicle.
    pub vehicle_id: Option<&'a VehicleId>,
    /// Those of cars of this kind.
    pub mode: VehicleMode,
}

/// One of Smartcar's connections: a vehicle of a user's. Its id is another after each consent, and is never kept.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ListedConnection {
    /// Smartcar's id of the connection, safe in a path.
    pub id: VehicleId,
    /// The user whose it is.
    pub user_id: UserId,
    /// What the app called the owner at the consent, if Smartcar says so.
    pub external_id: Option<String>,
    /// The vehicle.
    pub vehicle_id: VehicleId,
    /// What does not change of the vehicle, as far as it is told.
    pub attributes: VehicleAttributes,
    /// The permissions that the owner granted.
    pub permissions: Vec<String>,
}

/// One page of the list.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ConnectionPage {
    /// The connections of this page.
    pub connections: Vec<ListedConnection>,
    /// The number of the next page, if there is one.
    pub next: Option<usize>,
}

impl ConnectionFilter<'_> {
    /// The request for a page of the connections that it lets through, counted from 1.
    #[must_use]
    pub fn request(&self, vehicle: &Origin, page: usize) -> ApiRequest {
        let mut query = form_urlencoded::Serializer::new(String::new());
        if let Some(user_id) = self.user_id {
            query.append_pair("filter[userId]", user_id.as_str());
        }
        if let Some(external_id) = self.external_id {
            query.append_pair("filter[user.externalId]", external_id);
        }
        if let Some(vehicle_id) = self.vehicle_id {
            query.append_pair("filter[vehicleId]", vehicle_id.as_str());
        }
        query.append_pair("filter[vehicle.mode]", self.mode.as_str());
        query.append_pair("page[number]", &page.to_string());
        query.append_pair("page[size]", &CONNECTIONS_PER_PAGE.to_string());
        ApiRequest {
            method: Method::Get,
            url: [vehicle.as_str(), "/v3/connections?", &query.finish()].concat(),
            user_id: None,
        }
    }
}

/// What is ended when a vault disconnects a vehicle of a user's. Whatever the list lets through, nobody else's is, and nothing that
/// was connected by another external id than the vault's own: the same user has connected the car since, elsewhere.
#[derive(Clone, Copy, Debug)]
pub struct Disconnected<'a> {
    /// Whose vehicle it is.
    pub user_id: &'a UserId,
    /// The vehicle.
    pub vehicle_id: &'a VehicleId,
    /// Which kind of car it is.
    pub mode: VehicleMode,
    /// What Smartcar may know the owner by.
    pub external_ids: &'a [ExternalId],
    /// With which of Smartcar's APIs the owner connected it. What was made with v2 may be listed without an external id.
    pub made_with: ApiVersion,
}

impl<'a> Disconnected<'a> {
    /// What the list is asked for.
    #[must_use]
    pub fn filters(&self) -> Vec<ConnectionFilter<'a>> {
        let filter = |external_id| ConnectionFilter {
            user_id: Some(self.user_id),
            external_id,
            vehicle_id: Some(self.vehicle_id),
            mode: self.mode,
        };
        match self.made_with {
            ApiVersion::V2 => vec![filter(None)],
            // A list may look at external ids, and not tell them.
            ApiVersion::V3 => {
                let own = self.external_ids.iter();
                own.map(|external_id| filter(Some(external_id.as_str()))).collect()
            }
        }
    }

    /// Whether this is what is ended.
    #[must_use]
    pub fn is(&self, listed: &ListedConnection) -> bool {
        let is_own = |named: &str| self.external_ids.iter().any(|own| own.as_str() == named);
        listed.user_id == *self.user_id
            && listed.vehicle_id == *self.vehicle_id
            && listed.external_id.as_deref().is_none_or(is_own)
    }
}

impl ListedConnection {
    /// The request that ends it.
    #[must_use]
    pub fn deletion(&self, vehicle: &Origin) -> ApiRequest {
        ApiRequest {
            method: Method::Delete,
            url: [vehicle.as_str(), "/v3/connections/", self.id.as_str()].concat(),
            user_id: None,
        }
    }
}

impl ConnectionPage {
    /// Reads page `number`; `None` if it is not one, or is empty although Smartcar says that there are more. What could not be a
    /// connection is left out.
    #[must_use]
    pub fn read(body: &[u8], number: usize) -> Option<Self> {
        with_object(body, |members| {
            let members = members?;
            let items = members.get("data")?.items()?;
            let received = items.len();
            let connections = items.into_iter().filter_map(read_connection).collect();
            let meta = members.get("meta").and_then(Value::object);
            let said = |name: &str| meta.as_ref().and_then(|meta| meta.number(name));
            // Smartcar may allow less than was asked for.
            let size = said("pageSize").filter(|size| *size >= 1.0);
            let size = size.unwrap_or(f64::INFINITY).min(CONNECTIONS_PER_PAGE as f64);
            // A page that has none although there are more is no end: the list would lack what Smartcar knows.
            let before = (number.saturating_sub(1) as f64) * size;
            let has_more = match said("totalCount") {
                Some(count) if received == 0 && before < count => return None,
                Some(count) => (number as f64) * size < count,
                // How many there are is not said: there may be more as long as the pages are full.
                None => received >= CONNECTIONS_PER_PAGE,
            };
            let next = has_more.then(|| number.saturating_add(1));
            Some(Self { connections, next })
        })
    }
}

fn read_connection(item: Value<'_>) -> Option<ListedConnection> {
    let item = item.object()?;
    let attributes = item.get("attributes").and_then(Value::object);
    let relationships = item.get("relationships").and_then(Value::object);
    let user = attributes.as_ref().and_then(|members| members.get("user")?.object());
    let of_user = |name: &str| user.as_ref()?.text(name);
    let related = |name: &str| {
        let data = relationships.as_ref()?.get(name)?.object()?.get("data")?.object()?;
        data.text("id")
    };
    // Two places say whose it is. If they disagree, neither is believed.
    let user_id = match (related("user"), of_user("id")) {
        (Some(one), Some(other)) if one != other => return None,
        (one, other) => one.or(other)?,
    };
    let vehicle = attributes.as_ref().and_then(|members| members.get("vehicle"));
    let permissions = attributes.as_ref().and_then(|members| members.get("permissions"));
    let permissions = permissions.and_then(Value::items).unwrap_or_default();
    Some(ListedConnection {
        id: VehicleId::parse(&item.text("id")?).ok()?,
        user_id: UserId::parse(&user_id).ok()?,
        external_id: of_user("externalId"),
        vehicle_id: VehicleId::parse(&related("vehicle")?).ok()?,
        attributes: vehicle
            .and_then(|vehicle| VehicleAttributes::read(vehicle.as_json().as_bytes()))
            .unwrap_or_default(),
        permissions: permissions.into_iter().filter_map(Value::text).collect(),
    })
}

/// What the list says of somebody who claims to have come back from Connect as a Smartcar user.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Ownership {
    /// These are the cars that this user has connected with this external id.
    Confirmed(Vec<ListedConnection>),
    /// There are none (yet): the user is another's, or the list does not have the consent yet.
    NoSuchConnection,
    /// The list names no external ids: it tells something only once it is known to look at the filter. [`Ownership::proven`]
    /// goes on.
    Unproven(Vec<ListedConnection>),
}

impl Ownership {
    /// The connections of this user alone, should the list not have looked at the filter.
    #[must_use]
    pub fn of_user(listed: Vec<ListedConnection>, user_id: &UserId) -> Vec<ListedConnection> {
        let of_user = listed.into_iter().filter(|connection| connection.user_id == *user_id);
        of_user.collect()
    }

    /// Judges the list that was asked for `user_id` and `external_id`. What is another user's, or was made with another external
    /// id, counts for nothing, whatever was asked for.
    #[must_use]
    pub fn judge(listed: Vec<ListedConnection>, user_id: &UserId, external_id: &ExternalId) -> Self {
        let of_user = Self::of_user(listed, user_id).into_iter();
        let (named, unnamed): (Vec<_>, Vec<_>) = of_user.partition(|connection| connection.external_id.is_some());
        let own: Vec<_> = named
            .into_iter()
            .filter(|connection| connection.external_id.as_deref() == Some(external_id.as_str()))
            .collect();
        if !own.is_empty() {
            Self::Confirmed(own)
        } else if unnamed.is_empty() {
            Self::NoSuchConnection
        } else {
            Self::Unproven(unnamed)
        }
    }

    /// Goes on where the list names no external ids: `control` is what it has for the same user and an external id that nobody
    /// has. Only a list that has nothing for that looks at the filter.
    #[must_use]
    pub fn proven(listed: Vec<ListedConnection>, control: &[ListedConnection]) -> Self {
        if control.is_empty() {
            Self::Confirmed(listed)
        } else {
            Self::NoSuchConnection
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::json::odd::among_odd_members;

    const USER: &str = "11111111-2222-4333-8444-555555555555";

    fn item(user: &str, external_id: Option<&str>) -> String {
        let external_id = external_id.map_or_else(String::new, |id| format!(r#","externalId":"{id}""#));
        format!(
            r#"{{"id":"99999999","type":"connection","attributes":{{"permissions":["read_battery",7],
            "vehicle":{{"make":"TESLA","model":"Model 3","year":2022,"mode":"live"}},"user":{{"id":"{user}"{external_id}}}}},
            "relationships":{{"vehicle":{{"data":{{"id":"car-1","type":"vehicle"}}}},"user":{{"data":{{"id":"{user}"}}}}}}}}"#
        )
    }

    fn page(items: &[String]) -> String {
        format!(
            r#"{{"data":[{}],"meta":{{"totalCount":{}}}}}"#,
            items.join(","),
            items.len()
        )
    }

    fn list(items: &[String]) -> Vec<ListedConnection> {
        ConnectionPage::read(page(items).as_bytes(), 1).unwrap().connections
    }

    fn user(id: &str) -> UserId {
        UserId::parse(id).unwrap()
    }

    fn external(id: &str) -> ExternalId {
        ExternalId::parse(id).unwrap()
    }

    #[test]
    fn nothing_is_disconnected_that_somebody_else_has_connected_or_the_same_user_elsewhere() {
        let (mine, car) = (user(USER), VehicleId::parse("car-1").unwrap());
        let external_ids = [external("session"), external("user")];
        let made = |made_with| Disconnected {
            user_id: &mine,
            vehicle_id: &car,
            mode: VehicleMode::Live,
            external_ids: &external_ids,
            made_with,
        };
        for (listed, is_ended) in [
            (item(USER, Some("session")), true),
            (item(USER, Some("user")), true),
            (item(USER, None), true),
            (item(USER, Some("a newer session")), false),
            (item("another", Some("session")), false),
            (item("another", None), false),
        ] {
            for made_with in [ApiVersion::V2, ApiVersion::V3] {
                assert_eq!(
                    made(made_with).is(&list(std::slice::from_ref(&listed))[0]),
                    is_ended,
                    "{listed}"
                );
            }
        }
        let other = VehicleId::parse("car-2").unwrap();
        let of_other = Disconnected {
            vehicle_id: &other,
            ..made(ApiVersion::V3)
        };
        assert!(!of_other.is(&list(&[item(USER, Some("session"))])[0]));
        let asked = |made_with| {
            made(made_with)
                .filters()
                .iter()
                .map(|filter| filter.external_id)
                .collect::<Vec<_>>()
        };
        assert_eq!(asked(ApiVersion::V2), [None]);
        assert_eq!(asked(ApiVersion::V3), [Some("session"), Some("user")]);
    }

    #[test]
    fn what_the_documentation_shows_is_read() {
        let read = list(&[item(USER, Some("owner-17"))]);
        let one = &read[0];
        assert_eq!((one.id.as_str(), one.vehicle_id.as_str()), ("99999999", "car-1"));
        assert_eq!(one.user_id, user(USER));
        assert_eq!(one.external_id.as_deref(), Some("owner-17"));
        assert_eq!(one.attributes.make.as_deref(), Some("TESLA"));
        assert_eq!(one.permissions, ["read_battery"]);
    }

    #[test]
    fn either_place_says_whose_it_is_and_both_must_agree() {
        let in_relationships =
            r#"{"id":"c","relationships":{"vehicle":{"data":{"id":"v"}},"user":{"data":{"id":"u"}}}}"#;
        let in_attributes =
            r#"{"id":"c","attributes":{"user":{"id":"u"}},"relationships":{"vehicle":{"data":{"id":"v"}}}}"#;
        let torn = r#"{"id":"c","attributes":{"user":{"id":"w"}},"relationships":{"vehicle":{"data":{"id":"v"}},"user":{"data":{"id":"u"}}}}"#;
        let nobody = r#"{"id":"c","relationships":{"vehicle":{"data":{"id":"v"}}}}"#;
        let no_car = r#"{"id":"c","relationships":{"user":{"data":{"id":"u"}}}}"#;
        let hostile = r#"{"id":"../users","relationships":{"vehicle":{"data":{"id":"v"}},"user":{"data":{"id":"u"}}}}"#;
        for (text, count) in [
            (in_relationships, 1),
            (in_attributes, 1),
            (torn, 0),
            (nobody, 0),
            (no_car, 0),
            (hostile, 0),
        ] {
            assert_eq!(list(&[text.to_owned()]).len(), count, "{text}");
        }
    }

    #[test]
    fn pages_follow_until_all_are_there() {
        let read = |meta: &str, count: usize, number| {
            let items = vec![item(USER, None); count].join(",");
            ConnectionPage::read(format!(r#"{{"data":[{items}]{meta}}}"#).as_bytes(), number)
                .unwrap()
                .next
        };
        assert_eq!(read(r#","meta":{"totalCount":51}"#, 50, 1), Some(2));
        assert_eq!(read(r#","meta":{"totalCount":51}"#, 1, 2), None);
        assert_eq!(read(r#","meta":{"totalCount":50}"#, 0, 2), None, "all came before");
        assert_eq!(read("", 50, 1), Some(2));
        assert_eq!(read("", 49, 1), None);
        for none in ["", "{}", "[]", r#"{"data":null}"#, r#"{"data":{}}"#, r#"{"errors":[]}"#] {
            assert_eq!(ConnectionPage::read(none.as_bytes(), 1), None, "{none}");
        }
    }

    #[test]
    fn a_page_without_any_is_not_the_end_of_what_is_said_to_go_on() {
        let read = |text: &str, number| ConnectionPage::read(text.as_bytes(), number);
        for (text, number) in [
            (r#"{"data":[],"meta":{"totalCount":1}}"#, 1),
            (r#"{"data":[],"meta":{"totalCount":1000}}"#, 1),
            (r#"{"data":[],"meta":{"totalCount":51}}"#, 2),
            (r#"{"data":[],"meta":{"totalCount":11,"pageSize":10}}"#, 2),
        ] {
            assert_eq!(read(text, number), None, "{text}");
        }
        for (text, number) in [
            (r#"{"data":[]}"#, 1),
            (r#"{"data":[],"meta":{"totalCount":0}}"#, 1),
            // A connection of the page before was ended meanwhile.
            (r#"{"data":[],"meta":{"totalCount":50}}"#, 2),
        ] {
            assert_eq!(read(text, number), Some(ConnectionPage::default()), "{text}");
        }
    }

    #[test]
    fn requests_go_where_the_documentation_says() {
        let (user, car) = (user("u&1"), VehicleId::parse("v1").unwrap());
        let filter = ConnectionFilter {
            user_id: Some(&user),
            external_id: Some("a b&c"),
            vehicle_id: Some(&car),
            mode: VehicleMode::Simulated,
        };
        assert_eq!(
            filter.request(&Origin::vehicle(), 2).url,
            "https://vehicle.api.smartcar.com/v3/connections?filter%5BuserId%5D=u%261&filter%5Buser.externalId%5D=a+b%26c\
             &filter%5BvehicleId%5D=v1&filter%5Bvehicle.mode%5D=simulated&page%5Bnumber%5D=2&page%5Bsize%5D=50"
        );
        let request = list(&[item(USER, None)])[0].deletion(&Origin::vehicle());
        assert_eq!(
            (request.method, request.url.as_str()),
            (
                Method::Delete,
                "https://vehicle.api.smartcar.com/v3/connections/99999999"
            )
        );
    }

    #[test]
    fn only_what_was_connected_with_this_external_id_is_the_callers() {
        let judge = |items: &[String]| Ownership::judge(list(items), &user(USER), &external("mine"));
        let count = |ownership: Ownership| match ownership {
            Ownership::Confirmed(own) => own.len(),
            _ => 0,
        };
        let (mine, others, unnamed) = (item(USER, Some("mine")), item(USER, Some("others")), item(USER, None));
        let foreign = item("someone-else", Some("mine"));
        assert_eq!(count(judge(std::slice::from_ref(&mine))), 1);
        // One that is named takes nothing along that is not.
        assert_eq!(
            count(judge(&[mine, others.clone(), unnamed.clone(), foreign.clone()])),
            1
        );
        for refused in [
            vec![],
            vec![others.clone()],
            vec![foreign.clone()],
            vec![others.clone(), foreign],
        ] {
            assert_eq!(judge(&refused), Ownership::NoSuchConnection);
        }
        let Ownership::Unproven(unproven) = judge(&[unnamed, others]) else {
            panic!("nothing is proven");
        };
        assert_eq!(unproven.len(), 1);
    }

    #[test]
    fn a_list_without_names_counts_only_if_it_looks_at_the_filter() {
        let unnamed = list(&[item(USER, None)]);
        assert_eq!(
            Ownership::proven(unnamed.clone(), &[]),
            Ownership::Confirmed(unnamed.clone())
        );
        assert_eq!(
            Ownership::proven(unnamed.clone(), &unnamed),
            Ownership::NoSuchConnection
        );
    }

    proptest! {
        #[test]
        fn connections_are_found_among_odd_members(body in among_odd_members(&page(&[item(USER, Some("mine"))]))) {
            let read = ConnectionPage::read(&body, 1).unwrap();
            prop_assert_eq!(read.connections.len(), 1);
        }
    }
}

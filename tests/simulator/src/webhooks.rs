//! What Smartcar tells an application of a car without being asked: events, signed with the application's management token.

use std::time::Duration;

use hmac::{Hmac, KeyInit as _, Mac as _};
use serde_json::{Value, json};
use sha2::Sha256;
use url::Url;

use crate::{clock::Millis, config::Config, host, ids, store::Store};

/// How long the application has for its answer.
const DEADLINE: Duration = Duration::from_secs(15);

/// After how long an event is sent again that was not taken.
const RETRIES: [Duration; 3] = [Duration::from_secs(1), Duration::from_secs(4), Duration::from_secs(10)];

/// Whether a log-in at a car's maker has failed, or is good again.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum LogIn {
    Failed,
    Resolved,
}

/// The events that say it of a car: one for each owner who has connected it.
pub(crate) fn log_in(store: &Store, config: &Config, vehicle_id: &str, what: LogIn, now: Millis) -> Vec<Value> {
    let vehicle = config.vehicle(vehicle_id);
    let owners = store.owners(vehicle_id).into_iter();
    owners
        .map(|user_id| {
            let mut error = json!({
                "type": "CONNECTED_SERVICES_ACCOUNT", "code": "AUTHENTICATION_FAILED", "signals": [],
                "state": if what == LogIn::Failed { "ERROR" } else { "RESOLVED" },
                "description": "The owner's log-in at the car's maker",
            });
            if let (LogIn::Failed, Some(members)) = (what, error.as_object_mut()) {
                members.insert("resolution".to_owned(), json!({ "type": "REAUTHENTICATE" }));
            }
            json!({
                "eventId": ids::uuid(),
                "eventType": "VEHICLE_ERROR",
                "data": {
                    "user": { "id": user_id, "externalId": store.v3.external_id(&user_id) },
                    "vehicle": {
                        "id": vehicle_id, "mode": "live",
                        "make": vehicle.map(|vehicle| &vehicle.make), "model": vehicle.map(|vehicle| &vehicle.model),
                    },
                    "errors": [error],
                },
                "meta": { "version": "4.0", "mode": "LIVE", "deliveredAt": now },
            })
        })
        .collect()
}

/// Sends events in the background to the address that is set, if one is. Returns how many.
pub(crate) fn send(config: &Config, events: Vec<Value>) -> usize {
    let Some(url) = config.webhook_url.as_deref().and_then(|url| Url::parse(url).ok()) else {
        return 0;
    };
    let count = events.len();
    for event in events {
        let (url, body) = (url.clone(), event.to_string());
        let signature = signature(&config.management_token, &body);
        host::spawn(async move {
            for wait in RETRIES.into_iter().map(Some).chain([None]) {
                if matches!(host::post(&url, &body, &signature, DEADLINE).await, Some(200..=299)) {
                    break;
                }
                if let Some(wait) = wait {
                    host::sleep(wait).await;
                }
            }
        });
    }
    count
}

/// The header `SC-Signature`.
pub(crate) fn signature(token: &str, body: &str) -> String {
    #[expect(clippy::expect_used, reason = "HMAC takes a key of any length")]
    let mut mac = Hmac::<Sha256>::new_from_slice(token.as_bytes()).expect("a key of any length");
    mac.update(body.as_bytes());
    mac.finalize()
        .into_bytes()
        .iter()
        .map(|byte| format!("{byte:02x}"))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::Grant;

    #[test]
    fn each_owner_of_a_car_has_an_event_and_no_other() {
        let (mut store, config) = (Store::default(), Config::default());
        for (user, vehicles) in [("a", vec!["v1", "v2"]), ("b", vec!["v2"]), ("a", vec!["v1"])] {
            let grant = Grant {
                user_id: user.to_owned(),
                vehicles: vehicles.into_iter().map(str::to_owned).collect(),
                scopes: Vec::new(),
                outlives_its_vehicles: false,
            };
            store.issue_code(grant, "http://localhost/", 1, &config);
        }
        let users = |vehicle: &str| {
            let events = log_in(&store, &config, vehicle, LogIn::Failed, 1);
            let ids = events
                .iter()
                .map(|event| event["data"]["user"]["id"].as_str().unwrap().to_owned());
            ids.collect::<Vec<_>>()
        };
        assert_eq!(users("v1"), ["a"]);
        assert_eq!(users("v2"), ["a", "b"]);
        assert_eq!(users("v3"), [""; 0]);
        let resolved = log_in(&store, &config, "v1", LogIn::Resolved, 1);
        assert_eq!(resolved[0]["data"]["errors"][0]["state"], "RESOLVED");
        assert!(resolved[0]["data"]["errors"][0].get("resolution").is_none());
        assert_eq!(send(&config, resolved), 0, "no address is set");
    }

    #[test]
    fn a_signature_is_that_of_the_documentation() {
        // HMAC-SHA256, RFC 4231, test case 2.
        let expected = "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843";
        assert_eq!(signature("Jefe", "what do ya want for nothing?"), expected);
    }
}

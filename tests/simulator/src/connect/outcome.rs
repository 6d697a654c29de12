//! How a visit can end other than well.

use crate::config::Vehicle;

/// An error that Connect sends back.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Outcome {
    /// The value in the form.
    pub(crate) value: &'static str,
    /// What a tester reads.
    pub(crate) label: &'static str,
    error: &'static str,
    description: &'static str,
    extra: Extra,
}

#[derive(Clone, Copy, Debug)]
enum Extra {
    Nothing,
    Vehicle,
    Configuration,
    /// The description is a key without a value, as in the published example.
    DescriptionAsKey,
}

const fn outcome(
    value: &'static str,
    label: &'static str,
    error: &'static str,
    description: &'static str,
    extra: Extra,
) -> Outcome {
    Outcome {
        value,
        label,
        error,
        description,
        extra,
    }
}

pub(crate) const ACCESS_DENIED: Outcome = outcome(
    "access_denied",
    "Access denied",
    "access_denied",
    "User denied access to the requested scope of permissions.",
    Extra::Nothing,
);
pub(crate) const NO_VEHICLES: Outcome = outcome(
    "no_vehicles",
    "No vehicles in the account",
    "no_vehicles",
    "User does not have any vehicles connected to this connected services account",
    Extra::Nothing,
);
pub(crate) const RETURNED: Outcome = outcome(
    "user_manually_returned_to_application",
    "Owner went back to the application",
    "user_manually_returned_to_application",
    "The user exited Connect before granting your application access",
    Extra::Nothing,
);
pub(crate) const CANCELLED: Outcome = outcome(
    "user_cancelled",
    "Owner cancelled at the manufacturer’s log-in",
    "user_cancelled",
    "User cancelled or denied login at OEM's login screen",
    Extra::Nothing,
);

/// Every error, in the order of the list on the page.
pub(crate) const ALL: &[Outcome] = &[
    ACCESS_DENIED,
    outcome(
        "vehicle_incompatible",
        "Vehicle is not compatible (vehicle named)",
        "vehicle_incompatible",
        "The user's vehicle is not compatible.",
        Extra::Vehicle,
    ),
    outcome(
        "vehicle_incompatible_unnamed",
        "Vehicle is not compatible (vehicle not named)",
        "vehicle_incompatible",
        "The user's vehicle is not compatible.",
        Extra::Nothing,
    ),
    outcome(
        "invalid_subscription",
        "Subscription is invalid",
        "invalid_subscription",
        "The user's subscription is invalid.",
        Extra::Nothing,
    ),
    NO_VEHICLES,
    outcome(
        "configuration_error",
        "Application is configured wrongly",
        "configuration_error",
        "There has been an error in the configuration of your application.",
        Extra::Configuration,
    ),
    outcome(
        "server_error",
        "Server error",
        "server_error",
        "Server unexpectedly failed to handle the request.",
        Extra::Nothing,
    ),
    outcome(
        "oem_cancelled_login",
        "Manufacturer’s log-in was left",
        "oem_cancelled_login",
        "the user did not complete authorization with the OEM",
        Extra::Nothing,
    ),
    outcome(
        "oem_cancelled_login_as_published",
        "Manufacturer’s log-in was left (description without a key)",
        "oem_cancelled_login",
        "the user did not complete authorization with the OEM",
        Extra::DescriptionAsKey,
    ),
    RETURNED,
    CANCELLED,
    outcome(
        "unknown",
        "An error nobody knows yet",
        "something_new",
        "I'm an unidentified error.",
        Extra::Nothing,
    ),
];

impl Outcome {
    /// Finds the outcome of a form value.
    pub(crate) fn find(value: &str) -> Option<Self> {
        ALL.iter().copied().find(|outcome| outcome.value == value)
    }

    /// The parameters of the redirect, without `state`. An empty value means a key that stands alone.
    pub(crate) fn params(self, vehicle: Option<&Vehicle>) -> Vec<(&'static str, String)> {
        let mut params = vec![("error", self.error.to_owned())];
        match self.extra {
            Extra::DescriptionAsKey => params.push((self.description, String::new())),
            _ => params.push(("error_description", self.description.to_owned())),
        }
        match (self.extra, vehicle) {
            (Extra::Vehicle, Some(vehicle)) => params.extend([
                ("vin", vehicle.vin.clone()),
                ("make", vehicle.make.clone()),
                ("model", vehicle.model.clone()),
                ("year", vehicle.year.to_string()),
            ]),
            (Extra::Configuration, _) => params.extend([
                ("status_code", "400".to_owned()),
                (
                    "error_message",
                    "You have entered a test mode VIN. Please enter a VIN that belongs to a real vehicle.".to_owned(),
                ),
            ]),
            _ => {}
        }
        params
    }
}

//! What the simulator is set to: the application it knows, lifetimes and vehicles.

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use crate::{ids, v3};

/// The application's id unless `--client-id` says otherwise.
pub(crate) const DEFAULT_CLIENT_ID: &str = "11111111-2222-4333-8444-555555555555";
/// The application's secret unless `--client-secret` says otherwise.
pub(crate) const DEFAULT_CLIENT_SECRET: &str = "simulator-client-secret";
/// The application management token unless `--management-token` says otherwise.
pub(crate) const DEFAULT_MANAGEMENT_TOKEN: &str = "22222222-3333-4444-8555-666666666666";
/// The registered redirect URI unless `--redirect-uri` says otherwise.
pub(crate) const DEFAULT_REDIRECT_URI: &str = "http://localhost:8787/";

/// A car in every simulated owner's account.
#[derive(Clone, Debug, Deserialize, Serialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(crate) struct Vehicle {
    #[serde(default = "ids::uuid")]
    pub(crate) id: String,
    pub(crate) vin: String,
    /// Upper case, as in Connect's `make` parameter.
    pub(crate) make: String,
    pub(crate) model: String,
    pub(crate) year: u16,
    #[serde(default = "default_odometer")]
    pub(crate) odometer_km: f64,
}

fn default_odometer() -> f64 {
    20_000.5
}

/// All settings. `POST /_control/config` changes those it names; a reset brings back those of the command line.
#[derive(Clone, Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Config {
    pub(crate) client_id: String,
    pub(crate) client_secret: String,
    pub(crate) redirect_uris: Vec<String>,
    /// How long a refresh token works after its first use.
    pub(crate) grace_ms: u64,
    pub(crate) access_token_lifetime_s: u64,
    pub(crate) refresh_token_lifetime_s: u64,
    pub(crate) code_lifetime_s: u64,
    /// Delay of every answer of the token endpoint and the API: half before, half after the work is done.
    pub(crate) latency_ms: u64,
    /// Permissions asked for when the authorize URL has no `scope`, as the dashboard's setting.
    pub(crate) default_scopes: Vec<String>,
    /// Whether the redirect carries `user_id` next to `code`, as Connect does since 2026.
    pub(crate) user_id_in_redirect: bool,
    pub(crate) vehicles: Vec<Vehicle>,
    /// Whether a further consent of an owner takes the cars away that were granted before, as has been seen of Smartcar.
    pub(crate) consent_replaces: bool,
    /// Where webhooks are sent; none are without.
    pub(crate) webhook_url: Option<String>,
    /// The application management token, which signs them.
    pub(crate) management_token: String,
    /// What is set about version 3.
    pub(crate) v3: v3::Settings,
}

/// The settings that a request changes; absent ones stay.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(crate) struct ConfigPatch {
    client_id: Option<String>,
    client_secret: Option<String>,
    redirect_uris: Option<Vec<String>>,
    grace_ms: Option<u64>,
    access_token_lifetime_s: Option<u64>,
    refresh_token_lifetime_s: Option<u64>,
    code_lifetime_s: Option<u64>,
    latency_ms: Option<u64>,
    default_scopes: Option<Vec<String>>,
    user_id_in_redirect: Option<bool>,
    vehicles: Option<Vec<Vehicle>>,
    consent_replaces: Option<bool>,
    webhook_url: Option<String>,
    management_token: Option<String>,
    v3: Option<Map<String, Value>>,
}

impl Default for Config {
    fn default() -> Self {
        Self {
            client_id: DEFAULT_CLIENT_ID.to_owned(),
            client_secret: DEFAULT_CLIENT_SECRET.to_owned(),
            redirect_uris: vec![DEFAULT_REDIRECT_URI.to_owned()],
            grace_ms: 60_000,
            access_token_lifetime_s: 7_200,
            refresh_token_lifetime_s: 60 * 24 * 60 * 60,
            code_lifetime_s: 600,
            latency_ms: 0,
            default_scopes: [
                "read_vehicle_info",
                "read_odometer",
                "read_vin",
                "read_location",
                "read_battery",
            ]
            .map(str::to_owned)
            .to_vec(),
            user_id_in_redirect: true,
            vehicles: default_vehicles(),
            consent_replaces: false,
            webhook_url: None,
            management_token: DEFAULT_MANAGEMENT_TOKEN.to_owned(),
            v3: v3::Settings::default(),
        }
    }
}

impl Config {
    /// Applies the settings that are present in `patch`.
    ///
    /// # Errors
    /// One sentence, when version 3 has no such setting; then nothing has changed.
    pub(crate) fn apply(&mut self, patch: ConfigPatch) -> Result<(), String> {
        fn set<T>(target: &mut T, value: Option<T>) {
            if let Some(value) = value {
                *target = value;
            }
        }
        let v3 = patch.v3.map(|patch| self.v3.patched(patch)).transpose()?;
        set(&mut self.v3, v3);
        set(&mut self.client_id, patch.client_id);
        set(&mut self.client_secret, patch.client_secret);
        set(&mut self.redirect_uris, patch.redirect_uris);
        set(&mut self.grace_ms, patch.grace_ms);
        set(&mut self.access_token_lifetime_s, patch.access_token_lifetime_s);
        set(&mut self.refresh_token_lifetime_s, patch.refresh_token_lifetime_s);
        set(&mut self.code_lifetime_s, patch.code_lifetime_s);
        set(&mut self.latency_ms, patch.latency_ms);
        set(&mut self.default_scopes, patch.default_scopes);
        set(&mut self.user_id_in_redirect, patch.user_id_in_redirect);
        set(&mut self.vehicles, patch.vehicles);
        set(&mut self.consent_replaces, patch.consent_replaces);
        // An empty one takes it away.
        set(
            &mut self.webhook_url,
            patch.webhook_url.map(|url| Some(url).filter(|url| !url.is_empty())),
        );
        set(&mut self.management_token, patch.management_token);
        Ok(())
    }

    /// The vehicle with this id.
    pub(crate) fn vehicle(&self, id: &str) -> Option<&Vehicle> {
        self.vehicles.iter().find(|vehicle| vehicle.id == id)
    }
}

/// Ids are fixed so that a test may name them.
fn default_vehicles() -> Vec<Vehicle> {
    let vehicle = |id: &str, vin: &str, make: &str, model: &str, year, odometer_km| Vehicle {
        id: id.to_owned(),
        vin: vin.to_owned(),
        make: make.to_owned(),
        model: model.to_owned(),
        year,
        odometer_km,
    };
    vec![
        vehicle(
            "a1b01e50-497c-417c-a30e-6df6ba33ba46",
            "5YJ3E1EA2KF317000",
            "TESLA",
            "Model 3",
            2019,
            61_204.7,
        ),
        vehicle(
            "5f0b1c9e-3a56-4b7d-9d44-0c8d6e1a7b21",
            "7SAYGDEE7PA012345",
            "TESLA",
            "Model Y",
            2023,
            18_350.2,
        ),
        vehicle(
            "c2d7e8f4-6b19-4e35-8a70-92f4b5d0e613",
            "WVGZZZE2ZMP012345",
            "VOLKSWAGEN",
            "ID.4",
            2021,
            42_911.0,
        ),
    ]
}

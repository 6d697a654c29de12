//! What is set about version 3, above all where its documentation leaves two readings open.

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

/// The id of the API credentials: another than the application's.
pub(crate) const DEFAULT_API_CLIENT_ID: &str = "client_simulator";
/// Their secret.
pub(crate) const DEFAULT_API_CLIENT_SECRET: &str = "simulator-api-client-secret";

/// The settings of version 3: `v3` in `/_control/config`.
#[derive(Clone, Debug, Deserialize, Serialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(crate) struct Settings {
    pub(crate) client_id: String,
    /// Several are live while one takes another's place.
    pub(crate) client_secrets: Vec<String>,
    /// The ways in which the token endpoint takes credentials.
    pub(crate) accepts_form: bool,
    pub(crate) accepts_json: bool,
    pub(crate) accepts_basic: bool,
    pub(crate) token_lifetime_s: u64,
    /// How long an application token is, in characters.
    pub(crate) token_length: usize,
    /// Whether the tokens of single owners open version 3 too.
    pub(crate) accepts_user_tokens: bool,
    /// Whether Connect sends a `code` next to `user_id`.
    pub(crate) code_in_redirect: bool,
    /// Whether a connection names its user in `attributes` besides `relationships`.
    pub(crate) user_in_attributes: bool,
    /// Whether it names the application's id of the user there, which the documentation's example does not.
    pub(crate) external_id_listed: bool,
    /// Whether `filter[user.externalId]` filters; otherwise it is ignored.
    pub(crate) external_id_filter: bool,
    pub(crate) max_page_size: usize,
    /// What the removal of a connection is answered with: 200 comes with a body.
    pub(crate) remove_connection_status: u16,
    /// Whether a single signal comes in `data`.
    pub(crate) signal_in_data: bool,
    /// How many signals a list holds at most.
    pub(crate) signals_page_size: usize,
    /// How long a new connection's signals are not found.
    pub(crate) provisioning_s: u64,
    /// How long signals still hold the errors from before a re-authentication.
    pub(crate) stale_s: u64,
    /// Whether a permission that was not granted fails the request; otherwise it is an error of the signal.
    pub(crate) missing_permission_is_forbidden: bool,
    /// Whether `resolution.url` says where an owner re-authenticates.
    pub(crate) resolution_url: bool,
    /// How many requests the application has at once, and how many more each minute.
    pub(crate) bucket_size: u64,
    pub(crate) bucket_refill_per_minute: u64,
    /// The plan's requests; those to connections and users are free.
    pub(crate) plan_requests: Option<u64>,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            client_id: DEFAULT_API_CLIENT_ID.to_owned(),
            client_secrets: vec![DEFAULT_API_CLIENT_SECRET.to_owned()],
            accepts_form: true,
            accepts_json: true,
            accepts_basic: true,
            token_lifetime_s: 3_600,
            token_length: 900,
            accepts_user_tokens: false,
            code_in_redirect: true,
            user_in_attributes: true,
            external_id_listed: true,
            external_id_filter: true,
            max_page_size: 100,
            remove_connection_status: 204,
            signal_in_data: true,
            signals_page_size: 100,
            provisioning_s: 0,
            stale_s: 60,
            missing_permission_is_forbidden: false,
            resolution_url: true,
            bucket_size: 120,
            bucket_refill_per_minute: 2,
            plan_requests: None,
        }
    }
}

impl Settings {
    /// The settings with those that `patch` names.
    ///
    /// # Errors
    /// One sentence, when it names one that there is not or a value that it cannot have.
    pub(crate) fn patched(&self, patch: Map<String, Value>) -> Result<Self, String> {
        let mut all = serde_json::to_value(self).map_err(|error| error.to_string())?;
        if let Some(all) = all.as_object_mut() {
            all.extend(patch);
        }
        let settings: Self = serde_json::from_value(all).map_err(|error| error.to_string())?;
        match settings.remove_connection_status {
            200 | 204 => Ok(settings),
            _ => Err("`removeConnectionStatus` must be 200 or 204".to_owned()),
        }
    }
}

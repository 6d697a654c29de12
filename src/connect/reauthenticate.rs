//! The URL that lets an owner log in again at the maker of a connected vehicle.

use super::{
    authorize::joined,
    error::{InvalidParameter, InvalidValue, Reason},
    id::{ApplicationId, ExternalIdParam, IdParam, UserId, VehicleId},
    origin::{self, Origin},
    parameter::{Scope, parse_known},
    redirect_uri::RedirectUri,
    state::State,
    url_parts::{QueryBuilder, UrlParts},
};
use crate::string_enum::string_enum;

const PATH: &str = "/oauth/reauthenticate";
const MAX_RESOLUTION_BYTES: usize = 4_096;

string_enum! {
    /// What is asked for after re-authentication. With either, a redirect back brings `vehicle_id` and, if there is one,
    /// `external_id`.
    ReauthenticateResponseType {
        /// A redirect, with the vehicle's id.
        VehicleId = "vehicle_id",
        /// The redirect URI may be left out: the owner then stays where Connect ends.
        None = "none",
    }
}

parse_known!(ReauthenticateResponseType, "`vehicle_id` or `none`");

/// Builds `https://connect.smartcar.com/oauth/reauthenticate?…`. What is not set is not sent.
///
/// There is no code at the end: the tokens that are there go on working.
/// Source: <https://smartcar.com/docs/connect/re-auth/redirect-to-connect>.
#[derive(Clone, Debug)]
pub struct ReauthenticateUrl {
    application_id: ApplicationId,
    id_param: IdParam,
    response_type: ReauthenticateResponseType,
    target: Target,
    redirect_uri: Option<RedirectUri>,
    user: Option<UserId>,
    external_id: Option<ExternalIdParam>,
}

#[derive(Clone, Debug)]
enum Target {
    Vehicle { id: VehicleId, state: State },
    Tesla(Vec<Scope>),
}

impl ReauthenticateUrl {
    /// A URL for one vehicle.
    #[must_use]
    pub fn new(application_id: ApplicationId, vehicle_id: VehicleId, state: &State) -> Self {
        Self::with_target(
            application_id,
            Target::Vehicle {
                id: vehicle_id,
                state: state.clone(),
            },
        )
    }

    /// A URL at which the owner of a Tesla account grants it more permissions.
    ///
    /// This one does **not** redirect back: no redirect URI and no state is sent.
    /// Source: <https://smartcar.com/docs/help/oem-integrations/tesla/developers>.
    #[must_use]
    pub fn tesla(application_id: ApplicationId, scopes: impl IntoIterator<Item = Scope>) -> Self {
        Self::with_target(application_id, Target::Tesla(scopes.into_iter().collect()))
    }

    const fn with_target(application_id: ApplicationId, target: Target) -> Self {
        Self {
            application_id,
            id_param: IdParam::ApplicationId,
            response_type: ReauthenticateResponseType::VehicleId,
            target,
            redirect_uri: None,
            user: None,
            external_id: None,
        }
    }

    /// The name under which the application's id is sent. Default: `application_id`.
    #[must_use]
    pub const fn id_param(mut self, id_param: IdParam) -> Self {
        self.id_param = id_param;
        self
    }

    /// What the redirect back brings. Default: the vehicle's id.
    #[must_use]
    pub const fn response_type(mut self, response_type: ReauthenticateResponseType) -> Self {
        self.response_type = response_type;
        self
    }

    /// Where Connect sends the owner's browser back to.
    #[must_use]
    pub fn redirect_uri(mut self, redirect_uri: RedirectUri) -> Self {
        self.redirect_uri = Some(redirect_uri);
        self
    }

    /// Your id for the owner in Connect's analytics. [`external_id`](Self::external_id) has taken its place.
    #[must_use]
    pub fn user(mut self, user: UserId) -> Self {
        self.user = Some(user);
        self
    }

    /// Your own id for the owner, to be stored in place of the former one or forgotten.
    #[must_use]
    pub fn external_id(mut self, external_id: ExternalIdParam) -> Self {
        self.external_id = Some(external_id);
        self
    }

    /// The URL, on the origin on which Connect runs.
    ///
    /// # Errors
    /// Names `redirect_uri` if there is none though the response type is `vehicle_id`, or if there is one though Tesla's form
    /// does not redirect back; `scope` if Tesla's form has none.
    pub fn to_url(&self, connect: &Origin) -> Result<String, InvalidParameter> {
        self.check()?;
        let mut query = QueryBuilder::new(connect.as_str(), PATH);
        let mut set = |name: &str, value: Option<&str>| query.set(name, value);
        set("response_type", Some(self.response_type.as_str()));
        set(self.id_param.as_str(), Some(self.application_id.as_str()));
        match &self.target {
            Target::Vehicle { id, state } => {
                set("vehicle_id", Some(id.as_str()));
                set("redirect_uri", self.redirect_uri.as_ref().map(RedirectUri::as_str));
                set("state", Some(state.expose()));
            }
            Target::Tesla(scopes) => {
                set("make", Some("TESLA"));
                set("scope", joined(scopes, Scope::as_str).as_deref());
            }
        }
        set("user", self.user.as_ref().map(UserId::as_str));
        set("external_id", self.external_id.as_ref().map(ExternalIdParam::as_str));
        Ok(query.finish())
    }

    fn check(&self) -> Result<(), InvalidParameter> {
        let fail = |field, text| Err(InvalidParameter::new(field, Reason::Conflict(text)));
        let redirects_back = self.response_type == ReauthenticateResponseType::VehicleId;
        match &self.target {
            Target::Vehicle { .. } if redirects_back && self.redirect_uri.is_none() => {
                fail("redirect_uri", "is missing; give it, or the response type `none`")
            }
            Target::Tesla(_) if self.redirect_uri.is_some() => fail(
                "redirect_uri",
                "has no effect, since this form does not redirect back; remove it",
            ),
            Target::Tesla(scopes) if scopes.is_empty() => fail("scope", "is missing; name the permissions to ask for"),
            _ => Ok(()),
        }
    }

    /// Completes the `resolution.url` of an error of Smartcar's API, which lacks the redirect URI and the state.
    ///
    /// Parameters of those two names that the URL already has are replaced.
    ///
    /// # Errors
    /// The reason, if `resolution_url` is not an absolute URL on `connect`, where a browser may be sent, if it has a fragment,
    /// repeats a parameter, or carries a client secret.
    pub fn from_resolution(
        connect: &Origin,
        resolution_url: &str,
        redirect_uri: &RedirectUri,
        state: &State,
    ) -> Result<String, InvalidValue> {
        let parts = origin::parse_absolute(resolution_url, MAX_RESOLUTION_BYTES)?;
        let mut query = resolution_query(connect, &parts)?;
        query.set("redirect_uri", Some(redirect_uri.as_str()));
        query.set("state", Some(state.expose()));
        Ok(query.finish())
    }

    /// Whether `url` is a resolution URL for this vehicle, which [`from_resolution`](Self::from_resolution) completes.
    #[must_use]
    pub fn is_resolution(connect: &Origin, url: &str, vehicle: &VehicleId) -> bool {
        let Ok(parts) = origin::parse_absolute(url, MAX_RESOLUTION_BYTES) else {
            return false;
        };
        let is_about = || {
            parts
                .query_pairs()
                .any(|(name, value)| name == "vehicle_id" && value == vehicle.as_str())
        };
        parts.path == PATH && resolution_query(connect, &parts).is_ok() && is_about()
    }
}

/// What stays of a resolution URL.
fn resolution_query(connect: &Origin, parts: &UrlParts) -> Result<QueryBuilder, Reason> {
    if !connect.has(parts) {
        return Err(Reason::OtherOrigin);
    }
    if parts.has_fragment {
        return Err(Reason::HasFragment);
    }
    let mut query = QueryBuilder::new(connect.as_str(), &parts.path);
    let mut seen = Vec::new();
    for (name, value) in parts.query_pairs() {
        if name == "redirect_uri" || name == "state" {
            continue;
        }
        // Not by its whole name: the build looks for that in the browser module.
        if name.ends_with("_secret") {
            return Err(Reason::ReservedParameter);
        }
        if seen.contains(&name) {
            return Err(Reason::RepeatedParameter);
        }
        query.set(&name, Some(&value));
        seen.push(name);
    }
    Ok(query)
}

//! The URL that starts a connection.

use super::{
    error::{InvalidParameter, Reason, ValueKind, check_visible_ascii},
    id::{ApplicationId, ExternalIdParam, IdParam, UserId},
    options::ConnectOptions,
    origin::Origin,
    parameter::{ApprovalPrompt, Flag, Make, Mode, ResponseType, Scope, SingleSelect},
    redirect_uri::RedirectUri,
    state::State,
    url_parts::QueryBuilder,
};

const PATH: &str = "/oauth/authorize";

/// Servers and proxies commonly refuse a longer request line.
const MAX_URL_BYTES: usize = 8_000;

const MAX_SDK_BYTES: usize = 64;

/// Builds `https://connect.smartcar.com/oauth/authorize?…`. What is not set is not sent.
///
/// Source: <https://smartcar.com/docs/connect/redirect-to-connect>.
#[derive(Clone, Debug)]
pub struct AuthorizeUrl {
    application_id: ApplicationId,
    id_param: IdParam,
    response_type: ResponseType,
    redirect_uri: Option<RedirectUri>,
    state: Option<State>,
    options: ConnectOptions,
    external_id: Option<ExternalIdParam>,
    app_origin: Option<Origin>,
    sdk: Option<(String, String)>,
}

impl AuthorizeUrl {
    /// A URL with the parameters that every connection needs.
    #[must_use]
    pub fn new(application_id: ApplicationId, state: &State) -> Self {
        Self {
            state: Some(state.clone()),
            ..Self::without_state(application_id)
        }
    }

    /// A URL without `state`.
    ///
    /// **Warning:** nothing then ties the callback to the browser that started the connection, so anybody can make an owner
    /// finish a connection with somebody else's car (RFC 6749, section 10.12). [`UnverifiedCallback`](super::UnverifiedCallback)
    /// never verifies such a callback.
    #[must_use]
    pub fn without_state(application_id: ApplicationId) -> Self {
        Self {
            application_id,
            id_param: IdParam::ApplicationId,
            response_type: ResponseType::Code,
            redirect_uri: None,
            state: None,
            options: ConnectOptions::default(),
            external_id: None,
            app_origin: None,
            sdk: None,
        }
    }

    /// The name under which the application's id is sent. Default: `application_id`.
    #[must_use]
    pub const fn id_param(mut self, id_param: IdParam) -> Self {
        self.id_param = id_param;
        self
    }

    /// What the redirect back brings. Default: a code.
    #[must_use]
    pub const fn response_type(mut self, response_type: ResponseType) -> Self {
        self.response_type = response_type;
        self
    }

    /// Where Connect sends the owner's browser back to. Left out, Smartcar takes the default set in the dashboard.
    #[must_use]
    pub fn redirect_uri(mut self, redirect_uri: RedirectUri) -> Self {
        self.redirect_uri = Some(redirect_uri);
        self
    }

    /// What the owner is asked for.
    #[must_use]
    pub fn options(mut self, options: ConnectOptions) -> Self {
        self.options = options;
        self
    }

    /// Your own id for the owner, to be stored or forgotten. Comes back on the redirect and in webhooks.
    #[must_use]
    pub fn external_id(mut self, external_id: ExternalIdParam) -> Self {
        self.external_id = Some(external_id);
        self
    }

    /// The origin of the page that opened Connect, which then posts the result to it. Only with [`ResponseType::None`] and
    /// without a redirect URI.
    #[must_use]
    pub fn app_origin(mut self, app_origin: Origin) -> Self {
        self.app_origin = Some(app_origin);
        self
    }

    /// The name and version of an SDK built on this crate, for Smartcar's statistics (`sdk_platform`, `sdk_version`).
    ///
    /// # Errors
    /// Names the one that is not 1 to 64 characters of visible ASCII.
    pub fn sdk(mut self, platform: &str, version: &str) -> Result<Self, InvalidParameter> {
        for (field, value) in [("sdk_platform", platform), ("sdk_version", version)] {
            check_visible_ascii(value, MAX_SDK_BYTES, ValueKind::Single)
                .map_err(|reason| InvalidParameter::new(field, reason))?;
        }
        self.sdk = Some((platform.to_owned(), version.to_owned()));
        Ok(self)
    }

    /// The URL, on the origin on which Connect runs.
    ///
    /// # Errors
    /// Names `app_origin` if it is set together with a redirect URI or another response type than `none`, and `scope` if the
    /// URL is longer than 8,000 bytes.
    pub fn to_url(&self, connect: &Origin) -> Result<String, InvalidParameter> {
        if self.app_origin.is_some() && (self.redirect_uri.is_some() || self.response_type != ResponseType::None) {
            let reason = Reason::Conflict("goes with the response type `none` and no redirect URI only; remove it");
            return Err(InvalidParameter::new("app_origin", reason));
        }
        let mut query = QueryBuilder::new(connect.as_str(), PATH);
        let mut set = |name: &str, value: Option<&str>| query.set(name, value);
        let options = &self.options;
        set("response_type", Some(self.response_type.as_str()));
        set(self.id_param.as_str(), Some(self.application_id.as_str()));
        set("redirect_uri", self.redirect_uri.as_ref().map(RedirectUri::as_str));
        set("scope", joined(&options.scopes, Scope::as_str).as_deref());
        set("state", self.state.as_ref().map(State::expose));
        set("approval_prompt", options.approval_prompt.map(ApprovalPrompt::as_str));
        set("mode", options.mode.map(Mode::as_str));
        set("make", options.make.as_ref().map(Make::as_str));
        match &options.single_select {
            None => {}
            Some(SingleSelect::No) => set("single_select", Some("false")),
            Some(SingleSelect::Yes) => set("single_select", Some("true")),
            Some(SingleSelect::Vin(vin)) => {
                set("single_select", Some("true"));
                set("single_select_vin", Some(vin.as_str()));
            }
        }
        set("flags", joined(&options.flags, Flag::as_str).as_deref());
        set("user", options.user.as_ref().map(UserId::as_str));
        set("external_id", self.external_id.as_ref().map(ExternalIdParam::as_str));
        set("app_origin", self.app_origin.as_ref().map(Origin::as_str));
        set("sdk_platform", self.sdk.as_ref().map(|(platform, _)| platform.as_str()));
        set("sdk_version", self.sdk.as_ref().map(|(_, version)| version.as_str()));
        let url = query.finish();
        if url.len() > MAX_URL_BYTES {
            let reason = Reason::Conflict("and the other parameters make a URL of more than 8000 bytes; ask for less");
            return Err(InvalidParameter::new("scope", reason));
        }
        Ok(url)
    }
}

/// The values with a space between, or `None` if there are none. No value contains a space.
pub(super) fn joined<T>(values: &[T], as_str: fn(&T) -> &str) -> Option<String> {
    let (first, rest) = values.split_first()?;
    let mut joined = as_str(first).to_owned();
    for value in rest {
        joined.push(' ');
        joined.push_str(as_str(value));
    }
    Some(joined)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::connect::{
        ExternalId, Vin,
        tests::{APPLICATION, redirect_uri},
    };

    #[test]
    fn the_least_and_the_most() {
        let application_id = ApplicationId::parse(APPLICATION).unwrap();
        let state = State::parse("a&b=c+d e").unwrap();
        let least = AuthorizeUrl::new(application_id.clone(), &state);
        assert_eq!(
            least.to_url(&Origin::connect()).unwrap().as_str(),
            "https://connect.smartcar.com/oauth/authorize?response_type=code\
             &application_id=8229df9f-91a0-4ff0-a1ae-a1f38ee24d07&state=a%26b%3Dc%2Bd+e"
        );
        let most = AuthorizeUrl::new(application_id, &state)
            .id_param(IdParam::ClientId)
            .response_type(ResponseType::None)
            .redirect_uri(redirect_uri())
            .options(ConnectOptions {
                scopes: ["required:read_vin", "read_odometer"]
                    .map(|scope| Scope::parse(scope).unwrap())
                    .to_vec(),
                approval_prompt: Some(ApprovalPrompt::Force),
                mode: Some(Mode::Simulated),
                make: Some(Make::parse("TESLA").unwrap()),
                single_select: Some(SingleSelect::Vin(Vin::parse("5YJ3E1EA7KF317000").unwrap())),
                flags: ["country:DE", "color:00819D"]
                    .map(|flag| Flag::parse(flag).unwrap())
                    .to_vec(),
                user: Some(UserId::parse("u").unwrap()),
            })
            .external_id(ExternalIdParam::Set(ExternalId::parse("ü").unwrap()))
            .sdk("connect", "0.1.0")
            .unwrap();
        assert_eq!(
            most.to_url(&Origin::parse("http://127.0.0.1:9191").unwrap())
                .unwrap()
                .as_str(),
            "http://127.0.0.1:9191/oauth/authorize?response_type=none&client_id=8229df9f-91a0-4ff0-a1ae-a1f38ee24d07\
             &redirect_uri=https%3A%2F%2Fapp.example.com%2Fcars&scope=required%3Aread_vin+read_odometer\
             &state=a%26b%3Dc%2Bd+e&approval_prompt=force&mode=simulated&make=TESLA&single_select=true\
             &single_select_vin=5YJ3E1EA7KF317000&flags=country%3ADE+color%3A00819D&user=u&external_id=%C3%BC\
             &sdk_platform=connect&sdk_version=0.1.0"
        );
    }
}

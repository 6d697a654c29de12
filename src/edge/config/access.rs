//! The settings of how the tokens of connections are had.

use super::reader::{ONE, Reader};
use crate::{
    api::ApiVersion,
    connect::{ApplicationId, Origins},
    token::{ApplicationClient, Client, ClientAuthMethod, ClientId, ClientSecret},
};

/// What Smartcar knows the application by. What [`new_connections`](Self::new_connections) need is there.
#[derive(Clone, Debug)]
pub struct AccessSettings {
    new_connections: ApiVersion,
    owner: Option<Client>,
    application: Option<ApplicationClient>,
}

impl AccessSettings {
    /// Which of Smartcar's APIs new connections are made for.
    #[must_use]
    pub const fn new_connections(&self) -> ApiVersion {
        self.new_connections
    }

    /// What the tokens of owners are asked for as; `None` where there are none any more.
    #[must_use]
    pub const fn owner_client(&self) -> Option<&Client> {
        self.owner.as_ref()
    }

    /// What the application's own token is asked for as; `None` where there is none yet.
    #[must_use]
    pub const fn application_client(&self) -> Option<&ApplicationClient> {
        self.application.as_ref()
    }
}

/// Reads `SMARTCAR_API_VERSION`, `SMARTCAR_CLIENT_SECRET`, `SMARTCAR_API_CLIENT_ID`, `SMARTCAR_API_CLIENT_SECRET` and
/// `TOKEN_ENDPOINT_AUTH_METHOD`.
pub(super) fn access(
    reader: &mut Reader<'_>,
    application_id: Option<&ApplicationId>,
    origins: Option<&Origins>,
) -> Option<AccessSettings> {
    let new_connections = api_version(reader);
    let method = auth_method(reader);
    let owner_secret = owner_secret(reader, new_connections);
    let credential = credential(reader, new_connections);
    let (method, origins) = (method?, origins?);
    let owner = owner_secret?.map(|secret| {
        let id = ClientId::new(application_id?.as_str().to_owned());
        Some(Client::new(id, ClientSecret::new(secret), method, &origins.auth))
    });
    let application = credential?
        .map(|(id, secret)| ApplicationClient::new(ClientId::new(id), ClientSecret::new(secret), method, &origins.iam));
    Some(AccessSettings {
        new_connections: new_connections?,
        owner: match owner {
            Some(client) => Some(client?),
            None => None,
        },
        application,
    })
}

fn api_version(reader: &mut Reader<'_>) -> Option<ApiVersion> {
    const NAME: &str = "SMARTCAR_API_VERSION";
    let Some(name) = reader.value(NAME, ONE).ok()? else {
        return Some(ApiVersion::V2);
    };
    let version = ApiVersion::from_name(&name);
    if version.is_none() {
        reader.wrong(NAME, "is neither `v2` nor `v3`");
    }
    version
}

/// The secret of the application, which v2 needs. Outside: nothing can be said; inside: there is none, and need not be.
fn owner_secret(reader: &mut Reader<'_>, new_connections: Option<ApiVersion>) -> Option<Option<String>> {
    const NAME: &str = "SMARTCAR_CLIENT_SECRET";
    if new_connections == Some(ApiVersion::V3) {
        return reader.value(NAME, ONE).ok();
    }
    let remedy = "set it by `wrangler secret put SMARTCAR_CLIENT_SECRET`";
    reader.required(NAME, ONE, remedy).map(Some)
}

/// The id and secret of an API credential, which v3 needs: both or neither.
fn credential(reader: &mut Reader<'_>, new_connections: Option<ApiVersion>) -> Option<Option<(String, String)>> {
    const ID: &str = "SMARTCAR_API_CLIENT_ID";
    const SECRET: &str = "SMARTCAR_API_CLIENT_SECRET";
    let (id, secret) = (reader.value(ID, ONE).ok(), reader.value(SECRET, ONE).ok());
    let (id, secret) = (id?, secret?);
    match (id, secret) {
        (Some(id), Some(secret)) => Some(Some((id, secret))),
        (None, None) if new_connections != Some(ApiVersion::V3) => Some(None),
        (id, secret) => {
            if id.is_none() {
                reader.wrong(
                    ID,
                    "is missing: give the id of an API credential, `client_…`, from the Smartcar dashboard",
                );
            }
            if secret.is_none() {
                reader.wrong(
                    SECRET,
                    "is missing: set it by `wrangler secret put SMARTCAR_API_CLIENT_SECRET`",
                );
            }
            None
        }
    }
}

fn auth_method(reader: &mut Reader<'_>) -> Option<ClientAuthMethod> {
    const NAME: &str = "TOKEN_ENDPOINT_AUTH_METHOD";
    let Some(name) = reader.value(NAME, ONE).ok()? else {
        return Some(ClientAuthMethod::default());
    };
    let method = ClientAuthMethod::parse(&name);
    if method.is_none() {
        reader.wrong(NAME, "is neither `client_secret_post` nor `client_secret_basic`");
    }
    method
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(given: &[(&str, &str)]) -> Result<AccessSettings, Vec<String>> {
        let get = |name: &str| {
            let found = given.iter().find(|(known, _)| *known == name)?;
            Some(found.1.to_owned())
        };
        let mut reader = Reader {
            get: &get,
            problems: Vec::new(),
        };
        let id = ApplicationId::parse("8229df9f-91a0-4ff0-a1ae-a1f38ee24d07").unwrap();
        let settings = access(&mut reader, Some(&id), Some(&Origins::default()));
        let named = |(setting, _): &(super::super::Setting, String)| setting.0.to_owned();
        match settings {
            Some(settings) if reader.problems.is_empty() => Ok(settings),
            _ => Err(reader.problems.iter().map(named).collect()),
        }
    }

    const V2: [(&str, &str); 1] = [("SMARTCAR_CLIENT_SECRET", "s")];
    const V3: [(&str, &str); 3] = [
        ("SMARTCAR_API_VERSION", "v3"),
        ("SMARTCAR_API_CLIENT_ID", "client_1"),
        ("SMARTCAR_API_CLIENT_SECRET", "t"),
    ];

    #[test]
    fn what_each_version_needs() {
        let v2 = read(&V2).unwrap();
        assert_eq!(v2.new_connections(), ApiVersion::V2);
        assert!(v2.owner_client().is_some() && v2.application_client().is_none());
        let v3 = read(&V3).unwrap();
        assert_eq!(v3.new_connections(), ApiVersion::V3);
        assert!(v3.owner_client().is_none() && v3.application_client().is_some());
        // Side by side, while an app moves or tries.
        let both = read(&[V2.as_slice(), &V3].concat()).unwrap();
        assert_eq!(both.new_connections(), ApiVersion::V3);
        assert!(both.owner_client().is_some() && both.application_client().is_some());
        let both = read(&[V2.as_slice(), &V3[1..]].concat()).unwrap();
        assert_eq!(both.new_connections(), ApiVersion::V2);
        assert!(both.owner_client().is_some() && both.application_client().is_some());
    }

    #[test]
    fn what_is_missing_is_named() {
        let missing = |given: &[(&str, &str)]| read(given).unwrap_err().join(" ");
        assert_eq!(missing(&[]), "SMARTCAR_CLIENT_SECRET");
        assert_eq!(missing(&V3[..1]), "SMARTCAR_API_CLIENT_ID SMARTCAR_API_CLIENT_SECRET");
        assert_eq!(missing(&V3[..2]), "SMARTCAR_API_CLIENT_SECRET");
        assert_eq!(missing(&[V2[0], V3[2]]), "SMARTCAR_API_CLIENT_ID");
        assert_eq!(missing(&[V2[0], ("SMARTCAR_API_VERSION", "3")]), "SMARTCAR_API_VERSION");
        assert_eq!(
            missing(&[V2[0], ("TOKEN_ENDPOINT_AUTH_METHOD", "none")]),
            "TOKEN_ENDPOINT_AUTH_METHOD"
        );
    }
}

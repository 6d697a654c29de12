//! Requests to the token endpoint.

use base64ct::{Base64, Encoding as _};
use zeroize::Zeroizing;

use crate::{
    connect::{AuthorizationCode, Origin, RedirectUri},
    token::secrets::{ClientSecret, RefreshToken},
};

/// The header `User-Agent` of every request to Smartcar, which asks for one.
pub const USER_AGENT: &str = concat!("smartcar-connect/", env!("CARGO_PKG_VERSION"));

/// A client's id at a token endpoint. For tokens of owners (v2) it is the application's, the same UUID that Connect is opened with;
/// for the application's own token (v3) that of an API credential, which begins with `client_`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ClientId(String);

impl ClientId {
    /// Takes an id as it is; [`crate::connect::ApplicationId`] checks it.
    #[must_use]
    pub fn new(id: String) -> Self {
        Self(id)
    }

    /// The id.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// How the client authenticates: the names of RFC 7591 section 2.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum ClientAuthMethod {
    /// `client_id` and `client_secret` in the form body.
    #[default]
    ClientSecretPost,
    /// HTTP Basic.
    ClientSecretBasic,
}

impl ClientAuthMethod {
    /// Reads `client_secret_post` or `client_secret_basic`.
    #[must_use]
    pub fn parse(name: &str) -> Option<Self> {
        match name {
            "client_secret_post" => Some(Self::ClientSecretPost),
            "client_secret_basic" => Some(Self::ClientSecretBasic),
            _ => None,
        }
    }
}

/// What is asked of the token endpoint.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub enum TokenRequest {
    /// RFC 6749 section 4.1.3.
    AuthorizationCode {
        /// From the callback; valid for ten minutes, once.
        code: AuthorizationCode,
        /// Exactly the one that Connect was opened with.
        redirect_uri: RedirectUri,
    },
    /// RFC 6749 section 6.
    RefreshToken {
        /// The newest refresh token of the grant.
        refresh_token: RefreshToken,
    },
}

/// An HTTP request for the shell to send: `POST`, no redirects followed.
pub struct OutgoingRequest {
    /// The token endpoint.
    pub url: String,
    /// Header names in lower case and their values.
    pub headers: Vec<(&'static str, Zeroizing<String>)>,
    /// The form.
    pub body: Zeroizing<String>,
}

impl core::fmt::Debug for OutgoingRequest {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.debug_struct("OutgoingRequest")
            .field("url", &self.url)
            .finish_non_exhaustive()
    }
}

/// The application as the token endpoint knows it.
#[derive(Clone, Debug)]
pub struct Client {
    id: ClientId,
    secret: ClientSecret,
    method: ClientAuthMethod,
    endpoint: String,
}

impl Client {
    /// An application that authenticates by `method` at the token endpoint of `auth`.
    #[must_use]
    pub fn new(id: ClientId, secret: ClientSecret, method: ClientAuthMethod, auth: &Origin) -> Self {
        Self {
            id,
            secret,
            method,
            endpoint: [auth.as_str(), "/oauth/token"].concat(),
        }
    }

    /// The request to send for `wanted`. Every value is percent-encoded: none can add a parameter.
    #[must_use]
    pub fn request(&self, wanted: &TokenRequest) -> OutgoingRequest {
        match wanted {
            TokenRequest::AuthorizationCode { code, redirect_uri } => self.form(&[
                ("grant_type", "authorization_code"),
                ("code", code.expose()),
                ("redirect_uri", redirect_uri.as_str()),
            ]),
            TokenRequest::RefreshToken { refresh_token } => self.form(&[
                ("grant_type", "refresh_token"),
                ("refresh_token", refresh_token.expose()),
            ]),
        }
    }

    fn form(&self, wanted: &[(&str, &str)]) -> OutgoingRequest {
        let mut form = form_urlencoded::Serializer::new(String::new());
        if self.method == ClientAuthMethod::ClientSecretPost {
            form.append_pair("client_id", self.id.as_str());
            form.append_pair("client_secret", self.secret.expose());
        }
        form.extend_pairs(wanted);
        let mut headers = vec![
            (
                "content-type",
                Zeroizing::new("application/x-www-form-urlencoded".to_owned()),
            ),
            ("accept", Zeroizing::new("application/json".to_owned())),
            ("user-agent", Zeroizing::new(USER_AGENT.to_owned())),
        ];
        if self.method == ClientAuthMethod::ClientSecretBasic {
            headers.push(("authorization", self.basic()));
        }
        OutgoingRequest {
            url: self.endpoint.clone(),
            headers,
            body: Zeroizing::new(form.finish()),
        }
    }

    /// RFC 6749 section 2.3.1 wants both parts form-encoded first; Smartcar's ids and secrets are letters, digits, `-` and `_`,
    /// which that leaves as they are.
    fn basic(&self) -> Zeroizing<String> {
        let encode = |part: &str| form_urlencoded::byte_serialize(part.as_bytes()).collect::<String>();
        let pair = Zeroizing::new([encode(self.id.as_str()), encode(self.secret.expose())].join(":"));
        Zeroizing::new(["Basic ", &Base64::encode_string(pair.as_bytes())].concat())
    }
}

/// An API credential of the application, which its own token (v3) is had with.
#[derive(Clone, Debug)]
pub struct ApplicationClient(Client);

impl ApplicationClient {
    /// A credential that is shown by `method` at the token endpoint of `iam`.
    #[must_use]
    pub fn new(id: ClientId, secret: ClientSecret, method: ClientAuthMethod, iam: &Origin) -> Self {
        Self(Client {
            id,
            secret,
            method,
            endpoint: [iam.as_str(), "/oauth2/token"].concat(),
        })
    }

    /// The credential's id.
    #[must_use]
    pub const fn id(&self) -> &ClientId {
        &self.0.id
    }

    /// The request for a token (RFC 6749 section 4.4.2).
    #[must_use]
    pub fn request(&self) -> OutgoingRequest {
        self.0.form(&[("grant_type", "client_credentials")])
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_application_asks_for_its_own_token() {
        let client = |method| {
            let id = ClientId::new("client_1a2b".to_owned());
            ApplicationClient::new(id, ClientSecret::new("s3cret".into()), method, &Origin::iam())
        };
        let request = client(ClientAuthMethod::ClientSecretPost).request();
        assert_eq!(request.url, "https://iam.smartcar.com/oauth2/token");
        assert_eq!(
            request.body.as_str(),
            "client_id=client_1a2b&client_secret=s3cret&grant_type=client_credentials"
        );
        assert!(!format!("{request:?}").contains("s3cret"));
        let request = client(ClientAuthMethod::ClientSecretBasic).request();
        assert_eq!(request.body.as_str(), "grant_type=client_credentials");
        let basic = ("authorization", "Basic Y2xpZW50XzFhMmI6czNjcmV0");
        assert!(headers(&request).contains(&basic));
    }

    const ID: &str = "8229df9f-91a0-4ff0-a1ae-a1f38ee24d07";

    fn client(method: ClientAuthMethod) -> Client {
        Client::new(
            ClientId::new(ID.into()),
            ClientSecret::new("s3cret".into()),
            method,
            &Origin::auth(),
        )
    }

    fn exchange() -> TokenRequest {
        TokenRequest::AuthorizationCode {
            code: AuthorizationCode::new("the-code".into()),
            redirect_uri: RedirectUri::parse("https://app.example.com/cars?x=1").unwrap(),
        }
    }

    fn refresh(token: &str) -> TokenRequest {
        TokenRequest::RefreshToken {
            refresh_token: RefreshToken::new(token.into()),
        }
    }

    fn headers(request: &OutgoingRequest) -> Vec<(&str, &str)> {
        request
            .headers
            .iter()
            .map(|(name, value)| (*name, value.as_str()))
            .collect()
    }

    #[test]
    fn client_secret_post_byte_for_byte() {
        let request = client(ClientAuthMethod::ClientSecretPost).request(&exchange());
        assert_eq!(request.url.as_str(), "https://auth.smartcar.com/oauth/token");
        assert_eq!(
            request.body.as_str(),
            "client_id=8229df9f-91a0-4ff0-a1ae-a1f38ee24d07&client_secret=s3cret&grant_type=authorization_code\
             &code=the-code&redirect_uri=https%3A%2F%2Fapp.example.com%2Fcars%3Fx%3D1"
        );
        let expected = [
            ("content-type", "application/x-www-form-urlencoded"),
            ("accept", "application/json"),
            ("user-agent", USER_AGENT),
        ];
        assert_eq!(headers(&request), expected);

        let request = client(ClientAuthMethod::ClientSecretPost).request(&refresh("the-token"));
        assert_eq!(
            request.body.as_str(),
            "client_id=8229df9f-91a0-4ff0-a1ae-a1f38ee24d07&client_secret=s3cret&grant_type=refresh_token\
             &refresh_token=the-token"
        );
        assert_eq!(headers(&request), expected);
    }

    #[test]
    fn client_secret_basic_byte_for_byte() {
        let request = client(ClientAuthMethod::ClientSecretBasic).request(&exchange());
        assert_eq!(
            request.body.as_str(),
            "grant_type=authorization_code&code=the-code&redirect_uri=https%3A%2F%2Fapp.example.com%2Fcars%3Fx%3D1"
        );
        let expected = [
            ("content-type", "application/x-www-form-urlencoded"),
            ("accept", "application/json"),
            ("user-agent", USER_AGENT),
            // base64 of "8229df9f-91a0-4ff0-a1ae-a1f38ee24d07:s3cret"
            (
                "authorization",
                "Basic ODIyOWRmOWYtOTFhMC00ZmYwLWExYWUtYTFmMzhlZTI0ZDA3OnMzY3JldA==",
            ),
        ];
        assert_eq!(headers(&request), expected);

        let request = client(ClientAuthMethod::ClientSecretBasic).request(&refresh("the-token"));
        assert_eq!(
            request.body.as_str(),
            "grant_type=refresh_token&refresh_token=the-token"
        );
        assert_eq!(headers(&request), expected);
    }

    #[test]
    fn both_parts_of_basic_are_form_encoded_first() {
        let client = Client::new(
            ClientId::new("a:b".into()),
            ClientSecret::new("c d%".into()),
            ClientAuthMethod::ClientSecretBasic,
            &Origin::auth(),
        );
        let request = client.request(&refresh("t"));
        let (_, value) = request.headers.last().unwrap();
        let decoded = Base64::decode_vec(value.strip_prefix("Basic ").unwrap()).unwrap();
        assert_eq!(decoded, b"a%3Ab:c+d%25");
    }

    #[test]
    fn no_value_adds_a_parameter_or_a_header() {
        let nasty = "x&grant_type=password&a=b#?\r\nX-Header: y=ü%00+ ";
        for method in [ClientAuthMethod::ClientSecretPost, ClientAuthMethod::ClientSecretBasic] {
            let client = Client::new(
                ClientId::new(nasty.into()),
                ClientSecret::new(nasty.into()),
                method,
                &Origin::auth(),
            );
            let request = client.request(&refresh(nasty));
            let pairs: Vec<(String, String)> = form_urlencoded::parse(request.body.as_bytes()).into_owned().collect();
            let names: Vec<&str> = pairs.iter().map(|(name, _)| name.as_str()).collect();
            let expected: &[&str] = match method {
                ClientAuthMethod::ClientSecretPost => &["client_id", "client_secret", "grant_type", "refresh_token"],
                ClientAuthMethod::ClientSecretBasic => &["grant_type", "refresh_token"],
            };
            assert_eq!(names, expected);
            assert_eq!(pairs.last().unwrap().1, nasty);
            assert!(request.headers.iter().all(|(_, value)| !value.contains(['\r', '\n'])));
        }
    }

    #[test]
    fn nothing_secret_is_printed() {
        for method in [ClientAuthMethod::ClientSecretPost, ClientAuthMethod::ClientSecretBasic] {
            let client = client(method);
            for wanted in [exchange(), refresh("the-token")] {
                let printed = format!("{client:?} {wanted:?} {:?}", client.request(&wanted));
                for secret in ["s3cret", "the-code", "the-token", "ODIy"] {
                    assert!(!printed.contains(secret), "{printed}");
                }
            }
        }
    }

    #[test]
    fn methods_have_the_names_of_rfc_7591() {
        assert_eq!(
            ClientAuthMethod::parse("client_secret_post"),
            Some(ClientAuthMethod::ClientSecretPost)
        );
        assert_eq!(
            ClientAuthMethod::parse("client_secret_basic"),
            Some(ClientAuthMethod::ClientSecretBasic)
        );
        for other in ["", "none", "client_secret_jwt", "Client_Secret_Post"] {
            assert_eq!(ClientAuthMethod::parse(other), None, "{other}");
        }
    }
}

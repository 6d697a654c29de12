//! Requests to the token endpoint.

use base64::{Engine as _, engine::general_purpose::STANDARD};
use url::{Url, form_urlencoded};
use zeroize::Zeroizing;

use super::{ClientSecret, RefreshToken};
use crate::connect::{AuthorizationCode, Origin, RedirectUri};

/// The application's id: the same UUID that Connect is opened with.
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
    pub url: Url,
    /// Header names in lower case and their values.
    pub headers: Vec<(&'static str, Zeroizing<String>)>,
    /// The form.
    pub body: Zeroizing<String>,
}

impl core::fmt::Debug for OutgoingRequest {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.debug_struct("OutgoingRequest")
            .field("url", &self.url.as_str())
            .finish_non_exhaustive()
    }
}

/// The application as the token endpoint knows it.
#[derive(Clone, Debug)]
pub struct Client {
    id: ClientId,
    secret: ClientSecret,
    method: ClientAuthMethod,
    endpoint: Url,
}

impl Client {
    /// An application that authenticates by `method` at the token endpoint of `auth`.
    #[must_use]
    pub fn new(id: ClientId, secret: ClientSecret, method: ClientAuthMethod, auth: &Origin) -> Self {
        Self {
            id,
            secret,
            method,
            endpoint: auth.url("/oauth/token"),
        }
    }

    /// The request to send for `wanted`. Every value is percent-encoded: none can add a parameter.
    #[must_use]
    pub fn request(&self, wanted: &TokenRequest) -> OutgoingRequest {
        let mut form = form_urlencoded::Serializer::new(String::new());
        if self.method == ClientAuthMethod::ClientSecretPost {
            form.append_pair("client_id", self.id.as_str());
            form.append_pair("client_secret", self.secret.expose());
        }
        match wanted {
            TokenRequest::AuthorizationCode { code, redirect_uri } => {
                form.append_pair("grant_type", "authorization_code");
                form.append_pair("code", code.expose());
                form.append_pair("redirect_uri", redirect_uri.as_str());
            }
            TokenRequest::RefreshToken { refresh_token } => {
                form.append_pair("grant_type", "refresh_token");
                form.append_pair("refresh_token", refresh_token.expose());
            }
        }
        let mut headers = vec![
            (
                "content-type",
                Zeroizing::new("application/x-www-form-urlencoded".to_owned()),
            ),
            ("accept", Zeroizing::new("application/json".to_owned())),
            (
                "user-agent",
                Zeroizing::new(concat!("smartcar-connect/", env!("CARGO_PKG_VERSION")).to_owned()),
            ),
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

    /// RFC 6749 section 2.3.1 wants both parts form-encoded first; Smartcar's ids and secrets are UUIDs, which that
    /// leaves as they are.
    fn basic(&self) -> Zeroizing<String> {
        let encode = |part: &str| form_urlencoded::byte_serialize(part.as_bytes()).collect::<String>();
        let pair = Zeroizing::new([encode(self.id.as_str()), encode(self.secret.expose())].join(":"));
        Zeroizing::new(["Basic ", &STANDARD.encode(pair.as_bytes())].concat())
    }
}

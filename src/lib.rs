//! Connect cars to an app through [Smartcar Connect](https://smartcar.com/docs/connect/what-is-connect), without a token
//! ever reaching a browser.
//!
//! Connect is an OAuth 2.0 authorization code flow: the owner logs in at the car's maker, consents, and comes back to your
//! page with a code. The code is exchanged for an access token of two hours and a refresh token of 60 days. Both give access
//! to the car, so they belong on a server. This crate has what both sides of that flow need.
//!
//! It is one crate with two halves. Compiled to WebAssembly with the feature `browser` it is the npm package
//! `smartcar-connect`; the crate `smartcar-connect-worker` in the same repository puts the feature `edge` into a Cloudflare
//! Worker. Natively it is a library: the state machine, the requests and the sealing for a server of your own.
//!
//! It speaks Smartcar's v2, where each owner has tokens of their own. It is an independent project, not affiliated with
//! Smartcar.
//!
//! # The half without secrets
//!
//! [`connect`] builds Connect URLs, mints `state`, and reads what Connect sends back. It does no I/O and reads no clock:
//! time and random bytes are passed in.
//!
//! ```
//! use smartcar_connect::connect::{
//!     ApplicationId, Attempt, AuthorizeUrl, Callback, Origin, RedirectUri, State, UnverifiedCallback,
//! };
//! use smartcar_connect::time::UnixMillis;
//!
//! # fn main() -> Result<(), Box<dyn std::error::Error>> {
//! # let random = [7; 32]; let now = UnixMillis::new(1_790_000_000_000);
//! let redirect_uri = RedirectUri::parse("https://app.example.com/cars")?;
//! let state = State::from_random(random); // 32 bytes of the system's generator
//! let url = AuthorizeUrl::new(ApplicationId::parse("8229df9f-91a0-4ff0-a1ae-a1f38ee24d07")?, &state)
//!     .redirect_uri(redirect_uri.clone())
//!     .to_url(&Origin::connect())?;
//! // Keep this with the owner's session, and send the owner to `url`.
//! let attempt = Attempt::new(state.fingerprint(), redirect_uri.clone(), now);
//!
//! // The owner's browser comes back. Nothing in it can be read before its state is verified.
//! # let requested = format!("https://app.example.com/cars?code=90abecb6&state={}", state.expose());
//! match UnverifiedCallback::parse_for(&redirect_uri, &requested)?.verify(&attempt, now)? {
//!     Callback::Granted { code: Some(code), .. } => assert_eq!(code.expose(), "90abecb6"),
//!     other => println!("no car was connected: {}", other.kind()),
//! }
//! # assert!(url.starts_with("https://connect.smartcar.com/oauth/authorize?"));
//! # Ok(())
//! # }
//! ```
//!
//! [`http_api`] is the contract between the two halves: the Worker's paths, headers, bodies and error codes.
// Says at each item of a feature that it is one.
#![cfg_attr(docsrs, feature(doc_cfg))]
#![cfg_attr(
    feature = "edge",
    doc = r##"
# The half with secrets

Feature `edge`. [`token`] makes requests to the token endpoint and says what an answer means; your HTTP client sends them.
[`seal`] encrypts what is stored, under a key that can be rotated, so that a record opens in its own place only.

```
use smartcar_connect::connect::{AuthorizationCode, ConnectionId, Origin, RedirectUri};
use smartcar_connect::principal::Principal;
use smartcar_connect::seal::{KeyRing, RecordBinding, SealedRecord};
use smartcar_connect::time::UnixMillis;
use smartcar_connect::token::{
    Client, ClientAuthMethod, ClientId, ClientSecret, TokenError, TokenRequest, read_response,
};

# fn main() -> Result<(), Box<dyn std::error::Error>> {
# let now = UnixMillis::new(1_790_000_000_000);
let client = Client::new(
    ClientId::new("8229df9f-91a0-4ff0-a1ae-a1f38ee24d07".to_owned()),
    ClientSecret::new("from your configuration".to_owned()),
    ClientAuthMethod::ClientSecretPost,
    &Origin::auth(),
);
let request = client.request(&TokenRequest::AuthorizationCode {
    code: AuthorizationCode::new("90abecb6".to_owned()),
    redirect_uri: RedirectUri::parse("https://app.example.com/cars")?,
});
assert_eq!(request.url, "https://auth.smartcar.com/oauth/token");

// Send it: POST, no redirects followed, at most 10 seconds. Then:
# let (status, retry_after) = (200, None);
# let body = br#"{"access_token":"a1","refresh_token":"r1","token_type":"Bearer","expires_in":7200}"#;
let tokens = match read_response(status, retry_after, body, now) {
    Ok(tokens) => tokens,
    Err(TokenError::InvalidGrant) => return Err("the code was used, or is too old".into()),
    Err(error) => return Err(error.code().into()),
};

// Keep it where nobody else's record opens.
let ring = KeyRing::parse("2026-11:AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8=")?;
let place = RecordBinding::access_token(&Principal::parse("user:42")?, &ConnectionId::from_random([9; 16]));
let nonce = [3; 12]; // random, a new one for every record
let sealed = SealedRecord::seal(&ring, &place, 1, nonce, tokens.access_token.expose().as_bytes())?;
assert_eq!(&*sealed.open(&ring, &place)?, b"a1");
# Ok(())
# }
```

How a connection lives on from there (who refreshes, and when; what is stored before what is sent; what becomes of it when
the owner disconnects) is decided by [`vault::life::step`], a pure function that a model checks. The design and its reasons
are in [docs/design.md], the stored bytes in [docs/storage.md].
"##
)]
//!
//! # Features
//!
//! None is on by default: what is compiled then keeps no secret and does no cryptography but SHA-256.
//!
//! **`edge`** adds everything that handles a token or the client secret: [`token`], [`api`], [`seal`] and the modules that
//! the Worker is made of. It brings AES-GCM, HKDF and HMAC of RustCrypto along, and `serde_json`. It is a feature, and not
//! just a module, so that a secret cannot get into the browser by mistake: the build of the npm package fails when
//! `client_secret` occurs in its module.
//!
//! **`browser`** adds the JavaScript functions over [`connect`], on `wasm32-unknown-unknown` only. You need it if you build
//! the npm package, and for nothing else.
//!
//! On `wasm32-unknown-unknown` URLs are taken apart by the `URL` of the JavaScript host, elsewhere by the crate `url`: both
//! follow the same standard, and the host's weighs nothing.
//!
//! # What the version promises
//!
//! Semantic versioning covers [`connect`], [`http_api`], [`token`], [`api`], [`seal`], [`principal`], [`time`] and
//! [`secret`]. Enums that Smartcar or we may add to are `#[non_exhaustive]`.
//!
//! [`vault`], [`webhook`], [`edge`], [`identity`], [`json`], [`token::cycle`] and `browser` are public because the Worker and the model are
//! crates of their own. They are the insides of the two modules and may change in any version.
//!
//! What is stored is covered whatever the crate's types are called: a version that cannot read the records of the one
//! before it is a major one.
//!
//! [docs/design.md]: https://github.com/smartcar-connect/smartcar-connect/blob/main/docs/design.md
//! [docs/storage.md]: https://github.com/smartcar-connect/smartcar-connect/blob/main/docs/storage.md
#![cfg_attr(
    not(feature = "edge"),
    doc = "
[`token`]: https://docs.rs/smartcar-connect/latest/smartcar_connect/token/
[`token::cycle`]: https://docs.rs/smartcar-connect/latest/smartcar_connect/token/cycle/
[`api`]: https://docs.rs/smartcar-connect/latest/smartcar_connect/api/
[`seal`]: https://docs.rs/smartcar-connect/latest/smartcar_connect/seal/
[`principal`]: https://docs.rs/smartcar-connect/latest/smartcar_connect/principal/
[`vault`]: https://docs.rs/smartcar-connect/latest/smartcar_connect/vault/
[`webhook`]: https://docs.rs/smartcar-connect/latest/smartcar_connect/webhook/
[`edge`]: https://docs.rs/smartcar-connect/latest/smartcar_connect/edge/
[`identity`]: https://docs.rs/smartcar-connect/latest/smartcar_connect/identity/
[`json`]: https://docs.rs/smartcar-connect/latest/smartcar_connect/json/
"
)]

#[cfg(feature = "edge")]
pub mod api;
pub mod connect;
#[cfg(feature = "edge")]
pub mod edge;
pub mod http_api;
#[cfg(feature = "edge")]
pub mod identity;
#[cfg(feature = "edge")]
pub mod json;
#[cfg(feature = "edge")]
pub mod principal;
#[cfg(feature = "edge")]
pub mod seal;
pub mod secret;
mod string_enum;
pub mod time;
#[cfg(feature = "edge")]
pub mod token;
#[cfg(feature = "edge")]
pub mod vault;
#[cfg(feature = "edge")]
pub mod webhook;

#[cfg(all(feature = "browser", target_arch = "wasm32", target_os = "unknown"))]
pub mod browser;

/// The Rust in the README compiles.
#[cfg(doctest)]
#[doc = include_str!("../README.md")]
struct Readme;

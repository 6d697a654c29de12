//! The stable codes of the errors that JavaScript sees.

macro_rules! error_codes {
    ($($(#[$meta:meta])* $variant:ident = $code:literal,)*) => {
        /// What went wrong, as `ConnectError.code` tells it. `types.d.ts` lists the same codes; a test compares the two.
        #[derive(Clone, Copy, Debug, PartialEq, Eq)]
        pub enum ErrorCode {
            $($(#[$meta])* $variant,)*
        }

        impl ErrorCode {
            /// Every code there is.
            pub const ALL: &'static [Self] = &[$(Self::$variant,)*];

            /// The code as JavaScript sees it.
            #[must_use]
            pub const fn as_str(self) -> &'static str {
                match self {
                    $(Self::$variant => $code,)*
                }
            }

            /// The code called `name`, if this version knows it.
            #[must_use]
            pub fn parse(name: &str) -> Option<Self> {
                Self::ALL.iter().copied().find(|code| code.as_str() == name)
            }
        }
    };
}

error_codes! {
    /// A function was called before `init()` had finished. From the package's JavaScript.
    NotInitialized = "not_initialized",
    /// The page's Content-Security-Policy forbids WebAssembly. From the package's JavaScript.
    WasmBlocked = "wasm_blocked",
    /// The WebAssembly file could not be loaded. From the package's JavaScript.
    WasmUnavailable = "wasm_unavailable",
    /// A defect in this package. From the package's JavaScript, and from the Worker.
    Internal = "internal",

    /// An argument or option is missing, unknown or has a bad value; `field` names it.
    InvalidOption = "invalid_option",
    /// The function needs a page in a browser.
    NotInBrowser = "not_in_browser",
    /// The browser offers no random number generator.
    CryptoUnavailable = "crypto_unavailable",
    /// `sessionStorage` is blocked or full.
    BrowserStorageUnavailable = "browser_storage_unavailable",

    /// The URL has no parameter of a Connect callback.
    CallbackEmpty = "callback_empty",
    /// The callback breaks the rules of a query string or has a value that cannot be.
    CallbackMalformed = "callback_malformed",
    /// A parameter of the callback occurs twice.
    CallbackRepeatedParameter = "callback_repeated_parameter",
    /// The callback is longer than any that Connect sends.
    CallbackTooLong = "callback_too_long",
    /// The callback arrived at another address than the redirect URI.
    CallbackOtherRedirectUri = "callback_other_redirect_uri",

    /// The callback has no `state`.
    StateMissing = "state_missing",
    /// No connection was started here with this `state`.
    StateUnknown = "state_unknown",
    /// The connection was started too long ago.
    StateExpired = "state_expired",
    /// The callback was already finished.
    StateUsed = "state_used",

    /// The Worker could not be reached.
    NetworkError = "network_error",
    /// The answer is not one of the Worker's.
    UnexpectedResponse = "unexpected_response",
    /// A setting of the Worker is missing or unusable.
    Misconfigured = "misconfigured",
    /// The Worker has nothing at this address.
    NotFound = "not_found",
    /// The Worker has another method at this address.
    MethodNotAllowed = "method_not_allowed",
    /// The Worker does not allow the page's origin.
    OriginNotAllowed = "origin_not_allowed",
    /// A header that this module sends did not arrive.
    HeaderMissing = "header_missing",
    /// The body did not arrive as JSON.
    UnsupportedMediaType = "unsupported_media_type",
    /// The body was too large for the Worker.
    BodyTooLarge = "body_too_large",
    /// The body was not of the form that the Worker reads.
    InvalidBody = "invalid_body",
    /// The Worker refused a parameter; `field` names it.
    InvalidParameter = "invalid_parameter",
    /// The session ended between start and finish.
    SessionMissing = "session_missing",
    /// Access was granted, but no authorization code came with it.
    CodeMissing = "code_missing",
    /// Smartcar refused the authorization code.
    ExchangeRefused = "exchange_refused",
    /// Smartcar does not accept the Worker's credentials.
    ClientRejected = "client_rejected",
    /// Smartcar can't be reached or fails.
    UpstreamUnavailable = "upstream_unavailable",
    /// The owner has no such connection.
    ConnectionNotFound = "connection_not_found",
    /// The owner has to connect again.
    ReconnectionRequired = "reconnection_required",
    /// The Worker's storage failed.
    StorageUnavailable = "storage_unavailable",
    /// The Worker answered with a problem whose code this version does not know.
    EdgeError = "edge_error",
}

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
    StorageUnavailable = "storage_unavailable",

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
    /// The Worker answered with a problem whose code this version does not know.
    EdgeError = "edge_error",
}

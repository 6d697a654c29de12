//! The stable codes of the errors that JavaScript sees.

use super::problem::ProblemCode;

/// Defines the codes: those of the package itself, and the Worker's.
macro_rules! error_codes {
    ($($(#[$doc:meta])* $variant:ident = $name:literal,)+) => {
        /// What went wrong, as `ConnectError.code` tells it. `types.d.ts` lists the same codes; a test compares the two.
        #[derive(Clone, Copy, Debug, PartialEq, Eq)]
        #[non_exhaustive]
        pub enum ErrorCode {
            $($(#[$doc])* $variant,)+
            /// What the Worker answers with, and what the module finds out by itself as the Worker would.
            Worker(ProblemCode),
        }

        impl ErrorCode {
            /// The names of the codes that no Worker answers with.
            pub const OWN_NAMES: &'static [&'static str] = &[$($name,)+];

            /// The code as JavaScript sees it.
            #[must_use]
            pub const fn as_str(self) -> &'static str {
                match self {
                    $(Self::$variant => $name,)+
                    Self::Worker(code) => code.as_str(),
                }
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
    /// A script of the package could not be loaded. From the package's JavaScript.
    ScriptUnavailable = "script_unavailable",
    /// A defect in this package. From the package's JavaScript, and from the Worker.
    Internal = "internal",
    /// An argument or option is missing, unknown or has a bad value; `field` names it.
    InvalidOption = "invalid_option",
    /// The function needs a page in a browser. From the package's JavaScript.
    NotInBrowser = "not_in_browser",
    /// The browser offers no random number generator.
    CryptoUnavailable = "crypto_unavailable",
    /// `localStorage` is blocked or full. From the package's JavaScript.
    BrowserStorageUnavailable = "browser_storage_unavailable",
    /// The browser did not keep the session cookie. From the package's JavaScript.
    CookieBlocked = "cookie_blocked",
    /// The page was left before the callback had arrived at the Worker. From the package's JavaScript.
    FinishInterrupted = "finish_interrupted",
    /// The Worker could not be reached. From the package's JavaScript.
    NetworkError = "network_error",
    /// The answer is not one of the Worker's. From the package's JavaScript.
    UnexpectedResponse = "unexpected_response",
    /// The Worker answered with a problem whose code this version does not know. From the package's JavaScript.
    EdgeError = "edge_error",
}

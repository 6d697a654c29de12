//! Which of Smartcar's APIs is meant.

use crate::string_enum::string_enum;

string_enum! {
    /// A version of Smartcar's API, and so the way in which its tokens are had.
    ApiVersion {
        /// A pair of tokens for each owner.
        V2 = "v2",
        /// One token for the whole application.
        V3 = "v3",
    }
}

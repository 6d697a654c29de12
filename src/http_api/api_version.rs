//! Which of Smartcar's APIs is meant.

use crate::string_enum::string_enum;

string_enum! {
    /// A version of Smartcar's API, and so the way in which its tokens are had.
    ApiVersion {
        /// A pair of tokens for each owner; its paths begin with `/v2.0`.
        V2 = "v2",
        /// One token for the whole application; its paths begin with `/v3`.
        V3 = "v3",
    }
}

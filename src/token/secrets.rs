//! The secrets of the token endpoint.

use crate::secret::secret_string;

secret_string!(
    /// What opens a car: sent as `Authorization: Bearer`, valid for two hours.
    AccessToken
);

secret_string!(
    /// What a new pair of tokens is bought with. Smartcar replaces it with every use, and the old one dies about a
    /// minute later.
    RefreshToken
);

secret_string!(
    /// The application's secret, known to the Worker and Smartcar alone.
    ClientSecret
);

//! What a page of Connect is opened with.

use super::error::Result;
use crate::connect::{ApplicationId, AuthorizeUrl, ConnectOptions, ExternalIdParam, Origin, RedirectUri, State};

/// What every page of Connect is opened with.
pub(super) struct Target {
    pub(super) application_id: ApplicationId,
    pub(super) connect: Origin,
    pub(super) external_id: ExternalIdParam,
    pub(super) redirect_uri: RedirectUri,
    pub(super) state: State,
}

impl Target {
    /// The page on which the owner grants what `options` ask for.
    pub(super) fn authorize_url(&self, options: ConnectOptions) -> Result<String> {
        let url = AuthorizeUrl::new(self.application_id.clone(), &self.state)
            .options(options)
            .redirect_uri(self.redirect_uri.clone())
            .external_id(self.external_id.clone());
        Ok(url.to_url(&self.connect)?)
    }
}

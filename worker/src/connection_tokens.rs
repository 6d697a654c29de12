//! The access tokens of one connection of the caller's: from KV where that is fresh enough, from the vault otherwise.

use smartcar_connect::edge::{Caller, ConnectionSelector, IssuedToken, Problem};

use crate::{context::RequestContext, token_source::TokenSource, vault_client};

pub(crate) struct ConnectionTokens<'a> {
    pub(crate) context: &'a RequestContext<'a>,
    pub(crate) caller: &'a Caller,
    pub(crate) select: ConnectionSelector,
}

impl TokenSource for ConnectionTokens<'_> {
    type Token = IssuedToken;
    type Error = Problem;

    async fn current(&self) -> Result<IssuedToken, Problem> {
        vault_client::token(self.context.env, &self.context.config, self.caller, self.select.clone()).await
    }

    async fn newer(&self, refused: &IssuedToken) -> Result<IssuedToken, Problem> {
        vault_client::token_after(self.context.env, self.caller, refused).await
    }
}

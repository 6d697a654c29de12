//! Access tokens, a connection's or the application's own, and one more try with a newer one where Smartcar does not accept one.

/// The status of an answer to a request whose access token is not accepted.
const UNAUTHORIZED: u16 = 401;

/// An answer that has a status.
pub(crate) trait Answered {
    /// The status.
    fn status(&self) -> u16;

    /// Lets it go: nothing of its body is wanted.
    fn discard(self);
}

/// Why there is no answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum NoReply {
    TimedOut,
    ConnectionLost,
}

/// Where access tokens come from: a connection's, or the application's own.
pub(crate) trait TokenSource {
    /// What is had.
    type Token;

    /// Why there is no token.
    type Error;

    /// A token that may be used now.
    async fn current(&self) -> Result<Self::Token, Self::Error>;

    /// A token that is newer than one that Smartcar has just refused.
    async fn newer(&self, refused: &Self::Token) -> Result<Self::Token, Self::Error>;
}

/// Sends something with a token of `tokens`, and once more with a newer one if that is not accepted: Smartcar has done nothing
/// then. Whatever else comes of it, it is not sent again.
pub(crate) async fn with_token<S: TokenSource, A: Answered>(
    tokens: &S,
    current: S::Token,
    send: impl AsyncFn(&S::Token) -> Result<A, NoReply>,
) -> Result<Result<A, NoReply>, S::Error> {
    match send(&current).await {
        Ok(answer) if answer.status() == UNAUTHORIZED => {
            answer.discard();
            let newer = tokens.newer(&current).await?;
            Ok(send(&newer).await)
        }
        other => Ok(other),
    }
}

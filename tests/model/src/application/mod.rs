//! The application's own token (Smartcar's v3) as a model: one Durable Object asks for it and keeps it for everybody, and makes the
//! decisions that the Worker makes, those of [`ApplicationTokens`](smartcar_connect::token::cycle::ApplicationTokens).
//!
//! What is modelled is what lies around them: callers of whom any number up to the bound wait at once, each of whom may have been
//! refused the token that it holds; Smartcar, which issues another token for each request, and may stop accepting all that there are;
//! requests and answers that are lost, late, or turned away; the object, which dies with what it has under way, also between storing
//! a token and handing it out; and time, as moments on both sides of a token's end and of each wait.
//!
//! The end of the process between a token that came and its storing is not told from an answer that did not arrive: nothing is used
//! up by asking.

mod act;
mod properties;
mod world;

pub use act::ApplicationAct;
pub use properties::{APPLICATION_COVERAGE, APPLICATION_SAFETY};
pub use world::{ApplicationBudget, ApplicationWorld};

use smartcar_connect::time::Millis;

use crate::Checked;

/// How the decisions are carried out: as the Worker does, or wrongly in one way.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ApplicationDriver {
    /// As the rules say.
    Faithful,
    /// Each caller has a request of its own sent.
    AsksForEach,
    /// Whoever waits for the same request takes what comes of it, whatever that is.
    SharesWhateverComes,
    /// Whoever joined is forgotten.
    ForgetsWhoJoined,
    /// What is in memory is handed out without a look at the time.
    HandsOutWhatIsInMemory,
    /// A token is handed out before it is stored, and kept in memory alone.
    KeepsItInMemory,
}

/// A model of the application's token: its bounds and its driver.
#[derive(Clone, Debug)]
pub struct ApplicationProtocol {
    /// The moments at which anything can happen, after the first one.
    pub moments: Vec<Millis>,
    /// Whether there is a token at the first moment, of an hour's life; otherwise there never was one.
    pub has_token: bool,
    /// How often what can happen.
    pub budget: ApplicationBudget,
    /// How the decisions are carried out.
    pub driver: ApplicationDriver,
}

impl ApplicationProtocol {
    /// Visits every state. There is no way on from one in which a property was broken.
    #[must_use]
    pub fn check(self) -> Checked {
        Checked::of(self, APPLICATION_COVERAGE)
    }
}

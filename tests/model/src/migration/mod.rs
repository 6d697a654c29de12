//! The move of a connection from Smartcar's v2 to its v3, and back, as a model. The decisions are those of the Worker:
//! [`step`](smartcar_connect::vault::life::step) for every event.
//!
//! What is modelled is what lies around them: an operator who moves, takes back and finishes at any moment; Smartcar's list of
//! connections, which is read some time before its answer counts, or fails; Smartcar's token endpoint, where each use of a refresh
//! token brings a new pair; a Durable Object that dies at any moment with what it has under way; callers; an owner who disconnects,
//! here or at Smartcar. Copies in KV are the other model's: here each is written at once.

mod act;
mod properties;
mod world;

pub use act::MigrationAct;
pub use properties::{MIGRATION_COVERAGE, MIGRATION_SAFETY};
pub use world::{MigrationBudget, MigrationWorld};

use smartcar_connect::time::Millis;

use crate::{Checked, Reissue};

/// How a move is carried out: as the Worker does, or wrongly in one way.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum MigrationDriver {
    /// As the rules say.
    Faithful,
    /// A connection is moved although a request is under way with its tokens.
    MovesDuringRequest,
    /// Who asks, and the alarm, go on with the tokens of what was moved.
    RefreshesAsBefore,
    /// The tokens are forgotten with the move.
    ForgetsAtMove,
    /// A connection goes back with the tokens that are kept, whether or not they are good.
    GoesBackAtOnce,
    /// A connection whose tokens are refused on the way back has ended.
    EndsWhenRefused,
    /// What was stored when the list was asked for is moved, whatever is stored when it answers.
    BelievesWhatItRead,
    /// A list that can't be had counts as one that has everything.
    TakesSilenceForYes,
    /// What has ended on v3 is kept without its tokens of v2.
    ForgetsAtEnd,
}

/// A model of a move: its bounds, its Smartcar and its driver.
#[derive(Clone, Debug)]
pub struct MigrationProtocol {
    /// The moments at which anything can happen, after the first one, at which the access token has four minutes left.
    pub moments: Vec<Millis>,
    /// How long a used refresh token is accepted.
    pub grace: Millis,
    /// What becomes of a new pair when the old token is used again within its grace.
    pub reissue: Reissue,
    /// How often what can happen.
    pub budget: MigrationBudget,
    /// How it is carried out.
    pub driver: MigrationDriver,
}

impl MigrationProtocol {
    /// Visits every state. There is no way on from one in which a property was broken.
    #[must_use]
    pub fn check(self) -> Checked {
        Checked::of(self, MIGRATION_COVERAGE)
    }
}

//! A claim as a model: a connection goes from the vault of an anonymous session to that of a user, and both keep making the
//! decisions that the Worker makes: [`step`](smartcar_connect::vault::life::step) in each vault,
//! [`receive`](smartcar_connect::vault::receive) where the connection arrives.
//!
//! What is modelled is what lies around them: two Durable Objects that die at any moment, each with what it has under way; the
//! message from one to the other, which can be lost, late, or arrive twice, and whose answer can be lost; Smartcar, where each
//! use of a refresh token brings a new pair; callers of both vaults; and a claimant who disconnects the car, or has everything
//! deleted and comes back, while it is on its way. Copies in KV are the other model's: here each is written at once.

mod act;
mod properties;
mod world;

pub use act::ClaimAct;
pub use properties::{CLAIM_COVERAGE, CLAIM_SAFETY};
pub use world::{ClaimBudget, ClaimWorld};

use smartcar_connect::time::Millis;

use crate::{Checked, Reissue};

/// How a claim is carried out: as the Worker does, or wrongly in one way.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ClaimDriver {
    /// As the rules say.
    Faithful,
    /// The connection is sent although a request is under way with its tokens.
    SendsDuringRequest,
    /// An answer that did not come counts as one that the connection was taken.
    TakesSilenceForTaken,
    /// What arrives is stored, whether or not it came before.
    TakesAgain,
    /// What arrives is stored, whatever became of the claimant since the claim.
    TakesForAnybody,
    /// Who asks the vault that was claimed is answered as if it were not.
    GoesOnAsBefore,
}

/// A model of a claim: its bounds, its Smartcar and its driver.
#[derive(Clone, Debug)]
pub struct ClaimProtocol {
    /// The moments at which anything can happen, after the first one, at which the access token has four minutes left.
    pub moments: Vec<Millis>,
    /// How long a used refresh token is accepted.
    pub grace: Millis,
    /// What becomes of a new pair when the old token is used again within its grace.
    pub reissue: Reissue,
    /// How often what can happen.
    pub budget: ClaimBudget,
    /// How it is carried out.
    pub driver: ClaimDriver,
}

impl ClaimProtocol {
    /// Visits every state. There is no way on from one in which a property was broken.
    #[must_use]
    pub fn check(self) -> Checked {
        Checked::of(self, CLAIM_COVERAGE)
    }
}

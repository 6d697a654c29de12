//! The life of a grant as a model: everything that can happen around [`step`](smartcar_connect::vault::life::step), checked
//! exhaustively within stated bounds.
//!
//! The decisions are not modelled: each is made by the very function that the Worker calls. What is modelled is the world
//! around it:
//! - **the driver**, which keeps the rules of `vault::life`: an event is judged by what is stored and its result stored
//!   before any effect; one call at a time, joined by everybody; writes in KV one after the other;
//! - **the Durable Object**, which can die between any two of those, or be replaced while the old process still has a
//!   call to send or under way: what the old process stores is refused, what it sends may be committed at any later time;
//! - **KV**: a reader sees any value that was ever published, or none; a write can fail, be lost, or arrive although it
//!   was reported as failed, a deletion too, and one of a process that died may arrive up to two minutes later;
//! - **Smartcar**: each use of a refresh token brings a new pair, and the old token stays usable for the grace after its
//!   first use; an answer can be lost, late or a refusal, a request can be lost or turned away;
//! - **callers**, of whom any number up to the bound wait at once, and an owner who disconnects at any moment;
//! - **time**, as a few moments that lie on both sides of each limit; it passes while nothing is to be done, or while a call
//!   is under way, by less than its deadline.
//!
//! Bounds are a [`Protocol`]'s moments and [`Budget`].

mod act;
mod application;
mod checked;
mod claim;
mod driver;
mod migration;
mod properties;
mod smartcar;
mod stored;
mod world;

pub use act::Act;
pub use application::{
    APPLICATION_COVERAGE, APPLICATION_SAFETY, ApplicationAct, ApplicationBudget, ApplicationDriver,
    ApplicationProtocol, ApplicationWorld,
};
pub use checked::Checked;
pub use claim::{CLAIM_COVERAGE, CLAIM_SAFETY, ClaimAct, ClaimBudget, ClaimDriver, ClaimProtocol, ClaimWorld};
pub use driver::Driver;
pub use migration::{
    MIGRATION_COVERAGE, MIGRATION_SAFETY, MigrationAct, MigrationBudget, MigrationDriver, MigrationProtocol,
    MigrationWorld,
};
pub use properties::{COVERAGE, SAFETY};
pub use smartcar::Reissue;
pub use world::{Budget, World};

use smartcar_connect::time::Millis;

/// A model: its bounds, its Smartcar and its driver.
#[derive(Clone, Debug)]
pub struct Protocol {
    /// The moments at which anything can happen, after the first one, at which the access token has four minutes left.
    pub moments: Vec<Millis>,
    /// How long a used refresh token is accepted.
    pub grace: Millis,
    /// What becomes of a new pair when the old token is used again within its grace.
    pub reissue: Reissue,
    /// Whether nothing has worked for an hour, so that the next attempt is the first for a long time.
    pub after_outage: bool,
    /// How often what can happen.
    pub budget: Budget,
    /// How the decisions are carried out.
    pub driver: Driver,
}

impl Protocol {
    /// Visits every state. There is no way on from one in which a property was broken.
    #[must_use]
    pub fn check(self) -> Checked {
        Checked::of(self, COVERAGE)
    }
}

//! Keeping connections: the state machines that decide what becomes of one, and what is stored of it.
//!
//! Nothing here does I/O. The Durable Object `Vault` carries the decisions out; the same functions drive the model that
//! is checked in the tests.
//!
//! Outside semantic versioning: see [what the version promises](crate#what-the-version-promises).

mod claim;
mod connection;
mod deletion;
pub mod finish;
mod import;
mod index;
mod index_record;
mod known_vehicle;
mod kv_value;
pub mod life;
mod mark;
mod migration;
mod profile;
mod publication;
mod reconnect;
mod record;
mod replaced;
mod report;
mod sessions;
mod vehicle_list;

pub use claim::{Claim, Handover, HandoverOutcome, Reception, claim, receive};
pub use connection::connection;
pub use deletion::{is_forgotten, is_vault_empty};
pub use import::{Import, ImportStep, is_of_use};
pub use index::{VehicleIndex, covering, superseded_vehicles, vehicles_to_revoke};
pub use index_record::{IndexRecord, IndexWrite};
pub use known_vehicle::{Description, KnownVehicle, VehicleProblem, covered_vehicles};
pub use kv_value::{Lookup, ReadableToken, join_value, readable_part};
pub use mark::{Complaint, Mark, MarkCause, Marks, Mended, Report, ShownBy, Success};
pub use migration::{
    Evidence, Finding, ListQuestion, Listing, Progress, asked_about, judge, judge_ended, next_question, progress,
};
pub use profile::{Claimant, Profile};
pub use publication::{KvCopy, KvOutcome};
pub use reconnect::{NoWayBack, Reconnecting, WayBack, can_come_back, way_back};
pub use record::{
    Access, AskedBy, Claimed, Closing, Ended, Learned, Leaving, Live, Moved, NotMoved, Record, Tombstone,
};
pub use replaced::{Former, replaced};
pub use report::VehicleReport;
pub use sessions::{OpeningError, Sessions, UsedTicket};
pub use vehicle_list::{ShownVehicle, ShownVehicles, shown_vehicles};

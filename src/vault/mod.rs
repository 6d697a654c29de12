//! Keeping grants: the key ring, sealed records, and the state machines that decide what becomes of a grant.
//!
//! Nothing here does I/O. The Durable Object `Vault` carries the decisions out; the same functions drive the model that
//! is checked in the tests.

mod connection;
mod finish;
mod grant;
mod id;
mod index;
mod key_ring;
mod kv_name;
mod life;
mod principal;
mod profile;
mod record;
mod rotation;
mod session;

pub use connection::{Connection, ListedVehicle, Status};
pub use finish::{CallbackDigest, Finish, FinishOutcome, FinishStep, PendingRecord, Used};
pub use grant::{Cause, Grant, GrantRecord, Health, Intent, Published, Tokens, Vehicles};
pub use id::{ConnectionId, InvalidId};
pub use index::{VehicleIndex, superseded, to_be_told};
pub use key_ring::{KeyId, KeyRing, KeyRingError};
pub use kv_name::{KvName, kv_life_secs};
pub use life::{
    Answer, CALL_DEADLINE, Effect, Event, KvOutcome, Next, Policy, Step, Unwell, Upstream, granted, step, wake_at,
};
pub use principal::Principal;
pub use profile::Profile;
pub use record::{Nonce, OpenError, Place, RecordType, SealedRecord};
pub use rotation::{Page, Rotation};
pub use session::{Session, SessionError};

//! What the Durable Object's storage holds.

use std::{
    fmt,
    hash::{Hash, Hasher},
    sync::Arc,
};

use smartcar_connect::{
    token::cycle::OwnerTokens,
    vault::{Live, Record},
};

/// A stored record. Two are the same if their JSON is, as it is in storage.
#[derive(Clone)]
pub(crate) struct Stored(Arc<(Record, String)>);

impl Stored {
    pub(crate) fn new(record: Record) -> Self {
        let json = serde_json::to_string(&record).unwrap_or_default();
        Self(Arc::new((record, json)))
    }

    pub(crate) fn record(&self) -> &Record {
        &self.0.0
    }

    /// The tokens of a connection that is live.
    pub(crate) fn live(&self) -> Option<&OwnerTokens> {
        self.record().live().and_then(Live::owner_tokens)
    }
}

impl PartialEq for Stored {
    fn eq(&self, other: &Self) -> bool {
        self.0.1 == other.0.1
    }
}

impl Eq for Stored {}

impl Hash for Stored {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.0.1.hash(state);
    }
}

impl fmt::Debug for Stored {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0.1)
    }
}

//! What version 3 keeps: connections, application tokens and what the limits have counted.

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};

use super::limits::Bucket;
use crate::{clock::Millis, ids};

/// What version 3 keeps besides what both versions share.
#[derive(Clone, Debug, Default, Deserialize, Serialize)]
#[serde(default)]
pub(crate) struct State {
    pub(crate) connections: Vec<Connection>,
    /// Per user id: what the application calls its owner.
    external_ids: BTreeMap<String, String>,
    /// Application tokens and when they expire.
    pub(crate) tokens: BTreeMap<String, Millis>,
    pub(super) bucket: Bucket,
    /// Requests that the plan pays for.
    pub(super) billed: u64,
    pub(super) signals: BTreeMap<String, Signals>,
    /// Charge schedules per vehicle.
    pub(super) schedules: BTreeMap<String, BTreeSet<String>>,
}

/// One car of one owner.
#[derive(Clone, Debug, Deserialize, Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Connection {
    /// Changes when the owner connects the car again.
    pub(crate) id: String,
    pub(crate) user_id: String,
    pub(crate) vehicle_id: String,
    pub(crate) permissions: Vec<String>,
    pub(crate) mode: Mode,
    pub(crate) created_at: Millis,
    pub(crate) updated_at: Millis,
}

/// Whether a car is real.
#[derive(Clone, Copy, Debug, Default, Deserialize, Eq, PartialEq, Serialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Mode {
    #[default]
    Live,
    /// `test` is an older name of it.
    #[serde(alias = "test")]
    Simulated,
}

/// What is told about a car's signals.
#[derive(Clone, Copy, Debug, Default, Deserialize, Serialize)]
#[serde(default)]
pub(super) struct Signals {
    /// Nothing has been read yet.
    pub(super) is_empty: bool,
    /// When the owner's account was lost, and when it came back.
    pub(super) lost_at: Option<Millis>,
    pub(super) restored_at: Option<Millis>,
    /// Until when the car answers nothing more.
    pub(super) throttled_until: Millis,
}

/// What an owner agreed to.
#[derive(Debug)]
pub(crate) struct Consent<'a> {
    pub(crate) user_id: &'a str,
    pub(crate) vehicles: &'a [String],
    pub(crate) permissions: &'a [String],
    pub(crate) mode: Mode,
    pub(crate) external_id: &'a ExternalId,
}

/// What a visit to Connect does to the application's name for the owner.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub(crate) enum ExternalId {
    #[default]
    Keep,
    Clear,
    Set(String),
}

impl Mode {
    /// The name in the API.
    pub(crate) const fn name(self) -> &'static str {
        match self {
            Self::Live => "live",
            Self::Simulated => "simulated",
        }
    }

    /// The mode of this name, today's or the older one.
    pub(crate) fn find(name: &str) -> Option<Self> {
        match name {
            "live" => Some(Self::Live),
            "simulated" | "test" => Some(Self::Simulated),
            _ => None,
        }
    }
}

impl State {
    /// Records a consent: each of its cars gets a connection with an id of its own, whatever was there before.
    pub(crate) fn connect(&mut self, consent: &Consent<'_>, now: Millis) {
        for vehicle_id in consent.vehicles {
            self.disconnect(consent.user_id, vehicle_id);
            self.connections.push(Connection {
                id: ids::uuid(),
                user_id: consent.user_id.to_owned(),
                vehicle_id: vehicle_id.clone(),
                permissions: consent.permissions.to_vec(),
                mode: consent.mode,
                created_at: now,
                updated_at: now,
            });
            self.restore_signals(vehicle_id, now);
        }
        self.name_user(consent.user_id, consent.external_id);
    }

    /// Records that an owner has logged in for a car again: the connection stays.
    pub(crate) fn reauthenticate(&mut self, user_id: &str, vehicle_id: &str, external_id: &ExternalId, now: Millis) {
        let known = |one: &&mut Connection| one.user_id == user_id && one.vehicle_id == vehicle_id;
        if let Some(connection) = self.connections.iter_mut().find(known) {
            connection.updated_at = now;
            self.name_user(user_id, external_id);
        }
        self.restore_signals(vehicle_id, now);
    }

    /// Takes a car from its owner's connections.
    pub(crate) fn disconnect(&mut self, user_id: &str, vehicle_id: &str) {
        self.connections
            .retain(|one| one.user_id != user_id || one.vehicle_id != vehicle_id);
    }

    /// Records that the owner's account no longer opens the car.
    pub(crate) fn lose_signals(&mut self, vehicle_id: &str, now: Millis) {
        let signals = self.signals.entry(vehicle_id.to_owned()).or_default();
        signals.lost_at = Some(now);
        signals.restored_at = None;
    }

    /// Records that it does again.
    pub(crate) fn restore_signals(&mut self, vehicle_id: &str, now: Millis) {
        if let Some(signals) = self.signals.get_mut(vehicle_id) {
            signals.restored_at.get_or_insert(now);
        }
    }

    /// Has, or no longer has, anything to tell about a car.
    pub(crate) fn empty_signals(&mut self, vehicle_id: &str, is_empty: bool) {
        self.signals.entry(vehicle_id.to_owned()).or_default().is_empty = is_empty;
    }

    /// Refuses requests for a car until a moment.
    pub(crate) fn throttle(&mut self, vehicle_id: &str, until: Millis) {
        self.signals.entry(vehicle_id.to_owned()).or_default().throttled_until = until;
    }

    /// What the application calls an owner.
    pub(crate) fn external_id(&self, user_id: &str) -> Option<&str> {
        self.external_ids.get(user_id).map(String::as_str)
    }

    fn name_user(&mut self, user_id: &str, external_id: &ExternalId) {
        match external_id {
            ExternalId::Keep => {}
            ExternalId::Clear => {
                self.external_ids.remove(user_id);
            }
            ExternalId::Set(name) => {
                self.external_ids.insert(user_id.to_owned(), name.clone());
            }
        }
    }

    /// Forgets an owner; the cars are the caller's to take away.
    pub(crate) fn forget_user(&mut self, user_id: &str) {
        self.connections.retain(|one| one.user_id != user_id);
        self.external_ids.remove(user_id);
    }
}

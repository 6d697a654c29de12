//! Grants, codes and tokens: what has been issued and what it is still good for.

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};

use crate::{car::CarState, clock::Millis, config::Config, connect::Session, ids, v3};

/// Everything the token endpoint and the API change. A clone stands for "what would have happened".
#[derive(Clone, Debug, Default, Deserialize, Serialize)]
#[serde(default)]
pub(crate) struct Store {
    pub(crate) grants: Vec<Grant>,
    pub(crate) codes: BTreeMap<String, Code>,
    pub(crate) access_tokens: BTreeMap<String, AccessToken>,
    pub(crate) refresh_tokens: BTreeMap<String, RefreshToken>,
    users: BTreeMap<String, String>,
    /// Every secret that was ever sent to anybody.
    secrets: BTreeSet<String>,
    pub(crate) tally: Tally,
    /// Visits to Connect by their id: those that are under way end with the process.
    #[serde(skip)]
    pub(crate) sessions: BTreeMap<String, Session>,
    /// Vehicles whose owner has to log in at the manufacturer again.
    pub(crate) unauthenticated: BTreeSet<String>,
    /// What commands have made of vehicles.
    pub(crate) cars: BTreeMap<String, CarState>,
    /// What only version 3 has.
    pub(crate) v3: v3::State,
}

/// What the token endpoint really did, as opposed to how often it was called.
#[derive(Clone, Copy, Debug, Default, Deserialize, Serialize)]
#[serde(default)]
pub(crate) struct Tally {
    pub(crate) exchanged: u64,
    pub(crate) exchange_refused: u64,
    pub(crate) refreshed: u64,
    pub(crate) refreshed_in_grace: u64,
    pub(crate) refresh_refused: u64,
    pub(crate) application_tokens: u64,
    pub(crate) application_tokens_refused: u64,
}

/// What an owner allowed.
#[derive(Clone, Debug, Deserialize, Serialize)]
pub(crate) struct Grant {
    pub(crate) user_id: String,
    /// Empties as vehicles are disconnected; a grant without vehicles is revoked.
    pub(crate) vehicles: Vec<String>,
    pub(crate) scopes: Vec<String>,
    /// Whether the tokens stay good when no vehicle is left, and list none.
    #[serde(default)]
    pub(crate) outlives_its_vehicles: bool,
}

/// The place of a grant in [`Store::grants`].
pub(crate) type GrantIndex = usize;

/// An authorization code.
#[derive(Clone, Debug, Deserialize, Serialize)]
pub(crate) struct Code {
    pub(crate) grant: GrantIndex,
    pub(crate) redirect_uri: String,
    pub(crate) expires_at: Millis,
    pub(crate) used_at: Option<Millis>,
}

/// An access token.
#[derive(Clone, Debug, Deserialize, Serialize)]
pub(crate) struct AccessToken {
    pub(crate) grant: GrantIndex,
    pub(crate) expires_at: Millis,
}

/// A refresh token; it is rotated, so from its first use on it is dying.
#[derive(Clone, Debug, Deserialize, Serialize)]
pub(crate) struct RefreshToken {
    pub(crate) grant: GrantIndex,
    pub(crate) issued_at: Millis,
    pub(crate) expires_at: Millis,
    pub(crate) first_used_at: Option<Millis>,
    pub(crate) uses: u32,
}

/// What a refresh token is good for.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum RefreshState {
    /// Never used.
    Current,
    /// Used, and still accepted.
    Grace,
    /// Used, and the grace is over.
    Rotated,
    /// Past its lifetime.
    Expired,
    /// Its grant has no vehicle left.
    Revoked,
}

/// A new pair, as the token endpoint answers it.
#[derive(Clone, Debug)]
pub(crate) struct TokenPair {
    pub(crate) access_token: String,
    pub(crate) refresh_token: String,
    pub(crate) expires_in: u64,
}

/// Why a code was not exchanged.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum CodeRefusal {
    /// Unknown, used or expired: Smartcar does not say which.
    Invalid,
    /// The redirect URI is not the one given to Connect.
    RedirectUri,
}

impl RefreshToken {
    /// The state at `now` of a token whose grant is live or not.
    pub(crate) fn state(&self, now: Millis, grace_ms: u64, grant_live: bool) -> RefreshState {
        if !grant_live {
            return RefreshState::Revoked;
        }
        if let Some(first) = self.first_used_at {
            if now >= first.saturating_add(grace_ms) {
                return RefreshState::Rotated;
            }
            if now < self.expires_at {
                return RefreshState::Grace;
            }
        }
        if now >= self.expires_at {
            return RefreshState::Expired;
        }
        RefreshState::Current
    }
}

impl Store {
    /// The Smartcar user id of the owner with this e-mail address; the same for the same address.
    pub(crate) fn user_id(&mut self, email: &str) -> String {
        let id = self.users.entry(email.to_owned()).or_insert_with(ids::uuid).clone();
        self.note_secret(&id);
        id
    }

    /// Records a value that must not turn up in the clear anywhere.
    pub(crate) fn note_secret(&mut self, secret: &str) {
        if !secret.is_empty() {
            self.secrets.insert(secret.to_owned());
        }
    }

    /// All secrets so far.
    pub(crate) fn secrets(&self) -> &BTreeSet<String> {
        &self.secrets
    }

    /// Takes over the secrets of a discarded clone: they were sent, although nothing was changed.
    pub(crate) fn adopt_secrets(&mut self, other: &Self) {
        self.secrets.extend(other.secrets.iter().cloned());
    }

    /// Whether the grant still covers a vehicle.
    pub(crate) fn is_live(&self, grant: GrantIndex) -> bool {
        self.grants
            .get(grant)
            .is_some_and(|grant| grant.outlives_its_vehicles || !grant.vehicles.is_empty())
    }

    /// Records a grant and a code for it.
    pub(crate) fn issue_code(&mut self, grant: Grant, redirect_uri: &str, now: Millis, config: &Config) -> String {
        for vehicle in grant.vehicles.iter().filter_map(|id| config.vehicle(id)) {
            self.note_secret(&vehicle.vin);
        }
        self.grants.push(grant);
        let code = ids::uuid();
        self.note_secret(&code);
        self.codes.insert(
            code.clone(),
            Code {
                grant: self.grants.len().saturating_sub(1),
                redirect_uri: redirect_uri.to_owned(),
                expires_at: now.saturating_add(config.code_lifetime_s.saturating_mul(1_000)),
                used_at: None,
            },
        );
        code
    }

    /// Exchanges a code. A wrong redirect URI does not use it up.
    pub(crate) fn exchange(
        &mut self,
        code: &str,
        redirect_uri: &str,
        now: Millis,
        config: &Config,
    ) -> Result<TokenPair, CodeRefusal> {
        let result = self.redeem(code, redirect_uri, now);
        match result {
            Ok(grant) => {
                self.tally.exchanged = self.tally.exchanged.saturating_add(1);
                Ok(self.issue_pair(grant, now, config))
            }
            Err(refusal) => {
                self.tally.exchange_refused = self.tally.exchange_refused.saturating_add(1);
                Err(refusal)
            }
        }
    }

    fn redeem(&mut self, code: &str, redirect_uri: &str, now: Millis) -> Result<GrantIndex, CodeRefusal> {
        let code = self.codes.get_mut(code).ok_or(CodeRefusal::Invalid)?;
        if code.used_at.is_some() || now >= code.expires_at {
            return Err(CodeRefusal::Invalid);
        }
        if code.redirect_uri != redirect_uri {
            return Err(CodeRefusal::RedirectUri);
        }
        code.used_at = Some(now);
        Ok(code.grant)
    }

    /// Rotates a refresh token; `None` when it is not, or no longer, good.
    pub(crate) fn refresh(&mut self, token: &str, now: Millis, config: &Config) -> Option<TokenPair> {
        let state = self.refresh_state(token, now, config);
        let live = self.refresh_tokens.get_mut(token);
        match (state, live) {
            (Some(state @ (RefreshState::Current | RefreshState::Grace)), Some(live)) => {
                live.first_used_at.get_or_insert(now);
                live.uses = live.uses.saturating_add(1);
                let grant = live.grant;
                self.tally.refreshed = self.tally.refreshed.saturating_add(1);
                if state == RefreshState::Grace {
                    self.tally.refreshed_in_grace = self.tally.refreshed_in_grace.saturating_add(1);
                }
                Some(self.issue_pair(grant, now, config))
            }
            _ => {
                self.tally.refresh_refused = self.tally.refresh_refused.saturating_add(1);
                None
            }
        }
    }

    /// The state of a refresh token; `None` when it was never issued.
    pub(crate) fn refresh_state(&self, token: &str, now: Millis, config: &Config) -> Option<RefreshState> {
        let token = self.refresh_tokens.get(token)?;
        Some(token.state(now, config.grace_ms, self.is_live(token.grant)))
    }

    /// The grant behind a live access token.
    pub(crate) fn authenticate(&self, access_token: &str, now: Millis) -> Option<GrantIndex> {
        let token = self.access_tokens.get(access_token)?;
        (now < token.expires_at && self.is_live(token.grant)).then_some(token.grant)
    }

    /// The owners who have granted a vehicle, each once.
    pub(crate) fn owners(&self, vehicle_id: &str) -> BTreeSet<String> {
        let grants = self.grants.iter();
        let covering = grants.filter(|grant| grant.vehicles.iter().any(|id| id == vehicle_id));
        covering.map(|grant| grant.user_id.clone()).collect()
    }

    /// Takes everything out of what an owner has granted before a further consent: its tokens stay good, and list nothing.
    pub(crate) fn replace_grants(&mut self, user_id: &str) {
        for grant in self.grants.iter_mut().filter(|grant| grant.user_id == user_id) {
            grant.vehicles.clear();
            grant.outlives_its_vehicles = true;
        }
        self.v3.connections.retain(|one| one.user_id != user_id);
    }

    /// Takes a vehicle out of every grant of its owner, and its connection with it.
    pub(crate) fn disconnect(&mut self, user_id: &str, vehicle_id: &str) {
        for grant in self.grants.iter_mut().filter(|grant| grant.user_id == user_id) {
            grant.vehicles.retain(|id| id != vehicle_id);
        }
        self.v3.disconnect(user_id, vehicle_id);
    }

    /// Takes everything that an owner has granted.
    pub(crate) fn remove_user(&mut self, user_id: &str) {
        for grant in self.grants.iter_mut().filter(|grant| grant.user_id == user_id) {
            grant.vehicles.clear();
        }
        self.v3.forget_user(user_id);
    }

    fn issue_pair(&mut self, grant: GrantIndex, now: Millis, config: &Config) -> TokenPair {
        let pair = TokenPair {
            access_token: ids::uuid(),
            refresh_token: ids::uuid(),
            expires_in: config.access_token_lifetime_s,
        };
        self.note_secret(&pair.access_token);
        self.note_secret(&pair.refresh_token);
        let lasts = |seconds: u64| now.saturating_add(seconds.saturating_mul(1_000));
        self.access_tokens.insert(
            pair.access_token.clone(),
            AccessToken {
                grant,
                expires_at: lasts(config.access_token_lifetime_s),
            },
        );
        self.refresh_tokens.insert(
            pair.refresh_token.clone(),
            RefreshToken {
                grant,
                issued_at: now,
                expires_at: lasts(config.refresh_token_lifetime_s),
                first_used_at: None,
                uses: 0,
            },
        );
        pair
    }
}

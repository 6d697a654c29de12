//! Faults: what goes wrong, where, and how often.

use std::collections::BTreeMap;

use serde::{Deserialize, Deserializer, Serialize};
use serde_json::Value;

use crate::{endpoint::Endpoint, errors, v3};

/// What goes wrong.
#[derive(Clone, Copy, Debug, Deserialize, Eq, PartialEq, Serialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Kind {
    /// The connection is reset; nothing was done.
    ResetBefore,
    /// The work is done, then the connection is reset.
    ResetAfter,
    /// The work is done or not, and the connection is closed properly without an answer.
    Close,
    /// The status line comes late, by `ms`.
    SlowHeaders,
    /// Headers and half of the body come at once, the rest trickles over `ms`.
    SlowBody,
    /// The body ends early: before its `Content-Length`, or (`how: "json"`) in a complete message that is half a document.
    Truncated,
    /// Another answer: `status`, `body`, `headers`.
    Status,
    /// A documented API error by name, such as `CONNECTED_SERVICES_ACCOUNT/AUTHENTICATION_FAILED`.
    ApiError,
    /// The right field names with values of other types.
    WrongTypes,
    /// `expires_in` is `value`.
    ExpiresIn,
    /// A valid body, padded to 64 KiB + 1.
    Oversized,
    /// A redirect to `location`.
    Redirect,
    /// Success with a page of HTML.
    NotJson,
    /// Success with bytes that are no text, labelled JSON.
    Garbage,
    /// A command that succeeds by its status and fails in its body: `inside` says how, `error` with what.
    CommandFailed,
    /// 202 at once, without a length, and the body after `ms`; with `inside` it is that of a failure.
    Streamed,
}

/// Where the body of a success says that it is none.
#[derive(Clone, Copy, Debug, Default, Deserialize, Eq, PartialEq, Serialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Inside {
    /// `errors` in place of `data`.
    #[default]
    Errors,
    /// A `status` other than `SUCCESS`.
    Status,
}

/// How a body is cut.
#[derive(Clone, Copy, Debug, Default, Deserialize, Eq, PartialEq, Serialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Cut {
    /// The connection ends before the announced length.
    #[default]
    Length,
    /// The message is complete, its JSON is not.
    Json,
}

/// A fault as the control API takes it.
#[derive(Clone, Debug, Deserialize, Serialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(crate) struct Fault {
    pub(crate) endpoint: Target,
    pub(crate) kind: Kind,
    /// How many requests it hits; `null` means all until it is deleted.
    #[serde(default = "once")]
    times: Option<u64>,
    /// How many requests are spared first.
    #[serde(default)]
    skip: u64,
    /// Whether the state change (code used, token rotated, vehicle disconnected) takes place.
    #[serde(default)]
    commit: Option<bool>,
    #[serde(default)]
    pub(crate) ms: Option<u64>,
    #[serde(default)]
    pub(crate) how: Cut,
    #[serde(default)]
    pub(crate) inside: Option<Inside>,
    #[serde(default)]
    pub(crate) status: Option<u16>,
    /// Text is sent as it is, anything else as JSON.
    #[serde(default)]
    pub(crate) body: Option<Value>,
    #[serde(default)]
    pub(crate) headers: BTreeMap<String, String>,
    #[serde(default)]
    pub(crate) error: Option<String>,
    /// `null` is a value too.
    #[serde(default, deserialize_with = "present")]
    pub(crate) value: Option<Value>,
    #[serde(default)]
    pub(crate) location: Option<String>,
}

/// The requests that a fault is for.
#[derive(Clone, Copy, Debug, Deserialize, Eq, PartialEq, Serialize)]
#[serde(untagged)]
pub(crate) enum Target {
    One(Endpoint),
    All(Everything),
}

/// `*`
#[derive(Clone, Copy, Debug, Deserialize, Eq, PartialEq, Serialize)]
pub(crate) enum Everything {
    #[serde(rename = "*")]
    Star,
}

fn present<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<Value>, D::Error> {
    Value::deserialize(deserializer).map(Some)
}

#[expect(clippy::unnecessary_wraps, reason = "the default of a field that may be null")]
fn once() -> Option<u64> {
    Some(1)
}

impl Fault {
    /// Says what is missing or does not fit together.
    pub(crate) fn check(&self) -> Result<(), String> {
        let missing = |field: &str| Err(format!("a fault of this kind needs `{field}`"));
        match self.kind {
            _ if self.times == Some(0) => Err("`times` must be at least 1, or null for all".to_owned()),
            Kind::SlowHeaders | Kind::SlowBody | Kind::Streamed if self.ms.is_none() => missing("ms"),
            Kind::Status if self.status.is_none() => missing("status"),
            Kind::Status if self.status.is_some_and(|status| !(200..=999).contains(&status)) => {
                Err("`status` must be from 200 to 999".to_owned())
            }
            Kind::ExpiresIn if self.value.is_none() => missing("value"),
            Kind::ApiError if !self.error.as_deref().is_some_and(|name| self.knows(name)) => Err(format!(
                "a fault of this kind needs `error`, one of {}; with version 3 one of {}",
                errors::ApiError::names().join(", "),
                v3::ApiError::names().collect::<Vec<_>>().join(", ")
            )),
            Kind::CommandFailed | Kind::Streamed
                if self
                    .error
                    .as_deref()
                    .is_some_and(|name| v3::ApiError::find(name).is_none()) =>
            {
                Err("`error` must be an error of version 3".to_owned())
            }
            Kind::ResetBefore if self.commit == Some(true) => {
                Err("`reset_before` never commits; use `reset_after`".to_owned())
            }
            Kind::ResetAfter if self.commit == Some(false) => {
                Err("`reset_after` always commits; use `reset_before`".to_owned())
            }
            _ => Ok(()),
        }
    }

    /// Whether the error is documented for every request that the fault is for.
    fn knows(&self, error: &str) -> bool {
        let (v2, v3) = (errors::ApiError::find(error), v3::ApiError::find(error));
        match self.target() {
            Some(endpoint) if endpoint.is_v3() => v3.is_some(),
            Some(_) => v2.is_some(),
            None => v2.is_some() || v3.is_some(),
        }
    }

    /// Whether the state change takes place.
    pub(crate) fn commits(&self) -> bool {
        self.commit.unwrap_or(match self.kind {
            Kind::ResetAfter | Kind::ExpiresIn | Kind::SlowBody => true,
            Kind::Streamed => self.inside.is_none(),
            _ => false,
        })
    }

    /// The kind's name in the control API.
    pub(crate) fn kind_name(&self) -> String {
        serde_json::to_value(self.kind)
            .ok()
            .and_then(|value| value.as_str().map(str::to_owned))
            .unwrap_or_default()
    }

    fn hits(&self, endpoint: Endpoint) -> bool {
        match self.target() {
            None => true,
            Some(target) => target == endpoint,
        }
    }

    fn target(&self) -> Option<Endpoint> {
        match self.endpoint {
            Target::One(endpoint) => Some(endpoint),
            Target::All(Everything::Star) => None,
        }
    }
}

/// The faults that are set, in order.
#[derive(Clone, Debug, Default)]
pub(crate) struct Faults(Vec<Fault>);

impl Faults {
    /// Adds a fault after the others.
    pub(crate) fn push(&mut self, fault: Fault) {
        self.0.push(fault);
    }

    /// Removes all.
    pub(crate) fn clear(&mut self) {
        self.0.clear();
    }

    /// The faults that have requests left to hit.
    pub(crate) fn pending(&self) -> &[Fault] {
        &self.0
    }

    /// The fault for the next request to `endpoint`; uses it up.
    pub(crate) fn take(&mut self, endpoint: Endpoint) -> Option<Fault> {
        let index = self.0.iter().position(|fault| fault.hits(endpoint))?;
        let fault = self.0.get_mut(index)?;
        if fault.skip > 0 {
            fault.skip = fault.skip.saturating_sub(1);
            return None;
        }
        let taken = fault.clone();
        if let Some(times) = &mut fault.times {
            *times = times.saturating_sub(1);
            if *times == 0 {
                self.0.remove(index);
            }
        }
        Some(taken)
    }
}

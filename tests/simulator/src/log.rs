//! What was sent to the simulator.

use std::collections::BTreeMap;

use axum::http::HeaderMap;
use serde::Serialize;

use crate::{clock::Millis, endpoint::Endpoint, http::Request};

/// A recorded request. Its answer is filled in when there is one.
#[derive(Clone, Debug, Serialize)]
pub(crate) struct Record {
    /// Simulated time of arrival.
    at: Millis,
    endpoint: Endpoint,
    method: String,
    path: String,
    query: String,
    /// Names in lower case; several values of one name are joined with `, `.
    headers: BTreeMap<String, String>,
    body: String,
    /// The decoded fields of a form body in their order.
    form: Option<Vec<(String, String)>>,
    /// `null` while the request is being worked on, and for a connection that was reset.
    status: Option<u16>,
    /// The kind of fault that was applied.
    fault: Option<String>,
}

impl Record {
    /// Records a request at its arrival.
    pub(crate) fn new(at: Millis, endpoint: Endpoint, request: &Request) -> Self {
        Self {
            at,
            endpoint,
            method: request.method.to_string(),
            path: request.path.clone(),
            query: request.query.clone(),
            headers: headers(&request.headers),
            body: String::from_utf8_lossy(&request.body).into_owned(),
            form: request.is_form().then(|| request.form().0),
            status: None,
            fault: None,
        }
    }

    /// What the request was for.
    pub(crate) fn endpoint(&self) -> Endpoint {
        self.endpoint
    }

    /// Notes the fault that will be applied.
    pub(crate) fn set_fault(&mut self, kind: &str) {
        self.fault = Some(kind.to_owned());
    }

    /// Notes the answer.
    pub(crate) fn set_status(&mut self, status: u16) {
        self.status = Some(status);
    }
}

fn headers(headers: &HeaderMap) -> BTreeMap<String, String> {
    let mut map: BTreeMap<String, String> = BTreeMap::new();
    for (name, value) in headers {
        let value = String::from_utf8_lossy(value.as_bytes());
        map.entry(name.to_string())
            .and_modify(|known| {
                known.push_str(", ");
                known.push_str(&value);
            })
            .or_insert_with(|| value.clone().into_owned());
    }
    map
}

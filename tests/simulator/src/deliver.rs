//! How an answer is spoiled on its way out.

use std::{io, time::Duration};

use axum::{
    body::{Body, Bytes},
    http::{HeaderName, HeaderValue, Response, StatusCode, header},
};
use futures_util::stream;
use serde_json::{Value, json};

use crate::{
    fault::{Cut, Fault, Kind},
    host::sleep,
    http::{self, Answer},
    v3,
};

/// One byte more than 64 KiB.
pub(crate) const OVERSIZE: usize = 64 * 1_024 + 1;

/// Parts in which the slow half of a body arrives.
const TRICKLES: u32 = 8;

/// Enough for what was written before to have left.
const FLUSH: Duration = Duration::from_millis(30);

/// Replaces what the fault replaces; faults of timing and transport change nothing here.
pub(crate) fn spoil(fault: &Fault, answer: Answer, origin: &str) -> Answer {
    match fault.kind {
        Kind::Status => status(fault),
        Kind::WrongTypes => edit_json(answer, |body| {
            if let Some(fields) = body.as_object_mut() {
                fields.values_mut().for_each(|value| *value = other_type(value));
            }
        }),
        Kind::ExpiresIn => edit_json(answer, |body| {
            if let (Some(fields), Some(value)) = (body.as_object_mut(), &fault.value) {
                fields.insert("expires_in".to_owned(), value.clone());
            }
        }),
        Kind::Oversized => {
            let mut answer = answer;
            answer.body_mut().resize(OVERSIZE, b' ');
            answer
        }
        Kind::Redirect => redirect(fault, origin),
        Kind::NotJson => http::answer(
            StatusCode::OK,
            "text/html; charset=utf-8",
            b"<!doctype html><title>Welcome</title><p>Please accept the terms of this network.</p>".to_vec(),
        ),
        Kind::Garbage => http::answer(
            StatusCode::OK,
            "application/json",
            (0..=255_u8).rev().cycle().take(600).collect(),
        ),
        Kind::CommandFailed => v3::failed(answer, fault.inside.unwrap_or_default(), fault.error.as_deref()),
        Kind::Streamed => v3::accepted(match fault.inside {
            Some(inside) => v3::failed(answer, inside, fault.error.as_deref()),
            None => answer,
        }),
        Kind::Truncated if fault.how == Cut::Json => {
            let mut answer = answer;
            let half = answer.body().len() / 2;
            answer.body_mut().truncate(half);
            answer
        }
        _ => answer,
    }
}

/// Gives the answer a body that arrives as the fault wants.
pub(crate) fn send(fault: Option<&Fault>, answer: Answer) -> Response<Body> {
    let (mut parts, body) = answer.into_parts();
    let mut body = Bytes::from(body);
    let rest = body.split_off(body.len() / 2);
    let steps = match fault.map(|fault| (fault.kind, fault)) {
        Some((Kind::SlowBody, fault)) => {
            let pause = Duration::from_millis(fault.ms.unwrap_or_default())
                .checked_div(TRICKLES)
                .unwrap_or_default();
            let mut steps = vec![Step::Send(body)];
            for chunk in rest.chunks(rest.len().div_ceil(TRICKLES as usize).max(1)) {
                steps.extend([Step::Wait(pause), Step::Send(Bytes::copy_from_slice(chunk))]);
            }
            steps
        }
        Some((Kind::Streamed, fault)) => {
            let pause = Duration::from_millis(fault.ms.unwrap_or_default());
            let steps = vec![Step::Wait(pause), Step::Send(body), Step::Send(rest)];
            return Response::from_parts(parts, Body::from_stream(play(steps)));
        }
        Some((Kind::Truncated, fault)) if fault.how == Cut::Length => {
            parts.headers.insert(
                header::CONTENT_LENGTH,
                HeaderValue::from(body.len().saturating_add(rest.len()).max(1)),
            );
            vec![Step::Send(body), Step::Wait(FLUSH), Step::Fail]
        }
        _ => {
            let whole = [body, rest].concat();
            return Response::from_parts(parts, Body::from(whole));
        }
    };
    let total = steps.iter().map(Step::len).fold(0_usize, usize::saturating_add);
    parts
        .headers
        .entry(header::CONTENT_LENGTH)
        .or_insert_with(|| HeaderValue::from(total));
    Response::from_parts(parts, Body::from_stream(play(steps)))
}

enum Step {
    Send(Bytes),
    Wait(Duration),
    Fail,
}

impl Step {
    fn len(&self) -> usize {
        match self {
            Self::Send(bytes) => bytes.len(),
            Self::Wait(_) | Self::Fail => 0,
        }
    }
}

fn play(steps: Vec<Step>) -> impl stream::Stream<Item = io::Result<Bytes>> {
    stream::unfold(steps.into_iter(), async |mut steps| {
        loop {
            match steps.next()? {
                Step::Send(bytes) => return Some((Ok(bytes), steps)),
                Step::Wait(pause) => sleep(pause).await,
                Step::Fail => return Some((Err(io::ErrorKind::ConnectionAborted.into()), steps)),
            }
        }
    })
}

fn status(fault: &Fault) -> Answer {
    let status = fault
        .status
        .and_then(|status| StatusCode::from_u16(status).ok())
        .unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    let mut answer = match &fault.body {
        None => http::answer(status, "text/plain; charset=utf-8", Vec::new()),
        Some(Value::String(text)) => http::answer(status, "text/plain; charset=utf-8", text.clone().into_bytes()),
        Some(body) => http::json(status, body),
    };
    for (name, value) in &fault.headers {
        if let (Ok(name), Ok(value)) = (name.parse::<HeaderName>(), HeaderValue::from_str(value)) {
            answer.headers_mut().insert(name, value);
        }
    }
    answer
}

fn redirect(fault: &Fault, origin: &str) -> Answer {
    let status = fault
        .status
        .and_then(|status| StatusCode::from_u16(status).ok())
        .unwrap_or(StatusCode::FOUND);
    let mut answer = http::answer(status, "text/plain; charset=utf-8", Vec::new());
    let location = fault.location.clone().unwrap_or_else(|| format!("{origin}/redirected"));
    if let Ok(location) = HeaderValue::from_str(&location) {
        answer.headers_mut().insert(header::LOCATION, location);
    }
    answer
}

fn edit_json(answer: Answer, edit: impl FnOnce(&mut Value)) -> Answer {
    let (parts, body) = answer.into_parts();
    let body = match serde_json::from_slice::<Value>(&body) {
        Ok(mut json) => {
            edit(&mut json);
            json.to_string().into_bytes()
        }
        Err(_) => body,
    };
    Answer::from_parts(parts, body)
}

fn other_type(value: &Value) -> Value {
    match value {
        Value::Null => json!(0),
        Value::Bool(_) => json!("true"),
        Value::Number(number) => json!({ "seconds": number }),
        Value::String(_) => json!(12_345),
        Value::Array(_) => json!("none"),
        Value::Object(_) => json!([]),
    }
}

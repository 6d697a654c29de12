//! Issue by issue: what the token endpoint can do to a refresh, through the reader of its answers.

use super::*;
use crate::token::{MAX_BODY_BYTES, read_response};

struct Fault {
    name: &'static str,
    status: u16,
    retry_after: Option<&'static str>,
    body: Vec<u8>,
    /// The state afterwards, and the cause in it.
    state: &'static str,
    cause: Option<Cause>,
    /// Whether the same token is presented again at once: the new pair may have been lost.
    repeated: bool,
}

fn body(text: &str) -> Vec<u8> {
    text.as_bytes().to_vec()
}

fn fault(name: &'static str, status: u16, text: &str, cause: Cause, repeated: bool) -> Fault {
    Fault {
        name,
        status,
        retry_after: None,
        body: body(text),
        state: "live",
        cause: Some(cause),
        repeated,
    }
}

fn refused(name: &'static str, status: u16, text: &str) -> Fault {
    Fault {
        state: "ended",
        ..fault(name, status, text, Cause::InvalidGrant, false)
    }
}

fn taken(name: &'static str, expires_in: &str) -> Fault {
    let text = format!(r#"{{"access_token":"access-2","refresh_token":"refresh-2","expires_in":{expires_in}}}"#);
    Fault {
        cause: None,
        ..fault(name, 200, &text, Cause::ServerError, false)
    }
}

fn faults() -> Vec<Fault> {
    use Cause::{InvalidClient, RateLimited, Redirected, RefusedWithoutReason, ServerError, UnreadableResponse};
    let mut oversized = fault("64 KiB and a byte", 200, "", UnreadableResponse, true);
    let tokens = r#"{"access_token":"access-2","refresh_token":"refresh-2","expires_in":7200}"#;
    let truncated = tokens.split_once("7200").unwrap().0;
    oversized.body = body(tokens);
    oversized.body.resize(MAX_BODY_BYTES + 1, b' ');
    let mut largest = taken("64 KiB", "7200");
    largest.body.resize(MAX_BODY_BYTES, b' ');
    let limited = fault("429", 429, "", RateLimited, false);
    vec![
        fault("truncated", 200, truncated, UnreadableResponse, true),
        fault("empty", 200, "", UnreadableResponse, true),
        fault("not JSON", 200, "<html>", UnreadableResponse, true),
        fault("a list", 200, "[]", UnreadableResponse, true),
        fault("not UTF-8 in effect", 200, "\u{0}\u{1}", UnreadableResponse, true),
        fault("no tokens", 200, "{}", UnreadableResponse, true),
        fault(
            "a number for a token",
            200,
            r#"{"access_token":1,"refresh_token":"r"}"#,
            UnreadableResponse,
            true,
        ),
        fault(
            "a null for a token",
            200,
            r#"{"access_token":null,"refresh_token":"r"}"#,
            UnreadableResponse,
            true,
        ),
        fault(
            "an empty token",
            200,
            r#"{"access_token":"","refresh_token":"r"}"#,
            UnreadableResponse,
            true,
        ),
        fault(
            "a list for a refresh token",
            200,
            r#"{"access_token":"a","refresh_token":[]}"#,
            UnreadableResponse,
            true,
        ),
        fault(
            "a token of two lines",
            200,
            r#"{"access_token":"a\r\nX: y","refresh_token":"r"}"#,
            UnreadableResponse,
            true,
        ),
        fault(
            "a token outside ASCII",
            200,
            r#"{"access_token":"ä","refresh_token":"r"}"#,
            UnreadableResponse,
            true,
        ),
        oversized,
        largest,
        taken("expires_in", "7200"),
        taken("expires_in negative", "-7200"),
        taken("expires_in huge", "99999999999999999999999999"),
        taken("expires_in beyond every float", "1e999"),
        taken("expires_in a string", r#""7200""#),
        taken("expires_in a word", r#""soon""#),
        taken("expires_in null", "null"),
        taken("expires_in a list", "[7200]"),
        fault("moved", 301, "", Redirected, false),
        fault("found", 302, tokens, Redirected, false),
        fault("temporarily elsewhere", 307, "", Redirected, false),
        refused(
            "refused as Smartcar does",
            400,
            r#"{"error":"invalid_request","error_description":"Invalid refresh_token: THIS_SHOULD_NOT_WORK."}"#,
        ),
        refused("refused as RFC 6749 has it", 400, r#"{"error":"invalid_grant"}"#),
        refused(
            "refused in a message",
            400,
            r#"{"error":"invalid_request","message":"Invalid or expired token"}"#,
        ),
        refused("refused with 200", 200, r#"{"error":"invalid_grant"}"#),
        refused("refused with 401", 401, r#"{"error":"invalid_grant"}"#),
        fault(
            "invalid_request for another reason",
            400,
            r#"{"error":"invalid_request","error_description":"Missing grant_type"}"#,
            RefusedWithoutReason,
            false,
        ),
        fault("400 with nothing", 400, "", RefusedWithoutReason, false),
        fault("403", 403, "<html>", RefusedWithoutReason, false),
        fault("404", 404, r#"{"error":"not_found"}"#, RefusedWithoutReason, false),
        fault("the client", 401, r#"{"error":"invalid_client"}"#, InvalidClient, false),
        fault(
            "the client with 400",
            400,
            r#"{"error":"invalid_client"}"#,
            InvalidClient,
            false,
        ),
        fault(
            "its rights",
            400,
            r#"{"error":"unauthorized_client","error_description":"Application not authorized to requested make(s): SEAT"}"#,
            InvalidClient,
            false,
        ),
        fault("401 with nothing", 401, "", InvalidClient, false),
        fault(
            "401 of the client's credentials",
            401,
            r#"{"error":"invalid_client","error_description":"Invalid or expired client credentials"}"#,
            InvalidClient,
            false,
        ),
        Fault {
            retry_after: Some("120"),
            ..limited
        },
        fault(
            "429 that names the token",
            429,
            r#"{"error":"invalid_grant"}"#,
            RateLimited,
            false,
        ),
        fault("500", 500, "", ServerError, true),
        fault(
            "502 that names the token",
            502,
            r#"{"error":"invalid_grant","error_description":"Invalid refresh_token: x"}"#,
            ServerError,
            true,
        ),
        fault("503", 503, "busy", ServerError, true),
        Fault {
            retry_after: Some("30"),
            ..fault("503 that asks for patience", 503, "busy", ServerError, false)
        },
        fault(
            "an error with 200",
            200,
            r#"{"error":"invalid_scope"}"#,
            RefusedWithoutReason,
            false,
        ),
        fault("504", 504, "", ServerError, true),
        fault("no status of HTTP", 999, "", ServerError, true),
    ]
}

#[test]
fn what_each_fault_does_to_a_grant() {
    for fault in faults() {
        let mut vault = Vault::calling();
        let outcome = read_response(fault.status, fault.retry_after, &fault.body, vault.now);
        let effects = vault.on(Event::RefreshCompleted { generation: 1, outcome });
        let name = fault.name;
        assert_eq!(vault.state(), fault.state, "{name}");
        assert_eq!(effects == ["call 1 refresh-1"], fault.repeated, "{name}: {effects:?}");
        match fault.cause {
            None => assert_eq!(effects, ["answer 2 access-2", "publish", "list"], "{name}"),
            Some(cause) => {
                let effects = if fault.repeated {
                    let outcome = read_response(fault.status, fault.retry_after, &fault.body, vault.now);
                    vault.on(Event::RefreshCompleted { generation: 1, outcome })
                } else {
                    effects
                };
                assert!(effects[0].contains(cause.as_str()), "{name}: {effects:?}");
            }
        }
        if fault.state == "live" {
            vault.pass(Millis::from_days(1));
            let generation = vault.owner().generation;
            let next = format!("call {generation} refresh-{generation}");
            assert_eq!(
                vault.want(),
                [next],
                "{name}: the grant is kept, and its newest token presented"
            );
        }
    }
}

#[test]
fn a_named_wait_is_kept() {
    let mut vault = Vault::calling();
    let outcome = read_response(429, Some(" 120 "), b"", vault.now);
    vault.on(Event::RefreshCompleted { generation: 1, outcome });
    assert_eq!(vault.retry_in(), Millis::from_secs(120));
}

#[test]
fn the_wait_that_a_503_names_is_kept_unless_a_used_up_token_would_die_of_it() {
    for (named, kept) in [("0", 1), ("3", 3), ("30", 30), ("50", 50), ("51", 15), ("3600", 15)] {
        let mut vault = Vault::calling();
        let outcome = read_response(503, Some(named), b"", vault.now);
        vault.on(Event::RefreshCompleted { generation: 1, outcome });
        assert_eq!(vault.retry_in(), Millis::from_secs(kept), "{named}");
    }
    // A short one does not hurry a run of failures on.
    let mut vault = Vault::calling();
    for kept in [1, 2, 4, 8] {
        let outcome = read_response(503, Some("0"), b"", vault.now);
        vault.on(Event::RefreshCompleted { generation: 1, outcome });
        assert_eq!(vault.retry_in(), Millis::from_secs(kept));
        vault.pass(vault.retry_in());
        vault.want();
    }
    // When the grace is over, what is named counts whatever it is.
    let mut vault = Vault::calling();
    vault.answered(1, TokenError::TimedOut);
    vault.pass(Millis::from_secs(71));
    let outcome = read_response(503, Some("90"), b"", vault.now);
    vault.on(Event::RefreshCompleted { generation: 1, outcome });
    assert_eq!(vault.retry_in(), Millis::from_secs(90));
}

/// The process dies at each step of a refresh; the next one starts from what is stored.
#[test]
fn a_death_at_each_step_loses_no_grant() {
    // Before the intent: nothing happened.
    assert_eq!(Vault::stale().want(), ["call 1 refresh-1"]);

    // After the intent, and after an answer that was not stored: the same token again, at once for who asks and after
    // 15 seconds for nobody.
    let vault = Vault::calling();
    let first = vault.owner().attempt.unwrap().last_sent_at;
    let mut asked = vault.clone();
    asked.pass(Millis::from_secs(3));
    assert_eq!(asked.want(), ["call 1 refresh-1"]);
    assert_eq!(
        asked.owner().attempt.unwrap().unresolved_since,
        Some(first),
        "the first may have used it up"
    );
    let mut alone = vault;
    alone.pass(alone.sleeps());
    assert_eq!(alone.wake(), ["call 1 refresh-1"]);

    // After the vault's own write: the pair is there, KV is written by the alarm.
    let mut vault = Vault::calling();
    vault.issued(1, 2);
    assert_eq!(vault.clone().want(), ["answer 2 access-2"]);
    vault.pass(vault.sleeps());
    assert_eq!(vault.wake(), ["publish", "list"]);

    // After KV: it is written once more.
    vault.pass(vault.sleeps());
    assert_eq!(vault.wake(), ["publish", "list"]);
}

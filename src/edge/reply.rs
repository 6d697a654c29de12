//! What a caller is answered: from what the vault came to, to a body or a problem.

use serde_json::Value;

use crate::{
    connect::{Callback, ConnectError, ConnectionId},
    edge::{outcome::finish_answer, problem::Problem, protocol::IssuedToken},
    http_api::{
        AttemptResponse, AttemptStatus, Connection, ProblemCode, Replaced, finish::REPLACED_NAME, start::Asked,
    },
    time::Millis,
    token::TokenError,
    vault::{
        NoWayBack,
        finish::{ExchangeResult, Progress},
        life::TokenReply,
    },
};

/// How soon a token that Smartcar refuses although no newer one came is worth asking for again.
const REFUSED_AGAIN_AFTER: Millis = Millis::from_secs(5);

/// The token for the caller that asked for one of the connection `id`, or why there is none. `rejected` is the generation whose access
/// token the caller was refused with.
///
/// # Errors
/// The [`Problem`] to answer with.
pub fn token_reply(id: &ConnectionId, reply: TokenReply, rejected: Option<u64>) -> Result<IssuedToken, Problem> {
    let unavailable = |detail: String, retry_after| {
        Err(Problem::new(ProblemCode::UpstreamUnavailable, detail).with_retry_after(retry_after))
    };
    match reply {
        TokenReply::Token { generation, .. } if rejected == Some(generation) => unavailable(
            "Smartcar refuses the access token and gave no newer one; try again later".to_owned(),
            REFUSED_AGAIN_AFTER,
        ),
        TokenReply::Token {
            access_token,
            expires_at,
            generation,
        } => Ok(IssuedToken {
            connection_id: id.clone(),
            access_token,
            expires_at,
            generation,
            is_marked: false,
        }),
        TokenReply::Unavailable(why) => unavailable(
            ["Smartcar gave no new token (", why.cause.as_str(), "); try again later"].concat(),
            why.retry_after,
        ),
        TokenReply::Rejected { retry_after } => unavailable(
            "Smartcar refuses an access token that it issued moments ago; try again later".to_owned(),
            retry_after,
        ),
        TokenReply::Ended(cause) => Err(Problem::reconnection_required(cause)),
        // It opens the cars of every owner.
        TokenReply::ApplicationToken { .. } => Err(Problem::new(
            ProblemCode::OtherApiVersion,
            "the car is connected by Smartcar's v3: ask at `/api/v3/vehicles/{id}` and below it",
        )),
        TokenReply::Unknown => Err(Problem::connection_not_found()),
    }
}

/// Why a code brought no tokens.
#[must_use]
pub fn exchange_problem(error: TokenError) -> Problem {
    match error {
        TokenError::InvalidGrant => Problem::new(
            ProblemCode::ExchangeRefused,
            "Smartcar refused the authorization code: it was used, is older than 10 minutes, or the redirect URI differs; \
             start the connection again",
        ),
        TokenError::InvalidClient => Problem::new(
            ProblemCode::InvalidClient,
            "Smartcar does not accept the application: check `SMARTCAR_CLIENT_ID` and `SMARTCAR_CLIENT_SECRET`",
        ),
        error => {
            let detail = [
                "Smartcar gave no tokens (",
                error.code(),
                "); start the connection again",
            ]
            .concat();
            let retry_after = error.retry_after().unwrap_or(Millis::from_secs(1));
            Problem::new(ProblemCode::UpstreamUnavailable, detail).with_retry_after(retry_after)
        }
    }
}

/// The answer to a finish that came to `result`, whose callback said `callback`. `connections` are the owner's, who was asked for
/// `asked`, and `replaced` is what a new one has changed of those before.
///
/// # Errors
/// The [`Problem`] to answer with.
pub fn finish_reply(
    result: &ExchangeResult,
    callback: &Callback,
    connections: &[Connection],
    asked: &Asked,
    replaced: &[Replaced],
) -> Result<String, Problem> {
    let connection = connection_of(result, callback.missing_code(), connections)?;
    if *result == ExchangeResult::NoVehicles {
        return Ok(finish_answer(&no_vehicles(), None, asked, &[]));
    }
    Ok(finish_answer(callback, connection, asked, replaced))
}

/// A grant without a vehicle is told as Connect tells of an account that has none.
fn no_vehicles() -> Callback {
    let description = "Smartcar lists no vehicle that the owner has granted; what was granted is not kept";
    Callback::Failed {
        error: ConnectError::NoVehicles,
        description: Some(description.to_owned()),
    }
}

/// The answer to the question what became of an attempt. `connections` are the owner's.
///
/// # Errors
/// The [`Problem`] that its finish is answered with.
pub fn attempt_reply(progress: &Progress<'_>, connections: &[Connection]) -> Result<AttemptResponse, Problem> {
    let (status, outcome) = match progress {
        Progress::Pending => (AttemptStatus::Pending, Value::Null),
        Progress::Exchanging => (AttemptStatus::Exchanging, Value::Null),
        Progress::Finished {
            result: ExchangeResult::NoVehicles,
            ..
        } => (
            AttemptStatus::Finished,
            serde_json::to_value(no_vehicles()).unwrap_or_default(),
        ),
        Progress::Finished { result, told, replaced } => {
            let connection = connection_of(result, None, connections)?;
            let mut outcome = (*told).clone();
            if let (Some(told), false) = (outcome.as_object_mut(), replaced.is_empty()) {
                let replaced = serde_json::to_value(replaced).unwrap_or_default();
                told.insert(REPLACED_NAME.to_owned(), replaced);
            }
            if let Some(place) = outcome.get_mut("connection") {
                *place = serde_json::to_value(connection).unwrap_or_default();
            }
            (AttemptStatus::Finished, outcome)
        }
    };
    Ok(AttemptResponse { status, outcome })
}

/// The connection that a finish made, or whose owner came back.
fn connection_of<'a>(
    result: &ExchangeResult,
    missing_code: Option<&'static str>,
    connections: &'a [Connection],
) -> Result<Option<&'a Connection>, Problem> {
    let find = |id: &ConnectionId| connections.iter().find(|connection| connection.id == *id);
    match result {
        ExchangeResult::Connected(id) => {
            let made = find(id);
            if made.is_none() {
                let detail =
                    "the connection that this callback made has been disconnected or replaced by a newer one since";
                return Err(Problem::new(ProblemCode::ConnectionNotFound, detail));
            }
            Ok(made)
        }
        ExchangeResult::NoVehicles | ExchangeResult::NoNewGrant => Ok(None),
        // It may have been disconnected since.
        ExchangeResult::CameBack(id) => Ok(find(id)),
        ExchangeResult::ExchangeFailed(error) => Err(exchange_problem(*error)),
        ExchangeResult::CodeMissing => {
            let detail = missing_code.unwrap_or("the callback has no `code`; open Connect with `response_type=code`");
            Err(Problem::new(ProblemCode::CodeMissing, detail))
        }
        ExchangeResult::UserIdMissing => {
            let detail = "the callback has no `user_id`: Smartcar sends it to applications that use its v3";
            Err(Problem::new(ProblemCode::UserIdMissing, detail))
        }
    }
}

/// The owner had everything deleted while the code was being exchanged: the new grant is ended, not kept.
#[must_use]
pub fn deleted_meanwhile() -> Problem {
    let detail = "everything of the owner was deleted while the connection was being made; start it again";
    Problem::new(ProblemCode::ConnectionNotFound, detail)
}

/// The callback is not the answer to what was started.
#[must_use]
pub fn unexpected_callback() -> Problem {
    let detail = "the callback is not the answer to what was started: it is about another vehicle, brings a code after a \
                  re-authentication, or is one of a re-authentication that was not started; start again";
    Problem::new(ProblemCode::CallbackUnexpected, detail)
}

/// There is no way back to a connection.
#[must_use]
pub fn no_way_back(why: NoWayBack) -> Problem {
    match why {
        NoWayBack::NotFound => Problem::connection_not_found(),
        NoWayBack::NothingToMend => {
            let detail = "the connection needs nothing of its owner; read it again before you offer to reconnect it";
            Problem::new(ProblemCode::NothingToMend, detail)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        connect::{Attempt, RedirectUri, State, UnverifiedCallback, UserId, VehicleId},
        http_api::Cause,
        time::UnixMillis,
        token::{AccessToken, RefreshToken, TokenSet, cycle::Unavailable},
        vault::{KnownVehicle, Learned, Live, Record, connection},
    };

    const NOW: UnixMillis = UnixMillis::new(1_790_000_000_000);

    fn id(byte: u8) -> ConnectionId {
        ConnectionId::from_random([byte; 16])
    }

    fn token(generation: u64) -> TokenReply {
        TokenReply::Token {
            access_token: AccessToken::new("access".into()),
            expires_at: NOW,
            generation,
        }
    }

    fn code(result: Result<IssuedToken, Problem>) -> (&'static str, Option<u64>) {
        let problem = result.unwrap_err();
        (problem.code.as_str(), problem.retry_after.map(Millis::as_secs))
    }

    #[test]
    fn a_token_is_answered_unless_it_is_the_one_that_was_refused() {
        for rejected in [None, Some(1), Some(3)] {
            let answer = token_reply(&id(1), token(2), rejected).unwrap();
            assert_eq!((answer.connection_id.clone(), answer.generation), (id(1), 2));
            assert_eq!(answer.access_token.expose(), "access");
        }
        let refused = token_reply(&id(1), token(2), Some(2));
        assert_eq!(code(refused), ("upstream_unavailable", Some(5)));
    }

    #[test]
    fn each_reason_for_no_token_is_a_problem_of_its_own() {
        let unavailable = Unavailable {
            cause: Cause::TimedOut,
            retry_after: Millis::from_secs(7),
        };
        let retry_after = Millis::from_secs(9);
        for (reply, expected) in [
            (TokenReply::Unavailable(unavailable), ("upstream_unavailable", Some(7))),
            (TokenReply::Rejected { retry_after }, ("upstream_unavailable", Some(9))),
            (
                TokenReply::Ended(Cause::RefreshTokenExpired),
                (ProblemCode::ReconnectionRequired.as_str(), None),
            ),
            (TokenReply::Unknown, ("connection_not_found", None)),
            (
                TokenReply::ApplicationToken {
                    user_id: UserId::parse("u1").unwrap(),
                },
                ("other_api_version", None),
            ),
        ] {
            assert_eq!(code(token_reply(&id(1), reply, None)), expected);
        }
    }

    #[test]
    fn a_code_that_was_refused_is_told_from_credentials_that_were() {
        for (error, expected, wait) in [
            (TokenError::InvalidGrant, "exchange_refused", None),
            (TokenError::InvalidClient, "invalid_client", None),
            (
                TokenError::ServerError { retry_after: None },
                "upstream_unavailable",
                Some(1),
            ),
            (
                TokenError::ServerError {
                    retry_after: Some(Millis::from_secs(40)),
                },
                "upstream_unavailable",
                Some(40),
            ),
            (
                TokenError::RateLimited { retry_after: None },
                "upstream_unavailable",
                Some(1),
            ),
            (
                TokenError::RateLimited {
                    retry_after: Some(Millis::from_secs(90)),
                },
                "upstream_unavailable",
                Some(90),
            ),
        ] {
            let problem = exchange_problem(error);
            let told = (problem.code.as_str(), problem.retry_after.map(Millis::as_secs));
            assert_eq!(told, (expected, wait), "{error:?}");
        }
    }

    fn shown(byte: u8, vehicle: &str) -> Connection {
        let tokens = TokenSet {
            access_token: AccessToken::new("a".into()),
            access_expires_at: NOW,
            refresh_token: None,
        };
        let live = Live {
            vehicles: Learned::Known(vec![KnownVehicle::new(VehicleId::parse(vehicle).unwrap())]),
            ..Live::granted(tokens, RefreshToken::new("r".into()), NOW)
        };
        connection(&id(byte), &Record::Live(live), NOW, NOW).unwrap()
    }

    fn callback(query: &str) -> Callback {
        let state = State::from_random([7; 32]);
        let redirect_uri = RedirectUri::parse("https://app.example.com/cars").unwrap();
        let pending = Attempt::new(state.fingerprint(), redirect_uri, NOW);
        let query = format!("{query}&state={}", state.expose());
        UnverifiedCallback::parse(&query)
            .unwrap()
            .verify(&pending, NOW)
            .unwrap()
    }

    #[test]
    fn a_finish_is_answered_with_the_connection_that_it_made() {
        let connections = [shown(1, "v1"), shown(2, "v2")];
        let asked = Asked {
            scope: Some("read_vin".to_owned()),
            mode: None,
        };
        let made = finish_reply(
            &ExchangeResult::Connected(id(2)),
            &callback("code=c"),
            &connections,
            &asked,
            &[],
        )
        .unwrap();
        let made: serde_json::Value = serde_json::from_str(&made).unwrap();
        assert_eq!(
            (&made["kind"], &made["connection"]["id"]),
            (&"connected".into(), &id(2).as_str().into())
        );
        assert_eq!(made["asked"], serde_json::json!({"scope": "read_vin"}));
        let gone = finish_reply(
            &ExchangeResult::Connected(id(3)),
            &callback("code=c"),
            &connections,
            &asked,
            &[],
        );
        assert_eq!(gone.unwrap_err().code, ProblemCode::ConnectionNotFound);
    }

    #[test]
    fn a_grant_without_a_vehicle_is_told_as_an_account_without_one() {
        let result = ExchangeResult::NoVehicles;
        let answer = finish_reply(&result, &callback("code=c"), &[], &Asked::default(), &[]).unwrap();
        let answer: Value = serde_json::from_str(&answer).unwrap();
        assert_eq!(answer["kind"], "no_vehicles");
        let progress = Progress::Finished {
            result: &result,
            told: &serde_json::json!({"kind": "connected", "connection": null}),
            replaced: &[],
        };
        assert_eq!(attempt_reply(&progress, &[]).unwrap().outcome, answer);
    }

    #[test]
    fn what_was_replaced_is_told_with_the_outcome_to_whoever_asks() {
        let replaced = [Replaced {
            id: id(1),
            taken_over: vec![],
            lost: shown(1, "v1").vehicles,
        }];
        let (result, connections) = (ExchangeResult::Connected(id(2)), [shown(2, "v2")]);
        let answer = finish_reply(&result, &callback("code=c"), &connections, &Asked::default(), &replaced).unwrap();
        let answer: Value = serde_json::from_str(&answer).unwrap();
        let expected = serde_json::json!([{"id": id(1).as_str(), "takenOver": [], "lost": [{"id": "v1"}]}]);
        assert_eq!(answer["replaced"], expected);
        let progress = Progress::Finished {
            result: &result,
            told: &serde_json::json!({"kind": "connected", "connection": null}),
            replaced: &replaced,
        };
        assert_eq!(attempt_reply(&progress, &connections).unwrap().outcome, answer);
    }

    #[test]
    fn a_re_authentication_is_answered_with_the_connection_that_it_was_for() {
        let connections = [shown(1, "v1"), shown(2, "v1")];
        for (byte, found) in [
            (2, serde_json::Value::from(id(2).as_str())),
            (3, serde_json::Value::Null),
        ] {
            let (result, callback) = (ExchangeResult::CameBack(id(byte)), callback("vehicle_id=v1"));
            let answer = finish_reply(&result, &callback, &connections, &Asked::default(), &[]).unwrap();
            let answer: serde_json::Value = serde_json::from_str(&answer).unwrap();
            assert_eq!(answer["connection"]["id"], found, "{byte}");
            assert_eq!(answer["vehicleId"], "v1");
        }
    }

    #[test]
    fn where_no_way_leads_back_that_is_said() {
        assert_eq!(no_way_back(NoWayBack::NotFound), Problem::connection_not_found());
        assert_eq!(no_way_back(NoWayBack::NothingToMend).code, ProblemCode::NothingToMend);
        assert_eq!(unexpected_callback().code, ProblemCode::CallbackUnexpected);
    }

    #[test]
    fn a_finish_without_a_grant_says_why() {
        let failed = ExchangeResult::ExchangeFailed(TokenError::InvalidGrant);
        let denied = callback("error=access_denied");
        assert_eq!(
            finish_reply(&failed, &callback("code=c"), &[], &Asked::default(), &[])
                .unwrap_err()
                .code,
            ProblemCode::ExchangeRefused
        );
        for (query, missing) in [
            ("user_id=u", "has a `user_id` but no `code`"),
            ("code=", "no `code`, `user_id`, "),
        ] {
            let result = ExchangeResult::CodeMissing;
            let problem = finish_reply(&result, &callback(query), &[], &Asked::default(), &[]).unwrap_err();
            assert_eq!(problem.code, ProblemCode::CodeMissing);
            assert!(problem.detail.contains(missing), "{}", problem.detail);
        }
        let answer = finish_reply(&ExchangeResult::NoNewGrant, &denied, &[], &Asked::default(), &[]).unwrap();
        assert!(answer.contains("\"kind\":\"access_denied\""), "{answer}");
    }
}

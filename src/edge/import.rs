//! `POST /internal/import`: what is sent, and why a grant is not taken over.

use crate::{
    connect::ExternalId,
    edge::problem::Problem,
    http_api::{ProblemCode, import::ImportRequest},
    token::{RefreshToken, is_refresh_token},
    vault::Import,
};

/// Checks what was sent.
///
/// # Errors
/// The [`Problem`] to answer with, which names the field.
pub fn read_import(body: ImportRequest) -> Result<Import, Problem> {
    let refresh_token = RefreshToken::new(body.refresh_token);
    let text = refresh_token.expose();
    // A space at an end is of the file that it was copied from: Smartcar would refuse it as any other token.
    if !is_refresh_token(text) || text.trim() != text {
        let detail =
            "`refreshToken` is no refresh token: give it as Smartcar gave it, without quotes or spaces around it";
        return Err(Problem::new(ProblemCode::InvalidParameter, detail).with_field("refreshToken"));
    }
    let external_id = body.external_id.map(|text| ExternalId::parse(&text)).transpose();
    Ok(Import {
        refresh_token,
        external_id: external_id.map_err(|error| error.in_field("externalId"))?,
    })
}

/// The Worker has no secret of Smartcar's v2, to which refresh tokens belong.
#[must_use]
pub fn nothing_to_import() -> Problem {
    let detail =
        "a refresh token is one of Smartcar's v2: set `SMARTCAR_CLIENT_SECRET` for as long as grants of it are kept";
    Problem::new(ProblemCode::EndpointNotAllowed, detail)
}

/// Smartcar refuses the refresh token, or the connection that it became is gone.
#[must_use]
pub fn import_over() -> Problem {
    let detail = "Smartcar does not accept this refresh token, or the connection that it became was disconnected: it was used more \
                  than a minute ago, its 60 days are over, or the owner has ended the access; the owner has to connect again";
    Problem::new(ProblemCode::ReconnectionRequired, detail)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(refresh_token: &str, external_id: Option<&str>) -> Result<Import, String> {
        read_import(ImportRequest {
            refresh_token: refresh_token.to_owned(),
            external_id: external_id.map(str::to_owned),
        })
        .map_err(|problem| problem.field.unwrap())
    }

    #[test]
    fn what_is_no_token_and_no_id_is_refused_by_its_name() {
        let import = read("4d4a6bd8-c3b8-4a6c-8e48-d0e6b5fbc2cb", Some("42")).unwrap();
        assert_eq!(import.external_id.unwrap().as_str(), "42");
        assert!(read("a", None).unwrap().external_id.is_none());
        for (token, external_id, field) in [
            ("", None, "refreshToken"),
            (" a", None, "refreshToken"),
            ("a ", None, "refreshToken"),
            ("a\n", None, "refreshToken"),
            ("ä", None, "refreshToken"),
            (&"a".repeat(8_193), None, "refreshToken"),
            ("a", Some(""), "externalId"),
            ("a", Some("null"), "externalId"),
        ] {
            assert_eq!(read(token, external_id).unwrap_err(), field, "{token}");
        }
    }
}

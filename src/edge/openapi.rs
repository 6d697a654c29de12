//! The description of the HTTP API, as a deployment serves it.

use crate::http_api::path;

/// The description in OpenAPI 3.1, for any deployment. `tests/openapi` makes it of what is described.
const DESCRIPTION: &str = include_str!("../../docs/openapi.json");

/// What stands there in place of the name of the session cookie.
pub const ANY_COOKIE: &str = "__Host-smartcar-connect-{deployment}";

/// The description of the Worker that is mounted at `prefix` and whose session cookie is called `cookie_name`. Neither can hold
/// what JSON escapes.
#[must_use]
pub fn openapi(prefix: &str, cookie_name: &str) -> String {
    let server = |mount: &str| ["\"url\": \"", mount, "\""].concat();
    DESCRIPTION
        .replace(&server(path::DEFAULT_MOUNT), &server(prefix))
        .replace(ANY_COOKIE, cookie_name)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_deployment_describes_itself() {
        let json = |text: &str| serde_json::from_str::<serde_json::Value>(text).unwrap();
        let mut expected = json(DESCRIPTION);
        assert_eq!(expected["servers"][0]["url"], path::DEFAULT_MOUNT);
        assert_eq!(expected["components"]["securitySchemes"]["session"]["name"], ANY_COOKIE);
        expected["servers"][0]["url"] = "/cars/v1".into();
        expected["components"]["securitySchemes"]["session"]["name"] = "__Host-mine-8787".into();
        assert_eq!(json(&openapi("/cars/v1", "__Host-mine-8787")), expected);
    }
}

//! What `init` asks for, judged one by one and as the Worker judges it.

use smartcar_connect::{
    connect::{Origin, RedirectUri},
    edge::Config,
};

use crate::settings::stand_in;

/// What is wrong with a setting of this value, apart from all others; `None` if nothing is.
#[must_use]
pub fn setting_problem(name: &str, value: &str) -> Option<String> {
    let read = Config::read(|asked| match asked {
        _ if asked == name => Some(value.to_owned()),
        "SMARTCAR_CLIENT_ID" => Some("11111111-2222-4333-8444-555555555555".to_owned()),
        "SMARTCAR_CLIENT_SECRET" | "SEALING_KEYS" => Some(stand_in(asked).to_owned()),
        _ => None,
    });
    let error = read.err()?;
    let mut problems = error.problems().iter();
    let (_, reason) = problems.find(|(setting, _)| setting.name() == name)?;
    Some(reason.clone())
}

/// Why this is no redirect URI that Smartcar and the Worker take; `None` if it is one.
#[must_use]
pub fn redirect_uri_problem(uri: &str) -> Option<String> {
    RedirectUri::parse(uri).err().map(|error| error.to_string())
}

/// The origin of a page by its redirect URI; `None` for an app's own address.
#[must_use]
pub fn app_origin(redirect_uri: &str) -> Option<String> {
    let origin: Option<Origin> = RedirectUri::parse(redirect_uri).ok()?.origin();
    origin.map(|origin| origin.as_str().to_owned())
}

#[cfg(test)]
mod tests {
    use super::{app_origin, redirect_uri_problem, setting_problem};

    #[test]
    fn a_setting_is_judged_as_the_worker_judges_it() {
        let id = "8229df9f-91a0-4ff0-a1ae-a1f38ee24d07";
        for (name, value, said) in [
            ("SMARTCAR_CLIENT_ID", id, None),
            (
                "SMARTCAR_CLIENT_ID",
                "client_01J",
                Some("is the id of an API credential"),
            ),
            ("SMARTCAR_CLIENT_ID", "", Some("is missing")),
            ("SMARTCAR_CLIENT_SECRET", "\"x\"", Some("stands in quotation marks")),
            ("ALLOWED_ORIGINS", "https://app.example.com", None),
            (
                "ALLOWED_ORIGINS",
                "http://app.example.com",
                Some("is plain `http` off loopback"),
            ),
            ("ALLOWED_ORIGINS", "", None),
            ("PATH_PREFIX", "cars", Some("is no path prefix")),
            ("SMARTCAR_API_VERSION", "v4", Some("is neither")),
        ] {
            let problem = setting_problem(name, value);
            match said {
                None => assert_eq!(problem, None, "{name}={value}"),
                Some(said) => assert!(
                    problem.as_deref().is_some_and(|problem| problem.starts_with(said)),
                    "{name}={value}: {problem:?}"
                ),
            }
        }
    }

    #[test]
    fn the_page_of_a_redirect_uri_has_an_origin_and_an_app_has_none() {
        let page = "https://app.example.com/cars?from=connect";
        assert_eq!(redirect_uri_problem(page), None);
        assert_eq!(app_origin(page).as_deref(), Some("https://app.example.com"));
        let app = "sc11111111-2222-4333-8444-555555555555://exchange";
        assert_eq!((redirect_uri_problem(app), app_origin(app)), (None, None));
        assert!(redirect_uri_problem("http://app.example.com/cars").is_some());
        assert_eq!(app_origin("cars"), None);
    }
}

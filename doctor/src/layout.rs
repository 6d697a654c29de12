//! Where the Worker and the pages are: whether requests and the cookie reach it.

use smartcar_connect::{
    connect::{Origin, RedirectUri},
    edge::{Config, is_allowed_origin},
};

use crate::{Deployment, finding::Finding};

/// Where the Worker is asked.
struct Route {
    origin: Origin,
    /// The start of the paths that reach it.
    path: String,
}

pub(crate) fn examine(deployment: &Deployment, config: &Config) -> Vec<Finding> {
    let mut findings = assets(deployment, config);
    if deployment.is_local() {
        findings.extend(redirects(deployment, config, &local()));
        return findings;
    }
    findings.extend(smartcar(deployment, config));
    let (routes, unreadable) = routes(deployment);
    findings.extend(unreadable);
    for route in &routes {
        let reached = format!("{}/", config.prefix).starts_with(&route.path);
        findings.push(if reached {
            Finding::good(
                "routes",
                format!("{}{} reaches the Worker", route.origin.as_str(), config.prefix),
            )
        } else {
            let text = format!(
                "`{}*` leaves out `PATH_PREFIX`: end the pattern with `{}/*`",
                route.path, config.prefix
            );
            Finding::bad("routes", text)
        });
    }
    let has_workers_dev = deployment.wrangler.get("workers_dev").and_then(toml::Value::as_bool) != Some(false);
    match (routes.is_empty(), has_workers_dev) {
        (true, true) => findings.push(Finding::note("routes", "there is none: on `workers.dev` the cookie reaches the Worker from its own pages alone; README.md, \"Deploy it\"")),
        (true, false) => findings.push(Finding::bad("routes", "there is none, and `workers_dev` is off: nothing reaches the Worker; add a route")),
        (false, true) => findings.push(Finding::note("workers_dev", format!("is on: once the route works set {}, so that there is no second address", deployment.syntax.entry("workers_dev", "false")))),
        (false, false) => findings.push(Finding::good("workers_dev", "is off")),
    }
    findings.extend(config.allowed_origins.iter().map(|page| site(page, &routes)));
    let own: Vec<Origin> = routes.into_iter().map(|route| route.origin).collect();
    findings.extend(redirects(deployment, config, &own));
    findings
}

/// Where `make demo` and `wrangler dev` serve.
fn local() -> Vec<Origin> {
    Origin::parse("http://localhost:8787").into_iter().collect()
}

/// The routes, and those that nobody can read.
fn routes(deployment: &Deployment) -> (Vec<Route>, Vec<Finding>) {
    let one = deployment.wrangler.get("route").into_iter();
    let many = deployment
        .wrangler
        .get("routes")
        .and_then(toml::Value::as_array)
        .into_iter()
        .flatten();
    let (mut found, mut unreadable) = (Vec::new(), Vec::new());
    for route in one.chain(many) {
        let table = route.as_table();
        let pattern = table
            .map_or(Some(route), |table| table.get("pattern"))
            .and_then(toml::Value::as_str);
        let pattern = pattern.unwrap_or_default();
        let is_domain = table
            .and_then(|table| table.get("custom_domain"))
            .and_then(toml::Value::as_bool)
            == Some(true);
        let bare = pattern.trim_start_matches("https://");
        let (host, path) = bare.split_once('/').unwrap_or((bare, if is_domain { "*" } else { "" }));
        match Origin::parse(&["https://", host].concat()) {
            Ok(origin) if !host.contains('*') => found.push(Route {
                origin,
                path: ["/", path.trim_end_matches('*')].concat(),
            }),
            _ => unreadable.push(Finding::note(
                "routes",
                format!("`{pattern}` is more than one host: what it serves is not looked at"),
            )),
        }
    }
    (found, unreadable)
}

/// Whether the cookie goes along when a page of this origin asks.
fn site(page: &Origin, routes: &[Route]) -> Finding {
    let about = format!("ALLOWED_ORIGINS, {}", page.as_str());
    if routes.iter().any(|route| route.origin.may_share_site(page)) {
        Finding::good(about, "is of one site with the Worker")
    } else {
        Finding::bad(
            about,
            "is not of one site with the Worker: its cookie never comes along; give the Worker a route or a domain on the page's site",
        )
    }
}

fn redirects(deployment: &Deployment, config: &Config, own: &[Origin]) -> Vec<Finding> {
    if deployment.redirect_uris.is_empty() {
        return vec![Finding::note(
            "redirect URIs",
            format!(
                "none was given: `{}` looks at them",
                deployment.command.with_redirect_uri()
            ),
        )];
    }
    let judge = |uri: &String| {
        let about = format!("redirect URI {uri}");
        let origin = match RedirectUri::parse(uri) {
            Ok(parsed) => parsed.origin(),
            Err(error) => return Finding::bad(about, error.to_string()),
        };
        let Some(origin) = origin else {
            return Finding::note(about, "is an app's own address: no page finishes there");
        };
        let is_known = |own: Option<&Origin>| is_allowed_origin(origin.as_str(), own, &config.allowed_origins);
        if is_known(None) || own.iter().any(|one| is_known(Some(one))) {
            Finding::good(about, "may use the Worker")
        } else {
            let text = format!(
                "is on neither the Worker's origin nor one of `ALLOWED_ORIGINS`: add `{}` there",
                origin.as_str()
            );
            Finding::bad(about, text)
        }
    };
    deployment.redirect_uris.iter().map(judge).collect()
}

/// A deployed Worker asks Smartcar.
fn smartcar(deployment: &Deployment, config: &Config) -> Vec<Finding> {
    let origins = [
        ("SMARTCAR_CONNECT_ORIGIN", &config.origins.connect),
        ("SMARTCAR_AUTH_ORIGIN", &config.origins.auth),
        ("SMARTCAR_API_ORIGIN", &config.origins.api),
        ("SMARTCAR_IAM_ORIGIN", &config.origins.iam),
        ("SMARTCAR_VEHICLE_ORIGIN", &config.origins.vehicle),
    ];
    let other = origins
        .iter()
        .filter(|(_, origin)| !origin.as_str().ends_with(".smartcar.com"));
    let told = other.map(|(name, origin)| {
        Finding::bad(
            *name,
            format!(
                "is {}, not Smartcar: take it out of {}",
                origin.as_str(),
                deployment.syntax.section("vars")
            ),
        )
    });
    told.collect()
}

/// What is served as files must not stand before the Worker's routes.
fn assets(deployment: &Deployment, config: &Config) -> Vec<Finding> {
    let Some(assets) = deployment.wrangler.get("assets").and_then(toml::Value::as_table) else {
        return Vec::new();
    };
    let first = assets.get("run_worker_first");
    let wanted = [&config.prefix, "/*"].concat();
    let mut patterns = first.and_then(toml::Value::as_array).into_iter().flatten();
    if first.and_then(toml::Value::as_bool) == Some(true) || patterns.any(|pattern| pattern.as_str() == Some(&wanted)) {
        vec![Finding::good("assets", "leave the Worker its routes")]
    } else {
        vec![Finding::bad(
            "assets",
            format!(
                "may stand before the Worker's routes: add {}",
                deployment.syntax.entry("run_worker_first", &format!("[\"{wanted}\"]"))
            ),
        )]
    }
}

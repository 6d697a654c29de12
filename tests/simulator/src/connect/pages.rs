//! The pages. `maud` escapes every value that it puts in.

use axum::http::StatusCode;
use maud::{DOCTYPE, Markup, html};

use super::{
    outcome,
    session::{Purpose, RequestedScope, Select, Session},
};
use crate::config::{Config, Vehicle};

/// Brands on offer besides those of the configured vehicles; an account of theirs is empty.
const OTHER_BRANDS: [&str; 3] = ["BMW", "HYUNDAI", "NISSAN"];

fn layout(title: &str, content: &Markup) -> Markup {
    html! {
        (DOCTYPE)
        html lang="en" {
            head {
                meta charset="utf-8";
                meta name="viewport" content="width=device-width, initial-scale=1";
                title { (title) " · Simulator" }
                link rel="icon" href="data:,";
                link rel="stylesheet" href="/connect/style.css";
            }
            body {
                header.banner { strong { "Simulator" } " — not Smartcar" }
                main.card { (content) }
                footer { "Nothing here is real: no car, no account, and no password is kept." }
            }
        }
    }
}

fn steps(current: usize) -> Markup {
    html! {
        ol.steps aria-label="Progress" {
            @for (number, name) in (1..).zip(["Brand", "Log in", "Consent"]) {
                li.done[number < current] aria-current=[(number == current).then_some("step")] { (name) }
            }
        }
    }
}

fn alert(message: Option<&str>) -> Markup {
    html! {
        @if let Some(message) = message {
            p.alert role="alert" { (message) }
        }
    }
}

/// A form with one button that ends the visit.
fn leave(id: &str, step: &str, label: &str) -> Markup {
    html! {
        form.leave method="post" action={ "/connect/" (id) "/" (step) } {
            button.quiet type="submit" { (label) }
        }
    }
}

/// The first page: which brand.
pub(super) fn brand(id: &str, session: &Session, config: &Config) -> Markup {
    let mut brands: Vec<(&str, usize)> = Vec::new();
    for make in config
        .vehicles
        .iter()
        .map(|vehicle| vehicle.make.as_str())
        .chain(OTHER_BRANDS)
    {
        if !brands.iter().any(|(known, _)| *known == make) {
            let count = config.vehicles.iter().filter(|vehicle| vehicle.make == make).count();
            brands.push((make, count));
        }
    }
    layout(
        "Choose your car’s brand",
        &html! {
            (steps(1))
            h1 { "Choose your car’s brand" }
            p.lead { strong { (session.application()) } " would like to connect to your car." }
            form method="post" action={ "/connect/" (id) "/brand" } {
                ul.brands {
                    @for (make, count) in &brands {
                        li {
                            button type="submit" name="make" value=(make) {
                                span.name { (display_make(make)) }
                                span.hint {
                                    @match count {
                                        0 => "no cars in this account",
                                        1 => "1 car",
                                        _ => { (count) " cars" },
                                    }
                                }
                            }
                        }
                    }
                }
            }
            (leave(id, "leave", "Back to the application"))
        },
    )
}

/// The second page: any e-mail address and password will do.
pub(super) fn login(id: &str, session: &Session, message: Option<&str>) -> Markup {
    let account = session.make.as_deref().map_or_else(
        || "your car’s".to_owned(),
        |make| format!("your {}", display_make(make)),
    );
    let title = format!("Log in to {account} account");
    layout(
        &title,
        &html! {
            (steps(2))
            h1 { (title) }
            p.lead { "Any e-mail address and password work. The address decides which owner you are." }
            (alert(message))
            form method="post" action={ "/connect/" (id) "/login" } {
                label for="email" { "E-mail" }
                input #email name="email" type="email" autocomplete="username" required
                    value=[session.email.as_deref()];
                label for="password" { "Password" }
                input #password name="password" type="password" autocomplete="off" required;
                button.primary type="submit" { "Log in" }
            }
            (leave(id, "cancel", "Cancel"))
        },
    )
}

/// The third page: vehicles and permissions.
pub(super) fn consent(id: &str, session: &Session, config: &Config, message: Option<&str>) -> Markup {
    let vehicles = session.vehicles(config);
    let application = session.application();
    let title = match session.purpose {
        Purpose::Connect => "Allow access to your car",
        Purpose::Reauthenticate { .. } => "Reconnect your car",
        Purpose::GrantAtMaker => "Allow more in your account",
    };
    layout(
        title,
        &html! {
            (steps(3))
            h1 { (title) }
            p.lead {
                @if session.purpose == Purpose::Connect {
                    strong { (application) } " would like to use the following. You may withdraw this at any time."
                } @else {
                    strong { (application) } " has lost its connection to your car and would like it back."
                }
            }
            (alert(message))
            form method="post" action={ "/connect/" (id) "/consent" } {
                fieldset {
                    legend { @if vehicles.len() == 1 { "Vehicle" } @else { "Vehicles" } }
                    @for (index, vehicle) in vehicles.iter().enumerate() {
                        (vehicle_choice(index, vehicle, session))
                    }
                }
                @if !session.scopes.is_empty() {
                    fieldset {
                        legend { "Permissions" }
                        @for (index, scope) in session.scopes.iter().enumerate() {
                            (scope_choice(index, scope))
                        }
                    }
                }
                div.actions {
                    button.primary type="submit" name="decision" value="allow" { "Allow" }
                    button type="submit" name="decision" value="deny" { "Deny" }
                }
                (testers_tools(session))
            }
        },
    )
}

fn vehicle_choice(index: usize, vehicle: &Vehicle, session: &Session) -> Markup {
    let kind = if session.select == Select::Any {
        "checkbox"
    } else {
        "radio"
    };
    let fixed = session.purpose != Purpose::Connect;
    html! {
        div.choice {
            input id={ "vehicle-" (index) } type=(kind) name="vehicle" value=(vehicle.id)
                checked[session.select == Select::Any || index == 0] disabled[fixed];
            label for={ "vehicle-" (index) } {
                span.name { (display_make(&vehicle.make)) " " (vehicle.model) " " (vehicle.year) }
                span.hint { "VIN " (vehicle.vin) }
            }
        }
    }
}

fn scope_choice(index: usize, scope: &RequestedScope) -> Markup {
    html! {
        div.choice {
            input id={ "scope-" (index) } type="checkbox" name="scope" value=(scope.name)
                checked disabled[scope.required];
            label for={ "scope-" (index) } {
                span.name {
                    (describe(&scope.name))
                    @if scope.required { " " span.tag { "Required" } }
                }
                span.hint { code { (scope.name) } }
            }
        }
    }
}

fn testers_tools(session: &Session) -> Markup {
    html! {
        details {
            summary { "Simulate an outcome" }
            label for="outcome" { "Send this back to the application" }
            select #outcome name="outcome" {
                @for outcome in outcome::ALL {
                    option value=(outcome.value) { (outcome.label) }
                }
            }
            button type="submit" name="decision" value="simulate" { "Send this outcome" }
            @if session.purpose == Purpose::Connect {
                div.choice {
                    input #virtual_key type="checkbox" name="virtual_key" value="yes";
                    label for="virtual_key" {
                        span.name { "With “Allow”, ask for a virtual key" }
                        span.hint { "adds " code { "virtual_key_url" } ", as for some Teslas" }
                    }
                }
            }
        }
    }
}

/// The end of a visit that leads nowhere.
pub(super) fn finished() -> Markup {
    layout(
        "Done",
        &html! {
            h1 { "Done" }
            p.lead { "You can close this window." }
        },
    )
}

/// What an owner sees when there is no address to send them back to.
pub(super) fn error(status: StatusCode, message: &str) -> Markup {
    layout(
        "Something is wrong",
        &html! {
            h1 { "Something is wrong" }
            p.alert role="alert" { (status.as_u16()) ": " (message) }
            @if status == StatusCode::BAD_REQUEST {
                p { "Connect sends nobody to an address that it has not checked, so this page is where the visit ends." }
            }
        },
    )
}

/// The page at `/`.
pub(super) fn index(config: &Config) -> Markup {
    layout(
        "What this is",
        &html! {
            h1 { "A stand-in for Smartcar" }
            p.lead {
                "It plays Connect, the token endpoint and the vehicle API for demos and tests. "
                "Start at the application; it sends you here."
            }
            h2 { "Registered redirect URIs" }
            ul.plain {
                @for uri in &config.redirect_uris {
                    li { code { (uri) } }
                }
            }
            h2 { "Vehicles in every account" }
            ul.plain {
                @for vehicle in &config.vehicles {
                    li { (display_make(&vehicle.make)) " " (vehicle.model) " " (vehicle.year) }
                }
            }
        },
    )
}

/// `VOLKSWAGEN` as people write it; abbreviations stay.
fn display_make(make: &str) -> String {
    let mut letters = make.chars();
    match letters.next() {
        Some(first) if make.len() > 3 => format!("{first}{}", letters.as_str().to_lowercase()),
        _ => make.to_owned(),
    }
}

fn describe(scope: &str) -> String {
    let known = match scope {
        "read_vehicle_info" => "Know make, model and year",
        "read_vin" => "Know the vehicle identification number",
        "read_odometer" => "See how far it has been driven",
        "read_location" => "See where it is",
        "read_battery" => "See the battery’s charge and range",
        "read_charge" => "See whether it is charging",
        "control_charge" => "Start and stop charging",
        "control_security" => "Lock and unlock it",
        _ => "",
    };
    if !known.is_empty() {
        return known.to_owned();
    }
    match scope.split_once('_') {
        Some(("read", what)) => format!("See {}", what.replace('_', " ")),
        Some(("control", what)) => format!("Control {}", what.replace('_', " ")),
        _ => scope.replace('_', " "),
    }
}

//! Connect: the pages on which an owner chooses a brand, logs in and consents.

mod outcome;
mod pages;
mod session;

use axum::http::{Method, StatusCode};

pub(crate) use self::session::Session;
use self::{
    outcome::Outcome,
    session::{Purpose, Rejection, ResponseType, Select},
};
use crate::{
    clock::Millis,
    config::Config,
    http::{self, Answer, Params, Request},
    ids,
    store::{Grant, Store},
    v3,
};

const STYLE: &str = include_str!("../../assets/style.css");

/// Answers a request to Connect.
pub(crate) fn answer(store: &mut Store, config: &Config, now: Millis, request: &Request) -> Answer {
    let segments: Vec<&str> = request.path.trim_matches('/').split('/').collect();
    match (&request.method, segments.as_slice()) {
        (&Method::GET, ["oauth", "authorize"]) => begin(store, Session::authorize(&request.params(), config)),
        (&Method::GET, ["oauth", "reauthenticate"]) => begin(store, Session::reauthenticate(&request.params(), config)),
        (&Method::GET, ["connect", "style.css"]) => {
            http::answer(StatusCode::OK, "text/css; charset=utf-8", STYLE.as_bytes().to_vec())
        }
        (&(Method::GET | Method::POST), ["connect", id, step]) => {
            let Some(session) = store.sessions.get(*id).filter(|session| !session.finished).cloned() else {
                return error_page(&Rejection {
                    status: StatusCode::GONE,
                    message: "This visit has ended. Go back to the application and connect again.".to_owned(),
                });
            };
            let visit = Visit { id, session, config };
            if request.method == Method::GET {
                visit.show(step)
            } else {
                visit.submit(step, store, now, &request.form())
            }
        }
        (_, ["oauth", _]) => error_page(&Rejection {
            status: StatusCode::METHOD_NOT_ALLOWED,
            message: "This address is opened by following a link".to_owned(),
        }),
        _ => not_found(),
    }
}

/// The page at `/`.
pub(crate) fn index(config: &Config) -> Answer {
    http::page(StatusCode::OK, pages::index(config))
}

/// The page for an address that is none.
pub(crate) fn not_found() -> Answer {
    error_page(&Rejection {
        status: StatusCode::NOT_FOUND,
        message: "There is no such page".to_owned(),
    })
}

fn begin(store: &mut Store, session: Result<Session, Rejection>) -> Answer {
    match session {
        Ok(session) => {
            let id = ids::uuid();
            let step = if session.make.is_some() || matches!(session.select, Select::Vin(_)) {
                "login"
            } else {
                "brand"
            };
            store.sessions.insert(id.clone(), session);
            http::see_other(&format!("/connect/{id}/{step}"))
        }
        Err(rejection) => error_page(&rejection),
    }
}

fn error_page(rejection: &Rejection) -> Answer {
    http::page(rejection.status, pages::error(rejection.status, &rejection.message))
}

/// A request within a visit.
struct Visit<'a> {
    id: &'a str,
    session: Session,
    config: &'a Config,
}

impl Visit<'_> {
    fn show(&self, step: &str) -> Answer {
        let markup = match step {
            "brand" => pages::brand(self.id, &self.session, self.config),
            "login" => pages::login(self.id, &self.session, None),
            "consent" if self.session.email.is_none() => return self.go_to("login"),
            "consent" => pages::consent(self.id, &self.session, self.config, None),
            _ => return not_found(),
        };
        http::page(StatusCode::OK, markup)
    }

    fn submit(mut self, step: &str, store: &mut Store, now: Millis, form: &Params) -> Answer {
        match step {
            "brand" => {
                let Some(make) = form.get("make").filter(|make| !make.is_empty()) else {
                    return self.go_to("brand");
                };
                self.session.make = Some(make.to_owned());
                self.save(store);
                self.go_to("login")
            }
            "login" => {
                let email = form.get("email").unwrap_or_default().trim().to_lowercase();
                if email.is_empty() || form.get("password").is_none_or(str::is_empty) {
                    let message = "Enter an e-mail address and a password.";
                    let markup = pages::login(self.id, &self.session, Some(message));
                    return http::page(StatusCode::UNPROCESSABLE_ENTITY, markup);
                }
                self.session.email = Some(email);
                if self.session.vehicles(self.config).is_empty() {
                    return self.end(store, outcome::NO_VEHICLES.params(None));
                }
                self.save(store);
                self.go_to("consent")
            }
            "consent" => self.decide(store, now, form),
            "leave" => self.end(store, outcome::RETURNED.params(None)),
            "cancel" => self.end(store, outcome::CANCELLED.params(None)),
            _ => not_found(),
        }
    }

    fn decide(self, store: &mut Store, now: Millis, form: &Params) -> Answer {
        let Some(email) = self.session.email.clone() else {
            return self.go_to("login");
        };
        let available = self.session.vehicles(self.config);
        match form.get("decision") {
            Some("allow") => {}
            Some("deny") => return self.end(store, outcome::ACCESS_DENIED.params(None)),
            Some("simulate") => match form.get("outcome").and_then(Outcome::find) {
                Some(outcome) => return self.end(store, outcome.params(available.first().copied())),
                None => return self.ask_again("Choose which outcome to simulate."),
            },
            _ => return self.ask_again("Choose “Allow” or “Deny”."),
        }
        if let Purpose::Reauthenticate { vehicle_id } = &self.session.purpose {
            store.unauthenticated.remove(vehicle_id);
            let user_id = store.user_id(&email);
            store
                .v3
                .reauthenticate(&user_id, vehicle_id, &self.session.external_id, now);
            let vehicle_id = vehicle_id.clone();
            return self.end(store, vec![("vehicle_id", vehicle_id)]);
        }
        if self.session.purpose == Purpose::GrantAtMaker {
            return self.end(store, Vec::new());
        }
        let chosen: Vec<String> = available
            .iter()
            .filter(|vehicle| form.all("vehicle").any(|id| id == vehicle.id))
            .map(|vehicle| vehicle.id.clone())
            .collect();
        match (chosen.len(), &self.session.select) {
            (0, _) => return self.ask_again("Choose at least one vehicle."),
            (2.., Select::One | Select::Vin(_)) => return self.ask_again("Choose one vehicle."),
            _ => {}
        }
        self.grant(store, now, form, &email, chosen)
    }

    fn grant(self, store: &mut Store, now: Millis, form: &Params, email: &str, vehicles: Vec<String>) -> Answer {
        let user_id = store.user_id(email);
        let scopes = self
            .session
            .scopes
            .iter()
            .filter(|scope| scope.required || form.all("scope").any(|name| name == scope.name))
            .map(|scope| scope.name.clone())
            .collect();
        for vehicle_id in &vehicles {
            store.unauthenticated.remove(vehicle_id);
        }
        let grant = Grant {
            user_id: user_id.clone(),
            vehicles,
            scopes,
            outlives_its_vehicles: false,
        };
        if self.config.consent_replaces {
            store.replace_grants(&user_id);
        }
        let consent = v3::Consent {
            user_id: &user_id,
            vehicles: &grant.vehicles,
            permissions: &grant.scopes,
            mode: self.session.mode,
            external_id: &self.session.external_id,
        };
        store.v3.connect(&consent, now);
        let wants_code = self.session.response_type == ResponseType::Code && self.config.v3.code_in_redirect;
        let mut params = Vec::new();
        if wants_code {
            let redirect_uri = self.session.redirect_uri.as_deref().unwrap_or_default();
            params.push(("code", store.issue_code(grant, redirect_uri, now, self.config)));
        }
        if !wants_code || self.config.user_id_in_redirect {
            params.push(("user_id", user_id));
        }
        if form.get("virtual_key").is_some() {
            params.push(("virtual_key_url", "https://tesla.com/_ak/simulator.invalid".to_owned()));
        }
        self.end(store, params)
    }

    fn ask_again(&self, message: &str) -> Answer {
        let markup = pages::consent(self.id, &self.session, self.config, Some(message));
        http::page(StatusCode::UNPROCESSABLE_ENTITY, markup)
    }

    fn go_to(&self, step: &str) -> Answer {
        http::see_other(&format!("/connect/{}/{step}", self.id))
    }

    fn save(&self, store: &mut Store) {
        store.sessions.insert(self.id.to_owned(), self.session.clone());
    }

    /// Sends the owner back with the outcome; a visit ends once.
    fn end(mut self, store: &mut Store, mut params: Vec<(&'static str, String)>) -> Answer {
        self.session.finished = true;
        self.save(store);
        let success = params.first().is_none_or(|(name, _)| *name != "error");
        if let (true, v3::ExternalId::Set(external_id)) = (success, &self.session.external_id) {
            params.push(("external_id", external_id.clone()));
        }
        if let Some(state) = &self.session.state {
            params.push(("state", state.clone()));
        }
        match &self.session.redirect_uri {
            Some(redirect_uri) => http::see_other(&http::with_query(redirect_uri, &params)),
            None => http::page(StatusCode::OK, pages::finished()),
        }
    }
}

//! `GET` and `POST /connect/login`, and `GET /connect/callback`: connecting without JavaScript.

use smartcar_connect::{
    connect::{AuthorizeUrl, ExternalIdParam, Origin, State, UnverifiedCallback},
    edge::{
        LoginOutcome, LoginPage, LoginRequest, NavigationHeaders, Operation, Problem, RateKey, RateLimit, ReturnCookie,
        ReturnTo, VaultReply, callback_uri, check_login, has_come_from_here, needs_login_check, page_policy,
        reload_here, too_many,
    },
    http_api::ProblemCode,
    identity::Identity,
};

use super::connect;
use crate::{
    context::{RequestContext, challenged},
    http::HttpResponse,
    identity::set_session_cookie,
    random, rate_limit, vault_client,
};

pub(crate) async fn login(context: &RequestContext<'_>, by_form: bool) -> Result<HttpResponse, Problem> {
    let (config, head) = (&context.config, context.head);
    let own = own_origin(context)?;
    if needs_login_check(context.identity) {
        let header = |name| context.request.headers().get(name).ok().flatten();
        let (mode, dest, purpose) = (
            header("sec-fetch-mode"),
            header("sec-fetch-dest"),
            header("sec-purpose"),
        );
        let navigation = NavigationHeaders {
            mode: mode.as_deref(),
            dest: dest.as_deref(),
            purpose: purpose.as_deref(),
        };
        check_login(
            by_form,
            &head.csrf_headers(),
            &navigation,
            Some(&own),
            &config.allowed_origins,
        )?;
    }
    refuse_back_end(context)?;
    let query = head.query().unwrap_or_default();
    let wanted = LoginRequest::parse(query, &config.prefix, &own, &config.allowed_origins)?;
    let state = State::for_login(random::bytes().map_err(|_| random::problem())?);
    let fingerprint = state.fingerprint();
    let redirect_uri = callback_uri(&own, &config.prefix)?;
    let url = AuthorizeUrl::new(config.application_id.clone(), &state)
        .redirect_uri(redirect_uri.clone())
        .options(wanted.options);
    // Before anything is kept: what is too long for Connect does not begin.
    url.to_url(&config.origins.connect)?;
    let begun = connect::begin(context, fingerprint.clone(), redirect_uri, wanted.asked).await?;
    let url = url.external_id(ExternalIdParam::Set(begun.external_id));
    let mut answer = HttpResponse::empty(303).with_header("location", url.to_url(&config.origins.connect)?);
    if let Some(return_to) = &wanted.return_to {
        let (cookie, port) = (&config.session_cookie, head.port());
        for forgotten in too_many(head.cookie().unwrap_or_default(), cookie, port) {
            answer = answer.with_header("set-cookie", forgotten);
        }
        let kept = ReturnCookie::of(cookie, port, &fingerprint).keep(return_to);
        answer = answer.with_header("set-cookie", kept);
    }
    Ok(match begun.session {
        Some(session) => set_session_cookie(answer, &Identity::Session(session), head, config, context.now),
        None => answer,
    })
}

pub(crate) async fn callback(context: &RequestContext<'_>) -> Result<HttpResponse, Problem> {
    refuse_back_end(context)?;
    let (config, head) = (&context.config, context.head);
    let query = head.query().unwrap_or_default();
    let reload = reload_here(&config.prefix, query)?;
    if !has_come_from_here(query) {
        return Ok(page(200, &LoginPage::coming_back(reload)));
    }
    let own = own_origin(context)?;
    let return_to = return_to(context, &own, &reload);
    match finish(context, &own, &reload).await {
        Ok(outcome) => Ok(told(context, outcome, return_to.as_ref())),
        Err(problem) => match (LoginOutcome::of_problem(&problem), &return_to) {
            (Some(outcome), Some(_)) => Ok(told(context, outcome, return_to.as_ref())),
            _ => Ok(page_of_problem(context, &problem, return_to.as_ref(), Some(reload))),
        },
    }
}

/// The page of a problem, wherever it arose.
pub(crate) fn problem_page(problem: &Problem, prefix: &str) -> HttpResponse {
    with_retry_after(
        page(problem.status(), &LoginPage::of_problem(problem, prefix, None, None)),
        problem,
    )
}

fn page_of_problem(
    context: &RequestContext<'_>,
    problem: &Problem,
    return_to: Option<&ReturnTo>,
    reload: Option<String>,
) -> HttpResponse {
    let page_of = LoginPage::of_problem(problem, &context.config.prefix, return_to, reload);
    let answer = with_retry_after(page(problem.status(), &page_of), problem);
    challenged(answer, problem, context.head, &context.config)
}

fn with_retry_after(answer: HttpResponse, problem: &Problem) -> HttpResponse {
    match problem.retry_after_secs() {
        Some(seconds) => answer.with_header("retry-after", seconds.to_string()),
        None => answer,
    }
}

/// Hands the callback to the vault of whoever shows the session, as `POST /connect/finish` does.
async fn finish(context: &RequestContext<'_>, own: &Origin, reload: &str) -> Result<LoginOutcome, Problem> {
    let caller = context.caller()?;
    rate_limit::admit(context.env, RateLimit::Finish, &RateKey::everybody()).await?;
    // The whole address: a callback of an attempt that was to end elsewhere is refused.
    let address = [own.as_str(), reload].concat();
    let VaultReply::Body(answer) = vault_client::ask(context.env, &caller, Operation::Finish(address)).await? else {
        return Err(vault_client::unavailable());
    };
    Ok(LoginOutcome::of_answer(&answer))
}

/// Where the owner wanted to go, by the cookie of the attempt.
fn return_to(context: &RequestContext<'_>, own: &Origin, callback: &str) -> Option<ReturnTo> {
    let (config, head) = (&context.config, context.head);
    let callback = UnverifiedCallback::parse(callback).ok()?;
    let fingerprint = callback.state()?.fingerprint();
    let cookie = ReturnCookie::of(&config.session_cookie, head.port(), &fingerprint);
    cookie.find(head.cookie()?, &config.prefix, own, &config.allowed_origins)
}

/// The way to the app's page, or a page that says the same.
fn told(context: &RequestContext<'_>, outcome: LoginOutcome, return_to: Option<&ReturnTo>) -> HttpResponse {
    match return_to {
        Some(return_to) => HttpResponse::empty(303).with_header("location", return_to.told(outcome.as_str())),
        None => page(200, &LoginPage::of_outcome(outcome, &context.config.prefix)),
    }
}

fn page(status: u16, page: &LoginPage) -> HttpResponse {
    HttpResponse {
        content_type: Some("text/html; charset=utf-8"),
        body: page.to_html(),
        ..HttpResponse::empty(status)
    }
    .with_header("content-security-policy", page_policy())
}

/// A browser gets the session here, and a back end has none.
fn refuse_back_end(context: &RequestContext<'_>) -> Result<(), Problem> {
    if matches!(context.identity, Some(Identity::Service(_))) {
        let detail = "this address is for the owner's browser: send the owner there";
        return Err(Problem::new(ProblemCode::InvalidParameter, detail).with_field("Authorization"));
    }
    Ok(())
}

fn own_origin(context: &RequestContext<'_>) -> Result<Origin, Problem> {
    context.head.own_origin().ok_or_else(|| {
        let detail = "the Worker was asked over plain `http`, where no browser keeps a session: use `https`";
        Problem::new(ProblemCode::InvalidParameter, detail).with_field("Host")
    })
}

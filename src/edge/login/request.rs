//! What `/connect/login` is asked, in its query.

use std::borrow::Cow;

use super::return_to::ReturnTo;
use crate::{
    connect::{ApprovalPrompt, ConnectOptions, InvalidParameter, Make, Mode, Origin, Scope, SingleSelect, Vin},
    edge::{problem::Problem, quote::quoted},
    http_api::{ProblemCode, start::Asked},
};

/// A start that a link or a form asks for. The values are those that `start` of the browser module takes, by Connect's names; what
/// else Connect takes, the settings of the Worker decide.
#[derive(Clone, Debug, Default)]
pub struct LoginRequest {
    /// Where the owner goes afterwards; without it the Worker says itself what came of it.
    pub return_to: Option<ReturnTo>,
    /// What the owner is asked for in Connect.
    pub options: ConnectOptions,
    /// The same, as far as it is kept.
    pub asked: Asked,
}

/// The names, each of which may be there once.
#[derive(Default)]
struct Given<'a> {
    return_to: Option<Cow<'a, str>>,
    scope: Option<Cow<'a, str>>,
    mode: Option<Cow<'a, str>>,
    make: Option<Cow<'a, str>>,
    single_select: Option<Cow<'a, str>>,
    single_select_vin: Option<Cow<'a, str>>,
    approval_prompt: Option<Cow<'a, str>>,
}

impl<'a> Given<'a> {
    fn slot(&mut self, name: &str) -> Option<&mut Option<Cow<'a, str>>> {
        match name {
            "return_to" => Some(&mut self.return_to),
            "scope" => Some(&mut self.scope),
            "mode" => Some(&mut self.mode),
            "make" => Some(&mut self.make),
            "single_select" => Some(&mut self.single_select),
            "single_select_vin" => Some(&mut self.single_select_vin),
            "approval_prompt" => Some(&mut self.approval_prompt),
            _ => None,
        }
    }
}

fn refused(name: &str, detail: String) -> Problem {
    Problem::new(ProblemCode::InvalidParameter, detail).with_field(name)
}

impl LoginRequest {
    /// Reads the query of a Worker at `own` and `prefix`.
    ///
    /// # Errors
    /// The [`Problem`] that names the parameter: one that is unknown, is there twice or has a value that is not legal.
    pub fn parse(query: &str, prefix: &str, own: &Origin, allowed: &[Origin]) -> Result<Self, Problem> {
        let mut given = Given::default();
        for (name, value) in form_urlencoded::parse(query.as_bytes()) {
            let Some(slot) = given.slot(&name) else {
                let detail = [
                    &quoted(&name),
                    " is no parameter of a start; what else Connect takes is up to the Worker's settings",
                ];
                return Err(refused("query", detail.concat()));
            };
            if slot.replace(value).is_some() {
                return Err(refused(&name, ["`", &name, "` is there twice; give it once"].concat()));
            }
        }
        let return_to = given.return_to.as_deref();
        let return_to = return_to
            .map(|value| ReturnTo::parse(value, prefix, own, allowed))
            .transpose()?;
        let options = options(&given)?;
        let asked = Asked {
            scope: given.scope.as_deref().map(str::to_owned),
            mode: options.mode,
        };
        Ok(Self {
            return_to,
            options,
            asked,
        })
    }
}

fn options(given: &Given<'_>) -> Result<ConnectOptions, InvalidParameter> {
    let scopes = given.scope.iter().flat_map(|scope| scope.split(' '));
    let scopes: Result<Vec<Scope>, _> = scopes.map(Scope::parse).collect();
    let mode = given.mode.as_deref().map(Mode::parse).transpose();
    let make = given.make.as_deref().map(Make::parse).transpose();
    let prompt = given.approval_prompt.as_deref().map(ApprovalPrompt::parse).transpose();
    let vin = given.single_select_vin.as_deref().map(Vin::parse).transpose();
    let single_select = match (
        given.single_select.as_deref(),
        vin.map_err(|error| error.in_field("single_select_vin"))?,
    ) {
        (None | Some("true"), Some(vin)) => Some(SingleSelect::Vin(vin)),
        (Some("true"), None) => Some(SingleSelect::Yes),
        (Some("false"), None) => Some(SingleSelect::No),
        (None, None) => None,
        (Some(_), _) => return Err(InvalidParameter::new("single_select", SINGLE_SELECT)),
    };
    Ok(ConnectOptions {
        scopes: scopes.map_err(|error| error.in_field("scope"))?,
        mode: mode.map_err(|error| error.in_field("mode"))?,
        make: make.map_err(|error| error.in_field("make"))?,
        approval_prompt: prompt.map_err(|error| error.in_field("approval_prompt"))?,
        single_select,
        ..ConnectOptions::default()
    })
}

const SINGLE_SELECT: crate::connect::Reason = crate::connect::Reason::UnknownValue(
    "has a value that is unknown; use `true`, or `false` without `single_select_vin`",
);

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(query: &str) -> Result<LoginRequest, Problem> {
        LoginRequest::parse(query, "/smartcar", &Origin::parse("https://app.example").unwrap(), &[])
    }

    #[test]
    fn what_start_takes_is_taken() {
        let nothing = parse("").unwrap();
        assert!(nothing.return_to.is_none() && nothing.asked.is_empty() && nothing.options.scopes.is_empty());
        let all = parse(
            "return_to=%2Fcars&scope=required:read_vin+read_odometer&mode=simulated&make=TESLA&approval_prompt=force\
             &single_select=true&single_select_vin=5YJ3E1EA7KF317000",
        )
        .unwrap();
        assert_eq!(all.return_to.unwrap().as_str(), "/cars");
        assert_eq!(all.asked.scope.as_deref(), Some("required:read_vin read_odometer"));
        assert_eq!(all.asked.mode, Some(Mode::Simulated));
        assert_eq!(all.options.scopes.len(), 2);
        assert_eq!(all.options.make.unwrap().as_str(), "TESLA");
        assert_eq!(all.options.approval_prompt, Some(ApprovalPrompt::Force));
        assert!(
            matches!(all.options.single_select, Some(SingleSelect::Vin(vin)) if vin.as_str() == "5YJ3E1EA7KF317000")
        );
        for (value, wanted) in [("true", SingleSelect::Yes), ("false", SingleSelect::No)] {
            let options = parse(&format!("single_select={value}")).unwrap().options;
            assert_eq!(options.single_select, Some(wanted));
        }
    }

    #[test]
    fn what_it_does_not_take_is_refused_by_name() {
        for (query, field) in [
            ("return_to=//evil.example", "return_to"),
            ("return_to=/a&return_to=/b", "return_to"),
            ("return_to=", "return_to"),
            ("scope=", "scope"),
            ("scope=a++b", "scope"),
            ("mode=Live", "mode"),
            ("make=", "make"),
            ("single_select=1", "single_select"),
            (
                "single_select=false&single_select_vin=5YJ3E1EA7KF317000",
                "single_select",
            ),
            ("single_select_vin=short", "single_select_vin"),
            ("approval_prompt=yes", "approval_prompt"),
            ("redirect_uri=https://evil.example", "query"),
            ("state=s", "query"),
            ("external_id=x", "query"),
            ("flags=a", "query"),
            ("user=x", "query"),
            ("Scope=read_vin", "query"),
            ("<script>=1", "query"),
        ] {
            let problem = parse(query).unwrap_err();
            assert_eq!(problem.code, ProblemCode::InvalidParameter, "{query}");
            assert_eq!(problem.field.as_deref(), Some(field), "{query}");
        }
    }
}

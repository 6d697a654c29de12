//! The commands of the npm package run in Node and ask here: nothing is judged in JavaScript.

use serde::{Deserialize, Serialize};
use wasm_bindgen::prelude::wasm_bindgen;

use crate::{Command, Deployment, Finding, Mark, Secrets, Syntax};

/// What is looked at, as JSON.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct Question {
    /// The text of wrangler's configuration.
    configuration: String,
    syntax: Syntax,
    secrets: Secrets,
    redirect_uris: Vec<String>,
}

/// A [`Finding`] as JSON.
#[derive(Serialize)]
struct Said {
    mark: &'static str,
    about: String,
    text: String,
}

impl From<Finding> for Said {
    fn from(finding: Finding) -> Self {
        let mark = match finding.mark {
            Mark::Good => "good",
            Mark::Bad => "bad",
            Mark::Note => "note",
        };
        Self {
            mark,
            about: finding.about,
            text: finding.text,
        }
    }
}

fn answer(question: &str) -> Result<String, String> {
    let question: Question = serde_json::from_str(question).map_err(|error| error.to_string())?;
    let deployment = Deployment {
        wrangler: question.syntax.read(&question.configuration)?,
        syntax: question.syntax,
        command: Command::Npx,
        secrets: question.secrets,
        redirect_uris: question.redirect_uris,
    };
    let said: Vec<Said> = crate::examine(&deployment).into_iter().map(Said::from).collect();
    serde_json::to_string(&said).map_err(|error| error.to_string())
}

/// Looks at a deployment: takes a [`Question`] and returns a list of [`Said`].
///
/// # Errors
/// The text, when the configuration can't be read.
#[wasm_bindgen]
#[expect(clippy::needless_pass_by_value, reason = "JavaScript hands it over")]
pub fn examine(question: String) -> Result<String, String> {
    answer(&question)
}

/// What is wrong with one setting.
#[wasm_bindgen(js_name = settingProblem)]
#[must_use]
pub fn setting_problem(name: &str, value: &str) -> Option<String> {
    crate::setting_problem(name, value)
}

/// What is wrong with a redirect URI.
#[wasm_bindgen(js_name = redirectUriProblem)]
#[must_use]
pub fn redirect_uri_problem(uri: &str) -> Option<String> {
    crate::redirect_uri_problem(uri)
}

/// The origin of the page that a redirect URI is.
#[wasm_bindgen(js_name = appOrigin)]
#[must_use]
pub fn app_origin(redirect_uri: &str) -> Option<String> {
    crate::app_origin(redirect_uri)
}

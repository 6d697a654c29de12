//! `make doctor`: looks at a deployment's settings, says what is right and wrong, and fails where something is wrong.
#![expect(clippy::print_stdout, clippy::print_stderr, reason = "a command line tool")]

use std::{
    collections::BTreeMap,
    fs,
    process::{Command, ExitCode, Stdio},
};

use anyhow::{Context as _, Result, anyhow};
use smartcar_doctor::{Deployment, Mark, Secrets, Syntax, examine};

const LOCAL: &str = "--local";

fn main() -> ExitCode {
    match run() {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::FAILURE,
        Err(error) => {
            eprintln!("error: {error:#}");
            ExitCode::FAILURE
        }
    }
}

/// Whether nothing is wrong.
fn run() -> Result<bool> {
    let (flags, redirect_uris): (Vec<String>, _) = std::env::args().skip(1).partition(|argument| argument == LOCAL);
    let wrangler =
        fs::read_to_string("wrangler.toml").context("cannot read wrangler.toml: run this in the repository")?;
    let wrangler = Syntax::Toml
        .read(&wrangler)
        .map_err(|error| anyhow!("wrangler.toml can't be read: {error}"))?;
    let secrets = if flags.is_empty() {
        deployed()
    } else {
        Secrets::Local(dev_vars()?)
    };
    let findings = examine(&Deployment {
        wrangler,
        syntax: Syntax::Toml,
        command: smartcar_doctor::Command::Make,
        secrets,
        redirect_uris,
    });
    for finding in &findings {
        println!("{finding}");
    }
    let wrong = findings.iter().filter(|finding| finding.mark == Mark::Bad).count();
    println!("\n{} looked at, {wrong} to mend", findings.len());
    Ok(wrong == 0)
}

/// What `wrangler` lists, if it can.
fn deployed() -> Secrets {
    let tools = std::env::current_dir().unwrap_or_default().join("node_modules/.bin");
    let machine = std::env::var_os("PATH").unwrap_or_default();
    let path = std::env::join_paths([tools.clone()].into_iter().chain(std::env::split_paths(&machine)));
    let listed = Command::new(tools.join("wrangler"))
        .args(["secret", "list"])
        // The Node of the lock file comes before the machine's.
        .env("PATH", path.unwrap_or(machine))
        // It would ask the person at the terminal, or open a browser.
        .env("CI", "true")
        .env("WRANGLER_SEND_METRICS", "false")
        .stdin(Stdio::null())
        .output();
    let Ok(output) = listed else {
        return Secrets::Unknown("wrangler is not installed: `make tools`".to_owned());
    };
    names(&String::from_utf8_lossy(&output.stdout)).map_or_else(
        || Secrets::Unknown("wrangler did not list them".to_owned()),
        Secrets::Deployed,
    )
}

/// The names in what wrangler prints: a list in JSON, maybe with lines before it.
fn names(printed: &str) -> Option<Vec<String>> {
    let (_, list) = printed.split_once('[')?;
    let list: serde_json::Value = serde_json::from_str(&["[", list].concat()).ok()?;
    let name = |secret: &serde_json::Value| Some(secret.get("name")?.as_str()?.to_owned());
    list.as_array()?.iter().map(name).collect()
}

fn dev_vars() -> Result<BTreeMap<String, String>> {
    let file = fs::File::open(".dev.vars").context("there is no .dev.vars: `make demo` makes one")?;
    let read = dotenvy::from_read_iter(file).collect::<Result<_, _>>();
    read.context(".dev.vars can't be read")
}

//! The command line.

use std::{ffi::OsString, path::PathBuf};

use lexopt::{
    Arg::{Long, Short},
    Parser, ValueExt as _,
};

use crate::config::{Config, DEFAULT_CLIENT_ID, DEFAULT_CLIENT_SECRET, DEFAULT_MANAGEMENT_TOKEN, DEFAULT_REDIRECT_URI};

/// What the command line asks for.
#[derive(Debug)]
pub(crate) enum Command {
    /// Serve.
    Run {
        /// 0 for any free port.
        port: u16,
        config: Box<Config>,
        /// Where to keep what was issued from one start to the next.
        state: Option<PathBuf>,
        verbose: bool,
    },
    /// Print the help.
    Help,
}

/// The text of `--help`.
pub(crate) fn help(program: &str) -> String {
    format!(
        "\
A stand-in for Smartcar: Connect, the token endpoints and the vehicle API on one loopback address.

Usage: {program} [--port PORT] [OPTIONS]

Options:
      --port PORT             port to listen on, 0 for any free one [default: 0]
      --client-id ID          id of the application [default: {DEFAULT_CLIENT_ID}]
      --client-secret SECRET  its secret [default: {DEFAULT_CLIENT_SECRET}]
      --redirect-uri URI      a registered redirect URI, may be repeated [default: {DEFAULT_REDIRECT_URI}]
      --webhook-url URL       where webhooks are sent; none are without
      --management-token TOKEN
                              what signs them [default: {DEFAULT_MANAGEMENT_TOKEN}]
      --state FILE            keep grants and tokens in this file, and go on with what it holds
  -v, --verbose               a line per request on standard error
  -h, --help                  this text

When it is ready it prints `listening on http://127.0.0.1:PORT`. Tests look into it and set faults under /_control.
"
    )
}

/// Parses the arguments after the program's name. An error is one sentence for the user.
pub(crate) fn parse(args: impl IntoIterator<Item = OsString>) -> Result<Command, String> {
    read(Parser::from_args(args)).map_err(|error| format!("{error} (`--help` lists the options)"))
}

fn read(mut parser: Parser) -> Result<Command, lexopt::Error> {
    let mut port = 0;
    let mut config = Config::default();
    let mut redirect_uris = Vec::new();
    let mut state = None;
    let mut verbose = false;
    while let Some(arg) = parser.next()? {
        match arg {
            Long("port") => port = parser.value()?.parse()?,
            Long("client-id") => config.client_id = non_empty("--client-id", parser.value()?)?,
            Long("client-secret") => config.client_secret = non_empty("--client-secret", parser.value()?)?,
            Long("redirect-uri") => redirect_uris.push(redirect_uri(parser.value()?)?),
            Long("webhook-url") => config.webhook_url = Some(non_empty("--webhook-url", parser.value()?)?),
            Long("management-token") => {
                config.management_token = non_empty("--management-token", parser.value()?)?;
            }
            Long("state") => state = Some(PathBuf::from(parser.value()?)),
            Short('v') | Long("verbose") => verbose = true,
            Short('h') | Long("help") => return Ok(Command::Help),
            _ => return Err(arg.unexpected()),
        }
    }
    if !redirect_uris.is_empty() {
        config.redirect_uris = redirect_uris;
    }
    Ok(Command::Run {
        port,
        config: Box::new(config),
        state,
        verbose,
    })
}

fn non_empty(option: &str, value: OsString) -> Result<String, lexopt::Error> {
    let value = value.string()?;
    if value.is_empty() {
        return Err(format!("the value of `{option}` is empty").into());
    }
    Ok(value)
}

fn redirect_uri(value: OsString) -> Result<String, lexopt::Error> {
    let value = value.string()?;
    match url::Url::parse(&value) {
        Ok(url) if url.fragment().is_none() => Ok(value),
        _ => Err(format!("`--redirect-uri` must be an absolute URI without a fragment, not `{value}`").into()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parsed(args: &[&str]) -> Result<Command, String> {
        parse(args.iter().map(OsString::from))
    }

    #[test]
    fn defaults() {
        let Ok(Command::Run {
            port,
            config,
            state,
            verbose,
        }) = parsed(&[])
        else {
            panic!("no arguments are fine");
        };
        assert_eq!((port, state, verbose), (0, None, false));
        assert_eq!(config.redirect_uris, ["http://localhost:8787/"]);
        assert_eq!(config.client_id, DEFAULT_CLIENT_ID);
    }

    #[test]
    fn every_option() {
        let args = "--port 9191 --client-id a --client-secret=b --redirect-uri https://x.test/ --redirect-uri sca://y --state a/b.json -v";
        let Ok(Command::Run {
            port,
            config,
            state,
            verbose,
        }) = parsed(&args.split(' ').collect::<Vec<_>>())
        else {
            panic!("all options are fine");
        };
        assert_eq!((port, verbose), (9191, true));
        assert_eq!(state, Some(PathBuf::from("a/b.json")));
        assert_eq!((config.client_id.as_str(), config.client_secret.as_str()), ("a", "b"));
        assert_eq!(config.redirect_uris, ["https://x.test/", "sca://y"]);
    }

    #[test]
    fn mistakes_are_named() {
        let cases = [
            (
                &["--port", "x"][..],
                "cannot parse argument \"x\": invalid digit found in string",
            ),
            (&["--prot", "1"], "invalid option '--prot'"),
            (&["--client-id", ""], "the value of `--client-id` is empty"),
            (
                &["--redirect-uri", "/back"],
                "`--redirect-uri` must be an absolute URI without a fragment, not `/back`",
            ),
        ];
        for (args, message) in cases {
            let error = parsed(args).expect_err("a mistake is refused");
            assert_eq!(error, format!("{message} (`--help` lists the options)"));
        }
    }
}

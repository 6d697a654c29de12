//! One step of the build, as people see it: a line with a mark and the time, and the end of its log when it failed.

use std::{
    fmt,
    io::{IsTerminal as _, Write as _, stdout},
    time::{Duration, Instant},
};

use anyhow::{Result, anyhow};

use crate::{layout::Layout, log::Log};

/// How many lines of its log a failed step shows.
const SHOWN: usize = 80;

/// A step failed, and everything there is to say about it has been printed.
#[derive(Clone, Copy, Debug)]
pub struct Failed;

impl fmt::Display for Failed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a step failed")
    }
}

impl std::error::Error for Failed {}

/// Takes a step.
///
/// # Errors
/// [`Failed`] when it failed; why is printed.
pub fn step(layout: &Layout, title: &str, work: impl FnOnce(&Log) -> Result<()>) -> Result<(), Failed> {
    report(layout, title, |log| {
        work(log)?;
        Ok(String::new())
    })
}

/// Takes a step, and prints under it what it returns.
///
/// # Errors
/// [`Failed`] when it failed; why is printed.
pub fn report(layout: &Layout, title: &str, work: impl FnOnce(&Log) -> Result<String>) -> Result<(), Failed> {
    let started = Instant::now();
    under_way(title);
    let log = Log::begin(&layout.logs(), &log_name(title));
    let outcome = match &log {
        Ok(log) => work(log).and_then(|text| log.line(&text).map(|()| text)),
        Err(error) => Err(anyhow!("{error:#}")),
    };
    let mark = if outcome.is_ok() { '✓' } else { '✗' };
    done(&line(mark, title, started.elapsed()));
    match outcome {
        Ok(text) => {
            print!("{}", indented(text.lines()));
            Ok(())
        }
        Err(error) => {
            print!("{}", complaint(layout, log.ok().as_ref(), &format!("error: {error:#}")));
            Err(Failed)
        }
    }
}

/// The end of the log with the error after it, and where all of it is.
fn complaint(layout: &Layout, log: Option<&Log>, error: &str) -> String {
    let Some((log, text)) = log.and_then(|log| Some((log, log.text().ok()?))) else {
        return indented(error.lines());
    };
    // The log is read without the terminal too. That it cannot be written to any more leaves what is shown as it is.
    let _ = log.line(error);
    let all = format!("(all of it: {})", layout.for_people(log.path()));
    indented(end_of(&text).chain(error.lines()).chain([all.as_str()]))
}

/// On a terminal, says what is under way until [`done`] says how it ended.
pub fn under_way(what: &str) {
    if stdout().is_terminal() {
        print!("  … {what}");
        // It is only for people: that it cannot be shown stops nothing.
        let _ = stdout().flush();
    }
}

/// Puts a line in the place of what [`under_way`] said.
pub fn done(line: &str) {
    let over = if stdout().is_terminal() { "\r\x1b[K" } else { "" };
    println!("{over}  {line}");
}

fn line(mark: char, title: &str, elapsed: Duration) -> String {
    format!("{mark} {title:<48} {:>7.1} s", elapsed.as_secs_f64())
}

/// A file name from a title: its letters and digits, and one hyphen for everything between them.
fn log_name(title: &str) -> String {
    let words = title.split(|letter: char| !letter.is_ascii_alphanumeric());
    let words: Vec<String> = words
        .filter(|word| !word.is_empty())
        .map(str::to_ascii_lowercase)
        .collect();
    words.join("-")
}

/// The last lines of a log.
fn end_of(text: &str) -> impl Iterator<Item = &str> {
    let lines = text.lines().count();
    text.lines().skip(lines.saturating_sub(SHOWN))
}

/// Lines as they stand under a step's.
pub fn indented<'a>(lines: impl Iterator<Item = &'a str>) -> String {
    lines.map(|line| format!("      {line}\n")).collect()
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::{SHOWN, end_of, indented, line, log_name};

    #[test]
    fn a_line_has_its_time_in_a_column() {
        let short = line('✓', "rustfmt", Duration::from_millis(1_260));
        let long = line('✗', "clippy, browser module", Duration::from_secs(100));
        assert_eq!(short, "✓ rustfmt                                              1.3 s");
        assert_eq!(short.chars().count(), long.chars().count());
    }

    #[test]
    fn a_log_is_named_after_its_step() {
        assert_eq!(
            log_name("Install worker-build 0.8.7 (once)"),
            "install-worker-build-0-8-7-once"
        );
        assert_eq!(log_name("rustfmt"), "rustfmt");
    }

    #[test]
    fn the_end_of_a_log_is_shown() {
        assert_eq!(end_of("a\nb\n").collect::<Vec<_>>(), ["a", "b"]);
        let long: String = (0..100).map(|number| format!("{number}\n")).collect();
        let shown: Vec<&str> = end_of(&long).collect();
        assert_eq!(shown.len(), SHOWN);
        assert_eq!(shown.last(), Some(&"99"));
    }

    #[test]
    fn what_belongs_to_a_step_stands_under_it() {
        assert_eq!(indented("a\nb".lines()), "      a\n      b\n");
        assert_eq!(indented("".lines()), "");
    }
}

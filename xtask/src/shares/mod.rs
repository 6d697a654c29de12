//! What each part of the browser module takes of it: what it costs to have it, and where it would pay to make it smaller.

mod named;
mod part;

use std::{collections::BTreeMap, fmt::Write as _};

use anyhow::Result;

use crate::{
    check::{after_brotli, kilobytes},
    files,
    layout::Layout,
    log::Log,
    package,
    step::report,
    tools, wasm_opt,
};
use named::Named;
use part::Part;

/// A module or a crate that takes less is one of "the rest", in bytes.
const SHOWN: usize = 400;

/// Builds the browser module and prints what each part takes, the biggest first; every function is in the log.
///
/// # Errors
/// When it cannot be built or read; why is printed.
pub fn print(layout: &Layout) -> Result<()> {
    tools::wasm_target(layout)?;
    Ok(report(layout, "What is in the browser module", |log| {
        let named = Named::of(&with_names(layout, log)?)?;
        for (size, name) in named.biggest_first() {
            log.line(&format!("{size:>7}  {name}"))?;
        }
        table(&named)
    })?)
}

/// The module as it is shipped, but with the names of its functions.
fn with_names(layout: &Layout, log: &Log) -> Result<Vec<u8>> {
    let folder = layout.target.join("shares");
    files::empty(&folder)?;
    let module = package::module_with_names(layout, log, package::BROWSER, package::STEM, &folder)?;
    wasm_opt::run_on(layout, log, &module, &[package::SMALL, &["--debuginfo"]].concat())?;
    Ok(std::fs::read(module)?)
}

fn table(named: &Named) -> Result<String> {
    let total = named.bytes().len();
    let mut parts: BTreeMap<Part, BTreeMap<String, usize>> = BTreeMap::new();
    for (size, name) in named.functions() {
        let (part, place) = part::of(name);
        let sum = parts.entry(part).or_default().entry(place).or_default();
        *sum = sum.saturating_add(size);
    }
    let whole = after_brotli(named.bytes())?;
    let saved = |without: &[u8]| -> Result<String> { Ok(kilobytes(whole.saturating_sub(after_brotli(without)?))) };
    let mut rows = Vec::new();
    for (part, places) in parts {
        let size: usize = places.values().sum();
        let row = line(
            &part.to_string(),
            size,
            total,
            &saved(&named.without(|name| part::of(name).0 == part))?,
        );
        rows.push((size, row + &within(places, total)));
    }
    let data = named.data();
    rows.push((
        data.len(),
        line("texts and tables", data.len(), total, &saved(&named.without_data())?),
    ));
    rows.sort_by_key(|(size, _)| std::cmp::Reverse(*size));
    let code: usize = rows.iter().map(|(size, _)| size).sum();
    rows.push((
        0,
        line("types, imports, exports", total.saturating_sub(code), total, ""),
    ));
    rows.push((0, line("all of it", total, total, &kilobytes(whole))));
    let heads = format!("{:<44}{:>9}{:>9}{:>13}", "", "bytes", "share", "after brotli");
    let rows: Vec<String> = rows.into_iter().map(|(_, row)| row).collect();
    Ok(format!(
        "{heads}\n{}\n`after brotli` is what the module would be less without the part.",
        rows.join("\n")
    ))
}

/// The modules or crates of a part, each with a line of its own if it is worth one.
fn within(places: BTreeMap<String, usize>, total: usize) -> String {
    if places.len() < 2 {
        return String::new();
    }
    let (mut shown, rest): (Vec<_>, Vec<_>) = places.into_iter().partition(|(_, size)| *size >= SHOWN);
    shown.sort_by_key(|(_, size)| std::cmp::Reverse(*size));
    if !rest.is_empty() {
        shown.push(("the rest".to_owned(), rest.iter().map(|(_, size)| size).sum()));
    }
    shown.iter().fold(String::new(), |mut lines, (place, size)| {
        // Writing to a text cannot fail.
        let _ = write!(lines, "\n{}", line(&format!("  {place}"), *size, total, ""));
        lines
    })
}

fn line(name: &str, size: usize, total: usize, brotli: &str) -> String {
    let tenths = size.saturating_mul(1000).checked_div(total).unwrap_or_default();
    let share = format!("{}.{} %", tenths.div_euclid(10), tenths.rem_euclid(10));
    format!("{name:<44}{size:>9}{share:>9}{brotli:>13}")
        .trim_end()
        .to_owned()
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::{line, within};

    #[test]
    fn figures_stand_in_columns() {
        let short = line("our code", 5_000, 10_000, "1.2 KB");
        assert_eq!(short, format!("{:<44}     5000   50.0 %       1.2 KB", "our code"));
        assert_eq!(short.len(), line("the allocator", 9, 10_000, "0.1 KB").len());
    }

    #[test]
    fn what_is_small_has_one_line_together() {
        let places = [("big", 5_000), ("small", 100), ("smaller", 20)].map(|(name, size)| (name.to_owned(), size));
        let lines = within(BTreeMap::from(places), 10_000);
        let lines: Vec<&str> = lines.lines().skip(1).map(str::trim).collect();
        assert_eq!(lines.len(), 2, "{lines:?}");
        assert!(
            lines[0].starts_with("big ") && lines[0].ends_with("50.0 %"),
            "{lines:?}"
        );
        assert!(
            lines[1].starts_with("the rest ") && lines[1].contains(" 120 "),
            "{lines:?}"
        );
        assert_eq!(within(BTreeMap::from([("alone".to_owned(), 5_000)]), 10_000), "");
    }
}

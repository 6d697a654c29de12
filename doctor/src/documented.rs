//! What `docs/configuration.md` lists, which a test of the crate holds to the code.

const CONFIGURATION: &str = include_str!("../../docs/configuration.md");

/// The names of a kind, such as `secret`, in their order.
pub(crate) fn names_of(kind: &str) -> Vec<&'static str> {
    let cells = |line: &'static str| {
        let mut cells = line.trim_matches('|').split('|').map(str::trim);
        Some((cells.next()?.strip_prefix('`')?.strip_suffix('`')?, cells.next()?))
    };
    let rows = CONFIGURATION
        .lines()
        .filter(|line| line.starts_with("| `"))
        .filter_map(cells);
    rows.filter(|(_, of)| *of == kind).map(|(name, _)| name).collect()
}

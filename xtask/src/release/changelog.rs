//! `CHANGELOG.md`: what its headings must be, and what it says of a version.

use anyhow::{Context as _, Result, bail, ensure};
use cargo_metadata::semver::Version;

/// What a version's changes are told under.
const SECTIONS: [&str; 7] = [
    "Added",
    "Changed",
    "Deprecated",
    "Removed",
    "Fixed",
    "Security",
    "Storage",
];

/// What is told of one version, or of what has not been released.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Release {
    /// Which one, or none for `[Unreleased]`.
    pub version: Option<Version>,
    /// The day of the release, as `2026-11-30`; empty for `[Unreleased]`.
    pub date: String,
    /// Everything below the heading, without the empty lines around it.
    pub text: String,
}

/// Reads the changelog, and holds it to its rules: `[Unreleased]` comes first, then the versions from new to old, each with its
/// day; their sections are those of Keep a Changelog and "Storage", each once, with something in it.
///
/// # Errors
/// When a rule is broken; names the heading.
pub(super) fn read(text: &str) -> Result<Vec<Release>> {
    let mut releases: Vec<Release> = Vec::new();
    for part in text.split("\n## ").skip(1) {
        let (heading, text) = part.split_once('\n').unwrap_or((part, ""));
        let release = release(heading, text).with_context(|| format!("CHANGELOG.md: `## {heading}`"))?;
        match releases.last() {
            None => ensure!(
                release.version.is_none(),
                "CHANGELOG.md must begin with `## [Unreleased]`"
            ),
            Some(newer) => ensure!(
                release.version.is_some()
                    && (newer.version.is_none() || (newer.version > release.version && newer.date >= release.date)),
                "CHANGELOG.md: `## {heading}` must be older than what stands above it"
            ),
        }
        releases.push(release);
    }
    ensure!(
        !releases.is_empty(),
        "CHANGELOG.md must have the heading `## [Unreleased]`"
    );
    Ok(releases)
}

fn release(heading: &str, text: &str) -> Result<Release> {
    sections(text)?;
    let text = text.trim().to_owned();
    if heading == "[Unreleased]" {
        return Ok(Release {
            version: None,
            date: String::new(),
            text,
        });
    }
    let parts = heading.strip_prefix('[').and_then(|rest| rest.split_once("] - "));
    let (version, date) = parts.context("must be `[1.2.3] - 2026-11-30`")?;
    ensure!(is_date(date), "`{date}` must be a day, such as 2026-11-30");
    ensure!(!text.is_empty(), "must say what has changed");
    Ok(Release {
        version: Some(Version::parse(version).with_context(|| format!("`{version}` must be a version"))?),
        date: date.to_owned(),
        text,
    })
}

fn sections(text: &str) -> Result<()> {
    let text = format!("\n{text}");
    let mut seen = Vec::new();
    for part in text.split("\n### ").skip(1) {
        let (title, entries) = part.split_once('\n').unwrap_or((part, ""));
        ensure!(
            SECTIONS.contains(&title),
            "`### {title}` must be one of {}",
            SECTIONS.join(", ")
        );
        ensure!(!seen.contains(&title), "`### {title}` must stand there once");
        ensure!(
            entries.trim_start().starts_with("- "),
            "`### {title}` must have an entry, or go"
        );
        seen.push(title);
    }
    Ok(())
}

fn is_date(text: &str) -> bool {
    let parts: Vec<&str> = text.split('-').collect();
    let number = |text: &str, digits: usize| (text.len() == digits).then(|| text.parse::<u32>().ok()).flatten();
    match parts.as_slice() {
        [year, month, day] => {
            number(year, 4).is_some()
                && number(month, 2).is_some_and(|month| (1..=12).contains(&month))
                && number(day, 2).is_some_and(|day| (1..=31).contains(&day))
        }
        _ => false,
    }
}

/// What is told of this version, which must be the newest one, with nothing left under `[Unreleased]`.
///
/// # Errors
/// When there is no entry for it, or it is not all; says what to do.
pub(super) fn entry<'a>(releases: &'a [Release], version: &Version) -> Result<&'a Release> {
    let mut releases = releases.iter();
    let unreleased = releases.next().context("CHANGELOG.md is empty")?;
    match releases.next() {
        Some(newest) if newest.version.as_ref() == Some(version) => {
            ensure!(
                unreleased.text.is_empty(),
                "CHANGELOG.md has entries under `[Unreleased]`: move them under `[{version}]`, or release them as another version"
            );
            Ok(newest)
        }
        _ => bail!(
            "CHANGELOG.md has no entry for {version}: put `## [{version}] - <today>` under `## [Unreleased]`, above its entries"
        ),
    }
}

#[cfg(test)]
mod tests {
    use std::fs;

    use cargo_metadata::semver::Version;

    use super::{entry, read};
    use crate::layout::Layout;

    const HEAD: &str = "# Changelog\n\nThe format.\n\n## [Unreleased]\n";

    fn complaint(text: &str) -> String {
        format!("{:#}", read(text).unwrap_err())
    }

    #[test]
    fn this_changelog_keeps_the_rules_and_is_not_ahead_of_the_version() {
        let layout = Layout::find().unwrap();
        let releases = read(&fs::read_to_string(layout.root.join("CHANGELOG.md")).unwrap()).unwrap();
        let version = &layout.package("smartcar-connect").unwrap().version;
        for release in releases.iter().filter_map(|release| release.version.as_ref()) {
            assert!(release <= version, "{release} is told of, but this is {version}");
        }
    }

    #[test]
    fn versions_are_read_with_their_day_and_text() {
        let text = format!(
            "{HEAD}\n## [0.2.0] - 2026-12-01\n\n### Added\n\n- More.\n\n## [0.1.0] - 2026-11-30\n\nThe first.\n"
        );
        let releases = read(&text).unwrap();
        let told: Vec<_> = releases
            .iter()
            .map(|release| {
                let version = release.version.as_ref().map(ToString::to_string);
                (version, release.date.as_str(), release.text.as_str())
            })
            .collect();
        assert_eq!(
            told,
            [
                (None, "", ""),
                (Some("0.2.0".to_owned()), "2026-12-01", "### Added\n\n- More."),
                (Some("0.1.0".to_owned()), "2026-11-30", "The first."),
            ]
        );
    }

    #[test]
    fn each_broken_rule_is_named() {
        assert!(complaint("# Changelog\n").contains("[Unreleased]"));
        assert!(complaint("# Changelog\n\n## [0.1.0] - 2026-11-30\n\nx\n").contains("begin with `## [Unreleased]`"));
        for (more, said) in [
            ("## 0.1.0 - 2026-11-30\n\nx\n", "must be `[1.2.3] - 2026-11-30`"),
            ("## [0.1] - 2026-11-30\n\nx\n", "`0.1` must be a version"),
            ("## [0.1.0] - 30 November\n\nx\n", "`30 November` must be a day"),
            ("## [0.1.0] - 2026-13-01\n\nx\n", "`2026-13-01` must be a day"),
            ("## [0.1.0] - 2026-11-30\n", "must say what has changed"),
            ("### New\n\n- x\n", "`### New` must be one of"),
            ("### Added\n\n### Fixed\n\n- x\n", "`### Added` must have an entry"),
            (
                "### Added\n\n- x\n\n### Added\n\n- y\n",
                "`### Added` must stand there once",
            ),
            (
                "## [0.1.0] - 2026-11-30\n\nx\n\n## [0.2.0] - 2026-11-30\n\nx\n",
                "must be older",
            ),
            (
                "## [0.2.0] - 2026-11-30\n\nx\n\n## [0.1.0] - 2026-12-01\n\nx\n",
                "must be older",
            ),
        ] {
            let message = complaint(&format!("{HEAD}\n{more}"));
            assert!(message.contains(said), "{message}");
        }
    }

    #[test]
    fn a_version_is_told_of_alone_and_last() {
        let version = Version::new(0, 2, 0);
        let told = "## [0.2.0] - 2026-12-01\n\n- More.\n";
        let releases = read(&format!("{HEAD}\n{told}")).unwrap();
        assert_eq!(entry(&releases, &version).unwrap().text, "- More.");
        for (text, said) in [
            (HEAD.to_owned(), "has no entry for 0.2.0"),
            (
                format!("{HEAD}\n## [0.1.0] - 2026-11-30\n\nx\n"),
                "has no entry for 0.2.0",
            ),
            (
                format!("{HEAD}\n### Fixed\n\n- One more.\n\n{told}"),
                "under `[Unreleased]`",
            ),
        ] {
            let message = entry(&read(&text).unwrap(), &version).unwrap_err().to_string();
            assert!(message.contains(said), "{message}");
        }
    }
}

//! What is common to the readers of all settings.

use super::misconfiguration::Setting;
use crate::connect::Origin;

/// What separates the entries of a setting that is one value.
pub(super) const ONE: &[char] = &[];

/// What separates the entries of a list.
pub(super) const LIST: &[char] = &[','];

/// What separates the ids and keys of a key ring.
pub(super) const KEYS: &[char] = &[',', ':'];

/// Why no value of a setting can have been meant: what a shell, an editor or a clipboard has added to it. Such a secret would
/// only be noticed when Smartcar refuses it.
fn added(value: &str, separators: &[char]) -> Option<&'static str> {
    let is_white = |one: char| one.is_ascii_whitespace();
    for entry in value.split(separators).map(|entry| entry.trim_matches(is_white)) {
        if entry.starts_with(['"', '\'', '`']) || entry.ends_with(['"', '\'', '`']) {
            return Some("stands in quotation marks: give it without them");
        }
        if entry.contains(is_white) {
            return Some("has white space in it: remove it");
        }
        if !entry.bytes().all(|byte| byte.is_ascii_graphic()) {
            return Some(
                "has a character that is not visible ASCII, such as a zero-width space: type it, or copy it anew",
            );
        }
    }
    None
}

/// Reads settings, and notes what is wrong with each.
pub(super) struct Reader<'a> {
    /// Returns a variable's or secret's value by its name.
    pub(super) get: &'a dyn Fn(&str) -> Option<String>,
    pub(super) problems: Vec<(Setting, String)>,
}

/// That what is wrong with a setting has been noted.
pub(super) struct Noted;

impl Reader<'_> {
    /// A value that is there and not blank.
    pub(super) fn value(&mut self, name: &'static str, separators: &[char]) -> Result<Option<String>, Noted> {
        let Some(text) = (self.get)(name).map(zeroize::Zeroizing::new) else {
            return Ok(None);
        };
        let value = text.trim_matches(|one: char| one.is_ascii_whitespace());
        if let Some(reason) = added(value, separators) {
            self.wrong(name, reason);
            return Err(Noted);
        }
        Ok(Some(value.to_owned()).filter(|value| !value.is_empty()))
    }

    pub(super) fn wrong(&mut self, name: &'static str, reason: impl Into<String>) {
        self.problems.push((Setting(name), reason.into()));
    }

    pub(super) fn required(&mut self, name: &'static str, separators: &[char], remedy: &str) -> Option<String> {
        let value = self.value(name, separators).ok()?;
        if value.is_none() {
            self.wrong(name, ["is missing: ", remedy].concat());
        }
        value
    }

    pub(super) fn origin(&mut self, name: &'static str, default: Origin) -> Option<Origin> {
        match self.value(name, ONE).ok()? {
            None => Some(default),
            Some(text) => self.parse_origin(name, &text),
        }
    }

    pub(super) fn parse_origin(&mut self, name: &'static str, text: &str) -> Option<Origin> {
        match Origin::parse(text) {
            Ok(origin) => Some(origin),
            Err(error) => {
                self.wrong(name, error.to_string());
                None
            }
        }
    }

    pub(super) fn span(
        &mut self,
        name: &'static str,
        default: u64,
        range: core::ops::RangeInclusive<u64>,
    ) -> Option<u64> {
        let Some(text) = self.value(name, ONE).ok()? else {
            return Some(default);
        };
        let number = text.parse().ok().filter(|number| range.contains(number));
        if number.is_none() {
            self.wrong(
                name,
                format!("is no whole number from {} to {}", range.start(), range.end()),
            );
        }
        number
    }
}

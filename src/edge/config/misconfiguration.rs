//! What is said of settings that are missing or unusable.

use core::fmt;

/// A setting by its name.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Setting(pub(super) &'static str);

impl Setting {
    /// The name of the variable or secret.
    #[must_use]
    pub const fn name(self) -> &'static str {
        self.0
    }
}

/// Why the Worker can't serve: every setting that is missing or unusable, with the remedy. No value is repeated.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Misconfiguration {
    pub(super) problems: Vec<(Setting, String)>,
}

impl Misconfiguration {
    /// The settings, each with what is wrong.
    #[must_use]
    pub fn problems(&self) -> &[(Setting, String)] {
        &self.problems
    }

    /// A binding of the Worker that is missing.
    #[must_use]
    pub fn missing_binding(name: &'static str) -> Self {
        let reason = "is not bound: see `wrangler.toml` or `wrangler.jsonc`".to_owned();
        Self {
            problems: vec![(Setting(name), reason)],
        }
    }
}

impl fmt::Display for Misconfiguration {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, (setting, reason)) in self.problems.iter().enumerate() {
            let separator = if index == 0 { "" } else { "; " };
            write!(f, "{separator}`{}` {reason}", setting.0)?;
        }
        Ok(())
    }
}

impl core::error::Error for Misconfiguration {}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_setting_is_told_with_what_is_wrong_with_it() {
        let problems = vec![
            (Setting("ONE"), "is missing".to_owned()),
            (Setting("OTHER"), "is no number".to_owned()),
        ];
        let misconfiguration = Misconfiguration {
            problems: problems.clone(),
        };
        assert_eq!(misconfiguration.problems(), problems);
        assert_eq!(misconfiguration.to_string(), "`ONE` is missing; `OTHER` is no number");
        let unbound = Misconfiguration::missing_binding("TOKENS").to_string();
        assert!(unbound.starts_with("`TOKENS` is not bound"), "{unbound}");
    }
}

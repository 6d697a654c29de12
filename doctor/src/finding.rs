//! What was found.

use core::fmt;

/// How it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mark {
    /// As it should be.
    Good,
    /// Something has to be done.
    Bad,
    /// Nobody can tell, or it is a matter of taste.
    Note,
}

/// One line of the report.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Finding {
    /// How it is.
    pub mark: Mark,
    /// What was looked at.
    pub about: String,
    /// What is so, and what to do about it.
    pub text: String,
}

impl Finding {
    pub(crate) fn good(about: impl Into<String>, text: impl Into<String>) -> Self {
        Self::new(Mark::Good, about, text)
    }

    pub(crate) fn bad(about: impl Into<String>, text: impl Into<String>) -> Self {
        Self::new(Mark::Bad, about, text)
    }

    pub(crate) fn note(about: impl Into<String>, text: impl Into<String>) -> Self {
        Self::new(Mark::Note, about, text)
    }

    fn new(mark: Mark, about: impl Into<String>, text: impl Into<String>) -> Self {
        Self {
            mark,
            about: about.into(),
            text: text.into(),
        }
    }
}

impl fmt::Display for Finding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mark = match self.mark {
            Mark::Good => "✓",
            Mark::Bad => "✗",
            Mark::Note => "–",
        };
        write!(f, "  {mark} {}: {}", self.about, self.text)
    }
}

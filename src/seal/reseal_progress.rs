//! Rotating keys: how far the sweep is that seals again what retired keys sealed.

use serde::{Deserialize, Serialize};

use crate::{seal::key_ring::KeyId, time::UnixMillis};

/// The progress of the sweep. It goes through all names in KV, again and again, until it meets no record of a retired key.
/// Stored after every page, so that an interruption costs one page.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct ResealProgress {
    /// The key that everything is to be sealed with.
    pub active_key: KeyId,
    /// Whether a whole pass met no record of a retired key: only then may the retired keys leave `SEALING_KEYS`.
    pub complete: bool,
    /// How many records this pass has looked at.
    pub scanned: u32,
    /// How many of them a retired key had sealed, and were sealed again.
    pub resealed: u32,
    /// How many of them a retired key had sealed, and could not be sealed again. The next pass tries again.
    pub failed: u32,
    /// Where the pass goes on; `None` at its start.
    pub cursor: Option<String>,
    /// When the sweep last did something.
    pub updated_at: UnixMillis,
}

/// What a page of names came to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ResealPage {
    /// How many records it had.
    pub scanned: u32,
    /// How many were sealed again.
    pub resealed: u32,
    /// How many should have been and were not.
    pub failed: u32,
    /// Where the next page starts; `None` after the last.
    pub cursor: Option<String>,
}

impl ResealProgress {
    /// What there is to do: `None` if everything is known to be sealed with `active_key`.
    #[must_use]
    pub fn due(stored: Option<Self>, active_key: &KeyId, now: UnixMillis) -> Option<Self> {
        match stored {
            Some(rotation) if rotation.active_key == *active_key => (!rotation.complete).then(|| rotation.continued()),
            _ => Some(Self::pass(active_key.clone(), now)),
        }
    }

    fn pass(active_key: KeyId, now: UnixMillis) -> Self {
        Self {
            active_key,
            complete: false,
            scanned: 0,
            resealed: 0,
            failed: 0,
            cursor: None,
            updated_at: now,
        }
    }

    /// A pass that starts over, because the place where it was is lost.
    #[must_use]
    pub fn restarted(self, now: UnixMillis) -> Self {
        Self::pass(self.active_key, now)
    }

    /// A pass that ended without being the last is followed by a new one, which counts again.
    fn continued(self) -> Self {
        if self.cursor.is_some() {
            self
        } else {
            Self::pass(self.active_key, self.updated_at)
        }
    }

    /// The progress after a page.
    #[must_use]
    pub fn after(&self, page: ResealPage, now: UnixMillis) -> Self {
        let resealed = self.resealed.saturating_add(page.resealed);
        let failed = self.failed.saturating_add(page.failed);
        Self {
            active_key: self.active_key.clone(),
            complete: page.cursor.is_none() && resealed == 0 && failed == 0,
            scanned: self.scanned.saturating_add(page.scanned),
            resealed,
            failed,
            cursor: page.cursor,
            updated_at: now,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: UnixMillis = UnixMillis::new(1_000);

    fn key(id: &str) -> KeyId {
        KeyId::parse(id).unwrap()
    }

    #[test]
    fn a_pass_that_starts_over_counts_again() {
        let begun = ResealProgress::pass(key("k2"), NOW).after(page(3, 1, Some("there")), NOW);
        assert_eq!(begun.restarted(NOW), ResealProgress::pass(key("k2"), NOW));
    }

    fn page(resealed: u32, failed: u32, cursor: Option<&str>) -> ResealPage {
        ResealPage {
            scanned: 10,
            resealed,
            failed,
            cursor: cursor.map(str::to_owned),
        }
    }

    #[test]
    fn a_new_active_key_starts_a_pass() {
        let first = ResealProgress::due(None, &key("a"), NOW).unwrap();
        let done = first.after(page(0, 0, None), NOW);
        assert!(done.complete);
        assert_eq!(ResealProgress::due(Some(done.clone()), &key("a"), NOW), None);
        let next = ResealProgress::due(Some(done), &key("b"), NOW).unwrap();
        assert_eq!((next.active_key, next.complete, next.scanned), (key("b"), false, 0));
    }

    #[test]
    fn an_interrupted_pass_goes_on_where_it_was() {
        let half = ResealProgress::due(None, &key("a"), NOW)
            .unwrap()
            .after(page(3, 1, Some("c1")), NOW);
        let resumed = ResealProgress::due(Some(half.clone()), &key("a"), NOW).unwrap();
        assert_eq!(resumed, half);
        assert_eq!((resumed.scanned, resumed.resealed, resumed.failed), (10, 3, 1));
    }

    #[test]
    fn only_a_pass_that_finds_nothing_is_the_last() {
        let start = ResealProgress::due(None, &key("a"), NOW).unwrap();
        for (resealed, failed) in [(1, 0), (0, 1), (2, 2)] {
            let end = start.after(page(resealed, failed, None), NOW);
            assert!(!end.complete);
            let again = ResealProgress::due(Some(end), &key("a"), NOW).unwrap();
            assert_eq!(
                (again.scanned, again.resealed, again.failed, again.cursor),
                (0, 0, 0, None)
            );
        }
        let half = start.after(page(1, 0, Some("c1")), NOW);
        assert!(
            !half.after(page(0, 0, None), NOW).complete,
            "the first page had a retired key"
        );
    }
}

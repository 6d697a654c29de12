//! What has been issued, in a file: a demo that is started again still knows its owners.

use std::path::{Path, PathBuf};

use crate::{host, store::Store};

/// The file that holds a [`Store`] from one start to the next.
#[derive(Debug)]
pub(crate) struct StateFile {
    path: PathBuf,
    /// What it holds, so that only changes are written.
    saved: String,
}

impl StateFile {
    /// Opens the file and reads what is in it; one that is not there is begun with the first [`save`](Self::save).
    ///
    /// # Errors
    /// One sentence for the user, when the file cannot be read.
    pub(crate) fn open(path: &Path) -> Result<(Self, Store), String> {
        let remedy = |reason: String| format!("cannot read {}: {reason}; delete it to begin anew", path.display());
        let saved = host::read_file(path).map_err(&remedy)?.unwrap_or_default();
        let store = if saved.is_empty() {
            Store::default()
        } else {
            serde_json::from_str(&saved).map_err(|error| remedy(error.to_string()))?
        };
        let path = path.to_owned();
        Ok((Self { path, saved }, store))
    }

    /// Writes what has changed, in one step: whoever is ended in between leaves the older file.
    ///
    /// # Errors
    /// One sentence for the user, when it cannot be written.
    pub(crate) fn save(&mut self, store: &Store) -> Result<(), String> {
        let failed = |reason: String| format!("cannot write {}: {reason}", self.path.display());
        let text = serde_json::to_string(store).map_err(|error| failed(error.to_string()))?;
        if text == self.saved {
            return Ok(());
        }
        host::replace_file(&self.path, &text).map_err(failed)?;
        self.saved = text;
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use std::{env, fs};

    use super::StateFile;
    use crate::{config::Config, ids, store::Grant};

    #[test]
    fn what_was_issued_is_good_after_a_restart() {
        let path = env::temp_dir().join(format!("smartcar-simulator-{}/state.json", ids::uuid()));
        let config = Config::default();
        let (mut file, mut store) = StateFile::open(&path).unwrap();
        let user_id = store.user_id("owner@example.com");
        let grant = Grant {
            user_id: user_id.clone(),
            vehicles: vec![config.vehicles[0].id.clone()],
            scopes: vec!["read_odometer".to_owned()],
            outlives_its_vehicles: false,
        };
        let code = store.issue_code(grant, "http://localhost:8787/", 1_000, &config);
        let pair = store.exchange(&code, "http://localhost:8787/", 2_000, &config).unwrap();
        file.save(&store).unwrap();

        let (_, mut store) = StateFile::open(&path).unwrap();
        assert_eq!(store.user_id("owner@example.com"), user_id);
        assert!(store.authenticate(&pair.access_token, 3_000).is_some());
        assert!(store.refresh(&pair.refresh_token, 3_000, &config).is_some());
        assert!(store.secrets().contains(&code));
        fs::remove_dir_all(path.parent().unwrap()).unwrap();
    }

    #[test]
    fn a_file_that_is_none_of_ours_is_named() {
        let path = env::temp_dir().join(format!("smartcar-simulator-{}.json", ids::uuid()));
        fs::write(&path, "<html>").unwrap();
        let error = StateFile::open(&path).unwrap_err();
        fs::remove_file(&path).unwrap();
        assert!(
            error.starts_with("cannot read ") && error.ends_with("delete it to begin anew"),
            "{error}"
        );
    }
}

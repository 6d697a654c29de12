//! The setting of the move from Smartcar's v2 to its v3.

use super::{
    access::AccessSettings,
    reader::{ONE, Reader},
};
use crate::{api::ApiVersion, http_api::migration::MigrationMode};

/// Reads `SMARTCAR_MIGRATION`. Outside: nothing can be said; inside: nothing is moved.
pub(super) fn migration(reader: &mut Reader<'_>, access: Option<&AccessSettings>) -> Option<Option<MigrationMode>> {
    const NAME: &str = "SMARTCAR_MIGRATION";
    let Some(name) = reader.value(NAME, ONE).ok()? else {
        return Some(None);
    };
    let Some(mode) = MigrationMode::from_name(&name) else {
        reader.wrong(
            NAME,
            "is none of `dry_run`, `move`, `reverse` and `finish`: leave it out if nothing is to be moved",
        );
        return None;
    };
    // What is wrong with these has been said.
    let access = access?;
    if access.new_connections() != ApiVersion::V3 {
        reader.wrong(
            NAME,
            "needs `SMARTCAR_API_VERSION` to be `v3`: what is connected while others move would have to be moved as well",
        );
        return None;
    }
    if access.owner_client().is_none() {
        reader.wrong(
            NAME,
            "needs `SMARTCAR_CLIENT_SECRET`: what is not moved yet, or goes back, is refreshed with it; leave the setting out once \
             v2 is over",
        );
        return None;
    }
    Some(Some(mode))
}

#[cfg(test)]
mod tests {
    use super::super::Config;
    use crate::http_api::migration::MigrationMode;

    const V3: [(&str, &str); 6] = [
        ("SMARTCAR_CLIENT_ID", "8229df9f-91a0-4ff0-a1ae-a1f38ee24d07"),
        ("SMARTCAR_CLIENT_SECRET", "secret"),
        ("SEALING_KEYS", "k1:AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8="),
        ("SMARTCAR_API_VERSION", "v3"),
        ("SMARTCAR_API_CLIENT_ID", "client_1"),
        ("SMARTCAR_API_CLIENT_SECRET", "other"),
    ];

    fn read(changes: &[(&str, &str)]) -> Result<Option<MigrationMode>, String> {
        let config = Config::read(|name| {
            let found = changes.iter().chain(&V3).find(|(key, _)| *key == name);
            found.map(|(_, value)| (*value).to_owned())
        });
        config.map(|config| config.migration).map_err(|error| error.to_string())
    }

    #[test]
    fn nothing_is_moved_unless_that_is_said() {
        assert_eq!(read(&[]).unwrap(), None);
        assert_eq!(read(&[("SMARTCAR_MIGRATION", "")]).unwrap(), None);
        for mode in MigrationMode::ALL {
            assert_eq!(read(&[("SMARTCAR_MIGRATION", mode.as_str())]).unwrap(), Some(*mode));
        }
    }

    #[test]
    fn what_stands_in_its_way_is_said_with_the_remedy() {
        let refused = |more: &[(&str, &str)]| read(more).unwrap_err();
        assert!(refused(&[("SMARTCAR_MIGRATION", "Move")]).starts_with("`SMARTCAR_MIGRATION` is none of `dry_run`"));
        let moving = ("SMARTCAR_MIGRATION", "move");
        let on_v2 = refused(&[moving, ("SMARTCAR_API_VERSION", "v2")]);
        assert!(
            on_v2.starts_with("`SMARTCAR_MIGRATION` needs `SMARTCAR_API_VERSION` to be `v3`"),
            "{on_v2}"
        );
        let alone = refused(&[moving, ("SMARTCAR_CLIENT_SECRET", "")]);
        assert!(
            alone.starts_with("`SMARTCAR_MIGRATION` needs `SMARTCAR_CLIENT_SECRET`"),
            "{alone}"
        );
        let without = refused(&[moving, ("SMARTCAR_API_CLIENT_SECRET", "")]);
        assert!(
            without.starts_with("`SMARTCAR_API_CLIENT_SECRET` is missing"),
            "{without}"
        );
    }
}

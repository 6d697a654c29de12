//! The settings of what is passed on to Smartcar's vehicle API.

use super::reader::{LIST, Reader};
use crate::{api::Sensitive, time::Millis};

/// How requests are passed on.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ApiSettings {
    /// How long Smartcar may take for one answer, to its end.
    pub timeout: Millis,
    /// What is allowed of what is sensitive.
    pub allowed: Vec<Sensitive>,
}

/// Reads `API_TIMEOUT_SECONDS` and `API_ALLOW`.
pub(super) fn api_settings(reader: &mut Reader<'_>) -> Option<ApiSettings> {
    let timeout = reader.span("API_TIMEOUT_SECONDS", 30, 1..=300).map(Millis::from_secs);
    let allowed = allowed(reader);
    Some(ApiSettings {
        timeout: timeout?,
        allowed: allowed?,
    })
}

fn allowed(reader: &mut Reader<'_>) -> Option<Vec<Sensitive>> {
    const NAME: &str = "API_ALLOW";
    let Some(list) = reader.value(NAME, LIST).ok()? else {
        return Some(Vec::new());
    };
    let allowed: Option<Vec<Sensitive>> = list.split(',').map(|name| Sensitive::from_name(name.trim())).collect();
    if allowed.is_none() {
        let names = Sensitive::ALL.map(Sensitive::name).join("`, `");
        reader.wrong(
            NAME,
            [
                "has an entry that is none of `",
                &names,
                "`: whatever else is passed on needs no entry",
            ]
            .concat(),
        );
    }
    allowed
}

//! The options that `start` and `authorizeUrl` share: what the owner is asked for in Connect.

use super::{
    error::{Error, Result},
    options::Options,
};
use crate::connect::{
    ApplicationId, ApprovalPrompt, AuthorizeUrl, Flag, InvalidParameter, Make, Mode, Scope, SingleSelect, State,
    UserId, Vin,
};

/// Their names.
pub(super) const NAMES: [&str; 8] = [
    "scope",
    "mode",
    "approvalPrompt",
    "make",
    "singleSelect",
    "singleSelectVin",
    "flags",
    "user",
];

/// What the owner is asked for, checked.
#[derive(Debug)]
pub(super) struct Wishes {
    scopes: Vec<Scope>,
    mode: Option<Mode>,
    approval_prompt: Option<ApprovalPrompt>,
    make: Option<Make>,
    single_select: Option<SingleSelect>,
    flags: Vec<Flag>,
    user: Option<UserId>,
}

impl Wishes {
    pub(super) fn read(options: &Options) -> Result<Self> {
        Ok(Self {
            scopes: each(options.strings("scope")?, Scope::parse)?,
            mode: options.choice(
                "mode",
                &[Mode::Live, Mode::Simulated, Mode::Test].map(|mode| (mode.as_str(), mode)),
            )?,
            approval_prompt: options.choice(
                "approvalPrompt",
                &[ApprovalPrompt::Auto, ApprovalPrompt::Force].map(|prompt| (prompt.as_str(), prompt)),
            )?,
            make: options.string("make")?.map(|make| Make::parse(&make)).transpose()?,
            single_select: single_select(options)?,
            flags: each(options.strings("flags")?, Flag::parse)?,
            user: options.string("user")?.map(|user| UserId::parse(&user)).transpose()?,
        })
    }

    pub(super) fn into_url(self, application_id: ApplicationId, state: &State) -> AuthorizeUrl {
        let mut url = AuthorizeUrl::new(application_id, state)
            .scopes(self.scopes)
            .flags(self.flags);
        if let Some(mode) = self.mode {
            url = url.mode(mode);
        }
        if let Some(approval_prompt) = self.approval_prompt {
            url = url.approval_prompt(approval_prompt);
        }
        if let Some(make) = self.make {
            url = url.make(make);
        }
        if let Some(single_select) = self.single_select {
            url = url.single_select(single_select);
        }
        if let Some(user) = self.user {
            url = url.user(user);
        }
        url
    }
}

fn single_select(options: &Options) -> Result<Option<SingleSelect>> {
    let single = options.boolean("singleSelect")?;
    let vin = options
        .string("singleSelectVin")?
        .map(|vin| Vin::parse(&vin))
        .transpose()?;
    match (single, vin) {
        (Some(false), Some(_)) => Err(Error::option(
            "singleSelectVin",
            "`singleSelectVin` contradicts `singleSelect: false`; leave one of them out".to_owned(),
        )),
        (_, Some(vin)) => Ok(Some(SingleSelect::Vin(vin))),
        (Some(true), None) => Ok(Some(SingleSelect::Yes)),
        (Some(false), None) => Ok(Some(SingleSelect::No)),
        (None, None) => Ok(None),
    }
}

fn each<T>(
    values: Option<Vec<String>>,
    parse: fn(&str) -> core::result::Result<T, InvalidParameter>,
) -> Result<Vec<T>> {
    values
        .unwrap_or_default()
        .iter()
        .map(|value| parse(value).map_err(Error::from))
        .collect()
}

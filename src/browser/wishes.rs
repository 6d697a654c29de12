//! The options that `start` and `authorizeUrl` share: what the owner is asked for in Connect.

use super::{
    error::{Error, Result},
    options::Options,
};
use crate::connect::{
    ApplicationId, ApprovalPrompt, AuthorizeUrl, Flag, Make, Mode, Scope, SingleSelect, State, UserId, Vin,
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

const MODES: [Mode; 3] = [Mode::Live, Mode::Simulated, Mode::Test];
const APPROVAL_PROMPTS: [ApprovalPrompt; 2] = [ApprovalPrompt::Auto, ApprovalPrompt::Force];

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
        let mode = options.choice("mode", &MODES.map(Mode::as_str))?;
        let approval_prompt = options.choice("approvalPrompt", &APPROVAL_PROMPTS.map(ApprovalPrompt::as_str))?;
        Ok(Self {
            scopes: options.list("scope", Scope::parse)?,
            mode: mode.and_then(|index| MODES.get(index)).copied(),
            approval_prompt: approval_prompt.and_then(|index| APPROVAL_PROMPTS.get(index)).copied(),
            make: options.parsed("make", Make::parse)?,
            single_select: single_select(options)?,
            flags: options.list("flags", Flag::parse)?,
            user: options.parsed("user", UserId::parse)?,
        })
    }

    /// The URL with these wishes in it.
    pub(super) fn url(&self, application_id: ApplicationId, state: &State) -> AuthorizeUrl {
        let mut url = AuthorizeUrl::new(application_id, state)
            .scopes(self.scopes.clone())
            .flags(self.flags.clone());
        if let Some(mode) = self.mode {
            url = url.mode(mode);
        }
        if let Some(approval_prompt) = self.approval_prompt {
            url = url.approval_prompt(approval_prompt);
        }
        if let Some(make) = &self.make {
            url = url.make(make.clone());
        }
        if let Some(single_select) = &self.single_select {
            url = url.single_select(single_select.clone());
        }
        if let Some(user) = &self.user {
            url = url.user(user.clone());
        }
        url
    }
}

fn single_select(options: &Options) -> Result<Option<SingleSelect>> {
    let single = options.boolean("singleSelect")?;
    match (single, options.parsed("singleSelectVin", Vin::parse)?) {
        (Some(false), Some(_)) => Err(Error::option(
            "singleSelectVin",
            "`singleSelectVin` contradicts `singleSelect: false`; leave one of them out",
        )),
        (_, Some(vin)) => Ok(Some(SingleSelect::Vin(vin))),
        (Some(true), None) => Ok(Some(SingleSelect::Yes)),
        (Some(false), None) => Ok(Some(SingleSelect::No)),
        (None, None) => Ok(None),
    }
}

//! What the owner is asked for in Connect.

use super::{
    id::UserId,
    parameter::{ApprovalPrompt, Flag, Make, Mode, Scope, SingleSelect},
};

/// What the owner is asked for in Connect. The default asks for nothing in particular: what is set in
/// the Smartcar dashboard counts.
#[derive(Clone, Debug, Default)]
pub struct ConnectOptions {
    /// The permissions asked for, in place of those set in the dashboard. None: those of the dashboard.
    pub scopes: Vec<Scope>,
    /// Whether an owner who has already consented is asked again.
    pub approval_prompt: Option<ApprovalPrompt>,
    /// Which vehicles can be connected.
    pub mode: Option<Mode>,
    /// The make, which spares the owner the choice of it. [`SingleSelect::Vin`] wins over it.
    pub make: Option<Make>,
    /// Whether the owner chooses one vehicle or several.
    pub single_select: Option<SingleSelect>,
    /// Flags that Smartcar has enabled for the application.
    pub flags: Vec<Flag>,
    /// Your id for the owner in Connect's analytics. The external id has taken its place.
    pub user: Option<UserId>,
}

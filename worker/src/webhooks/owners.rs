//! Whose an event is: the vaults that KV's look-ups lead to are told, and say whether it is about a car of theirs.

use std::collections::BTreeSet;

use smartcar_connect::{
    edge::{Operation, VaultReply, VaultRequest},
    principal::Principal,
    seal::KvName,
    webhook::InboxEvent,
};

use super::Inbox;
use crate::{
    settings,
    vault_client::{self, NoReply},
};

/// How many vaults of one user are told: more than any user has.
const MOST_TOLD: u32 = 20;

/// Tells the vaults. Returns whether all that are known have heard of it, and whose it is.
pub(super) async fn tell(inbox: &Inbox, event: &InboxEvent) -> (bool, Vec<Principal>) {
    let Some(vaults) = vaults(inbox, event).await else {
        worker::console_error!("the vaults of a webhook could not be looked up; it is tried again");
        return (false, Vec::new());
    };
    let (mut all, mut principals) = (true, Vec::new());
    for vault in vaults {
        let request = VaultRequest {
            caller: None,
            operation: Operation::VehicleReported(event.event.report()),
        };
        match vault_client::ask_by_id(&inbox.env, &vault, &request).await {
            Ok(VaultReply::Owner(principal)) => principals.push(principal),
            Ok(VaultReply::Done) => {}
            Err(NoReply::NoVault) => worker::console_error!("a look-up in KV leads to no vault"),
            _ => {
                worker::console_error!("a vault could not be told of a webhook; it is tried again");
                all = false;
            }
        }
    }
    (all, principals)
}

/// The vaults that may keep a connection of the event's owner; `None` if KV does not say.
async fn vaults(inbox: &Inbox, event: &InboxEvent) -> Option<BTreeSet<String>> {
    let ring = &inbox.config.key_ring;
    let store = settings::tokens(&inbox.env).ok()?;
    let mut prefixes = Vec::new();
    if let Some(user_id) = &event.event.user_id {
        prefixes.extend(KvName::user_lookup_prefixes(ring, user_id));
    }
    if let Some(external_id) = &event.event.external_id {
        let names = KvName::external_id_lookup(ring, external_id);
        prefixes.extend(names.iter().map(|name| name.as_str().to_owned()));
    }
    let mut vaults = BTreeSet::new();
    for prefix in prefixes {
        let page = store.list(&prefix, MOST_TOLD, None).await.ok()?;
        vaults.extend(page.names.into_iter().filter_map(|listed| Some(listed.metadata?.vault)));
    }
    Some(vaults)
}

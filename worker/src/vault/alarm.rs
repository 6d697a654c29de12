//! The alarm: takes up whatever is due, and whatever a process that died has left.

use std::rc::Rc;

use smartcar_connect::{
    connect::ConnectionId,
    principal::Principal,
    time::{Millis, UnixMillis},
    vault::{Event, Profile},
};

use super::{
    Fault, Inner,
    store::{self, Batch},
};
use crate::clock;

/// When an alarm that could not do its work is repeated.
const AFTER_FAULT: Millis = Millis::from_mins(1);

impl Inner {
    /// Does all that is due and sets the alarm anew.
    pub(super) async fn ring(self: Rc<Self>) -> worker::Result<()> {
        let rearmed = match self.take_up().await {
            Ok(()) => self.rearm(Millis::ZERO).await,
            Err(fault) => {
                fault.log();
                self.rearm(AFTER_FAULT).await
            }
        };
        let Err(fault) = rearmed else { return Ok(()) };
        fault.log();
        let pause = match fault {
            Fault::Sealed(_) | Fault::Misconfigured(_) => store::SEALED_TRIED_AFTER,
            _ => AFTER_FAULT,
        };
        self.rearm_after(pause).await.map_err(|fault| {
            fault.log();
            worker::Error::from("the alarm could not be set")
        })
    }

    /// Does all that is due. The first fault is reported when everything has had its turn.
    async fn take_up(self: &Rc<Self>) -> Result<(), Fault> {
        let Some(profile) = self.profile().await? else {
            // Nothing can be opened or looked after without its owner.
            return self.delete_everything().await;
        };
        let now = clock::now();
        let wakes = self.wakes().await?;
        let due = |key: &str| wakes.get(key).is_some_and(|at| *at <= now);
        if profile.closing || due(store::PROFILE) {
            return self.delete_principal(profile).await;
        }
        self.sweep_pending(&wakes, now).await?;
        let mut result = Ok(());
        for id in wakes.keys().filter(|key| due(key)).filter_map(|key| connection_of(key)) {
            result = result.and(self.wake(&profile, &id).await);
        }
        if due(store::INDEX) {
            result = result.and(self.write_index(&profile.principal).await);
        }
        result.and(self.delete_if_empty(&profile.principal).await)
    }

    /// A vault in which nothing was ever connected, or nothing is any more, is not kept.
    async fn delete_if_empty(&self, principal: &Principal) -> Result<(), Fault> {
        let _turn = self.turn.lock().await;
        let has_pending = !self.list(store::PENDING).await?.is_empty();
        let has_grant = !self.list(store::GRANT).await?.is_empty();
        let owes_index = self
            .index_record(principal)
            .await?
            .is_some_and(|index| index.publish_at.is_some());
        if has_pending || has_grant || owes_index {
            Ok(())
        } else {
            self.delete_everything().await
        }
    }

    async fn sweep_pending(
        &self,
        wakes: &std::collections::HashMap<String, UnixMillis>,
        now: UnixMillis,
    ) -> Result<(), Fault> {
        let mut batch = Batch::default();
        for (key, at) in wakes {
            if *at <= now && key.starts_with(store::PENDING) {
                batch.delete(key.clone());
            }
        }
        self.commit(batch).await
    }

    async fn wake(self: &Rc<Self>, profile: &Profile, id: &ConnectionId) -> Result<(), Fault> {
        // Whatever is under way does what is due.
        let under_way = self.flights.borrow().get(id).cloned();
        let flight = under_way.unwrap_or_else(|| self.fly(&profile.principal, id, Event::Woken));
        let outcome = flight.await;
        // One that does not open must not ring again at once; one that opens again is looked after as it says.
        self.note_wake(&profile.principal, id).await?;
        outcome.map(|_| ())
    }
}

fn connection_of(key: &str) -> Option<ConnectionId> {
    ConnectionId::parse(key.strip_prefix(store::GRANT)?).ok()
}

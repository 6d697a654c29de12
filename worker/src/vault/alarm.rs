//! The alarm: takes up whatever is due, and whatever a process that died has left.

use std::rc::Rc;

use smartcar_connect::{
    time::{Millis, UnixMillis},
    vault::{ConnectionId, Event, Profile},
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
    pub(super) async fn ring(self: Rc<Self>) {
        let done = match self.take_up().await {
            Ok(()) => self.rearm().await,
            Err(fault) => Err(fault),
        };
        if let Err(fault) = done {
            fault.log();
            let again = i64::try_from(AFTER_FAULT.as_millis()).unwrap_or(i64::MAX);
            if self.state.storage().set_alarm(again).await.is_err() {
                worker::console_error!("the alarm could not be set; the next request to the vault sets it");
            }
        }
    }

    async fn take_up(self: &Rc<Self>) -> Result<(), Fault> {
        let Some(profile) = self.profile().await? else {
            return Ok(());
        };
        let now = clock::now();
        let wakes = self.wakes().await?;
        let due = |key: &str| wakes.get(key).is_some_and(|at| *at <= now);
        if profile.closing || due(store::PROFILE) {
            return self.delete_principal(profile).await;
        }
        self.sweep_pending(&wakes, now).await?;
        for id in wakes.keys().filter(|key| due(key)).filter_map(|key| connection_of(key)) {
            if let Err(fault) = self.wake(&profile, &id).await {
                fault.log();
            }
        }
        if due(store::INDEX) {
            self.write_index(&profile.principal).await?;
        }
        Ok(())
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
        flight.await?;
        Ok(())
    }
}

fn connection_of(key: &str) -> Option<ConnectionId> {
    ConnectionId::parse(key.strip_prefix(store::GRANT)?).ok()
}

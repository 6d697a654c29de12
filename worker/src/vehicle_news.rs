//! Telling the vault, after the answer, what an answer of Smartcar's says of a vehicle.

use std::{cell::RefCell, rc::Rc};

use smartcar_connect::{
    api::{ApiError, ApiTarget, BatchPart, Finding},
    connect::{ConnectionId, Origin, VehicleId},
    edge::{Caller, ConnectionAccess, DescribedVehicle, Operation, VehicleNews},
    vault::{Description, ShownVehicles},
};
use worker::{Context, Env};

use crate::{clock, context::RequestContext, vault_client};

thread_local! {
    /// What this isolate knows.
    static NEWS: RefCell<VehicleNews> = const { RefCell::new(VehicleNews::new()) };
}

/// Takes note of what a vault shows.
pub(crate) fn hear(shown: &ShownVehicles) {
    NEWS.with_borrow_mut(|news| {
        for shown in &shown.vehicles {
            news.heard(&shown.connection_id, &shown.vehicle.id, &shown.vehicle.marks);
        }
    });
}

/// Takes note that a vehicle is marked, for a reason that is not known here.
pub(crate) fn hear_of_mark(connection: &ConnectionId, vehicle: &VehicleId) {
    NEWS.with_borrow_mut(|news| news.heard_of_mark(connection, vehicle, clock::now()));
}

/// By what a request to Smartcar was made.
pub(crate) enum Through {
    /// By a connection of v2: the token is its owner's.
    Owner(ConnectionId),
    /// By a connection of v3: the token is the application's.
    Application(Box<ConnectionAccess>),
}

/// A request to Smartcar for a vehicle of a connection's, which was answered. What follows may be told after the caller has the answer.
pub(crate) struct Answered {
    env: Env,
    platform: Rc<Context>,
    connect: Origin,
    caller: Caller,
    through: Through,
    target: ApiTarget,
}

impl Answered {
    pub(crate) fn new(context: &RequestContext<'_>, caller: &Caller, through: Through, target: &ApiTarget) -> Self {
        Self {
            env: context.env.clone(),
            platform: Rc::clone(context.platform),
            connect: context.config.origins.connect.clone(),
            caller: caller.clone(),
            through,
            target: target.clone(),
        }
    }

    /// Smartcar's v2 answered with success.
    pub(crate) fn succeeded(&self) {
        if let Through::Owner(id) = &self.through {
            let news = NEWS.with_borrow_mut(|news| news.succeeded(id, &self.target, clock::now()));
            self.tell(id, news.into_iter().collect());
        }
    }

    /// Smartcar's v2 answered the paths of a batch with these.
    pub(crate) fn batch(&self, parts: &[BatchPart]) {
        if let Through::Owner(id) = &self.through {
            let news = NEWS.with_borrow_mut(|news| news.batch(id, parts, &self.connect, clock::now()));
            self.tell(id, news);
        }
    }

    /// Smartcar answered with this error.
    pub(crate) fn refused(&self, error: &ApiError) {
        let now = clock::now();
        match &self.through {
            Through::Owner(id) => {
                let news = NEWS.with_borrow_mut(|news| news.refused(id, &self.target, error, &self.connect, now));
                self.tell(id, news.into_iter().collect());
            }
            Through::Application(access) if error.misses_vehicle() => {
                self.tell(&access.connection_id, vec![Description::Missing]);
            }
            Through::Application(_) => self.found(&[Finding::of(&self.target, Some(error.clone()), now)]),
        }
    }

    /// This was found in an answer of Smartcar's v3.
    pub(crate) fn found(&self, findings: &[Finding]) {
        let Through::Application(access) = &self.through else {
            return;
        };
        let reports = access.reports(findings, self.target.vehicle(), &self.connect, clock::now());
        if reports.is_empty() {
            return;
        }
        let (env, caller) = (self.env.clone(), self.caller.clone());
        let operation = Operation::Found {
            connection_id: access.connection_id.clone(),
            vehicle_id: self.target.vehicle().clone(),
            reports,
        };
        // What the vault could not keep is found again: each request learns anew which marks there are.
        self.platform.wait_until(async move {
            let _ = vault_client::ask(&env, &caller, operation).await;
        });
    }

    /// The answer does not wait for it. What the vault could not keep is told again.
    fn tell(&self, connection_id: &ConnectionId, news: Vec<Description>) {
        if news.is_empty() {
            return;
        }
        let described = |description| DescribedVehicle {
            connection_id: connection_id.clone(),
            vehicle_id: self.target.vehicle().clone(),
            description,
        };
        let described: Vec<_> = news.into_iter().map(described).collect();
        let (env, caller) = (self.env.clone(), self.caller.clone());
        self.platform.wait_until(async move {
            let operation = Operation::Described(described.clone());
            if vault_client::ask(&env, &caller, operation).await.is_err() {
                NEWS.with_borrow_mut(|news| {
                    for lost in &described {
                        news.not_told(&lost.connection_id, &lost.vehicle_id, &lost.description);
                    }
                });
            }
        });
    }
}

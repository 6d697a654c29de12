//! Ceilings that the platform counts, where they are bound.

use core::net::Ipv6Addr;

use crate::{edge::problem::Problem, http_api::ProblemCode, principal::Principal, time::Millis};

/// How soon one of too many requests is worth making again.
const AGAIN_AFTER: Millis = Millis::from_secs(5);

/// What all share that come without an address, by a service binding for one.
const NO_ADDRESS: &str = "no-address";

/// A rate limit binding, which need not be there.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RateLimit {
    /// Connections that are started, by address or caller.
    Start,
    /// Callbacks that are finished, by all callers together.
    Finish,
    /// Requests that may ask Smartcar about vehicles, by caller.
    Api,
}

impl RateLimit {
    /// The name of the binding.
    #[must_use]
    pub const fn binding(self) -> &'static str {
        match self {
            Self::Start => "START_LIMIT",
            Self::Finish => "FINISH_LIMIT",
            Self::Api => "API_LIMIT",
        }
    }

    /// What one request too many is answered with.
    #[must_use]
    pub fn exceeded(self) -> Problem {
        let detail = match self {
            Self::Start => "too many connections are being started from here; try again in some seconds",
            Self::Finish => "too many connections are being finished at once; try again in some seconds",
            Self::Api => "too many requests about vehicles; try again in some seconds",
        };
        Problem::new(ProblemCode::TooManyRequests, detail).with_retry_after(AGAIN_AFTER)
    }
}

/// Who shares one allowance.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RateKey(String);

impl RateKey {
    /// All callers together: sessions are free, so a ceiling by caller would be none.
    #[must_use]
    pub fn everybody() -> Self {
        Self("everybody".to_owned())
    }

    /// One caller.
    #[must_use]
    pub fn caller(principal: &Principal) -> Self {
        Self(["caller ", principal.as_str()].concat())
    }

    /// Whoever comes from this address, the value of `CF-Connecting-IP`, which Cloudflare sets and no client can. Of an address of
    /// IPv6 the first half counts: the other is the visitor's to choose.
    #[must_use]
    pub fn address(connecting_ip: Option<&str>) -> Self {
        let ip = connecting_ip.unwrap_or(NO_ADDRESS);
        let network = match ip.parse::<Ipv6Addr>() {
            Ok(address) if address.to_ipv4_mapped().is_none() => {
                let [a, b, c, d, ..] = address.segments();
                Ipv6Addr::new(a, b, c, d, 0, 0, 0, 0).to_string()
            }
            _ => ip.to_owned(),
        };
        Self(["address ", &network].concat())
    }

    /// The key that the platform counts under.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_counts_as_far_as_its_owner_has_not_chosen_it() {
        for (ip, key) in [
            (Some("203.0.113.7"), "address 203.0.113.7"),
            (Some("2001:db8:1:2:3:4:5:6"), "address 2001:db8:1:2::"),
            (Some("2001:db8:1:2:ffff::1"), "address 2001:db8:1:2::"),
            (Some("::ffff:203.0.113.7"), "address ::ffff:203.0.113.7"),
            (None, "address no-address"),
        ] {
            assert_eq!(RateKey::address(ip).as_str(), key);
        }
    }

    #[test]
    fn no_address_is_a_caller_and_no_caller_is_everybody() {
        let principal = Principal::parse("user:everybody").unwrap();
        let keys = [
            RateKey::everybody(),
            RateKey::caller(&principal),
            RateKey::address(Some("everybody")),
        ];
        assert_ne!(keys[0], keys[1]);
        assert_ne!(keys[0], keys[2]);
        assert_ne!(keys[1], keys[2]);
    }

    #[test]
    fn whoever_is_refused_is_told_when_to_come_again() {
        for limit in [RateLimit::Start, RateLimit::Finish, RateLimit::Api] {
            let problem = limit.exceeded();
            assert_eq!((problem.status(), problem.retry_after), (429, Some(AGAIN_AFTER)));
            assert!(limit.binding().ends_with("_LIMIT"));
        }
    }
}

//! Headers that requests to the Worker need.

/// A header that every request that changes something must have. A form can't send it, and a script of another origin must
/// ask by a preflight first.
pub const REQUESTED_WITH: &str = "X-Requested-With";

/// The value of [`REQUESTED_WITH`].
pub const REQUESTED_WITH_VALUE: &str = "smartcar-connect";

/// The header that names the user of the app for whom its back end calls, beside a service key.
#[cfg(feature = "edge")]
pub const USER: &str = "Smartcar-Connect-User";

/// The header that says what a body is.
pub const CONTENT_TYPE: &str = "Content-Type";

/// The [`CONTENT_TYPE`] of every body.
pub const JSON: &str = "application/json";

/// The content type of a [problem](super::problem).
pub const PROBLEM_JSON: &str = "application/problem+json";

/// The headers that a page of another origin may send: ours, Smartcar's, and those with which a page's own monitoring follows a request.
/// The latter are not read, but a browser that may not send them sends nothing.
#[cfg(feature = "edge")]
pub const ALLOWED: &str = "content-type, x-requested-with, sc-unit-system, traceparent, tracestate, baggage, sentry-trace, b3, x-b3-traceid, \
                           x-b3-spanid, x-b3-parentspanid, x-b3-sampled, x-b3-flags, x-datadog-trace-id, \
                           x-datadog-parent-id, x-datadog-origin, x-datadog-sampling-priority, x-datadog-tags, newrelic, \
                           elastic-apm-traceparent, uber-trace-id, x-amzn-trace-id, request-id, request-context";

/// The headers of an answer that a page of another origin may read.
#[cfg(feature = "edge")]
pub const EXPOSED: &str = "retry-after, x-request-id, sc-request-id, sc-data-age, sc-fetched-at, sc-unit-system";

/// Smartcar's signature of a webhook.
#[cfg(feature = "edge")]
pub const SC_SIGNATURE: &str = "SC-Signature";

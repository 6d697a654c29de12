//! JSON of others, read in the two ways that there are: what Smartcar answers leniently, since one odd member must not hide the
//! good ones beside it; what callers send [strictly](strict), since they can mend it.

pub(crate) mod lenient;
mod members;
pub mod strict;
pub(crate) mod time;

#[cfg(test)]
pub(crate) mod odd;

pub use members::Members;

//! Why Smartcar wants an owner back: one rule for all that hear of it, be it an answer to a request, to another one that was
//! passed on, or a webhook. A mark says so of a vehicle; it never costs a token.
//!
//! What ends a mark is what disproves it, and no more than that. That the car's maker answered shows that the owner's log-in
//! there is good, whatever was asked for; it shows nothing of a permission for something else. That a request succeeded shows
//! that the permission is there that it takes, and that what was said of the log-in for the same request is over.

mod evidence;
mod marks;

pub(super) use evidence::DESCRIBES;
pub use evidence::{Complaint, MarkCause, Success};
pub use marks::{Mark, Marks, Mended, Report, ShownBy};

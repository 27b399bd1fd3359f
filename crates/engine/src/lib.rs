//! Observes clouds and carries out plans. All waiting and retrying of the program is here.
//!
//! The journal is written before every call that changes anything and after it. Whatever stops
//! a run, the next one looks at the cloud and at the journal and goes on.
#![warn(missing_docs)]

mod apply;
mod calls;
mod excused;
mod forget;
mod journal;
mod listings;
mod lock;
mod observe;
mod pace;
mod queue;
mod remove;
mod saved;
mod secrets;
mod settle;
mod state_file;
mod stop;
mod targets;
mod work;

pub use apply::{Outcome, Skip};
pub use calls::{Engine, first_call, look_until};
pub use journal::{Header, Journal, MemoryStore, STATE_FORMAT, Store, new_lineage};
pub use lock::{Holder, Lock, Locked};
pub use observe::Adoptions;
pub use pace::Pace;
pub use saved::{Mismatch, SAVED_PLAN_FORMAT, SavedPlan, UnusablePlan};
pub use secrets::LocalSecrets;
pub use state_file::{FileStore, Loaded, StateFileError, load, parse};
pub use stop::Stop;

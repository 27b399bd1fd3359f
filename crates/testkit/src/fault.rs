//! What may go wrong in the world.

/// What goes wrong, once.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum FaultKind {
    /// The process ends before the effect.
    CrashBefore,
    /// The process ends after the effect.
    CrashAfter,
    /// The process ends after the effect, and for as long as [`crate::LAG`] reads show the world from
    /// before it, also to the next process.
    CrashUnseen,
    /// The call takes hold and its reply is lost.
    ReplyLost,
    /// The call is refused for good.
    Refused,
    /// The call is refused for now.
    Throttled,
    /// The call is refused because the credentials have expired, and so is every later one.
    Expired,
    /// The journal cannot be written, from this entry on.
    DiskFull,
    /// From the effect on, reads show the world from before it, for as long as [`crate::LAG`].
    Stale,
}

impl FaultKind {
    /// Every fault after which the engine makes up for what happened by itself or by the next run.
    pub const ALL: [Self; 7] = [
        Self::CrashBefore,
        Self::CrashAfter,
        Self::CrashUnseen,
        Self::ReplyLost,
        Self::Refused,
        Self::Throttled,
        Self::Stale,
    ];

    /// Tells whether the process lives on.
    pub fn is_survived(self) -> bool {
        !matches!(self, Self::CrashBefore | Self::CrashAfter | Self::CrashUnseen)
    }
}

/// A fault at one effect, counted from one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Fault {
    /// Which effect.
    pub at: usize,
    /// What happens there.
    pub kind: FaultKind,
}

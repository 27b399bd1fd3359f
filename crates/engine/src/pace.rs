//! How fast the engine's clock runs, and how long it waits between tries.
use std::time::Duration;

/// How much faster than the cloud's clock the engine waits. Real clouds run at one.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Pace(f64);

impl Pace {
    /// The clock of a real cloud.
    pub const REAL: Self = Self(1.0);

    /// Makes a pace `scale` times as fast as a real cloud; at least as fast, and finite.
    pub fn scaled(scale: f64) -> Self {
        Self(if scale.is_finite() { scale.max(1.0) } else { 1.0 })
    }

    /// Returns how long a span of the cloud's clock is on ours.
    pub fn of(self, span: Duration) -> Duration {
        span.div_f64(self.0)
    }

    /// Returns how long to put up with something on our clock: never less than `least`, since
    /// this machine is as slow as ever, however fast a simulated cloud is.
    pub(crate) fn patience(self, span: Duration, least: Duration) -> Duration {
        self.of(span).max(least.min(span))
    }
}

/// Returns how long to wait before looking again for what has been missing for a part of its
/// grace; all three on one clock.
///
/// As long as it has been missing, and `turn` more, which doubles each wait, up to the end of the
/// grace. Early looks show soon what a stale read hid or what the cloud makes again by itself, such
/// as a log group; later ones seldom show anything, and each is a call.
pub(crate) fn until_next_look(turn: Duration, missing: Duration, grace: Duration) -> Duration {
    (missing + turn).min(grace.saturating_sub(missing))
}

/// How long to wait before trying again: longer each time, never twice the same.
#[derive(Debug)]
pub(crate) struct Backoff {
    span: Duration,
    least: Duration,
}

impl Backoff {
    const FIRST: Duration = Duration::from_secs(1);
    const MOST: Duration = Duration::from_secs(20);

    pub(crate) fn new() -> Self {
        Self { span: Self::FIRST, least: Self::FIRST / 10 }
    }

    /// Returns the next wait on our clock: between half and all of a doubling span of the cloud's.
    ///
    /// `overdue` tells that the cloud's clock is up, and only [`Pace::patience`] goes on. From then
    /// on no wait is shorter than a growing part of a second, however fast the cloud is.
    pub(crate) fn next(&mut self, pace: Pace, overdue: bool) -> Duration {
        let wait = pace.of(self.span.mul_f64(0.5 + 0.5 * fastrand::f64()));
        self.span = (self.span * 2).min(Self::MOST);
        if !overdue {
            return wait;
        }
        let least = self.least;
        self.least = (least * 2).min(Self::FIRST);
        wait.max(least)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_backoff_grows_and_stays_bounded() {
        let mut backoff = Backoff::new();
        let waits: Vec<_> = (0..10).map(|_| backoff.next(Pace::REAL, false)).collect();
        assert!(waits[0] <= Duration::from_secs(1) && waits[0] >= Duration::from_millis(500));
        assert!(waits[9] >= Duration::from_secs(10) && waits[9] <= Duration::from_secs(20));
    }

    #[test]
    fn a_refusal_that_never_passes_is_tried_a_bounded_number_of_times() {
        let (mut backoff, fast) = (Backoff::new(), Pace::scaled(1000.0));
        let [deadline, least] = [20 * 60, 30].map(Duration::from_secs);
        let (mut spent, mut tries) = (Duration::ZERO, 0);
        while spent < fast.patience(deadline, least) {
            spent += backoff.next(fast, spent > fast.of(deadline));
            tries += 1;
        }
        assert!((30..200).contains(&tries), "{tries} tries");
    }

    #[test]
    fn looks_for_what_is_missing_grow_rare_and_end_with_the_grace() {
        let [turn, grace] = [2, 60].map(Duration::from_secs);
        let (mut missing, mut looks) = (Duration::ZERO, Vec::new());
        while missing < grace {
            missing += until_next_look(turn, missing, grace);
            looks.push(missing.as_secs());
        }
        assert_eq!(looks, [2, 6, 14, 30, 60]);
    }

    #[test]
    fn a_pace_never_slows_down() {
        let second = Duration::from_secs(1);
        assert_eq!(Pace::scaled(0.1).of(second), second);
        assert_eq!(Pace::scaled(f64::NAN).of(second), second);
        assert_eq!(Pace::scaled(10.0).of(second), Duration::from_millis(100));
    }

    #[test]
    fn patience_has_its_least() {
        let [second, minute] = [1, 60].map(Duration::from_secs);
        let fast = Pace::scaled(1000.0);
        assert_eq!(fast.patience(minute, second), second);
        assert_eq!(fast.patience(second, minute), second);
        assert_eq!(Pace::REAL.patience(minute, second), minute);
    }
}

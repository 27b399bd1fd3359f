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

/// How long to wait before trying again: longer each time, never twice the same.
#[derive(Debug)]
pub(crate) struct Backoff(Duration);

impl Backoff {
    const FIRST: Duration = Duration::from_secs(1);
    const MOST: Duration = Duration::from_secs(20);

    pub(crate) fn new() -> Self {
        Self(Self::FIRST)
    }

    /// Returns the next wait, between half and all of a doubling span.
    pub(crate) fn next(&mut self) -> Duration {
        let span = self.0;
        self.0 = (span * 2).min(Self::MOST);
        span.mul_f64(0.5 + 0.5 * fastrand::f64())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_backoff_grows_and_stays_bounded() {
        let mut backoff = Backoff::new();
        let waits: Vec<_> = (0..10).map(|_| backoff.next()).collect();
        assert!(waits[0] <= Duration::from_secs(1) && waits[0] >= Duration::from_millis(500));
        assert!(waits[9] >= Duration::from_secs(10) && waits[9] <= Duration::from_secs(20));
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

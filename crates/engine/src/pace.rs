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

    /// Returns how long a span of our clock is on the cloud's.
    pub fn cloud(self, span: Duration) -> Duration {
        span.mul_f64(self.0)
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

/// Which part of what usually passes goes by between two looks before it may be over.
const EARLY: f64 = 0.25;
/// The parts of what usually passes between which most of what is going on ends.
const DENSE: std::ops::Range<f64> = 0.65..1.4;
/// Which part of the time waited passes until the next look, where most of what goes on ends.
const STEP: f64 = 0.02;
/// The same part after that.
const LATE: f64 = 0.15;
/// The same part where nobody knows how long it usually takes.
const UNKNOWN: f64 = 0.1;

/// Returns how long to wait before looking again at what has been going on for `waited`, and
/// `usually` takes that long in all; all on one clock.
///
/// A look costs a call, and one that comes late costs time: so there are few before it may be over,
/// many around then, and later ones in steps that grow with the time waited.
pub(crate) fn until_it_may_be_over(
    least: Duration,
    usually: Duration,
    waited: Duration,
) -> Duration {
    let [usual, so_far] = [usually, waited].map(|span| span.as_secs_f64());
    let begin = DENSE.start * usual;
    let step = match () {
        () if usual == 0.0 => UNKNOWN * so_far,
        () if so_far < begin => (EARLY * usual).min(begin - so_far),
        () if so_far < DENSE.end * usual => STEP * so_far,
        () => LATE * so_far,
    };
    Duration::from_secs_f64(step).max(least)
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
    /// Which part of the time that something has been refused for passes until it is tried again.
    const PART: u32 = 6;

    pub(crate) fn new() -> Self {
        Self { span: Self::FIRST, least: Self::FIRST / 10 }
    }

    /// Returns the next wait on our clock, where the cloud is busy: between half and all of a
    /// doubling span of its clock.
    ///
    /// `overdue` tells that the cloud's clock is up, and only [`Pace::patience`] goes on. From then
    /// on no wait is shorter than a growing part of a second, however fast the cloud is.
    pub(crate) fn next(&mut self, pace: Pace, overdue: bool) -> Duration {
        let wait = self.wait(self.span, pace, overdue);
        self.span = (self.span * 2).min(Self::MOST);
        wait
    }

    /// Returns the next wait on our clock, where something else must happen first and has been
    /// waited for through `refused` of the cloud's clock. It is no longer than a part of that, since
    /// nobody knows when it happens; see [`Backoff::next`] for `overdue`.
    pub(crate) fn again(&mut self, pace: Pace, refused: Duration, overdue: bool) -> Duration {
        self.wait((refused / Self::PART).max(Self::FIRST), pace, overdue)
    }

    fn wait(&mut self, span: Duration, pace: Pace, overdue: bool) -> Duration {
        let wait = pace.of(span.mul_f64(0.5 + 0.5 * fastrand::f64()));
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

    /// Looks at something until its deadline, and returns when.
    fn looks(least: u64, usually: u64, deadline: u64) -> Vec<f64> {
        let [least, usually, deadline] = [least, usually, deadline].map(Duration::from_secs);
        let (mut waited, mut looks) = (Duration::ZERO, Vec::new());
        while waited < deadline {
            waited += until_it_may_be_over(least, usually, waited);
            looks.push(waited.as_secs_f64());
        }
        looks
    }

    #[test]
    fn looks_are_few_before_the_usual_end_and_dense_around_it() {
        let all = looks(5, 540, 90 * 60);
        let between = |from: f64, to: f64| all.iter().filter(|at| (from..to).contains(*at)).count();
        assert_eq!(all[..4], [135.0, 270.0, 351.0, 358.02]);
        assert_eq!((between(0.0, 351.0), between(351.0, 756.0)), (2, 39));
        assert_eq!(between(756.0, 5400.0), 15);
    }

    #[test]
    fn no_wait_takes_more_than_sixty_looks() {
        for deadline in [20, 30, 60, 90].map(|minutes| minutes * 60) {
            let least = if deadline > 20 * 60 { 5 } else { 2 };
            for usually in 0..1800 {
                let count = looks(least, usually, deadline).len();
                assert!(count <= 60, "{count} looks in {deadline} s at what takes {usually} s");
            }
        }
    }

    #[test]
    fn what_ends_when_it_usually_does_is_seen_within_a_few_hundredths() {
        for usually in [30, 90, 180, 540, 1500] {
            let all = looks(2, usually, 90 * 60);
            for tenths in 7..14 {
                let end = usually as f64 * f64::from(tenths) / 10.0;
                let seen = all.iter().find(|at| **at >= end).unwrap();
                assert!(seen - end <= (0.02 * end).max(2.0), "{end}: {seen}");
            }
        }
    }

    #[test]
    fn what_ends_at_another_time_is_seen_within_a_part_of_what_is_usual_or_of_what_it_took() {
        for usually in [30, 90, 180, 540, 1500] {
            let all = looks(2, usually, 90 * 60);
            for tenths in (1..7).chain(14..30) {
                let end = usually as f64 * f64::from(tenths) / 10.0;
                let seen = all.iter().find(|at| **at >= end).unwrap();
                let most = if tenths < 7 { 0.25 * usually as f64 } else { 0.15 * end };
                assert!(seen - end <= most.max(2.0), "{usually}, {end}: {seen}");
            }
        }
    }

    #[test]
    fn a_refusal_is_tried_again_within_a_part_of_the_time_it_lasted() {
        let (mut backoff, mut refused, mut tries) = (Backoff::new(), Duration::ZERO, 0);
        while refused < Duration::from_secs(20 * 60) {
            let wait = backoff.again(Pace::REAL, refused, false);
            assert!(wait <= (refused / 6).max(Duration::from_secs(1)), "{refused:?}: {wait:?}");
            refused += wait;
            tries += 1;
        }
        assert!((40..=60).contains(&tries), "{tries} tries");
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

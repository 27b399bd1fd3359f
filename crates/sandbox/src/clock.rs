//! Simulated time: so many times faster than real time, or moved on by requests alone.
use serde::{Deserialize, Serialize};
use std::fmt;
use std::str::FromStr;
use std::time::{Duration, Instant};

/// Milliseconds since 1970, in simulated time.
pub(crate) type Time = u64;

/// How far each request moves an instant clock at least: what lags is seen after a few.
const STEP: Time = 2_000;

/// How slow and how fast time may pass: where numbers mean anything at all.
const SLOWEST: f64 = 0.01;
const FASTEST: f64 = 1_000_000.0;

/// How long a reply takes in reality that takes its time on an instant clock, in milliseconds.
const MOMENT: u64 = 200;

/// How far off something may be for an instant clock to jump to it. What is days away, such as the
/// end of a key, comes in its own time.
const HORIZON: Time = 30 * 60_000;

/// How fast simulated time passes.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Speed {
    /// So many times as fast as real time.
    Times(f64),
    /// Only requests move it, each to what is due next.
    Instant,
}

impl Speed {
    /// Returns how long a simulated time lasts in reality, in milliseconds. Nobody knows when
    /// requests alone move time.
    pub(crate) fn real(self, time: Time) -> Option<u64> {
        match self {
            Self::Times(times) => Some((time as f64 / times) as u64),
            Self::Instant => None,
        }
    }
}

impl FromStr for Speed {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        match text.parse() {
            _ if text == "instant" => Ok(Self::Instant),
            Ok(times) if (SLOWEST..=FASTEST).contains(&times) => Ok(Self::Times(times)),
            _ => Err(format!(
                "{text:?} is neither a number from {SLOWEST} to {FASTEST} nor \"instant\""
            )),
        }
    }
}

impl fmt::Display for Speed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Times(times) => write!(f, "{times}"),
            Self::Instant => f.write_str("instant"),
        }
    }
}

/// A speed as JSON: a number, or `"instant"`.
#[derive(Deserialize, Serialize)]
#[serde(untagged)]
pub(crate) enum SpeedWord {
    Times(f64),
    Word(String),
}

impl TryFrom<SpeedWord> for Speed {
    type Error = String;

    fn try_from(word: SpeedWord) -> Result<Self, Self::Error> {
        match word {
            SpeedWord::Times(times) => times.to_string().parse(),
            SpeedWord::Word(word) => word.parse(),
        }
    }
}

/// A clock that starts where the world stopped.
#[derive(Debug)]
pub(crate) struct Clock {
    speed: Speed,
    /// What it showed at an instant; it is counted from there, so that nothing is lost by rounding.
    from: Time,
    since: Instant,
}

impl Clock {
    pub(crate) fn starting(speed: Speed, from: Time) -> Self {
        Self { speed, from, since: Instant::now() }
    }

    /// Returns the time of the next request. It is never before `least`; `due` is when something
    /// happens next.
    pub(crate) fn tick(&mut self, least: Time, due: Option<Time>) -> Time {
        match self.speed {
            Speed::Instant => {
                let next = self.from.max(least).saturating_add(STEP);
                let due = due.filter(|due| *due < next.saturating_add(HORIZON));
                self.from = next.max(due.unwrap_or(next));
                self.from
            }
            Speed::Times(times) => self.passed(times, self.since.elapsed(), least),
        }
    }

    /// Returns the time after so much real time, and goes on from `least` where that is later:
    /// another process was further.
    fn passed(&mut self, times: f64, real: Duration, least: Time) -> Time {
        let now = self.shown(times, real);
        if now < least {
            (self.from, self.since) = (least, Instant::now());
        }
        now.max(least)
    }

    /// Returns the time, without moving it.
    pub(crate) fn now(&self) -> Time {
        match self.speed {
            Speed::Instant => self.from,
            Speed::Times(times) => self.shown(times, self.since.elapsed()),
        }
    }

    fn shown(&self, times: f64, real: Duration) -> Time {
        self.from.saturating_add((real.as_secs_f64() * 1000.0 * times) as Time)
    }

    /// Returns how fast time passes.
    pub(crate) fn speed(&self) -> Speed {
        self.speed
    }

    /// Goes on from another time, at the same speed.
    pub(crate) fn start(&mut self, from: Time) {
        *self = Self::starting(self.speed, from);
    }

    /// Goes on at another speed.
    pub(crate) fn set(&mut self, speed: Speed) {
        (self.from, self.since) = (self.tick(0, None), Instant::now());
        self.speed = speed;
    }

    /// Lets simulated time pass, and returns how long that takes in reality, in milliseconds. An
    /// instant clock is moved on by it.
    pub(crate) fn pass(&mut self, time: Time) -> u64 {
        self.speed.real(time).unwrap_or_else(|| {
            self.from = self.from.saturating_add(time);
            MOMENT
        })
    }
}

/// Writes a time as the clouds' XML does.
pub(crate) fn iso(time: Time) -> String {
    let at = jiff::Timestamp::from_millisecond(time as i64).unwrap_or_default();
    at.strftime("%Y-%m-%dT%H:%M:%S.000Z").to_string()
}

/// Writes a time as HTTP does, to the second.
pub(crate) fn http_date(time: Time) -> String {
    let at = jiff::Timestamp::from_millisecond(time as i64).unwrap_or_default();
    at.strftime("%a, %d %b %Y %H:%M:%S GMT").to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn requests_move_an_instant_clock() {
        let mut clock = Clock::starting(Speed::Instant, 1_000);
        assert_eq!(clock.tick(0, None), 1_000 + STEP);
        assert_eq!(clock.tick(100_000, None), 100_000 + STEP, "another process was further");
        assert_eq!(clock.tick(0, Some(600_000)), 600_000, "it jumps to what is due");
        assert_eq!(clock.tick(0, Some(1_000)), 600_000 + STEP);
        assert_eq!(clock.tick(0, Some(1 << 40)), 600_000 + 2 * STEP, "and not too far");
        assert_eq!(clock.pass(20_000), MOMENT);
        assert_eq!(clock.tick(0, None), 620_000 + 3 * STEP, "what takes time moves it");
        assert_eq!(clock.now(), 620_000 + 3 * STEP, "and looking at it does not");
    }

    #[test]
    fn a_slow_clock_goes_however_often_it_is_asked() {
        let mut clock = Clock::starting(Speed::Times(0.01), 1_000);
        let mut after = |ms: u64| clock.passed(0.01, Duration::from_millis(ms), 0);
        let last = (0..=1_000).map(&mut after).last();
        assert_eq!(last, Some(1_010));
        assert_eq!(clock.passed(0.01, Duration::from_secs(1), 5_000), 5_000);
        assert_eq!(clock.passed(0.01, Duration::from_secs(1), 0), 5_010, "it goes on from there");
        assert_eq!(clock.passed(FASTEST, Duration::MAX, 0), Time::MAX);
    }

    #[test]
    fn speeds_are_numbers_or_a_word() {
        assert_eq!("600".parse(), Ok(Speed::Times(600.0)));
        assert_eq!("instant".parse(), Ok(Speed::Instant));
        assert_eq!("0.01".parse(), Ok(Speed::Times(0.01)));
        for wrong in ["0", "0.009", "1000001", "1e300", "-1", "NaN", "inf", "fast", ""] {
            assert!(wrong.parse::<Speed>().is_err(), "{wrong}");
        }
        assert_eq!(iso(0), "1970-01-01T00:00:00.000Z");
        assert_eq!(http_date(784_111_777_999), "Sun, 06 Nov 1994 08:49:37 GMT");
    }
}

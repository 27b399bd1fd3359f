//! Simulated time: so many times faster than real time, or moved on by requests alone.
use serde::{Deserialize, Serialize};
use std::fmt;
use std::str::FromStr;
use std::time::Instant;

/// Milliseconds since 1970, in simulated time.
pub(crate) type Time = u64;

/// How far each request moves an instant clock at least: what lags is seen after a few.
const STEP: Time = 5_000;

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
            Ok(times) if times > 0.0 && f64::is_finite(times) => Ok(Self::Times(times)),
            _ => Err(format!("{text:?} is neither a number above 0 nor \"instant\"")),
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
                let next = self.from.max(least) + STEP;
                let due = due.filter(|due| *due < next + HORIZON);
                self.from = next.max(due.unwrap_or(next));
            }
            Speed::Times(times) => {
                let passed = (self.since.elapsed().as_secs_f64() * 1000.0 * times) as Time;
                let now = (self.from + passed).max(least);
                (self.from, self.since) = (now, Instant::now());
            }
        }
        self.from
    }

    /// Returns how fast time passes.
    pub(crate) fn speed(&self) -> Speed {
        self.speed
    }

    /// Goes on at another speed.
    pub(crate) fn set(&mut self, speed: Speed) {
        self.tick(0, None);
        self.speed = speed;
    }

    /// Returns how long a simulated time lasts in reality, in milliseconds.
    pub(crate) fn real(&self, time: Time) -> u64 {
        self.speed.real(time).unwrap_or_default()
    }
}

/// Writes a time as the clouds' XML does.
pub(crate) fn iso(time: Time) -> String {
    let at = jiff::Timestamp::from_millisecond(time as i64).unwrap_or_default();
    at.strftime("%Y-%m-%dT%H:%M:%S.000Z").to_string()
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
        assert_eq!(clock.real(1_000), 0);
    }

    #[test]
    fn speeds_are_numbers_or_a_word() {
        assert_eq!("600".parse(), Ok(Speed::Times(600.0)));
        assert_eq!("instant".parse(), Ok(Speed::Instant));
        for wrong in ["0", "-1", "NaN", "inf", "fast", ""] {
            assert!(wrong.parse::<Speed>().is_err(), "{wrong}");
        }
        assert_eq!(iso(0), "1970-01-01T00:00:00.000Z");
    }
}

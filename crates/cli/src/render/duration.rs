//! How long something took, for people.
use std::time::Duration;

/// Writes a duration as `42s`, `9m12s` or `1h02m`.
pub(super) fn span(duration: Duration) -> String {
    let seconds = duration.as_secs();
    match (seconds / 3600, seconds / 60 % 60, seconds % 60) {
        (0, 0, s) => format!("{s}s"),
        (0, m, s) => format!("{m}m{s:02}s"),
        (h, m, _) => format!("{h}h{m:02}m"),
    }
}

/// Returns the minutes that something is expected to take; `None` when that is not worth a word.
pub(super) fn minutes(expected: Duration) -> Option<u64> {
    let seconds = expected.as_secs();
    (seconds >= 60).then_some((seconds + 30) / 60)
}

/// Writes a time since the beginning as ` 0:42`, `12:34` or `1:02:03`.
pub(super) fn clock(duration: Duration) -> String {
    let seconds = duration.as_secs();
    match (seconds / 3600, seconds / 60 % 60, seconds % 60) {
        (0, m, s) => format!("{m:>2}:{s:02}"),
        (h, m, s) => format!("{h}:{m:02}:{s:02}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations_read_well_at_every_length() {
        let all = |seconds| {
            let duration = Duration::from_secs(seconds);
            format!("{} |{}", span(duration), clock(duration))
        };
        assert_eq!(all(42), "42s | 0:42");
        assert_eq!(all(552), "9m12s | 9:12");
        assert_eq!(all(3723), "1h02m |1:02:03");
        let expected = [0, 59, 60, 89, 90, 720, 4000].map(Duration::from_secs).map(minutes);
        assert_eq!(expected, [None, None, Some(1), Some(1), Some(2), Some(12), Some(67)]);
    }
}

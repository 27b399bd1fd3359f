//! What chance decides in a world: the same in every world of the same seed.
use super::World;
use crate::behaviour::Behaviour;
use crate::clock::Time;

impl World {
    /// Draws a number from 0 to 1; the same ones in the same order for the same seed.
    pub(crate) fn chance(&mut self) -> f64 {
        self.drawn += 1;
        fastrand::Rng::with_seed(mixed(self.seed, self.drawn)).f64()
    }

    /// Draws a number from 0 to 1 for a name and a part of time, in which it is always the same.
    pub(crate) fn lot(&self, name: &str, window: Time) -> f64 {
        let window = self.now.saturating_sub(self.began) / window;
        let name = name.bytes().fold(window, |mixture, byte| mixed(mixture, u64::from(byte)));
        fastrand::Rng::with_seed(mixed(self.seed, name)).f64()
    }

    /// Draws so many hexadecimal digits.
    pub(crate) fn digits(&mut self, count: usize) -> String {
        let digit = |world: &mut Self| char::from_digit((world.chance() * 16.0) as u32, 16);
        (0..count).filter_map(|_| digit(self)).collect()
    }

    /// Draws an id in the form of a UUID.
    pub(crate) fn uuid(&mut self) -> String {
        let parts = [8, 4, 4, 4, 12].map(|count| self.digits(count));
        parts.join("-")
    }

    /// Draws when something that begins now is over: its duration, give or take 30 %, from now.
    pub(crate) fn after(&mut self, behaviour: &Behaviour) -> Time {
        let seconds = behaviour.seconds as f64 * (0.7 + 0.6 * self.chance());
        self.now + (seconds * 1000.0) as Time
    }
}

/// Mixes two numbers as SplitMix64 does: seeds that are near each other would draw numbers that are
/// so too.
fn mixed(seed: u64, drawn: u64) -> u64 {
    let mut mixed = seed.wrapping_add(drawn.wrapping_mul(0x9E37_79B9_7F4A_7C15));
    mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
    mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
    mixed ^ (mixed >> 31)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeSet;

    #[test]
    fn what_takes_time_takes_up_to_30_percent_more_or_less() {
        let hour = Behaviour { service: "a", what: "b", seconds: 3_600, source: "c" };
        let drawn = |seed| {
            let mut world = World::new(seed, 5_000);
            (0..1_000).map(|_| world.after(&hour) - 5_000).collect::<Vec<_>>()
        };
        let one = drawn(1);
        let bounds = 2_520_000..=4_680_000;
        assert!(one.iter().all(|took| bounds.contains(took)), "{one:?}");
        let [short, long] = [one.iter().min(), one.iter().max()];
        assert!(short < Some(&2_600_000) && long > Some(&4_600_000), "{short:?} to {long:?}");
        let mean = one.iter().sum::<Time>() / 1_000;
        assert!((3_500_000..3_700_000).contains(&mean), "{mean}");
        assert_eq!(one, drawn(1));
        assert_ne!(one, drawn(2));
    }

    #[test]
    fn what_is_drawn_has_no_pattern() {
        let mut world = World::new(1, 0);
        let ids: BTreeSet<_> = (0..2_000).map(|_| world.digits(16)).collect();
        assert_eq!(ids.len(), 2_000);
        let joined: String = ids.into_iter().collect();
        let parts: BTreeSet<_> = (0..10_000).map(|at| &joined[at..at + 8]).collect();
        assert!(parts.len() > 9_990, "{} of 10000", parts.len());
    }
}

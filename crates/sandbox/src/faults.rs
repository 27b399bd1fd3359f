//! What goes wrong on request: faults by operation and count.
use crate::server::Request;
use serde::{Deserialize, Serialize};

/// A fault that was asked for.
#[derive(Clone, Debug, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Fault {
    /// The operation that it befalls, or `*` for every one.
    pub(crate) operation: String,
    /// The first call that it befalls, counted from when it was asked for.
    #[serde(default = "one")]
    nth: u32,
    /// How many calls it befalls: one unless told, and every one where chance decides.
    count: Option<u32>,
    /// A text in the path or the body of each call that it befalls.
    about: Option<String>,
    /// How likely it is to befall a call, from 0 to 1; always when not told.
    chance: Option<f64>,
    pub(crate) effect: Effect,
}

fn one() -> u32 {
    1
}

/// What a fault does.
#[derive(Clone, Copy, Debug, Deserialize, Eq, PartialEq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum Effect {
    /// Too many requests; nothing happened.
    Throttle,
    /// An internal error; nothing happened.
    ErrorBefore,
    /// An internal error; it happened all the same.
    ErrorAfter,
    /// It happened, and the connection ends without a reply.
    CutAfter,
    /// Nothing happened, and no reply comes.
    Hang,
    /// It happened, and no reply comes.
    HangAfter,
    /// It happened, and the reply takes its time.
    Slow,
    /// The caller may not do that.
    Denied,
    /// The caller's credentials have expired.
    Expired,
    /// The cloud has no room for it.
    Capacity,
    /// The account may have no more of it.
    Quota,
    /// A read sees the world as it was a while ago.
    Stale,
}

/// The faults that may still befall a call.
#[derive(Debug, Default)]
pub(crate) struct Faults(Vec<Pending>);

#[derive(Debug)]
struct Pending {
    fault: Fault,
    met: u32,
    done: u32,
}

impl Faults {
    /// Puts other faults in the place of those that are left.
    pub(crate) fn set(&mut self, faults: Vec<Fault>) {
        self.0 = faults.into_iter().map(|fault| Pending { fault, met: 0, done: 0 }).collect();
    }

    /// Returns the faults that have befallen no call yet.
    pub(crate) fn left(&self) -> Vec<&Fault> {
        let left = self.0.iter().filter(|pending| pending.done == 0);
        left.map(|pending| &pending.fault).collect()
    }

    /// Returns how many calls they have befallen.
    pub(crate) fn befallen(&self) -> u32 {
        self.0.iter().map(|pending| pending.done).sum()
    }

    /// Returns what befalls a call; nothing that would mean nothing to it. `chance` draws a number
    /// from 0 to 1.
    pub(crate) fn befall(
        &mut self,
        operation: &str,
        request: &Request,
        means: impl Fn(Effect) -> bool,
        mut chance: impl FnMut() -> f64,
    ) -> Option<Effect> {
        let mut found = None;
        for pending in self.0.iter_mut() {
            let Fault { operation: of, nth, count, about, chance: odds, effect } = &pending.fault;
            let is_about = about.as_ref().is_none_or(|text| request.says(text));
            if of != "*" && of != operation || !is_about || !means(*effect) {
                continue;
            }
            pending.met += 1;
            let limit = count.unwrap_or(if odds.is_some() { u32::MAX } else { 1 });
            let due = pending.met >= *nth && pending.done < limit;
            if found.is_none() && due && odds.is_none_or(|odds| chance() < odds) {
                pending.done += 1;
                found = Some(*effect);
            }
        }
        found
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn faults(json: &str) -> Faults {
        let mut faults = Faults::default();
        faults.set(serde_json::from_str(json).unwrap());
        faults
    }

    #[test]
    fn a_fault_befalls_the_calls_it_was_meant_for() {
        let mut faults = faults(
            r#"[{"operation":"A","nth":2,"count":2,"effect":"throttle"},{"operation":"*","effect":"slow"}]"#,
        );
        assert_eq!(faults.left().len(), 2);
        let request = Request::default();
        let mut meet = |operation| faults.befall(operation, &request, |_| true, || 0.0);
        assert_eq!(meet("B"), Some(Effect::Slow));
        assert_eq!(meet("A"), None);
        assert_eq!(meet("B"), None);
        assert_eq!(meet("A"), Some(Effect::Throttle));
        assert_eq!(meet("A"), Some(Effect::Throttle));
        assert_eq!(meet("A"), None);
        assert!(faults.left().is_empty());
    }

    #[test]
    fn chance_decides_every_time() {
        let mut faults = faults(r#"[{"operation":"*","chance":0.05,"effect":"cut-after"}]"#);
        let mut draws = [0.5, 0.01, 0.04, 0.06].into_iter();
        let request = Request::default();
        let mut meet =
            || faults.befall("A", &request, |_| true, || draws.next().unwrap()).is_some();
        assert_eq!([meet(), meet(), meet(), meet()], [false, true, true, false]);
    }

    #[test]
    fn a_fault_waits_for_a_call_that_it_is_about_and_means_something_to() {
        let mut faults = faults(r#"[{"operation":"A","about":"pool-b","effect":"capacity"}]"#);
        let mut meet = |body: &str, means: bool| {
            let request = Request { body: body.into(), ..Request::default() };
            faults.befall("A", &request, |_| means, || 0.0).is_some()
        };
        let met = [meet("pool-a", true), meet("pool-b", false), meet("of pool-b", true)];
        assert_eq!(met, [false, false, true]);
    }

    #[test]
    fn an_unknown_effect_is_refused() {
        let wrong = r#"[{"operation":"A","effect":"explode"}]"#;
        assert!(serde_json::from_str::<Vec<Fault>>(wrong).is_err());
    }
}

//! How long a plan takes when everything takes as long as usual.
use super::{Action, Plan, Step};
use crate::driver::{Drivers, Meta};
use std::time::Duration;

impl Plan {
    /// Returns how long carrying it out usually takes on the cloud's clock: the longest way through
    /// each stage, where nothing waits for anything but the steps before it.
    pub fn expected(&self, drivers: &Drivers) -> Duration {
        let mut all = Duration::ZERO;
        let mut begin = 0;
        while let Some(first) = self.steps.get(begin) {
            let stage = self.steps[begin..].iter().take_while(|step| step.stage == first.stage);
            let end = begin + stage.count();
            all += of_stage(&self.steps[begin..end], begin, drivers);
            begin = end;
        }
        all
    }
}

/// Returns how long the steps of one stage take, the first of which is at `begin` in the plan.
fn of_stage(steps: &[Step], begin: usize, drivers: &Drivers) -> Duration {
    let meta = |step: &Step| drivers.get(step.kind.as_str()).map(|driver| driver.meta());
    let metas: Vec<_> = steps.iter().map(meta).collect();
    let (mut waits, mut waiters) = (vec![0; steps.len()], vec![Vec::new(); steps.len()]);
    for (i, step) in steps.iter().enumerate() {
        let before = step.after.iter().filter_map(|before| before.checked_sub(begin));
        for before in before.filter(|before| *before < steps.len()) {
            waits[i] += 1;
            waiters[before].push(i);
        }
    }
    let mut free: Vec<_> = (0..steps.len()).filter(|&i| waits[i] == 0).collect();
    let (mut begun, mut last) = (vec![Duration::ZERO; steps.len()], Duration::ZERO);
    while let Some(i) = free.pop() {
        let span = metas[i].map_or(Span::default(), |meta| Span::of(&meta, &steps[i]));
        last = last.max(begun[i] + span.end);
        for &next in &waiters[i] {
            let is_let_go = metas[i].zip(metas[next]).is_some_and(|(meta, next_meta)| {
                meta.lets_go(steps[i].action, &next_meta, steps[next].action)
            });
            let from = begun[i] + if is_let_go { span.let_go } else { span.end };
            begun[next] = begun[next].max(from);
            waits[next] -= 1;
            free.extend((waits[next] == 0).then_some(next));
        }
    }
    last
}

/// How long after its beginning a step usually lets go of what may begin then, and ends.
#[derive(Clone, Copy, Default)]
struct Span {
    let_go: Duration,
    end: Duration,
}

impl Span {
    fn of(meta: &Meta, step: &Step) -> Self {
        let timing = meta.timing;
        let (let_go, end) = match step.action {
            Action::Create => (Duration::ZERO, timing.making),
            Action::Update => {
                let change = timing.of_change(&step.changes);
                (change, change)
            }
            Action::Adopt => (Duration::ZERO, Duration::ZERO),
            Action::Delete => {
                (timing.leaving, timing.leaving + timing.until_surely_gone(Duration::MAX))
            }
        };
        Self { let_go, end }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::plan::Cause;
    use crate::{
        At, Change, Diff, Driver, LiveValue, Operation, Progress, Result, StartedValue, Timing,
    };
    use futures::future::BoxFuture;
    use serde_json::Value;

    /// A kind of which nothing but its meta is asked.
    struct Timed(Meta);

    impl Driver for Timed {
        fn meta(&self) -> Meta {
            self.0
        }
        fn list<'a>(&'a self, _: At<'a>) -> BoxFuture<'a, Result<Option<Vec<LiveValue>>>> {
            unreachable!("nothing is called")
        }
        fn read<'a>(
            &'a self,
            _: At<'a>,
            _: &'a Value,
            _: Option<&'a Value>,
        ) -> BoxFuture<'a, Result<Option<LiveValue>>> {
            unreachable!("nothing is called")
        }
        fn create<'a>(&'a self, _: At<'a>, _: &'a Value) -> BoxFuture<'a, Result<StartedValue>> {
            unreachable!("nothing is called")
        }
        fn update<'a>(
            &'a self,
            _: At<'a>,
            _: &'a Value,
            _: LiveValue,
            _: &'a Diff,
        ) -> BoxFuture<'a, Result<StartedValue>> {
            unreachable!("nothing is called")
        }
        fn delete<'a>(&'a self, _: At<'a>, _: LiveValue) -> BoxFuture<'a, Result<StartedValue>> {
            unreachable!("nothing is called")
        }
        fn poll<'a>(&'a self, _: At<'a>, _: &'a Operation) -> BoxFuture<'a, Result<Progress>> {
            unreachable!("nothing is called")
        }
    }

    fn drivers() -> Drivers {
        let kind = |kind, timing, guarded, early| {
            let (rules, identity) = (&[][..], crate::Identity::Name);
            let (precious, yields, dispensable) = (false, false, false);
            let meta = Meta {
                kind,
                rules,
                identity,
                precious,
                timing,
                guarded,
                early,
                yields,
                dispensable,
            };
            (kind, Box::new(Timed(meta)) as Box<dyn Driver>)
        };
        let timing = Timing::new(2, 1200, 40);
        [
            kind("cluster", timing.making(500).changing(300).leaving(200), true, false),
            kind("slow", timing.changing(60).changing_slowly(SLOW), false, false),
            kind("addon", timing.making(60), false, true),
            kind("pool", timing.making(100).leaving(100), false, false),
        ]
        .into()
    }

    const SLOW: &[(&str, u64)] = &[("version", 700), ("key", 900)];

    fn expected(steps: &[(usize, Action, &str, &[usize])]) -> u64 {
        expected_of(steps, &Diff::default())
    }

    /// The same, where every step changes that.
    fn expected_of(steps: &[(usize, Action, &str, &[usize])], changes: &Diff) -> u64 {
        let step = |(stage, action, kind, after): &(usize, Action, &str, &[usize])| Step {
            stage: *stage,
            action: *action,
            address: (*kind).into(),
            kind: (*kind).to_owned(),
            object: None,
            cause: Cause::File,
            changes: changes.clone(),
            slot: None,
            lane: None,
            after: after.iter().copied().collect(),
        };
        let plan = Plan { steps: steps.iter().map(step).collect(), ..Plan::default() };
        plan.expected(&drivers()).as_secs()
    }

    #[test]
    fn the_slowest_field_of_a_change_counts() {
        let of = |fields: &[&str]| {
            let change = |field: &&str| {
                let (from, to) = (Value::Null, Value::Null);
                Change { field: (*field).to_owned(), from, to }
            };
            let changes = Diff(fields.iter().map(change).collect());
            expected_of(
                &[(0, Action::Update, "slow", &[]), (1, Action::Update, "slow", &[])],
                &changes,
            )
        };
        assert_eq!(
            [of(&["tags"]), of(&["version", "tags"]), of(&["version", "key"])],
            [120, 1400, 1800]
        );
    }

    #[test]
    fn the_longest_way_counts_and_steps_beside_it_do_not() {
        use Action::{Adopt, Create, Delete, Update};
        assert_eq!(expected(&[]), 0);
        assert_eq!(expected(&[(0, Create, "unheard of", &[]), (0, Adopt, "cluster", &[])]), 0);
        assert_eq!(expected(&[(0, Create, "cluster", &[]), (0, Create, "pool", &[0])]), 600);
        assert_eq!(expected(&[(0, Create, "cluster", &[]), (0, Create, "pool", &[])]), 500);
        let early = [(0, Create, "addon", &[][..]), (0, Create, "pool", &[0])];
        assert_eq!(expected(&early), 100, "an add-on lets the pool go at once");
        assert_eq!(expected(&[(0, Update, "addon", &[]), (0, Update, "cluster", &[0])]), 300);
        let stages = [(0, Update, "cluster", &[][..]), (1, Update, "cluster", &[])];
        assert_eq!(expected(&stages), 600);
        let order = [(0, Delete, "cluster", &[1][..]), (0, Delete, "pool", &[])];
        assert_eq!(expected(&order), 310, "the cluster is guarded, and surely gone 10 s later");
        let order = [(0, Delete, "pool", &[1][..]), (0, Delete, "cluster", &[])];
        assert_eq!(expected(&order), 320, "a pool is not");
    }
}

//! Which steps of a stage may begin: each as soon as all that it waits for has ended or let it go.
use crate::apply::{Outcome, Skip, Verdict};
use provision_core::{Action, Address, Step};
use std::collections::{HashMap, VecDeque};
use tokio::sync::watch;

/// What let a step go before its own end, and how that end is going to be: well or not.
pub(crate) type Ahead = Vec<(Address, watch::Receiver<Option<bool>>)>;

/// Which steps of a stage may begin. Every operation is a look-up.
pub(crate) struct Queue {
    /// The place of the first step in the plan.
    begin: usize,
    /// How many steps each one still waits for.
    waits: Vec<usize>,
    /// Who waits for each one.
    waiters: Vec<Vec<usize>>,
    ready: VecDeque<usize>,
    lanes: HashMap<String, LaneQueue>,
    begun: Vec<bool>,
    /// The step whose end keeps each one from beginning.
    blocked_by: Vec<Option<(usize, bool)>>,
    /// Whom each step under way has let go, and how they hear of its end.
    let_go: HashMap<usize, (Vec<usize>, watch::Sender<Option<bool>>)>,
}

#[derive(Default)]
struct LaneQueue {
    shared: usize,
    exclusive: bool,
    waiting: VecDeque<usize>,
}

impl Queue {
    pub(crate) fn new(steps: &[Step], begin: usize) -> Self {
        let mut waiters = vec![Vec::new(); steps.len()];
        for (i, step) in steps.iter().enumerate() {
            step.after.iter().for_each(|before| waiters[before - begin].push(i));
        }
        let waits: Vec<_> = steps.iter().map(|step| step.after.len()).collect();
        let ready = (0..steps.len()).filter(|&i| waits[i] == 0).collect();
        let (begun, blocked_by) = (vec![false; steps.len()], vec![None; steps.len()]);
        let (lanes, let_go) = (HashMap::new(), HashMap::new());
        Self { begin, waits, waiters, ready, lanes, begun, blocked_by, let_go }
    }

    /// Leaves out a step, whose object an earlier stage could not make, and all that wait for it.
    pub(crate) fn leave_out(&mut self, i: usize) {
        self.block(i, i, false);
    }

    /// Returns a step that may begin now.
    pub(crate) fn next(&mut self, steps: &[Step], stopping: bool) -> Option<usize> {
        while let Some(i) = self.ready.pop_front().filter(|_| !stopping) {
            if self.blocked_by[i].is_some() {
                continue;
            }
            if let Some(lane) = &steps[i].lane {
                let queue = self.lanes.entry(lane.name.clone()).or_default();
                if queue.exclusive || (lane.exclusive && queue.shared > 0) {
                    queue.waiting.push_back(i);
                    continue;
                }
                match lane.exclusive {
                    true => queue.exclusive = true,
                    false => queue.shared += 1,
                }
            }
            self.begun[i] = true;
            return Some(i);
        }
        None
    }

    /// Lets those go that wait for a step under way and `may` begin before its end.
    pub(crate) fn release(&mut self, i: usize, may: impl Fn(usize) -> bool) {
        let waiters = std::mem::take(&mut self.waiters[i]).into_iter();
        let (early, others): (Vec<_>, Vec<_>) = waiters.partition(|&next| may(next));
        self.waiters[i] = others;
        early.iter().for_each(|&next| self.no_longer_waits(next));
        if !early.is_empty() {
            self.let_go.insert(i, (early, watch::Sender::new(None)));
        }
    }

    /// Returns what let a step go and has not ended yet.
    pub(crate) fn ahead(&self, steps: &[Step], i: usize) -> Ahead {
        let before = steps[i].after.iter().map(|before| before - self.begin);
        let early = before.filter_map(|before| {
            let (early, end) = self.let_go.get(&before)?;
            early.contains(&i).then(|| (steps[before].address.clone(), end.subscribe()))
        });
        early.collect()
    }

    pub(crate) fn end(&mut self, steps: &[Step], i: usize, verdict: &Verdict) {
        if let Some(lane) = &steps[i].lane
            && let Some(queue) = self.lanes.get_mut(&lane.name)
        {
            match lane.exclusive {
                true => queue.exclusive = false,
                false => queue.shared -= 1,
            }
            self.ready.extend(queue.waiting.drain(..));
        }
        if let Some((early, end)) = self.let_go.remove(&i) {
            let is_done = !matches!(verdict, Verdict::NotDone);
            end.send_replace(Some(is_done));
            let idle = early.into_iter().filter(|&next| !is_done && !self.begun[next]);
            idle.collect::<Vec<_>>().into_iter().for_each(|next| self.block(next, i, false));
        }
        for next in std::mem::take(&mut self.waiters[i]) {
            let gives_way = steps[next].action == Action::Delete
                && steps[next].slot.is_some()
                && steps[next].slot == steps[i].slot;
            match verdict {
                Verdict::NotDone => self.block(next, i, false),
                Verdict::NotReady if gives_way => self.block(next, i, true),
                Verdict::NotReady | Verdict::Done => self.no_longer_waits(next),
            }
        }
    }

    /// Notes that there is one thing less that a step waits for.
    fn no_longer_waits(&mut self, step: usize) {
        self.waits[step] -= 1;
        if self.waits[step] == 0 {
            self.ready.push_back(step);
        }
    }

    /// Keeps a step, and all that wait for it, from beginning.
    fn block(&mut self, step: usize, by: usize, not_ready: bool) {
        let mut blocked = vec![(step, by, not_ready)];
        while let Some((step, by, not_ready)) = blocked.pop() {
            if self.blocked_by[step].is_none() {
                self.blocked_by[step] = Some((by, not_ready));
                blocked.extend(self.waiters[step].iter().map(|&next| (next, step, false)));
            }
        }
    }

    /// Returns the steps that never began, each with the reason.
    pub(crate) fn left(&self, steps: &[Step], outcome: &Outcome) -> Vec<(usize, Skip)> {
        let idle = (0..steps.len()).filter(|&i| !self.begun[i]);
        let why = |i: usize| match self.blocked_by[i] {
            Some((by, true)) => Skip::Kept(steps[by].address.clone()),
            Some((by, false)) if by == i => Skip::Stage(steps[i].address.clone()),
            Some((by, false)) => Skip::Needs(steps[by].address.clone()),
            None if outcome.fatal.is_some() => Skip::Ended,
            None if outcome.interrupted => Skip::Interrupted,
            None => Skip::Stuck,
        };
        idle.map(|i| (i, why(i))).collect()
    }
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;
    use provision_core::{Cause, Diff, Lane};
    use std::collections::BTreeSet;

    pub(crate) fn step(address: &str, exclusive: bool) -> Step {
        Step {
            stage: 0,
            action: Action::Create,
            address: address.into(),
            kind: "k".into(),
            object: None,
            cause: Cause::File,
            changes: Diff::default(),
            slot: None,
            lane: Some(Lane { name: "cluster".into(), exclusive }),
            after: Default::default(),
        }
    }

    #[test]
    fn an_exclusive_lane_has_one_step_at_a_time_and_a_shared_one_has_many() {
        let steps = [step("a", true), step("b", true), step("c", false), step("d", false)];
        let mut queue = Queue::new(&steps, 0);
        assert_eq!(queue.next(&steps, false), Some(0));
        assert_eq!(queue.next(&steps, false), None, "the lane is taken");
        queue.end(&steps, 0, &Verdict::Done);
        assert_eq!(queue.next(&steps, false), Some(1));
        assert_eq!(queue.next(&steps, false), None);
        queue.end(&steps, 1, &Verdict::NotDone);
        assert_eq!([queue.next(&steps, false), queue.next(&steps, false)], [Some(2), Some(3)]);
        assert_eq!(queue.next(&steps, true), None);
    }

    /// Makes a step that waits for others and keeps to no lane.
    fn waiting(address: &str, after: &[usize]) -> Step {
        let after: BTreeSet<usize> = after.iter().copied().collect();
        Step { lane: None, after, ..step(address, false) }
    }

    #[test]
    fn a_step_lets_those_go_that_may_begin_and_tells_them_how_it_ended() {
        let steps = [waiting("a", &[]), waiting("b", &[0]), waiting("c", &[0])];
        for (verdict, ended) in [(Verdict::Done, true), (Verdict::NotDone, false)] {
            let mut queue = Queue::new(&steps, 0);
            assert_eq!([queue.next(&steps, false), queue.next(&steps, false)], [Some(0), None]);
            queue.release(0, |next| next == 1);
            assert_eq!([queue.next(&steps, false), queue.next(&steps, false)], [Some(1), None]);
            let ahead = queue.ahead(&steps, 1);
            assert_eq!((ahead[0].0.as_str(), *ahead[0].1.borrow()), ("a", None));
            queue.end(&steps, 0, &verdict);
            assert_eq!(*ahead[0].1.borrow(), Some(ended));
            assert_eq!(queue.next(&steps, false), ended.then_some(2));
        }
    }

    #[test]
    fn what_was_let_go_and_has_not_begun_is_kept_by_what_ended_badly() {
        let steps = [waiting("a", &[]), waiting("b", &[]), waiting("c", &[0, 1])];
        let mut queue = Queue::new(&steps, 0);
        assert_eq!([queue.next(&steps, false), queue.next(&steps, false)], [Some(0), Some(1)]);
        queue.release(0, |_| true);
        assert_eq!(queue.next(&steps, false), None, "it waits for another one");
        queue.end(&steps, 0, &Verdict::NotDone);
        queue.end(&steps, 1, &Verdict::Done);
        assert_eq!(queue.next(&steps, false), None);
        let left = queue.left(&steps, &Outcome::default());
        assert_eq!(left, [(2, Skip::Needs("a".into()))]);
    }
}

//! Carries out what was decided: asks, records, applies, and says how it went.
use crate::args::Global;
use crate::decision::Decision;
use crate::failure::{Code, Exit, Failure, WRITABLE, advice};
use crate::render::progress::{Finish, Mode, Reporter};
use crate::render::{Style, spinner};
use crate::run::{Consent, Subject};
use crate::{output, providers, shell};
use provision_core::{Address, Error, Event, Facts, LiveValue, Stage};
use provision_engine::{Engine, FileStore, Journal, Outcome};
use provision_spec::{Loss, Volumes};
use std::collections::{BTreeMap, BTreeSet};
use std::convert::Infallible;
use std::io::{self, BufRead, IsTerminal};
use std::path::Path;

/// Tells whether somebody must be asked. Where nobody can be, approval must have been given.
pub(crate) fn needs_approval(
    global: &Global,
    approved: bool,
    command: &str,
) -> Result<bool, Failure> {
    if approved {
        return Ok(false);
    }
    if io::stdin().is_terminal() && io::stdout().is_terminal() && !global.json {
        return Ok(true);
    }
    let error = format!("{command} asks before it changes anything, and nobody is there to ask");
    Err(Failure::new(Code::UsageApproval, error).hint(match command {
        "apply" => "add `--auto-approve`, or apply a saved plan",
        _ => "add `--auto-approve`",
    }))
}

/// Asks, and fails unless the answer is the one that approves.
pub(crate) async fn approve(global: &Global, question: &str, answer: &str) -> Result<(), Failure> {
    output::stdout(&format!("\n{question} "));
    let (tell, told) = tokio::sync::oneshot::channel();
    // A thread of its own: whoever asks to stop is not kept by a question that nobody answers.
    std::thread::spawn(move || {
        let mut line = String::new();
        let read = io::stdin().lock().read_line(&mut line);
        drop(tell.send(read.map(|_| line)));
    });
    let nothing = |why: &str| Failure::new(Code::NotApproved, why);
    tokio::select! {
        () = global.stop.asked() => {
            output::stdout("\n");
            Err(nothing("interrupted; nothing was changed"))
        }
        line = told => match line {
            Ok(Ok(line)) if line.trim() == answer => Ok(()),
            Ok(Ok(_)) => {
                Err(nothing(&format!("the answer was not `{answer}`; nothing was changed")))
            }
            Ok(Err(error)) => Err(nothing("the answer cannot be read").because(&error)),
            Err(error) => Err(nothing("the answer cannot be read").because(&error)),
        },
    }
}

/// Opens the journal of a state, and begins it if there is none yet.
pub(crate) fn begin(subject: &Subject) -> Result<Journal, Failure> {
    let path = &subject.state_path;
    let journal = match &subject.loaded {
        Some(loaded) => FileStore::open(path, loaded.torn)
            .map(|store| Journal::resume(Box::new(store), loaded.clone())),
        None => FileStore::begin(path)
            .and_then(|store| Journal::begin(Box::new(store), subject.header.clone())),
    };
    journal.map_err(|e| {
        let error = format!("state file {} cannot be written", path.display());
        Failure::new(Code::StateUnwritable, error).because(&e).hint(WRITABLE)
    })
}

/// A decision that is about to be carried out.
pub(crate) struct CarryOut<'a> {
    pub(crate) global: &'a Global,
    pub(crate) subject: &'a Subject,
    /// The cluster file; `None` when a state is destroyed without one.
    pub(crate) file: Option<&'a Path>,
    /// Whether approval was given on the command line.
    pub(crate) approved: bool,
    pub(crate) destroys: bool,
    /// What may be taken over or replaced.
    pub(crate) consent: &'a Consent,
    /// Whether what can be seen only later may be decided then, and done without a word of anybody.
    pub(crate) goes_on: bool,
}

impl CarryOut<'_> {
    /// Carries a decision out. `shows` when the plan has not been shown yet.
    pub(crate) async fn run(&self, decision: &Decision, shows: bool) -> Result<Exit, Failure> {
        let style = Style::of_stdout(self.global.no_color);
        let reporter = Reporter::new(Mode::of(self.global), style, self.subject.time());
        decision.shown(self.subject, &self.subject.state(), |view| match shows {
            true => reporter.planned(view),
            false => reporter.expect(view),
        });
        let journal = begin(self.subject)?;
        let tell = |event: Event| reporter.event(&event);
        let engine = self.subject.engine(self.global).telling(&tell);
        if !self.destroys {
            engine.record_facts(&journal, &decision.facts).await?;
        }
        let (graphs, observed) = (&decision.graphs, &decision.observed);
        let applying = engine.apply(&journal, graphs, observed, &decision.plan);
        let outcome = tokio::select! {
            outcome = applying => outcome,
            never = self.announce_stop(&reporter) => match never {},
        };
        let (outcome, unseen) = self.go_on(decision, &reporter, &engine, &journal, outcome).await;
        let looks = async {
            match (self.destroys, outcome.is_complete()) {
                (true, true) => self.sweep(&engine, &journal).await,
                (true, false) => Ok(self.untold(&engine, &outcome).await),
                (false, _) => Ok(Vec::new()),
            }
        };
        let left = spinner::during(self.global, "looking for what is left", looks).await;
        self.compact(&journal, &outcome);
        let (known, unknown) = match left {
            Ok(left) => (left, None),
            Err(error) => (Vec::new(), Some(error)),
        };
        let along = decision.along(&self.subject.state());
        let is_gone = |address: &&Address| journal.with(|state| state.get(address).is_none());
        let along = along.iter().filter(is_gone).count();
        let stays = match outcome.is_complete() && unknown.is_none() && known.is_empty() {
            true => decision.stays(self.subject),
            false => Vec::new(),
        };
        self.finish(&reporter, &journal, (&outcome, along), (&known, &stays), decision);
        match (unknown, exit(&outcome, &known)?, unseen) {
            (Some(error), ..) => Err(error.into()),
            (None, Exit::Done | Exit::Degraded, Some(failure)) => Err(failure),
            // People have read it all by now; a script is told as of any other command.
            (None, Exit::Failed, _) if self.global.json => Err(failed(&outcome, &known)),
            (None, exit, _) => Ok(exit),
        }
    }

    /// Goes on with what could not be observed before the way to it was made, and says why not where
    /// it does not.
    async fn go_on(
        &self,
        decision: &Decision,
        reporter: &Reporter,
        engine: &Engine<'_>,
        journal: &Journal,
        outcome: Outcome,
    ) -> (Outcome, Option<Failure>) {
        let Some(unseen) = decision.check_known().err() else { return (outcome, None) };
        if !self.goes_on || !outcome.is_complete() {
            return (outcome, Some(unseen));
        }
        let (state, adopt) = (journal.with(Clone::clone), &self.consent.adopt);
        let more = match self.subject.decide_again(self.global, decision, adopt, &state).await {
            Ok(Some(more)) => more,
            Ok(None) => return (outcome, Some(unseen)),
            Err(failure) => return (outcome, Some(failure)),
        };
        if let Err(failure) = more.check_protected(self.subject) {
            return (outcome, Some(failure));
        }
        if !more.plan.is_empty() {
            more.shown(self.subject, &state, |view| reporter.planned(view));
        }
        let applying = engine.apply(journal, &more.graphs, &more.observed, &more.plan);
        let mut then = tokio::select! {
            outcome = applying => outcome,
            never = self.announce_stop(reporter) => match never {},
        };
        for (action, count) in outcome.done {
            *then.done.entry(action).or_default() += count;
        }
        (then, more.check_known().err())
    }

    /// Says that the run is about to stop, once somebody asked.
    async fn announce_stop(&self, reporter: &Reporter) -> Infallible {
        self.global.stop.asked().await;
        reporter.note(
            "stopping: nothing new begins, and calls under way end first; once more leaves at once",
        );
        std::future::pending().await
    }

    /// Looks for anything of ours that is left, and forgets the facts when nothing is.
    async fn sweep(&self, engine: &Engine<'_>, journal: &Journal) -> Result<Vec<LiveValue>, Error> {
        let left = engine.leftovers().await?;
        if left.is_empty() {
            engine.record_facts(journal, &Facts::default()).await?;
        }
        Ok(left)
    }

    /// Looks for what is left of a run that did not end well and that its end does not name.
    async fn untold(&self, engine: &Engine<'_>, outcome: &Outcome) -> Vec<LiveValue> {
        if outcome.interrupted || outcome.fatal.is_some() {
            return Vec::new();
        }
        let failed = outcome.failed.iter().map(|(address, _)| address);
        let told: Vec<_> = failed.chain(outcome.skipped.iter().map(|(a, _)| a)).collect();
        let is_untold = |live: &LiveValue| {
            let is_told = live.address.as_ref().is_some_and(|address| told.contains(&address));
            !is_told || !self.subject.provider.parts(live).is_empty()
        };
        // Why the run did not end well is told in any case.
        let left = engine.leftovers().await.unwrap_or_default();
        left.into_iter().filter(is_untold).collect()
    }

    fn compact(&self, journal: &Journal, outcome: &Outcome) {
        if outcome.is_complete()
            && let Err(error) = journal.compact()
        {
            tracing::warn!("the state file could not be shortened, and is good as it is: {error}");
        }
    }

    fn finish(
        &self,
        reporter: &Reporter,
        journal: &Journal,
        (outcome, along): (&Outcome, usize),
        (left, stays): (&[LiveValue], &[Loss]),
        decision: &Decision,
    ) {
        let outputs = match self.destroys {
            true => BTreeMap::new(),
            false => {
                journal.with(|state| providers::outputs(self.global, self.subject.provider, state))
            }
        };
        let is_begun = |address: &Address| {
            journal.with(|state| state.get(address).is_some_and(|record| !record.is_settled()))
        };
        let is_unmade = |it: &&Address| outcome.put_off.contains(*it) || is_begun(it);
        let unmade = &outcome.degraded.keys().filter(is_unmade).cloned().collect();
        let next = self.next(journal, outcome, left, (&decision.replace, unmade));
        let left: Vec<_> = left.iter().flat_map(|live| self.named(live)).collect();
        reporter.finished(&Finish {
            outcome,
            outputs: &outputs,
            unmade,
            along,
            destroyed: self.destroys,
            left: &left,
            stays,
            next: &next,
            elapsed: self.subject.is_timed().then(|| reporter.elapsed()),
            expected: self.subject.expected(&decision.plan),
            simulated: self.subject.is_simulated(),
        });
    }

    /// Names an object that is left by its address, or everything that it consists of.
    fn named(&self, live: &LiveValue) -> Vec<(String, String)> {
        let address = live.address.as_ref().map(ToString::to_string).unwrap_or_default();
        let mut parts = self.subject.provider.parts(live);
        if parts.is_empty() {
            parts.push(format!("{} {}", live.kind, live.id().unwrap_or_default()));
        }
        parts.into_iter().map(|part| (address.clone(), part)).collect()
    }

    fn next(
        &self,
        journal: &Journal,
        outcome: &Outcome,
        left: &[LiveValue],
        (replace, unmade): (&BTreeSet<Address>, &BTreeSet<Address>),
    ) -> Vec<(String, &'static str)> {
        let command = |name| shell::command(self.global, name, self.file);
        let approved = if self.approved { " --auto-approve" } else { "" };
        let again = |name| {
            let asked = self.asked_still(journal, outcome, replace);
            format!("{}{asked}{approved}", command(name))
        };
        if self.destroys {
            let is_done = outcome.is_complete() && left.is_empty();
            return if is_done { Vec::new() } else { vec![(again("destroy"), "")] };
        }
        if !outcome.is_complete() {
            return vec![(again("apply"), "")];
        }
        let mut next = vec![
            (command("verify"), "# whether it is what the platform needs"),
            (command("show"), "# what was made"),
        ];
        // The simulated cloud within the program ends with it.
        if !self.global.sandbox {
            next.insert(0, (command("kubeconfig"), "# lets kubectl in"));
        }
        if !unmade.is_empty() {
            next.insert(0, (again("apply"), "# tries again to make what is degraded"));
        }
        next
    }

    /// Returns what was asked for on the command line and is not done, as it is asked for again.
    /// What has another generation in its slot needs no word: that is on record.
    fn asked_still(
        &self,
        journal: &Journal,
        outcome: &Outcome,
        replace: &BTreeSet<Address>,
    ) -> String {
        let mut asked = String::new();
        if self.subject.removal == Some(Volumes::Delete) {
            asked.push_str(" --delete-volumes");
        }
        let failed = outcome.failed.iter().map(|(address, _)| address);
        let undone: BTreeSet<_> =
            failed.chain(outcome.skipped.iter().map(|(address, _)| address)).collect();
        for (address, id) in self.consent.adopt.iter().filter(|(it, _)| undone.contains(it)) {
            let id = id.as_ref().map(|id| format!("={id}")).unwrap_or_default();
            asked.push_str(&format!(" --adopt {}", shell::word(&format!("{address}{id}"))));
        }
        // One that is gone, or made again and not ready, is not to be replaced once more.
        let is_old = |address: &&Address| {
            journal.with(|s| s.get(address).is_some_and(|record| record.stage == Stage::Settled))
        };
        for address in replace.iter().filter(|it| undone.contains(it)).filter(is_old) {
            asked.push_str(&format!(" --replace {}", shell::word(address.as_str())));
        }
        asked
    }
}

/// Says what did not end well: the first thing that failed, with the others as its causes.
fn failed(outcome: &Outcome, left: &[LiveValue]) -> Failure {
    let mut all = outcome.failed.iter();
    let mut failure = match all.next() {
        Some((address, error)) => {
            let mut failure = Failure::from(Error::clone(error));
            failure.error = format!("{address}: {}", failure.error);
            failure
        }
        None => Failure::new(Code::Failed, "not everything was done"),
    };
    for (address, error) in all {
        failure.causes.push(format!("{address}: {error}"));
        failure.hints.extend(advice(error).filter(|hint| !failure.hints.contains(hint)));
    }
    let mut told = BTreeSet::new();
    let skipped = outcome.skipped.iter().filter(|(address, _)| told.insert(address));
    failure.causes.extend(skipped.map(|(address, why)| format!("{address}: {why}")));
    let name = |live: &LiveValue| match (&live.address, live.id()) {
        (Some(address), Some(id)) => format!("{address} ({id}): it is left"),
        (Some(address), None) => format!("{address}: it is left"),
        (None, id) => format!("{} {}: it is left", live.kind, id.unwrap_or_default()),
    };
    failure.causes.extend(left.iter().map(name));
    failure.exiting(Exit::Failed)
}

/// Returns the exit code of a run; what stopped it altogether is told as an error as well.
fn exit(outcome: &Outcome, left: &[LiveValue]) -> Result<Exit, Failure> {
    if let Some(fatal) = &outcome.fatal {
        return Err(Error::clone(fatal).into());
    }
    Ok(match () {
        () if outcome.interrupted => Exit::Interrupted,
        () if !outcome.is_complete() || !left.is_empty() => Exit::Failed,
        () if !outcome.degraded.is_empty() => Exit::Degraded,
        () => Exit::Done,
    })
}

//! Pods of the platform's size that run for a moment, and go again however that ends.
use crate::args::Global;
use crate::failure::{Code, Failure};
use crate::output;
use crate::render::spinner;
use jiff::Timestamp;
use provision_core::Error;
use provision_engine::{Pace, Stop, look_until};
use provision_kubernetes::verify::{Ended, Entry, Probe, Snapshot, Wanted};
use std::time::Duration;

/// How long a pod may wait, which is enough for an autoscaler to bring a node.
const PATIENCE: Duration = Duration::from_secs(15 * 60);
/// How long a pod may take to go.
const GOING: Duration = Duration::from_secs(2 * 60);

/// Lets a pod run in each pool, adds how that ended to what was seen, and removes them all.
pub(super) async fn all(
    global: &Global,
    pace: Pace,
    entry: &Entry,
    image: &str,
    wanted: &Wanted,
    seen: &mut Snapshot,
) -> Result<(), Failure> {
    let word = format!("{:x}", Timestamp::now().as_millisecond());
    let probes = Probe::all(wanted, seen, &word, image);
    if !global.quiet && !global.errors_are_json() && !probes.is_empty() {
        let pods = named(&probes.iter().collect::<Vec<_>>());
        output::stderr(&format!("For a moment there are {pods}.\n"));
    }
    let run = run(pace, &global.stop, entry, &probes);
    let run = spinner::during(global, "waiting until they run", run).await;
    let left = spinner::during(global, "removing them", remove(pace, entry, &probes)).await;
    if let Some((_, error)) = left.first() {
        let left: Vec<_> = left.iter().map(|(probe, _)| *probe).collect();
        return Err(remaining(&left, error));
    }
    for (pool, ended) in run? {
        seen.probed(&pool, ended);
    }
    match global.stop.is_asked() {
        true => Err(Failure::new(Code::ProbeStopped, "the probes were stopped")
            .hint("their pods are removed; the same command begins anew")),
        false => Ok(()),
    }
}

/// Makes the pods and waits until each runs, or nobody waits any longer.
async fn run(
    pace: Pace,
    stop: &Stop,
    entry: &Entry,
    probes: &[Probe],
) -> Result<Vec<(String, Ended)>, Error> {
    let (mut ended, mut waiting) = (Vec::new(), Vec::new());
    for probe in probes.iter().take_while(|_| !stop.is_asked()) {
        match probe.make(entry).await? {
            Some(how) => ended.push((probe.pool.clone(), how)),
            None => waiting.push(probe),
        }
    }
    let all_run = look_until(pace, PATIENCE, stop, async || {
        for probe in &waiting {
            if probe.look(entry).await?.is_none() {
                return Ok(None);
            }
        }
        Ok(Some(()))
    });
    all_run.await?;
    for probe in waiting {
        let how = match probe.look(entry).await? {
            Some(how) => how,
            None => probe.waits_for(entry).await?,
        };
        ended.push((probe.pool.clone(), how));
    }
    Ok(ended)
}

/// Removes the pods, and returns those that are left, each with why. Nobody can stop this but by
/// leaving at once.
async fn remove<'p>(pace: Pace, entry: &Entry, probes: &'p [Probe]) -> Vec<(&'p Probe, Error)> {
    let mut left = Vec::new();
    for probe in probes {
        let gone = async || Ok(probe.remove(entry).await?.then_some(()));
        match look_until(pace, GOING, &Stop::default(), gone).await {
            Ok(Some(())) => {}
            Ok(None) => left.push((probe, Error::invalid("it does not go"))),
            Err(error) => left.push((probe, error)),
        }
    }
    left
}

fn named(probes: &[&Probe]) -> String {
    let names: Vec<_> = probes.iter().map(|probe| probe.name.as_str()).collect();
    let namespace = probes.first().map_or("", |probe| &probe.namespace);
    format!("pods {} in namespace {namespace}", names.join(", "))
}

fn remaining(left: &[&Probe], error: &Error) -> Failure {
    let what = format!("{} could not be removed", named(left));
    let names: Vec<_> = left.iter().map(|probe| probe.name.as_str()).collect();
    let namespace = left.first().map_or("", |probe| &probe.namespace);
    Failure::new(Code::ProbeLeft, what).because(error).hint(format!(
        "`kubectl delete pod -n {namespace} {}` removes them; those that run end by themselves \
         within half an hour",
        names.join(" ")
    ))
}

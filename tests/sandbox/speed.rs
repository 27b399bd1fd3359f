//! How long a cluster takes at the cloud's pace, against the least that is possible there.
use crate::judge::Calls;
use crate::served::RECORD;
use crate::server::python;
use std::path::Path;
use std::process::Command;

/// How many times faster than real time the simulated one passes.
const SPEED: &str = "20";
/// The most that building and destroying may take of the critical path. On a quiet machine it is
/// held to 1.05 by the benchmarks: here others are at work, and a second of theirs is 20 of ours.
const LIMIT: &str = "1.1";
/// How often it is tried: others can only make it longer.
const TRIES: usize = 3;

/// Lets both be measured. Returns whether they keep to the limit, with all that was printed.
fn measured() -> (bool, String, String) {
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../tests/bench/pace.py");
    let calls = Calls::new();
    let output = Command::new(python())
        .args(["-B".as_ref(), script.as_os_str()])
        .env(RECORD, calls.path())
        .args([env!("CARGO_BIN_EXE_provision"), SPEED, LIMIT])
        .output()
        .expect("python runs");
    let [told, errors] =
        [&output.stdout, &output.stderr].map(|text| String::from_utf8_lossy(text).into_owned());
    (output.status.success(), told, errors)
}

#[test]
fn building_and_destroying_take_little_more_than_the_cloud_does() {
    let mut tries: Vec<_> = vec![measured()];
    while tries.len() < TRIES && !tries[tries.len() - 1].0 {
        tries.push(measured());
    }
    let (keeps, told, errors) = &tries[tries.len() - 1];
    assert!(keeps, "{tries:#?}");
    for row in ["| apply: of the critical path |", "| destroy: of the critical path |"] {
        assert!(told.contains(row), "{told}\n{errors}");
    }
    // Which end is the later one, that of all nodes or that of what runs on the first, chance decides.
    let ends = ["cluster, then node groups", "cluster, then a node group, then other add-ons"];
    let way = "node groups, then cluster, then ";
    let is_built = ends.iter().any(|end| errors.contains(end));
    assert!(is_built && errors.contains(way), "{errors}");
}

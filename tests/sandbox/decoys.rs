//! Objects of somebody else that look like ours stay as they are, to the byte, whatever we do.
use crate::cloud::environment;
use crate::life::{APPLY, DESTROY, Life, Moment};
use crate::phase::{built, changed, upgraded};
use crate::server::python;
use crate::world;
use std::path::Path;
use std::process::Command;

/// How many of them there are at least.
const MANY: usize = 100;

/// Makes them, and lets the other cluster among them do some work.
fn prepare(life: &Life) {
    let file = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../tests/sandbox/decoys.py");
    let mut command = Command::new(python());
    environment(&mut command).arg(file).env("AWS_ENDPOINT_URL", &life.served.url);
    let output = command.output().expect("python runs");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    life.served.event("acme-prod-2", "workload");
    // Lets what was begun come to its end.
    for _ in 0..3 {
        life.folder.run(&["plan"]);
    }
}

#[test]
fn what_looks_like_ours_and_is_not_stays_as_it_is() {
    let life = Life::from(&Moment::default(), &built());
    prepare(&life);
    let theirs = world::raw(&life.moment().world);
    assert!(theirs.len() > MANY, "{} objects", theirs.len());
    let untouched = |when: &str| {
        let now = world::raw(&life.moment().world);
        for (name, object) in &theirs {
            assert_eq!(now.get(name), Some(object), "{when}: {name}");
        }
        now.len()
    };
    life.ok(APPLY);
    assert!(untouched("build") > theirs.len() + 50);
    life.folder.write(&changed());
    life.ok(APPLY);
    untouched("change");
    life.folder.write(&upgraded());
    life.ok(APPLY);
    untouched("upgrade");
    life.ok(DESTROY);
    life.ok(&["plan"]);
    assert_eq!(untouched("destroy"), theirs.len(), "nothing of ours is left");
}

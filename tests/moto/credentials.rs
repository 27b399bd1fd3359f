//! Credentials that are missing, wrong, or expire in the middle of a run.
use crate::folder::Ran;
use crate::provision::{FILE, Folder};
use crate::proxy::{Fate, Proxy, Reason};
use crate::server::Moto;
use serde_json::Value;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

const EVERY: [&[&str]; 3] =
    [&["plan"], &["apply", "--auto-approve"], &["destroy", "--auto-approve"]];

const FRESH: &str = "hint: get fresh credentials and run the same command again";

#[test]
fn missing_and_wrong_credentials_change_nothing_and_are_told_as_that() {
    let moto = Moto::start();
    let proxy = Proxy::start(&moto.url, |_| Fate::Refuse(Reason::Unknown));
    let mut folder = Folder::on(&moto, FILE);
    folder.ok(&["apply", "--auto-approve"]);
    let state = folder.path("acme-prod.state.jsonl");
    let (before, text) = (moto.inventory(), std::fs::read(&state).expect("a state"));
    for arguments in EVERY {
        let mut command = folder.command(arguments);
        command.env_remove("AWS_ACCESS_KEY_ID").env_remove("AWS_SECRET_ACCESS_KEY");
        let ran = Ran::from(command.output().expect("it runs"));
        ran.refused(77, &["error: there are no AWS credentials", "hint: name a profile"]);
    }
    folder.set("AWS_ENDPOINT_URL", &proxy.url);
    for arguments in EVERY {
        folder.run(arguments).refused(
            77,
            &["InvalidClientTokenId", "token included in the request is invalid", FRESH],
        );
    }
    let ran = folder.run(&["apply", "--auto-approve", "--json"]);
    let error: Value = serde_json::from_str(&ran.stderr).expect("an error is one JSON object");
    assert_eq!((&error["exit"], &error["code"]), (&77.into(), &"credentials".into()));
    assert_eq!(proxy.restart(), [""; 0], "nothing was asked for that changes anything");
    assert_eq!(std::fs::read(&state).expect("a state"), text);
    assert_eq!(moto.inventory(), before);
}

/// Credentials that are good for so many changes, and then for nothing.
struct Lifetime {
    changes: AtomicUsize,
    is_over: AtomicBool,
}

impl Lifetime {
    fn of(&self, changes: usize) {
        self.changes.store(changes, Ordering::SeqCst);
        self.is_over.store(false, Ordering::SeqCst);
    }

    fn fate(&self, change: usize) -> Fate {
        let ends = change > self.changes.load(Ordering::SeqCst);
        match self.is_over.fetch_or(ends, Ordering::SeqCst) || ends {
            true => Fate::Refuse(Reason::Expired),
            false => Fate::Pass,
        }
    }
}

#[test]
fn credentials_that_expire_stop_the_run_and_the_next_one_goes_on() {
    let moto = Moto::start();
    let lifetime = Arc::new(Lifetime { changes: usize::MAX.into(), is_over: false.into() });
    let its = lifetime.clone();
    let proxy = Proxy::start(&moto.url, move |call| its.fate(call.change));
    let mut folder = Folder::on(&moto, FILE);
    folder.set("AWS_ENDPOINT_URL", &proxy.url);
    let empty = moto.inventory();
    let (apply, destroy) = (["apply", "--auto-approve"], ["destroy", "--auto-approve"]);
    folder.ok(&apply);
    let (build, built) = (proxy.restart().len(), moto.counts());
    folder.ok(&destroy);
    let gone = proxy.restart().len();
    assert!(build > 35 && gone > 30, "{build} {gone}");
    for part in [0, 1, 3, 5] {
        for (arguments, changes) in [(&apply, build), (&destroy, gone)] {
            lifetime.of(part * changes / 6);
            let ran = folder.run(arguments);
            ran.refused(77, &["error: ", "xpired", FRESH]);
            // What was under way then was stopped by that, and by nobody who interrupted.
            assert!(!ran.stdout.contains("interrupted"), "{}", ran.stdout);
            lifetime.of(usize::MAX);
            proxy.restart();
            folder.ok(arguments);
            let (changed, left) = (proxy.restart().len(), changes - part * changes / 6);
            assert!(changed <= left, "{arguments:?}: {changed} changes, and {left} were left");
            match arguments[0] {
                "apply" => assert_eq!(moto.counts(), built),
                _ => assert_eq!(moto.inventory(), empty),
            }
        }
    }
}

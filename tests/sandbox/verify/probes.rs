//! Pods that run for a moment in each pool, and go however that ends.
use super::{APPLY, TOKEN, checks, good, with};
use crate::folder::{FILE, Ran};
use crate::kubectl::Kubectl;
use crate::served::Served;
use serde_json::{Value, json};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

/// What the probes may leave: pods, claims and volumes.
fn left(kubectl: &Kubectl) -> Vec<String> {
    let named = kubectl.ok(&["get", "pods,pvc,pv", "-n", "qualytics", "-o", "name"]);
    named.lines().map(str::to_owned).collect()
}

/// A pod that takes the room on the node of drivers, and no daemon.
fn hog() -> Value {
    let requests = json!({ "requests": { "cpu": "4" } });
    let container = json!({ "name": "hog", "image": "hog", "resources": requests });
    json!({ "apiVersion": "v1", "kind": "Pod", "metadata": { "name": "hog" },
        "spec": { "containers": [container], "nodeSelector": { "driverNodes": "true" } } })
}

#[test]
fn a_pod_of_the_platforms_size_runs_in_each_pool_and_goes() {
    let served = Served::start();
    let (folder, kubectl) = good(&served);
    let seen = checks(&folder, &["--probe"]);
    assert_eq!(with(&seen, "fail"), [""; 0], "{seen:#?}");
    for id in ["probe.app", "probe.driver", "probe.executor"] {
        let check = seen.iter().find(|check| check["id"] == id).expect(id);
        let told = [&check["found"], &check["wanted"]].map(|it| it.as_str().unwrap_or_default());
        assert!(told[0].starts_with("it ran on ip-"), "{check}");
        assert!(told[1].ends_with("with a volume"), "{check}");
    }
    let operations = served.operations();
    let count = |operation: &str| operations.iter().filter(|it| *it == operation).count();
    assert!(count("create pods") >= 3 && count("delete pods") >= 3);
    assert_eq!(left(&kubectl), [""; 0], "they are gone, and so are their volumes");

    let seen = checks(&folder, &["--probe", "--probe-image", "Pause"]);
    assert_eq!(with(&seen, "fail"), ["probe.app", "probe.driver", "probe.executor"]);
    let found = seen.last().expect("a check")["found"].to_string();
    assert!(found.contains("did not run: image pulls: InvalidImageName: "), "{found}");
    assert_eq!(left(&kubectl), [""; 0]);

    let pools = "pools: { app: {}, driver: { max: 1 }, executor: {} }\n";
    folder.write(&format!("{FILE}{TOKEN}{pools}"));
    folder.ok(&APPLY);
    kubectl.create(&hog());
    let seen = checks(&folder, &["--probe"]);
    assert_eq!(with(&seen, "fail"), ["probe.driver"], "the autoscaler makes no room: {seen:#?}");
    let check = seen.iter().find(|check| check["id"] == "probe.driver").expect("it is there");
    assert!(check["found"].to_string().contains("did not run: resources: "), "{check}");
    assert_eq!(left(&kubectl), [""; 0]);
}

#[test]
fn probes_go_also_when_they_are_stopped_and_are_named_when_they_cannot() {
    let served = Served::start();
    let (folder, kubectl) = good(&served);
    let pools = "pools: { app: {}, driver: { max: 1 }, executor: {} }\n";
    folder.write(&format!("{FILE}{TOKEN}{pools}"));
    folder.ok(&APPLY);
    kubectl.create(&hog());
    let made = || served.operations().iter().filter(|it| *it == "create pods").count();
    let before = made();
    let mut command = folder.command(&["verify", "--probe"]);
    // Nobody waits less than a minute for the pod that does not run.
    command.env("PROVISION_TIME_SCALE", "10").stdout(Stdio::piped()).stderr(Stdio::piped());
    let run = command.spawn().expect("it starts");
    let since = Instant::now();
    while made() < before + 3 {
        assert!(since.elapsed() < Duration::from_secs(300), "no probe is made");
        std::thread::sleep(Duration::from_millis(50));
    }
    let kill = ["-s", "INT", &run.id().to_string()];
    assert!(Command::new("kill").args(kill).status().expect("it runs").success());
    let ended = Ran::from(run.wait_with_output().expect("it ends"));
    assert_eq!(ended.code, Some(130), "{}{}", ended.stdout, ended.stderr);
    assert!(ended.stderr.contains("their pods are removed"), "{}", ended.stderr);
    assert_eq!(left(&kubectl), [""; 0]);

    kubectl.ok(&["delete", "--wait=false", "pod", "hog"]);
    served.faults(&[json!({ "operation": "delete pods", "count": 100, "effect": "denied" })]);
    let ran = folder.run(&["verify", "--probe"]);
    assert_eq!(ran.code, Some(1), "{}{}", ran.stdout, ran.stderr);
    assert!(ran.stderr.contains("in namespace qualytics could not be removed"), "{}", ran.stderr);
    assert!(
        ran.stderr.contains("kubectl delete pod -n qualytics provision-probe-"),
        "{}",
        ran.stderr
    );
    served.faults(&[]);
    assert!(left(&kubectl).iter().filter(|it| it.starts_with("pod/provision-probe-")).count() == 3);
}

//! Values for the platform's chart, from what an apply recorded.
use crate::folder::{FILE, Folder};
use crate::kubeconfig::{kubectl, with_access};
use crate::served::Served;
use crate::server::python;
use serde_json::{Value, json};
use std::ffi::OsStr;
use std::fs::File;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::{Duration, Instant};

/// The package with Helm's own library, which its Python part asks a newer Python for.
const LIBRARY: &str = "helm-sdkpy==0.1.32";
/// The longest until pods run, in real time.
const PATIENCE: Duration = Duration::from_secs(60);

/// Returns the values of a cluster as JSON.
fn values(folder: &Folder) -> Value {
    serde_json::from_str(&folder.ok(&["helm-values", "--json"])).expect("JSON")
}

#[test]
fn values_come_from_the_record_and_a_plan_warns_of_what_does_not_fit() {
    let served = Served::start();
    let folder = Folder::on(&served, FILE);
    let ran = folder.run(&["helm-values"]);
    assert_eq!(ran.code, Some(65), "{}", ran.stderr);
    assert!(ran.stderr.contains("`provision apply` records"), "{}", ran.stderr);
    folder.ok(&["apply", "--auto-approve"]);
    let told = values(&folder);
    assert_eq!(told["values"]["dataplane"]["executor"]["memory"], "55000m");
    assert_eq!(told["remarks"], serde_json::json!([]));

    folder.ok(&["helm-values", "--out", "values.yaml"]);
    let written = std::fs::read_to_string(folder.path("values.yaml")).expect("it is there");
    assert_eq!(written, folder.ok(&["helm-values"]));

    let app = "app: { machine: m5.large, max: 4 }";
    let small = format!("pools: {{ {app}, driver: {{ machine: r5.xlarge }}, executor: {{}} }}\n");
    folder.write(&format!("{FILE}{small}"));
    let planned = folder.ok(&["plan"]).replace("\n         ", " ");
    for asks in
        ["a Spark driver asks for 7 cores and 60500 MiB", "database asks for 1 core and 10240 MiB"]
    {
        assert!(planned.contains(asks), "{asks} is not in {planned}");
    }
    folder.ok(&["apply", "--auto-approve"]);
    let told = values(&folder);
    assert_eq!(told["values"]["dataplane"]["driver"]["cores"], 3);
    let begins = |at: usize| told["remarks"][at].as_str().and_then(|it| it.split(':').next());
    assert_eq!([begins(0), begins(1)], [Some("pool app"), Some("pool driver")]);
}

/// Returns Helm as a library, fetched once by one test at a time.
fn library() -> PathBuf {
    let name: String = LIBRARY.chars().filter(char::is_ascii_alphanumeric).collect();
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join(name);
    let arch = if cfg!(target_arch = "aarch64") { "arm64" } else { "amd64" };
    let library = folder.join(format!("helm_sdkpy/_lib/linux-{arch}/libhelm_sdkpy.so"));
    let lock = File::create(folder.with_extension("lock")).expect("the lock can be made");
    lock.lock().expect("the lock can be taken");
    if !library.exists() {
        let mut pip = Command::new(python());
        pip.args(["-m", "pip", "install", "-q", "--no-deps", "--ignore-requires-python"]);
        let status = pip.arg("--target").arg(&folder).arg(LIBRARY).status().expect("pip runs");
        assert!(status.success(), "{LIBRARY}: {status}");
    }
    library
}

fn root(path: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../tests/sandbox").join(path)
}

#[test]
fn a_chart_renders_with_the_values_and_its_pods_run() {
    let served = Served::start();
    let taint = "taints: [{ key: dedicated, value: spark, effect: NoSchedule }]";
    let pools = format!("pools: {{ app: {{}}, driver: {{ {taint} }}, executor: {{ {taint} }} }}\n");
    let folder = Folder::on(&served, &format!("{FILE}{pools}"));
    folder.ok(&["apply", "--auto-approve"]);
    folder.ok(&["kubeconfig", "--out", "config"]);
    let values = values(&folder)["values"].to_string();
    let (python, library) = (python(), library());
    let [script, chart] = ["helm.py", "chart"].map(root);
    let config = folder.path("config");
    let files = [&python, &script, &library, &config].map(|it| it.as_os_str());
    let rest = ["qualytics".as_ref(), chart.as_os_str(), values.as_ref()];
    let program: Vec<&OsStr> = files.into_iter().chain(rest).collect();
    let ran = with_access(&folder, &served, &program);
    assert_eq!(ran.code, Some(0), "{}{}", ran.stdout, ran.stderr);

    let get = |what: &str| {
        let ran = kubectl(&folder, &served, &["-n", "qualytics", "get", what, "-o", "json"]);
        assert_eq!(ran.code, Some(0), "{}{}", ran.stdout, ran.stderr);
        serde_json::from_str::<Value>(&ran.stdout).expect("JSON")
    };
    let told = get("configmap/spark");
    let wanted = json!({ "platform": "aws", "dns": "changeme.example.com", "executors": "12",
                         "volumes": "-1" });
    assert_eq!(told["data"], wanted, "those of the chart that nobody overrides stay");
    let since = Instant::now();
    let phases = || {
        let pods = get("pods");
        let one = |pod: &Value| {
            let part = &pod["metadata"]["labels"]["app"];
            format!("{} {}", part, pod["status"]["phase"]).replace('"', "")
        };
        let mut all: Vec<_> = pods["items"].as_array().expect("a list").iter().map(one).collect();
        all.sort();
        all
    };
    while phases() != ["app Running", "driver Running", "executor Running"] {
        assert!(since.elapsed() < PATIENCE, "{:?}: {:#}", phases(), get("events"));
        std::thread::sleep(Duration::from_millis(200));
    }
    let requests = &get("deployment/executor")["spec"]["template"]["spec"]["containers"][0];
    assert_eq!(requests["resources"]["requests"], json!({ "cpu": 7, "memory": "60500Mi" }));
    let claim = get("persistentvolumeclaim/data");
    assert_eq!(
        (&claim["status"]["phase"], &claim["spec"]["storageClassName"]),
        (&json!("Bound"), &json!("fast"))
    );
}

//! What is between pods, and between them and the world.
use super::check::{Case, Finding, Judged};
use super::snapshot::{few, items, name, text};
use serde_json::Value;

/// DaemonSets that enforce network policies wherever they run.
const ENGINES: [&str; 10] = [
    "anetd",
    "antrea-agent",
    "azure-npm",
    "calico-node",
    "canal",
    "cilium",
    "kube-router",
    "ovnkube-node",
    "romana-agent",
    "weave-net",
];

/// The plugin of Amazon, which enforces them where it is told to.
const AMAZON: &str = "aws-node";

/// The annotation that makes a class of ingresses the default.
const DEFAULT: &str = "ingressclass.kubernetes.io/is-default-class";

fn is_told_to(daemon: &Value) -> bool {
    let mut containers = items(daemon, "/spec/template/spec/containers").iter();
    containers.any(|container| {
        let mut words = items(container, "/args").iter().chain(items(container, "/command"));
        words.any(|word| word == "--enable-network-policy=true")
    })
}

pub(super) fn policy(case: &Case<'_>) -> Judged {
    let wanted = "something that enforces them";
    let enforces = |daemon: &&Value| {
        ENGINES.contains(&name(daemon)) || (name(daemon) == AMAZON && is_told_to(daemon))
    };
    let daemons = case.seen.daemons.as_ref()?;
    if let Some(engine) = daemons.iter().find(enforces) {
        let place = format!("DaemonSet {}/{}", text(engine, "/metadata/namespace"), name(engine));
        let is_up = engine["status"]["numberReady"].as_u64().unwrap_or(0) > 0;
        let hint = format!(
            "`kubectl describe -n {} daemonset {}` says why",
            text(engine, "/metadata/namespace"),
            name(engine)
        );
        let found = if is_up { place } else { format!("{place}, of which no pod is ready") };
        return Ok(Finding::of(is_up, found, wanted, hint));
    }
    if text(&case.seen.version, "/gitVersion").contains("+k3s") {
        return Ok(Finding::skip("k3s enforces them within itself, where nobody sees it"));
    }
    if !daemons.iter().any(|daemon| name(daemon) == AMAZON) {
        let automatic = case.seen.vpc_cni.as_ref()?.as_ref();
        if automatic.is_some_and(|it| it["data"]["enable-network-policy-controller"] == "true") {
            return Ok(Finding::pass("ConfigMap kube-system/amazon-vpc-cni says so", wanted));
        }
    }
    let hint = match daemons.iter().any(|daemon| name(daemon) == AMAZON) {
        true => {
            "set enableNetworkPolicy of the add-on vpc-cni to \"true\", or install Calico or Cilium"
        }
        false => "install a network plugin that does, such as Calico or Cilium",
    };
    Ok(Finding::fail("nothing is there that is known to enforce them", wanted, hint))
}

pub(super) fn ingress(case: &Case<'_>) -> Judged {
    let classes = case.seen.ingress_classes.as_ref()?;
    let wanted = "a class, and no two defaults";
    let is_default = |class: &&Value| class["metadata"]["annotations"][DEFAULT] == "true";
    let defaults: Vec<_> = classes.iter().filter(is_default).map(name).collect();
    if let [_, second, ..] = defaults[..] {
        let found = format!("defaults {}", few(defaults.iter().copied()));
        let hint = format!("`kubectl annotate --overwrite ingressclass {second} {DEFAULT}=false`");
        return Ok(Finding::fail(found, wanted, hint));
    }
    if classes.is_empty() {
        if case.seen.pods.as_ref()?.is_empty() {
            return Ok(Finding::skip(
                "there is none, and the platform, whose chart brings one, is not there yet",
            ));
        }
        let hint =
            "install an ingress controller, such as the one that the platform's chart brings";
        return Ok(Finding::fail("none", wanted, hint));
    }
    Ok(Finding::pass(few(classes.iter().map(name)), wanted))
}

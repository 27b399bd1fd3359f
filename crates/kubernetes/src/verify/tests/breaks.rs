//! Ways to break a cluster.
use super::*;

type Break = (&'static str, &'static str, fn(&mut Snapshot));

/// Lets a pod that has a node wait there, and tells why.
fn creating(seen: &mut Snapshot, reason: &str, message: &str) {
    let scheduled = json!([{ "type": "PodScheduled", "status": "True" }]);
    let mut pod = pod("api-0", "Pending", scheduled);
    let waiting = json!({ "reason": "ContainerCreating" });
    pod["status"]["containerStatuses"] = json!([{ "state": { "waiting": waiting } }]);
    seen.pods = Ok(vec![pod]);
    // That a node was made for it is over.
    let made = event("api-0", 2, "TriggeredScaleUp", "");
    seen.events = Ok(vec![event("api-0", 1, reason, message), made]);
}

/// Each way: the check that is to fail, what it is to say, and what is done.
pub(super) const BREAKS: &[Break] = &[
    ("kubernetes.version", "v1.29.1", |it| {
        it.version = json!({ "gitVersion": "v1.29.1" });
        of(&mut it.nodes).iter_mut().for_each(|node| {
            node["status"]["nodeInfo"]["kubeletVersion"] = json!("v1.29.1");
        });
    }),
    ("kubernetes.support", "1.34, patched upstream until 2026-10-27", |it| {
        it.version = json!({ "gitVersion": "v1.34.9" });
        of(&mut it.nodes).iter_mut().for_each(|node| {
            node["status"]["nodeInfo"]["kubeletVersion"] = json!("v1.34.9");
        });
    }),
    ("kubernetes.support", "1.31, by EKS until 2026-11-26", |it| {
        it.version = json!({ "gitVersion": "v1.31.13-eks-0000000" });
        of(&mut it.nodes).iter_mut().for_each(|node| {
            node["status"]["nodeInfo"]["kubeletVersion"] = json!("v1.31.13-eks-0000000");
        });
    }),
    ("rbac", "is not served", |it| of(&mut it.groups).retain(|group| group == "apps")),
    ("rbac", "ClusterRoleBinding oops", |it| {
        of(&mut it.bindings).push(json!({ "metadata": { "name": "oops" },
            "roleRef": { "name": "cluster-admin" },
            "subjects": [{ "kind": "Group", "name": "system:authenticated" }] }));
    }),
    ("nodes.label.appNodes", "no node", |it| {
        first(&mut it.nodes)["metadata"]["labels"]["appNodes"] = Value::Null;
    }),
    ("nodes.label.appNodes", "beside one, not ready or cordoned", |it| {
        let more = node("four", "other", "ON_DEMAND");
        of(&mut it.nodes).push(more);
        let on = json!({ "metadata": { "name": "four" },
            "spec": { "drivers": [{ "name": "ebs.csi.aws.com" }] } });
        of(&mut it.node_drivers).push(on);
        first(&mut it.nodes)["status"]["conditions"][0]["status"] = json!("False");
    }),
    ("nodes.label.driverNodes", "beside two, not ready or cordoned", |it| {
        of(&mut it.nodes)[1]["spec"]["unschedulable"] = json!(true);
        first(&mut it.nodes)["status"]["allocatable"]["cpu"] = json!("15910m");
    }),
    ("nodes.version", "v1.31.0 on one", |it| {
        first(&mut it.nodes)["status"]["nodeInfo"]["kubeletVersion"] = json!("v1.31.0");
    }),
    ("nodes.version", "v1.36.0 on one", |it| {
        first(&mut it.nodes)["status"]["nodeInfo"]["kubeletVersion"] = json!("v1.36.0");
    }),
    ("nodes.spot", "spot machines elsewhere: one", |it| {
        first(&mut it.nodes)["metadata"]["labels"]["eks.amazonaws.com/capacityType"] =
            json!("SPOT");
    }),
    ("nodes.spot", "spot machines elsewhere: one", |it| {
        first(&mut it.nodes)["metadata"]["labels"]["cloud.google.com/gke-spot"] = json!("true");
    }),
    ("nodes.taints", "a=b:NoSchedule on three", |it| {
        of(&mut it.nodes)[2]["spec"]["taints"] =
            json!([{ "key": "a", "value": "b", "effect": "NoSchedule" }]);
    }),
    ("nodes.allocatable", "15.8 cores and 77 GB", |it| {
        // Drivers and executors share a node.
        of(&mut it.nodes).truncate(2);
        of(&mut it.nodes)[1]["metadata"]["labels"]["executorNodes"] = json!("true");
        first(&mut it.nodes)["status"]["allocatable"]["memory"] = json!("11000Mi");
    }),
    ("nodes.fit.app", "0 - 120 (daemons)", |it| {
        first(&mut it.nodes)["status"]["allocatable"]["memory"] = json!("0");
    }),
    ("nodes.fit.driver", "7000 - 100 (daemons) = 6900", |it| {
        of(&mut it.nodes)[1]["status"]["allocatable"]["cpu"] = json!(7);
    }),
    ("nodes.fit.executor", "61035 - 1120 (daemons) = 59915", |it| {
        of(&mut it.nodes)[2]["status"]["allocatable"]["memory"] = json!("64000000000");
        let agent = json!({ "resources": { "requests": { "memory": "1000Mi" } } });
        of(&mut it.daemons).push(workload("agents", "agent", agent, json!({})));
        of(&mut it.daemons)[2]["spec"]["template"]["spec"]["nodeSelector"] =
            json!({ "executorNodes": "true" });
    }),
    ("autoscaling", "no autoscaler is there", |it| of(&mut it.deployments).clear()),
    ("autoscaling", "of which no pod is ready", |it| {
        first(&mut it.deployments)["status"] = json!({});
    }),
    ("autoscaling", "which is told of no pool", |it| {
        first(&mut it.deployments)["spec"]["template"]["spec"]["containers"][0]["command"] =
            json!(["./cluster-autoscaler"]);
    }),
    ("autoscaling", "which finds no pool", |it| {
        let said = "autoscalerStatus: Running\nclusterWide:\n  health:\n    status: Healthy\n";
        it.autoscaler = Ok(Some(status(&Value::Null, said)));
    }),
    ("autoscaling", "is of 2026-11-30 11:44:59", |it| {
        of(&mut it.deployments).clear();
        it.autoscaler = Ok(Some(status(&json!("2026-11-30 11:44:59.5 +0000 UTC m=+1.2"), "")));
    }),
    ("autoscaling", "Karpenter, with 1 pool, none of them ready", |it| {
        of(&mut it.deployments).clear();
        of(&mut it.node_pools).push(json!({ "metadata": { "name": "app" } }));
    }),
    ("storage.default", "none of fast, gp2", |it| {
        first(&mut it.classes)["metadata"]["annotations"] = Value::Null;
    }),
    ("storage.default", "fast, gp2", |it| {
        of(&mut it.classes)[1]["metadata"]["annotations"] =
            json!({ "storageclass.kubernetes.io/is-default-class": "true" });
    }),
    ("storage.default", "no class at all", |it| of(&mut it.classes).clear()),
    ("storage.ssd", "st1, by fast", |it| {
        first(&mut it.classes)["parameters"]["type"] = json!("st1");
    }),
    ("storage.binding", "Immediate, by fast", |it| {
        first(&mut it.classes)["volumeBindingMode"] = json!("Immediate");
    }),
    ("storage.driver", "ebs.csi.aws.com is not registered", |it| of(&mut it.drivers).clear()),
    ("storage.driver", "ebs.csi.aws.com is not on one", |it| {
        first(&mut it.node_drivers)["spec"]["drivers"] = json!([]);
    }),
    ("metrics.api", "not registered", |it| it.metrics = Ok(None)),
    ("metrics.api", "not available: no endpoints", |it| {
        let said = json!([{ "type": "Available", "status": "False", "message": "no endpoints" }]);
        of(&mut it.metrics).as_mut().unwrap()["status"]["conditions"] = said;
    }),
    ("network.policy", "nothing is there", |it| {
        first(&mut it.daemons)["spec"]["template"]["spec"]["containers"][0]["args"] =
            json!(["--enable-network-policy=false"]);
    }),
    ("network.policy", "of which no pod is ready", |it| {
        first(&mut it.daemons)["status"]["numberReady"] = json!(0);
    }),
    ("ingress.class", "none", |it| of(&mut it.ingress_classes).clear()),
    ("ingress.class", "defaults a, b", |it| {
        let class = |name: &str| {
            json!({ "metadata": { "name": name,
            "annotations": { "ingressclass.kubernetes.io/is-default-class": "true" } } })
        };
        it.ingress_classes = Ok(vec![class("a"), class("b")]);
    }),
    ("namespace", "there is no namespace qualytics", |it| {
        (it.namespace, it.secret) = (Ok(None), Ok(None));
        of(&mut it.pods).clear();
    }),
    ("namespace", "is being deleted", |it| {
        of(&mut it.namespace).as_mut().unwrap()["status"]["phase"] = json!("Terminating");
    }),
    ("namespace.labels", "not set", |it| {
        of(&mut it.namespace).as_mut().unwrap()["metadata"]["labels"] = json!({});
    }),
    ("namespace.labels", "privileged", |it| {
        of(&mut it.namespace).as_mut().unwrap()["metadata"]["labels"]["pod-security.kubernetes.io/enforce"] =
            json!("privileged");
    }),
    ("registry.secret", "there is no secret regcred", |it| it.secret = Ok(None)),
    ("registry.secret", "it is of type Opaque", |it| {
        of(&mut it.secret).as_mut().unwrap()["type"] = json!("Opaque");
    }),
    ("registry.secret", "is no JSON", |it| {
        of(&mut it.secret).as_mut().unwrap()["data"] = json!({ ".dockerconfigjson": "LQ==" });
    }),
    ("registry.secret", "no entry for https://index.docker.io/v1/", |it| {
        it.secret = Ok(Some(secret(&json!({ "auths": { "quay.io": { "auth": "YTpi" } } }))));
    }),
    ("registry.secret", "no user or no password", |it| {
        let entry = json!({ "auth": BASE64_STANDARD.encode("qualyticsai:") });
        it.secret = Ok(Some(secret(&json!({ "auths": { "docker.io": {},
            "https://index.docker.io/v1/": entry } }))));
    }),
    ("workload.pending", "api-0: resources: 0/3 nodes are available: 3 Insufficient cpu", |it| {
        let said =
            "0/3 nodes are available: 3 Insufficient cpu. preemption: 0/3 nodes are available";
        it.pods = Ok(vec![unscheduled(said)]);
    }),
    ("workload.pending", "api-0: selectors: ", |it| {
        let said = "0/3 nodes are available: 3 node(s) didn't match Pod's node affinity/selector.";
        it.pods = Ok(vec![unscheduled(said)]);
    }),
    ("workload.pending", "api-0: taints: ", |it| {
        let said = "0/3 nodes are available: 3 node(s) had untolerated taint {a: b}.";
        it.pods = Ok(vec![unscheduled(said)]);
    }),
    (
        "workload.pending",
        "storage classes: claim data names class quick, which is not there",
        |it| {
            let mut pod = unscheduled("pod has unbound immediate PersistentVolumeClaims.");
            pod["spec"]["volumes"] = json!([{ "persistentVolumeClaim": { "claimName": "data" } }]);
            it.pods = Ok(vec![pod]);
            it.claims = Ok(vec![json!({ "metadata": { "name": "data" },
            "spec": { "storageClassName": "quick" }, "status": { "phase": "Pending" } })]);
        },
    ),
    ("workload.pending", "api-0: image pulls: ImagePullBackOff: back-off", |it| {
        let mut pod = pod("api-0", "Pending", json!([]));
        let waiting = json!({ "reason": "ImagePullBackOff", "message": "back-off" });
        pod["status"]["containerStatuses"] = json!([{ "state": { "waiting": waiting } }]);
        it.pods = Ok(vec![pod]);
    }),
    ("workload.pending", "api-0: missing configuration: FailedMount: ", |it| {
        let said = "MountVolume.SetUp failed for volume \"a\" : secret \"creds\" not found";
        creating(it, "FailedMount", said);
    }),
    ("workload.pending", "api-0: volumes: FailedAttachVolume: ", |it| {
        creating(it, "FailedAttachVolume", "Multi-Attach error for volume \"pvc-1\"");
    }),
    ("workload.pending", "api-0: network: FailedCreatePodSandBox: ", |it| {
        creating(it, "FailedCreatePodSandBox", "failed to assign an IP address to container");
    }),
    ("probe.driver", "it did not run: resources: 3 Insufficient cpu", |it| {
        it.probed("driver", Ended::Failed("resources: 3 Insufficient cpu".into()));
    }),
];

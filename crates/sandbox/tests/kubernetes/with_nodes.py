"""What runs within a cluster that has nodes, as kubectl and boto3 see it: arguments are the address
of the simulated AWS, and a folder."""
import json
import pathlib
import sys
from urllib.parse import urlparse

import cluster
from cluster import NAME, Verdict, accepted, client, until

URL, FOLDER = sys.argv[1], pathlib.Path(sys.argv[2])
VERDICT = Verdict()
has, equal = VERDICT.has, VERDICT.equal
EKS, EC2 = client("eks", URL), client("ec2", URL)
GIB = 1 << 30


def groups():
    """Makes a group for everything, and one for executors, which a taint keeps others off."""
    arn = cluster.role(URL, "node", {"Service": "ec2.amazonaws.com"}, [
        "AmazonEKSWorkerNodePolicy", "AmazonEC2ContainerRegistryPullOnly", "AmazonEKS_CNI_Policy"])
    for name, machine, size, more in [
            ("app", "m5.xlarge", 2, {"labels": {"appNodes": "true"}}),
            ("executor", "r5d.2xlarge", 1, {
                "labels": {"executorNodes": "true"},
                "taints": [{"key": "only", "value": "spark", "effect": "NO_SCHEDULE"}]})]:
        accepted(lambda: EKS.create_nodegroup(
            clusterName=NAME, nodegroupName=name, subnets=cluster.subnets(URL), nodeRole=arn,
            instanceTypes=[machine], diskSize=50,
            scalingConfig={"minSize": 1, "maxSize": 3, "desiredSize": size}, **more),
            EKS.exceptions.InvalidParameterException)


def addons():
    association = {"serviceAccount": "ebs-csi-controller-sa", "roleArn": cluster.role(
        URL, "driver", {"Service": "pods.eks.amazonaws.com"},
        ["service-role/AmazonEBSCSIDriverPolicy"])}
    EKS.create_addon(clusterName=NAME, addonName="eks-pod-identity-agent")
    EKS.create_addon(clusterName=NAME, addonName="metrics-server")
    tags = {"controller": {"extraVolumeTags": {"team": "data"}}}
    accepted(lambda: EKS.create_addon(
        clusterName=NAME, addonName="aws-ebs-csi-driver", podIdentityAssociations=[association],
        configurationValues=json.dumps(tags)), EKS.exceptions.InvalidParameterException)
    return association


def items(what, *more):
    return json.loads(KUBECTL("get", what, "-o", "json", *more))["items"]


def is_ready(node):
    return any(it["type"] == "Ready" and it["status"] == "True"
               for it in node["status"]["conditions"])


def kib(quantity):
    return int(quantity.removesuffix("Ki"))


def nodes():
    found = until(lambda: (lambda all: all if len(all) == 3 and all_ready(all) else None)(
        items("nodes")))
    machines = [it for every in EC2.describe_instances()["Reservations"] for it in every["Instances"]]
    equal("names", {it["metadata"]["name"] for it in found}, {it["PrivateDnsName"] for it in machines})
    executor = next(it for it in found if "executorNodes" in it["metadata"]["labels"])
    machine = next(it for it in machines if it["InstanceType"] == "r5d.2xlarge")
    zone = machine["Placement"]["AvailabilityZone"]
    equal("id", executor["spec"]["providerID"], f"aws:///{zone}/{machine['InstanceId']}")
    labels = executor["metadata"]["labels"]
    for name, value in {
            "topology.kubernetes.io/zone": zone, "topology.kubernetes.io/region": cluster.REGION,
            "node.kubernetes.io/instance-type": "r5d.2xlarge", "kubernetes.io/arch": "amd64",
            "kubernetes.io/os": "linux", "kubernetes.io/hostname": machine["PrivateDnsName"],
            "eks.amazonaws.com/nodegroup": "executor",
            "eks.amazonaws.com/capacityType": "ON_DEMAND"}.items():
        equal(name, labels.get(name), value)
    equal("taints", executor["spec"]["taints"],
          [{"key": "only", "value": "spark", "effect": "NoSchedule"}])
    capacity, free = executor["status"]["capacity"], executor["status"]["allocatable"]
    equal("pods", (capacity["pods"], free["pods"]), ("58", "58"))
    equal("processors", (capacity["cpu"], free["cpu"]), ("8", "7910m"))
    equal("memory kept", kib(capacity["memory"]) - kib(free["memory"]), (255 + 11 * 58 + 100) * 1024)
    equal("memory", 62 * GIB < kib(free["memory"]) * 1024 + GIB < 64 * GIB, True)
    has("table", KUBECTL("get", "nodes"), "Ready", "v1.35.")
    has("described", KUBECTL("describe", "node", executor["metadata"]["name"]),
        "only=spark:NoSchedule", "KubeletReady", "kube-proxy")


def all_ready(found):
    return all(is_ready(node) for node in found)


def software():
    for name in ["aws-node", "kube-proxy", "ebs-csi-node", "eks-pod-identity-agent"]:
        has(name, KUBECTL("-n", "kube-system", "rollout", "status", f"daemonset/{name}",
                          "--timeout=30s"), "successfully rolled out")
    for name in ["coredns", "ebs-csi-controller", "metrics-server"]:
        has(name, KUBECTL("-n", "kube-system", "rollout", "status", f"deployment/{name}",
                          "--timeout=30s"), "successfully rolled out")
    has("driver", KUBECTL("get", "csidriver"), "ebs.csi.aws.com")
    drivers = [it["spec"]["drivers"][0]["name"] for it in items("csinodes")]
    equal("drivers", drivers, ["ebs.csi.aws.com"] * 3)
    KUBECTL("wait", "--for=condition=Available", "apiservice/v1beta1.metrics.k8s.io", "--timeout=30s")


def pod(name, cpu="100m", memory="64Mi", **spec):
    container = {"name": "main", "image": "example.com/app:1",
                 "resources": {"requests": {"cpu": cpu, "memory": memory}}}
    return {"apiVersion": "v1", "kind": "Pod", "metadata": {"name": name},
            "spec": {"containers": [container], **spec}}


def refused(name, *words):
    """Looks at why a pod is nowhere, in its condition and its event."""
    def told():
        found = json.loads(KUBECTL("get", "pod", name, "-o", "json"))
        conditions = found["status"].get("conditions", [])
        return next((it for it in conditions if it["type"] == "PodScheduled"), None)
    condition = until(told)
    equal(f"{name} waits", (condition["status"], condition["reason"]), ("False", "Unschedulable"))
    has(f"{name} waits", condition["message"], *words)
    has(f"{name} described", KUBECTL("describe", "pod", name), "FailedScheduling", words[0])


def placed(name):
    KUBECTL("wait", "--for=condition=Ready", f"pod/{name}", "--timeout=30s")
    return json.loads(KUBECTL("get", "pod", name, "-o", "json"))["spec"].get("nodeName")


def spark():
    """An executor of the platform goes where it fits, and nowhere else."""
    size = {"cpu": "7", "memory": "60500Mi"}
    selects = {"nodeSelector": {"executorNodes": "true"}}
    tolerates = {"tolerations": [{"key": "only", "operator": "Equal", "value": "spark"}]}
    KUBECTL("create", "-f", "-", give=pod("untolerant", **size, **selects))
    refused("untolerant", "0/3 nodes are available", "1 node(s) had untolerated taint(s)",
            "2 node(s) didn't match Pod's node affinity/selector",
            "3 Preemption is not helpful for scheduling")
    KUBECTL("create", "-f", "-", give=pod("unselective", **size))
    refused("unselective", "2 Insufficient cpu, 2 Insufficient memory")
    KUBECTL("create", "-f", "-", give=pod("executor-1", **size, **selects, **tolerates))
    node = json.loads(KUBECTL("get", "node", placed("executor-1"), "-o", "json"))
    equal("placed", node["metadata"]["labels"]["eks.amazonaws.com/nodegroup"], "executor")
    KUBECTL("create", "-f", "-", give=pod("executor-2", **size, **selects, **tolerates))
    refused("executor-2", "1 Insufficient cpu, 1 Insufficient memory",
            "1 No preemption victims found for incoming pod")
    KUBECTL("delete", "pod", "executor-1", "--timeout=30s")
    placed("executor-2")
    KUBECTL("delete", "pod", "--all", "--timeout=30s")


def workloads():
    KUBECTL("create", "deployment", "web", "--image=example.com/web:1", "--replicas=3")
    has("rolled out", KUBECTL("rollout", "status", "deployment/web", "--timeout=30s"),
        "successfully rolled out")
    has("table", KUBECTL("get", "deployment", "web"), "3/3")
    KUBECTL("set", "image", "deployment/web", "web=example.com/web:2")
    KUBECTL("rollout", "status", "deployment/web", "--timeout=30s")
    until(lambda: len(items("pods", "-l", "app=web")) == 3)
    images = {it["spec"]["containers"][0]["image"] for it in items("pods", "-l", "app=web")}
    equal("images", images, {"example.com/web:2"})
    KUBECTL("scale", "deployment/web", "--replicas=1")
    until(lambda: len(items("pods", "-l", "app=web")) == 1)
    KUBECTL("delete", "deployment", "web")
    until(lambda: not items("pods", "-l", "app=web") and not items("replicasets"))
    KUBECTL("create", "job", "once", "--image=example.com/job:1", "--", "sleep", "20")
    KUBECTL("wait", "--for=condition=complete", "job/once", "--timeout=30s")
    has("completed", KUBECTL("get", "pods", "-l", "job-name=once"), "Completed")
    KUBECTL("delete", "job", "once")


def budgets():
    """A pod that a disruption budget keeps is not evicted."""
    KUBECTL("create", "deployment", "web", "--image=example.com/web:1", "--replicas=2")
    KUBECTL("rollout", "status", "deployment/web", "--timeout=30s")
    KUBECTL("create", "pdb", "web", "--selector=app=web", "--min-available=2")
    until(lambda: json.loads(KUBECTL("get", "pdb", "web", "-o", "json"))
          ["status"].get("currentHealthy") == 2)
    its = items("pods", "-l", "app=web")[0]["metadata"]["name"]
    path = urlparse(CLUSTER["endpoint"]).path + f"/api/v1/namespaces/default/pods/{its}/eviction"
    asked = {"apiVersion": "policy/v1", "kind": "Eviction", "metadata": {"name": its}}
    has("kept", KUBECTL("create", "--raw", path, "-f", "-", give=asked, fails=True),
        "Cannot evict pod as it would violate the pod's disruption budget.")
    node = KUBECTL("get", "pod", its, "-o", "jsonpath={.spec.nodeName}")
    KUBECTL("delete", "pdb", "web")
    has("drained", KUBECTL("drain", node, "--ignore-daemonsets", "--timeout=30s"), its, "drained")
    KUBECTL("rollout", "status", "deployment/web", "--timeout=30s")
    on = {it["spec"]["nodeName"] for it in items("pods", "-l", "app=web")}
    equal("elsewhere", node in on, False)
    KUBECTL("uncordon", node)
    KUBECTL("delete", "deployment", "web")


def volumes():
    give = {"apiVersion": "storage.k8s.io/v1", "kind": "StorageClass", "metadata": {"name": "fast"},
            "provisioner": "ebs.csi.aws.com", "volumeBindingMode": "WaitForFirstConsumer",
            "parameters": {"type": "gp3", "encrypted": "true"}}
    KUBECTL("create", "-f", "-", give=give)
    template = {"metadata": {"name": "data"}, "spec": {
        "accessModes": ["ReadWriteOnce"], "storageClassName": "fast",
        "resources": {"requests": {"storage": "10Gi"}}}}
    labels = {"app": "db"}
    KUBECTL("create", "-f", "-", give={
        "apiVersion": "apps/v1", "kind": "StatefulSet", "metadata": {"name": "db"}, "spec": {
            "serviceName": "db", "replicas": 2, "selector": {"matchLabels": labels},
            "volumeClaimTemplates": [template], "template": {
                "metadata": {"labels": labels},
                "spec": {"containers": [{"name": "db", "image": "example.com/db:1"}]}}}})
    KUBECTL("rollout", "status", "statefulset/db", "--timeout=30s")
    has("claims", KUBECTL("get", "pvc"), "data-db-0", "data-db-1", "Bound", "10Gi", "RWO", "fast")
    claimed = {"Name": "tag:kubernetes.io/created-for/pvc/name", "Values": ["data-db-0"]}
    volume = EC2.describe_volumes(Filters=[claimed])["Volumes"][0]
    tags = {tag["Key"]: tag["Value"] for tag in volume["Tags"]}
    claim = json.loads(KUBECTL("get", "pvc", "data-db-0", "-o", "json"))
    its = json.loads(KUBECTL("get", "pv", claim["spec"]["volumeName"], "-o", "json"))
    equal("handle", its["spec"]["csi"]["volumeHandle"], volume["VolumeId"])
    equal("tags", {key: tags.get(key) for key in [
        "ebs.csi.aws.com/cluster", "CSIVolumeName", "team", f"kubernetes.io/cluster/{NAME}"]},
        {"ebs.csi.aws.com/cluster": "true", "CSIVolumeName": its["metadata"]["name"],
         "team": "data", f"kubernetes.io/cluster/{NAME}": "owned"})
    equal("volume", (volume["Size"], volume["VolumeType"], volume["Encrypted"], volume["State"]),
          (10, "gp3", True, "in-use"))
    on = json.loads(KUBECTL("get", "pod", "db-0", "-o", "json"))["spec"]["nodeName"]
    provider = KUBECTL("get", "node", on, "-o", "jsonpath={.spec.providerID}")
    equal("where", provider, f"aws:///{volume['AvailabilityZone']}/{volume['Attachments'][0]['InstanceId']}")
    KUBECTL("delete", "statefulset", "db")
    KUBECTL("delete", "pvc", "--all", "--timeout=30s")
    until(lambda: not EC2.describe_volumes(Filters=[claimed])["Volumes"])
    equal("volumes", items("pv"), [])


def immediate():
    """A claim that waits for nobody is bound at once, and one of an unknown class never."""
    claim = {"apiVersion": "v1", "kind": "PersistentVolumeClaim", "metadata": {"name": "lost"},
             "spec": {"accessModes": ["ReadWriteOnce"], "storageClassName": "none",
                      "resources": {"requests": {"storage": "1Gi"}}}}
    KUBECTL("create", "-f", "-", give=claim)
    disk = {"volumes": [{"name": "disk", "persistentVolumeClaim": {"claimName": "lost"}}]}
    KUBECTL("create", "-f", "-", give=pod("unbound", **disk))
    refused("unbound", "pod has unbound immediate PersistentVolumeClaims")
    KUBECTL("delete", "pod", "unbound")
    KUBECTL("delete", "pvc", "lost", "--timeout=30s")


def permissions():
    """Without a role, the driver makes no volume, and its pod waits."""
    def associate(*all):
        accepted(lambda: EKS.update_addon(
            clusterName=NAME, addonName="aws-ebs-csi-driver", podIdentityAssociations=list(all)),
            EKS.exceptions.ResourceInUseException)
    associate()
    until(lambda: not EKS.list_pod_identity_associations(clusterName=NAME)["associations"])
    claim = {"apiVersion": "v1", "kind": "PersistentVolumeClaim", "metadata": {"name": "kept"},
             "spec": {"accessModes": ["ReadWriteOnce"], "storageClassName": "fast",
                      "resources": {"requests": {"storage": "1Gi"}}}}
    KUBECTL("create", "-f", "-", give=claim)
    disk = {"volumes": [{"name": "disk", "persistentVolumeClaim": {"claimName": "kept"}}]}
    KUBECTL("create", "-f", "-", give=pod("waiting", **disk))
    until(lambda: "ProvisioningFailed" in KUBECTL("describe", "pvc", "kept"))
    has("waiting", KUBECTL("get", "pod,pvc"), "Pending")
    associate(ASSOCIATION)
    placed("waiting")
    has("bound", KUBECTL("get", "pvc", "kept"), "Bound")
    KUBECTL("delete", "pvc", "kept", "--wait=false")
    has("kept", KUBECTL("get", "pvc", "kept", "-o", "yaml"), "pvc-protection", "deletionTimestamp")
    KUBECTL("delete", "pod", "waiting", "--timeout=30s")
    until(lambda: not items("pvc") and not items("pv"))


def departures():
    """The software of an add-on goes with it, unless it is to stay."""
    EKS.delete_addon(clusterName=NAME, addonName="eks-pod-identity-agent", preserve=True)
    EKS.delete_addon(clusterName=NAME, addonName="metrics-server")
    until(lambda: EKS.list_addons(clusterName=NAME)["addons"] == ["aws-ebs-csi-driver"])
    has("gone", KUBECTL("-n", "kube-system", "get", "deployment", "metrics-server", fails=True),
        "NotFound")
    KUBECTL("-n", "kube-system", "get", "daemonset", "eks-pod-identity-agent")
    until(lambda: not items("pods", "-n", "kube-system", "-l", "app.kubernetes.io/name=metrics-server"))


def changes():
    """What is changed of a group reaches its nodes, and a node goes with its machine."""
    EKS.update_nodegroup_config(
        clusterName=NAME, nodegroupName="app",
        labels={"addOrUpdateLabels": {"tier": "one"}, "removeLabels": ["appNodes"]})
    until(lambda: len(items("nodes", "-l", "tier=one,!appNodes")) == 2)
    accepted(lambda: EKS.update_nodegroup_config(
        clusterName=NAME, nodegroupName="app",
        scalingConfig={"minSize": 1, "maxSize": 3, "desiredSize": 1}),
        EKS.exceptions.ResourceInUseException)
    until(lambda: len(items("nodes", "-l", "tier=one")) == 1)
    until(lambda: all(it["spec"].get("nodeName") in {node["metadata"]["name"] for node in items("nodes")}
                      for it in items("pods", "-A")))
    equal("nodes", len(items("nodes")), 2)


CLUSTER = cluster.make(URL)
KUBECTL = cluster.kubectl(FOLDER, "owner", cluster.config(CLUSTER, cluster.token()), VERDICT)
with VERDICT:
    KUBECTL("create", "-f", "-", give=pod("early"))
    refused("early", "no nodes available to schedule pods")
    groups()
    ASSOCIATION = addons()
    equal("early", placed("early") is not None, True)
    KUBECTL("delete", "pod", "early")
    for part in [nodes, software, spark, workloads, budgets, volumes, immediate, permissions, changes,
                 departures]:
        part()

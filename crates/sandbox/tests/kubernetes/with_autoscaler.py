"""What the cluster autoscaler does, and that it does nothing when a part of it is missing: arguments
are the address of the simulated AWS, and a folder. It is set up as its own documentation says."""
import copy
import json
import pathlib
import sys
import time

import cluster
from cluster import NAME, Verdict, accepted, client, until

URL, FOLDER = sys.argv[1], pathlib.Path(sys.argv[2])
VERDICT = Verdict()
has, equal = VERDICT.has, VERDICT.equal
EKS, SCALING, IAM = client("eks", URL), client("autoscaling", URL), client("iam", URL)
ITS, SYSTEM = "cluster-autoscaler", "kube-system"
OWNED = f"k8s.io/cluster-autoscaler/{NAME}"

READS = ["autoscaling:DescribeAutoScalingGroups", "autoscaling:DescribeAutoScalingInstances",
         "autoscaling:DescribeLaunchConfigurations", "autoscaling:DescribeScalingActivities",
         "ec2:DescribeImages", "ec2:DescribeInstanceTypes", "ec2:DescribeLaunchTemplateVersions",
         "ec2:GetInstanceTypesFromInstanceRequirements", "eks:DescribeNodegroup"]
CHANGES = ["autoscaling:SetDesiredCapacity", "autoscaling:TerminateInstanceInAutoScalingGroup"]


def policy(changes):
    statements = [{"Effect": "Allow", "Action": READS, "Resource": "*"}]
    if changes:
        statements.append({"Effect": "Allow", "Action": changes, "Resource": "*", "Condition": {
            "StringEquals": {f"aws:ResourceTag/{OWNED}": "owned"}}})
    document = json.dumps({"Version": "2012-10-17", "Statement": statements})
    IAM.put_role_policy(RoleName=ITS, PolicyName="scale", PolicyDocument=document)


def rules(*more):
    watched = ["watch", "list", "get"]
    return [
        {"apiGroups": [""], "resources": ["events", "endpoints"], "verbs": ["create", "patch"]},
        {"apiGroups": [""], "resources": ["pods/eviction"], "verbs": ["create"]},
        {"apiGroups": [""], "resources": ["nodes"], "verbs": watched + ["update"]},
        {"apiGroups": [""], "verbs": watched, "resources": [
            "namespaces", "services", "replicationcontrollers", "persistentvolumeclaims",
            "persistentvolumes", *more]},
        {"apiGroups": ["policy"], "resources": ["poddisruptionbudgets"], "verbs": watched},
        {"apiGroups": ["apps"], "resources": ["statefulsets", "replicasets", "daemonsets"],
         "verbs": watched},
        {"apiGroups": ["storage.k8s.io"], "verbs": watched, "resources": [
            "storageclasses", "csinodes", "csidrivers", "csistoragecapacities"]},
        {"apiGroups": ["batch"], "resources": ["jobs", "cronjobs"], "verbs": watched},
        {"apiGroups": ["coordination.k8s.io"], "resources": ["leases"], "verbs": ["create"]},
        {"apiGroups": ["coordination.k8s.io"], "resources": ["leases"], "resourceNames": [ITS],
         "verbs": ["get", "update"]},
    ]


def role(*more):
    return {"apiVersion": "rbac.authorization.k8s.io/v1", "kind": "ClusterRole",
            "metadata": {"name": ITS}, "rules": rules(*more)}


def deployment(image="registry.k8s.io/autoscaling/cluster-autoscaler:v1.35.0", without=None):
    flags = ["--v=4", "--cloud-provider=aws", "--skip-nodes-with-local-storage=false",
             "--expander=least-waste", "--scale-down-unneeded-time=10m",
             "--node-group-auto-discovery=asg:tag=k8s.io/cluster-autoscaler/enabled," + OWNED]
    flags = [flag for flag in flags if without is None or not flag.startswith(without)]
    labels = {"app": ITS}
    container = {"name": ITS, "image": image, "command": ["./cluster-autoscaler", *flags],
                 "resources": {"requests": {"cpu": "100m", "memory": "600Mi"}}}
    return {"apiVersion": "apps/v1", "kind": "Deployment",
            "metadata": {"name": ITS, "namespace": SYSTEM},
            "spec": {"replicas": 1, "selector": {"matchLabels": labels}, "template": {
                "metadata": {"labels": labels},
                "spec": {"serviceAccountName": ITS, "containers": [container]}}}}


def apply(*objects):
    for given in objects:
        KUBECTL("apply", "-f", "-", give=given)


def binding():
    of = {"apiGroup": "rbac.authorization.k8s.io", "kind": "ClusterRole", "name": ITS}
    return {"apiVersion": "rbac.authorization.k8s.io/v1", "kind": "ClusterRoleBinding",
            "metadata": {"name": ITS}, "roleRef": of,
            "subjects": [{"kind": "ServiceAccount", "name": ITS, "namespace": SYSTEM}]}


def associate():
    made = accepted(lambda: EKS.create_pod_identity_association(
        clusterName=NAME, namespace=SYSTEM, serviceAccount=ITS, roleArn=ROLE),
        EKS.exceptions.InvalidParameterException)
    return made["association"]["associationId"]


def groups():
    arn = cluster.role(URL, "node", {"Service": "ec2.amazonaws.com"}, [
        "AmazonEKSWorkerNodePolicy", "AmazonEC2ContainerRegistryPullOnly", "AmazonEKS_CNI_Policy"])
    taint = {"key": "only", "value": "spark", "effect": "NO_SCHEDULE"}
    for name, machine, sizes, more in [
            ("app", "m5.xlarge", (1, 1, 1), {}),
            ("executor", "r5d.2xlarge", (0, 2, 0), {
                "labels": {"executorNodes": "true"}, "taints": [taint]})]:
        least, most, wanted = sizes
        accepted(lambda: EKS.create_nodegroup(
            clusterName=NAME, nodegroupName=name, subnets=cluster.subnets(URL), nodeRole=arn,
            instanceTypes=[machine], diskSize=50, scalingConfig={
                "minSize": least, "maxSize": most, "desiredSize": wanted}, **more),
            EKS.exceptions.InvalidParameterException)
    return {name: until(lambda: scaling_group(name)) for name in ["app", "executor"]}


def scaling_group(name):
    made = EKS.describe_nodegroup(clusterName=NAME, nodegroupName=name)["nodegroup"]
    its = made.get("resources", {}).get("autoScalingGroups")
    return its[0]["name"] if its and made["status"] == "ACTIVE" else None


def desired():
    name = GROUPS["executor"]
    found = SCALING.describe_auto_scaling_groups(AutoScalingGroupNames=[name])
    return found["AutoScalingGroups"][0]["DesiredCapacity"]


def tags(change, **more):
    change(Tags=[{"ResourceId": GROUPS["executor"], "ResourceType": "auto-scaling-group",
                  "Key": OWNED, **more}])


def executor(name):
    container = {"name": "main", "image": "example.com/spark:1",
                 "resources": {"requests": {"cpu": "7", "memory": "60500Mi"}}}
    return {"apiVersion": "v1", "kind": "Pod", "metadata": {"name": name}, "spec": {
        "containers": [container], "nodeSelector": {"executorNodes": "true"},
        "tolerations": [{"key": "only", "operator": "Exists"}]}}


def rolled_out():
    KUBECTL("-n", SYSTEM, "rollout", "status", f"deployment/{ITS}", "--timeout=30s")


def triggered(told):
    return told if "TriggeredScaleUp" in told else None


def with_all():
    """Executors get nodes as long as their group has room, and the nodes go when they are done."""
    KUBECTL("create", "-f", "-", give=executor("executor-0"))
    # Events last for an hour, which is seconds here.
    told = until(lambda: triggered(KUBECTL("describe", "pod", "executor-0")))
    has("triggered", told, "(max: 2)")
    for n in range(1, 3):
        KUBECTL("create", "-f", "-", give=executor(f"executor-{n}"))
    until(lambda: desired() == 2)
    KUBECTL("wait", "--for=condition=Ready", "pod/executor-0", "pod/executor-1", "--timeout=30s")
    until(lambda: "max node group size reached" in KUBECTL("describe", "pod", "executor-2"))
    node = KUBECTL("get", "pod", "executor-0", "-o", "jsonpath={.spec.nodeName}")
    has("node", KUBECTL("get", "node", node, "--show-labels"), "executorNodes=true")
    time.sleep(2)
    equal("busy", desired(), 2)
    KUBECTL("delete", "pod", "--all", "--timeout=30s")
    until(lambda: desired() == 0)
    until(lambda: "r5d.2xlarge" not in KUBECTL("get", "nodes", "--show-labels"))
    unfit = copy.deepcopy(executor("unfit"))
    unfit["spec"]["containers"][0]["resources"]["requests"]["cpu"] = "9"
    KUBECTL("create", "-f", "-", give=unfit)
    until(lambda: "pod didn't trigger scale-up: " in KUBECTL("describe", "pod", "unfit"))
    equal("unfit", desired(), 0)
    KUBECTL("delete", "pod", "unfit")


def without(what, remove, restore):
    """Takes a part away: an executor waits; and brings it back: it gets its node."""
    remove()
    KUBECTL("create", "-f", "-", give=executor("waiting"))
    until(lambda: "FailedScheduling" in KUBECTL("describe", "pod", "waiting"))
    time.sleep(1.5)
    equal(f"without {what}", desired(), 0)
    restore()
    until(lambda: desired() == 1)
    KUBECTL("delete", "pod", "waiting", "--timeout=30s")
    until(lambda: desired() == 0)


def changed(**more):
    apply(deployment(**more))
    rolled_out()


def parts():
    changes = {
        "the image": (lambda: changed(image="example.com/other:1"), changed),
        "the provider": (lambda: changed(without="--cloud-provider"), changed),
        "the discovery": (lambda: changed(without="--node-group-auto-discovery"), changed),
        "the tag": (lambda: tags(SCALING.delete_tags),
                    lambda: tags(SCALING.create_or_update_tags, Value="owned", PropagateAtLaunch=False)),
        "the policy": (lambda: policy([]), lambda: policy(CHANGES)),
        "the rules": (lambda: apply(role()), lambda: apply(role("pods"))),
        "the binding": (lambda: KUBECTL("delete", "clusterrolebinding", ITS),
                        lambda: apply(binding())),
        "the role": (lambda: EKS.delete_pod_identity_association(
            clusterName=NAME, associationId=ASSOCIATION), associate),
    }
    for what, (remove, restore) in changes.items():
        without(what, remove, restore)


CLUSTER = cluster.make(URL)
KUBECTL = cluster.kubectl(FOLDER, "owner", cluster.config(CLUSTER, cluster.token()), VERDICT)
with VERDICT:
    ROLE = cluster.role(URL, ITS, {"Service": "pods.eks.amazonaws.com"})
    policy(CHANGES)
    GROUPS = groups()
    EKS.create_addon(clusterName=NAME, addonName="eks-pod-identity-agent")
    ASSOCIATION = associate()
    apply({"apiVersion": "v1", "kind": "ServiceAccount",
           "metadata": {"name": ITS, "namespace": SYSTEM}}, role("pods"), binding(), deployment())
    rolled_out()
    with_all()
    parts()

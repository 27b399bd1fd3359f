"""What kubectl sees and does: arguments are the address of the simulated AWS, and a folder."""
import json
import pathlib
import sys
import threading
import time
from urllib.parse import urlparse

import boto3

import cluster
from cluster import Verdict, client, until

URL, FOLDER = sys.argv[1], pathlib.Path(sys.argv[2])
VERDICT = Verdict()
has, equal = VERDICT.has, VERDICT.equal


def use(name, bearer):
    return cluster.kubectl(FOLDER, name, cluster.config(CLUSTER, bearer), VERDICT)


def config_map(data, name="settings"):
    return {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": name}, "data": data}


def storage_class(name, parameters):
    return {"apiVersion": "storage.k8s.io/v1", "kind": "StorageClass", "metadata": {"name": name},
            "provisioner": "ebs.csi.aws.com", "parameters": parameters,
            "volumeBindingMode": "WaitForFirstConsumer"}


def reads(kubectl):
    has("namespaces", kubectl("get", "namespaces"), "NAME", "STATUS", "AGE",
        "kube-system", "Active")
    has("short names", kubectl("get", "ns,sc"), "namespace/default", "gp2")
    both = json.loads(kubectl("get", "configmaps", "-o", "json"))
    equal("items", [item["kind"] for item in both["items"]], ["ConfigMap"])
    has("missing", kubectl("get", "secret", "no", fails=True),
        'Error from server (NotFound): secrets "no" not found')
    has("unknown kind", kubectl("get", "wolves", fails=True), 'doesn\'t have a resource type "wolves"')
    has("version", kubectl("version", "-o", "json"), '"gitVersion": "v1.35.')
    has("resources", kubectl("api-resources"), "storageclasses", "StorageClass", "deploy")
    has("described", kubectl("describe", "storageclass", "gp2"), "kubernetes.io/aws-ebs")
    has("no quota", kubectl("describe", "namespace", "default"), "No resource quota.",
        "No LimitRange resource.")


def writes(kubectl):
    has("created", kubectl("create", "configmap", "one", "--from-literal=a=1"), "one created")
    has("twice", kubectl("create", "configmap", "one", fails=True),
        'configmaps "one" already exists')
    kubectl("create", "secret", "generic", "hidden", "--from-literal=key=x")
    equal("data", kubectl("get", "secret", "hidden", "-o", "jsonpath={.data.key}"), "eA==")
    has("table", kubectl("get", "secret", "hidden"), "Opaque   1")
    kubectl("label", "configmap", "one", "tier=a")
    has("selected", kubectl("get", "cm", "-l", "tier=a", "-o", "name"), "configmap/one")
    equal("not selected", kubectl("get", "cm", "-l", "tier!=a,tier", "-o", "name"), "")
    kubectl("patch", "configmap", "one", "--type=merge", "-p", '{"data":{"b":"2"}}')
    kubectl("patch", "configmap", "one", "--type=json",
            "-p", '[{"op":"remove","path":"/data/a"}]')
    equal("patched", kubectl("get", "cm", "one", "-o", "jsonpath={.data}"), '{"b":"2"}')
    has("dry", kubectl("create", "configmap", "dry", "--dry-run=server"), "created (server dry run)")
    kubectl("get", "configmap", "dry", fails=True)
    has("deleted", kubectl("delete", "configmap", "one"), 'configmap "one" deleted')
    has("strict", kubectl("create", "-f", "-", fails=True,
                          give={**config_map({}, "odd"), "datum": {}}), 'unknown field "datum"')
    has("name", kubectl("create", "configmap", "A_b", fails=True),
        "metadata.name: Invalid value", "RFC 1123")
    empty = {"apiVersion": "apps/v1", "kind": "Deployment", "metadata": {"name": "bad"},
             "spec": {"selector": {"matchLabels": {"app": "x"}},
                      "template": {"metadata": {"labels": {"app": "x"}}, "spec": {}}}}
    has("containers", kubectl("create", "-f", "-", give=empty, fails=True),
        "spec.template.spec.containers: Required value")


def others(kubectl):
    """Kinds of which nothing follows are kept, too."""
    kubectl("create", "quota", "small", "--hard=pods=3,requests.cpu=4")
    hard = kubectl("get", "quota", "small", "-o", "jsonpath={.spec.hard}")
    equal("quota", json.loads(hard), {"pods": "3", "requests.cpu": "4"})
    kubectl("create", "cronjob", "nightly", "--image=example.com/job:1", "--schedule=0 1 * * *")
    has("cron job", kubectl("describe", "cronjob", "nightly"), "0 1 * * *", "Allow")
    kubectl("create", "service", "clusterip", "web", "--tcp=80:8080")
    has("service", kubectl("get", "service", "web"), "ClusterIP", "172.20.")
    hpa = {"apiVersion": "autoscaling/v2", "kind": "HorizontalPodAutoscaler",
           "metadata": {"name": "web"}, "spec": {"maxReplicas": 3, "scaleTargetRef": {
               "apiVersion": "apps/v1", "kind": "Deployment", "name": "web"}}}
    kubectl("create", "-f", "-", give=hpa)
    has("autoscaling", kubectl("get", "hpa", "web", "-o", "yaml"), "minReplicas: 1")
    for each in ["quota/small", "cronjob/nightly", "service/web", "hpa/web"]:
        kubectl("delete", each)


def storage(kubectl):
    kubectl("apply", "-f", "-", give=storage_class("fast", {"type": "gp3"}))
    told = kubectl("apply", "-f", "-", fails=True, give=storage_class("fast", {"type": "io2"}))
    has("fixed", told, 'The StorageClass "fast" is invalid: parameters: Forbidden: updates to '
                       "parameters are forbidden.")
    note = "storageclass.kubernetes.io/is-default-class=true"
    kubectl("annotate", "storageclass", "fast", note)
    has("default", kubectl("get", "sc"), "fast (default)")
    claim = {"apiVersion": "v1", "kind": "PersistentVolumeClaim", "metadata": {"name": "disk"},
             "spec": {"accessModes": ["ReadWriteOnce"],
                      "resources": {"requests": {"storage": "1Gi"}}}}
    kubectl("create", "-f", "-", give=claim)
    equal("class", kubectl("get", "pvc", "disk", "-o", "jsonpath={.spec.storageClassName}"), "fast")


def applies(kubectl):
    def apply(data, manager, *more, fails=False):
        return kubectl("apply", "--server-side", "--field-manager", manager, *more, "-f", "-",
                       give=config_map(data), fails=fails)
    has("applied", apply({"a": "1", "b": "1"}, "one"), "serverside-applied")
    version = lambda: kubectl("get", "cm", "settings", "-o", "jsonpath={.metadata.resourceVersion}")
    before = version()
    apply({"a": "1", "b": "1"}, "one")
    equal("the same again", version(), before)
    told = apply({"a": "2"}, "two", fails=True)
    has("conflict", told, 'Apply failed with 1 conflict: conflict with "one": .data.a')
    apply({"a": "2"}, "two", "--force-conflicts")
    data = lambda: json.loads(kubectl("get", "cm", "settings", "-o", "jsonpath={.data}"))
    equal("forced", data(), {"a": "2", "b": "1"})
    apply({}, "one")
    equal("given up", data(), {"a": "2"})
    shown = json.loads(kubectl("get", "cm", "settings", "-o", "json", "--show-managed-fields"))
    managers = {it["manager"]: it["fieldsV1"] for it in shown["metadata"]["managedFields"]}
    equal("managers", managers.get("two"), {"f:data": {"f:a": {}}})


def waits(kubectl):
    kubectl("create", "namespace", "team")
    until(lambda: "default" in kubectl("-n", "team", "get", "serviceaccounts"))
    has("authority", kubectl("-n", "team", "get", "cm", "kube-root-ca.crt", "-o", "yaml"),
        "BEGIN CERTIFICATE")
    held = config_map({}, "held")
    held["metadata"].update(namespace="team", finalizers=["example.com/hold"])
    kubectl("create", "-f", "-", give=held)
    kubectl("delete", "namespace", "team", "--wait=false")
    has("going", kubectl("get", "namespace", "team"), "Terminating")
    has("refused", kubectl("-n", "team", "create", "configmap", "two", fails=True),
        "because it is being terminated")
    waiting = threading.Thread(target=kubectl, args=(
        "wait", "--for=delete", "namespace/team", "--timeout=30s"))
    waiting.start()
    time.sleep(1)
    equal("waiting", waiting.is_alive(), True)
    kubectl("-n", "team", "patch", "configmap", "held", "-p", '{"metadata":{"finalizers":null}}')
    waiting.join(30)
    kubectl("get", "namespace", "team", fails=True)
    has("nowhere", kubectl("-n", "team", "create", "configmap", "one", fails=True),
        'namespaces "team" not found')


def rights(kubectl):
    has("protected", kubectl("delete", "namespace", "default", fails=True),
        "this namespace may not be deleted")
    equal("may all", kubectl("auth", "can-i", "*", "*").strip().splitlines()[-1], "yes")
    kubectl("create", "serviceaccount", "robot")
    kubectl("create", "rolebinding", "robot", "--clusterrole=view", "--serviceaccount=default:robot")
    path = urlparse(CLUSTER["endpoint"]).path
    path += "/api/v1/namespaces/default/serviceaccounts/robot/token"
    asked = {"apiVersion": "authentication.k8s.io/v1", "kind": "TokenRequest",
             "spec": {"expirationSeconds": 86400}}
    given = json.loads(kubectl("create", "--raw", path, "-f", "-", give=asked))
    robot = use("robot", given["status"]["token"])
    robot("get", "configmaps")
    has("secrets", robot("get", "secrets", fails=True),
        'secrets is forbidden: User "system:serviceaccount:default:robot" cannot list resource '
        '"secrets" in API group "" in the namespace "default"')
    has("can-i", robot("auth", "can-i", "create", "pods", fails=True), "no")
    has("short", kubectl("create", "--raw", path, "-f", "-", fails=True,
                         give={**asked, "spec": {"expirationSeconds": 60}}), "10 minutes")
    kubectl("delete", "serviceaccount", "robot")
    has("gone", robot("get", "configmaps", fails=True), "You must be logged in to the server")


def strangers():
    for bearer in ["k8s-aws-v1.aGVsbG8", cluster.token("other"), "x.y.z",
                   cluster.token(header="x-k8s-aws-other")]:
        has("stranger", use("stranger", bearer)("get", "ns", fails=True),
            "You must be logged in to the server")


def entries():
    """A role gets in a moment after it has an access entry, and may what its policy allows."""
    arn = cluster.role(URL, "viewer", {"AWS": f"arn:aws:iam::{cluster.ACCOUNT}:root"})
    eks = client("eks", URL)
    until(lambda: entered(eks, arn))

    def viewer(*arguments, **more):
        # A session lasts seconds at this pace.
        session = until(lambda: assumed(arn))
        return use("viewer", cluster.token(session=session))(*arguments, **more)

    eks.associate_access_policy(
        clusterName=cluster.NAME, principalArn=arn, accessScope={"type": "cluster"},
        policyArn="arn:aws:eks::aws:cluster-access-policy/AmazonEKSViewPolicy")
    until(lambda: "kube-root-ca" in viewer("get", "configmaps", fails=None))
    has("viewer", viewer("delete", "configmap", "settings", fails=True),
        "cannot delete resource", "assumed-role/viewer/it")


def assumed(arn):
    sts = client("sts", URL)
    try:
        given = sts.assume_role(RoleArn=arn, RoleSessionName="it")["Credentials"]
    except sts.exceptions.ClientError:
        return None
    return boto3.Session(given["AccessKeyId"], given["SecretAccessKey"], given["SessionToken"])


def entered(eks, arn):
    try:
        return eks.create_access_entry(clusterName=cluster.NAME, principalArn=arn)
    except eks.exceptions.InvalidParameterException:
        return None


CLUSTER = cluster.make(URL)
OWNER = use("owner", cluster.token())
with VERDICT:
    for part in [reads, writes, others, storage, applies, waits, rights]:
        part(OWNER)
    strangers()
    entries()

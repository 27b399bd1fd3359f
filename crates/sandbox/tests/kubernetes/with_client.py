"""What the Python client of Kubernetes sees and does: the argument is the address of the simulated
AWS."""
import sys
import threading

import kubernetes
from kubernetes.client.exceptions import ApiException

import cluster
from cluster import Verdict

URL = sys.argv[1]
VERDICT = Verdict()
has, equal = VERDICT.has, VERDICT.equal


def refused(what, code, call, *parts):
    """Makes a call that must be refused."""
    try:
        call()
    except ApiException as error:
        equal(what, error.status, code)
        has(what, error.body, '"kind":"Status"', *parts)
        return
    VERDICT.wrong.append(f"{what} was not refused")


def config_map(name, labels=None, **data):
    return {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": name, "labels": labels or {}},
            "data": data}


def life(core):
    made = core.create_namespaced_config_map("default", config_map("one", a="1"))
    stale = made.metadata.resource_version
    made.data["a"] = "2"
    changed = core.replace_namespaced_config_map("one", "default", made)
    equal("uid", changed.metadata.uid, made.metadata.uid)
    made.metadata.resource_version = stale
    refused("conflict", 409, lambda: core.replace_namespaced_config_map("one", "default", made),
            "the object has been modified")
    patched = core.patch_namespaced_config_map("one", "default", {"data": {"b": "3"}})
    equal("patched", patched.data, {"a": "2", "b": "3"})
    refused("kind", 400, lambda: core.create_namespaced_secret("default", config_map("odd")),
            "does not match the expected API version")
    uid = {"preconditions": {"uid": "other"}}
    refused("precondition", 409,
            lambda: core.delete_namespaced_config_map("one", "default", body=uid),
            "UID in precondition: other")


def pages(core):
    for n in range(5):
        core.create_namespaced_config_map("kube-public", config_map(f"page-{n}", {"p": "y"}))
    names, token = [], None
    while True:
        page = core.list_namespaced_config_map(
            "kube-public", label_selector="p=y", limit=2, _continue=token)
        names += [item.metadata.name for item in page.items]
        token = page.metadata._continue
        if not token:
            break
    equal("pages", names, [f"page-{n}" for n in range(5)])
    refused("field", 400, lambda: core.list_namespaced_config_map(
        "default", field_selector="data.a=1"), "field label not supported")
    core.delete_collection_namespaced_config_map("kube-public", label_selector="p=y")
    equal("none", core.list_namespaced_config_map("kube-public", label_selector="p=y").items, [])


def watches(core):
    seen, version = [], core.list_namespaced_config_map("default").metadata.resource_version

    def listen():
        stream = kubernetes.watch.Watch().stream(
            core.list_namespaced_config_map, "default", resource_version=version,
            label_selector="w=y", timeout_seconds=20)
        for event in stream:
            seen.append((event["type"], event["object"].metadata.name, event["object"].data))
            if event["type"] == "DELETED":
                return
    listener = threading.Thread(target=listen)
    listener.start()
    core.create_namespaced_config_map("default", config_map("quiet"))
    core.create_namespaced_config_map("default", config_map("loud", {"w": "y"}, a="1"))
    core.patch_namespaced_config_map("loud", "default", {"data": {"a": "2"}})
    core.delete_namespaced_config_map("loud", "default")
    listener.join(25)
    equal("watched", seen, [("ADDED", "loud", {"a": "1"}), ("MODIFIED", "loud", {"a": "2"}),
                            ("DELETED", "loud", {"a": "2"})])


def lists_merge(apps):
    container = {"name": "main", "image": "a:1", "ports": [{"containerPort": 80}]}
    spec = {"selector": {"matchLabels": {"app": "x"}}, "template": {
        "metadata": {"labels": {"app": "x"}}, "spec": {"containers": [container]}}}
    made = apps.create_namespaced_deployment("default", {
        "apiVersion": "apps/v1", "kind": "Deployment", "metadata": {"name": "web"}, "spec": spec})
    equal("defaults", (made.spec.replicas, made.metadata.generation), (1, 1))
    side = {"spec": {"template": {"spec": {"containers": [{"name": "side", "image": "b:1"}]}}}}
    both = apps.patch_namespaced_deployment("web", "default", side)
    equal("merged", [it.name for it in both.spec.template.spec.containers], ["main", "side"])
    equal("generation", both.metadata.generation, 2)
    other = {"spec": {"selector": {"matchLabels": {"app": "y"}}}}
    refused("selector", 422, lambda: apps.patch_namespaced_deployment("web", "default", other),
            "spec.selector", "field is immutable")
    apps.delete_namespaced_deployment("web", "default")


def owners(core):
    owner = core.create_namespaced_config_map("default", config_map("owner"))
    owned = config_map("owned")
    owned["metadata"]["ownerReferences"] = [{
        "apiVersion": "v1", "kind": "ConfigMap", "name": "owner", "uid": owner.metadata.uid}]
    core.create_namespaced_config_map("default", owned)
    core.delete_namespaced_config_map("owner", "default")
    names = lambda: [it.metadata.name for it in core.list_namespaced_config_map("default").items]
    cluster.until(lambda: "owned" not in names())
    held = config_map("held")
    held["metadata"]["finalizers"] = ["example.com/hold"]
    core.create_namespaced_config_map("default", held)
    core.delete_namespaced_config_map("held", "default")
    still = core.read_namespaced_config_map("held", "default")
    equal("held", still.metadata.deletion_timestamp is not None, True)
    core.patch_namespaced_config_map("held", "default", {"metadata": {"finalizers": None}})
    refused("free", 404, lambda: core.read_namespaced_config_map("held", "default"))


def applies(core):
    def apply(manager, data, **more):
        return core.patch_namespaced_config_map(
            "applied", "default", config_map("applied", **data), field_manager=manager,
            _content_type="application/apply-patch+yaml", **more)
    made = apply("one", {"a": "1", "b": "1"})
    equal("made", [(it.manager, it.operation) for it in made.metadata.managed_fields],
          [("one", "Apply")])
    refused("conflict", 409, lambda: apply("two", {"a": "2"}), "FieldManagerConflict",
            'conflict with \\"one\\"', '"field":".data.a"')
    equal("forced", apply("two", {"a": "2"}, force=True).data, {"a": "2", "b": "1"})
    equal("shared", len(apply("three", {"b": "1"}).metadata.managed_fields), 3)
    equal("given up", apply("one", {}).data, {"a": "2", "b": "1"})
    equal("gone", apply("three", {}).data, {"a": "2"})
    refused("no manager", 422, lambda: apply(None, {}), "fieldManager: Required value")


def configured(bearer):
    made = cluster.config(CLUSTER, bearer)
    return kubernetes.config.new_client_from_config_dict(made)


def strangers():
    nobody = kubernetes.client.CoreV1Api(configured("nobody"))
    refused("nobody", 401, lambda: nobody.list_namespace(), '"reason":"Unauthorized"')


CLUSTER = cluster.make(URL)
API = configured(cluster.token())
CORE = kubernetes.client.CoreV1Api(API)
with VERDICT:
    life(CORE)
    pages(CORE)
    watches(CORE)
    lists_merge(kubernetes.client.AppsV1Api(API))
    owners(CORE)
    applies(CORE)
    strangers()
    equal("version", kubernetes.client.VersionApi(API).get_code().minor, "35")

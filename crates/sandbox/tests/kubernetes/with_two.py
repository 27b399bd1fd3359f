"""One world that two sandboxes answer for: arguments are the addresses of their simulated AWS, and a
folder."""
import json
import pathlib
import sys
import threading
import time

import cluster
from cluster import NAME, Verdict, client, until

ONE, OTHER, FOLDER = sys.argv[1], sys.argv[2], pathlib.Path(sys.argv[3])
VERDICT = Verdict()
has, equal = VERDICT.has, VERDICT.equal


def use(name, described):
    config = cluster.config(described, cluster.token())
    return cluster.kubectl(FOLDER, name, config, VERDICT)


MADE = cluster.make(ONE)
with VERDICT:
    SEEN = until(lambda: cluster.active(client("eks", OTHER)))
    equal("authority", SEEN["certificateAuthority"], MADE["certificateAuthority"])
    equal("endpoints differ", SEEN["endpoint"] != MADE["endpoint"], True)
    here, there = use("one", MADE), use("other", SEEN)
    here("create", "configmap", "shared", "--from-literal=a=1")
    equal("read", there("get", "configmap", "shared", "-o", "jsonpath={.data.a}"), "1")
    there("patch", "configmap", "shared", "-p", '{"data":{"a":"2"}}')
    uid = [json.loads(it("get", "configmap", "shared", "-o", "json"))["metadata"]["uid"]
           for it in (here, there)]
    equal("the same", uid[0], uid[1])
    equal("changed", here("get", "configmap", "shared", "-o", "jsonpath={.data.a}"), "2")
    waits = threading.Thread(target=there, args=(
        "wait", "--for=jsonpath={.data.a}=3", "configmap/shared", "--timeout=20s"))
    waits.start()
    time.sleep(1)
    here("patch", "configmap", "shared", "-p", '{"data":{"a":"3"}}')
    waits.join(25)
    equal("heard of it", waits.is_alive(), False)
    client("eks", OTHER).delete_cluster(name=NAME)
    until(lambda: not client("eks", ONE).list_clusters()["clusters"])
    has("gone", here("get", "configmaps", fails=True), "EOF")

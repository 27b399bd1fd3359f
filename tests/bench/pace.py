"""How long building and destroying take, against the least that the simulated AWS made possible.

Arguments: the program, how many times faster than real time passes, the most that a run may take as a
multiple of its critical path, and the seeds of the worlds, from each of which other durations are drawn.
The critical path is computed from what the world recorded of each object and from the constraints in
docs/benchmarks.md, never from our own graph. Prints a table of the world in which each life took most of
its critical path, with the most reads of any, and fails when a limit is broken in any."""

import json
import os
import re
import shutil
import subprocess
import sys
import tempfile
import time
import urllib.request
from urllib.parse import unquote

from table import Table

PROGRAM, SPEED, LIMIT = os.path.abspath(sys.argv[1]), float(sys.argv[2]), float(sys.argv[3])
SEEDS = [int(seed) for seed in sys.argv[4:]] or [1]
HERE = os.path.dirname(os.path.abspath(__file__))
ROOT = os.path.join(HERE, "../..")
FILE = os.path.join(ROOT, "plans/qualytics-eks.yaml")
DOCUMENT = os.path.join(ROOT, "docs/benchmarks.md")
# The most reads of one object while it is waited for; all of a command are counted.
READS = 60
# Kinds whose objects are waited for, in building and in destroying, and are asked for by name.
WAITED = {
    "ec2.nat_gateway",
    "ec2.subnet",
    "ec2.vpc",
    "eks.cluster",
    "eks.node_group",
    "iam.role",
    "logs.group",
}
# Kinds of what a cluster leaves behind, which is looked for by its network while it goes.
BEHIND = {"ec2.network_interface", "ec2.security_group"}
# Seconds.
ENDS_WITHIN = 900
# When worlds begin, in milliseconds since 1970: 2026-11-21, as in tests/common/cloud.rs.
DAY = 1_795_219_200_000

# The file that the simulated AWS writes each of its calls to.
RECORD = "PROVISION_SANDBOX_RECORD"


class Life:
    """What the world recorded of one object, in seconds."""

    def __init__(self, kind, name):
        self.kind, self.name, self.moments = kind, name, []

    def first(self, *statuses):
        times = [time for time, status in self.moments if status in statuses]
        return times[0] if times else None

    def asked(self):
        return self.moments[0][0]

    def ready(self):
        return self.first("ACTIVE", "available") or self.asked()

    def left(self):
        return self.first("DELETING", "deleting") or self.gone()

    def gone(self):
        return self.first(None, "deleted")


class World:
    """The simulated AWS, and what it recorded."""

    def __init__(self, folder, seed):
        record = os.environ.get(RECORD) or os.path.join(folder, "calls")
        self.record = record if len(SEEDS) == 1 else f"{record}.{seed}"
        # In memory: how long this machine takes to write a file is no time of AWS.
        command = [PROGRAM, "sandbox", "serve", "--sandbox-speed", str(SPEED)]
        command += ["--credential", "testing:testing"]
        environment = {**os.environ, RECORD: self.record}
        self.process = subprocess.Popen(command, stdout=subprocess.PIPE, env=environment)
        self.url = json.loads(self.process.stdout.readline())["aws"]
        empty = {"format": "provision.sandbox/v1", "seed": seed, "serial": 0, "now": DAY, "drawn": 0}
        self.ask("world", {**empty, "objects": []})

    def ask(self, endpoint, said=None):
        said = None if said is None else json.dumps(said).encode()
        with urllib.request.urlopen(f"{self.url}/_sandbox/{endpoint}", said, timeout=60) as reply:
            return json.load(reply)

    def lives(self, since):
        """Returns the lives of what was made or changed since a time, by kind."""
        lives = {}
        for moment in self.ask("history"):
            life = lives.setdefault(moment["id"], Life(moment["kind"], moment["id"]))
            life.moments.append((moment["time"] / 1000, moment["status"]))
        by_kind = {}
        for life in lives.values():
            if life.moments[-1][0] >= since:
                by_kind.setdefault(life.kind, []).append(life)
        return by_kind


def run(folder, url, command):
    """Runs a command, and returns its simulated seconds and how long it expected to take."""
    environment = {
        "PATH": os.environ["PATH"],
        "HOME": folder,
        "AWS_ACCESS_KEY_ID": "testing",
        "AWS_SECRET_ACCESS_KEY": "testing",
        "AWS_EC2_METADATA_DISABLED": "true",
        "AWS_ENDPOINT_URL": url,
        "NO_PROXY": "127.0.0.1",
        "PROVISION_TIME_SCALE": str(SPEED),
    }
    since = time.monotonic()
    done = subprocess.run(
        [PROGRAM, command, "--auto-approve", "--json"],
        cwd=folder,
        env=environment,
        capture_output=True,
        text=True,
        timeout=ENDS_WITHIN,
    )
    took = (time.monotonic() - since) * SPEED
    if done.returncode != 0:
        sys.exit(f"{command} ended with {done.returncode}\n{done.stdout}{done.stderr}")
    expected = json.loads(done.stdout.splitlines()[-1])["expectedSeconds"]
    return took, expected * SPEED


def constraints(life):
    """Reads the constraints of one life from the document: what waits for what, and takes how long
    at the least where the world does not record it."""
    with open(DOCUMENT) as file:
        text = file.read()
    begin, end = text.index("<!-- constraints"), text.index("<!-- end of constraints")
    rows = {}
    for line in text[begin:end].splitlines():
        cells = [cell.strip() for cell in line.strip("|").split("|")]
        if cells[0] == life:
            _, what, after, takes, _ = cells
            seconds = re.fullmatch(r"(\d+) s", takes)
            after = [] if after == "nothing" else after.split(", ")
            rows[what] = (after, int(seconds[1]) if seconds else takes)
    return rows


def longest(lives, ask, leave):
    """Returns how long the longest of some lives took from one moment to another."""
    return max((max(0, leave(life) - ask(life)) for life in lives), default=0)


def spans(lives):
    """Returns how long each thing took that the world records, for building and for destroying."""
    made = {
        kind: longest(all, Life.asked, Life.ready) for kind, all in lives.items()
    }
    went = {
        kind: longest([life for life in all if life.gone()], Life.left, Life.gone)
        for kind, all in lives.items()
    }
    clusters = [life.gone() for life in lives.get("eks.cluster", []) if life.gone()]
    behind = lives.get("ec2.network_interface", []) + lives.get("ec2.security_group", [])
    behind = [life.gone() for life in behind if life.gone()]
    left = max(behind) - max(clusters) if clusters and behind else 0
    groups = lives.get("eks.node_group", [])
    begun = min((group.asked() for group in groups), default=0)
    nodes = min((group.ready() for group in groups), default=0)
    made["first eks.node_group"] = nodes - begun
    addons = lives.get("eks.addon", [])
    made["eks.addon on nodes"] = longest(addons, lambda it: max(nodes, it.asked()), Life.ready)
    return made, went, max(0, left)


def critical(life, lives):
    """Returns the critical path of a life in seconds, and the things on it."""
    made, went, left = spans(lives)
    recorded = {"build": made, "destroy": {**went, "left behind": left}}[life]
    rows, paths = constraints(life), {}

    def path(what):
        if what not in paths:
            after, takes = rows[what]
            seconds = takes if isinstance(takes, int) else recorded.get(takes.split("`")[1], 0)
            before, through = max((path(one) for one in after), default=(0, []))
            paths[what] = (before + seconds, through + [what] if seconds else through)
        return paths[what]

    return max(path(what) for what in rows)


def calls(world):
    """Returns what was asked of AWS: when, which operation, and all that was said with it."""
    log = [it for it in world.ask("requests") if it["service"] != "kubernetes"]
    with open(world.record) as file:
        lines = [json.loads(line) for line in file]
    assert len(log) == len(lines), f"{len(log)} calls are in the log, {len(lines)} in the record"
    for asked, line in zip(log, lines, strict=True):
        action = re.match(r"Action=(\w+)", line["body"])
        assert not action or action[1] == asked["operation"], (asked, line)
        yield asked["time"] / 1000, asked["operation"], unquote(line["path"] + " " + line["body"])


def said_of(life):
    """Returns patterns for the operations that read one object, and for what they say that it is."""
    words = life.name.split(":")[-1].split("/")
    noun = "".join(word.capitalize() for word in life.kind.split(".")[-1].split("_"))
    operations, named = {
        "eks.cluster": ("DescribeCluster$", "/clusters/{1}( |\\?|$)"),
        "eks.node_group": ("DescribeNodegroup$", "/node-groups/{2}( |\\?|$)"),
        "eks.addon": ("DescribeAddon$", "/addons/{2}( |\\?|$)"),
        "eks.pod_identity_association": ("Describe", "/pod-identity-associations/{2}( |\\?|$)"),
        "ec2.network_interface": ("DescribeNetworkInterfaces$", "vpc-"),
        "ec2.security_group": ("DescribeSecurityGroups$", "vpc-"),
        "ec2.launch_template": ("DescribeLaunchTemplate(s|Versions)$", "{0}"),
        "logs.group": ("DescribeLogGroups$", life.name.split(":log-group:")[-1]),
    }.get(life.kind, (f"(Describe|Get|List){noun}(s|es|Attribute)?$", "(?<![\\w-]){last}(?![\\w-])"))
    words = [re.escape(word) for word in words]
    return operations, named.format(*words, last=words[-1])


def reads(asked, lives, waited):
    """Returns the most reads that name one object, or what it is looked for by, in all its waits
    together, and which object. Each kind that is waited for must have been read."""
    counts = []
    for life in (one for all in lives.values() for one in all):
        operation, words = said_of(life)
        its = [1 for name, said in asked if re.match(operation, name) and re.search(words, said)]
        counts.append((len(its), life.kind, life.name))
    for kind in waited & lives.keys():
        assert any(count for count, its, _ in counts if its == kind), f"no {kind} was read"
    return max(counts)


def measure(folder, seed):
    """Builds and destroys a cluster in a world of its own. Returns of each command what it took, with the
    rows of its table."""
    world = World(folder, seed)
    try:
        shutil.copy(FILE, os.path.join(folder, "provision.yaml"))
        lived, seen, since = {}, 0, 0
        for life, command in (("build", "apply"), ("destroy", "destroy")):
            took, expected = run(folder, world.url, command)
            asked, lives = list(calls(world)), world.lives(since)
            since, now = asked[-1][0], [call[1:] for call in asked[seen:]]
            seen = len(asked)
            least, through = critical(life, lives)
            waited = WAITED | BEHIND if life == "destroy" else WAITED
            most, kind, name = reads(now, lives, waited)
            print(f"{command}, seed {seed}: {', then '.join(through)}", file=sys.stderr)
            print(f"{command}: {took / least:.4g} times; {kind} {name} was read {most} times",
                  file=sys.stderr)
            lived[command] = (took / least, most, [
                ("critical path", least, None, " s"),
                ("simulated time", took, None, " s"),
                ("of the critical path", took / least, LIMIT, " times"),
                ("expected", expected, None, " s"),
            ])
    finally:
        world.process.kill()
        world.process.wait()
    return lived


def main():
    measured = []
    for seed in SEEDS:
        with tempfile.TemporaryDirectory() as folder:
            measured.append(measure(folder, seed))
    table = Table()
    for command in ("apply", "destroy"):
        all = [lived[command] for lived in measured]
        _, _, rows = max(all, key=lambda lived: lived[0])
        for what, value, limit, unit in rows:
            table.row(f"{command}: {what}", value, limit, unit)
        most = max(most for _, most, _ in all)
        table.row(f"{command}: reads of one object, at most", most, READS)
    table.end()


main()

"""What the program costs against the simulated AWS: CPU time, memory and calls, held to limits.

Argument: the program, as it is released. Wall times depend on who else is at work: they are shown,
and only the start of the program is limited, where the machine is quiet. Prints a table, and fails
when a limit is broken."""

import http.client
import http.server
import json
import os
import shutil
import signal
import statistics
import subprocess
import sys
import tempfile
import threading
import time

from table import MB, Table

PROGRAM = os.path.abspath(sys.argv[1])
HERE = os.path.dirname(os.path.abspath(__file__))
LAUNCHER = os.path.join(HERE, "launcher.py")
FILE = os.path.join(HERE, "../../plans/qualytics-eks.yaml")
# Milliseconds until the program has said its version.
START = 10
# Seconds.
ENDS_WITHIN = 600


class Counter(http.server.BaseHTTPRequestHandler):
    """Passes everything on to the simulated AWS, and counts."""

    protocol_version = "HTTP/1.1"
    cloud = ""
    calls = 0
    lock = threading.Lock()

    def handle_one(self):
        with Counter.lock:
            Counter.calls += 1
        body = self.rfile.read(int(self.headers.get("content-length", 0)))
        cloud = http.client.HTTPConnection(Counter.cloud)
        cloud.request(self.command, self.path, body, dict(self.headers))
        answer = cloud.getresponse()
        data = answer.read()
        self.send_response_only(answer.status)
        for name, value in answer.getheaders():
            if name.lower() not in ("connection", "content-length", "transfer-encoding"):
                self.send_header(name, value)
        self.send_header("content-length", str(len(data)))
        self.end_headers()
        self.wfile.write(data)
        cloud.close()

    do_GET = do_POST = do_PUT = do_DELETE = do_HEAD = handle_one

    def log_message(self, *_):
        pass


class Ran:
    """What one run cost."""

    def __init__(self, folder, url, *arguments):
        environment = {
            "PATH": os.environ["PATH"],
            "HOME": folder,
            "AWS_ACCESS_KEY_ID": "testing",
            "AWS_SECRET_ACCESS_KEY": "testing",
            "AWS_EC2_METADATA_DISABLED": "true",
            "AWS_ENDPOINT_URL": url,
            "PROVISION_TIME_SCALE": "1000",
        }
        before, costs = Counter.calls, os.path.join(folder, "costs")
        process = subprocess.Popen(
            [sys.executable, "-ISE", LAUNCHER, costs, PROGRAM, *arguments],
            cwd=folder,
            env=environment,
            stdout=subprocess.PIPE,
            start_new_session=True,
        )
        try:
            self.out, _ = process.communicate()
        except BaseException:
            os.killpg(process.pid, signal.SIGKILL)
            raise
        if process.returncode != 0:
            sys.exit(f"{arguments} ended with {process.returncode}")
        with open(costs) as file:
            self.wall, self.cpu, self.memory = map(float, file.read().split())
        self.calls = Counter.calls - before


def show(table, what, runs, calls, cpu, memory):
    """Shows runs of one command: the median of times, and the most of everything else."""
    table.row(f"{what}: calls", max(run.calls for run in runs), calls)
    table.row(f"{what}: CPU", statistics.median(run.cpu for run in runs), cpu, " s")
    table.row(f"{what}: wall", statistics.median(run.wall for run in runs), unit=" s")
    table.row(f"{what}: peak memory", max(run.memory for run in runs) / MB, memory, " MB")


def show_start(table, run):
    """Shows how soon the program is there. On a machine that is at work for others too, the wall
    time is theirs."""
    runs, at_work = [], []
    for _ in range(21):
        runs.append(run("--version"))
        with open("/proc/loadavg") as file:
            at_work.append(int(file.read().split()[3].split("/")[0]))
    is_quiet = statistics.median(at_work) <= len(os.sched_getaffinity(0))
    wall = statistics.median(ran.wall for ran in runs)
    table.row("--version: wall", 1000 * wall, START if is_quiet else None, " ms")
    cpu = statistics.median(ran.cpu for ran in runs)
    table.row("--version: CPU", 1000 * cpu, START, " ms")


def measure(folder, url):
    def run(*arguments):
        return Ran(folder, url, *arguments)

    shutil.copy(FILE, os.path.join(folder, "provision.yaml"))
    table = Table()
    table.row("binary", os.stat(PROGRAM).st_size / MB, 75, " MB")
    show_start(table, run)
    show(table, "first plan", [run("plan")], 48, 0.3, 60)
    create = run("apply", "--auto-approve")
    all = json.loads(run("show", "--json").out)["resources"]
    # What is inside the cluster asks its own API, and no other.
    resources = sum(it["kind"].startswith("aws.") for it in all)
    table.row("resources of AWS", resources)
    show(table, "create", [create], 300, 1, 60)
    table.row("create: calls a resource", create.calls / resources)
    again = [run("plan", "--detailed-exitcode") for _ in range(5)]
    show(table, "plan without changes", again, 55, 0.3, 60)
    destroy = run("destroy", "--auto-approve")
    show(table, "destroy", [destroy], 440, 1, 60)
    table.row("destroy: calls a resource", destroy.calls / resources)
    return table


def start_cloud():
    """Starts the simulated AWS, and returns its process and where it answers."""
    command = [PROGRAM, "sandbox", "serve", "--sandbox-speed", "instant"]
    command += ["--credential", "testing:testing"]
    process = subprocess.Popen(command, stdout=subprocess.PIPE)
    ready = json.loads(process.stdout.readline())
    return process, ready["aws"].removeprefix("http://")


def out_of_time(*_):
    sys.exit(f"not done after {ENDS_WITHIN} s")


def main():
    signal.signal(signal.SIGALRM, out_of_time)
    signal.alarm(ENDS_WITHIN)
    cloud, Counter.cloud = start_cloud()
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Counter)
    server.daemon_threads = True
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        with tempfile.TemporaryDirectory() as folder:
            table = measure(folder, f"http://127.0.0.1:{server.server_port}")
    finally:
        server.shutdown()
        cloud.kill()
        cloud.wait()
    table.end()


main()

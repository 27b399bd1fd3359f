"""What the program costs against moto: CPU time, memory and calls, held to limits.

Argument: the program, as it is released. Wall times are shown and not limited: they depend on who
else is at work. Prints a table, and fails when a limit is broken."""

import http.client
import http.server
import json
import os
import socket
import statistics
import subprocess
import sys
import tempfile
import threading
import time

PROGRAM = os.path.abspath(sys.argv[1])
FILE = "name: acme-prod\nprovider: eks\nregion: us-east-1\nprofile: qualytics\n"
MB = 1e6
START_WITHIN = 60


class Counter(http.server.BaseHTTPRequestHandler):
    """Passes everything on to moto, and counts."""

    protocol_version = "HTTP/1.1"
    moto = 0
    calls = 0
    lock = threading.Lock()

    def handle_one(self):
        with Counter.lock:
            Counter.calls += 1
        body = self.rfile.read(int(self.headers.get("content-length", 0)))
        moto = http.client.HTTPConnection("127.0.0.1", Counter.moto)
        moto.request(self.command, self.path, body, dict(self.headers))
        answer = moto.getresponse()
        data = answer.read()
        self.send_response_only(answer.status)
        for name, value in answer.getheaders():
            if name.lower() not in ("connection", "content-length", "transfer-encoding"):
                self.send_header(name, value)
        self.send_header("content-length", str(len(data)))
        self.end_headers()
        self.wfile.write(data)
        moto.close()

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
            "PROVISION_TIME_SCALE": "50",
        }
        before, since = Counter.calls, time.monotonic()
        process = subprocess.Popen(
            [PROGRAM, *arguments], cwd=folder, env=environment, stdout=subprocess.PIPE
        )
        self.out = process.stdout.read()
        _, status, used = os.wait4(process.pid, 0)
        self.wall = time.monotonic() - since
        process.returncode = os.waitstatus_to_exitcode(status)
        if process.returncode != 0:
            sys.exit(f"{arguments} ended with {process.returncode}")
        self.calls = Counter.calls - before
        self.cpu = used.ru_utime + used.ru_stime
        self.memory = used.ru_maxrss * 1024


class Table:
    """Rows with limits."""

    def __init__(self):
        self.broken = []
        print("| what | measured | limit |\n|---|---|---|")

    def row(self, what, value, limit=None, unit=""):
        bound = "" if limit is None else f"{limit:g}{unit}"
        print(f"| {what} | {value:.4g}{unit} | {bound} |", flush=True)
        if limit is not None and value > limit:
            self.broken.append(f"{what}: {value:.4g}{unit} is over {limit:g}{unit}")

    def run(self, what, ran, calls, cpu, memory):
        self.row(f"{what}: calls", ran.calls, calls)
        self.row(f"{what}: CPU", ran.cpu, cpu, " s")
        self.row(f"{what}: wall", ran.wall, unit=" s")
        self.row(f"{what}: peak memory", ran.memory / MB, memory, " MB")


def median(runs):
    """Takes the run in the middle, by CPU time."""
    return sorted(runs, key=lambda ran: ran.cpu)[len(runs) // 2]


def measure(folder, url):
    def run(*arguments):
        return Ran(folder, url, *arguments)

    with open(os.path.join(folder, "provision.yaml"), "w") as file:
        file.write(FILE)
    table = Table()
    table.row("binary", os.stat(PROGRAM).st_size / MB, 60, " MB")
    versions = [run("--version") for _ in range(21)]
    table.row("--version: CPU", 1000 * median(versions).cpu, 10, " ms")
    wall = statistics.median(ran.wall for ran in versions)
    table.row("--version: wall", 1000 * wall, unit=" ms")

    table.run("first plan", run("plan"), 35, 0.3, 60)
    create = run("apply", "--auto-approve")
    resources = len(json.loads(run("show", "--json").out)["resources"])
    table.row("resources", resources)
    table.run("create", create, 180, 1, 60)
    table.row("create: calls a resource", create.calls / resources)
    table.run("plan without changes", median([run("plan") for _ in range(5)]), 30, 0.3, 60)
    destroy = run("destroy", "--auto-approve")
    table.run("destroy", destroy, 320, 1, 60)
    table.row("destroy: calls a resource", destroy.calls / resources)
    return table.broken


def start_moto():
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    process = subprocess.Popen(
        [sys.executable, "-m", "moto.server", "-H", "127.0.0.1", "-p", str(port)],
        env={**os.environ, "MOTO_IAM_LOAD_MANAGED_POLICIES": "true"},
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    until = time.monotonic() + START_WITHIN
    while time.monotonic() < until:
        try:
            socket.create_connection(("127.0.0.1", port)).close()
            return process, port
        except OSError:
            time.sleep(0.1)
    process.kill()
    sys.exit("moto does not answer")


def main():
    moto, Counter.moto = start_moto()
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Counter)
    server.daemon_threads = True
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        with tempfile.TemporaryDirectory() as folder:
            broken = measure(folder, f"http://127.0.0.1:{server.server_port}")
    finally:
        server.shutdown()
        moto.kill()
        moto.wait()
    for line in broken:
        print(f"over the limit: {line}", file=sys.stderr)
    sys.exit(bool(broken))


main()

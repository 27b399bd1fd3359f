"""Runs the command of each line of JSON in its folder, and says how it ended and what it cost."""

import json
import os
import subprocess
import sys
import tempfile
import time

for line in sys.stdin:
    job = json.loads(line)
    with tempfile.TemporaryFile() as out, tempfile.TemporaryFile() as err:
        begun = time.monotonic()
        child = subprocess.Popen(
            job["command"], cwd=job["folder"], env=job["environment"],
            stdin=subprocess.DEVNULL, stdout=out, stderr=err,
        )
        _, status, usage = os.wait4(child.pid, 0)
        out.seek(0), err.seek(0)
        ended = {
            "code": os.waitstatus_to_exitcode(status),
            "stdout": out.read().decode(),
            "stderr": err.read().decode(),
            "seconds": usage.ru_utime + usage.ru_stime,
            "waited": time.monotonic() - begun,
            "mebibytes": usage.ru_maxrss / (1 << (20 if sys.platform == "darwin" else 10)),
        }
    print(json.dumps(ended), flush=True)

"""What building costs: wall time, held to a limit where nothing was built before, CPU and memory.

Arguments: `cold` or `warm`, and the command that builds."""

import os
import resource
import subprocess
import sys
import time

from table import MB, Table

CORES = 2
WITHIN = 720


def main():
    how, *command = sys.argv[1:]
    since = time.monotonic()
    built = subprocess.run(command)
    wall = time.monotonic() - since
    if built.returncode != 0:
        sys.exit(built.returncode)
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    print()
    table = Table()
    cores = len(os.sched_getaffinity(0))
    limit = WITHIN if how == "cold" and cores == CORES else None
    table.row(f"{how} build on {cores} cores: wall", wall, limit, " s")
    table.row(f"{how} build: CPU", used.ru_utime + used.ru_stime, unit=" s")
    table.row(f"{how} build: peak memory of one process", used.ru_maxrss * 1024 / MB, unit=" MB")
    print()
    table.end()


main()

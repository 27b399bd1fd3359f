"""Runs a command and writes to a file what it cost: wall and CPU seconds, and peak bytes.

A process of its own, and a small one: what a process has in memory when it starts another counts as
the other's peak, until that has more."""

import os
import sys
import time

result, *command = sys.argv[1:]
since = time.monotonic()
process = os.posix_spawn(command[0], command, os.environ)
_, status, used = os.wait4(process, 0)
wall = time.monotonic() - since
with open(result, "w") as file:
    file.write(f"{wall} {used.ru_utime + used.ru_stime} {used.ru_maxrss * 1024}")
sys.exit(os.waitstatus_to_exitcode(status) & 0xFF)

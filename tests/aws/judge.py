"""Judges every request of a recording by botocore's models and signer.

Usage: judge.py SOURCES RECORDING... Prints `findings`, the number of requests `judged`, and the
operations that the sources send and no recording has as `unjudged`.
"""

import json
import pathlib
import re
import sys

import rules
import signature
import wire


def judge(exchange):
    """Returns the operation of a request, and what is wrong with it."""
    try:
        call = wire.read(exchange)
    except (wire.Unreadable, ValueError) as error:
        return "?", [str(error)]
    name = f"{call.service.service_name}:{call.operation.name}"
    return name, rules.findings(call, exchange) + signature.findings(exchange)


def sent_by(sources):
    """Returns the operations that the provider's code names where it reads their replies."""
    naming = re.compile(r'\.(?:reply|found|gone|already)\(\s*"(\w+:\w+)"')
    files = pathlib.Path(sources).rglob("*.rs")
    return {name for file in files for name in naming.findall(file.read_text(encoding="utf-8"))}


def main(sources, *recordings):
    findings, judged = set(), []
    for recording in recordings:
        for line in pathlib.Path(recording).read_text(encoding="utf-8").splitlines():
            name, wrong = judge(json.loads(line))
            judged.append(name)
            findings |= {f"{name}: {what}" for what in wrong}
    unjudged = sent_by(sources) - set(judged)
    told = {"findings": sorted(findings), "judged": len(judged), "unjudged": sorted(unjudged)}
    print(json.dumps(told))


if __name__ == "__main__":
    main(*sys.argv[1:])

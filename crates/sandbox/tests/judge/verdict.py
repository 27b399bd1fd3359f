"""Judges every call of recordings by botocore's models: the requests, and the replies.

Usage: verdict.py SOURCES RECORDING... Prints `findings`, how many calls were `judged`, `refused`
calls among them, and the `unjudged` operations: those in the sources that no recording has done.

Usage: verdict.py --listen. Reads a call per line, which no caller makes wrong on purpose, and
prints what is wrong with it, a list per line.
"""

import json
import pathlib
import re
import sys
from collections import Counter

import responses
import rules
import signature
import wire

# Where a reply hands out a key with its secret.
SESSION = re.compile(r"<AccessKeyId>(\w+)</AccessKeyId>\s*<SecretAccessKey>(\S+)</SecretAccessKey>")
# Where the code of a service chooses by the name of an operation, or lists what does it.
CHOICE = re.compile(r'"([A-Z]\w+)"(?: =>|,\s*[\w|])')
# Services that the sources call otherwise than their models.
FOLDERS = {"elbv2": "elb", "elb": "classic_elb"}


# Refusals of whoever signed a request.
SIGNER = re.compile(
    "AuthFailure|ExpiredToken|IncompleteSignature|InvalidClientTokenId|InvalidSignature|"
    "MissingAuthenticationToken|RequestExpired|SignatureDoesNotMatch|UnrecognizedClient"
)


def verdict(exchange, may_be_wrong=True):
    """Returns the operation of a call, and what is wrong with it.

    A request that was refused may be wrong, where that is what some are made for. A call whose
    reply was lost has none.
    """
    try:
        call = wire.read(exchange)
    except (wire.Unreadable, ValueError) as error:
        return "?", [f"request: {error}"]
    name = f"{call.service.service_name}:{call.operation.name}"
    status, found = exchange["status"], []
    is_done = status is not None and status < 300
    if status is not None:
        what = "reply" if is_done else "error"
        found += [f"{what}: {it}" for it in responses.findings(call, exchange)]
    if is_done:
        signature.SECRETS.update(dict(SESSION.findall(exchange["reply"])))
    if is_done or not may_be_wrong:
        found += [f"request: {it}" for it in rules.findings(call, exchange)]
        if is_done or not SIGNER.search(exchange["reply"]):
            found += [f"request: {it}" for it in signature.findings(exchange)]
    return name, found


def listen():
    for line in sys.stdin:
        name, found = verdict(json.loads(line), may_be_wrong=False)
        print(json.dumps([f"{name}: {it}" for it in found]), flush=True)


def built(sources):
    """Returns the operations that the sandbox does."""
    found = set()
    for service in sorted({*wire.SERVICES.values(), wire.CLASSIC[0]}):
        known = set(wire.model(service).operation_names)
        for file in pathlib.Path(sources, FOLDERS.get(service, service)).rglob("*.rs"):
            told = CHOICE.findall(file.read_text(encoding="utf-8"))
            found |= {f"{service}:{name}" for name in told if name in known}
    return found


def main(sources, *recordings):
    findings, done, refused = Counter(), Counter(), Counter()
    for recording in recordings:
        for line in pathlib.Path(recording).read_text(encoding="utf-8").splitlines():
            exchange = json.loads(line)
            name, wrong = verdict(exchange)
            (done if exchange["status"] < 300 else refused)[name] += 1
            findings.update({f"{name}: {what}" for what in wrong})
    told = {
        "findings": sorted(findings),
        "judged": done.total() + refused.total(),
        "refused": refused.total(),
        "operations": len(done),
        "unjudged": sorted(built(sources) - set(done)),
    }
    print(json.dumps(told))


if __name__ == "__main__":
    listen() if sys.argv[1:] == ["--listen"] else main(*sys.argv[1:])

"""Plays scenarios, which are boto3 calls, on a simulated AWS and tells what came of them.

Usage: scene.py URL SCENARIO... Prints the steps of each scenario: operation, outcome and body.
"""

import contextlib
import importlib
import json
import re
import sys
from datetime import date

import boto3
import jmespath
from botocore.config import Config
from botocore.exceptions import ClientError, WaiterError
from botocore.parsers import ResponseParserError

# Ids of EC2; those of IAM and of OIDC issuers, and other random text.
ID = re.compile(r"\b((?:[a-z]+-)+)(?:[0-9a-f]{8}|[0-9a-f]{17})\b")
UNIQUE = re.compile(r"\bA[A-Z]{3}[A-Z0-9]{16,17}\b|\b[0-9A-Fa-f]{32}\b")
UUID = re.compile(r"\b[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}\b")
LONG = re.compile(r"[A-Za-z0-9+/_]{40,}=*")
# Ids that a call returns which is about nothing else.
OWN = {"eipalloc", "igw", "lt", "nat", "rtb", "rtbassoc", "sg", "subnet", "vol", "vpc", "vpce"}
# Members whose values are times, addresses or random, whatever they look like.
LOOSE = {"AccessKeyId", "PolicyId", "PrivateIp", "PrivateIpAddress", "PublicIp", "creationTime"}
LOOSE |= {"InstanceProfileId", "RoleId", "endpoint", "issuer"}
LOOSE |= {"CanonicalHostedZoneName", "DNSName"}

# Each scenario has a region of its own, and so no networks, keys or clusters of others.
REGIONS = [f"{area}-{n}" for area in ("us-east", "us-west", "eu-west") for n in (1, 2)]
REGIONS += ["eu-central-1", "eu-north-1", "ap-south-1", "sa-east-1", "ca-central-1", "eu-west-3"]
REGIONS += ["ap-southeast-1"]
# What comes of a reply that is no answer of AWS's at all.
BROKEN = "unreadable"


class Nothing(str):
    """What a call returned that failed: whatever is taken out of it is nothing too."""

    def __new__(cls):
        return super().__new__(cls, "nothing")

    def __getitem__(self, _):
        return self


class Reply(dict):
    """What a call returned; a member that is not there is nothing."""

    def __missing__(self, _):
        return Nothing()


def has_nothing(value):
    if isinstance(value, dict):
        return any(map(has_nothing, value.values()))
    if isinstance(value, (list, tuple)):
        return any(map(has_nothing, value))
    return isinstance(value, Nothing)


class Scene:
    """A world that scenarios act on."""

    def __init__(self, url, region):
        self.url, self.region = url, region
        self.steps, self.labels, self.clients = [], {}, {}

    def client(self, service, key="testing", secret="testing", token=None):
        """Returns a client that asks once: what a retry would hide shall be seen."""
        config = Config(retries={"total_max_attempts": 1}, read_timeout=30)
        args = (service, key, secret, token)
        if args not in self.clients:
            self.clients[args] = boto3.client(
                service,
                endpoint_url=self.url,
                aws_access_key_id=key,
                aws_secret_access_key=secret,
                aws_session_token=token,
                region_name=self.region,
                config=config,
            )
        return self.clients[args]

    def do(self, words, call, **parameters):
        """Makes a call, and returns its reply, or `Nothing`."""
        operation = call.__self__.meta.method_to_api_mapping[call.__name__]
        if has_nothing(parameters):
            self.told(words, operation, "not reached")
            return Nothing()
        try:
            body = call(**parameters)
        except ClientError as error:
            status = error.response["ResponseMetadata"]["HTTPStatusCode"]
            self.told(words, operation, error.response["Error"]["Code"], status)
            return Nothing()
        except ResponseParserError:
            self.told(words, operation, BROKEN)
            return Nothing()
        body.pop("ResponseMetadata", None)
        self.told(words, operation, "ok", 200, body)
        return Reply(body)

    def look(self, words, path, call, **parameters):
        """Makes a call of whose long reply a part is told, as JMESPath says."""
        reply = self.do(words, call, **parameters)
        step = self.steps[-1]
        if step["outcome"] == "ok":
            step["body"] = {"part": jmespath.search(path, step["body"])}
        return reply

    def wrong(self, words, call, undo, **parameters):
        """Makes a call that is to be refused; what it made if it was not is undone."""
        reply = self.do(words, call, **parameters)
        if not isinstance(reply, Nothing):
            undo(reply)

    def wait(self, words, client, waiter, **parameters):
        """Waits with one of botocore's waiters until it is content."""
        if has_nothing(parameters):
            return self.told(words, f"waiter {waiter}", "not reached")
        config = {"Delay": 0, "MaxAttempts": 400}
        try:
            client.get_waiter(waiter).wait(WaiterConfig=config, **parameters)
            self.told(words, f"waiter {waiter}", "ok", 200, {})
        except WaiterError as error:
            reason = error.last_response.get("Error", {}).get("Code") or error.kwargs["reason"]
            self.told(words, f"waiter {waiter}", reason[:60])
        except ResponseParserError:
            self.told(words, f"waiter {waiter}", BROKEN)
        return None

    def pages(self, words, client, method, key, size, **parameters):
        """Lists with a paginator, and tells how many pages and items there were."""
        operation = client.meta.method_to_api_mapping[method]
        if has_nothing(parameters):
            return self.told(words, operation, "not reached")
        pages = client.get_paginator(method).paginate(
            PaginationConfig={"PageSize": size}, **parameters
        )
        try:
            counts = [len(page[key]) for page in pages]
        except ClientError as error:
            return self.told(words, operation, error.response["Error"]["Code"])
        except ResponseParserError:
            return self.told(words, operation, BROKEN)
        return self.told(words, operation, "ok", 200, {"pages": len(counts), "items": sum(counts)})

    def at(self, items, number):
        """Returns an item of a list, or `Nothing` where there are not so many."""
        return items[number] if len(items) > number else Nothing()

    def known(self, **ids):
        """Gives names to ids that no step told of."""
        self.labels |= {id: f"({name})" for name, id in ids.items()}

    def quietly(self, call, **parameters):
        """Cleans up: what comes of it is of no interest."""
        if not has_nothing(parameters):
            with contextlib.suppress(ClientError, ResponseParserError):
                call(**parameters)

    def told(self, words, operation, outcome, status=0, body=None):
        body = self.plain(words, json.loads(json.dumps(body, default=as_text)))
        step = {"step": words, "operation": operation, "outcome": outcome}
        self.steps.append(step | {"status": status, "body": body})

    def plain(self, words, value):
        """Takes out of a reply what differs from one world to the next: ids, times, random text."""
        if isinstance(value, dict):
            loose = {key: "(any)" for key in LOOSE & value.keys() if value[key] is not None}
            return {key: loose.get(key) or self.plain(words, value[key]) for key in sorted(value)}
        if isinstance(value, list):
            return [self.plain(words, item) for item in value]
        if not isinstance(value, str):
            return value
        if value.startswith("{"):
            with contextlib.suppress(ValueError):
                return json.dumps(self.plain(words, json.loads(value)))
        value = UNIQUE.sub("(id)", UUID.sub("(uuid)", value))
        value = ID.sub(lambda found: self.label(words, found[0], found[1]), value)
        return LONG.sub("(text)", value)

    def label(self, words, id, kind):
        """Calls an id after the step that told of it first, if it is of a kind that steps make."""
        kind = kind.rstrip("-")
        if kind not in OWN:
            return f"({kind})"
        if id not in self.labels:
            same = [it for it in self.labels.values() if it.startswith(f"({kind} of {words}")]
            number = f" {len(same) + 1}" if same else ""
            self.labels[id] = f"({kind} of {words}{number})"
        return self.labels[id]


def as_text(value):
    return "(time)" if isinstance(value, date) else str(value)


def main(url, *scenarios):
    told = {}
    for name, region in zip(scenarios, REGIONS, strict=False):
        scene = Scene(url, region)
        importlib.import_module(f"scenarios.{name}").play(scene)
        told[name] = scene.steps
    print(json.dumps(told))


if __name__ == "__main__":
    main(*sys.argv[1:])

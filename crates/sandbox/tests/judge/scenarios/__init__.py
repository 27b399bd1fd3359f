"""Scenarios: each module has `play`, which makes the same calls in whatever world it is given."""

import json


def tagged(kind, **tags):
    """Returns the tags of something that is being made, in EC2's form."""
    return [{"ResourceType": kind, "Tags": pairs(**tags)}]


def pairs(**tags):
    return [{"Key": key, "Value": value} for key, value in tags.items()]


def trust(service):
    """Returns the policy by which a service may take a role."""
    actions = ["sts:AssumeRole"] + ["sts:TagSession"] * service.startswith("pods.")
    allow = {"Effect": "Allow", "Principal": {"Service": service}, "Action": actions}
    return json.dumps({"Version": "2012-10-17", "Statement": [allow]})

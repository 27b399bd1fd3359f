"""Validates objects, given as JSON, for every version of Kubernetes from 1.30 on."""

import json
import sys

import kubernetes_validate

FIRST = 30
newest = int(kubernetes_validate.latest_version().split(".")[1])
versions = [f"1.{minor}" for minor in range(FIRST, newest + 1)]
wrong = []
for item in json.load(sys.stdin):
    for version in versions:
        try:
            kubernetes_validate.validate(item, version, strict=True)
        except kubernetes_validate.ValidationError as error:
            path = ".".join(map(str, error.path))
            wrong.append(f"{version} {item['kind']} {item['metadata']['name']} {path}: "
                         f"{error.message}")
print(json.dumps({"versions": versions, "wrong": wrong}))

"""Prints the node groups of a cluster as JSON, as boto3 sees them."""

import json
import sys

import boto3

eks = boto3.client("eks", region_name="us-east-1")
cluster = sys.argv[1]
names = eks.list_nodegroups(clusterName=cluster)["nodegroups"]
groups = [eks.describe_nodegroup(clusterName=cluster, nodegroupName=n)["nodegroup"] for n in names]
keys = ("nodegroupName", "labels", "capacityType", "instanceTypes", "scalingConfig", "subnets")
print(json.dumps([{key: group[key] for key in keys} for group in groups]))

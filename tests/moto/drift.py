"""Changes the labels of one node group behind everybody's back."""

import sys

import boto3

eks = boto3.client("eks", region_name="us-east-1")
name = next(n for n in eks.list_nodegroups(clusterName=sys.argv[1])["nodegroups"] if "driver" in n)
eks.update_nodegroup_config(
    clusterName=sys.argv[1], nodegroupName=name, labels={"addOrUpdateLabels": {"theirs": "x"}}
)
print("{}")

"""Attaches a policy to a role, as an organisation might, and prints the policies it has."""

import json
import sys

import boto3

iam = boto3.client("iam", region_name="us-east-1")
name = {"RoleName": sys.argv[1]}
iam.attach_role_policy(PolicyArn="arn:aws:iam::aws:policy/ReadOnlyAccess", **name)
inline = {
    policy: iam.get_role_policy(PolicyName=policy, **name)["PolicyDocument"]
    for policy in iam.list_role_policies(**name)["PolicyNames"]
}
attached = [it["PolicyArn"] for it in iam.list_attached_role_policies(**name)["AttachedPolicies"]]
print(json.dumps({"inline": inline, "attached": attached}))

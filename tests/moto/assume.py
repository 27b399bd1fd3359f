"""Prints credentials of another account, in which moto keeps a world of its own."""

import json

import boto3

sts = boto3.client("sts", region_name="us-east-1")
role = sts.assume_role(RoleArn="arn:aws:iam::210987654321:role/other", RoleSessionName="other")
print(json.dumps({key: str(value) for key, value in role["Credentials"].items()}))

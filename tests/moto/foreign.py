"""Makes objects that somebody else might have: our names, and marks of another state."""

import json

import boto3

ec2, iam, logs = (boto3.client(n, region_name="us-east-1") for n in ("ec2", "iam", "logs"))
marks = {
    "provision-lineage": "somebody-else",
    "provision-cluster": "acme-prod",
    "provision-address": "vpc",
}
tags = [{"Key": key, "Value": value} for key, value in marks.items()]
vpc = ec2.create_vpc(
    CidrBlock="10.0.0.0/16", TagSpecifications=[{"ResourceType": "vpc", "Tags": tags}]
)["Vpc"]["VpcId"]
trust = {
    "Version": "2012-10-17",
    "Statement": [
        {
            "Effect": "Allow",
            "Principal": {"Service": "eks.amazonaws.com"},
            "Action": ["sts:AssumeRole"],
        }
    ],
}
role = "provision-acme-prod-us-east-1-cluster"
iam.create_role(RoleName=role, AssumeRolePolicyDocument=json.dumps(trust))
logs.create_log_group(logGroupName="/aws/eks/acme-prod/cluster")
print(json.dumps({"vpc": vpc, "role": role}))

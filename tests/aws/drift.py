"""Changes what can be changed behind the back of a cluster, so that every repair is sent.

Usage: drift.py REGION CLUSTER
"""

import json
import sys

import boto3

region, cluster = sys.argv[1:]
ec2, iam, kms, logs = (boto3.client(n, region_name=region) for n in ("ec2", "iam", "kms", "logs"))
ours = [{"Name": "tag:provision-cluster", "Values": [cluster]}]

vpc = ec2.describe_vpcs(Filters=ours)["Vpcs"][0]["VpcId"]
ec2.modify_vpc_attribute(VpcId=vpc, EnableDnsSupport={"Value": False})

tables = ec2.describe_route_tables(Filters=[{"Name": "vpc-id", "Values": [vpc]}])["RouteTables"]
main = next(t for t in tables if any(a.get("Main") for a in t["Associations"]))
used = next(a for t in tables for a in t["Associations"] if a.get("SubnetId"))
ec2.replace_route_table_association(
    AssociationId=used["RouteTableAssociationId"], RouteTableId=main["RouteTableId"]
)
endpoint = ec2.describe_vpc_endpoints(Filters=ours)["VpcEndpoints"][0]
ec2.modify_vpc_endpoint(
    VpcEndpointId=endpoint["VpcEndpointId"], RemoveRouteTableIds=endpoint["RouteTableIds"][:1]
)

role = f"provision-{cluster}-{region}-node"
allow = {"Effect": "Allow", "Principal": {"Service": "lambda.amazonaws.com"}}
trust = {"Version": "2012-10-17", "Statement": [allow | {"Action": "sts:AssumeRole"}]}
iam.update_assume_role_policy(RoleName=role, PolicyDocument=json.dumps(trust))
iam.attach_role_policy(RoleName=role, PolicyArn="arn:aws:iam::aws:policy/ReadOnlyAccess")

key = kms.describe_key(KeyId=f"alias/provision/{cluster}")["KeyMetadata"]["KeyId"]
kms.update_key_description(KeyId=key, Description="theirs")
kms.disable_key_rotation(KeyId=key)
logs.delete_retention_policy(logGroupName=f"/aws/eks/{cluster}/cluster")
print("{}")

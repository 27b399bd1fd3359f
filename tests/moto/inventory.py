"""Prints every living object of a moto server as JSON: kind, id and name, one list.

What the cloud keeps only as a record (deleted gateways, keys pending deletion) and what every
account has from the beginning (default networks) does not count.
"""

import json
import sys

import boto3

session = boto3.Session(region_name=sys.argv[1] if len(sys.argv) > 1 else "us-east-1")
ec2, eks, iam, kms, logs = (session.client(n) for n in ("ec2", "eks", "iam", "kms", "logs"))


def pages(client, operation, key, **arguments):
    for page in client.get_paginator(operation).paginate(**arguments):
        yield from page[key]


def tags(pairs):
    return {pair.get("Key", pair.get("TagKey")): pair.get("Value", pair.get("TagValue")) for pair in pairs}


def objects():
    default = {vpc["VpcId"] for vpc in ec2.describe_vpcs()["Vpcs"] if vpc["IsDefault"]}
    for vpc in ec2.describe_vpcs()["Vpcs"]:
        if vpc["VpcId"] not in default:
            yield "vpc", vpc["VpcId"], tags(vpc.get("Tags", []))
    for subnet in ec2.describe_subnets()["Subnets"]:
        if subnet["VpcId"] not in default:
            yield "subnet", subnet["SubnetId"], tags(subnet.get("Tags", []))
    for gateway in ec2.describe_internet_gateways()["InternetGateways"]:
        if not any(a.get("VpcId") in default for a in gateway["Attachments"]):
            yield "internet-gateway", gateway["InternetGatewayId"], tags(gateway.get("Tags", []))
    for address in ec2.describe_addresses()["Addresses"]:
        yield "elastic-ip", address["AllocationId"], tags(address.get("Tags", []))
    for gateway in ec2.describe_nat_gateways()["NatGateways"]:
        if gateway["State"] not in ("deleted", "deleting"):
            yield "nat-gateway", gateway["NatGatewayId"], tags(gateway.get("Tags", []))
    for table in ec2.describe_route_tables()["RouteTables"]:
        main = any(association.get("Main") for association in table["Associations"])
        if table["VpcId"] not in default and not main:
            yield "route-table", table["RouteTableId"], tags(table.get("Tags", []))
    for endpoint in ec2.describe_vpc_endpoints()["VpcEndpoints"]:
        if endpoint["State"].lower() not in ("deleted", "deleting"):
            yield "vpc-endpoint", endpoint["VpcEndpointId"], tags(endpoint.get("Tags", []))
    for template in ec2.describe_launch_templates()["LaunchTemplates"]:
        yield "launch-template", template["LaunchTemplateName"], tags(template.get("Tags", []))
    for group in logs.describe_log_groups()["logGroups"]:
        yield "log-group", group["logGroupName"], {}
    for role in pages(iam, "list_roles", "Roles"):
        if not role["Path"].startswith("/aws-service-role/"):
            name = role["RoleName"]
            yield "role", name, tags(iam.list_role_tags(RoleName=name)["Tags"])
            for policy in iam.list_role_policies(RoleName=name)["PolicyNames"]:
                yield "role-policy", f"{name}/{policy}", {}
    for provider in iam.list_open_id_connect_providers()["OpenIDConnectProviderList"]:
        yield "oidc-provider", provider["Arn"], {}
    for key in pages(kms, "list_keys", "Keys"):
        state = kms.describe_key(KeyId=key["KeyId"])["KeyMetadata"]["KeyState"]
        if state != "PendingDeletion":
            yield "key", key["KeyId"], tags(kms.list_resource_tags(KeyId=key["KeyId"])["Tags"])
    for alias in pages(kms, "list_aliases", "Aliases"):
        if not alias["AliasName"].startswith("alias/aws/"):
            yield "key-alias", alias["AliasName"], {}
    for name in pages(eks, "list_clusters", "clusters"):
        yield "cluster", name, eks.describe_cluster(name=name)["cluster"].get("tags", {})
        for pool in pages(eks, "list_nodegroups", "nodegroups", clusterName=name):
            described = eks.describe_nodegroup(clusterName=name, nodegroupName=pool)["nodegroup"]
            yield "node-group", pool, described.get("tags", {})


print(json.dumps([{"kind": kind, "id": id, "tags": tags} for kind, id, tags in objects()]))

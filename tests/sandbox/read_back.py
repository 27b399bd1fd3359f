"""Reads what was made with boto3 and with the AWS CLI, and prints it."""

import json
import subprocess
import sys

import boto3
from botocore.config import Config

CLUSTER = "acme-prod"
OURS = [{"Name": "tag:provision-cluster", "Values": [CLUSTER]}]


def client(service):
    return boto3.client(service, config=Config(retries={"max_attempts": 8}))


def cli(*words):
    """Asks the AWS CLI, which has parsers of its own."""
    command = [sys.executable, "-m", "awscli", *words, "--output", "json"]
    return json.loads(subprocess.run(command, check=True, capture_output=True).stdout)


def pool(group):
    scaling = group["scalingConfig"]
    return {
        "machines": group["instanceTypes"],
        "capacity": group["capacityType"],
        "min": scaling["minSize"],
        "max": scaling["maxSize"],
        "labels": group["labels"],
    }


def main():
    eks, ec2 = client("eks"), client("ec2")
    cluster = eks.describe_cluster(name=CLUSTER)["cluster"]
    names = cli("eks", "list-nodegroups", "--cluster-name", CLUSTER)["nodegroups"]
    groups = [
        eks.describe_nodegroup(clusterName=CLUSTER, nodegroupName=name)["nodegroup"]
        for name in names
    ]
    addons = {
        name: eks.describe_addon(clusterName=CLUSTER, addonName=name)["addon"]
        for name in cli("eks", "list-addons", "--cluster-name", CLUSTER)["addons"]
    }
    entries = cli("eks", "list-access-entries", "--cluster-name", CLUSTER)["accessEntries"]
    pods = eks.list_pod_identity_associations(clusterName=CLUSTER)["associations"]
    pods = [f"{pod['namespace']}/{pod['serviceAccount']}" for pod in pods]
    vpc = cluster["resourcesVpcConfig"]["vpcId"]
    within = [{"Name": "vpc-id", "Values": [vpc]}]
    subnets = ec2.describe_subnets(Filters=OURS)["Subnets"]
    everything = ec2.describe_subnets(Filters=within)["Subnets"]
    tables = cli("ec2", "describe-route-tables", "--filters", f"Name=vpc-id,Values={vpc}")
    tables = [table for table in tables["RouteTables"] if not is_main(table)]
    marked = [it["Tags"] for it in [*everything, *tables]] + [tags(cluster)]
    marked += [tags(group) for group in groups] + [tags(addon) for addon in addons.values()]
    print(json.dumps({
        "addons": {name: addon["status"] for name, addon in addons.items()},
        "entries": sorted(entry.split(":")[-1] for entry in entries),
        "pods": sorted(pods),
        "cluster": f"{cluster['status']} {cluster['version']}",
        "encrypted": bool(cluster["encryptionConfig"][0]["provider"]["keyArn"]),
        "pools": {group["nodegroupName"].rsplit("-", 1)[0]: pool(group) for group in groups},
        "subnets": len(subnets),
        "unmarked": [it for it in marked if "provision-lineage" not in {tag["Key"] for tag in it}],
    }))


def is_main(table):
    return any(association["Main"] for association in table["Associations"])


def tags(thing):
    return [{"Key": key, "Value": value} for key, value in thing["tags"].items()]


if __name__ == "__main__":
    main()

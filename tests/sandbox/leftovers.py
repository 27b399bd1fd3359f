"""Looks at what clusters leave behind, or makes some of it by hand.

Usage: leftovers.py show | volume KEY=VALUE... | nameless | neighbour NAME | lose NAME
"""

import json
import sys

import boto3

ec2, eks, iam, elb = (boto3.client(name) for name in ("ec2", "eks", "iam", "elbv2"))
OURS = "acme-prod"
# Each look brings the instant clock to what happens next.
SOON = {"Delay": 0, "MaxAttempts": 400}


def show():
    """Everything that a cluster may leave behind, by id, as AWS tells it."""
    found = {it["LoadBalancerArn"]: it for it in elb.describe_load_balancers()["LoadBalancers"]}
    found |= {it["TargetGroupArn"]: it for it in elb.describe_target_groups()["TargetGroups"]}
    for arn in found:
        found[arn]["Tags"] = elb.describe_tags(ResourceArns=[arn])["TagDescriptions"][0]["Tags"]
    interfaces = ec2.describe_network_interfaces()["NetworkInterfaces"]
    found |= {it["NetworkInterfaceId"]: it for it in interfaces}
    found |= {it["GroupId"]: it for it in ec2.describe_security_groups()["SecurityGroups"]}
    return found | {it["VolumeId"]: it for it in ec2.describe_volumes()["Volumes"]}


def volume(*tags):
    """A volume with these tags, and its id."""
    pairs = [dict(zip(("Key", "Value"), tag.split("=", 1))) for tag in tags]
    specification = [{"ResourceType": "volume", "Tags": pairs}]
    zone = "us-east-1a"
    made = ec2.create_volume(AvailabilityZone=zone, Size=1, TagSpecifications=specification)
    return made["VolumeId"]


def nameless():
    """Makes the interfaces of the network plugin as if it had not been told the cluster's name."""
    name = "cluster.k8s.amazonaws.com/name"
    lost = ec2.describe_network_interfaces(Filters=[{"Name": f"tag:{name}", "Values": [OURS]}])
    lost = [it["NetworkInterfaceId"] for it in lost["NetworkInterfaces"]]
    assert lost, "no interface is lost"
    ec2.delete_tags(Resources=lost, Tags=[{"Key": name}])


def neighbour(name):
    """Another cluster in the network of ours."""
    cluster = eks.describe_cluster(name=OURS)["cluster"]
    subnets = cluster["resourcesVpcConfig"]["subnetIds"]
    eks.create_cluster(
        name=name, roleArn=cluster["roleArn"], resourcesVpcConfig={"subnetIds": subnets}
    )
    eks.get_waiter("cluster_active").wait(name=name, WaiterConfig=SOON)


def lose(name):
    """Takes a cluster away by hand, with its node groups."""
    for group in eks.list_nodegroups(clusterName=name)["nodegroups"]:
        eks.delete_nodegroup(clusterName=name, nodegroupName=group)
        waiter = eks.get_waiter("nodegroup_deleted")
        waiter.wait(clusterName=name, nodegroupName=group, WaiterConfig=SOON)
    eks.delete_cluster(name=name)
    eks.get_waiter("cluster_deleted").wait(name=name, WaiterConfig=SOON)


deeds = {
    "show": show,
    "volume": volume,
    "nameless": nameless,
    "neighbour": neighbour,
    "lose": lose,
}
print(json.dumps(deeds[sys.argv[1]](*sys.argv[2:]), default=str))

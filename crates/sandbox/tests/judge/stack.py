"""Makes a whole EKS stack with boto3, looks at all of it, and takes it down again.

Usage: stack.py URL CONTROL SPEED FOLDER. It waits with botocore's waiters, whose delays are shorter
by as much as the clock is faster, and reads with its paginators. Prints what there was `before` and
`after`, and which `waiters` and `paginators` it has used.
"""

import json
import sys
import time
import urllib.request

import boto3
from botocore.config import Config
from scenarios import pairs, tagged, trust
from scenarios.pools import NODES

CLUSTER, REGION, ANYWHERE = "acme", "eu-central-1", "0.0.0.0/0"
ADMIN = "arn:aws:eks::aws:cluster-access-policy/AmazonEKSClusterAdminPolicy"
PLANE = "arn:aws:iam::aws:policy/AmazonEKSClusterPolicy"
READS = ("Describe", "Get", "List")
# What stays visible for a while after it has gone.
ENDED = {"deleted", "terminated", "PendingDeletion"}


class Account:
    """The clients of an account, and what has been used of them."""

    def __init__(self, url, control, speed, region=REGION):
        self.control, self.speed = control, speed
        self.waiters, self.paginators = set(), set()
        config = Config(retries={"total_max_attempts": 1}, read_timeout=30)
        names = ("autoscaling", "ec2", "eks", "elb", "elbv2", "iam", "kms", "logs")
        for name in names:
            client = boto3.client(name, endpoint_url=url, region_name=region, config=config)
            client.meta.events.register("needs-retry", self.again)
            setattr(self, name, client)

    def wait(self, client, name, /, **parameters):
        waiter = client.get_waiter(name)
        delay = {"Delay": waiter.config.delay / self.speed}
        waiter.wait(WaiterConfig=delay, **parameters)
        self.waiters.add(name)

    def pages(self, client, name, key, size, /, **parameters):
        """Lists page by page until that comes to the same as listing at once: reads may lag."""
        paging = {"PageSize": size}
        for _ in range(10):
            found = client.get_paginator(name).paginate(PaginationConfig=paging, **parameters)
            items = [item for page in found for item in page[key]]
            at_once = getattr(client, name)(**parameters)[key]
            if plain(items) == plain(at_once):
                self.paginators.add(name)
                return items
        raise AssertionError(f"{name}: {items} is not {at_once}")

    def again(self, response, attempts, operation, **_):
        """Tells when to repeat a call about something new, which not all of AWS may know yet."""
        if response is None or operation.name.startswith(READS) or attempts > 60:
            return None
        error = response[1].get("Error", {})
        is_new = "NotFound" in error.get("Code", "") or error.get("Code") == "NoSuchEntity"
        is_role = error.get("Code") == "InvalidParameterException"
        return 5 / self.speed if is_new or is_role else None

    def event(self, cluster, word):
        """Lets something happen in a living cluster."""
        body = json.dumps({"cluster": cluster, "event": word}).encode()
        urllib.request.urlopen(f"{self.control}/_sandbox/events", body).close()

    def objects(self):
        """Tells what exists, by kind and id."""
        with urllib.request.urlopen(f"{self.control}/_sandbox/objects") as reply:
            found = json.load(reply)
        return sorted(f"{it['kind']} {it['id']}" for it in found if it["status"] not in ENDED)


def plain(items):
    return sorted(json.dumps(it, default=str, sort_keys=True) for it in items)


def network(a):
    """Makes a network of two zones with a way out, and returns what it is made of."""
    ec2 = a.ec2
    vpc = ec2.create_vpc(CidrBlock="10.20.0.0/16", TagSpecifications=tagged("vpc", Name=CLUSTER))
    vpc = vpc["Vpc"]["VpcId"]
    a.wait(ec2, "vpc_exists", VpcIds=[vpc])
    a.wait(ec2, "vpc_available", VpcIds=[vpc])
    ec2.modify_vpc_attribute(VpcId=vpc, EnableDnsHostnames={"Value": True})
    igw = ec2.create_internet_gateway()["InternetGateway"]["InternetGatewayId"]
    a.wait(ec2, "internet_gateway_exists", InternetGatewayIds=[igw])
    ec2.attach_internet_gateway(InternetGatewayId=igw, VpcId=vpc)
    zones = [it["ZoneName"] for it in ec2.describe_availability_zones()["AvailabilityZones"]]
    ranges = ["10.20.240.0/24", "10.20.0.0/20", "10.20.16.0/20"]
    subnets = [
        ec2.create_subnet(VpcId=vpc, CidrBlock=cidr, AvailabilityZone=zone)["Subnet"]["SubnetId"]
        for cidr, zone in zip(ranges, [zones[0], zones[0], zones[1]], strict=True)
    ]
    a.wait(ec2, "subnet_available", SubnetIds=subnets)
    public, *private = subnets
    address = ec2.allocate_address(Domain="vpc")["AllocationId"]
    nat = ec2.create_nat_gateway(SubnetId=public, AllocationId=address)
    nat = nat["NatGateway"]["NatGatewayId"]
    a.wait(ec2, "nat_gateway_available", NatGatewayIds=[nat])
    tables = [table(ec2, vpc, [public], GatewayId=igw), table(ec2, vpc, private, NatGatewayId=nat)]
    endpoint = ec2.create_vpc_endpoint(
        VpcId=vpc,
        ServiceName=f"com.amazonaws.{REGION}.s3",
        RouteTableIds=[it["id"] for it in tables],
    )["VpcEndpoint"]["VpcEndpointId"]
    parts = {"vpc": vpc, "igw": igw, "subnets": subnets, "private": private, "nat": nat}
    return parts | {"address": address, "tables": tables, "endpoint": endpoint}


def table(ec2, vpc, subnets, **target):
    """Makes a route table with a way to anywhere."""
    id = ec2.create_route_table(VpcId=vpc)["RouteTable"]["RouteTableId"]
    ec2.create_route(RouteTableId=id, DestinationCidrBlock=ANYWHERE, **target)
    joined = [ec2.associate_route_table(RouteTableId=id, SubnetId=it) for it in subnets]
    return {"id": id, "joined": [it["AssociationId"] for it in joined]}


def role(a, name, service, *policies):
    made = a.iam.create_role(
        RoleName=name, AssumeRolePolicyDocument=trust(service), Tags=pairs(cluster=CLUSTER)
    )
    a.wait(a.iam, "role_exists", RoleName=name)
    for policy in policies:
        a.iam.attach_role_policy(RoleName=name, PolicyArn=policy)
    return made["Role"]["Arn"]


def cluster(a, net):
    """Makes the cluster with its key and its log group, and returns the key."""
    key = a.kms.create_key(Description="secrets")["KeyMetadata"]
    a.kms.enable_key_rotation(KeyId=key["KeyId"])
    a.kms.create_alias(AliasName=f"alias/{CLUSTER}", TargetKeyId=key["KeyId"])
    a.logs.create_log_group(logGroupName=f"/aws/eks/{CLUSTER}/cluster")
    a.eks.create_cluster(
        name=CLUSTER,
        version="1.34",
        roleArn=role(a, "acme-plane", "eks.amazonaws.com", PLANE),
        resourcesVpcConfig={"subnetIds": net["private"], "endpointPrivateAccess": True},
        accessConfig={
            "authenticationMode": "API",
            "bootstrapClusterCreatorAdminPermissions": False,
        },
        encryptionConfig=[{"resources": ["secrets"], "provider": {"keyArn": key["Arn"]}}],
        logging={"clusterLogging": [{"types": ["api", "audit"], "enabled": True}]},
        upgradePolicy={"supportType": "STANDARD"},
        bootstrapSelfManagedAddons=False,
        tags={"team": "data"},
    )
    a.wait(a.eks, "cluster_active", name=CLUSTER)
    return key["KeyId"]


def inside(a, net):
    """Makes what is within the cluster: access, add-ons, machines, identities."""
    here = {"clusterName": CLUSTER}
    admin = {"principalArn": role(a, "acme-admin", "ec2.amazonaws.com")} | here
    a.eks.create_access_entry(**admin)
    scope = {"type": "cluster"}
    a.eks.associate_access_policy(policyArn=ADMIN, accessScope=scope, **admin)
    for name in ("vpc-cni", "kube-proxy", "eks-pod-identity-agent"):
        a.eks.create_addon(addonName=name, resolveConflicts="OVERWRITE", **here)
    for name in ("vpc-cni", "kube-proxy", "eks-pod-identity-agent"):
        a.wait(a.eks, "addon_active", addonName=name, **here)
    machines(a, net)
    for name in ("coredns", "aws-ebs-csi-driver"):
        a.eks.create_addon(addonName=name, **here)
        a.wait(a.eks, "addon_active", addonName=name, **here)
    pods = role(a, "acme-pods", "pods.eks.amazonaws.com")
    pod = {"namespace": "kube-system", "serviceAccount": "ebs-csi-controller-sa"}
    a.eks.create_pod_identity_association(roleArn=pods, **pod, **here)


def machines(a, net):
    template = a.ec2.create_launch_template(
        LaunchTemplateName=CLUSTER,
        LaunchTemplateData={"MetadataOptions": {"HttpTokens": "required"}},
    )["LaunchTemplate"]["LaunchTemplateId"]
    nodes = role(a, "acme-nodes", "ec2.amazonaws.com", *NODES)
    for name, capacity in (("app", "ON_DEMAND"), ("fast", "SPOT")):
        a.eks.create_nodegroup(
            clusterName=CLUSTER,
            nodegroupName=name,
            nodeRole=nodes,
            subnets=net["private"],
            instanceTypes=["m5.large", "c5.large", "m6i.large", "m7i.large"],
            capacityType=capacity,
            amiType="AL2023_x86_64_STANDARD",
            scalingConfig={"minSize": 1, "maxSize": 2, "desiredSize": 1},
            launchTemplate={"id": template, "version": "1"},
        )
    for name in ("app", "fast"):
        a.wait(a.eks, "nodegroup_active", clusterName=CLUSTER, nodegroupName=name)


def look(a, net):
    """Lists everything with the paginators that botocore has for it."""
    here = {"Filters": [{"Name": "vpc-id", "Values": [net["vpc"]]}]}
    a.pages(a.ec2, "describe_vpcs", "Vpcs", 5)
    a.pages(a.ec2, "describe_subnets", "Subnets", 5, **here)
    a.pages(a.ec2, "describe_route_tables", "RouteTables", 5, **here)
    a.pages(a.ec2, "describe_internet_gateways", "InternetGateways", 5)
    a.pages(a.ec2, "describe_nat_gateways", "NatGateways", 5)
    a.pages(a.ec2, "describe_vpc_endpoints", "VpcEndpoints", 5, **here)
    a.pages(a.ec2, "describe_security_groups", "SecurityGroups", 5, **here)
    a.pages(a.ec2, "describe_network_interfaces", "NetworkInterfaces", 5, **here)
    a.pages(a.ec2, "describe_launch_templates", "LaunchTemplates", 5)
    a.pages(a.ec2, "describe_tags", "Tags", 5)
    found = a.pages(a.ec2, "describe_instances", "Reservations", 5, **here)
    ids = [it["InstanceId"] for reservation in found for it in reservation["Instances"]]
    assert len(ids) == 2, f"each group has one machine: {ids}"
    a.wait(a.ec2, "instance_exists", InstanceIds=ids)
    a.wait(a.ec2, "instance_running", InstanceIds=ids)
    a.pages(a.autoscaling, "describe_auto_scaling_groups", "AutoScalingGroups", 1)
    a.pages(a.kms, "list_keys", "Keys", 1)
    a.pages(a.kms, "list_aliases", "Aliases", 1)
    a.pages(a.logs, "describe_log_groups", "logGroups", 1)
    named = {"RoleName": "acme-nodes"}
    a.pages(a.iam, "list_attached_role_policies", "AttachedPolicies", 1, **named)
    inner = {"clusterName": CLUSTER}
    a.pages(a.eks, "list_clusters", "clusters", 1)
    a.pages(a.eks, "list_nodegroups", "nodegroups", 1, **inner)
    a.pages(a.eks, "list_addons", "addons", 1, **inner)
    a.pages(a.eks, "list_access_entries", "accessEntries", 1, **inner)
    a.pages(a.eks, "list_pod_identity_associations", "associations", 1, **inner)
    a.pages(a.eks, "list_updates", "updateIds", 1, name=CLUSTER)
    a.pages(a.eks, "describe_addon_versions", "addons", 1, kubernetesVersion="1.34")
    a.pages(a.eks, "describe_cluster_versions", "clusterVersions", 2)
    version = a.eks.describe_addon(addonName="vpc-cni", **inner)["addon"]["addonVersion"]
    a.eks.describe_addon_configuration(addonName="vpc-cni", addonVersion=version)


def workload(a):
    """Has the cluster make what its controllers make, looks at that and removes it."""
    a.event(CLUSTER, "workload")
    elb = a.elbv2
    balancer = a.pages(elb, "describe_load_balancers", "LoadBalancers", 1)[0]["LoadBalancerArn"]
    a.wait(elb, "load_balancer_exists", LoadBalancerArns=[balancer])
    a.wait(elb, "load_balancer_available", LoadBalancerArns=[balancer])
    here = {"LoadBalancerArn": balancer}
    listeners = a.pages(elb, "describe_listeners", "Listeners", 1, **here)
    groups = a.pages(elb, "describe_target_groups", "TargetGroups", 1)
    elb.add_tags(ResourceArns=[balancer], Tags=pairs(seen="yes"))
    told = elb.describe_tags(ResourceArns=[balancer])["TagDescriptions"][0]["Tags"]
    assert pairs(seen="yes")[0] in told and len(told) > 1, told
    elb.remove_tags(ResourceArns=[balancer], TagKeys=["seen"])
    for it in listeners:
        elb.delete_listener(ListenerArn=it["ListenerArn"])
    elb.delete_load_balancer(**here)
    a.wait(elb, "load_balancers_deleted", LoadBalancerArns=[balancer])
    for it in groups:
        elb.delete_target_group(TargetGroupArn=it["TargetGroupArn"])


def classic(a, net):
    """Makes a classic load balancer beside the one of the workload, and removes both."""
    elb = a.elb
    listener = {"Protocol": "TCP", "LoadBalancerPort": 80, "InstancePort": 8080}
    made = {"LoadBalancerName": "by-hand", "Listeners": [listener], "Tags": pairs(team="data")}
    elb.create_load_balancer(Subnets=net["subnets"][:1], Scheme="internal", **made)
    listing = a.pages(elb, "describe_load_balancers", "LoadBalancerDescriptions", 1)
    names = [it["LoadBalancerName"] for it in listing]
    assert len(names) == 2 and "by-hand" in names, names
    elb.add_tags(LoadBalancerNames=["by-hand"], Tags=pairs(seen="yes"))
    told = elb.describe_tags(LoadBalancerNames=["by-hand"])["TagDescriptions"][0]["Tags"]
    assert pairs(seen="yes")[0] in told and len(told) == 2, told
    elb.remove_tags(LoadBalancerNames=["by-hand"], Tags=[{"Key": "seen"}])
    for name in names:
        elb.delete_load_balancer(LoadBalancerName=name)


def spare(a, net):
    """Gives the spare interface of a machine an address, and takes both away."""
    ec2 = a.ec2
    here = [
        {"Name": "vpc-id", "Values": [net["vpc"]]},
        {"Name": "attachment.device-index", "Values": ["1"]},
        {"Name": "description", "Values": ["aws-K8S-*"]},
    ]
    found = []
    while not found:
        found = ec2.describe_network_interfaces(Filters=here)["NetworkInterfaces"]
    interface, attachment = found[0]["NetworkInterfaceId"], found[0]["Attachment"]["AttachmentId"]
    address = ec2.allocate_address(Domain="vpc")["AllocationId"]
    joined = ec2.associate_address(AllocationId=address, NetworkInterfaceId=interface)
    again = ec2.associate_address(AllocationId=address, NetworkInterfaceId=interface)
    assert joined["AssociationId"] == again["AssociationId"], again
    ec2.disassociate_address(AssociationId=joined["AssociationId"])
    ec2.release_address(AllocationId=address)
    ec2.detach_network_interface(AttachmentId=attachment)
    a.wait(ec2, "network_interface_available", NetworkInterfaceIds=[interface])
    ec2.delete_network_interface(NetworkInterfaceId=interface)


def leftovers(a, net):
    """Removes what a cluster leaves behind: an interface, a security group, a volume."""
    ec2 = a.ec2
    here = [{"Name": "vpc-id", "Values": [net["vpc"]]}]
    for _ in range(60):
        found = ec2.describe_network_interfaces(Filters=here)["NetworkInterfaces"]
        for it in found:
            if it["Status"] == "available":
                ec2.delete_network_interface(NetworkInterfaceId=it["NetworkInterfaceId"])
        if not found:
            break
        time.sleep(10 / a.speed)
    groups = ec2.describe_security_groups(Filters=here)["SecurityGroups"]
    groups = [it for it in groups if it["GroupName"] != "default"]
    for it in groups:
        rules = it["IpPermissions"]
        ec2.revoke_security_group_ingress(GroupId=it["GroupId"], IpPermissions=rules)
    for it in groups:
        ec2.delete_security_group(GroupId=it["GroupId"])
    for it in a.pages(ec2, "describe_volumes", "Volumes", 5):
        a.wait(ec2, "volume_available", VolumeIds=[it["VolumeId"]])
        ec2.delete_volume(VolumeId=it["VolumeId"])
        a.wait(ec2, "volume_deleted", VolumeIds=[it["VolumeId"]])


def empty(a):
    """Takes the cluster down, with all that is in it."""
    here = {"clusterName": CLUSTER}
    for name in ("app", "fast"):
        a.eks.delete_nodegroup(nodegroupName=name, **here)
    for name in ("app", "fast"):
        a.wait(a.eks, "nodegroup_deleted", nodegroupName=name, **here)
    a.eks.delete_addon(addonName="coredns", **here)
    a.wait(a.eks, "addon_deleted", addonName="coredns", **here)
    a.eks.delete_cluster(name=CLUSTER)
    a.wait(a.eks, "cluster_deleted", name=CLUSTER)
    a.ec2.delete_launch_template(LaunchTemplateName=CLUSTER)


def tear_down(a, net, key):
    """Removes everything else, when the interfaces of the cluster have gone."""
    ec2 = a.ec2
    ec2.delete_vpc_endpoints(VpcEndpointIds=[net["endpoint"]])
    ec2.delete_nat_gateway(NatGatewayId=net["nat"])
    a.wait(ec2, "nat_gateway_deleted", NatGatewayIds=[net["nat"]])
    ec2.release_address(AllocationId=net["address"])
    for it in net["tables"]:
        for association in it["joined"]:
            ec2.disassociate_route_table(AssociationId=association)
        ec2.delete_route_table(RouteTableId=it["id"])
    ec2.detach_internet_gateway(InternetGatewayId=net["igw"], VpcId=net["vpc"])
    ec2.delete_internet_gateway(InternetGatewayId=net["igw"])
    leftovers(a, net)
    for subnet in net["subnets"]:
        ec2.delete_subnet(SubnetId=subnet)
    ec2.delete_vpc(VpcId=net["vpc"])
    for name in ("acme-plane", "acme-nodes", "acme-admin", "acme-pods"):
        for policy in a.iam.list_attached_role_policies(RoleName=name)["AttachedPolicies"]:
            a.iam.detach_role_policy(RoleName=name, PolicyArn=policy["PolicyArn"])
        a.iam.delete_role(RoleName=name)
    a.kms.delete_alias(AliasName=f"alias/{CLUSTER}")
    a.kms.schedule_key_deletion(KeyId=key, PendingWindowInDays=7)
    a.logs.delete_log_group(logGroupName=f"/aws/eks/{CLUSTER}/cluster")


def main(url, control, speed, _):
    account = Account(url, control, float(speed))
    account.ec2.describe_vpcs()
    before = account.objects()
    net = network(account)
    key = cluster(account, net)
    inside(account, net)
    look(account, net)
    workload(account)
    classic(account, net)
    spare(account, net)
    empty(account)
    tear_down(account, net, key)
    told = {"before": before, "after": account.objects()}
    used = {"waiters": sorted(account.waiters), "paginators": sorted(account.paginators)}
    print(json.dumps(told | used))


if __name__ == "__main__":
    main(*sys.argv[1:])

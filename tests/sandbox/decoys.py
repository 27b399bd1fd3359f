"""Makes objects of somebody else that look like those of the cluster acme-prod, in its region."""

import json

import boto3
from botocore.config import Config
from botocore.exceptions import ClientError

REGION, ACCOUNT = "us-east-1", "123456789012"
# Clusters that are others', whatever their names begin and end with.
OTHERS = ("acme-prod-2", "acme-pro", "acme-prod-staging")
LINEAGE = "00000000000000000000"
POLICY = "arn:aws:iam::aws:policy"


def client(service):
    return boto3.client(service, region_name=REGION, config=Config(retries={"max_attempts": 1}))


ec2, iam, eks, kms, logs = map(client, ("ec2", "iam", "eks", "kms", "logs"))


def make(call, **parameters):
    """Makes a call, again as long as what it needs is not known everywhere."""
    for _ in range(60):
        try:
            return call(**parameters)
        except ClientError as error:
            last = error
    raise last


def wait(source, waiter, **parameters):
    config = {"Delay": 0, "MaxAttempts": 400}
    source.get_waiter(waiter).wait(WaiterConfig=config, **parameters)


def marks(cluster, address):
    """Returns the tags that the cluster of another state would have, with our names."""
    name = "acme-prod-" + address.replace("/", "-")
    own = {"provision-lineage": LINEAGE, "provision-cluster": cluster, "provision-address": address}
    return {"Name": name} | own


def pairs(tags):
    return [{"Key": key, "Value": value} for key, value in tags.items()]


def tagged(kind, tags):
    return {"TagSpecifications": [{"ResourceType": kind, "Tags": pairs(tags)}]}


def trust(service, *more):
    actions = ["sts:AssumeRole", *more]
    allow = {"Effect": "Allow", "Principal": {"Service": service}, "Action": actions}
    return json.dumps({"Version": "2012-10-17", "Statement": [allow]})


def network(cluster, second):
    """Makes a network with all that ours has, in another cluster's name."""
    of_vpc = tagged("vpc", marks(cluster, "vpc"))
    vpc = make(ec2.create_vpc, CidrBlock="10.0.0.0/16", **of_vpc)["Vpc"]["VpcId"]
    here = {"VpcId": vpc}
    igw = tagged("internet-gateway", marks(cluster, "internet-gateway"))
    igw = make(ec2.create_internet_gateway, **igw)["InternetGateway"]["InternetGatewayId"]
    make(ec2.attach_internet_gateway, InternetGatewayId=igw, **here)
    subnets, tables = [], []
    for n, zone in enumerate("abc"):
        for kind, cidr in (("private", f"10.0.{16 * n}.0/20"), ("public", f"10.0.{240 + n}.0/24")):
            tags = marks(cluster, f"subnet/{kind}/{REGION}{zone}")
            tags[f"kubernetes.io/cluster/{cluster}"] = "shared"
            place = {"CidrBlock": cidr, "AvailabilityZone": REGION + zone} | here
            made = make(ec2.create_subnet, **place, **tagged("subnet", tags))
            subnets.append(made["Subnet"]["SubnetId"])
        tags = marks(cluster, f"route-table/private/{REGION}{zone}")
        made = make(ec2.create_route_table, **here, **tagged("route-table", tags))
        tables.append(made["RouteTable"]["RouteTableId"])
        join = {"RouteTableId": tables[-1], "SubnetId": subnets[-2]}
        make(ec2.associate_route_table, **join)
    service = {"ServiceName": f"com.amazonaws.{REGION}.s3", "RouteTableIds": tables}
    of_endpoint = tagged("vpc-endpoint", marks(cluster, "endpoint/s3"))
    make(ec2.create_vpc_endpoint, **here, **service, **of_endpoint)
    names = (f"eks-cluster-sg-acme-prod-{second}", "k8s-traffic-acmeprod", "k8s-elb-acme")
    for name in names + ("k8s-acmeprod-web", "eks-remote-access-acme-prod"):
        tags = {"Name": name, f"kubernetes.io/cluster/{cluster}": "owned"}
        group = {"GroupName": name, "Description": "of another cluster"}
        make(ec2.create_security_group, **here, **group, **tagged("security-group", tags))
    return vpc, igw, subnets


def earlier(vpc, igw):
    """Makes what an earlier cluster of the same name left, whose state is another, and a table of
    somebody who thought that the name is enough."""
    own = lambda kind: tagged(kind, marks("acme-prod", f"earlier/{kind}"))
    named = tagged("route-table", {"provision-cluster": "acme-prod"})
    for n, table in enumerate((own("route-table"), named)):
        place = {"CidrBlock": f"10.0.{100 + n}.0/24", "AvailabilityZone": f"{REGION}a"}
        subnet = make(ec2.create_subnet, VpcId=vpc, **place, **own("subnet"))["Subnet"]["SubnetId"]
        table = make(ec2.create_route_table, VpcId=vpc, **table)["RouteTable"]["RouteTableId"]
        route = {"RouteTableId": table, "DestinationCidrBlock": "0.0.0.0/0"}
        make(ec2.create_route, GatewayId=igw, **route)
        make(ec2.associate_route_table, RouteTableId=table, SubnetId=subnet)


def gateway(subnet):
    tags = marks(OTHERS[0], f"elastic-ip/{REGION}a")
    address = make(ec2.allocate_address, Domain="vpc", **tagged("elastic-ip", tags))
    make(ec2.allocate_address, Domain="vpc", **tagged("elastic-ip", {"Name": tags["Name"]}))
    tags = tagged("natgateway", marks(OTHERS[0], f"nat-gateway/{REGION}a"))
    place = {"SubnetId": subnet, "AllocationId": address["AllocationId"]}
    made = make(ec2.create_nat_gateway, **place, **tags)["NatGateway"]["NatGatewayId"]
    wait(ec2, "nat_gateway_available", NatGatewayIds=[made])


def identities():
    """Makes roles that are called almost like ours."""
    names = [f"provision-{name}-{REGION}-{of}" for name in OTHERS for of in ("cluster", "node")]
    names += [f"provision-acme-prod-us-west-2-{of}" for of in ("cluster", "node")]
    names += [f"provision-acme-prod-{REGION}-{of}" for of in ("cluster2", "nodes", "")]
    for name in names:
        of_eks = name.endswith("cluster")
        service = "eks.amazonaws.com" if of_eks else "ec2.amazonaws.com"
        tags = pairs(marks(OTHERS[0], "role/cluster" if of_eks else "role/node"))
        make(iam.create_role, RoleName=name, AssumeRolePolicyDocument=trust(service), Tags=tags)
        policies = ["AmazonEKSClusterPolicy"] if of_eks else NODES
        for policy in policies:
            make(iam.attach_role_policy, RoleName=name, PolicyArn=f"{POLICY}/{policy}")
    pods = trust("pods.eks.amazonaws.com", "sts:TagSession")
    tags = pairs(marks(OTHERS[0], "role/ebs-csi"))
    make(iam.create_role, RoleName=PODS, AssumeRolePolicyDocument=pods, Tags=tags)
    statement = {"Effect": "Allow", "Action": "kms:Decrypt", "Resource": "*"}
    document = json.dumps({"Version": "2012-10-17", "Statement": [statement]})
    inline = {"PolicyName": "secrets-key", "PolicyDocument": document}
    make(iam.put_role_policy, RoleName=names[0], **inline)


PODS = f"provision-acme-prod-{REGION}-ebs-csi2"
NODES = (
    "AmazonEKSWorkerNodePolicy",
    "AmazonEKS_CNI_Policy",
    "AmazonEC2ContainerRegistryPullOnly",
)


def keys():
    for alias in ("provision/acme-prod-2", "acme-prod", "provision/acme-pro", "provision/acme"):
        tags = marks(OTHERS[0], "key")
        tags = [{"TagKey": key, "TagValue": value} for key, value in tags.items()]
        key = make(kms.create_key, Description="secrets of EKS cluster acme-prod", Tags=tags)
        key = key["KeyMetadata"]["KeyId"]
        make(kms.create_alias, AliasName=f"alias/{alias}", TargetKeyId=key)
    for name in ("acme-prod-2/cluster", "acme-prod/cluster2", "acme-prod", "acme-pro/cluster"):
        tags = marks(OTHERS[0], "log-group")
        make(logs.create_log_group, logGroupName=f"/aws/eks/{name}", tags=tags)


def machines():
    """Makes launch templates and volumes that are called like ours."""
    data = {"MetadataOptions": {"HttpTokens": "required"}}
    names = ("acme-prod/app", "acme-prod/app/0badcafe", "acme-prod-2/app/1c688e46", "acme/app")
    for name in names + ("acme-prod/driver/0badcafe", "acme-prod/executor/0badcafe"):
        tags = marks(OTHERS[0], "launch-template/app/1c688e46")
        wanted = {"LaunchTemplateName": f"provision/{name}", "LaunchTemplateData": data}
        make(ec2.create_launch_template, **wanted, **tagged("launch-template", tags))
    for cluster in OTHERS:
        for claim in ("data-postgresql-0", "data-acme-prod-0", "data-acme-prod-1", "spill"):
            tags = {
                "Name": "acme-prod-dynamic-pvc",
                "ebs.csi.aws.com/cluster": "true",
                f"kubernetes.io/cluster/{cluster}": "owned",
                "kubernetes.io/created-for/pvc/name": claim,
            }
            place = {"AvailabilityZone": f"{REGION}a", "Size": 20}
            make(ec2.create_volume, **place, **tagged("volume", tags))


def neighbour(subnets):
    """Makes another cluster with a pool that is called like ours."""
    name = OTHERS[0]
    role = f"arn:aws:iam::{ACCOUNT}:role/provision-{name}-{REGION}"
    make(
        eks.create_cluster,
        name=name,
        roleArn=f"{role}-cluster",
        resourcesVpcConfig={"subnetIds": subnets[::2]},
        accessConfig={"authenticationMode": "API"},
        tags=marks(name, "cluster"),
    )
    wait(eks, "cluster_active", name=name)
    make(
        eks.create_nodegroup,
        clusterName=name,
        nodegroupName="app-1c688e46",
        nodeRole=f"{role}-node",
        subnets=subnets[::2],
        instanceTypes=["m5.large"],
        scalingConfig={"minSize": 1, "maxSize": 3, "desiredSize": 2},
        tags=marks(name, "pool/app/1c688e46"),
    )
    wait(eks, "nodegroup_active", clusterName=name, nodegroupName="app-1c688e46")
    of = {"clusterName": name}
    for addon in ("vpc-cni", "kube-proxy", "eks-pod-identity-agent"):
        make(eks.create_addon, addonName=addon, tags=marks(name, f"addon/{addon}"), **of)
    people = f"arn:aws:iam::{ACCOUNT}:role/provision-acme-prod-{REGION}-nodes"
    address = f"access-entry/user/{ACCOUNT}/sandbox"
    make(eks.create_access_entry, principalArn=people, tags=marks(name, address), **of)
    make(
        eks.create_pod_identity_association,
        namespace="kube-system",
        serviceAccount="ebs-csi-controller-sa",
        roleArn=f"arn:aws:iam::{ACCOUNT}:role/{PODS}",
        tags=marks(name, "pod-identity/ebs-csi"),
        **of,
    )
    issuer = eks.describe_cluster(name=name)["cluster"]["identity"]["oidc"]["issuer"]
    tags = pairs(marks(name, "oidc-provider"))
    known = {"ClientIDList": ["sts.amazonaws.com"], "Tags": tags}
    make(iam.create_open_id_connect_provider, Url=issuer, **known)


def main():
    networks = [network(cluster, n) for n, cluster in enumerate(OTHERS)]
    vpc, igw, subnets = networks[0]
    earlier(vpc, igw)
    gateway(subnets[1])
    identities()
    keys()
    machines()
    neighbour(subnets)


main()

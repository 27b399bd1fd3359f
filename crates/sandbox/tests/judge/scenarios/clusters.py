"""Clusters: what they need, how they come, change, and go; and their tags and updates."""

from scenarios import trust

CLUSTER = "arn:aws:iam::aws:policy/AmazonEKSClusterPolicy"


def role(s, name, service, *policies):
    """Makes a role that a service may take, and returns its ARN when it is known everywhere."""
    iam = s.client("iam")
    iam.create_role(RoleName=name, AssumeRolePolicyDocument=trust(service))
    for policy in policies:
        iam.attach_role_policy(RoleName=name, PolicyArn=policy)
    for _ in range(10):
        arn = iam.get_role(RoleName=name)["Role"]["Arn"]
    return arn


def without(s, name, *policies):
    iam = s.client("iam")
    for policy in policies:
        iam.detach_role_policy(RoleName=name, PolicyArn=policy)
    iam.delete_role(RoleName=name)


def network(s):
    """Makes a network of two zones, and returns its id and those of its subnets."""
    ec2 = s.client("ec2")
    vpc = ec2.create_vpc(CidrBlock="10.0.0.0/16")["Vpc"]["VpcId"]
    ec2.modify_vpc_attribute(VpcId=vpc, EnableDnsHostnames={"Value": True})
    zones = [f"{s.region}{letter}" for letter in "abc"][:2]
    subnets = []
    for n, zone in enumerate(zones):
        wanted = {"VpcId": vpc, "AvailabilityZone": zone, "CidrBlock": f"10.0.{16 * n}.0/20"}
        subnets.append(ec2.create_subnet(**wanted)["Subnet"]["SubnetId"])
    s.known(vpc=vpc, subnet_a=subnets[0], subnet_b=subnets[1])
    return vpc, subnets


def take_down(s, vpc, subnets):
    ec2 = s.client("ec2")
    here = [{"Name": "vpc-id", "Values": [vpc]}]
    for _ in range(40):
        if not ec2.describe_network_interfaces(Filters=here)["NetworkInterfaces"]:
            break
    for subnet in subnets:
        s.do("a subnet goes", ec2.delete_subnet, SubnetId=subnet)
    s.do("the network goes", ec2.delete_vpc, VpcId=vpc)


def play(s):
    eks = s.client("eks")
    vpc, subnets = network(s)
    arn = role(s, "clusters", "eks.amazonaws.com", CLUSTER)
    wanted = {
        "name": "acme",
        "version": "1.34",
        "roleArn": arn,
        "resourcesVpcConfig": {"subnetIds": subnets, "endpointPrivateAccess": True},
        "accessConfig": {"authenticationMode": "API"},
        "tags": {"team": "data"},
        "clientRequestToken": "first",
    }
    wrong(s, eks, wanted)
    made = s.do("a cluster", eks.create_cluster, **wanted)["cluster"]
    s.do("the same token", eks.create_cluster, **wanted)
    s.do("the same token for another", eks.create_cluster, **wanted | {"version": "1.33"})
    s.do("the same name", eks.create_cluster, **wanted | {"clientRequestToken": "second"})
    s.wait("the cluster is active", eks, "cluster_active", name="acme")
    s.do("the cluster, active", eks.describe_cluster, name="acme")
    s.do("the token again, when it is active", eks.create_cluster, **wanted)
    of_tags(s, eks, made["arn"])
    of_updates(s, eks)
    s.do("the clusters", eks.list_clusters)
    ec2 = s.client("ec2")
    s.do("a subnet of a cluster goes", ec2.delete_subnet, SubnetId=subnets[0])
    s.do("the cluster goes", eks.delete_cluster, name="acme")
    s.wait("the cluster has gone", eks, "cluster_deleted", name="acme")
    s.do("the cluster goes twice", eks.delete_cluster, name="acme")
    s.do("a cluster that has gone", eks.describe_cluster, name="acme")
    take_down(s, vpc, subnets)
    without(s, "clusters", CLUSTER)


def wrong(s, eks, wanted):
    network = wanted["resourcesVpcConfig"]
    nowhere = [f"subnet-0123456789abcdef{n}" for n in range(2)]
    nobody = wanted["roleArn"].replace("clusters", "nobody")
    for words, other in {
        "no such role": {"roleArn": nobody},
        "one subnet": {"resourcesVpcConfig": network | {"subnetIds": network["subnetIds"][:1]}},
        "no such subnet": {"resourcesVpcConfig": network | {"subnetIds": nowhere}},
        "a version that is not there": {"version": "9.99"},
        "a name that is none": {"name": "-acme"},
    }.items():
        token = {"clientRequestToken": f"wrong {words}"}
        s.do(f"a cluster of {words}", eks.create_cluster, **wanted | token | other)
        for name in ("acme", "-acme"):
            s.quietly(eks.delete_cluster, name=name)
        s.wait(f"none of {words}", eks, "cluster_deleted", name="acme")
    s.do("no such cluster", eks.describe_cluster, name="nobody")
    s.do("no such cluster goes", eks.delete_cluster, name="nobody")


def of_tags(s, eks, arn):
    s.do("more tags", eks.tag_resource, resourceArn=arn, tags={"team": "ml", "stage": "dev"})
    s.do("a tag goes", eks.untag_resource, resourceArn=arn, tagKeys=["stage"])
    s.do("the tags", eks.list_tags_for_resource, resourceArn=arn)
    nobody = f"{arn}-nobody"
    s.do("tags of nothing", eks.tag_resource, resourceArn=nobody, tags={"a": "b"})


def of_secrets(s, eks):
    """Encrypts the secrets of a cluster with a key, which cannot be taken back."""
    key = s.client("kms").create_key()["KeyMetadata"]
    config = [{"resources": ["secrets"], "provider": {"keyArn": key["Arn"]}}]
    encrypt = eks.associate_encryption_config
    s.do("its secrets are encrypted", encrypt, clusterName="acme", encryptionConfig=config)
    s.wait("they are", eks, "cluster_active", name="acme")
    nothing = [config[0] | {"provider": {"keyArn": f"{key['Arn']}0"}}]
    s.do("with another key", encrypt, clusterName="acme", encryptionConfig=nothing)


def of_updates(s, eks):
    network = {"endpointPublicAccess": True, "publicAccessCidrs": ["203.0.113.0/24"]}
    update = s.do("a change", eks.update_cluster_config, name="acme", resourcesVpcConfig=network)
    again = {"clusterLogging": [{"types": ["api"], "enabled": True}]}
    s.do("a change during a change", eks.update_cluster_config, name="acme", logging=again)
    s.do("the change", eks.describe_update, name="acme", updateId=update["update"]["id"])
    s.wait("the change is done", eks, "cluster_active", name="acme")
    s.do("the change, done", eks.describe_update, name="acme", updateId=update["update"]["id"])
    s.do("all changes", eks.list_updates, name="acme")
    of_secrets(s, eks)
    s.do("nothing changed", eks.update_cluster_config, name="acme", resourcesVpcConfig=network)
    s.do("another version", eks.update_cluster_version, name="acme", version="1.35")
    s.wait("the version is there", eks, "cluster_active", name="acme")
    s.do("a version before", eks.update_cluster_version, name="acme", version="1.33")
    s.do("two versions on", eks.update_cluster_version, name="acme", version="1.37")
    s.do("the cluster, changed", eks.describe_cluster, name="acme")

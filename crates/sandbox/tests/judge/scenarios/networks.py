"""Networks and subnets: what is made, shown, changed, refused and removed."""

import functools

from scenarios import tagged


def play(s):
    ec2 = s.client("ec2")
    network = tagged("vpc", Name="one", team="data")
    vpc = s.do("a network", ec2.create_vpc, CidrBlock="10.0.0.0/16", TagSpecifications=network)
    vpc = vpc["Vpc"]["VpcId"]
    s.wait("the network exists", ec2, "vpc_exists", VpcIds=[vpc])
    s.wait("the network is available", ec2, "vpc_available", VpcIds=[vpc])
    s.do("the network, when it is available", ec2.describe_vpcs, VpcIds=[vpc])
    of_vpc(s, ec2, vpc)
    subnet = of_subnets(s, ec2, vpc)
    s.do("a network with a subnet goes", ec2.delete_vpc, VpcId=vpc)
    s.do("a subnet goes", ec2.delete_subnet, SubnetId=subnet)
    s.do("a subnet goes twice", ec2.delete_subnet, SubnetId=subnet)
    s.do("a network goes", ec2.delete_vpc, VpcId=vpc)
    s.do("a network goes twice", ec2.delete_vpc, VpcId=vpc)
    s.do("a network that has gone", ec2.describe_vpcs, VpcIds=[vpc])
    s.do("none by its tag", ec2.describe_vpcs, Filters=[{"Name": "tag:Name", "Values": ["one"]}])
    wrong_networks(s, ec2)


def of_vpc(s, ec2, vpc):
    for name in ("enableDnsSupport", "enableDnsHostnames"):
        s.do(f"{name} of a new network", ec2.describe_vpc_attribute, VpcId=vpc, Attribute=name)
    on = {"Value": True}
    s.do("host names are turned on", ec2.modify_vpc_attribute, VpcId=vpc, EnableDnsHostnames=on)
    s.do("host names are on", ec2.describe_vpc_attribute, VpcId=vpc, Attribute="enableDnsHostnames")
    s.do(
        "two attributes at once",
        ec2.modify_vpc_attribute,
        VpcId=vpc,
        EnableDnsSupport=on,
        EnableDnsHostnames=on,
    )
    here = {"Name": "vpc-id", "Values": [vpc]}
    main = {"Name": "association.main", "Values": ["true"]}
    s.do("its main route table", ec2.describe_route_tables, Filters=[here, main])
    s.do("its default group", ec2.describe_security_groups, Filters=[here])


def of_subnets(s, ec2, vpc):
    make = ec2.create_subnet
    zone = f"{ec2.meta.region_name}a"
    subnet = s.do(
        "a subnet",
        make,
        VpcId=vpc,
        CidrBlock="10.0.0.0/20",
        AvailabilityZone=zone,
        TagSpecifications=tagged("subnet", Name="a"),
    )["Subnet"]["SubnetId"]
    s.wait("the subnet is available", ec2, "subnet_available", SubnetIds=[subnet])
    s.do("the subnet, when it is available", ec2.describe_subnets, SubnetIds=[subnet])
    by_zone = [{"Name": "vpc-id", "Values": [vpc]}, {"Name": "availability-zone", "Values": [zone]}]
    s.do("subnets by zone", ec2.describe_subnets, Filters=by_zone)
    on = {"Value": True}
    s.do("public addresses", ec2.modify_subnet_attribute, SubnetId=subnet, MapPublicIpOnLaunch=on)
    s.do("the subnet, changed", ec2.describe_subnets, SubnetIds=[subnet])
    s.do("the same range", make, VpcId=vpc, CidrBlock="10.0.0.0/20")
    s.do("a range inside another", make, VpcId=vpc, CidrBlock="10.0.8.0/24")
    s.do("a range outside the network", make, VpcId=vpc, CidrBlock="10.1.0.0/24")
    s.wrong(
        "a range too small",
        make,
        lambda it: s.quietly(ec2.delete_subnet, SubnetId=it["Subnet"]["SubnetId"]),
        VpcId=vpc,
        CidrBlock="10.0.32.0/29",
    )
    s.do("a range that is none", make, VpcId=vpc, CidrBlock="10.0.999.0/24")
    s.do(
        "a zone that is not there",
        make,
        VpcId=vpc,
        CidrBlock="10.0.64.0/24",
        AvailabilityZone=f"{ec2.meta.region_name}z",
    )
    nowhere = "vpc-0123456789abcdef0"
    s.do("a subnet of no network", make, VpcId=nowhere, CidrBlock="10.0.64.0/24")
    s.do("no such subnet", ec2.describe_subnets, SubnetIds=["subnet-0123456789abcdef0"])
    return subnet


def wrong_networks(s, ec2):
    make = ec2.create_vpc
    s.do("a network too large", make, CidrBlock="10.0.0.0/8")
    s.do("a network too small", make, CidrBlock="10.0.0.0/29")
    s.do("a network of no range", make, CidrBlock="ten")
    s.do("no such network", ec2.describe_vpcs, VpcIds=["vpc-0123456789abcdef0"])
    forget = functools.partial(removed, s, ec2)
    s.wrong("only asked", make, forget, CidrBlock="10.9.0.0/16", DryRun=True)
    made = [s.do(f"network {n}", make, CidrBlock=f"10.{n}.0.0/16") for n in range(20, 26)]
    for vpc in made:
        forget(vpc)


def removed(s, ec2, vpc):
    s.quietly(ec2.delete_vpc, VpcId=vpc["Vpc"]["VpcId"])

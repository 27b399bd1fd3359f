"""Tags, filters and pages, and tokens: a call that is repeated makes nothing twice."""

from scenarios import pairs, tagged


def play(s):
    ec2 = s.client("ec2")
    vpc = s.do(
        "a network",
        ec2.create_vpc,
        CidrBlock="10.0.0.0/16",
        TagSpecifications=tagged("vpc", Name="one", team="data"),
    )["Vpc"]["VpcId"]
    of_tags(s, ec2, vpc)
    of_filters(s, ec2, vpc)
    here = {"VpcId": vpc, "AvailabilityZone": f"{s.region}a"}
    subnets = [
        s.do(f"subnet {n}", ec2.create_subnet, CidrBlock=f"10.0.{n}.0/24", **here)
        for n in range(7)
    ]
    subnets = [it["Subnet"]["SubnetId"] for it in subnets]
    of_pages(s, ec2, vpc)
    of_tokens(s, ec2, vpc, subnets[0])
    for subnet in subnets:
        s.do("a subnet goes", ec2.delete_subnet, SubnetId=subnet)
    s.do("the network goes", ec2.delete_vpc, VpcId=vpc)
    s.do("tags of what has gone", ec2.describe_tags, Filters=[only("resource-id", vpc)])


def only(name, *values):
    return {"Name": name, "Values": list(values)}


def of_tags(s, ec2, vpc):
    s.do("more tags", ec2.create_tags, Resources=[vpc], Tags=pairs(team="ml", stage="dev"))
    s.do("the tags", ec2.describe_tags, Filters=[only("resource-id", vpc)])
    s.do("one tag", ec2.describe_tags, Filters=[only("resource-id", vpc), only("key", "team")])
    s.do("a tag goes", ec2.delete_tags, Resources=[vpc], Tags=[{"Key": "stage"}])
    other = [{"Key": "team", "Value": "not this"}]
    s.do("a tag of another value goes", ec2.delete_tags, Resources=[vpc], Tags=other)
    s.do("the tags that are left", ec2.describe_tags, Filters=[only("resource-id", vpc)])
    many = [{"Key": f"key-{n}", "Value": ""} for n in range(50)]
    s.do("too many tags", ec2.create_tags, Resources=[vpc], Tags=many)
    for words, key in (("a reserved tag", "aws:x"), ("a tag too long", "k" * 128)):
        tags = {"Resources": [vpc], "Tags": [{"Key": key, "Value": "1"}]}
        s.wrong(words, ec2.create_tags, lambda _, it=tags: s.quietly(ec2.delete_tags, **it), **tags)
    unknown = ["vpc-0123456789abcdef0"]
    s.do("tags of nothing", ec2.create_tags, Resources=unknown, Tags=pairs(a="b"))
    subnet = tagged("subnet", Name="one")
    s.wrong(
        "tags of another kind",
        ec2.create_vpc,
        lambda it: s.quietly(ec2.delete_vpc, VpcId=it["Vpc"]["VpcId"]),
        CidrBlock="10.1.0.0/16",
        TagSpecifications=subnet,
    )


def of_filters(s, ec2, vpc):
    for words, filters in {
        "by a tag": [only("tag:Name", "one")],
        "by a pattern": [only("tag:Name", "o?e", "x*"), only("vpc-id", vpc)],
        "by a key": [only("tag-key", "team"), only("vpc-id", vpc)],
        "by a range": [only("cidr", "10.0.0.0/16"), only("vpc-id", vpc)],
        "by two that do not fit": [only("tag:Name", "one"), only("tag:team", "nobody")],
        "by no such filter": [only("colour", "blue")],
    }.items():
        s.do(f"networks {words}", ec2.describe_vpcs, Filters=filters)


def of_pages(s, ec2, vpc):
    here = [only("vpc-id", vpc)]
    s.pages("in pages of 5", ec2, "describe_subnets", "Subnets", 5, Filters=here)
    s.do("a page too large", ec2.describe_subnets, MaxResults=1001, Filters=here)
    s.do("a page that is none", ec2.describe_subnets, NextToken="nothing", Filters=here)


def of_tokens(s, ec2, vpc, subnet):
    wanted = {"VpcId": vpc, "ClientToken": "table"}
    table = s.do("a table with a token", ec2.create_route_table, **wanted)["RouteTable"]
    again = s.do("the same token", ec2.create_route_table, **wanted)["RouteTable"]
    for table in (table, again):
        s.quietly(ec2.delete_route_table, RouteTableId=table["RouteTableId"])

    wanted = {"SubnetId": subnet, "ConnectivityType": "private", "ClientToken": "nat"}
    nat = s.do("a NAT gateway with a token", ec2.create_nat_gateway, **wanted)["NatGateway"]
    again = s.do("its token again", ec2.create_nat_gateway, **wanted)["NatGateway"]
    changed = wanted | {"PrivateIpAddress": "10.0.0.77"}
    other = s.do("its token for another", ec2.create_nat_gateway, **changed)["NatGateway"]
    for nat in (nat, again, other):
        s.quietly(ec2.delete_nat_gateway, NatGatewayId=nat["NatGatewayId"])
    here = [only("subnet-id", subnet)]
    s.wait("they have gone", ec2, "nat_gateway_deleted", Filters=here)

"""Gateways, addresses, routes and endpoints, and what keeps each of them from going."""

from scenarios import tagged

ANYWHERE = "0.0.0.0/0"


def play(s):
    ec2 = s.client("ec2")
    vpc = s.do("a network", ec2.create_vpc, CidrBlock="10.0.0.0/16")["Vpc"]["VpcId"]
    where = {"VpcId": vpc, "AvailabilityZone": f"{s.region}a"}
    subnet = s.do("a subnet", ec2.create_subnet, CidrBlock="10.0.0.0/24", **where)
    subnet = subnet["Subnet"]["SubnetId"]
    igw = internet(s, ec2, vpc)
    table, association = routes(s, ec2, vpc, subnet, igw)
    address, nat = translation(s, ec2, subnet, table)
    endpoints(s, ec2, vpc, table)

    s.do("an attached gateway goes", ec2.delete_internet_gateway, InternetGatewayId=igw)
    s.do("a subnet with a gateway goes", ec2.delete_subnet, SubnetId=subnet)
    stay(s, ec2, address)
    s.do("an address in use goes", ec2.release_address, AllocationId=address)
    s.do("the NAT gateway goes", ec2.delete_nat_gateway, NatGatewayId=nat)
    s.wait("the NAT gateway has gone", ec2, "nat_gateway_deleted", NatGatewayIds=[nat])
    s.do("a NAT gateway that has gone", ec2.describe_nat_gateways, NatGatewayIds=[nat])
    s.do("routes to what has gone", ec2.describe_route_tables, RouteTableIds=[table])
    s.do("the address goes", ec2.release_address, AllocationId=address)
    s.do("the address goes twice", ec2.release_address, AllocationId=address)

    s.do("a table in use goes", ec2.delete_route_table, RouteTableId=table)
    s.do("the association goes", ec2.disassociate_route_table, AssociationId=association)
    s.do("the association goes twice", ec2.disassociate_route_table, AssociationId=association)
    s.do("the table goes", ec2.delete_route_table, RouteTableId=table)
    away = {"InternetGatewayId": igw, "VpcId": vpc}
    s.do("the gateway is detached", ec2.detach_internet_gateway, **away)
    s.do("the gateway is detached twice", ec2.detach_internet_gateway, **away)
    s.do("the gateway goes", ec2.delete_internet_gateway, InternetGatewayId=igw)
    s.do("the gateway goes twice", ec2.delete_internet_gateway, InternetGatewayId=igw)
    s.do("the subnet goes", ec2.delete_subnet, SubnetId=subnet)
    s.do("the network goes", ec2.delete_vpc, VpcId=vpc)
    addresses(s, ec2)


def internet(s, ec2, vpc):
    igw = s.do(
        "an internet gateway",
        ec2.create_internet_gateway,
        TagSpecifications=tagged("internet-gateway", Name="out"),
    )["InternetGateway"]["InternetGatewayId"]
    attach = ec2.attach_internet_gateway
    s.do("attached", attach, InternetGatewayId=igw, VpcId=vpc)
    s.do("attached twice", attach, InternetGatewayId=igw, VpcId=vpc)
    other = s.do("another internet gateway", ec2.create_internet_gateway)
    other = other["InternetGateway"]["InternetGatewayId"]
    second = {"InternetGatewayId": other, "VpcId": vpc}
    s.wrong(
        "a second one for the network",
        attach,
        lambda _: s.quietly(ec2.detach_internet_gateway, **second),
        **second,
    )
    s.do("the other goes", ec2.delete_internet_gateway, InternetGatewayId=other)
    by_network = [{"Name": "attachment.vpc-id", "Values": [vpc]}]
    s.do("the gateway of the network", ec2.describe_internet_gateways, Filters=by_network)
    return igw


def routes(s, ec2, vpc, subnet, igw):
    table = s.do(
        "a route table",
        ec2.create_route_table,
        VpcId=vpc,
        TagSpecifications=tagged("route-table", Name="public"),
    )["RouteTable"]["RouteTableId"]
    out = {"RouteTableId": table, "DestinationCidrBlock": ANYWHERE}
    s.do("a route", ec2.create_route, GatewayId=igw, **out)
    s.do("the same route", ec2.create_route, GatewayId=igw, **out)
    nowhere = {"RouteTableId": table, "GatewayId": "igw-0123456789abcdef0"}
    s.do("a route to nothing", ec2.create_route, DestinationCidrBlock="1.0.0.0/8", **nowhere)
    there = {"RouteTableId": table, "DestinationCidrBlock": "1.0.0.0/8"}
    s.wrong(
        "another route to nothing",
        ec2.create_route,
        lambda _: s.quietly(ec2.delete_route, **there),
        NatGatewayId="nat-0123456789abcdef0",
        **there,
    )
    join = {"RouteTableId": table, "SubnetId": subnet}
    association = s.do("an association", ec2.associate_route_table, **join)["AssociationId"]
    s.do("the same association", ec2.associate_route_table, **join)
    s.do("the table", ec2.describe_route_tables, RouteTableIds=[table])
    by_subnet = [{"Name": "association.subnet-id", "Values": [subnet]}]
    s.do("the table by its subnet", ec2.describe_route_tables, Filters=by_subnet)
    other = s.do("another table", ec2.create_route_table, VpcId=vpc)["RouteTable"]["RouteTableId"]
    association = s.do(
        "another table for the subnet",
        ec2.replace_route_table_association,
        AssociationId=association,
        RouteTableId=other,
    )["NewAssociationId"]
    association = s.do(
        "the first one again",
        ec2.replace_route_table_association,
        AssociationId=association,
        RouteTableId=table,
    )["NewAssociationId"]
    s.do("the other table goes", ec2.delete_route_table, RouteTableId=other)
    s.do("no such table", ec2.describe_route_tables, RouteTableIds=["rtb-0123456789abcdef0"])
    s.do("a route goes", ec2.delete_route, **out)
    s.do("a route goes twice", ec2.delete_route, **out)
    return table, association


def translation(s, ec2, subnet, table):
    address = s.do(
        "an address",
        ec2.allocate_address,
        Domain="vpc",
        TagSpecifications=tagged("elastic-ip", Name="nat"),
    )["AllocationId"]
    s.do("the address is free", ec2.describe_addresses, AllocationIds=[address])
    wanted = {"SubnetId": subnet, "AllocationId": address, "ClientToken": "one"}
    nat = s.do(
        "a NAT gateway",
        ec2.create_nat_gateway,
        TagSpecifications=tagged("natgateway", Name="nat"),
        **wanted,
    )["NatGateway"]["NatGatewayId"]
    s.wait("the NAT gateway is available", ec2, "nat_gateway_available", NatGatewayIds=[nat])
    s.do("the NAT gateway, available", ec2.describe_nat_gateways, NatGatewayIds=[nat])
    s.do("its address", ec2.describe_addresses, AllocationIds=[address])
    by_subnet = [{"Name": "subnet-id", "Values": [subnet]}]
    s.do("the NAT gateway by its subnet", ec2.describe_nat_gateways, Filters=by_subnet)
    out = {"RouteTableId": table, "DestinationCidrBlock": ANYWHERE}
    s.do("a route through it", ec2.create_route, NatGatewayId=nat, **out)
    s.do("the route is replaced", ec2.replace_route, NatGatewayId=nat, **out)
    unknown = "nat-0123456789abcdef0"
    s.do("no such NAT gateway", ec2.describe_nat_gateways, NatGatewayIds=[unknown])
    s.do("no such NAT gateway goes", ec2.delete_nat_gateway, NatGatewayId=unknown)
    return address, nat


def stay(s, ec2, address):
    """Parts what cannot be parted: the address and interface of a NAT gateway, and nothing."""
    its = s.do("the address in use", ec2.describe_addresses, AllocationIds=[address])
    its = s.at(its["Addresses"], 0)
    part, detach = ec2.disassociate_address, ec2.detach_network_interface
    ids = [its["NetworkInterfaceId"]]
    find = ec2.describe_network_interfaces
    found = "length(NetworkInterfaces)"
    interface = s.look("its interface", found, find, NetworkInterfaceIds=ids)
    attachment = s.at(interface["NetworkInterfaces"], 0).get("Attachment", {})
    id = attachment.get("AttachmentId", "eni-attach-0123456789abcdef0")
    s.do("the interface is detached", detach, AttachmentId=id)
    s.do("the address is parted", part, AssociationId=its["AssociationId"])
    s.do("no such association", part, AssociationId="eipassoc-0123456789abcdef0")
    s.do("no such attachment", detach, AttachmentId="eni-attach-0123456789abcdef0")


def endpoints(s, ec2, vpc, table):
    region = ec2.meta.region_name
    name = f"com.amazonaws.{region}.s3"
    wanted = {"VpcId": vpc, "ServiceName": name, "RouteTableIds": [table]}
    endpoint = s.do(
        "an endpoint",
        ec2.create_vpc_endpoint,
        TagSpecifications=tagged("vpc-endpoint", Name="s3"),
        **wanted,
    )["VpcEndpoint"]["VpcEndpointId"]
    s.do("the endpoint", ec2.describe_vpc_endpoints, VpcEndpointIds=[endpoint])
    s.do("routes to the endpoint", ec2.describe_route_tables, RouteTableIds=[table])
    by_service = [{"Name": "vpc-id", "Values": [vpc]}, {"Name": "service-name", "Values": [name]}]
    s.do("the endpoint by its service", ec2.describe_vpc_endpoints, Filters=by_service)
    tables = {"VpcEndpointId": endpoint, "RemoveRouteTableIds": [table]}
    s.do("the table is taken off", ec2.modify_vpc_endpoint, **tables)
    s.do("the endpoint, changed", ec2.describe_vpc_endpoints, VpcEndpointIds=[endpoint])
    wanted["ServiceName"] = f"com.amazonaws.{region}.nothing"
    wrong = "an endpoint of no service"
    s.wrong(wrong, ec2.create_vpc_endpoint, lambda it: gone(s, ec2, it), **wanted)
    s.do("the endpoint goes", ec2.delete_vpc_endpoints, VpcEndpointIds=[endpoint])
    unknown = "vpce-0123456789abcdef0"
    s.do("no such endpoint", ec2.describe_vpc_endpoints, VpcEndpointIds=[unknown])
    s.do("no such endpoint goes", ec2.delete_vpc_endpoints, VpcEndpointIds=[unknown])


def gone(s, ec2, endpoint):
    id = endpoint["VpcEndpoint"]["VpcEndpointId"]
    s.quietly(ec2.delete_vpc_endpoints, VpcEndpointIds=[id])


def addresses(s, ec2):
    made = [s.do(f"address {n}", ec2.allocate_address, Domain="vpc") for n in range(1, 7)]
    for address in made:
        if address != "nothing":
            ec2.release_address(AllocationId=address["AllocationId"])
    s.do("no such address", ec2.describe_addresses, AllocationIds=["eipalloc-0123456789abcdef0"])

"""What there is before anything is made: regions, zones, machines, services; and disks."""

from scenarios import tagged


def play(s):
    ec2 = s.client("ec2")
    region = s.region
    regions = ec2.describe_regions
    s.look("this region", "Regions[].RegionName", regions, RegionNames=[region])
    s.do("no such region", regions, RegionNames=["xx-nowhere-1"])
    open_zones = [{"Name": "state", "Values": ["available"]}]
    zones = ec2.describe_availability_zones
    s.look("the zones", "AvailabilityZones[].[ZoneName, ZoneId]", zones, Filters=open_zones)
    s.do("what the account may", ec2.describe_account_attributes)
    of_machines(s, ec2)
    of_services(s, ec2)
    of_disks(s, ec2)


def of_machines(s, ec2):
    shape = "InstanceTypes[].[InstanceType, VCpuInfo.DefaultVCpus, MemoryInfo.SizeInMiB]"
    types = ec2.describe_instance_types
    s.look("two machines", shape, types, InstanceTypes=["m5.large", "r5d.2xlarge"])
    disks = "InstanceTypes[].[InstanceType, InstanceStorageInfo.TotalSizeInGB]"
    s.look("their disks", disks, types, InstanceTypes=["m5.large", "r5d.2xlarge"])
    s.do("no such machine", types, InstanceTypes=["m5.gigantic"])
    only = [{"Name": "instance-type", "Values": ["m5.large"]}]
    offers = ec2.describe_instance_type_offerings
    part = "InstanceTypeOfferings[].[InstanceType, LocationType]"
    s.look("whether it is offered", part, offers, Filters=only)
    s.look("where", part, offers, LocationType="availability-zone", Filters=only)
    wanted = {"InstanceTypes": ["m5.large"], "ProductDescriptions": ["Linux/UNIX"]}
    prices = "length(SpotPriceHistory) > `0`"
    s.look("spot prices", prices, ec2.describe_spot_price_history, MaxResults=5, **wanted)


def of_services(s, ec2):
    name = f"com.amazonaws.{s.region}.s3"
    named = {"ServiceNames": [name]}
    kinds = "ServiceDetails[].ServiceType[].ServiceType"
    s.look("a service", kinds, ec2.describe_vpc_endpoint_services, **named)
    only = [{"Name": "prefix-list-name", "Values": [name]}]
    s.look("its ranges", "PrefixLists[].PrefixListName", ec2.describe_prefix_lists, Filters=only)
    lists = ec2.describe_managed_prefix_lists
    s.look("its list", "PrefixLists[].[PrefixListName, OwnerId]", lists, Filters=only)


def of_disks(s, ec2):
    zone = {"AvailabilityZone": f"{s.region}a"}
    made = s.do(
        "a disk",
        ec2.create_volume,
        Size=10,
        VolumeType="gp3",
        TagSpecifications=tagged("volume", Name="data"),
        **zone,
    )["VolumeId"]
    s.wait("the disk is available", ec2, "volume_available", VolumeIds=[made])
    s.do("the disk", ec2.describe_volumes, VolumeIds=[made])
    s.do("a disk of no size", ec2.create_volume, **zone)
    s.do("the disk goes", ec2.delete_volume, VolumeId=made)
    s.wait("the disk has gone", ec2, "volume_deleted", VolumeIds=[made])
    s.do("the disk goes twice", ec2.delete_volume, VolumeId=made)

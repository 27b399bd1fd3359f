"""Classic load balancers with their tags."""

from scenarios import pairs


def play(s):
    ec2, elb = s.client("ec2"), s.client("elb")
    vpc = s.do("a network", ec2.create_vpc, CidrBlock="10.0.0.0/16")["Vpc"]["VpcId"]
    here = {"VpcId": vpc, "CidrBlock": "10.0.0.0/24", "AvailabilityZone": f"{s.region}a"}
    subnet = s.do("a subnet", ec2.create_subnet, **here)
    wanted = {"GroupName": "web", "Description": "who may come in", "VpcId": vpc}
    group = s.do("a group", ec2.create_security_group, **wanted)["GroupId"]
    listener = {"Protocol": "TCP", "LoadBalancerPort": 80, "InstancePort": 8080}
    web = {
        "LoadBalancerName": "web",
        "Listeners": [listener],
        "Subnets": [subnet["Subnet"]["SubnetId"]],
        "SecurityGroups": [group],
        "Scheme": "internal",
    }
    make = elb.create_load_balancer
    s.do("a load balancer", make, Tags=pairs(team="data"), **web)
    s.do("the same name", make, **web | {"Listeners": [listener | {"InstancePort": 80}]})
    nowhere = {"LoadBalancerName": "b", "Subnets": ["subnet-0123456789abcdef0"]}
    s.do("one in no subnet", make, **web | nowhere)
    s.do("the load balancer", elb.describe_load_balancers, LoadBalancerNames=["web"])
    s.do("no such load balancer", elb.describe_load_balancers, LoadBalancerNames=["nobody"])
    s.do("a tag", elb.add_tags, LoadBalancerNames=["web"], Tags=pairs(seen="yes"))
    s.do("the tags", elb.describe_tags, LoadBalancerNames=["web"])
    s.do("the tag goes", elb.remove_tags, LoadBalancerNames=["web"], Tags=[{"Key": "seen"}])
    s.do("the tags that are left", elb.describe_tags, LoadBalancerNames=["web"])
    s.do("tags of no load balancer", elb.describe_tags, LoadBalancerNames=["nobody"])
    s.do("the load balancer goes", elb.delete_load_balancer, LoadBalancerName="web")
    s.do("the load balancer goes twice", elb.delete_load_balancer, LoadBalancerName="web")
    s.do("no load balancers", elb.describe_load_balancers)

"""Node groups: what they need, how they come, change, and go, and what they leave."""

from scenarios.clusters import CLUSTER, network, role, take_down, without

NODES = [
    f"arn:aws:iam::aws:policy/{name}"
    for name in (
        "AmazonEKSWorkerNodePolicy",
        "AmazonEKS_CNI_Policy",
        "AmazonEC2ContainerRegistryPullOnly",
    )
]
NONE = {"AutoScalingGroupName": "nothing"}


def play(s):
    eks = s.client("eks")
    vpc, subnets = network(s)
    cluster = role(s, "control", "eks.amazonaws.com", CLUSTER)
    nodes = role(s, "nodes", "ec2.amazonaws.com", *NODES)
    eks.create_cluster(
        name="acme",
        version="1.34",
        roleArn=cluster,
        resourcesVpcConfig={"subnetIds": subnets},
        accessConfig={"authenticationMode": "API"},
    )
    wanted = {
        "clusterName": "acme",
        "nodegroupName": "app",
        "nodeRole": nodes,
        "subnets": subnets[:1],
        "instanceTypes": ["m5.large"],
        "amiType": "AL2023_x86_64_STANDARD",
        "scalingConfig": {"minSize": 1, "maxSize": 3, "desiredSize": 1},
        "labels": {"team": "data"},
        "tags": {"team": "data"},
        "clientRequestToken": "first",
    }
    s.do("a group of a cluster that is not ready", eks.create_nodegroup, **wanted)
    s.quietly(eks.delete_nodegroup, clusterName="acme", nodegroupName="app")
    s.wait("the cluster is active", eks, "cluster_active", name="acme")
    wrong(s, eks, wanted)
    group = {"clusterName": "acme", "nodegroupName": "app"}
    s.do("a group", eks.create_nodegroup, **wanted)
    s.do("the same token", eks.create_nodegroup, **wanted)
    s.do("the same name", eks.create_nodegroup, **wanted | {"clientRequestToken": "second"})
    s.do("a cluster with a group goes", eks.delete_cluster, name="acme")
    s.wait("the group is active", eks, "nodegroup_active", **group)
    s.do("the group, active", eks.describe_nodegroup, **group)
    of_updates(s, eks, group)
    of_machines(s, eks, group)
    spot(s, eks, wanted)
    s.pages("the groups", eks, "list_nodegroups", "nodegroups", 1, clusterName="acme")
    s.do("the group goes", eks.delete_nodegroup, **group)
    s.do("the other group goes", eks.delete_nodegroup, **group | {"nodegroupName": "spot"})
    s.wait("the group has gone", eks, "nodegroup_deleted", **group)
    s.wait("the other has gone", eks, "nodegroup_deleted", **group | {"nodegroupName": "spot"})
    s.do("the group goes twice", eks.delete_nodegroup, **group)
    s.do("groups of nothing", eks.list_nodegroups, clusterName="nobody")
    serverless(s, eks)
    s.do("the cluster goes", eks.delete_cluster, name="acme")
    s.wait("the cluster has gone", eks, "cluster_deleted", name="acme")
    take_down(s, vpc, subnets)
    without(s, "control", CLUSTER)
    without(s, "nodes", *NODES)


def serverless(s, eks):
    """Pods that run on no machines of ours: their profile is a group of its own."""
    pods = role(s, "pods", "eks-fargate-pods.amazonaws.com")
    profile = {"clusterName": "acme", "fargateProfileName": "jobs"}
    wanted = profile | {"podExecutionRoleArn": pods, "selectors": [{"namespace": "jobs"}]}
    s.do("a profile", eks.create_fargate_profile, **wanted)
    s.do("a profile of nothing", eks.create_fargate_profile, **wanted | {"clusterName": "nobody"})
    s.wait("the profile is active", eks, "fargate_profile_active", **profile)
    s.do("the profile", eks.describe_fargate_profile, **profile)
    s.do("the profiles", eks.list_fargate_profiles, clusterName="acme")
    s.do("profiles of nothing", eks.list_fargate_profiles, clusterName="nobody")
    s.do("the profile goes", eks.delete_fargate_profile, **profile)
    s.wait("the profile has gone", eks, "fargate_profile_deleted", **profile)
    s.do("the profile goes twice", eks.delete_fargate_profile, **profile)
    without(s, "pods")


def wrong(s, eks, wanted):
    for words, other in {
        "no such cluster": {"clusterName": "nobody"},
        "more least than most": {"scalingConfig": {"minSize": 9, "maxSize": 2, "desiredSize": 9}},
        "no such role": {"nodeRole": wanted["nodeRole"].replace("nodes", "nobody")},
        "no such subnet": {"subnets": ["subnet-0123456789abcdef0"]},
        "no such machine": {"instanceTypes": ["m5.gigantic"]},
        "no such template": {"launchTemplate": {"id": "lt-0123456789abcdef0"}},
    }.items():
        token = {"clientRequestToken": f"wrong {words}", "nodegroupName": "wrong"}
        s.do(f"a group of {words}", eks.create_nodegroup, **wanted | token | other)
        gone = {"clusterName": "acme", "nodegroupName": "wrong"}
        s.quietly(eks.delete_nodegroup, **gone)
        s.wait(f"none of {words}", eks, "nodegroup_deleted", **gone)
    s.do("no such group", eks.describe_nodegroup, clusterName="acme", nodegroupName="nobody")


def of_updates(s, eks, group):
    update = s.do(
        "another size",
        eks.update_nodegroup_config,
        scalingConfig={"minSize": 1, "maxSize": 4, "desiredSize": 2},
        labels={"addOrUpdateLabels": {"tier": "one"}, "removeLabels": ["team"]},
        taints={"addOrUpdateTaints": [{"key": "a", "value": "b", "effect": "NO_SCHEDULE"}]},
        **group,
    )["update"]["id"]
    named = {"name": "acme", "nodegroupName": "app", "updateId": update}
    s.do("the change", eks.describe_update, **named)
    s.wait("the change is done", eks, "nodegroup_active", **group)
    s.do("the change, done", eks.describe_update, **named)
    s.do("the group, changed", eks.describe_nodegroup, **group)
    change = eks.update_nodegroup_config
    sizes = {"minSize": 1, "maxSize": 4, "desiredSize": 2}
    s.wrong(
        "a size that is none",
        change,
        lambda _: s.quietly(change, scalingConfig=sizes, **group),
        scalingConfig={"minSize": 9, "maxSize": 2, "desiredSize": 9},
        **group,
    )
    s.do("another version", eks.update_nodegroup_version, version="1.35", **group)


def spot(s, eks, wanted):
    more = {
        "nodegroupName": "spot",
        "capacityType": "SPOT",
        "instanceTypes": ["m5.large", "c5.large", "m6i.large", "m7i.large"],
        "clientRequestToken": "spot",
        "taints": [{"key": "spot", "value": "yes", "effect": "NO_SCHEDULE"}],
    }
    s.do("a group of spot machines", eks.create_nodegroup, **wanted | more)
    group = {"clusterName": "acme", "nodegroupName": "spot"}
    s.wait("the spot group is active", eks, "nodegroup_active", **group)
    s.do("the spot group, active", eks.describe_nodegroup, **group)


def of_machines(s, eks, group):
    """Looks at the machines of a group, and at the Auto Scaling group that launches them."""
    auto, ec2 = s.client("autoscaling"), s.client("ec2")
    found = eks.describe_nodegroup(**group)["nodegroup"]["resources"]["autoScalingGroups"]
    name = {"AutoScalingGroupName": found[0]["name"]}
    groups = auto.describe_auto_scaling_groups
    sizes = "AutoScalingGroups[].[MinSize, MaxSize, DesiredCapacity, length(Instances)]"
    named = {"AutoScalingGroupNames": [found[0]["name"]]}
    s.look("its Auto Scaling group", sizes, groups, **named)
    machines = auto.describe_auto_scaling_instances
    s.look("its instances", "AutoScalingInstances[].LifecycleState", machines)
    done = "Activities[].StatusCode"
    s.look("what it did", done, auto.describe_scaling_activities, **name)
    tag = {"ResourceId": found[0]["name"], "ResourceType": "auto-scaling-group", "Key": "mine"}
    s.do("a tag of it", auto.create_or_update_tags, Tags=[tag | {"Value": "1"}])
    only = [{"Name": "key", "Values": ["mine"]}]
    s.look("the tag", "Tags[].[Key, Value]", auto.describe_tags, Filters=only)
    s.do("the tag goes", auto.delete_tags, Tags=[tag])
    s.do("too many of it", auto.set_desired_capacity, DesiredCapacity=99, **name)
    s.do("three of it", auto.set_desired_capacity, DesiredCapacity=3, **name)
    s.do("at most three", auto.update_auto_scaling_group, MaxSize=3, **name)
    running = [{"Name": "instance-state-name", "Values": ["pending", "running"]}]
    state = "Reservations[].Instances[].State.Name"
    found = s.look("the machines", state, ec2.describe_instances, Filters=running)
    ids = [it["InstanceId"] for one in found["Reservations"] for it in one["Instances"]]
    one, other = s.at(ids, 0), s.at(ids, 1)
    end = auto.terminate_instance_in_auto_scaling_group
    cause = "Activity.StatusCode"
    s.look("one goes", cause, end, InstanceId=one, ShouldDecrementDesiredCapacity=True)
    s.wait("it has gone", ec2, "instance_terminated", InstanceIds=[one])
    change = "TerminatingInstances[].CurrentState.Name"
    s.look("one is ended", change, ec2.terminate_instances, InstanceIds=[other])
    s.do("no such machine", ec2.describe_instances, InstanceIds=["i-0123456789abcdef0"])
    s.do("no such Auto Scaling group", auto.set_desired_capacity, DesiredCapacity=1, **name | NONE)
    s.wait("the group is active again", eks, "nodegroup_active", **group)
    s.do("another image", eks.update_nodegroup_version, **group)
    s.wait("the images are there", eks, "nodegroup_active", **group)

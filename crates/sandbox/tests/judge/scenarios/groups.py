"""Security groups with their rules, and launch templates with their versions."""

import base64

from scenarios import pairs, tagged


def play(s):
    ec2 = s.client("ec2")
    vpc = s.do("a network", ec2.create_vpc, CidrBlock="10.0.0.0/16")["Vpc"]["VpcId"]
    group = of_groups(s, ec2, vpc)
    of_rules(s, ec2, group)
    s.do("a network with a group goes", ec2.delete_vpc, VpcId=vpc)
    s.do("the group goes", ec2.delete_security_group, GroupId=group)
    s.do("the group goes twice", ec2.delete_security_group, GroupId=group)
    s.do("the network goes", ec2.delete_vpc, VpcId=vpc)
    of_templates(s, ec2)


def of_groups(s, ec2, vpc):
    wanted = {"GroupName": "apps", "Description": "what apps may", "VpcId": vpc}
    tags = tagged("security-group", Name="apps")
    group = s.do("a group", ec2.create_security_group, TagSpecifications=tags, **wanted)["GroupId"]
    s.wait("the group exists", ec2, "security_group_exists", GroupIds=[group])
    s.do("the group", ec2.describe_security_groups, GroupIds=[group])
    s.do("the same name", ec2.create_security_group, **wanted)
    s.do("a reserved name", ec2.create_security_group, **wanted | {"GroupName": "default"})
    nowhere = {"VpcId": "vpc-0123456789abcdef0"}
    s.do("a group of no network", ec2.create_security_group, **wanted | nowhere)
    s.do("no such group", ec2.describe_security_groups, GroupIds=["sg-0123456789abcdef0"])
    here = {"Name": "vpc-id", "Values": [vpc]}
    by_name = [here, {"Name": "group-name", "Values": ["default"]}]
    found = s.do("the default group", ec2.describe_security_groups, Filters=by_name)
    default = found["SecurityGroups"][0]["GroupId"]
    s.do("the default group goes", ec2.delete_security_group, GroupId=default)
    return group


def of_rules(s, ec2, group):
    allow, revoke = ec2.authorize_security_group_ingress, ec2.revoke_security_group_ingress
    https = {"IpProtocol": "tcp", "FromPort": 443, "ToPort": 443}
    rule = [https | {"IpRanges": [{"CidrIp": "10.0.0.0/16", "Description": "inside"}]}]
    s.do("a rule", allow, GroupId=group, IpPermissions=rule)
    s.do("the same rule", allow, GroupId=group, IpPermissions=rule)
    own = [{"IpProtocol": "-1", "UserIdGroupPairs": [{"GroupId": group}]}]
    s.do("a rule for its own members", allow, GroupId=group, IpPermissions=own)
    s.do("the group with its rules", ec2.describe_security_groups, GroupIds=[group])
    by_group = [{"Name": "group-id", "Values": [group]}]
    s.do("the rules", ec2.describe_security_group_rules, Filters=by_group)
    everything = [{"IpProtocol": "-1", "IpRanges": [{"CidrIp": "0.0.0.0/0"}]}]
    out = ec2.revoke_security_group_egress
    s.do("nothing may leave", out, GroupId=group, IpPermissions=everything)
    s.do("the rule goes", revoke, GroupId=group, IpPermissions=rule)
    s.do("the rule goes twice", revoke, GroupId=group, IpPermissions=rule)
    s.do("what may leave", ec2.authorize_security_group_egress, GroupId=group, IpPermissions=rule)
    bad = [https | {"IpRanges": [{"CidrIp": "10.0.0.0/99"}]}]
    s.do("a rule for no range", allow, GroupId=group, IpPermissions=bad)
    unknown = "sg-0123456789abcdef0"
    s.do("a rule of no group", allow, GroupId=unknown, IpPermissions=rule)


def of_templates(s, ec2):
    data = {
        "UserData": base64.b64encode(b"#!/bin/sh\n").decode(),
        "BlockDeviceMappings": [
            {"DeviceName": "/dev/xvda", "Ebs": {"VolumeSize": 50, "VolumeType": "gp3"}}
        ],
        "MetadataOptions": {"HttpTokens": "required", "HttpPutResponseHopLimit": 1},
        "TagSpecifications": [{"ResourceType": "instance", "Tags": pairs(team="data")}],
    }
    wanted = {"LaunchTemplateName": "pool", "LaunchTemplateData": data}
    tags = tagged("launch-template", Name="pool")
    made = s.do("a template", ec2.create_launch_template, TagSpecifications=tags, **wanted)
    template = made["LaunchTemplate"]["LaunchTemplateId"]
    by_id = {"LaunchTemplateId": template}
    s.do("the same name", ec2.create_launch_template, **wanted)
    more = data | {"InstanceType": "m5.large"}
    s.do("a version", ec2.create_launch_template_version, LaunchTemplateData=more, **by_id)
    s.do("it is the default", ec2.modify_launch_template, DefaultVersion="2", **by_id)
    s.do("the template", ec2.describe_launch_templates, LaunchTemplateIds=[template])
    by_name = [wanted["LaunchTemplateName"]]
    s.do("the template by its name", ec2.describe_launch_templates, LaunchTemplateNames=by_name)
    s.do("its versions", ec2.describe_launch_template_versions, **by_id)
    s.do("its latest version", ec2.describe_launch_template_versions, Versions=["$Latest"], **by_id)
    s.do("no such version", ec2.describe_launch_template_versions, Versions=["9"], **by_id)
    delete = ec2.delete_launch_template_versions
    part = "SuccessfullyDeletedLaunchTemplateVersions[].VersionNumber"
    s.look("a version goes", part, delete, Versions=["1"], **by_id)
    s.do("the template goes", ec2.delete_launch_template, **by_id)
    s.do("the template goes twice", ec2.delete_launch_template, **by_id)
    s.do("no such template", ec2.describe_launch_templates, LaunchTemplateIds=[template])
    s.do("no such name", ec2.describe_launch_templates, LaunchTemplateNames=by_name)

"""Sorts the changes of a recording by the object that they are about."""

import base64
import email
import json
import re

import yaml
from botocore.parsers import create_parser

import wire

# Each create: the kind of object, and where in the reply its ids are.
CREATES = {
    "AllocateAddress": ("address", ["AllocationId"]),
    "AssociateRouteTable": ("association", ["AssociationId"]),
    "CreateAlias": ("key alias", []),
    "CreateCluster": ("cluster", ["cluster.arn"]),
    "CreateInternetGateway": ("internet gateway", ["InternetGateway.InternetGatewayId"]),
    "CreateKey": ("key", ["KeyMetadata.KeyId", "KeyMetadata.Arn"]),
    "CreateLaunchTemplate": ("launch template", ["LaunchTemplate.LaunchTemplateId"]),
    "CreateLogGroup": ("log group", []),
    "CreateNatGateway": ("NAT gateway", ["NatGateway.NatGatewayId"]),
    "CreateNodegroup": ("node group", ["nodegroup.nodegroupArn"]),
    "CreateOpenIDConnectProvider": ("OIDC provider", ["OpenIDConnectProviderArn"]),
    "CreateRole": ("role", ["Role.Arn"]),
    "CreateRoute": ("route", []),
    "CreateRouteTable": ("route table", ["RouteTable.RouteTableId"]),
    "CreateSubnet": ("subnet", ["Subnet.SubnetId"]),
    "CreateVpc": ("network", ["Vpc.VpcId"]),
    "CreateVpcEndpoint": ("endpoint", ["VpcEndpoint.VpcEndpointId"]),
}
# Each later change, and the parameter that names its object.
CHANGES = {
    "AttachInternetGateway": "InternetGatewayId",
    "AttachRolePolicy": "RoleName",
    "DeleteNatGateway": "NatGatewayId",
    "EnableKeyRotation": "KeyId",
    "ModifyVpcAttribute": "VpcId",
    "PutRolePolicy": "RoleName",
    "PutRetentionPolicy": "logGroupName",
    "ReleaseAddress": "AllocationId",
    "ReplaceRoute": "RouteTableId",
    "UpdateNodegroupConfig": "nodegroupName",
}
# What is called as its maker likes, without a meaning of its own.
NAMES = {"AliasName", "LaunchTemplateName", "PolicyName", "RoleName", "nodegroupName"}
TOKENS = {"ClientToken", "clientRequestToken"}
TAGS = ({"Key", "Value"}, {"TagKey", "TagValue"})


class Made:
    """An object, the call that made it and those that changed it."""

    def __init__(self, kind, call, ids):
        self.kind, self.call, self.ids, self.changes = kind, call, ids, []

    def __getitem__(self, parameter):
        return self.call.parameters[parameter]

    def template(self):
        return self.call.parameters.get("launchTemplate", {}).get("id")


class World:
    """Everything that a recording made."""

    def __init__(self, recording):
        self.made = []
        for line in open(recording, encoding="utf-8"):
            exchange = json.loads(line)
            call = wire.read(exchange)
            name = call.operation.name
            if name.startswith(("Describe", "Get", "List")) or only_marks(call):
                continue
            assert exchange["status"] == 200, f"{name}: {exchange['reply']}"
            if name in CREATES:
                kind, paths = CREATES[name]
                reply = parsed(call, exchange)
                self.made.append(Made(kind, call, [at(reply, path) for path in paths]))
            else:
                self.subject(call).changes.append(call)

    def subject(self, call):
        named = CHANGES[call.operation.name]
        wanted = call.parameters[named]
        if call.operation.name == "ReplaceRoute":
            return next(it for it in self.of("route") if it[named] == wanted)
        by_name = (it for it in self.made if it.call.parameters.get(named) == wanted)
        return self.by_id(wanted) or next(by_name)

    def of(self, kind):
        return [it for it in self.made if it.kind == kind]

    def by_id(self, id):
        return next((it for it in self.made if id in it.ids), None)

    def label(self, it):
        """Says which object this is by what it is for, in the words of both recordings."""
        subnets = [a for a in self.of("association") if a["RouteTableId"] in it.ids]
        match it.kind:
            case "subnet":
                return f"subnet {it['CidrBlock']}"
            case "NAT gateway":
                return f"NAT gateway in {self.named(it['SubnetId'])}"
            case "address":
                of = [n for n in self.of("NAT gateway") if n["AllocationId"] in it.ids]
                return f"address of {self.label(of[0])}"
            case "route table":
                return "route table of " + ", ".join(
                    sorted(self.named(a["SubnetId"]) for a in subnets)
                )
            case "route":
                return f"route to {it['DestinationCidrBlock']} in {self.named(it['RouteTableId'])}"
            case "association":
                return f"association of {self.named(it['SubnetId'])}"
            case "role":
                trust = json.loads(it["AssumeRolePolicyDocument"])
                return f"role of {trust['Statement'][0]['Principal']['Service']}"
            case "endpoint":
                return f"endpoint {it['ServiceName']}"
            case "node group":
                return f"node group of {it['instanceTypes'][0]}"
            case "launch template":
                groups = self.of("node group")
                of = [g for g in groups if g.template() in it.ids]
                return f"launch template of {self.label(of[0])}"
        return it.kind

    def named(self, id):
        return self.label(self.by_id(id))

    def by_label(self):
        """Returns kind and facts of every object by its label."""
        objects = {self.label(it): (it.kind, self.facts(it)) for it in self.made}
        assert len(objects) == len(self.made), "two objects have one label"
        return objects

    def facts(self, it):
        """Returns what was said about an object, as members of calls with their values."""
        facts = {}
        name = CHANGES.get(it.call.operation.name)
        self.tell(facts, "", it.call, name)
        for call in it.changes:
            self.tell(facts, f"{call.operation.name} ", call, CHANGES[call.operation.name])
        return {member: short(values) for member, values in facts.items()}

    def tell(self, facts, prefix, call, subject):
        for name, value in call.parameters.items():
            if name == subject:
                continue
            if name in TOKENS:
                value = "(token)"
            elif name in NAMES:
                value = "(name)"
            for path, leaf in leaves(f"{prefix}{name}", self.plain(value)):
                facts.setdefault(path, []).append(leaf)

    def plain(self, value):
        """Replaces ids by what they name, and notations by what they say."""
        if isinstance(value, list) and value and all(isinstance(it, dict) for it in value):
            if set(value[0]) in TAGS:
                return self.plain(
                    {it.get("Key", it.get("TagKey")): list(it.values())[-1] for it in value}
                )
            if "ResourceType" in value[0]:
                return {it["ResourceType"]: self.plain(it["Tags"]) for it in value}
        if isinstance(value, list):
            return [self.plain(item) for item in value]
        if isinstance(value, dict):
            kept = {key: item for key, item in value.items() if not key.startswith("provision-")}
            return {key: "(name)" if key == "Name" else self.plain(kept[key]) for key in kept}
        if isinstance(value, str):
            return self.plain_text(value)
        return value

    def plain_text(self, text):
        if self.by_id(text):
            return f"({self.named(text)})"
        if text.startswith("{"):
            return self.plain(policy(json.loads(text)))
        if text.startswith("TUlNR"):
            return [
                documents(part)
                for part in email.message_from_bytes(base64.b64decode(text)).get_payload()
            ]
        return re.sub(r"/id/\w+$", "/id/(id)", text)


def only_marks(call):
    """Tells whether a call does nothing but put our own marks on something."""
    tags = call.parameters.get("Tags", []) if call.operation.name == "CreateTags" else []
    return bool(tags) and all(tag["Key"].startswith("provision-") for tag in tags)


def policy(value):
    """Takes lists of one out of a policy, where they say the same as what is in them."""
    if isinstance(value, list) and len(value) == 1:
        return policy(value[0])
    if isinstance(value, dict):
        return {key: policy(item) for key, item in value.items()}
    return value


def documents(part):
    return {part.get_content_type(): yaml.safe_load(part.get_payload())}


def parsed(call, exchange):
    reply = {"status_code": 200, "headers": {}, "body": exchange["reply"].encode()}
    return create_parser(call.service.protocol).parse(reply, call.operation.output_shape)


def at(reply, path):
    for key in path.split("."):
        reply = reply[key]
    return reply


def leaves(path, value):
    """Takes a value apart down to words, numbers and lists of them."""
    if isinstance(value, dict) and value:
        for key, item in value.items():
            yield from leaves(f"{path}.{key}", item)
    elif isinstance(value, list) and any(isinstance(item, dict) for item in value):
        for number, item in enumerate(value):
            yield from leaves(f"{path}[{number}]", item)
    else:
        yield path, value


def short(values):
    """Writes what was said; once, or sorted where it was said several times."""
    written = sorted(it if isinstance(it, str) else json.dumps(it) for it in values)
    return ", ".join(written)

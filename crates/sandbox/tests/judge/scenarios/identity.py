"""Roles with their policies, and identity providers."""

import json

from scenarios import pairs, trust

NODES = "arn:aws:iam::aws:policy/AmazonEKSWorkerNodePolicy"
ISSUER = "https://oidc.eks.us-east-1.amazonaws.com/id/0123456789ABCDEF0123456789ABCDEF"


def play(s):
    iam = s.client("iam")
    of_roles(s, iam)
    of_policies(s, iam)
    s.do("a role with policies goes", iam.delete_role, RoleName="acme")
    s.do("the inline policy goes", iam.delete_role_policy, RoleName="acme", PolicyName="more")
    s.do("it goes twice", iam.delete_role_policy, RoleName="acme", PolicyName="more")
    detach = {"RoleName": "acme", "PolicyArn": NODES}
    s.do("the policy is detached", iam.detach_role_policy, **detach)
    s.do("it is detached twice", iam.detach_role_policy, **detach)
    s.do("the role goes", iam.delete_role, RoleName="acme")
    s.do("the role goes twice", iam.delete_role, RoleName="acme")
    s.do("a role that has gone", iam.get_role, RoleName="acme")
    of_providers(s, iam)


def of_roles(s, iam):
    wanted = {"RoleName": "acme", "AssumeRolePolicyDocument": trust("ec2.amazonaws.com")}
    s.do("a role", iam.create_role, Tags=pairs(team="data"), Description="nodes", **wanted)
    s.wait("the role exists", iam, "role_exists", RoleName="acme")
    s.do("the role", iam.get_role, RoleName="acme")
    s.do("the same name", iam.create_role, **wanted)
    no_policy = wanted | {"RoleName": "other", "AssumeRolePolicyDocument": "{"}
    s.do("a trust that is no policy", iam.create_role, **no_policy)
    other = trust("eks.amazonaws.com")
    s.do("other trust", iam.update_assume_role_policy, RoleName="acme", PolicyDocument=other)
    s.do("the role, changed", iam.get_role, RoleName="acme")
    s.do("more tags", iam.tag_role, RoleName="acme", Tags=pairs(team="ml", stage="dev"))
    s.do("a tag goes", iam.untag_role, RoleName="acme", TagKeys=["stage"])
    s.do("the tags", iam.list_role_tags, RoleName="acme")
    s.do("no such role", iam.get_role, RoleName="nobody")
    s.do("tags of no role", iam.tag_role, RoleName="nobody", Tags=pairs(a="b"))


def of_policies(s, iam):
    attach = {"RoleName": "acme", "PolicyArn": NODES}
    s.do("a policy is attached", iam.attach_role_policy, **attach)
    s.do("it is attached twice", iam.attach_role_policy, **attach)
    unknown = attach | {"PolicyArn": "arn:aws:iam::aws:policy/AmazonNothing"}
    s.do("no such policy", iam.attach_role_policy, **unknown)
    s.do("a policy for no role", iam.attach_role_policy, **attach | {"RoleName": "nobody"})
    listed = "list_attached_role_policies"
    s.pages("the policies", iam, listed, "AttachedPolicies", 1, RoleName="acme")
    s.do("their names", iam.list_attached_role_policies, RoleName="acme")
    allow = {"Effect": "Allow", "Action": "kms:Decrypt", "Resource": "*"}
    text = json.dumps({"Version": "2012-10-17", "Statement": [allow]})
    named = {"RoleName": "acme", "PolicyName": "more"}
    s.do("an inline policy", iam.put_role_policy, PolicyDocument=text, **named)
    s.do("the inline policy", iam.get_role_policy, **named)
    s.do("the names of those", iam.list_role_policies, RoleName="acme")
    s.do("one that is none", iam.put_role_policy, PolicyDocument="no", **named)
    s.do("no such inline policy", iam.get_role_policy, **named | {"PolicyName": "less"})


def of_providers(s, iam):
    wanted = {"Url": ISSUER, "ClientIDList": ["sts.amazonaws.com"]}
    arn = s.do("a provider", iam.create_open_id_connect_provider, Tags=pairs(a="b"), **wanted)
    arn = {"OpenIDConnectProviderArn": arn["OpenIDConnectProviderArn"]}
    s.do("the same issuer", iam.create_open_id_connect_provider, **wanted)
    s.do("the provider", iam.get_open_id_connect_provider, **arn)
    s.do("all providers", iam.list_open_id_connect_providers)
    s.do("more tags of it", iam.tag_open_id_connect_provider, Tags=pairs(c="d"), **arn)
    s.do("a tag of it goes", iam.untag_open_id_connect_provider, TagKeys=["a"], **arn)
    s.do("the provider, changed", iam.get_open_id_connect_provider, **arn)
    s.do("the provider goes", iam.delete_open_id_connect_provider, **arn)
    s.do("the provider goes twice", iam.delete_open_id_connect_provider, **arn)
    s.do("a provider that has gone", iam.get_open_id_connect_provider, **arn)

"""Policies with their versions, boundaries, profiles, roles of services, and sums."""

import json

from scenarios import pairs, trust

BOUND = "arn:aws:iam::aws:policy/ReadOnlyAccess"


def allowing(*actions):
    allow = {"Effect": "Allow", "Action": list(actions), "Resource": "*"}
    return json.dumps({"Version": "2012-10-17", "Statement": [allow]})


def play(s):
    iam = s.client("iam")
    role = {"RoleName": "worker"}
    s.do("a role", iam.create_role, AssumeRolePolicyDocument=trust("ec2.amazonaws.com"), **role)
    of_policies(s, iam, role)
    of_bounds(s, iam, role)
    of_profiles(s, iam, role)
    s.do("more of it", iam.update_role, Description="works", MaxSessionDuration=7200, **role)
    s.do("the role, changed", iam.get_role, **role)
    s.do("too long a session", iam.update_role, MaxSessionDuration=60000, **role)
    s.pages("roles by path", iam, "list_roles", "Roles", 5, PathPrefix="/nowhere/")
    s.quietly(iam.delete_role, **role)
    sums = "SummaryMap.[Policies, Providers, RolesQuota, PoliciesQuota, VersionsPerPolicyQuota]"
    s.look("what the account has", sums, iam.get_account_summary)
    of_services(s, iam)
    of_clients(s, iam)


def of_policies(s, iam, role):
    wanted = {"PolicyName": "reads", "PolicyDocument": allowing("s3:GetObject")}
    arn = s.do("a policy", iam.create_policy, Tags=pairs(a="b"), **wanted)["Policy"]["Arn"]
    policy = {"PolicyArn": arn}
    s.wait("the policy exists", iam, "policy_exists", **policy)
    s.do("the same name", iam.create_policy, **wanted)
    broken = {"PolicyName": "broken", "PolicyDocument": "[]"}
    s.do("one that is none", iam.create_policy, **broken)
    s.do("the policy", iam.get_policy, **policy)
    s.do("its version", iam.get_policy_version, VersionId="v1", **policy)
    second = {"PolicyDocument": allowing("s3:GetObject", "s3:ListBucket"), "SetAsDefault": True}
    s.do("another version", iam.create_policy_version, **second, **policy)
    s.do("the versions", iam.list_policy_versions, **policy)
    s.do("the default goes", iam.delete_policy_version, VersionId="v2", **policy)
    s.do("the first again", iam.set_default_policy_version, VersionId="v1", **policy)
    s.do("the second goes", iam.delete_policy_version, VersionId="v2", **policy)
    s.do("no such version", iam.get_policy_version, VersionId="v9", **policy)
    for n in range(5):
        more = allowing(f"s3:Get{n}*")
        s.do(f"version {n}", iam.create_policy_version, PolicyDocument=more, **policy)
    s.do("it is attached", iam.attach_role_policy, **policy, **role)
    s.do("who has it", iam.list_entities_for_policy, **policy)
    s.do("it is detached", iam.detach_role_policy, **policy, **role)
    for n in range(3, 8):
        s.quietly(iam.delete_policy_version, VersionId=f"v{n}", **policy)
    s.do("the policy goes", iam.delete_policy, **policy)
    s.do("the policy goes twice", iam.delete_policy, **policy)
    s.do("a policy that has gone", iam.get_policy, **policy)
    kept(s, iam, role)
    s.do("our policies", iam.list_policies, Scope="Local")
    s.do("a policy of AWS's", iam.get_policy, PolicyArn=BOUND)
    s.do("a policy of AWS's goes", iam.delete_policy, PolicyArn=BOUND)


def kept(s, iam, role):
    """Tries to delete a policy that is attached, and one that has two versions."""
    text = allowing("s3:GetObject")
    for words, name in (("in use", "used"), ("of two versions", "twice")):
        arn = s.do(f"a policy {words}", iam.create_policy, PolicyName=name, PolicyDocument=text)
        policy = {"PolicyArn": arn["Policy"]["Arn"]}
        if name == "used":
            iam.attach_role_policy(**policy, **role)
        else:
            iam.create_policy_version(PolicyDocument=text, **policy)
        s.do(f"a policy {words} goes", iam.delete_policy, **policy)
        s.quietly(iam.detach_role_policy, **policy, **role)
        s.quietly(iam.delete_policy_version, VersionId="v2", **policy)
        s.quietly(iam.delete_policy, **policy)


def of_bounds(s, iam, role):
    s.do("a boundary", iam.put_role_permissions_boundary, PermissionsBoundary=BOUND, **role)
    s.do("the role with a boundary", iam.get_role, **role)
    nothing = BOUND.replace("ReadOnly", "Nothing")
    s.do("no such boundary", iam.put_role_permissions_boundary, PermissionsBoundary=nothing, **role)
    s.do("the boundary goes", iam.delete_role_permissions_boundary, **role)
    s.do("the boundary goes twice", iam.delete_role_permissions_boundary, **role)


def of_profiles(s, iam, role):
    profile = {"InstanceProfileName": "machines"}
    s.do("a profile", iam.create_instance_profile, **profile)
    s.wait("the profile exists", iam, "instance_profile_exists", **profile)
    s.do("the same name", iam.create_instance_profile, **profile)
    s.do("the role in it", iam.add_role_to_instance_profile, **profile, **role)
    s.do("a second role in it", iam.add_role_to_instance_profile, **profile, **role)
    s.do("the profile", iam.get_instance_profile, **profile)
    s.do("profiles of the role", iam.list_instance_profiles_for_role, **role)
    s.do("profiles by path", iam.list_instance_profiles, PathPrefix="/nowhere/")
    s.do("a role in a profile goes", iam.delete_role, **role)
    s.do("a profile with a role goes", iam.delete_instance_profile, **profile)
    s.do("the role is out of it", iam.remove_role_from_instance_profile, **profile, **role)
    s.do("it is out twice", iam.remove_role_from_instance_profile, **profile, **role)
    s.do("the profile goes", iam.delete_instance_profile, **profile)
    s.do("the profile goes twice", iam.delete_instance_profile, **profile)
    s.do("no such profile", iam.get_instance_profile, **profile)


def of_services(s, iam):
    name = "elasticloadbalancing.amazonaws.com"
    s.do("a role of a service", iam.create_service_linked_role, AWSServiceName=name)
    s.do("the same service", iam.create_service_linked_role, AWSServiceName=name)
    s.do("the role", iam.get_role, RoleName="AWSServiceRoleForElasticLoadBalancing")
    s.do("the role goes", iam.delete_role, RoleName="AWSServiceRoleForElasticLoadBalancing")


def of_clients(s, iam):
    url = "https://oidc.eks.us-east-1.amazonaws.com/id/FEDCBA9876543210FEDCBA9876543210"
    arn = s.do("a provider", iam.create_open_id_connect_provider, Url=url, ClientIDList=["one"])
    arn = {"OpenIDConnectProviderArn": arn["OpenIDConnectProviderArn"]}
    s.do("a client", iam.add_client_id_to_open_id_connect_provider, ClientID="two", **arn)
    s.do("a client goes", iam.remove_client_id_from_open_id_connect_provider, ClientID="one", **arn)
    prints = {"ThumbprintList": ["0123456789abcdef0123456789abcdef01234567"]}
    s.do("other prints", iam.update_open_id_connect_provider_thumbprint, **prints, **arn)
    s.do("its tags", iam.list_open_id_connect_provider_tags, **arn)
    s.do("the provider, changed", iam.get_open_id_connect_provider, **arn)
    s.quietly(iam.delete_open_id_connect_provider, **arn)

"""Who calls: keys, secrets, sessions, and what is not theirs."""

import json

from scenarios import trust

ME = "arn:aws:iam::123456789012:root"


def trusting(external=None):
    """Returns a policy by which the account itself may take a role."""
    allow = {"Effect": "Allow", "Principal": {"AWS": ME}, "Action": "sts:AssumeRole"}
    if external:
        allow["Condition"] = {"StringEquals": {"sts:ExternalId": external}}
    return json.dumps({"Version": "2012-10-17", "Statement": [allow]})


def play(s):
    sts, iam = s.client("sts"), s.client("iam")
    s.do("who I am", sts.get_caller_identity)
    of_sessions(s, sts, iam)
    s.do("a session of my own", sts.get_session_token)
    for service, method in {
        "ec2": "describe_vpcs",
        "eks": "list_clusters",
        "iam": "list_open_id_connect_providers",
        "kms": "list_keys",
        "logs": "describe_log_groups",
        "sts": "get_caller_identity",
    }.items():
        wrong = s.client(service, secret="not it")
        s.do(f"{service}: a wrong secret", getattr(wrong, method))
        stranger = s.client(service, key="AKIAINSTRANGERSKEYS0")
        s.do(f"{service}: a key of nobody", getattr(stranger, method))
        expired = s.client(service, key="ASIAINSTRANGERSKEYS0", token="no session")
        s.do(f"{service}: a session of nobody", getattr(expired, method))


def of_sessions(s, sts, iam):
    policy = {"AssumeRolePolicyDocument": trust("ec2.amazonaws.com")}
    role = s.do("a role for machines", iam.create_role, RoleName="guest", **policy)["Role"]["Arn"]
    session = {"RoleArn": role, "RoleSessionName": "visit"}
    s.do("a role that does not trust me", sts.assume_role, **session)
    nobody = session | {"RoleArn": "arn:aws:iam::123456789012:role/nobody"}
    s.do("no such role", sts.assume_role, **nobody)
    change = iam.update_assume_role_policy
    s.do("it trusts my account", change, RoleName="guest", PolicyDocument=trusting())
    settle(iam)
    taken = s.do("the role is mine", sts.assume_role, **session)["Credentials"]
    guest = s.client("sts", taken["AccessKeyId"], taken["SecretAccessKey"], taken["SessionToken"])
    s.do("who I am now", guest.get_caller_identity)
    s.do("too long a session", sts.assume_role, DurationSeconds=43200, **session)
    s.do("it asks for a word", change, RoleName="guest", PolicyDocument=trusting("word"))
    settle(iam)
    s.do("no word", sts.assume_role, **session)
    s.do("the wrong word", sts.assume_role, ExternalId="other", **session)
    s.do("the word", sts.assume_role, ExternalId="word", **session)
    s.quietly(iam.delete_role, RoleName="guest")


def settle(iam):
    """Lets time pass until a new role is known everywhere: each call moves the clock."""
    for _ in range(10):
        iam.get_role(RoleName="guest")

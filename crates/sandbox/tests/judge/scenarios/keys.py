"""Keys with their aliases, and groups of logs."""

import json

NOBODY = "12345678-1234-1234-1234-123456789012"


def play(s):
    kms, logs = s.client("kms"), s.client("logs")
    key = s.do(
        "a key",
        kms.create_key,
        Description="secrets",
        Tags=[{"TagKey": "team", "TagValue": "data"}],
    )["KeyMetadata"]["KeyId"]
    of_keys(s, kms, key)
    of_aliases(s, kms, key)
    s.do("the key goes", kms.schedule_key_deletion, KeyId=key, PendingWindowInDays=7)
    s.do("the key that goes", kms.describe_key, KeyId=key)
    s.do("it stays", kms.cancel_key_deletion, KeyId=key)
    s.do("it goes after all", kms.schedule_key_deletion, KeyId=key, PendingWindowInDays=7)
    s.do("the key goes twice", kms.schedule_key_deletion, KeyId=key, PendingWindowInDays=7)
    s.do("a key that goes rotates", kms.enable_key_rotation, KeyId=key)
    alias = "alias/late"
    s.do("an alias of a key that goes", kms.create_alias, AliasName=alias, TargetKeyId=key)
    of_logs(s, logs)


def of_keys(s, kms, key):
    s.do("the key", kms.describe_key, KeyId=key)
    s.do("no such key", kms.describe_key, KeyId=NOBODY)
    s.do("whether it rotates", kms.get_key_rotation_status, KeyId=key)
    s.do("it rotates", kms.enable_key_rotation, KeyId=key)
    s.do("whether it rotates now", kms.get_key_rotation_status, KeyId=key)
    s.do("it does not", kms.disable_key_rotation, KeyId=key)
    s.do("other words", kms.update_key_description, KeyId=key, Description="all secrets")
    tags = [{"TagKey": "team", "TagValue": "ml"}, {"TagKey": "stage", "TagValue": "dev"}]
    s.do("more tags", kms.tag_resource, KeyId=key, Tags=tags)
    s.do("a tag goes", kms.untag_resource, KeyId=key, TagKeys=["stage"])
    s.do("the tags", kms.list_resource_tags, KeyId=key)
    s.do("the policy", kms.get_key_policy, KeyId=key, PolicyName="default")
    for n in range(2):
        other = s.do(f"key {n}", kms.create_key)["KeyMetadata"]["KeyId"]
        s.quietly(kms.schedule_key_deletion, KeyId=other, PendingWindowInDays=7)
    s.pages("all keys", kms, "list_keys", "Keys", 2)
    of_policies(s, kms, key)
    s.do("a window too short", kms.schedule_key_deletion, KeyId=key, PendingWindowInDays=3)


def of_policies(s, kms, key):
    named = {"KeyId": key, "PolicyName": "default"}
    s.do("the policies", kms.list_key_policies, KeyId=key)
    allow = {"Effect": "Allow", "Action": "kms:*", "Resource": "*"}
    allow |= {"Principal": {"AWS": "arn:aws:iam::123456789012:root"}}
    policy = json.dumps({"Version": "2012-10-17", "Statement": [allow]})
    s.do("another policy", kms.put_key_policy, Policy=policy, **named)
    s.do("a policy that is none", kms.put_key_policy, Policy="no", **named)
    s.do("it is turned off", kms.disable_key, KeyId=key)
    s.do("one that is off rotates", kms.enable_key_rotation, KeyId=key)
    s.do("it is turned on", kms.enable_key, KeyId=key)
    who = "arn:aws:iam::123456789012:root"
    grant = {"KeyId": key, "GranteePrincipal": who, "Operations": ["Encrypt", "Decrypt"]}
    grant = s.look("a grant", "keys(@)", kms.create_grant, **grant)["GrantId"]
    listed = "Grants[].[GranteePrincipal, Operations]"
    s.look("the grants", listed, kms.list_grants, KeyId=key)
    s.do("the grant goes", kms.revoke_grant, KeyId=key, GrantId=grant)
    s.do("the grant goes twice", kms.revoke_grant, KeyId=key, GrantId=grant)


def of_aliases(s, kms, key):
    alias = {"AliasName": "alias/acme", "TargetKeyId": key}
    s.do("an alias", kms.create_alias, **alias)
    s.do("the same alias", kms.create_alias, **alias)
    s.do("the key by its alias", kms.describe_key, KeyId="alias/acme")
    s.do("the aliases", kms.list_aliases, KeyId=key)
    s.do("an alias of no key", kms.create_alias, AliasName="alias/other", TargetKeyId=NOBODY)
    s.do("a name that is none", kms.create_alias, AliasName="acme", TargetKeyId=key)
    other = s.do("a key for it", kms.create_key)["KeyMetadata"]["KeyId"]
    s.do("the alias of another key", kms.update_alias, AliasName="alias/acme", TargetKeyId=other)
    s.quietly(kms.schedule_key_deletion, KeyId=other, PendingWindowInDays=7)
    s.do("the alias goes", kms.delete_alias, AliasName="alias/acme")
    s.do("the alias goes twice", kms.delete_alias, AliasName="alias/acme")
    s.do("a key by no alias", kms.describe_key, KeyId="alias/acme")


def of_logs(s, logs):
    named = {"logGroupName": "/aws/eks/acme/cluster"}
    s.do("a log group", logs.create_log_group, tags={"team": "data"}, **named)
    s.do("the same log group", logs.create_log_group, **named)
    s.do("kept for 90 days", logs.put_retention_policy, retentionInDays=90, **named)
    s.wrong(
        "kept for 91 days",
        logs.put_retention_policy,
        lambda _: s.quietly(logs.put_retention_policy, retentionInDays=90, **named),
        retentionInDays=91,
        **named,
    )
    by_name = {"logGroupNamePrefix": "/aws/eks/"}
    group = s.do("the log groups", logs.describe_log_groups, **by_name)["logGroups"][0]
    s.do("kept for ever", logs.delete_retention_policy, **named)
    s.do("the log groups, changed", logs.describe_log_groups, **by_name)
    arn = {"resourceArn": group["logGroupArn"]}
    s.do("more log tags", logs.tag_resource, tags={"team": "ml", "stage": "dev"}, **arn)
    s.do("a log tag goes", logs.untag_resource, tagKeys=["stage"], **arn)
    s.do("the log tags", logs.list_tags_for_resource, **arn)
    s.do("old log tags", logs.tag_log_group, tags={"old": "1"}, **named)
    s.do("the old log tags", logs.list_tags_log_group, **named)
    s.do("an old log tag goes", logs.untag_log_group, tags=["old"], **named)
    protect = logs.put_log_group_deletion_protection
    arn = {"logGroupIdentifier": named["logGroupName"]}
    s.do("it is protected", protect, deletionProtectionEnabled=True, **arn)
    s.wrong(
        "a protected log group goes",
        logs.delete_log_group,
        lambda _: s.quietly(logs.create_log_group, **named),
        **named,
    )
    s.do("it is not protected", protect, deletionProtectionEnabled=False, **arn)
    for n in range(3):
        s.do(f"log group {n}", logs.create_log_group, logGroupName=f"/aws/eks/acme-{n}/cluster")
    s.pages("log groups", logs, "describe_log_groups", "logGroups", 2, **by_name)
    for n in range(3):
        s.quietly(logs.delete_log_group, logGroupName=f"/aws/eks/acme-{n}/cluster")
    s.do("the log group goes", logs.delete_log_group, **named)
    s.do("the log group goes twice", logs.delete_log_group, **named)
    s.do("kept, and not there", logs.put_retention_policy, retentionInDays=90, **named)

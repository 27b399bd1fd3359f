"""Shows that the judge can fail: it gets one good request of each protocol, and then each of them
with one thing wrong. Prints what it did `miss`.
"""

import json
from urllib.parse import urlencode

from judge import judge
from signature import KEY, sign

DAY, TIME = "20260102", "20260102T030405Z"
SIGNED = ["content-type", "host", "x-amz-date", "x-amz-target"]


def request(service, body, method="POST", path="/", target="", kind="", sign_body=None):
    """Returns a signed request; `sign_body` is signed in the place of the body."""
    headers = [
        ["host", "127.0.0.1"],
        ["x-amz-date", TIME],
        ["content-type", kind],
        ["x-amz-target", target],
    ]
    exchange = {"method": method, "path": path, "headers": headers, "body": sign_body or body}
    signature = sign(exchange, SIGNED, TIME, "eu-west-1", service)
    scope = f"{KEY}/{DAY}/eu-west-1/{service}/aws4_request"
    said = f"Credential={scope}, SignedHeaders={';'.join(SIGNED)}, Signature={signature}"
    headers.append(["authorization", f"AWS4-HMAC-SHA256 {said}"])
    return exchange | {"body": body}


def ec2(action="CreateLaunchTemplate", version="2016-11-15", **changed):
    fields = {
        "Action": action,
        "Version": version,
        "LaunchTemplateName": "acme",
        "LaunchTemplateData.BlockDeviceMapping.1.Ebs.VolumeSize": "50",
        "LaunchTemplateData.BlockDeviceMapping.1.Ebs.Encrypted": "true",
        "LaunchTemplateData.MetadataOptions.HttpTokens": "required",
    }
    wanted = {key.replace("__", "."): value for key, value in changed.items()}
    fields = {key: value for key, value in (fields | wanted).items() if value is not None}
    return request("ec2", urlencode(fields))


def iam(**changed):
    fields = {
        "Action": "CreateRole",
        "Version": "2010-05-08",
        "RoleName": "acme",
        "AssumeRolePolicyDocument": "{}",
        "Tags.member.1.Key": "team",
        "Tags.member.1.Value": "ä b",
    }
    wanted = {key.replace("__", "."): value for key, value in changed.items()}
    fields = {key: value for key, value in (fields | wanted).items() if value is not None}
    return request("iam", urlencode(fields))


def kms(target="TrentService.ScheduleKeyDeletion", kind="application/x-amz-json-1.1", **changed):
    body = {"KeyId": "12345678-1234-1234-1234-123456789012", "PendingWindowInDays": 30} | changed
    return request("kms", json.dumps(body), target=target, kind=kind)


def eks(path="/clusters/acme/node-groups", method="POST", **changed):
    body = {
        "nodegroupName": "app",
        "subnets": ["subnet-1"],
        "nodeRole": "arn:aws:iam::123456789012:role/node",
        "capacityType": "SPOT",
        "scalingConfig": {"minSize": 1, "maxSize": 2, "desiredSize": 1},
        "labels": {"team": "data"},
    }
    body = {key: value for key, value in (body | changed).items() if value is not None}
    return request("eks", json.dumps(body) if method == "POST" else "", method, path)


UNTAG = "/tags/arn%3Aaws%3Aeks%3Aeu-west-1%3A123456789012%3Acluster%2Facme"
GOOD = [
    ec2(),
    iam(),
    kms(),
    eks(),
    eks(f"{UNTAG}?tagKeys=a&tagKeys=b", "DELETE"),
    eks("/clusters/acme/node-groups?maxResults=100", "GET"),
]
BAD = [
    ("unknown operation", ec2(action="CreateLunchTemplate"), "no operation"),
    ("other version", ec2(version="2014-10-01"), "version"),
    ("unknown member", ec2(LaunchTemplateDate="x"), "not in the model"),
    ("unknown inner member", ec2(LaunchTemplateData__Ebs="x"), "not in the model"),
    (
        "response name of a list",
        ec2(LaunchTemplateData__BlockDeviceMappingSet__1="x"),
        "not in the model",
    ),
    ("gap in a list", ec2(LaunchTemplateData__BlockDeviceMapping__3__DeviceName="x"), "numbered"),
    (
        "word for a number",
        ec2(LaunchTemplateData__BlockDeviceMapping__1__Ebs__VolumeSize="big"),
        "Invalid type",
    ),
    (
        "word for a flag",
        ec2(LaunchTemplateData__BlockDeviceMapping__1__Ebs__Encrypted="yes"),
        "Invalid type",
    ),
    (
        "word out of an enum",
        ec2(LaunchTemplateData__MetadataOptions__HttpTokens="must"),
        "not one of",
    ),
    ("missing member", iam(RoleName=None), "Missing required"),
    ("text too long", ec2(VersionDescription="a" * 256), "at most 255"),
    ("text too short", iam(RoleName=""), "valid min length"),
    ("character out of a pattern", iam(RoleName="acme/dev"), "does not match"),
    ("letter out of a pattern", iam(RoleName="ä"), "does not match"),
    ("Unicode out of a pattern", iam(Tags__member__1__Key="a\u0007"), "does not match"),
    ("list in the notation of EC2", iam(Tags__2__Key="a"), "Tags.2"),
    ("text too long for IAM", iam(RoleName="a" * 65), "at most 64"),
    ("number too small", kms(PendingWindowInDays=0), "valid min value"),
    ("number too large", kms(PendingWindowInDays=366), "at most 365"),
    ("number in quotes", kms(PendingWindowInDays="30"), "Invalid type"),
    ("unknown JSON member", kms(Pending=1), "not in the model"),
    ("target of another service", kms(target="Trent.ScheduleKeyDeletion"), "asked of"),
    ("JSON of another version", kms(kind="application/x-amz-json-1.0"), "of type"),
    ("route that is not there", eks(path="/clusters/acme/nodegroups"), "no route"),
    ("JSON word out of a pattern", eks("/clusters", name="-acme"), "does not match"),
    ("unknown question", eks("/clusters/acme/node-groups?max=1", "GET"), "not in the model"),
    ("missing JSON member", eks(subnets=None), "Missing required"),
    ("JSON word out of an enum", eks(capacityType="CHEAP"), "not one of"),
    ("inner number too small", eks(scalingConfig={"minSize": -1}), "valid min value"),
    ("map value too long", eks(labels={"team": "a" * 64}), "at most 63"),
    ("list where a map belongs", eks(labels=["team"]), "Invalid type"),
    (
        "body changed after signing",
        request("eks", '{"tags": {"a": "b"}}', path=UNTAG, sign_body="{}"),
        "signature",
    ),
    ("no signature", eks() | {"headers": [["host", "127.0.0.1"]]}, "not signed"),
]


def main():
    missed = [f"{judge(good)} for a good request" for good in GOOD if judge(good)[1]]
    for name, bad, wanted in BAD:
        found = judge(bad)[1]
        if not any(wanted in finding for finding in found):
            missed.append(f"{name}: {found}")
    print(json.dumps({"missed": missed, "bad": len(BAD)}))


if __name__ == "__main__":
    main()

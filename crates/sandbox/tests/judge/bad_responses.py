"""Shows that the judge of replies can fail: it gets one good reply of each protocol, and then each
of them with one thing wrong. Prints what it did `miss`.
"""

import json

import bad_requests
from verdict import verdict

ID = "7a62c49f-347e-4fc4-9331-6e8eEXAMPLE"
EC2 = "http://ec2.amazonaws.com/doc/2016-11-15/"
IAM = "https://iam.amazonaws.com/doc/2010-05-08/"
LT = "launchTemplate"
TIME = "2026-01-02T03:04:05.000Z"


def reply(request, body, status=200, kind="text/xml;charset=UTF-8", **headers):
    told = {"content-type": kind, "x-amzn-requestid": ID} | headers
    told = [[name.replace("_", "-"), value] for name, value in told.items() if value]
    return request | {"status": status, "reply": body, "reply_headers": told}


def ec2(body=None, space=EC2, **changes):
    body = body or (
        "<launchTemplate><createTime>{time}</createTime>"
        "<createdBy>arn:aws:iam::123456789012:user/acme</createdBy>"
        "<defaultVersionNumber>{number}</defaultVersionNumber>"
        "<launchTemplateId>lt-1</launchTemplateId>"
        "<tagSet><item><key>team</key><value>data</value></item></tagSet>{more}</launchTemplate>"
    )
    body = body.format(**{"time": TIME, "number": "1", "more": ""} | changes)
    text = f"<requestId>{ID}</requestId>{body}"
    name = "CreateLaunchTemplateResponse"
    return reply(bad_requests.ec2(), f'<{name} xmlns="{space}">{text}</{name}>')


def ec2_error(code="InvalidLaunchTemplateName.AlreadyExistsException", status=400, errors=None):
    errors = errors or f"<Errors><Error><Code>{code}</Code><Message>no</Message></Error></Errors>"
    body = f"<Response>{errors}<RequestID>{ID}</RequestID></Response>"
    return reply(bad_requests.ec2(), body, status)


def iam(result="CreateRoleResult", metadata=f"<RequestId>{ID}</RequestId>", more="", **changed):
    members = {
        "Path": "/",
        "RoleName": "acme",
        "RoleId": "AROA1234567890EXAMPLE",
        "Arn": "arn:aws:iam::123456789012:role/acme",
        "CreateDate": TIME,
        "AssumeRolePolicyDocument": "%7B%7D",
    } | changed
    told = "".join(f"<{name}>{text}</{name}>" for name, text in members.items() if text)
    body = f"<{result}><Role>{told}{more}</Role></{result}>"
    body = f"{body}<ResponseMetadata>{metadata}</ResponseMetadata>"
    request = bad_requests.iam()
    return reply(request, f'<CreateRoleResponse xmlns="{IAM}">{body}</CreateRoleResponse>')


def iam_error(code="EntityAlreadyExists", status=409, side="Sender"):
    error = f"<Error><Type>{side}</Type><Code>{code}</Code><Message>no</Message></Error>"
    body = f'<ErrorResponse xmlns="{IAM}">{error}<RequestId>{ID}</RequestId></ErrorResponse>'
    return reply(bad_requests.iam(), body, status)


def kms(kind="application/x-amz-json-1.1", status=200, **changed):
    body = {"KeyId": "arn:aws:kms:eu-west-1:1:key/1", "DeletionDate": 1767323045.5} | changed
    return reply(bad_requests.kms(), json.dumps(body), status, kind)


def kms_error(code="NotFoundException", status=400, **changed):
    body = {"__type": code, "message": "no"} | changed
    return reply(bad_requests.kms(), json.dumps(body), status, "application/x-amz-json-1.1")


def eks(body=None, **changed):
    group = {
        "nodegroupName": "app",
        "createdAt": 1767323045.5,
        "capacityType": "SPOT",
        "scalingConfig": {"minSize": 1, "maxSize": 2, "desiredSize": 1},
        "labels": {"team": "data"},
        "subnets": ["subnet-1"],
        "diskSize": None,
    }
    body = body or {"nodegroup": group | changed}
    return reply(bad_requests.eks(), json.dumps(body), 200, "application/json")


def eks_error(code="ResourceInUseException", status=409, **changed):
    body = {"clusterName": "acme", "nodegroupName": None, "message": "no"} | changed
    request = bad_requests.eks()
    return reply(request, json.dumps(body), status, "application/json", x_amzn_errortype=code)


GOOD = [ec2(), ec2_error(), iam(), iam_error(), kms(), kms_error(), eks(), eks_error()]
BAD = [
    ("unknown element", ec2(more="<colour>blue</colour>"), "not in the model"),
    ("member named as in the SDK", ec2(more="<LaunchTemplateName>a</LaunchTemplateName>"), "model"),
    ("word for a number", ec2(number="one"), "Invalid type"),
    ("time without a zone", ec2(time="2026-01-02T03:04:05"), "ISO 8601"),
    ("seconds for a time", ec2(time="1767323045"), "ISO 8601"),
    ("item called member", ec2(f"<{LT}><tagSet><member/></tagSet></{LT}>"), "item"),
    ("text in a structure", ec2("<launchTemplate>none</launchTemplate>"), "has the text"),
    ("members in a text", ec2(number="<item>1</item>"), "has members"),
    ("element twice", ec2(more="<createTime>{0}</createTime>".format(TIME)), "2 times"),
    ("attribute", ec2('<launchTemplate version="1"/>'), "attributes"),
    ("other namespace", ec2(space="http://ec2.amazonaws.com/doc/2014-10-01/"), "namespace"),
    ("broken XML", ec2("<launchTemplate>"), "cannot be read"),
    ("other status", ec2() | {"status": 201}, "status is 201"),
    ("no request id", ec2() | {"reply_headers": [["content-type", "text/xml"]]}, "no request id"),
    ("code that is not documented", ec2_error("InvalidLaunchTemplate.NotFound"), "no error"),
    ("what no sandbox does", ec2_error("SandboxUnsupported", 501), "no error"),
    ("status of another code", ec2_error("DryRunOperation", 400), "status 400"),
    ("error without a message", ec2_error(errors="<Errors><Error/></Errors>"), "Error has"),
    ("error of the query protocol", ec2_error() | {"reply": iam_error()["reply"]}, "namespace"),
    ("reply for an error", ec2() | {"status": 400}, "is not Response"),
    ("result called otherwise", iam(result="CreateRole"), "no CreateRoleResult"),
    ("no metadata", iam(metadata=""), "RequestId alone"),
    ("missing member", iam(RoleId=None), "Missing required"),
    ("text too long", iam(RoleName="a" * 65), "at most 64"),
    ("character out of a pattern", iam(RoleName="acme dev"), "does not match"),
    ("word for a number in IAM", iam(MaxSessionDuration="long"), "Invalid type"),
    ("list in the notation of EC2", iam(more="<Tags><item/></Tags>"), "called item"),
    ("code with its suffix", iam_error("EntityAlreadyExistsException"), "no error"),
    ("code of another operation", iam_error("DeleteConflict"), "no error"),
    ("status of an error", iam_error(status=400), "status 400"),
    ("whose fault it is", iam_error(side="Receiver"), "of the Receiver"),
    ("JSON of another version", kms(kind="application/x-amz-json-1.0"), "of type"),
    ("unknown JSON member", kms(KeyIdd="a"), "not in the model"),
    ("text for a time", kms(DeletionDate=TIME), "number of seconds"),
    ("milliseconds for a time", kms(DeletionDate=1767323045000), "not in seconds"),
    ("JSON word out of an enum", kms(KeyState="Gone"), "not one of"),
    ("unknown JSON code", kms_error("NoSuchKey"), "no error"),
    ("status of a JSON error", kms_error(status=404), "status 404"),
    ("error that says nothing", kms_error(message=""), "no message"),
    ("flag for a number", eks(diskSize=True), "not of type"),
    ("number in quotes", eks(diskSize="20"), "Invalid type"),
    ("map for a list", eks(subnets={"a": "b"}), "Invalid type"),
    ("inner unknown member", eks(scalingConfig={"minimum": 1}), "not in the model"),
    ("capacity out of an enum", eks(capacityType="CHEAP"), "not one of"),
    ("a reply without its frame", eks({"nodegroupName": "app"}), "not in the model"),
    ("error with an unknown member", eks_error(cluster="acme"), "not in the model"),
    ("code of another call", eks_error("NotFoundException", 404), "no error"),
    ("error without its type", eks_error(""), "no x-amzn-ErrorType"),
    ("a page for people", eks() | {"reply": "<html/>", "status": 404}, "cannot be read"),
]


def main():
    missed = [f"{verdict(good)} for a good reply" for good in GOOD if verdict(good)[1]]
    for name, bad, wanted in BAD:
        found = verdict(bad)[1]
        if not any(wanted in finding for finding in found):
            missed.append(f"{name}: {found}")
    print(json.dumps({"missed": missed, "bad": len(BAD)}))


if __name__ == "__main__":
    main()

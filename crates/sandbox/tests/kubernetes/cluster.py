"""A simulated cluster, made through boto3, and tokens for its API."""
import base64
import json
import time

import boto3
from botocore.signers import RequestSigner

REGION = "us-east-1"
ACCOUNT = "123456789012"
NAME = "acme"


def client(service, url, session=None):
    return (session or boto3.Session()).client(service, endpoint_url=url, region_name=REGION)


def role(url, name, principal):
    """Makes a role that a principal takes on, and returns its ARN."""
    trust = {"Version": "2012-10-17", "Statement": [
        {"Effect": "Allow", "Principal": principal, "Action": "sts:AssumeRole"}]}
    made = client("iam", url).create_role(RoleName=name, AssumeRolePolicyDocument=json.dumps(trust))
    return made["Role"]["Arn"]


def make(url):
    """Makes a cluster in the default VPC, and returns it once it is ACTIVE."""
    arn = role(url, "plane", {"Service": "eks.amazonaws.com"})
    policy = "arn:aws:iam::aws:policy/AmazonEKSClusterPolicy"
    client("iam", url).attach_role_policy(RoleName="plane", PolicyArn=policy)
    zones = {"Name": "availability-zone", "Values": [REGION + "a", REGION + "b"]}
    subnets = client("ec2", url).describe_subnets(Filters=[zones])["Subnets"]
    eks = client("eks", url)
    network = {"subnetIds": [subnet["SubnetId"] for subnet in subnets]}
    until(lambda: created(eks, arn, network))
    return until(lambda: active(eks))


def created(eks, arn, network):
    access = {"authenticationMode": "API"}
    try:
        return eks.create_cluster(
            name=NAME, roleArn=arn, resourcesVpcConfig=network, accessConfig=access)
    except eks.exceptions.InvalidParameterException:
        return None


def active(eks):
    cluster = eks.describe_cluster(name=NAME)["cluster"]
    assert cluster["status"] == "ACTIVE" or "endpoint" not in cluster, cluster
    return cluster if cluster["status"] == "ACTIVE" else None


def until(done, seconds=60):
    """Asks until there is an answer, and returns it."""
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        answer = done()
        if answer:
            return answer
        time.sleep(0.05)
    raise AssertionError("it takes too long")


def token(name=NAME, session=None, header="x-k8s-aws-id"):
    """Makes the token of an IAM identity for a cluster, as `aws eks get-token` does."""
    session = session or boto3.Session()
    signer = RequestSigner(
        client("sts", None, session).meta.service_model.service_id, REGION, "sts", "v4",
        session.get_credentials(), session.events)
    request = {"method": "GET", "body": {}, "headers": {header: name}, "context": {},
               "url": f"https://sts.{REGION}.amazonaws.com/"
                      "?Action=GetCallerIdentity&Version=2011-06-15"}
    url = signer.generate_presigned_url(request, region_name=REGION, expires_in=60,
                                        operation_name="")
    return "k8s-aws-v1." + base64.urlsafe_b64encode(url.encode()).decode().rstrip("=")


def config(cluster, bearer):
    """Returns a kubeconfig."""
    authority = cluster["certificateAuthority"]["data"]
    return {
        "apiVersion": "v1", "kind": "Config", "current-context": "it",
        "clusters": [{"name": "it", "cluster": {
            "server": cluster["endpoint"], "certificate-authority-data": authority}}],
        "contexts": [{"name": "it", "context": {"cluster": "it", "user": "it"}}],
        "users": [{"name": "it", "user": {"token": bearer}}],
    }


class Verdict:
    """What was looked at, and what was not as it should be; told at the end, whatever that is."""

    def __init__(self):
        self.count, self.wrong = 0, []

    def equal(self, what, got, wanted):
        self.count += 1
        if got != wanted:
            self.wrong.append(f"{what}: {got!r} is not {wanted!r}")

    def has(self, what, got, *parts):
        self.count += 1
        missing = [part for part in parts if part not in got]
        if missing:
            self.wrong.append(f"{what}: {got!r} has no {missing!r}")

    def __enter__(self):
        return self

    def __exit__(self, *_):
        print(json.dumps({"count": self.count, "wrong": self.wrong}))

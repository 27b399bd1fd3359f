"""A simulated cluster, made through boto3, and tokens for its API."""
import base64
import json
import subprocess
import time

import boto3
from botocore.signers import RequestSigner

REGION = "us-east-1"
ACCOUNT = "123456789012"
NAME = "acme"


def client(service, url, session=None):
    return (session or boto3.Session()).client(service, endpoint_url=url, region_name=REGION)


def role(url, name, principal, policies=()):
    """Makes a role that a principal takes on, with policies of AWS, and returns its ARN."""
    trust = {"Version": "2012-10-17", "Statement": [
        {"Effect": "Allow", "Principal": principal, "Action": ["sts:AssumeRole", "sts:TagSession"]}]}
    iam = client("iam", url)
    made = iam.create_role(RoleName=name, AssumeRolePolicyDocument=json.dumps(trust))
    for policy in policies:
        iam.attach_role_policy(RoleName=name, PolicyArn=f"arn:aws:iam::aws:policy/{policy}")
    return made["Role"]["Arn"]


def subnets(url):
    """Returns the subnets of the default VPC in two zones."""
    zones = {"Name": "availability-zone", "Values": [REGION + "a", REGION + "b"]}
    found = client("ec2", url).describe_subnets(Filters=[zones])["Subnets"]
    return [subnet["SubnetId"] for subnet in found]


def accepted(call, *errors):
    """Makes a call again until what it needs has reached the service."""
    def attempt():
        try:
            return call()
        except errors:
            return None
    return until(attempt)


def make(url):
    """Makes a cluster in the default VPC, and returns it once it is ACTIVE."""
    arn = role(url, "plane", {"Service": "eks.amazonaws.com"}, ["AmazonEKSClusterPolicy"])
    eks = client("eks", url)
    network, access = {"subnetIds": subnets(url)}, {"authenticationMode": "API"}
    accepted(lambda: eks.create_cluster(
        name=NAME, roleArn=arn, resourcesVpcConfig=network, accessConfig=access),
        eks.exceptions.InvalidParameterException)
    return until(lambda: active(eks))


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


def kubectl(folder, name, config, verdict):
    """Writes a kubeconfig, and returns kubectl with it."""
    file = folder / name
    file.write_text(json.dumps(config))
    base = ["kubectl", "--kubeconfig", str(file), "--cache-dir", str(folder / "cache"),
            "--request-timeout=30s"]

    def run(*arguments, give=None, fails=False):
        if give is not None and not isinstance(give, str):
            give = json.dumps(give)
        done = subprocess.run(base + list(arguments), input=give, text=True, capture_output=True,
                              timeout=60, check=False)
        if fails is not None and (done.returncode != 0) != fails:
            verdict.wrong.append(f"{arguments}: {done.returncode}: {done.stdout}{done.stderr}")
        return done.stdout + done.stderr
    return run


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

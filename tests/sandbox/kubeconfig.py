"""Prints a kubeconfig that lets the caller into a cluster: CLUSTER."""

import base64
import json
import sys

import boto3
from botocore.config import Config
from botocore.signers import RequestSigner

name = sys.argv[1]
session = boto3.Session()
region = session.region_name
cluster = session.client("eks", config=Config(retries={"max_attempts": 8}))
cluster = cluster.describe_cluster(name=name)["cluster"]
signer = RequestSigner(
    session.client("sts").meta.service_model.service_id, region, "sts", "v4",
    session.get_credentials(), session.events)
request = {
    "method": "GET",
    "url": f"https://sts.{region}.amazonaws.com/?Action=GetCallerIdentity&Version=2011-06-15",
    "body": {},
    "headers": {"x-k8s-aws-id": name},
    "context": {},
}
url = signer.generate_presigned_url(
    request, operation_name="", expires_in=60, region_name=region)
token = "k8s-aws-v1." + base64.urlsafe_b64encode(url.encode()).decode().rstrip("=")
authority = cluster["certificateAuthority"]["data"]
print(json.dumps({
    "apiVersion": "v1",
    "kind": "Config",
    "current-context": name,
    "clusters": [{"name": name, "cluster": {
        "server": cluster["endpoint"], "certificate-authority-data": authority}}],
    "contexts": [{"name": name, "context": {"cluster": name, "user": name}}],
    "users": [{"name": name, "user": {"token": token}}],
}))

"""Makes a token again with botocore, and takes both apart:
CLUSTER REGION KEY SECRET SESSION TIME TOKEN."""

import base64
import datetime
import json
import sys
from unittest import mock

import botocore.auth
import botocore.session
from botocore.credentials import Credentials
from botocore.signers import RequestSigner

cluster, region, key, secret, session, time, token = sys.argv[1:]
now = datetime.datetime.fromtimestamp(int(time), datetime.timezone.utc)
client = botocore.session.Session().create_client(
    "sts", region_name=region, aws_access_key_id=key, aws_secret_access_key=secret)
signer = RequestSigner(
    client.meta.service_model.service_id, region, "sts", "v4",
    Credentials(key, secret, session or None), client.meta.events)
request = {
    "method": "GET",
    "url": f"{client.meta.endpoint_url}/?Action=GetCallerIdentity&Version=2011-06-15",
    "body": {},
    "headers": {"x-k8s-aws-id": cluster},
    "context": {},
}
with mock.patch("botocore.auth.get_current_datetime", return_value=now):
    url = signer.generate_presigned_url(
        request, operation_name="", expires_in=60, region_name=region)


def parts(url):
    place, query = url.split("?")
    return [place, *sorted(query.split("&"))]


prefix, ours = token.split(".")
ours = base64.urlsafe_b64decode(ours + "=" * (-len(ours) % 4)).decode()
print(json.dumps({"prefix": prefix, "ours": parts(ours), "theirs": parts(url)}))

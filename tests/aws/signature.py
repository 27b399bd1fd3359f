"""Signs requests again, with botocore, to see whether they were signed right."""

import hashlib
import re

from botocore.auth import SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials

KEY = "testing"
# The secrets of the keys that are known, with the one that every sandbox accepts, which the vendor's
# own examples have; sessions have keys of their own.
SECRETS = {
    KEY: "testing",
    "AKIAIOSFODNN7EXAMPLE": "not-a-secret",
    "foreign": "foreign",
    "other": "other",
}

# The keys of rehearsals, of which every account has one.
OF_ACCOUNT = r"AKIA\d{12}"


def sign(exchange, headers, timestamp, region, service, key=KEY):
    """Returns the signature of a request over the headers that are named."""
    theirs = dict(exchange["headers"])
    request = AWSRequest(
        method=exchange["method"],
        url=f"http://{theirs['host']}{exchange['path']}",
        headers={name: theirs.get(name, "") for name in headers},
        data=exchange["body"].encode(),
    )
    request.context["timestamp"] = timestamp
    auth = SigV4Auth(Credentials(key, SECRETS[key]), service, region)
    return auth.signature(auth.string_to_sign(request, auth.canonical_request(request)), request)


def findings(exchange):
    headers = dict(exchange["headers"])
    form = (
        r"AWS4-HMAC-SHA256 Credential=([^/]+)/(\d{8})/([^/]+)/([^/]+)/aws4_request, "
        r"SignedHeaders=([\w;-]+), Signature=(\w+)"
    )
    parts = re.fullmatch(form, headers.get("authorization", ""))
    if not parts:
        return ["it is not signed"]
    key, day, region, service, signed, signature = parts.groups()
    if re.fullmatch(OF_ACCOUNT, key):
        SECRETS[key] = "not-a-secret"
    time, found = headers.get("x-amz-date", ""), []
    if key not in SECRETS or not time.startswith(day):
        return ["it is signed with another key or date"]
    if not {"host", "x-amz-date"} <= set(signed.split(";")):
        found.append(f"only {signed} are signed")
    said = headers.get("x-amz-content-sha256")
    if said and said != hashlib.sha256(exchange["body"].encode()).hexdigest():
        found.append("the digest of its body is wrong")
    if sign(exchange, signed.split(";"), time, region, service, key) != signature:
        found.append("its signature is wrong")
    return found

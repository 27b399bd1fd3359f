"""Makes one call with boto3, and prints what it answers: SERVICE METHOD PARAMETERS."""

import json
import sys

import boto3
from botocore.config import Config
from botocore.exceptions import ClientError

# What was made a moment ago is not known everywhere. Each try moves the clock by two seconds at least,
# and reads lag by 15 at most.
TRIES = 10
UNKNOWN = ("NotFound", "NotFoundException", "NoSuchEntity")


def call(service, method, parameters):
    client = boto3.client(service, config=Config(retries={"max_attempts": 8}))
    for left in reversed(range(TRIES)):
        try:
            return getattr(client, method)(**parameters)
        except ClientError as error:
            if not left or not error.response["Error"]["Code"].endswith(UNKNOWN):
                raise


answer = call(*sys.argv[1:3], json.loads(sys.argv[3]))
answer.pop("ResponseMetadata")
print(json.dumps(answer, default=str))

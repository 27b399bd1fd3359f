"""Makes one call with boto3, and prints what it answers: SERVICE METHOD PARAMETERS."""

import json
import sys

import boto3
from botocore.config import Config

service, method, parameters = sys.argv[1:]
client = boto3.client(service, config=Config(retries={"max_attempts": 8}))
answer = getattr(client, method)(**json.loads(parameters))
answer.pop("ResponseMetadata")
print(json.dumps(answer, default=str))

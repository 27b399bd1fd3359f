"""Reads a recorded request back into the operation and the parameters of botocore's models."""

import base64
import functools
import json
import re
from collections import namedtuple
from urllib.parse import parse_qs, parse_qsl, unquote, urlsplit

import botocore.session

SESSION = botocore.session.get_session()
# Each service that is known here, as signatures call it, with its model.
SERVICES = {name: name for name in ("autoscaling", "ec2", "eks", "iam", "kms", "logs", "sts")}
SERVICES["elasticloadbalancing"] = "elbv2"
# The API of load balancers before that one, which only the version of a request tells apart.
CLASSIC = ("elb", "Version=2012-06-01")

# `unread` is what of the request the model has no place for.
Call = namedtuple("Call", "service operation parameters unread")


class Unreadable(Exception):
    """A request that no operation of the model describes."""


@functools.cache
def model(service):
    return SESSION.get_service_model(service)


def header(exchange, name):
    return dict(exchange["headers"]).get(name, "")


def read(exchange):
    """Returns the call that a request means."""
    scope = re.search(r"Credential=[^/]+/\d+/[^/]+/([^/]+)/", header(exchange, "authorization"))
    if not scope or scope[1] not in SERVICES:
        raise Unreadable("it is not signed for a service that is known here")
    service = model(named(SERVICES[scope[1]], exchange))
    return {"ec2": query, "query": query, "json": json_call, "rest-json": rest}[service.protocol](
        service, exchange
    )


def named(service, exchange):
    """Returns the model of a call to a service."""
    classic, version = CLASSIC
    return classic if service == "elbv2" and version in (exchange["body"] or "") else service


def operation_of(service, name):
    if name not in service.operation_names:
        raise Unreadable(f"{service.service_name} has no operation {name}")
    return service.operation_model(name)


def query(service, exchange):
    fields = dict(parse_qsl(exchange["body"], keep_blank_values=True, strict_parsing=True))
    operation = operation_of(service, fields.pop("Action", ""))
    version = fields.pop("Version", "")
    if (exchange["method"], exchange["path"]) != ("POST", "/"):
        raise Unreadable(f"{operation.name} is sent to {exchange['method']} {exchange['path']}")
    if version != service.api_version:
        raise Unreadable(f"{operation.name} is of version {version}")
    if not operation.input_shape:
        return Call(service, operation, {}, sorted(fields))
    tree = {}
    for key, value in fields.items():
        *parents, last = key.split(".")
        node = tree
        for parent in parents:
            node = node.setdefault(parent, {})
        node[last] = value
    unread = []
    parameters = of_query(tree, operation.input_shape, service.protocol == "ec2", "", unread)
    return Call(service, operation, parameters, unread)


def query_name(name, shape, is_ec2):
    given = shape.serialization.get("name", name)
    if not is_ec2:
        return given
    return shape.serialization.get("queryName", given[0].upper() + given[1:])


def of_query(node, shape, is_ec2, path, unread):
    """Reads one part of a query by its shape."""
    again = functools.partial(of_query, is_ec2=is_ec2, unread=unread)
    if shape.type_name == "structure" and isinstance(node, dict):
        names = {query_name(name, it, is_ec2): name for name, it in shape.members.items()}
        unread += [f"{path}.{key}".lstrip(".") for key in node if key not in names]
        return {
            names[key]: again(value, shape.members[names[key]], path=f"{path}.{key}")
            for key, value in node.items()
            if key in names
        }
    if shape.type_name == "list" and (isinstance(node, dict) or node == ""):
        if not is_ec2 and not shape.serialization.get("flattened") and node:
            member = shape.member.serialization.get("name", "member")
            unread += [f"{path}.{key}" for key in node if key != member]
            node = node.get(member, {})
        items = node or {}
        wanted = [str(number) for number in range(1, len(items) + 1)]
        if sorted(items) != sorted(wanted):
            unread.append(f"{path} is numbered {', '.join(items)}")
        return [again(value, shape.member, path=f"{path}.{key}") for key, value in items.items()]
    return scalar(node, shape)


def scalar(text, shape):
    """Reads a word of a query; what does not fit stays text, which the rules then refuse."""
    if shape.type_name in ("integer", "long") and re.fullmatch(r"-?\d+", str(text)):
        return int(text)
    if shape.type_name == "boolean" and text in ("true", "false"):
        return text == "true"
    if shape.type_name == "blob":
        return base64.b64decode(text)
    return text


def json_call(service, exchange):
    prefix, _, name = header(exchange, "x-amz-target").rpartition(".")
    operation = operation_of(service, name)
    if prefix != service.metadata["targetPrefix"]:
        raise Unreadable(f"{name} is asked of {prefix}")
    kind = f"application/x-amz-json-{service.metadata['jsonVersion']}"
    if header(exchange, "content-type") != kind:
        raise Unreadable(f"{name} is of type {header(exchange, 'content-type')}")
    unread = []
    body = json.loads(exchange["body"])
    return Call(service, operation, of_json(body, operation.input_shape, "", unread), unread)


def of_json(node, shape, path, unread):
    """Reads one part of a JSON body by its shape."""
    if shape.type_name == "structure" and isinstance(node, dict):
        names = {it.serialization.get("name", name): name for name, it in shape.members.items()}
        unread += [f"{path}.{key}".lstrip(".") for key in node if key not in names]
        return {
            names[key]: of_json(value, shape.members[names[key]], f"{path}.{key}", unread)
            for key, value in node.items()
            if key in names
        }
    if shape.type_name == "list" and isinstance(node, list):
        return [of_json(item, shape.member, f"{path}[]", unread) for item in node]
    if shape.type_name == "map" and isinstance(node, dict):
        return {
            key: of_json(item, shape.value, f"{path}.{key}", unread) for key, item in node.items()
        }
    return node


@functools.cache
def routes(service):
    """Returns method, pattern and operation, those with the fewest labels first."""
    found = []
    for name in service.operation_names:
        http = service.operation_model(name).http
        uri = http["requestUri"].split("?")[0]
        pattern = re.sub(r"\\\{(\w+)(\\\+)?\\\}", r"(?P<\1>[^/]+)", re.escape(uri))
        found.append((uri.count("{"), http["method"], re.compile(pattern), name))
    return sorted(found, key=lambda route: route[0])


def rest(service, exchange):
    url = urlsplit(exchange["path"])
    matches = (
        (name, pattern.fullmatch(url.path))
        for _, method, pattern, name in routes(service)
        if method == exchange["method"]
    )
    name, match = next((it for it in matches if it[1]), (None, None))
    if not match:
        raise Unreadable(f"eks has no route {exchange['method']} {url.path}")
    operation = service.operation_model(name)
    shape, unread = operation.input_shape, []
    labels = {key: unquote(value) for key, value in match.groupdict().items()}
    asked = parse_qs(url.query, keep_blank_values=True)
    body = json.loads(exchange["body"] or "{}")
    parameters = {}
    for member, it in shape.members.items():
        location, wire = it.serialization.get("location"), it.serialization.get("name", member)
        if location == "uri" and wire in labels:
            parameters[member] = labels[wire]
        elif location == "querystring" and wire in asked:
            values = [scalar(value, it) for value in asked.pop(wire)]
            parameters[member] = values if it.type_name == "list" else values[0]
        elif location is None and wire in body:
            parameters[member] = of_json(body.pop(wire), it, wire, unread)
    return Call(service, operation, parameters, unread + sorted(asked) + sorted(body))

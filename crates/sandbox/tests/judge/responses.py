"""Judges replies by botocore's models, on the wire: nothing unknown, nothing missing."""

import base64
import json
import re
from datetime import datetime
from xml.etree import ElementTree

import errors
import rules
from botocore.validate import ParamValidator

INSTANT = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d{1,6})?Z")
# Where EC2 answers what its own reference says, and its model has not: the state of an attachment
# to an internet gateway ("InternetGatewayAttachment"), and states of endpoints in small letters
# ("DescribeVpcEndpoints", examples).
UNLIKE_ITS_MODEL = [
    re.compile(r"Attachments\[\]\.State: 'available' is not one of attaching,"),
    re.compile(r"VpcEndpoints?(\[\])?\.State: '[a-z]+' is not one of PendingAcceptance, Pending,"),
]
NUMBERS = {"integer": int, "long": int, "float": float, "double": float}


def findings(call, exchange):
    """Returns what is wrong with the reply to a call, a line each."""
    found = [] if request_id(exchange) else ["the reply has no request id"]
    operation, status = call.operation, exchange["status"]
    try:
        if status >= 300:
            return found + errors.findings(call, exchange)
        if status != operation.http.get("responseCode", 200):
            found.append(f"the status is {status}")
        if "json" in operation.service_model.protocol:
            reply = of_json_reply(operation, exchange, found)
        else:
            reply = of_xml_reply(operation, exchange, found)
    except (ElementTree.ParseError, json.JSONDecodeError) as error:
        return found + [f"the reply cannot be read: {error}"]
    return found + broken_rules(reply, operation.output_shape)


def broken_rules(value, shape):
    """Finds members that are missing, and values that the model does not allow."""
    if shape is None:
        return []
    report = ParamValidator().validate(value, shape)
    found = report.generate_report().splitlines() if report.has_errors() else []
    found += rules.walk(value, shape, "")
    return [it for it in found if not any(known.search(it) for known in UNLIKE_ITS_MODEL)]


def request_id(exchange):
    headers = dict(exchange["reply_headers"])
    return headers.get("x-amzn-requestid") or headers.get("x-amz-request-id")


def of_json_reply(operation, exchange, found):
    kind = dict(exchange["reply_headers"]).get("content-type", "")
    service = operation.service_model
    wanted = "application/json"
    if service.protocol == "json":
        wanted = f"application/x-amz-json-{service.metadata['jsonVersion']}"
    if kind != wanted:
        found.append(f"the reply is of type {kind}")
    if operation.output_shape is None:
        if exchange["reply"].strip() not in ("", "{}"):
            found.append(f"the model has no reply, here is {exchange['reply'][:80]}")
        return {}
    return of_json(json.loads(exchange["reply"] or "{}"), operation.output_shape, "", found)


def of_json(node, shape, path, found):
    """Reads one part of a JSON reply; what does not fit stays as it is, and the rules refuse it.

    A `null` says no more than a member that is left out.
    """
    kind = shape.type_name
    if kind == "structure" and isinstance(node, dict) and not shape.is_document_type:
        names = {it.serialization.get("name", name): name for name, it in shape.members.items()}
        found += [f"{path}.{key} is not in the model" for key in node if key not in names]
        return {
            names[key]: of_json(value, shape.members[names[key]], f"{path}.{key}", found)
            for key, value in node.items()
            if key in names and value is not None
        }
    if kind == "list" and isinstance(node, list):
        return [of_json(item, shape.member, f"{path}[]", found) for item in node]
    if kind == "map" and isinstance(node, dict):
        return {
            key: of_json(item, shape.value, f"{path}.{key}", found) for key, item in node.items()
        }
    if kind == "timestamp":
        return instant_of_json(node, shape, path, found)
    if kind == "blob" and isinstance(node, str):
        return blob(node, path, found)
    if isinstance(node, bool) and kind != "boolean":
        found.append(f"{path} is {node}, not of type {kind}")
    return node


def instant_of_json(node, shape, path, found):
    form = shape.serialization.get("timestampFormat", "unixTimestamp")
    if form == "iso8601":
        return instant(node, path, found)
    if isinstance(node, bool) or not isinstance(node, (int, float)):
        found.append(f"{path}: {node!r} is not a number of seconds")
        return datetime.fromtimestamp(0)
    if not 0 < node < 1e10:
        found.append(f"{path}: {node!r} is not in seconds")
    return datetime.fromtimestamp(0)


def instant(text, path, found):
    if not INSTANT.fullmatch(str(text)):
        found.append(f"{path}: {text!r} is not a time in ISO 8601")
    return datetime.fromtimestamp(0)


def blob(text, path, found):
    try:
        return base64.b64decode(text, validate=True)
    except ValueError:
        found.append(f"{path} is not in base64")
        return b""


def of_xml_reply(operation, exchange, found):
    kind = dict(exchange["reply_headers"]).get("content-type", "")
    if not kind.startswith("text/xml"):
        found.append(f"the reply is of type {kind}")
    service = operation.service_model
    root = ElementTree.fromstring(exchange["reply"])
    space = service.metadata["xmlNamespace"]
    plain(root, {space, f"{space.rstrip('/')}/"}, found)
    if root.tag != f"{operation.name}Response":
        found.append(f"the reply is called {root.tag}")
    members = {child.tag: child for child in root}
    if service.protocol == "ec2":
        known(members.pop("requestId", None), "requestId", found)
        return of_ec2_members(operation, root, members, found)
    metadata = members.pop("ResponseMetadata", None)
    known(metadata, "ResponseMetadata", found)
    if metadata is not None and [it.tag for it in metadata] != ["RequestId"]:
        found.append("ResponseMetadata has not a RequestId alone")
    shape = operation.output_shape
    wrapper = shape.serialization["resultWrapper"] if shape else None
    result = members.pop(wrapper, None)
    found += [f"{tag} is not in the model" for tag in members]
    if shape is None or result is None:
        found += [f"there is no {wrapper}"] if shape else []
        return {}
    return of_xml(result, shape, "", found, False)


def of_ec2_members(operation, root, members, found):
    """Reads what is beside the request id. Calls without a reply in the model say `return`."""
    if operation.output_shape is None:
        told = {tag: element.text for tag, element in members.items()}
        if told not in ({}, {"return": "true"}):
            found.append(f"the model has no reply, here is {told}")
        return {}
    for element in root.findall("requestId"):
        root.remove(element)
    return of_xml(root, operation.output_shape, "", found, True)


def plain(root, spaces, found):
    """Takes the namespace off every name, after a look at it and at attributes."""
    others = set()
    for element in root.iter():
        space, _, name = element.tag.rpartition("}")
        others |= {space.removeprefix("{")} - spaces
        if element.attrib:
            found.append(f"{name} has attributes: {sorted(element.attrib)}")
        element.tag = name
    found += [f"the namespace is {space!r}" for space in sorted(others)]


def known(element, name, found):
    if element is None:
        found.append(f"there is no {name}")


def of_xml(element, shape, path, found, is_ec2):
    """Reads one element by its shape."""
    kind = shape.type_name
    if kind in ("structure", "list", "map") and (element.text or "").strip():
        found.append(f"{path} has the text {element.text.strip()!r}")
    if kind == "structure":
        return of_structure(element, shape, path, found, is_ec2)
    if kind == "list":
        return of_list(list(element), shape, path, found, is_ec2)
    if kind == "map":
        return of_map(element, shape, path, found, is_ec2)
    if len(element):
        found.append(f"{path} has members, and is of type {kind}")
    return scalar(element.text or "", kind, path, found)


def of_structure(element, shape, path, found, is_ec2):
    names = {}
    for name, it in shape.members.items():
        wire = it.serialization.get("name", name)
        if it.type_name == "list" and it.serialization.get("flattened"):
            wire = it.member.serialization.get("name", wire)
        names[wire] = name
    children = {}
    for child in element:
        children.setdefault(child.tag, []).append(child)
    read = {}
    for tag, same in children.items():
        at = f"{path}.{tag}"
        if tag not in names:
            found.append(f"{at} is not in the model")
            continue
        member = shape.members[names[tag]]
        if member.type_name == "list" and member.serialization.get("flattened"):
            read[names[tag]] = of_list(same, member, at, found, is_ec2, flat=True)
            continue
        if len(same) > 1:
            found.append(f"{at} is there {len(same)} times")
        read[names[tag]] = of_xml(same[0], member, at, found, is_ec2)
    return read


def of_list(items, shape, path, found, is_ec2, flat=False):
    name = shape.member.serialization.get("name", "item" if is_ec2 else "member")
    for item in items:
        if not flat and item.tag != name:
            found.append(f"{path} has an item called {item.tag}")
    return [of_xml(item, shape.member, f"{path}[]", found, is_ec2) for item in items]


def of_map(element, shape, path, found, is_ec2):
    sides = (shape.key, "key"), (shape.value, "value")
    names = [it.serialization.get("name", word) for it, word in sides]
    read = {}
    for entry in element:
        pair = {child.tag: child for child in entry}
        if entry.tag != "entry" or sorted(pair) != sorted(names):
            found.append(f"{path} has an entry {entry.tag} of {sorted(pair)}")
            continue
        key = of_xml(pair[names[0]], shape.key, f"{path} key", found, is_ec2)
        read[key] = of_xml(pair[names[1]], shape.value, f"{path}.{key}", found, is_ec2)
    return read


def scalar(text, kind, path, found):
    """Reads a text as another type; what does not fit stays text, and the rules refuse it."""
    if kind == "timestamp":
        return instant(text, path, found)
    if kind == "blob":
        return blob(text, path, found)
    if kind == "boolean" and text in ("true", "false"):
        return text == "true"
    if kind in NUMBERS:
        try:
            return NUMBERS[kind](text)
        except ValueError:
            return text
    return text

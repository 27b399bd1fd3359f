"""Judges errors: the shape of the protocol, a code of the operation, and the status of the code."""

import json
import pathlib
import re
from xml.etree import ElementTree

import responses

# The codes of "Error codes for the Amazon EC2 API", Amazon EC2 API Reference, for what is built
# here; EC2's model has none.
EC2_CODES = set(
    line
    for line in pathlib.Path(__file__)
    .with_name("ec2_error_codes.txt")
    .read_text(encoding="utf-8")
    .split("\n")
    if line and not line.startswith("#")
)

# What services answer that their models do not list, and where that was seen.
UNMODELLED = {
    # terraform-aws-modules/terraform-aws-eks, issue 793
    ("CreateNodegroup", "ResourceNotFoundException"),
    # a boundary that there is not, in what the test cases of the ROSA CLI expect of
    # `rosa create account-roles --permissions-boundary`
    ("CreateRole", "NoSuchEntity"),
}

# Statuses that EC2's reference states, or that every EC2 endpoint is known to answer.
EC2_STATUS = {
    "AuthFailure": {401},
    "DryRunOperation": {412},
    "InsufficientAddressCapacity": {500},
    "InsufficientInstanceCapacity": {500},
    "InternalError": {500},
    "InternalFailure": {500},
    "MissingAuthenticationToken": {401, 403},
    "RequestLimitExceeded": {503},
    "ServerInternal": {500},
    "ServiceUnavailable": {503},
    "SignatureDoesNotMatch": {403},
    "Unavailable": {503},
    "UnauthorizedOperation": {403},
}

# "Common errors" of the API references, and the codes of Signature Version 4, for calls in forms.
QUERY_STATUS = {
    "AccessDenied": {403},
    "ExpiredToken": {403},
    "IncompleteSignature": {400, 403},
    "InternalFailure": {500},
    "InvalidAction": {400},
    "InvalidClientTokenId": {403},
    "MalformedQueryString": {400, 404},
    "MissingAction": {400},
    "MissingAuthenticationToken": {403},
    "OptInRequired": {403},
    "RequestExpired": {400},
    "ServiceUnavailable": {503},
    "SignatureDoesNotMatch": {403},
    "Throttling": {400},
    "ValidationError": {400},
}

# The same for calls in JSON.
JSON_STATUS = {
    "AccessDeniedException": {400, 403},
    "ExpiredTokenException": {400, 403},
    "IncompleteSignatureException": {400, 403},
    "InternalFailure": {500},
    "InvalidSignatureException": {400, 403},
    "MissingAuthenticationTokenException": {400, 403},
    "OptInRequired": {403},
    "RequestExpired": {400},
    "SerializationException": {400},
    "ServiceUnavailable": {503},
    "ThrottlingException": {400, 429},
    "UnknownOperationException": {400, 404},
    "UnrecognizedClientException": {400, 403},
    "ValidationException": {400},
}


def findings(call, exchange):
    """Returns what is wrong with an error, a line each."""
    found = []
    service, operation = call.service, call.operation
    if service.protocol == "ec2":
        code = of_ec2(exchange, found)
        status = EC2_STATUS.get(code, {400}) if code in EC2_CODES else None
    else:
        is_json = "json" in service.protocol
        code = (of_json if is_json else of_query)(call, exchange, found)
        status = modelled(operation, code)
        if status is None:
            status = (JSON_STATUS if is_json else QUERY_STATUS).get(code)
    if status is None:
        found.append(f"{operation.name} has no error {code}")
    elif exchange["status"] not in status:
        found.append(f"{code} comes with status {exchange['status']}, not {sorted(status)}")
    return found


def shape_of(operation, code):
    """Returns the shape of an error that an operation has, if it has it."""
    if (operation.name, code) in UNMODELLED:
        return operation.service_model.shape_for_error_code(code)
    return next((it for it in operation.error_shapes if it.error_code == code), None)


def modelled(operation, code):
    """Returns the statuses of an error that an operation has, `None` where it has it not."""
    shape = shape_of(operation, code)
    if shape is None:
        return None
    status = shape.metadata.get("error", {}).get("httpStatusCode")
    if status:
        return {status}
    ours = re.search("Internal|Unavailable|DependencyTimeout", code) or shape.metadata.get("fault")
    return {500, 503} if ours else {400}


def of_ec2(exchange, found):
    root = ElementTree.fromstring(exchange["reply"])
    responses.plain(root, {""}, found)
    error = {"Code": {}, "Message": {}}
    form(root, {"Response": {"Errors": {"Error": error}, "RequestID": {}}}, found)
    return root.findtext("Errors/Error/Code")


def of_query(call, exchange, found):
    root = ElementTree.fromstring(exchange["reply"])
    responses.plain(root, {call.service.metadata["xmlNamespace"]}, found)
    error = {"Type": {}, "Code": {}, "Message": {}}
    form(root, {"ErrorResponse": {"Error": error, "RequestId": {}}}, found)
    side = "Sender" if exchange["status"] < 500 else "Receiver"
    if root.findtext("Error/Type") != side:
        found.append(f"the error is of the {root.findtext('Error/Type')}")
    return root.findtext("Error/Code")


def form(element, wanted, found):
    """Compares names with a tree of those that belong there, once each."""
    if [element.tag] != list(wanted):
        found.append(f"{element.tag} is not {', '.join(wanted)}")
        return
    inner = wanted[element.tag]
    if sorted(child.tag for child in element) != sorted(inner):
        found.append(f"{element.tag} has {[child.tag for child in element]}")
        return
    for child in element:
        form(child, {child.tag: inner[child.tag]}, found)
    if not inner and not (element.text or "").strip():
        found.append(f"{element.tag} says nothing")


def of_json(call, exchange, found):
    body = json.loads(exchange["reply"])
    if not isinstance(body, dict):
        found.append("the error is not an object")
        return None
    headers = dict(exchange["reply_headers"])
    typed = body.pop("__type", None) or headers.get("x-amzn-errortype") or ""
    if call.service.protocol == "rest-json" and "x-amzn-errortype" not in headers:
        found.append("the error has no x-amzn-ErrorType")
    code = typed.split(":")[0].rpartition("#")[2]
    shape = shape_of(call.operation, code)
    said = [key for key in ("message", "Message") if isinstance(body.get(key), str) and body[key]]
    if not said:
        found.append("the error has no message")
    rest = {key: value for key, value in body.items() if key not in ("message", "Message")}
    if shape is None:
        found += [f"{key} is in no error" for key in rest]
        return code
    value = responses.of_json(rest, shape, "", found)
    missing = {"message", "Message"} & set(shape.required_members)
    value |= {key: "said" for key in missing if said}
    found += responses.broken_rules(value, shape)
    return code

"""What botocore's models demand of a call: members, types, lengths, ranges, patterns, enums."""

import functools
import json
from urllib.parse import parse_qsl, urlencode, urlsplit

import regex
from botocore.serialize import create_serializer
from botocore.validate import ParamValidator


def findings(call, exchange):
    """Returns what is wrong with a call, a line each."""
    found = [f"{name} is not in the model" for name in call.unread]
    shape = call.operation.input_shape
    if shape:
        report = ParamValidator().validate(call.parameters, shape)
        found += report.generate_report().splitlines() if report.has_errors() else []
        found += walk(call.parameters, shape, "")
    return found or list(rewritten(call, exchange))


def walk(value, shape, path):
    """Finds what botocore's own validator leaves out: upper bounds, patterns and enums."""
    if shape.type_name == "structure" and isinstance(value, dict):
        for name, item in value.items():
            if name in shape.members:
                yield from walk(item, shape.members[name], f"{path}.{name}")
    elif shape.type_name == "list" and isinstance(value, list):
        yield from too_much(len(value), shape, f"length of {path}")
        for item in value:
            yield from walk(item, shape.member, f"{path}[]")
    elif shape.type_name == "map" and isinstance(value, dict):
        yield from too_much(len(value), shape, f"length of {path}")
        for key, item in value.items():
            yield from walk(key, shape.key, f"{path} key")
            yield from walk(item, shape.value, f"{path}.{key}")
    elif isinstance(value, str):
        yield from word(value, shape, path)
    elif isinstance(value, int):
        yield from too_much(value, shape, f"value of {path}")


def word(value, shape, path):
    yield from too_much(len(value), shape, f"length of {path}")
    if shape.type_name != "string":
        return
    if shape.enum and value not in shape.enum:
        yield f"{path}: {value!r} is not one of {', '.join(shape.enum[:12])}"
    pattern = shape.metadata.get("pattern")
    if pattern and not compiled(pattern).fullmatch(value):
        yield f"{path}: {value!r} does not match {pattern}"


def too_much(value, shape, what):
    most = shape.metadata.get("max")
    if most is not None and value > most:
        yield f"{what} is {value}, at most {most} is allowed"


@functools.cache
def compiled(pattern):
    """Compiles a pattern of a model; they know Unicode classes, which `re` does not.

    They may write characters beyond the first plane in the halves of UTF-16, too. In their dialect
    `\\w` has no Unicode letters, while here one flag decides on both. One that does not compile ends
    the test, so that no pattern goes unchecked.
    """
    pattern = pattern.replace(r"\uD800\uDC00-\uDBFF\uDFFF", r"\U00010000-\U0010FFFF")
    return regex.compile(pattern, 0 if "\\p{" in pattern else regex.ASCII)


def rewritten(call, exchange):
    """Compares a request with the one that botocore writes for the same parameters.

    This also shows that the request was read right.
    """
    serializer = create_serializer(call.service.protocol, include_validation=False)
    theirs = serializer.serialize_to_request(call.parameters, call.operation)
    url = urlsplit(exchange["path"])
    if (theirs["method"], theirs["url_path"]) != (exchange["method"], url.path):
        yield f"botocore sends it to {theirs['method']} {theirs['url_path']}"
    asked = parse_qsl(url.query, keep_blank_values=True)
    if asked != parse_qsl(urlencode(theirs["query_string"], doseq=True)):
        yield f"botocore asks {theirs['query_string']}"
    body = theirs["body"]
    if isinstance(body, dict):
        theirs = {key: str(value) for key, value in body.items()}
        ours = dict(parse_qsl(exchange["body"], keep_blank_values=True))
    else:
        theirs, ours = (json.loads(it or "{}") for it in (body, exchange["body"]))
    if ours != theirs:
        yield f"botocore writes {theirs}"

"""Compares what scenarios came to on the sandbox and on moto with the differences in the docs.

Usage: compare.py SANDBOX MOTO TABLE. Prints what is `unexplained`, and which rows are `stale`.
"""

import json
import re
import sys

NONE = "—"
# How moto refuses what it has not built: no route, or no such action.
UNKNOWN = {"404", "501", "NotImplemented", "InvalidAction", "UnknownOperationException"}


def differences(ours, theirs):
    """Returns where, member and both values wherever the two worlds differ.

    A member that differs in several operations alike is told once; the outermost name in a reply,
    which is another in each operation, is left out of it.
    """
    found = {}
    for scenario in ours.keys() | theirs.keys():
        pairs = list(zip(ours[scenario], theirs[scenario], strict=True))
        for mine, other in pairs:
            assert mine["step"] == other["step"], f"{mine} is not {other}"
            for where, member, *values in of_step(scenario, mine, other):
                if ":" in where:
                    yield where, member, *values
                else:
                    member = re.sub(r"^\w+(\[\])?\.", "", member)
                    found.setdefault((member, *values), set()).add(where)
    for (member, *values), where in found.items():
        yield ", ".join(sorted(where)), member, *values


def of_step(scenario, mine, other):
    outcomes = mine["outcome"], other["outcome"]
    if "not reached" in outcomes:
        return
    if outcomes[0] != outcomes[1]:
        if other["outcome"] in UNKNOWN and mine["outcome"] not in UNKNOWN:
            yield mine["operation"], "the operation", "built", "not built"
            return
        yield f"{scenario}: {mine['step']}", "outcome", *outcomes
    elif mine["status"] != other["status"]:
        where = f"{mine['operation']}: {mine['outcome']}"
        yield where, "status", str(mine["status"]), str(other["status"])
    elif outcomes[0] == "ok":
        for member, *pair in of_bodies(mine["body"], other["body"]):
            yield mine["operation"], member, *pair


def of_bodies(mine, other):
    """Returns each member that differs; a part that one side has not is one member."""
    sides = dict(leaves("", mine)), dict(leaves("", other))
    parts = [{part for path in side for part in ancestors(path)} for side in sides]
    for path in sides[0].keys() | sides[1].keys():
        values = [side.get(path) for side in sides]
        if values[0] == values[1]:
            continue
        if None not in values:
            yield path, *map(short, values)
            continue
        missing = 0 if values[0] is None else 1
        top = next(part for part in ancestors(path) if part not in parts[missing])
        yield top, *(NONE if side == missing else "given" for side in (0, 1))


def ancestors(path):
    parts = path.split(".")
    return [".".join(parts[:count]) for count in range(1, len(parts) + 1)]


def leaves(path, value):
    """Takes a reply apart; the items of a list are one set of values for each of their members."""
    found = {}
    for name, leaf in spread(path, value):
        found.setdefault(name, []).append(leaf)
    for name, values in found.items():
        yield name, sorted(json.dumps(it, ensure_ascii=False) for it in values)


def spread(path, value):
    if isinstance(value, dict):
        for key, item in value.items():
            yield from spread(f"{path}.{key}" if path else key, item)
    elif isinstance(value, list):
        for item in value:
            yield from spread(f"{path}[]", item)
    else:
        yield path, value


def short(values):
    text = ", ".join(it[1:-1] if it.startswith('"') else it for it in values)
    return text if len(text) <= 70 else f"{text[:67]}…"


def explained(table):
    """Reads the rows of the table: where, member, the sandbox, moto, why, and how that is known."""
    rows = set()
    for line in open(table, encoding="utf-8"):
        cells = [cell.strip() for cell in line.strip().strip("|").split(" | ")]
        if line.startswith("| ") and len(cells) == 6 and cells[0] != "where":
            assert cells[4] and cells[5], f"{cells} has no reason or no source"
            rows.add(tuple(re.sub(r"^`(.*)`$", r"\1", cell) for cell in cells[:4]))
    return rows


def main(ours, theirs, table):
    worlds = [json.load(open(file, encoding="utf-8")) for file in (ours, theirs)]
    found, rows = set(differences(*worlds)), explained(table)
    steps = sum(map(len, worlds[0].values()))
    told = {"steps": steps, "unexplained": sorted(found - rows), "stale": sorted(rows - found)}
    print(json.dumps(told, ensure_ascii=False))


if __name__ == "__main__":
    main(*sys.argv[1:])

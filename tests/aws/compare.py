"""Compares two recordings of the same intent with the differences that the docs explain.

Usage: compare.py OURS THEIRS TABLE. Prints what is `unexplained`, and which rows are `stale`.
"""

import json
import re
import sys

from objects import World

NONE = "—"


def differences(ours, theirs):
    """Returns kind, member and both values wherever the two worlds differ."""
    sides = ours.by_label(), theirs.by_label()
    for label in sides[0].keys() | sides[1].keys():
        if label not in sides[0] or label not in sides[1]:
            yield label, "the object", *("made" if label in side else NONE for side in sides)
            continue
        (kind, mine), (_, other) = sides[0][label], sides[1][label]
        for member in mine.keys() | other.keys():
            pair = mine.get(member, NONE), other.get(member, NONE)
            if pair[0] != pair[1]:
                yield kind, member, *pair


def explained(table):
    """Reads the rows of the table: object, member, our value, that of the CLI, and why."""
    rows = set()
    for line in open(table, encoding="utf-8"):
        cells = [cell.strip() for cell in line.strip().strip("|").split("|")]
        if line.startswith("| ") and len(cells) == 5 and cells[0] != "object":
            assert cells[4], f"{cells} has no reason"
            rows.add(tuple(re.sub(r"^`(.*)`$", r"\1", cell) for cell in cells[:4]))
    return rows


def main(ours, theirs, table):
    worlds = World(ours), World(theirs)
    found, rows = set(differences(*worlds)), explained(table)
    made = [len(world.made) for world in worlds]
    print(
        json.dumps(
            {"made": made, "unexplained": sorted(found - rows), "stale": sorted(rows - found)},
            ensure_ascii=False,
        )
    )


if __name__ == "__main__":
    main(*sys.argv[1:])

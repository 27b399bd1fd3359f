"""A table of what something costs, with limits."""

import sys

MB = 1e6


class Table:
    """Rows, and which of them are over their limit."""

    def __init__(self):
        self.broken = []
        print("| what | measured | limit |\n|---|---|---|")

    def row(self, what, value, limit=None, unit=""):
        bound = "" if limit is None else f"{limit:g}{unit}"
        print(f"| {what} | {value:.4g}{unit} | {bound} |", flush=True)
        if limit is not None and value > limit:
            self.broken.append(f"{what}: {value:.4g}{unit} is over {limit:g}{unit}")

    def end(self):
        """Ends the program, and fails when a limit is broken."""
        for line in self.broken:
            print(f"over the limit: {line}", file=sys.stderr)
        sys.exit(bool(self.broken))

"""python -m tests.fuzz --inputs 1000000 --seed 1: ends with one line; exit code 1 where something was found.

How it goes is told on standard error, a line for each 100,000 inputs.
"""

from __future__ import annotations

import argparse
import sys
import time

from tests.fuzz.run import Found, fuzz


def main() -> int:
    """Fuzz and print."""
    parser = argparse.ArgumentParser(prog="python -m tests.fuzz", description=__doc__, allow_abbrev=False)
    parser.add_argument("--inputs", type=int, default=1_000_000, metavar="N")
    parser.add_argument("--seed", type=int, default=1, metavar="N")
    args = parser.parse_args()
    began = time.monotonic()

    def tell(found: Found) -> None:
        seconds = time.monotonic() - began
        left = seconds / found.inputs * (args.inputs - found.inputs)
        text = f"{found.inputs:,} inputs in {seconds:.0f} s, {len(found.faults)} faults, about {left:.0f} s to go"
        print(text, file=sys.stderr, flush=True)

    found = fuzz(args.inputs, args.seed, tell)
    print("\n".join(found.faults), file=sys.stderr)
    reasons = ", ".join(f"{reason} {count}" for reason, count in sorted(found.dead.items()))
    print(
        f"inputs {found.inputs} accepted {found.accepted} dead letters ({reasons}) slowest {found.slowest_s:.3f} s "
        f"seconds {time.monotonic() - began:.0f} faults {len(found.faults)}"
    )
    return 1 if found.faults else 0


if __name__ == "__main__":
    sys.exit(main())

"""The crash matrix from the command line.

python -m tests.chaos --trials 300 --seed 1 --client both --verbose
python -m tests.chaos --seed 1 --client both --only 17       # one trial again
"""

from __future__ import annotations

import argparse
import json
import sys
from collections import Counter

from tests.chaos.matrix import Verdict, run_matrix
from tests.chaos.plan import CLIENTS
from tests.chaos.trial import Result


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m tests.chaos", description="Crash matrix of the live scorer.", allow_abbrev=False
    )
    parser.add_argument("--trials", type=int, default=300, help="how many (default 300)")
    parser.add_argument("--seed", type=int, default=1, help="from which all trials are drawn (default 1)")
    parser.add_argument("--client", choices=(*CLIENTS, "both"), default="both", help="Kafka client (default both)")
    parser.add_argument("--minutes", type=float, default=float("inf"), help="begin no trial after so long")
    parser.add_argument("--first", type=int, default=0, metavar="N", help="number of the first trial (default 0)")
    parser.add_argument("--only", type=int, metavar="N", help="this trial alone")
    parser.add_argument("--fault", default="", help="only trials whose first fault has this in its name")
    parser.add_argument("--at-once", type=int, default=2, help="trials at once, each with its own Kafka (default 2)")
    parser.add_argument("--verbose", action="store_true", help="a line for each trial")
    parser.add_argument("--json", action="store_true", help="the counts as JSON at the end")
    return parser


def _print_json(verdict: Verdict) -> None:
    by_fault = Counter((fault, r.plan.client) for r in verdict.results for fault in r.plan.faults)
    missed = Counter((fault, r.plan.client) for r in verdict.results for fault in r.missed)
    bad = [result.line for result in verdict.results if result.mismatch]
    counts = {
        "trials": verdict.trials,
        "faults": verdict.faults,
        "mismatches": verdict.mismatches,
        "seconds": round(verdict.seconds, 1),
        "faults_by_client": {f"{fault}, {client}": count for (fault, client), count in sorted(by_fault.items())},
        "missed": {f"{fault}, {client}": count for (fault, client), count in sorted(missed.items())},
        "mismatched": bad,
    }
    print(json.dumps(counts))


def main() -> int:
    """Run it. Returns 1 where anything differed or hung."""
    arguments = _parser().parse_args()
    clients = CLIENTS if arguments.client == "both" else (arguments.client,)
    numbers = (
        range(arguments.only, arguments.only + 1)
        if arguments.only is not None
        else range(arguments.first, arguments.first + arguments.trials)
    )

    def tell(result: Result) -> None:
        if arguments.verbose or result.mismatch:
            print(result.line, flush=True)

    verdict = run_matrix(
        arguments.seed, numbers, clients, tell, at_once=arguments.at_once, minutes=arguments.minutes,
        fault=arguments.fault,
    )  # fmt: skip
    if arguments.json:
        _print_json(verdict)
    print(verdict.line)
    return 1 if verdict.mismatches else 0


if __name__ == "__main__":
    sys.exit(main())

"""`python -m atlas_cli.worked`: fill the boxes of the stepped diagrams from runs of their recipes.

Each needs a run of its own recipe among the reader's runs (`atlas train gpt/small`); `--run` names one, and
without it the newest is taken.
"""

from __future__ import annotations

import argparse
from pathlib import Path

from atlas_cli import paths
from atlas_cli.errors import AtlasError, UsageError
from atlas_cli.runs.find import find_run, list_runs
from atlas_cli.runs.folder import RunFolder
from atlas_cli.worked.example import Example
from atlas_cli.worked.write import examples, write


def main() -> int:
    """Write those that are asked for, or all; 1 if one could not be."""
    known = examples()
    parser = argparse.ArgumentParser(prog="python -m atlas_cli.worked", description=__doc__)
    parser.add_argument("diagram", nargs="*", help=f"one of {', '.join(known)}; none: all")
    parser.add_argument("--run", help="the run to take, where one diagram is asked for")
    parser.add_argument("--runs", type=Path, default=None, help="the folder of runs")
    asked = parser.parse_args()
    root = asked.runs or paths.runs_dir()
    failed = 0
    for name in asked.diagram or known:
        try:
            if name not in known:
                raise UsageError(f"{name} has no worked example", f"one of {', '.join(known)}")
            path = write(name, known[name], _run(known[name], asked.run, root), root)
            print(f"{path}: {path.stat().st_size / 1000:.1f} kB")
        except AtlasError as error:
            print(f"{name}: {error.what}\n  {error.hint}")
            failed += 1
    return min(failed, 1)


def _run(example: Example, named: str | None, root: Path) -> RunFolder | None:
    if example.fresh:
        return None
    if named:
        return find_run(named, root, of="run (--run)")
    fitting = [r for r in list_runs(root) if r.info["recipe"] == example.recipe and r.has_weights]
    if not fitting:
        raise UsageError(f"there is no run of {example.recipe} in {root}", f"atlas train {example.recipe}")
    return fitting[-1]


if __name__ == "__main__":
    raise SystemExit(main())

"""Three recipes from sources to verified records, by way of the ledger: a manual, Korean pages, and solved puzzles.

    python benchmarks/data_recipes.py [telecom korean reasoning] [--pages 12] [--runs runs] [--json] [--out FILE]

Each runs up to its step `verify`, and its ledger is audited: accepted + rejected + quarantined + failed = input. The Korean pages are the
first ones of the guides in Debian's libreoffice-help-ko; of the puzzles the pass rate is told, by generator: the share of samples that are
right, and the unbiased share of problems with one right answer among four. At least 500 of them must be accepted.
"""

import argparse
import json
import shutil
import sys
import time
from collections import defaultdict
from pathlib import Path
from typing import Any

from debian_documents import CACHE, unpacked
from seodang.core.files import read_json_lines
from seodang.pipeline.audit import audit_place
from seodang.pipeline.collect import machine
from seodang.pipeline.context import RunContext
from seodang.pipeline.recipe import load_recipe
from seodang.pipeline.run import run_recipe
from seodang.pipeline.workspace import Workspace, open_run
from seodang.statistics.intervals import wilson
from seodang.statistics.pass_at_k import pass_at_k

RECIPES = Path(__file__).parents[1] / "recipes"
NAMES = {"telecom": "telecom_demo", "korean": "korean_help", "reasoning": "reasoning"}
_LEAST_ACCEPTED = 500


def main() -> None:
    """Runs what is asked for; exit code 1 where a ledger is not sound or too few puzzles are accepted."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("which", nargs="*", choices=[*NAMES, []], help="recipes (default: all)")
    parser.add_argument("--pages", type=int, default=12, help="Korean pages (default %(default)s)")
    parser.add_argument("--runs", type=Path, default=Path("runs"), help="folder of runs (default %(default)s)")
    parser.add_argument("--json", action="store_true", help="print JSON")
    parser.add_argument("--out", type=Path, help="write JSON here too")
    options = parser.parse_args()
    rows = {name: one_recipe(name, options.runs, options.pages) for name in options.which or NAMES}
    report = {"machine": machine(), "command": " ".join(["python", *sys.argv]), "recipes": rows}
    text = json.dumps(report, indent=1, ensure_ascii=False)
    if options.out:
        options.out.write_text(text + "\n", encoding="utf-8")
    print(text if options.json else "\n".join(lines(rows)))
    sys.exit(0 if all(row["holds"] for row in rows.values()) else 1)


def one_recipe(name: str, runs: Path, pages: int) -> dict[str, Any]:
    """The recipe carried out up to `verify`, and what its audit says."""
    path = RECIPES / f"{NAMES[name]}.yaml"
    if name == "korean":
        path = korean_project(runs / "korean-project", path, pages)
    began = time.monotonic()
    context = RunContext(load_recipe(path), path.resolve().parent, Workspace(runs), file=path)
    folder = run_recipe(context, until="verify")
    seconds = round(time.monotonic() - began, 1)
    audited = audit_place(folder)
    counts = {key: audited[key] for key in ("input", "accepted", "rejected", "quarantined", "failed", "num_faults")}
    told: dict[str, Any] = {**counts, "seconds": seconds, "records_in_ledger": audited["records"], "verdicts": audited["verdicts"]}
    told["holds"] = audited["num_faults"] == 0 and sum(counts[key] for key in list(counts)[1:5]) == counts["input"]
    if name == "reasoning":
        told |= pass_rates(folder)
        told["holds"] = told["holds"] and counts["accepted"] >= _LEAST_ACCEPTED
    return told


def korean_project(folder: Path, recipe: Path, pages: int) -> Path:
    """A folder with the recipe and the first pages of the guides; its path."""
    help_pages = folder / "korean-help"
    if not help_pages.is_dir():
        guides = sorted(unpacked("libreoffice-help-ko", CACHE).rglob("text/shared/guide/*.html"))[:pages]
        help_pages.mkdir(parents=True)
        for page in guides:
            shutil.copy(page, help_pages / page.name)
    shutil.copytree(RECIPES.parent / "packs" / "general", folder.parent / "packs" / "general", dirs_exist_ok=True)
    return Path(shutil.copy(recipe, folder / recipe.name))


def pass_rates(folder: Path) -> dict[str, Any]:
    """Of solved puzzles: samples, right ones and pass@k for each generator. A sample that was drawn twice counts twice."""
    verified, built = open_run(folder).artifact("verify").folder, open_run(folder).artifact("build").folder
    right = {
        row["id"]
        for outcome in ("accepted", "rejected")
        for row in read_json_lines(verified / f"{outcome}.jsonl")
        if any(verdict["check"] == "puzzle" and verdict["outcome"] == "pass" for verdict in row["verdicts"])
    }
    drawn: dict[str, dict[str, list[bool]]] = defaultdict(lambda: defaultdict(list))
    for row in read_json_lines(built / "records.jsonl"):
        drawn[row["truth"]["puzzle"]["generator"]][row["question"]].append(row["id"] in right)
    return {"by_generator": {name: _rate(list(problems.values())) for name, problems in drawn.items()}}


def _rate(problems: list[list[bool]]) -> dict[str, Any]:
    samples = sum(map(len, problems))
    correct = sum(map(sum, problems))
    most = max(map(len, problems))
    whole = [answers for answers in problems if len(answers) == most]
    return {
        "problems": len(problems),
        "samples": samples,
        "right": correct,
        "share": correct / samples,
        "interval": list(wilson(correct, samples)),
        f"pass@{most}": sum(pass_at_k(most, sum(answers), most) for answers in whole) / len(whole),
    }


def lines(rows: dict[str, dict[str, Any]]) -> list[str]:
    """For people."""
    out: list[str] = []
    for name, row in rows.items():
        counts = " + ".join(f"{key} {row[key]}" for key in ("accepted", "rejected", "quarantined", "failed"))
        out.append(f"{name}: {counts} = input {row['input']}; {row['num_faults']} faults in the audit; {row['seconds']} s")
        for generator, rate in row.get("by_generator", {}).items():
            low, high = rate["interval"]
            share = f"{100 * rate['share']:.1f} % of {rate['samples']} samples are right [{100 * low:.1f}, {100 * high:.1f}]"
            out.append(f"  {generator:<20} {share}, of {rate['problems']} problems")
    return out


if __name__ == "__main__":
    main()

"""A range of real-size days by `make backfill`, into an empty folder, in this tree and in an earlier commit, in turns.

With --long N it is measured once over N days in this tree alone, beside the one-pass search that puts the lines of the
same days at hand (the real export has 395 days; each is 22 MB of disk and some seconds).

    python bench/range.py --before 291408f --runs 3 --long 60
"""

import shutil
import sys
from pathlib import Path

from trees import DATA, LAST, ROOT, Measure, Tree, both_trees, first_of, in_turns, invent, parser, print_table

EXPORT = Path("batch") / "comptages-routiers-permanents.csv"
ONE_PASS = """
import sys
from datetime import date, timedelta
from pathlib import Path
from lib.raw.source_files import RawFile
from scripts.sources.comptages.scan import one_pass
last = date.fromisoformat(sys.argv[2])
with one_pass([RawFile("", 0.0, Path(sys.argv[1]))], [last - timedelta(days=n) for n in range(int(sys.argv[3]))]):
    pass
"""


def main() -> int:
    command = parser(__doc__)
    command.add_argument("--long", type=int, default=0, metavar="N", help="also N days beside the one-pass search")
    arguments = command.parse_args()
    with both_trees(arguments.before, arguments.days) as trees:
        name = f"make backfill, {arguments.days} days"
        print_table(in_turns(trees, arguments.runs, {name: lambda tree: backfill(tree, arguments.days)}), trees)
    if arguments.long:
        beside_the_search(arguments.long)
    return 0


def backfill(tree: Tree, days: int) -> Measure:
    shutil.rmtree(tree.output, ignore_errors=True)
    return tree.make("backfill", f"FROM={first_of(days)}", f"TO={LAST}")


def beside_the_search(days: int) -> None:
    raw = DATA / f"{days}-days-of-all"
    try:
        invent(ROOT, raw, days)
        tree = Tree("now", ROOT, raw, DATA / "out-long")
        search = tree.run(".venv/bin/python", "-c", ONE_PASS, str(raw / EXPORT), str(LAST), str(days))
        whole = backfill(tree, days)
    finally:
        for folder in (raw, DATA / "out-long"):
            shutil.rmtree(folder, ignore_errors=True)
    print(f"\n{days} days of every source and report, from one road export:\n")
    print("| | wall | processor | peak memory | wall, ratio | processor, ratio |\n|---|---|---|---|---|---|")
    for name, one in (("one-pass search", search), ("make backfill", whole)):
        ratios = f"{one.wall / search.wall:.1f} | {one.processor / search.processor:.1f}"
        print(f"| {name} | {one.wall:.2f} s | {one.processor:.2f} s | {one.memory:.0f} MB | {ratios} |")


if __name__ == "__main__":
    sys.exit(main())

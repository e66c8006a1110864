"""One real-size day (3 000 arcs, 110 counters) with its history, in this tree and in an earlier commit, in turns.

python bench/day.py --before 291408f --runs 3
"""

import sys

from trees import LAST, Tree, both_trees, first_of, in_turns, parser, print_table

STEPS = {
    "make process FORCE=1": lambda tree: tree.make("process", f"DATE={LAST}", "FORCE=1"),
    "make process, nothing to do": lambda tree: tree.make("process", f"DATE={LAST}"),
}


def main() -> int:
    arguments = parser(__doc__).parse_args()
    with both_trees(arguments.before, arguments.days) as trees:
        for tree in trees:
            give_history(tree, arguments.days)
        print(f"A day with {arguments.days - 1} days before it in the store.\n")
        print_table(in_turns(trees, arguments.runs, STEPS), trees)
    return 0


def give_history(tree: Tree, days: int) -> None:
    tree.make("backfill", f"FROM={first_of(days)}", f"TO={LAST}")


if __name__ == "__main__":
    sys.exit(main())

"""Days as people ask for them on a command line: one, or a range with both ends included."""

import argparse
from collections.abc import Callable
from datetime import date

from lib.common.errors import UsageError
from lib.common.paris_time import days_between, parse_asked_day, parse_asked_month

RANGE_MAX = 3660  # days, ten years: a longer range is a slip of the keyboard that would run for days


def _argument(read: Callable[[str], date]) -> Callable[[str], date]:
    """Make an argparse type of a function that says in French what is wrong with a text."""

    def argument(text: str) -> date:
        try:
            return read(text)
        except ValueError as error:
            raise argparse.ArgumentTypeError(str(error)) from None

    return argument


day_argument, month_argument = _argument(parse_asked_day), _argument(parse_asked_month)  # a month: its first day


def add_day(parser: argparse.ArgumentParser, text: str) -> None:
    """Add --date."""
    parser.add_argument("--date", type=day_argument, metavar="AAAA-MM-JJ", help=text)


def add_range(parser: argparse.ArgumentParser, required: bool = False) -> None:
    """Add --from and --to, both included."""
    for flag, name, text in (("--from", "first", "premier jour, compris"), ("--to", "last", "dernier jour, compris")):
        parser.add_argument(flag, dest=name, type=day_argument, metavar="AAAA-MM-JJ", required=required, help=text)


def range_days(arguments: argparse.Namespace) -> list[date]:
    """List the days of --from and --to; none when they were not given."""
    first, last = arguments.first, arguments.last
    if (first is None) != (last is None):
        raise UsageError("--from et --to vont ensemble.")
    if first is not None and getattr(arguments, "date", None):
        raise UsageError("--date ne va pas avec --from et --to.")
    return bounded_days(first, last) if first is not None else []


def bounds(arguments: argparse.Namespace) -> tuple[date | None, date | None]:
    """Find the first and last day of --date, or of --from and --to of which each may be left out; None: no bound."""
    first, last, day = arguments.first, arguments.last, getattr(arguments, "date", None)
    if day and (first or last):
        raise UsageError("--date ne va pas avec --from ni --to.")
    if first and last and first > last:
        raise UsageError(f"--from {first} est après --to {last}.")
    return day or first, day or last


def bounded_days(first: date, last: date) -> list[date]:
    """List every day from first to last; UsageError when they are the wrong way round, or more than RANGE_MAX."""
    if first > last:
        raise UsageError(f"--from {first} est après --to {last}.")
    if (last - first).days >= RANGE_MAX:
        raise UsageError(f"du {first} au {last}, plus de {RANGE_MAX} jours : demander des périodes plus courtes.")
    return list(days_between(first, last))

"""How much of a day its sensors measured, of what was to be expected; zeros that were written for blanks."""

from collections.abc import Iterable, Sequence
from itertools import pairwise

import numpy as np
import pandas as pd

from lib.common.text import counted
from lib.figures.changes import Flags, Floats, Hours, middle, pair
from lib.figures.quality import Quality
from lib.figures.sensor_days import SensorDay

PUBLISHED_FROM = 0.5  # share of the day's sensors that measured in an hour, from which silence in it is theirs
SEEN = 0.0001  # least coverage of a day on which anything was measured: other sensors than expected are not nothing
LEAST_OF_REFERENCE = 0.25  # share of what the reference could measure; real days have half of it, 40 300 of 80 352

LEAST_FOR_ZEROS = 10  # sensors, below which their zeros say nothing
MANY_ZEROS = 0.2  # share of them at zero all day; of real arcs 1 or 2 % are closed
HABIT_DAYS, HABIT_ZEROS = 3, 0.1  # past days that make a habit, and the share of them at zero that it may have
FILLED_FROM = 0.5  # share of the sensors with the habit of counting in an hour, from which their zeros are blanks


def published(measured: pd.DataFrame) -> Flags:
    """Tell for each column whether most of the sensors that measured anything that day measured in that hour."""
    active = measured.to_numpy(dtype=bool)
    active = active[active.any(axis=1)]
    return active.mean(axis=0) >= PUBLISHED_FROM if len(active) else np.zeros(measured.shape[1], dtype=bool)


def by_day(days: Sequence[SensorDay], column: str) -> tuple[pd.Index, Floats]:
    """Put what several days know of their sensors side by side: a row per sensor, a column per day, NaN without one."""
    indexes = {id(one.sensors.index): one.sensors.index for one in days}  # days of the same sensors share one
    codes, names = pd.factorize(np.concatenate([one.to_numpy(dtype=object) for one in indexes.values()]))
    rows = dict(zip(indexes, np.split(codes, np.cumsum([len(one) for one in indexes.values()])), strict=False))
    table = np.full((len(days), len(names)), np.nan)
    for place, one in enumerate(days):
        table[place, rows[id(one.sensors.index)]] = one.sensors[column]
    return pd.Index(names, dtype=object), table.T


def account_for(
    quality: Quality,
    measured: pd.DataFrame,
    aside: int,
    past: Sequence[SensorDay],
    reference: Iterable[str],
    reference_name: str,
) -> float:
    """Say in the account which sensors were expected and which measured, and name missing hours; return the coverage.

    measured: of the sensors not set aside, whether each measured in each hour of the clock; aside: how many others.
    Coverage is the share of the hours expected of each sensor that it measured; what others measured adds nothing.
    """
    shown = [int(hour) for hour in measured.columns]
    expected, base = expected_hours(past, reference, reference_name, len(shown))
    counts = measured.sum(axis=1).reindex(expected.index, fill_value=0)
    missing = [hour for hour, seen in zip(shown, published(measured), strict=True) if not seen]
    quality.capteurs = {
        "attendus": len(expected),
        "mesures": int((counts > 0).sum()),
        "ecartes": aside,
        "base": base,
    }
    quality.heures_manquantes, quality.heures_vues = missing, len(shown) - len(missing)
    if 0 < len(missing) < len(shown):
        text = f"Heures sans mesures de la plupart des capteurs : {named_hours(missing)}."
        quality.warn("heures_manquantes", "attention", text, len(missing), 0, missing)
    seen = SEEN if measured.to_numpy().any() else 0.0
    return max(seen, float(np.minimum(counts, expected).sum() / expected.sum())) if expected.sum() else seen


def expected_hours(
    past: Sequence[SensorDay], reference: Iterable[str], reference_name: str, hours: int
) -> tuple[pd.Series, str]:
    """Compute how many hours each sensor should measure, and on what that rests.

    The median of the recent days that had all their hours; where there are none, or they hold too little of it, every
    hour of each sensor of the reference.
    """
    names = set(reference)
    days = [one for one in past if one.whole]
    if days:
        sensors, valid = by_day(days, "valid")
        usual = pd.Series(middle(np.nan_to_num(valid.T)), sensors).clip(upper=hours)
        usual = usual[usual > 0]
        if usual.sum() and usual.sum() >= LEAST_OF_REFERENCE * hours * len(names):
            return usual, counted(len(days), "jour récent")
    return pd.Series(float(hours), pd.Index(sorted(names), dtype=object)), reference_name


def without_filled(hours: pd.DataFrame, past: Sequence[SensorDay], quality: Quality, noun: str) -> pd.DataFrame:
    """Blank the zeros that stand for blanks, and warn of them; those of whole days alone, where no past tells them.

    They are the zeros of an hour in which most of the sensors that hardly ever count nothing then (HABIT_*) do, and of
    the hours beside it in which no sensor counted anything.
    """
    zero, known = hours.eq(0).to_numpy(), hours.notna().to_numpy()
    filled = _filled_hours(hours, zero, known, past)
    if filled.any():
        named = [int(hour) for hour in hours.columns[filled]]
        text = (
            f"Heures où la plupart des {noun}s n'ont que des zéros, contre leur habitude ({named_hours(named)}) : des "
            "vides remplis de 0 ? Ces zéros ne comptent pas comme mesurés."
        )
        quality.warn("zeros_suspects", "attention", text, len(named), 0, named)
        return hours.mask(zero & filled)
    measured = int(known.any(axis=1).sum())
    zeros = int((known.any(axis=1) & (zero | ~known).all(axis=1)).sum())
    if measured >= LEAST_FOR_ZEROS and zeros > MANY_ZEROS * measured:
        text = f"{zeros} {noun}s sur {measured} n'ont compté que des zéros ce jour-là : des vides remplis de 0 ?"
        quality.warn("zeros_suspects", "attention", text, zeros, 0)
    return hours


def _filled_hours(hours: pd.DataFrame, zero: Flags, known: Flags, past: Sequence[SensorDay]) -> Flags:
    """Tell for each hour whether its zeros are blanks."""
    filled = zero.any(axis=0) & (zero.sum(axis=0) >= FILLED_FROM * known.sum(axis=0))
    if not filled.any():  # nearly always: the past needs no look
        return filled
    counting = known & hours_of_habit(hours, past)
    sensors, fallen = counting.sum(axis=0), (zero & counting).sum(axis=0)
    filled &= (sensors >= LEAST_FOR_ZEROS) & (fallen >= FILLED_FROM * sensors)
    empty = np.asarray((zero | ~known).all(axis=0))
    hour = range(hours.shape[1])
    for at, beside in [*pairwise(hour), *pairwise(reversed(hour))]:
        filled[beside] |= filled[at] and empty[beside]
    return filled


def hours_of_habit(hours: pd.DataFrame, past: Sequence[SensorDay]) -> Flags:
    """Tell for each sensor and hour whether it hardly ever counts nothing then."""
    today = Hours.of(hours.set_axis(hours.index.astype(object)))  # as past days have it: nothing to look up
    seen, nothing = np.zeros(hours.shape, dtype=np.int16), np.zeros(hours.shape, dtype=np.int16)
    for short in (one.short for one in past):  # one day at a time: all of them are 16 MB
        if short is not None:
            values = pair(today, short.whole()).past
            seen += np.isfinite(values)
            nothing += values == 0
    return np.asarray((seen >= HABIT_DAYS) & (nothing <= HABIT_ZEROS * seen))


def named_hours(hours: Iterable[int]) -> str:
    return ", ".join("2 h (la seconde)" if hour == 24 else f"{hour} h" for hour in hours)

"""The average week of a month, and what is read off it: sensors by weekday and hour, without public holidays."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from typing import Any

import pandas as pd

from lib.figures.calendar_days import public_holiday
from lib.figures.changes import Change, Hours, Shared, change_beside, comparable_hours, pair, shared
from lib.figures.key_figures import KeyFigure
from lib.figures.numbers import rounded
from lib.figures.past_days import USABLE_FROM
from lib.raw.source import Source
from scripts.registry import SOURCES
from scripts.report.history.month_days import SourceDay, SourceDays

HOURS = range(24)  # the second 02:00 of the autumn change has no like on other days
WEEK = pd.MultiIndex.from_product([range(7), HOURS])
WORKING_DAYS = 5  # of a week, from Monday


@dataclass(frozen=True)
class Weeks:
    """The average weeks of a month and of the one before for one figure, of sensors that may be compared."""

    month: pd.DataFrame
    before: pd.DataFrame
    shared: Shared
    change: Change | None  # None without enough in common


def usable_days(days: SourceDays) -> SourceDays:
    """Choose the days of each source that are known well enough to stand beside others, with their sound sensors."""
    return {
        name: _sound(SOURCES[name], {day: one for day, one in of_source.items() if one.coverage >= USABLE_FROM})
        for name, of_source in days.items()
    }


def _sound(source: Source, days: Mapping[date, SourceDay]) -> dict[date, SourceDay]:
    """Leave out of each day the sensors that are out of order that day and not on the average one."""
    sound: dict[date, dict[str, pd.DataFrame]] = {day: {} for day in days}
    for figure in source.key_figures:
        hours = _hours(days, figure.name)
        average = _average(hours)
        for day, frame in hours.items():
            sound[day][figure.name] = comparable_hours(frame, average, dead_at_zero(source))[0]
    return {day: one._replace(hours=sound[day]) for day, one in days.items()}


def _hours(days: Mapping[date, SourceDay], name: str) -> dict[date, pd.DataFrame]:
    return {day: one.hours[name] for day, one in days.items() if name in one.hours}


def weeks_of(source: Source, this: Mapping[date, SourceDay], before: Mapping[date, SourceDay]) -> dict[str, Weeks]:
    """Put the two months beside each other, by key figure of the sensors."""
    return {
        figure.name: _beside(source, figure, _hours(this, figure.name), _hours(before, figure.name))
        for figure in source.key_figures
        if source.sensors and figure.hours
    }


def _beside(
    source: Source, figure: KeyFigure, this: Mapping[date, pd.DataFrame], before: Mapping[date, pd.DataFrame]
) -> Weeks:
    one, other = comparable_hours(average_week(this), average_week(before), dead_at_zero(source))
    found = shared(pair(Hours.of(one), Hours.of(other)))
    return Weeks(one, other, found, change_beside([found], figure.points) if found.comparable else None)


def dead_at_zero(source: Source) -> bool:
    """Tell whether a sensor of the source that is at zero all day is out of order."""
    return source.sensors is not None and source.sensors.dead_at_zero


def average_week(days: Mapping[date, pd.DataFrame]) -> pd.DataFrame:
    """Average frames of hours by weekday: a row a sensor, columns WEEK; public holidays are left out."""
    ordinary = {day: frame for day, frame in days.items() if public_holiday(day) is None}
    weekdays = {at: _average({day: one for day, one in ordinary.items() if day.weekday() == at}) for at in range(7)}
    return pd.concat(weekdays, axis=1).reindex(columns=WEEK).sort_index()


def _average(days: Mapping[date, pd.DataFrame]) -> pd.DataFrame:
    """Average frames of hours over the values there are; NaN where there is none."""
    if not days:
        return pd.DataFrame(columns=HOURS, dtype=float)
    return pd.concat(days.values()).reindex(columns=HOURS).astype(float).groupby(level=0).mean()


def day_levels(source: Source, days: Mapping[date, SourceDay]) -> dict[str, dict[date, float | None]]:
    """Compute the level of each day by key figure (100: the month's average day, same sensors and hours)."""
    found: dict[str, dict[date, float | None]] = {}
    for figure in source.key_figures if source.sensors else ():
        hours = _hours(days, figure.name)
        average = _average(hours)
        beside = {day: shared(pair(Hours.of(frame), Hours.of(average))) for day, frame in hours.items()}
        found[figure.name] = {
            day: rounded(100 * float(one.day.sum() / one.past.sum()), 1) if one.comparable else None
            for day, one in beside.items()
        }
    return found


def working_day(source: Source, weeks: Mapping[str, Weeks]) -> dict[str, Any]:
    """Average the hours from Monday to Friday on the sensors, weekdays and hours that both months have.

    Where the months are not compared, the month alone stands there.
    """
    figure = next(one for one in source.key_figures if source.sensors and one.hours == source.sensors.hours)
    found = weeks[figure.name]
    month, before = found.month, found.before
    beside = found.change is not None and found.change.published is not None
    if beside:
        sensors = month.index.intersection(before.index)
        both = month.loc[sensors].notna() & before.loc[sensors].notna()
        month, before = month.loc[sensors].where(both), before.loc[sensors].where(both)
    return {
        "unite": figure.unit,
        "mois": _hour_sums(month),
        "mois_precedent": _hour_sums(before) if beside else [None] * len(HOURS),
    }


def _hour_sums(week: pd.DataFrame) -> list[float | None]:
    mean = week.loc[:, list(range(WORKING_DAYS))].T.groupby(level=1).mean().T.reindex(columns=HOURS)
    return [rounded(value, 1) for value in mean.sum(min_count=1).tolist()]

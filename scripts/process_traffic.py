"""Public-transport disruptions: what was in force on the lines of Paris and its region during one civil day.

A raw record is one disruption with its periods (Paris clock) and what it touches; the pulls made from seven days before
the day on are read, and the newest one that names a disruption is used. Whether it was in force is decided from its
periods, never from its `status`, which is relative to the moment of the pull.

The reliability index is the share of line-hours of the service without a bloquante or perturbée disruption, over the 35
lines of the structuring network (métro, RER, tram: see sources/traffic/lines): which buses a pull names depends on what
was asked, not on the day, so that of the other lines the disturbed ones are counted, no more. What extends over more
than 30 days is listed apart and is in no hours. A disruption counts for its whole line even where it touches a few
stops; an interruption (bloquante) is a line that does not run.

    python scripts/process_traffic.py --date 2025-11-04
"""

import sys
from datetime import date, datetime
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

import lib  # isort: skip # noqa: F401 - first: it says which package is missing

import pandas as pd

from lib.common.paris_time import HOUR, PARIS
from lib.common.settings import Settings
from lib.figures.numbers import ranked, records, rounded
from lib.figures.quality import Quality
from lib.raw.source_files import no_data
from lib.run.day_run import DayResult
from lib.run.source_command import run_source
from scripts.registry import TRAFFIC, files_to_read
from scripts.sources.traffic.forms import BLOCKING, DISTURBED, SEVERITIES
from scripts.sources.traffic.lines import BUS, METRO, NETWORK, RER, TRAM, mode_order
from scripts.sources.traffic.pages import PULL_WINDOW, coverage, pull_days
from scripts.sources.traffic.periods import Window, civil_day, merged, night, service
from scripts.sources.traffic.records import Disruptions, read_disruptions

HELP = """Perturbations des transports : par sévérité, cause, mode et ligne, heures perturbées et fiabilité d'un jour.

Exemple : python scripts/process_traffic.py --date 2025-11-04"""

NO_LINE = "sans ligne"  # lifts, stations
DESCRIBED = [  # of perturbations[]
    "id", "titre", "severite", "effet", "cause", "categorie", "tags", "lignes", "debut", "fin", "heures_dans_le_jour",
    "longue_duree", "nombre_messages", "message",
]  # fmt: skip
STANDING = ("id", "titre", "severite", "cause", "lignes", "debut", "fin")  # of longue_duree[]


def read_raw(settings: Settings, day: date) -> tuple[Disruptions, Quality]:
    """Read what the pulls say of the day, and the account of the records that could not be used."""
    quality = Quality(weighed=True)  # a disruption comes again in every pull: coverage() weighs what is rejected
    found = read_disruptions(files_to_read(settings, TRAFFIC, quality), day, quality)
    if not found.answers:
        raise no_data("traffic", day, () if quality.unusable else {day.isoformat()}, quality)
    pulled = pull_days(found.answers)
    if in_force(found, day).empty and all(abs(one - day) > PULL_WINDOW for one in pulled):
        raise no_data("traffic", day, {one.isoformat() for one in pulled}, quality)
    return found, quality


def compute_metrics(found: Disruptions, day: date) -> dict[str, Any]:
    """Compute all figures of the day: counts are of the civil day, hours of lines are of its service."""
    current = in_force(found, day)
    touched = found.touched[found.touched["id"].isin(current["id"])]
    disturbing, served = disturbances(found), service(day)
    hours = line_hours(disturbing, served)
    per_line = line_figures(found, disturbing, hours, day)
    disruptions = described(found, current, touched, day)
    standing = [one for one in disruptions if one["longue_duree"]]
    return {
        "nombre_perturbations": len(current),
        "nombre_longue_duree": len(standing),
        "par_severite": {one: int((current["severite"] == one).sum()) for one in SEVERITIES},
        "par_cause": by_cause(current),
        "par_mode": by_mode(found, current, touched),
        "par_ligne": records(per_line),
        "lignes_perturbees": disturbed_lines(per_line),
        **reliability(hours, served),
        "top_lignes_impactees": top_lines(per_line),
        "alerts": alerts(found, disturbing, served),
        "longue_duree": [{name: one[name] for name in STANDING} for one in standing],
        "perturbations": disruptions,
    }


def in_force(found: Disruptions, day: date) -> pd.DataFrame:
    """Select the disruptions of which a period meets the civil day (the others only meet the end of its service)."""
    ids = found.periods.loc[found.periods["debut"] < civil_day(day)[1], "id"]
    return found.disruptions[found.disruptions["id"].isin(ids)]


def disturbances(found: Disruptions) -> pd.DataFrame:
    """Build one row per line, disruption that disturbs or blocks it and period of that; standing ones are left out.

    Columns id, cle, severite, debut, fin.
    """
    standing = found.disruptions.loc[found.disruptions["longue_duree"].astype(bool), "id"]
    touched = found.touched
    passing = touched["severite"].isin([BLOCKING, DISTURBED]) & ~touched["id"].isin(standing)
    return found.periods.merge(touched[passing], on="id")


def line_hours(spans: pd.DataFrame, window: Window) -> pd.Series:
    """Sum the hours of the window during which a line is disturbed, two at once counted once; others are absent."""
    return merged(spans, "cle", window).groupby("cle")["heures"].sum()


def line_figures(found: Disruptions, disturbing: pd.DataFrame, hours: pd.Series, day: date) -> pd.DataFrame:
    """Build one row per line touched until the end of the service, the columns of par_ligne[] in their stored order.

    hours: those of the service during which a line is disturbed.
    """
    standing = found.touched["id"].map(found.disruptions.set_index("id")["longue_duree"]).astype(bool)
    rank = found.touched["severite"].map(SEVERITIES.index).astype("int64")
    groups = found.touched.assign(rang=rank, longue=standing).groupby("cle")
    lines = found.lines[found.lines.index.isin(groups.groups)]
    blocked = line_hours(disturbing[disturbing["severite"] == BLOCKING], service(day))
    by_night = line_hours(disturbing, night(day))
    perturbees, bloquees, hors_service = (
        one.reindex(lines.index, fill_value=0.0).round(2) for one in (hours, blocked, by_night)
    )
    return lines.assign(
        nombre_perturbations=groups["id"].nunique(),
        nombre_longue_duree=groups["longue"].sum(),
        severite_max=groups["rang"].min().map(SEVERITIES.__getitem__),
        heures_perturbees=perturbees,
        heures_bloquees=bloquees,
        heures_hors_service=hors_service,
    )


def disturbed_lines(per_line: pd.DataFrame) -> dict[str, int]:
    """Count the lines disturbed during the service by mode; structuring modes and buses stand there even at zero."""
    counts = per_line.loc[per_line["heures_perturbees"] > 0, "mode"].value_counts()
    return {mode: int(counts.get(mode, 0)) for mode in sorted({METRO, RER, TRAM, BUS, *counts.index}, key=mode_order)}


def by_cause(current: pd.DataFrame) -> dict[str, int]:
    """Count disruptions by cause, the most frequent first."""
    counts = current["cause"].value_counts()
    return {str(cause): int(counts[cause]) for cause in sorted(counts.index, key=lambda one: (-counts[one], one))}


def by_mode(found: Disruptions, current: pd.DataFrame, touched: pd.DataFrame) -> dict[str, int]:
    """Count the disruptions that touch a line of each mode; one that touches two modes is in both."""
    counts = on_lines(touched, found).groupby("mode")["id"].nunique()
    names = sorted({METRO, RER, TRAM, *counts.index}, key=mode_order)
    return {mode: int(counts.get(mode, 0)) for mode in names} | {NO_LINE: len(current) - touched["id"].nunique()}


def reliability(disturbed: pd.Series, window: Window) -> dict[str, Any]:
    """Compute reliability_index, reliability_par_mode (%), lignes_suivies and heures_de_service.

    100 x (1 - disturbed line-hours / (lines x hours of service)), over the 35 structuring lines; service 05:30 to 01:15
    on the next day.
    """
    hours = (window[1] - window[0]) / HOUR
    modes = pd.Series({line.key: line.mode for line in NETWORK})
    share = 100 * (1 - disturbed.reindex(modes.index, fill_value=0.0) / hours)
    by_mode = share.groupby(modes, sort=False)
    return {
        "reliability_index": rounded(share.mean()),
        "reliability_par_mode": {str(mode): rounded(mean) for mode, mean in by_mode.mean().items()},
        "lignes_suivies": {"total": len(modes), "par_mode": {str(mode): int(n) for mode, n in by_mode.size().items()}},
        "heures_de_service": hours,
    }


def top_lines(per_line: pd.DataFrame) -> list[dict[str, Any]]:
    """Rank the ten lines disturbed for the most hours; of two alike, the one blocked longer comes first."""
    impacted = per_line[per_line["heures_perturbees"] > 0]
    order = ["heures_perturbees", "heures_bloquees", "nombre_perturbations"]
    return ranked(impacted.sort_values(order, ascending=False, kind="stable"))


def on_lines(rows: pd.DataFrame, found: Disruptions) -> pd.DataFrame:
    """Add ligne, id_ligne and mode of each row's line (cle), and rang, the place at which people expect it."""
    return rows.join(found.lines.assign(rang=range(len(found.lines))), on="cle")


def alerts(found: Disruptions, disturbing: pd.DataFrame, window: Window) -> list[dict[str, Any]]:
    """Build one alert per line, disruption and uninterrupted time of the service during which the line does not run."""
    blocked = disturbing[disturbing["severite"] == BLOCKING]
    pairs = blocked[["id", "cle"]].drop_duplicates()
    rows = merged(blocked[["id", "debut", "fin"]].drop_duplicates(), "id", window).merge(pairs, on="id")
    table = on_lines(rows, found).assign(
        titre=rows["id"].map(found.disruptions.set_index("id")["titre"]),
        debut=rows["debut"].map(clock),
        fin=rows["fin"].map(clock),
        duree_heures=[round(hours, 2) for hours in rows["heures"]],
    )
    columns = ["ligne", "id_ligne", "mode", "titre", "debut", "fin", "duree_heures", "id"]
    return records(table.sort_values(["rang", "debut", "id"])[columns])


def described(found: Disruptions, current: pd.DataFrame, touched: pd.DataFrame, day: date) -> list[dict[str, Any]]:
    """Build perturbations[]: each disruption in force, the worst first; debut and fin are its whole extent."""
    hours = merged(found.periods, "id", civil_day(day)).groupby("id")["heures"].sum()
    labels = on_lines(touched, found).sort_values("rang").groupby("id")["ligne"].agg(list).to_dict()
    table = current.assign(rang=current["severite"].map(SEVERITIES.index)).sort_values(["rang", "debut", "id"])
    table = table.assign(
        lignes=table["id"].map(lambda identifier: labels.get(identifier, [])),
        debut=table["debut"].map(clock),
        fin=table["fin"].map(clock, na_action="ignore"),
        heures_dans_le_jour=table["id"].map(hours).astype(float).fillna(0.0).round(2),
    )
    return records(table[DESCRIBED])


def clock(moment: datetime) -> str:
    """Write an instant on the Paris clock, to the minute, as the other sources write it."""
    return moment.astimezone(PARIS).replace(tzinfo=None).isoformat(timespec="minutes")


def process(settings: Settings, day: date) -> DayResult:
    """Read and compute; the coverage says how much of the day's incidents a pull could know."""
    found, quality = read_raw(settings, day)
    known, metrics = coverage(found.answers, day, quality, found.nowhere), compute_metrics(found, day)
    if not known:  # of a day of which nothing could be read, no disturbance says nothing
        metrics |= {"reliability_index": None, "reliability_par_mode": dict.fromkeys(metrics["reliability_par_mode"])}
    return DayResult(metrics, quality, known)


def main(argv: list[str] | None = None) -> int:
    return run_source(TRAFFIC, HELP, process, argv)


if __name__ == "__main__":
    sys.exit(main())

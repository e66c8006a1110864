"""Public-transport disruptions: what was in force on the lines of Paris and its region during one civil day.

A raw record is one disruption with its periods (Paris clock) and what it touches; the pulls made from seven days before
the day on are read, and the newest one that names a disruption is believed. Whether it was in force is decided from its
periods, never from its `status`, which is relative to the moment of the pull.

The reliability index is the share of line-hours of the service without a bloquante or perturbée disruption. The API
only ever names lines that are disturbed, so the lines followed are the fixed structuring network (métro, RER, tram: see
sources/traffic/lines) and every other line that the pulls name: read the métro, RER and tram figures apart from the
others, of which only the troubled ones are known. A disruption counts for its whole line even where it touches a few
stops.

    python scripts/process_traffic.py --date 2025-11-04
"""

import sys
from datetime import date, datetime, timedelta
from pathlib import Path
from typing import Any

import pandas as pd

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from lib.common.errors import InputError
from lib.common.paris_time import HOUR, PARIS
from lib.common.settings import Settings
from lib.figures.numbers import records, rounded
from lib.figures.quality import Quality
from lib.raw.source_files import no_data
from lib.run import cli
from lib.run.day_run import DayResult
from scripts.registry import TRAFFIC, files_to_read
from scripts.sources.traffic.forms import BLOCKING, DISTURBED, SEVERITIES
from scripts.sources.traffic.lines import METRO, RER, TRAM, line_order, mode_order
from scripts.sources.traffic.periods import Window, civil_day, merged, service
from scripts.sources.traffic.pulls import PULL_WINDOW
from scripts.sources.traffic.records import Disruptions, read_disruptions

HELP = """Perturbations des transports : par sévérité, cause, mode et ligne, heures perturbées et fiabilité d'un jour.

Exemple : python scripts/process_traffic.py --date 2025-11-04"""

EARLY_COVERAGE = 0.5  # share; works are announced ahead but incidents are not, so earlier pulls tell about half a day
NO_LINE = "sans ligne"  # lifts, stations, whole networks
TOP = 10


def read_raw(settings: Settings, day: date) -> tuple[Disruptions, Quality]:
    """What the pulls say of the day, and the account of the records that were not believed."""
    quality = Quality()
    found = read_disruptions(files_to_read(settings, TRAFFIC, quality), day, quality)
    if not found.responses and quality.unusable:
        raise no_data("traffic", day, None, quality)
    if not found.responses:
        raise InputError(f"aucun relevé lisible autour du {day} : {dict(quality.rejets)}.", "Vérifier les fichiers.")
    near = any(abs(pulled - day) <= PULL_WINDOW for pulled in found.pull_days)
    if not near and in_force(found, day).empty:
        raise no_data("traffic", day, {pulled.isoformat() for pulled in found.pull_days}, quality)
    return found, quality


def compute_metrics(found: Disruptions, day: date) -> dict[str, Any]:
    """All figures of the day. Hours per line are those of the civil day; the reliability is that of the service."""
    current = in_force(found, day)
    touched = found.touched[found.touched["id"].isin(current["id"])]
    per_line = line_figures(found, current, touched, day)
    return {
        "nombre_perturbations": len(current),
        "par_severite": {one: int((current["severite"] == one).sum()) for one in SEVERITIES},
        "par_cause": by_cause(current),
        "par_mode": by_mode(found, current, touched),
        "par_ligne": records(per_line),
        **reliability(found, day),
        "top_lignes_impactees": top_lines(per_line),
        "alerts": alerts(found, current, day),
        "perturbations": described(found, current, touched, day),
    }


def in_force(found: Disruptions, day: date) -> pd.DataFrame:
    """The disruptions of which a period meets the civil day (the others only meet the end of its service)."""
    ids = found.periods.loc[found.periods["debut"] < civil_day(day)[1], "id"]
    return found.disruptions[found.disruptions["id"].isin(ids)]


def line_hours(found: Disruptions, severities: tuple[str, ...], window: Window) -> pd.Series:
    """Hours of the window during which each line has a disruption of these severities; lines without any are absent."""
    ids = found.disruptions.loc[found.disruptions["severite"].isin(severities), "id"]
    spans = found.periods[found.periods["id"].isin(ids)].merge(found.touched, on="id")
    return merged(spans, "cle", window).groupby("cle")["heures"].sum()


def line_figures(found: Disruptions, current: pd.DataFrame, touched: pd.DataFrame, day: date) -> pd.DataFrame:
    """One row per line with a disruption in force, the columns of par_ligne[] in their stored order."""
    rank = touched["id"].map(current.set_index("id")["severite"]).map(SEVERITIES.index).astype("int64")
    groups = touched.assign(rang=rank).groupby("cle")
    keys = sorted(groups.groups, key=lambda key: line_order(found.lines[str(key)]))
    lines = [found.lines[str(key)] for key in keys]
    disturbed = line_hours(found, (BLOCKING, DISTURBED), civil_day(day)).reindex(keys, fill_value=0.0)
    blocked = line_hours(found, (BLOCKING,), civil_day(day)).reindex(keys, fill_value=0.0)
    return pd.DataFrame(
        {
            "ligne": [line.label for line in lines],
            "id_ligne": pd.Series([line.id for line in lines], dtype=object),
            "mode": [line.mode for line in lines],
            "nombre_perturbations": groups["id"].nunique().reindex(keys).to_list(),
            "severite_max": [SEVERITIES[one] for one in groups["rang"].min().reindex(keys)],
            "heures_perturbees": disturbed.round(2).to_list(),
            "heures_bloquees": blocked.round(2).to_list(),
        }
    )


def by_cause(current: pd.DataFrame) -> dict[str, int]:
    """Number of disruptions by cause, the most frequent first."""
    counts = current["cause"].value_counts()
    return {str(cause): int(counts[cause]) for cause in sorted(counts.index, key=lambda one: (-counts[one], one))}


def by_mode(found: Disruptions, current: pd.DataFrame, touched: pd.DataFrame) -> dict[str, int]:
    """Number of disruptions that touch a line of each mode; one that touches two modes is in both."""
    modes = touched.assign(mode=touched["cle"].map({key: line.mode for key, line in found.lines.items()}))
    counts = modes.groupby("mode")["id"].nunique()
    names = sorted({METRO, RER, TRAM, *counts.index}, key=mode_order)
    return {mode: int(counts.get(mode, 0)) for mode in names} | {NO_LINE: len(current) - touched["id"].nunique()}


def reliability(found: Disruptions, day: date) -> dict[str, Any]:
    """reliability_index, reliability_par_mode (%) and lignes_suivies.

    100 x (1 - disturbed line-hours / (lines followed x hours of service)), service 05:30 to 01:15 on the next day.
    """
    window = service(day)
    lines = pd.DataFrame({"mode": {key: line.mode for key, line in found.lines.items()}})
    lines["heures"] = line_hours(found, (BLOCKING, DISTURBED), window).reindex(lines.index, fill_value=0.0)
    share = 100 * (1 - lines["heures"] / ((window[1] - window[0]) / HOUR))
    means, sizes = share.groupby(lines["mode"]).mean().to_dict(), lines["mode"].value_counts().to_dict()
    modes = sorted(map(str, sizes), key=mode_order)
    return {
        "reliability_index": rounded(share.mean()),
        "reliability_par_mode": {mode: rounded(means[mode]) for mode in modes},
        "lignes_suivies": {"total": len(lines), "par_mode": {mode: sizes[mode] for mode in modes}},
    }


def top_lines(per_line: pd.DataFrame) -> list[dict[str, Any]]:
    """The ten lines disturbed for the most hours; of two alike, the one blocked longer, then in the network's order."""
    impacted = per_line[per_line["heures_perturbees"] > 0]
    order = ["heures_perturbees", "heures_bloquees", "nombre_perturbations"]
    ranked = impacted.sort_values(order, ascending=False, kind="stable")[:TOP]
    return [{"rang": rank, **row} for rank, row in enumerate(records(ranked), start=1)]


def alerts(found: Disruptions, current: pd.DataFrame, day: date) -> list[dict[str, Any]]:
    """One alert per line and uninterrupted time within the day that a bloquante disruption touches it."""
    blocking = current.loc[current["severite"] == BLOCKING, ["id", "titre"]]
    spans = merged(found.periods[found.periods["id"].isin(blocking["id"])], "id", civil_day(day))
    rows = spans.merge(found.touched, on="id").merge(blocking, on="id")
    found_alerts = [
        (
            line_order(found.lines[row["cle"]]),
            {
                "ligne": found.lines[row["cle"]].label,
                "id_ligne": found.lines[row["cle"]].id,
                "mode": found.lines[row["cle"]].mode,
                "titre": row["titre"],
                "debut": clock(row["debut"]),
                "fin": clock(row["fin"]),
                "duree_heures": round(row["heures"], 2),
                "id": row["id"],
            },
        )
        for row in rows.to_dict("records")
    ]
    found_alerts.sort(key=lambda one: (one[0], one[1]["debut"], one[1]["id"]))
    return [alert for _, alert in found_alerts]


def described(found: Disruptions, current: pd.DataFrame, touched: pd.DataFrame, day: date) -> list[dict[str, Any]]:
    """perturbations[]: each disruption in force, the worst first; debut and fin are its whole extent."""
    hours = merged(found.periods, "id", civil_day(day)).groupby("id")["heures"].sum()
    labels: dict[str, list[str]] = {}
    for identifier, key in sorted(touched.to_numpy().tolist(), key=lambda pair: line_order(found.lines[pair[1]])):
        labels.setdefault(identifier, []).append(found.lines[key].label)
    rows = sorted(
        current.to_dict("records"), key=lambda row: (SEVERITIES.index(row["severite"]), row["debut"], row["id"])
    )
    return [
        {
            "id": row["id"],
            "titre": row["titre"],
            "severite": row["severite"],
            "effet": row["effet"],
            "cause": row["cause"],
            "categorie": row["categorie"],
            "tags": row["tags"],
            "lignes": labels.get(row["id"], []),
            "debut": clock(row["debut"]),
            "fin": clock(row["fin"]) if row["fin"] is not None else None,
            "heures_dans_le_jour": rounded(hours.get(row["id"], 0.0)),
            "message": row["message"],
        }
        for row in rows
    ]


def clock(moment: datetime) -> str:
    """An instant on the Paris clock, to the minute, as the other sources write it."""
    return moment.astimezone(PARIS).replace(tzinfo=None).isoformat(timespec="minutes")


def coverage(found: Disruptions, day: date, quality: Quality) -> float:
    """The share of its pages that a pull of the day or of the week after holds, else EARLY_COVERAGE with a warning.

    An empty answer is a pull like any other: a day without disruptions is complete. A pull made before the day knows
    the works announced, not the incidents of the day; one made long after no longer names what was soon over.
    """
    if any(timedelta() <= pulled - day <= PULL_WINDOW for pulled in found.pull_days):
        return found.pages_held
    nearest = min(found.pull_days, key=lambda pulled: (abs(pulled - day), pulled), default=None)
    earlier = nearest is not None and nearest < day
    quality.warn(
        "releve_anterieur" if earlier else "releve_lointain",
        "attention",
        f"Aucun relevé du {day} au {day + PULL_WINDOW} : les perturbations ne sont connues que par d'autres relevés.",
        mesure=nearest.isoformat() if nearest else None,
        attendu=day.isoformat(),
    )
    return EARLY_COVERAGE


def process(settings: Settings, day: date) -> DayResult:
    """Read, compute; the coverage says how much of the day's incidents a pull could know."""
    found, quality = read_raw(settings, day)
    return DayResult(compute_metrics(found, day), quality, coverage(found, day, quality))


def main(argv: list[str] | None = None) -> int:
    return cli.run_source(TRAFFIC, HELP, process, argv)


if __name__ == "__main__":
    sys.exit(main())

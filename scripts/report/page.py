"""The daily report as one HTML page that stands alone: no script, no network, the same bytes for the same figures.

A pure function of the report and of the day's metrics. The template says the order, the words and how much is shown of
long lists; the page says how much is left out (the JSON has all of it).
"""

import re
from collections import Counter
from collections.abc import Mapping, Sequence
from datetime import date
from itertools import takewhile
from types import MappingProxyType
from typing import Any

import numpy as np
import numpy.typing as npt

from lib.figures.calendar_days import particularity
from lib.figures.past_days import Past
from lib.figures.sensors import SILENT
from lib.raw.source import Credit, Source
from lib.run.day_run import SYNTHETIC
from lib.stores.documents import report_id
from scripts.registry import RAW, SOURCES, on_the_page
from scripts.report import french
from scripts.report.cards import cards
from scripts.report.hours import HOUR_FLOOR, hour_views, weather_drawing
from scripts.report.key_figures import Metrics, measured
from scripts.report.rendering import render
from scripts.report.road_map import IMPACTS, map_view
from scripts.report.summary import sentence
from scripts.report.usual import Beside, named_sensors
from scripts.report.ways import Way
from scripts.sources.comptages.congestion import LEAST_ARCS
from scripts.sources.traffic.lines import METRO, RER, TRAM

NAMES_DRAWN = 1_000  # streets with their hours, so that a page of all of Paris stays below 400 kB
BLOCKS = "▁▂▃▄▅▆▇█"

COMMAND = "make "  # what an operator types; it stands in the foot of the page, not among the news
_SENTENCE = re.compile(r"(?<=[.]) (?=[A-ZÀÉÈ])")

Report = dict[str, Any]


def daily_page(
    day: date,
    report: Report,
    metrics: dict[str, Metrics],
    past: Mapping[str, Past] = MappingProxyType({}),
    ways: Sequence[Way] = (),
) -> bytes:
    """Render the page of a day as UTF-8.

    metrics, past: by source, as stored; a missing source is not a key. ways: the pages beside it that are there.
    """
    known, failing = measured(metrics), report["capteurs_defaillants"]
    return render(
        "report.html.j2",
        titre=f"Mobilité à Paris, {report['contexte']['date_longue']}",
        fichier=report_id(day),
        rapport=report,
        voies=ways,
        noms_comptes=[name_list(source, beside) for source, beside in named_sensors(known, dict(past), day).items()],
        constat=sentence(report["chiffres_cles"], report["contexte"]["jour_semaine"]),
        constats=shown_findings(report),
        exploitation=operations(report, day),
        references=compared_days(report, day),
        synthetique=is_synthetic(report),
        cartes=cards(report["chiffres_cles"]),
        carte=map_view(known),
        heures=hour_views(report, known),
        plancher=HOUR_FLOOR,
        temps=weather_drawing(known["weather"]) if "weather" in known else None,
        heures_meteo=known["weather"]["heures"] if "weather" in known else (),
        structurants=(METRO, RER, TRAM),
        impacts=IMPACTS,
        troncons_d_une_zone=LEAST_ARCS,
        ordre=[source.name for source in on_the_page(SOURCES)],
        motifs={source: Counter(one["motif"] for one in rows or ()) for source, rows in failing.items()},
        # A wrong figure matters more than a missing one.
        defaillants={
            source: sorted(rows or (), key=lambda one: one["motif"] == SILENT) for source, rows in failing.items()
        },
        comptes={source: one["qualite"] for source, one in metrics.items()},
        credits=[credit for source in on_the_page(RAW) for credit in _credits(source, metrics)],
    )


def is_synthetic(report: Report) -> bool:
    """Tell whether any figure of the report was computed from invented data."""
    warnings = [one["code"] for state in report["sources"].values() for one in state["avertissements"]]
    return SYNTHETIC in warnings


def shown_findings(report: Report) -> list[dict[str, Any]]:
    """List what there is to know, the worst first; that figures are invented, the page says above all else."""
    return [{**one, "message": advice(one["message"])[0]} for one in report["constats"] if one["code"] != SYNTHETIC]


def advice(message: str) -> tuple[str, str]:
    """Part what happened from what an operator can do about it: the sentences from the first that names a command."""
    sentences = _SENTENCE.split(message)
    told = [*takewhile(lambda one: COMMAND not in one, sentences)]
    return (" ".join(told), " ".join(sentences[len(told) :])) if told else (message, "")


def operations(report: Report, day: date) -> list[tuple[str, str]]:
    """List (source, what its operator can do): process what is missing, then the advice of findings."""
    states = report["sources"]
    missing = [(name, f"{COMMAND}{name} DATE={day}") for name, one in states.items() if one["statut"] == "manquant"]
    advised = [(one["source"], remedy) for one in report["constats"] if (remedy := advice(one["message"])[1])]
    return list(dict.fromkeys([*missing, *advised]))


def compared_days(report: Report, day: date) -> dict[str, Any] | None:
    """Name the days that make the usual day of any figure, and those of them that were holidays; None without any."""
    texts = {day for figure in report["chiffres_cles"].values() for day in figure["mediane_jours"]}
    days = [date.fromisoformat(text) for text in sorted(texts)]
    named: dict[str, list[date]] = {}
    for one in days:
        if name := particularity(one):
            named.setdefault(name, []).append(one)
    particular = [f"{french.day_list(some, day.year)} : {name}" for name, some in named.items()]
    return {"nombre": len(days), "jours": french.day_list(days, day.year), "particuliers": particular} if days else None


def name_list(source: str, beside: Beside) -> dict[str, Any]:
    """List every street or counter by name: jour, usuel and (for the NAMES_DRAWN with the most) its hours as blocks."""
    table = beside.names
    drawn = set(table["jour"].nlargest(NAMES_DRAWN).index)
    days, usual = ([None if one != one else one for one in table[key].tolist()] for key in ("jour", "usuel"))
    return {
        "source": source,
        "profil": SOURCES[source].profiles[0],
        "lignes": [
            (name, *known, hours if name in drawn else "")
            for name, *known, hours in zip(table.index, days, usual, blocks(beside.hours), strict=True)
        ],
    }


def blocks(days: npt.NDArray[np.float64]) -> list[str]:
    """Write the hours of each day as a row of blocks, from its own zero to its own peak; a dot where nothing is known.

    days: a row a day, a column an hour.
    """
    tops = np.fmax.reduce(days, axis=1, initial=0.0, keepdims=True)
    heights = np.rint(days / np.where(tops > 0, tops, 1.0) * (len(BLOCKS) - 1))
    drawn = np.array([*BLOCKS, "·"])[np.where(np.isnan(heights), len(BLOCKS), heights).astype(np.int64)]
    return ["".join(row) for row in drawn.tolist()]


def _credits(source: Source, metrics: dict[str, Metrics]) -> list[Credit]:
    """Name the data sets; of one that may come from several publishers, those of the one that was used if known."""
    used = metrics.get(source.name, {}).get("source")
    known = [credit for credit in source.credits if credit.used == used]
    return known or list(source.credits)

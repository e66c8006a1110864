"""A day whose every raw label is hostile, as a tree that the scripts read."""

import csv
import io
import json
from typing import Any

from tests.conftest import ARCS_HEADER, RawTree, bike
from tests.torture.inputs.forms import DAY, DISTRICTS, WORKS_HEADER, disruption, text, visual_crossing

LONG = "Interminable" * 420  # 5 040 characters without a space
LABELS = (
    "=cmd|' /C calc'!A0", "+1+cmd", "-2+3", "@SUM(A1)", "\t=1", "\r=1", "＝1+1",
    "<script>alert(1)</script>", "</script></style></title></svg><img src=x onerror=alert(1)>", "\"'><b onclick=x>",
    "\u202egnirtS\u2066", "nul\x00ici", "\x1b]0;titre\x07\x1b[31mrouge", "🚲" * 40, LONG,
    "../../../etc/passwd", "/etc/passwd", "$where.a", "{{ 7*7 }}{% x %}", "a;b\n=1+1", "%s%n{0}",
)  # fmt: skip


def csv_text(rows: list[list[str]], header: str = "") -> str:
    text = io.StringIO()
    csv.writer(text, delimiter=";", lineterminator="\n").writerows(rows)
    return header + text.getvalue()


def shape(number: int) -> str:
    return json.dumps({"type": "LineString", "coordinates": [[2.35, 48.85], [2.351, 48.85 + number / 1e4]]})


def write(raw: RawTree) -> None:
    """Ids, names and texts of these sources are LABELS; hours at 90 % bring alerts, NO_SERVICE interruptions."""
    hours = [f"{DAY}T{hour:02}:00:00+01:00" for hour in range(1, 24)]
    counts = [
        [label, label, hour, "100", "90", label, "1", label, "2", label, label, "", "", "48.85,2.35", shape(number)]
        for number, label in enumerate(LABELS)
        for hour in hours
    ]
    raw.batch(
        "comptages-routiers-permanents.csv",
        csv_text([*counts, [*counts[0][:2], hours[0], *LABELS[:12]]], ARCS_HEADER + "\n"),
    )
    passages = [
        bike(label, hour, count, name=label)
        for number, label in enumerate(LABELS)
        for hour, count in zip(hours, (9 + number, 9, label), strict=False)
    ]
    raw.pull("bikes", "2025-11-05", "a.json", {"results": passages})
    raw.pull("traffic", "2025-11-05", "a.json", {"disruptions": [hostile_disruption(label) for label in LABELS]})
    day = visual_crossing(12.0)
    raw.pull("weather", "2025-11-05", "a.json", {**day, "days": [{**day["days"][0], "conditions": LABELS[7]}]})
    works = [label_work(label, DAY, "2025-12-01", "") for label in LABELS]
    works += [label_work(label, label, label, label) for label in LABELS]
    raw.batch("chantiers-perturbants-la-circulation.csv", csv_text(works, WORKS_HEADER))
    header = "Identifiant arc;Libelle;Identifiant noeud amont;Libelle noeud amont;geo_shape\n"
    arcs = [[label, label, label, label, shape(number)] for number, label in enumerate(LABELS)]
    name = "referentiel-geographique-pour-les-donnees-trafic-issues-des-capteurs-permanents.csv"
    raw.batch(name, csv_text([*arcs, *([label, label, "", "", label] for label in LABELS)], header))
    raw.batch("arrondissements.geojson", text(DISTRICTS))


def label_work(label: str, first: str, last: str, shape: str) -> list[str]:
    return [label, "75004", label, label, label, first, last, label, "2", label, shape, "48.85, 2.35"]


def hostile_disruption(label: str) -> dict[str, Any]:
    told = disruption(label)
    line = {"id": f"line:{label}", "code": label, "name": label, "commercial_mode": {"name": label}}
    told["impacted_objects"] = [{"pt_object": {"id": line["id"], "embedded_type": "line", "line": line}}]
    return {
        **told,
        "cause": label,
        "category": label,
        "tags": [label],
        "messages": [{"text": label, "channel": {"types": ["title"]}}],
        "application_periods": [*told["application_periods"], {"begin": label, "end": label}],
    }

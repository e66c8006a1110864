"""Synthetic disruption pulls: Navitia line_reports, and the PRIM bulk form every fifth day.

Pulls are made at 07, 12 and 18 each day, and at 07 on the day after the last. The pull of four days before the end at
12 is an empty `no_solution` body; that of the last day at 12 is cut: it holds CUT_AFTER disruptions of those it
announces.
"""

from __future__ import annotations

from datetime import date, datetime, timedelta
from pathlib import Path
from typing import Any
from zlib import crc32

from lib.files.atomic_file import write_atomically
from scripts.demo.disruptions import BLOCKING, DISTURBED, INFORMATION, LINES, Disruption, at, identity, known_at
from scripts.demo.files import compact_json
from scripts.demo.options import Options, pull_file

Body = dict[str, Any]

PULL_HOURS, LAST_PULL_HOURS = (7, 12, 18), (7,)
BULK_EVERY, BULK_REMAINDER = 5, 3
EMPTY_DAYS_BEFORE_END, EMPTY_HOUR = 4, 12
CUT_DAYS_BEFORE_END, CUT_HOUR, CUT_AFTER = 0, 12, 5
SEVERITIES = {
    BLOCKING: {"name": "bloquante", "effect": "NO_SERVICE", "color": "#FF0000", "priority": 0},
    DISTURBED: {"name": "perturbée", "effect": "SIGNIFICANT_DELAYS", "color": "#EF662F", "priority": 30},
    INFORMATION: {"name": "information", "effect": "OTHER_EFFECT", "color": "#FFFFFF", "priority": 60},
}
BULK_SEVERITIES = {BLOCKING: "BLOQUANTE", DISTURBED: "PERTURBEE", INFORMATION: "INFORMATION"}
MODES = {"Métro": "Metro", "RER": "RapidTransit", "Bus": "Bus"}
NETWORKS = {
    "Métro": ("network:IDFM:Operator_100", "RATP"),
    "RER": ("network:IDFM:71", "RER"),
    "Bus": ("network:IDFM:Operator_100", "RATP"),
}


def write_traffic(root: Path, options: Options) -> None:
    after = options.end + timedelta(days=1)
    pulls = [(day, hour) for day in options.calendar() for hour in PULL_HOURS]
    for day, hour in [*pulls, *((after, hour) for hour in LAST_PULL_HOURS)]:
        body = pull_body(options, day, at(day, hour))
        write_atomically(pull_file(root, "traffic", day, hour), compact_json(body))


def pull_body(options: Options, day: date, moment: datetime) -> Body:
    if (options.days_before_end(day), moment.hour) == (EMPTY_DAYS_BEFORE_END, EMPTY_HOUR):
        return navitia_body(options, moment, []) | {
            "error": {"id": "no_solution", "message": "no result for this request"}
        }
    disruptions = known_at(options, moment)
    if (options.days_before_end(day), moment.hour) == (CUT_DAYS_BEFORE_END, CUT_HOUR):
        body = navitia_body(options, moment, disruptions[:CUT_AFTER])
        return body | {"pagination": body["pagination"] | {"total_result": len(disruptions)}}
    in_bulk = day.toordinal() % BULK_EVERY == BULK_REMAINDER
    return bulk_body(options, moment, disruptions) if in_bulk else navitia_body(options, moment, disruptions)


def compact_time(moment: datetime) -> str:
    return f"{moment:%Y%m%dT%H%M%S}"


def navitia_body(options: Options, moment: datetime, disruptions: list[Disruption]) -> Body:
    return {
        "pagination": {
            "total_result": len(disruptions),
            "start_page": 0,
            "items_per_page": 200,
            "items_on_page": len(disruptions),
        },
        "feed_publishers": [{"id": "cityflow-demo", "name": "synthetic data", "url": "", "license": ""}],
        "disruptions": [navitia_disruption(options, moment, disruption) for disruption in disruptions],
        "context": {"current_datetime": compact_time(moment), "timezone": "Europe/Paris"},
        "line_reports": line_reports(options, disruptions),
        "warnings": [],
        "links": [],
    }


def navitia_disruption(options: Options, moment: datetime, disruption: Disruption) -> Body:
    impact = identity(options, disruption.key, "impact")
    parent = identity(options, disruption.key, "disruption")
    return {
        "id": impact,
        "disruption_id": parent,
        "impact_id": impact,
        "application_periods": periods_of(disruption),
        "status": disruption.status or status_at(disruption, moment),
        "updated_at": compact_time(disruption.announced),
        **({"tags": ["Ascenseur"]} if disruption.lift else {}),
        "cause": disruption.cause,
        "category": "Incidents",
        "severity": SEVERITIES[disruption.severity],
        "messages": [
            {"text": f"<p>{disruption.message}</p>", "channel": channel("moteur", "text/html", "web")},
            {"text": disruption.title, "channel": channel("titre", "text/plain", "title")},
        ],
        "impacted_objects": impacted_objects(disruption),
        "uri": impact,
        "disruption_uri": parent,
        "contributor": "shortterm.tr_idfm",
    }


def periods_of(disruption: Disruption) -> list[Body]:
    return [{"begin": compact_time(begin), "end": compact_time(end)} for begin, end in disruption.periods]


def status_at(disruption: Disruption, moment: datetime) -> str:
    if moment < disruption.periods[0][0]:
        return "future"
    return "past" if moment > disruption.periods[-1][1] else "active"


def channel(name: str, content_type: str, kind: str) -> Body:
    return {"content_type": content_type, "id": f"demo-{kind}", "name": name, "types": [kind]}


def impacted_objects(disruption: Disruption) -> list[Body]:
    if disruption.on_network:
        return [{"pt_object": network_object(disruption)}]
    objects = [{"pt_object": line_object(line)} for line in disruption.lines]
    if disruption.station:
        objects.append({"pt_object": station_object(disruption.station)})
    return objects


def line_object(line: str) -> Body:
    code, mode, name = LINES[line]
    network_id, network = NETWORKS[mode]
    return {
        "id": f"line:IDFM:{line}",
        "name": f"{network} {name}",
        "quality": 0,
        "line": {
            "id": f"line:IDFM:{line}",
            "name": name,
            "code": code,
            "commercial_mode": {"id": f"commercial_mode:{MODES[mode]}", "name": mode},
            "physical_modes": [{"id": f"physical_mode:{MODES[mode]}", "name": mode}],
            "network": {"id": network_id, "name": network},
        },
        "embedded_type": "line",
    }


def network_object(disruption: Disruption) -> Body:
    identifier, name = NETWORKS[LINES[disruption.lines[0]][1]]
    return {
        "id": identifier,
        "name": name,
        "quality": 0,
        "network": {"id": identifier, "name": name},
        "embedded_type": "network",
    }


def station_object(station: str) -> Body:
    area = {"id": station_id(station), "name": station, "label": f"{station} (Paris)", "timezone": "Europe/Paris"}
    return {
        "id": area["id"],
        "name": area["label"],
        "quality": 0,
        "stop_area": area,
        "embedded_type": "stop_area",
    }


def station_id(station: str) -> str:
    return f"stop_area:IDFM:9{crc32(station.encode()) % 100_000:05d}"


def line_reports(options: Options, disruptions: list[Disruption]) -> list[Body]:
    """List the lines of the pull, each with links to what touches it."""
    touched = {line: [d for d in disruptions if line in d.lines] for line in LINES}
    return [
        {
            "line": {
                **line_object(line)["line"],
                "links": [
                    {"internal": True, "type": "disruption", "id": identity(options, d.key, "impact")} for d in found
                ],
            },
            "pt_objects": [],
        }
        for line, found in touched.items()
        if found
    ]


def bulk_body(options: Options, moment: datetime, disruptions: list[Disruption]) -> Body:
    touched = {line: [d for d in disruptions if line in d.lines] for line in LINES}
    return {
        "disruptions": [bulk_disruption(options, disruption) for disruption in disruptions],
        "lines": [bulk_line(options, line, found) for line, found in touched.items() if found],
        "lastUpdatedDate": compact_time(moment),
    }


def bulk_disruption(options: Options, disruption: Disruption) -> Body:
    return {
        "id": identity(options, disruption.key, "impact"),
        "applicationPeriods": periods_of(disruption),
        "lastUpdate": compact_time(disruption.announced),
        "cause": disruption.cause.upper(),
        "severity": BULK_SEVERITIES[disruption.severity],
        **({"tags": ["Ascenseur"]} if disruption.lift else {}),
        "title": disruption.title,
        "message": f"<p>{disruption.message}</p>",
    }


def bulk_line(options: Options, line: str, found: list[Disruption]) -> Body:
    code, mode, name = LINES[line]
    network_id, network = NETWORKS[mode]
    objects: dict[tuple[str, str, str], list[str]] = {}
    for one in found:
        touched = ("network", network_id, network) if one.on_network else ("line", f"line:IDFM:{line}", name)
        for place in [touched] + ([("stop_area", station_id(one.station), one.station)] if one.station else []):
            objects.setdefault(place, []).append(identity(options, one.key, "impact"))
    return {
        "id": f"line:IDFM:{line}",
        "name": name,
        "shortName": code,
        "mode": MODES[mode],
        "networkId": network_id,
        "impactedObjects": [
            {"type": kind, "id": identifier, "name": label, "disruptionIds": ids}
            for (kind, identifier, label), ids in objects.items()
        ],
    }

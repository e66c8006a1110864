"""The figures of a road-count day computed a second time: plain Python, row by row, nothing of lib and no pandas.

It restates the rules of the source and of the figures in the slowest and most literal way, for tests to compare the
command with. Lengths come from the formulas of the Lambert-93 projection, places from ray casting.
"""

import csv
import io
import itertools
import json
import math
import re
from collections import Counter
from collections.abc import Collection
from datetime import date, datetime, timedelta
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

PARIS, UTC = ZoneInfo("Europe/Paris"), ZoneInfo("UTC")
LABELS = {
    "Identifiant arc": "iu_ac", "Libelle": "libelle", "Date et heure de comptage": "t_1h", "Débit horaire": "q",
    "Taux d'occupation": "k",
}  # fmt: skip
NAMES = ("Fluide", "Pré-saturé", "Saturé", "Bloqué", "Inconnu")

Row = dict[str, Any]


def wall_of(text: str) -> datetime | None:
    """The Paris wall clock that a label names; +01:00 and +02:00 are only pasted on."""
    found = re.fullmatch(r"(\d{4}-\d\d-\d\d)[T ](\d\d:\d\d)(:\d\d)?(Z|[+-]\d\d:\d\d)?", text)
    if not found:
        return None
    try:
        wall = datetime.fromisoformat(f"{found[1]}T{found[2]}")
    except ValueError:
        return None
    if found[4] in (None, "+01:00", "+02:00"):
        return wall
    return datetime.fromisoformat(f"{wall.isoformat()}{found[4]}").astimezone(PARIS).replace(tzinfo=None)


def hours_of(day: date) -> dict[datetime, int]:
    """The labels of the day, each with the hour it closes; the one that the spring clock skips is none."""
    hours = {}
    for hour in range(24):
        label = datetime(day.year, day.month, day.day) + timedelta(hours=hour + 1)
        if label.replace(tzinfo=PARIS).astimezone(UTC).astimezone(PARIS).replace(tzinfo=None) == label:
            hours[label] = hour
    return hours


def lines_of(path: Path) -> tuple[list[Row], list[str]]:
    """The rows of an export under their technical names, and the lines that are none, as text."""
    if path.suffix == ".json":
        body = json.loads(path.read_text(encoding="utf-8"))
        return (body if isinstance(body, list) else body["results"]), []
    first, *lines = path.read_bytes().removeprefix(b"\xef\xbb\xbf").split(b"\n")
    header_text = first.decode().rstrip("\r")
    separator = ";" if ";" in header_text else ","
    header = [LABELS.get(name, name) for name in header_text.split(separator)]
    rows, broken = [], []
    for line in filter(None, lines):
        try:
            (fields,) = csv.reader(io.StringIO(line.decode().rstrip("\r"), newline=""), delimiter=separator)
            sound = len(fields) == len(header) and line.count(b'"') % 2 == 0
        except (UnicodeDecodeError, ValueError, csv.Error):
            sound = False
        if sound:
            rows.append(dict(zip(header, fields, strict=True)))
        else:
            broken.append(line.decode(errors="replace"))
    return rows, broken


def number(value: Any) -> float | None:
    """A count or a rate; None where it is blank; ValueError where it is none."""
    if value is None or (isinstance(value, str) and not value.strip()):
        return None
    found = float(value)
    if not math.isfinite(found):
        raise ValueError(value)
    return found


def believed(row: Row) -> tuple[float | None, float | None]:
    """Flow and rate of a row; ValueError where the row is not believed."""
    q, k = number(row["q"]), number(row["k"])
    if row["iu_ac"] in (None, "", "*") or (q is not None and not 0 <= q <= 15_000):
        raise ValueError(row)
    if k is not None and not 0 <= k <= 100:
        raise ValueError(row)
    return q, k


class Day:
    """What the files say of a day: by arc and hour, and the account of the rows."""

    def __init__(self, paths: list[Path], day: date) -> None:
        self.day, self.hours = day, hours_of(day)
        self.rows: dict[tuple[str, int], Row] = {}
        self.read = self.repeated = self.rejected = 0
        self.impossible: set[str] = set()
        for path in paths:  # oldest first
            rows, broken = lines_of(path)
            for text in broken:
                stamps = re.findall(r"\d{4}-\d\d-\d\d[T ]\d\d:\d\d(?::\d\d)?(?:Z|[+-]\d\d:\d\d)?", text)
                about = any(wall_of(stamp) in self.hours for stamp in stamps)
                self.read, self.rejected = self.read + about, self.rejected + about
            for row in rows:
                hour = self.hours.get(wall_of(row["t_1h"]) or datetime.min)
                if hour is not None:
                    self._take(row, hour)
        self.arcs = sorted({arc for arc, _ in self.rows})

    def _take(self, row: Row, hour: int) -> None:
        self.read += 1
        try:
            q, k = believed(row)
        except ValueError:
            self.rejected += 1
            if row["q"] != "NaN":
                self.impossible |= {row["iu_ac"]} - {"*"}
            return
        self.repeated += (row["iu_ac"], hour) in self.rows
        self.rows[row["iu_ac"], hour] = row | {"q": q, "k": k}

    def values(self, name: str, arc: str) -> list[Any]:
        """Of one arc, over the hours of the day; None where there is no row or no value."""
        return [self.rows.get((arc, hour), {}).get(name) for hour in self.hours.values()]

    def broken(self, arc: str) -> str | None:
        """The rule that sets an arc aside, without history."""
        beyond = any(q is not None and q > 10_000 for q in self.values("q", arc))
        return "valeur impossible" if arc in self.impossible else "au-delà de toute mesure" if beyond else None

    def missing_hours(self, arcs: Collection[str], *names: str) -> list[int]:
        """The hours in which under half of the arcs that measured anything that day measured."""
        hours = range(len(self.hours))
        values = {arc: [self.values(name, arc) for name in names] for arc in arcs}
        seen = {arc: [any(one[n] is not None for one in values[arc]) for n in hours] for arc in arcs}
        active = [flags for flags in seen.values() if any(flags)]
        return [hour for n, hour in enumerate(self.hours.values())
                if not active or 2 * sum(flags[n] for flags in active) < len(active)]  # fmt: skip

    def last(self, name: str, arc: str) -> Any:
        return next((value for value in reversed(self.values(name, arc)) if value not in (None, "")), None)


def metres(shape: dict[str, Any]) -> float:
    """Length of a GeoJSON line in Lambert-93 (IGN, NT/G 71: conformal conic on GRS 80)."""
    points = [lambert93(lon, lat) for lon, lat in shape.get("geometry", shape)["coordinates"]]
    return math.fsum(math.dist(one, other) for one, other in itertools.pairwise(points))


def lambert93(lon: float, lat: float) -> tuple[float, float]:
    e = 0.08181919104281579  # first eccentricity of GRS 80

    def isometric(phi: float) -> float:
        return math.atanh(math.sin(phi)) - e * math.atanh(e * math.sin(phi))

    def normal(phi: float) -> float:
        return 6378137.0 / math.sqrt(1 - (e * math.sin(phi)) ** 2)

    south, north, origin = map(math.radians, (44.0, 49.0, 46.5))
    n = math.log(normal(north) * math.cos(north) / (normal(south) * math.cos(south)))
    n /= isometric(south) - isometric(north)
    c = normal(south) * math.cos(south) / n * math.exp(n * isometric(south))
    radius = c * math.exp(-n * isometric(math.radians(lat)))
    angle = n * math.radians(lon - 3)
    top = 6_600_000 + c * math.exp(-n * isometric(origin))
    return 700_000 + radius * math.sin(angle), top - radius * math.cos(angle)


def lengths_of(referentiel: Path | None) -> dict[str, float]:
    """Metres by arc: the different parts of an arc add up."""
    parts: dict[str, dict[frozenset[Any], float]] = {}
    if referentiel is not None:
        text = referentiel.read_bytes().decode("utf-8-sig")
        for row in csv.DictReader(io.StringIO(text, newline=""), delimiter=";"):
            if row["geo_shape"]:
                shape = json.loads(row["geo_shape"])
                line = [tuple(point) for point in shape.get("geometry", shape)["coordinates"]]
                same = frozenset([tuple(line), tuple(reversed(line))])
                parts.setdefault(row.get("Identifiant arc") or row["IU_AC"], {})[same] = metres(shape)
    return {arc: math.fsum(found.values()) for arc, found in parts.items()}


def place_of(point: tuple[float, float] | None, polygons: dict[int, Any]) -> int | None:
    """The arrondissement that a (lon, lat) point lies in."""
    inside = [number for number, ring in sorted(polygons.items()) if point and _crossings(point, ring) % 2]
    return inside[0] if inside else None


def _crossings(point: tuple[float, float], ring: list[list[float]]) -> int:
    lon, lat = point
    edges = itertools.pairwise(ring)
    return sum((a[1] > lat) != (b[1] > lat) and lon < a[0] + (lat - a[1]) / (b[1] - a[1]) * (b[0] - a[0])
               for a, b in edges)  # fmt: skip


def point_of(value: Any) -> tuple[float, float] | None:
    if isinstance(value, dict):
        return value["lon"], value["lat"]
    lat, lon = (float(part) for part in value.split(",")) if value else (None, None)
    return None if lat is None or lon is None else (lon, lat)


def state_of(k: float | None) -> str:
    if k is None:
        return "Inconnu"
    return NAMES[(k >= 15) + (k >= 30) + (k >= 50)]


def lost(q: float | None, k: float | None, length: float | None, ring: bool, day: date) -> float | None:
    """Minutes lost by q vehicles over one arc, at the speed that the model gives an occupancy of k."""
    if q is None or k is None or length is None:
        return None
    free = (50.0 if day >= date(2024, 10, 1) else 70.0) if ring else 30.0
    left = 1.0 if k < 30 else 0.8 if k < 50 else 0.6 if k < 70 else 0.4
    return q * (length / 1000) * (1 / (free * left) - 1 / free) * 60


def longest(flags: list[bool]) -> list[tuple[int, int]]:
    """First and last position of each run of true flags."""
    found, start = [], None
    for position, flag in enumerate([*flags, False]):
        if flag and start is None:
            start = position
        elif not flag and start is not None:
            found.append((start, position - 1))
            start = None
    return found


def to_decimals(value: float | None, decimals: int) -> float | None:
    """Rounded, a half to the even digit once the value is scaled."""
    return None if value is None else round(value * 10**decimals) / 10**decimals


def mean(values: list[Any]) -> float | None:
    known = [value for value in values if value is not None]
    return to_decimals(math.fsum(known) / len(known), 2) if known else None


def total(values: list[Any]) -> float | None:
    known = [value for value in values if value is not None]
    return math.fsum(known) if known else None


def reference_day(
    paths: list[Path], day: date, referentiel: Path | None = None, arrondissements: Path | None = None
) -> dict[str, Any]:
    """The metrics object of a day, `qualite` reduced to its counts; the keys are the stored ones."""
    one = Day(paths, day)
    lengths = lengths_of(referentiel)
    features = json.loads(arrondissements.read_text(encoding="utf-8"))["features"] if arrondissements else []
    polygons = {int(f["properties"]["c_ar"]): f["geometry"]["coordinates"][0] for f in features}
    every = [_arc(one, arc, lengths, polygons) for arc in one.arcs]
    arcs = [arc for arc in every if arc["figures"]["ecarte"] is None]
    rows = [_row(one, arc, hour) for arc in arcs for hour in one.hours.values()]
    rows = [row for row in rows if row is not None]
    ranked = sorted(
        (arc for arc in arcs if arc["total"] is not None), key=lambda arc: (-arc["total"], arc["identifiant_arc"])
    )
    return {
        "global_metrics": _global(one, arcs, rows),
        "top_10_troncons": [(arc["identifiant_arc"], arc["total"]) for arc in ranked[:10]],
        "top_10_zones_congestionnees": _zones(rows),
        "alertes_congestion": _alerts(one, arcs),
        "capteurs_defaillants": _faults(one),
        "capteurs_ecartes": [
            (arc["identifiant_arc"], arc["figures"]["ecarte"], arc["total"]) for arc in every if arc not in arcs
        ],
        "metrics": {arc["identifiant_arc"]: arc["figures"] for arc in every},
        "qualite": {
            "lues": one.read, "retenues": len(one.rows), "doublons": one.repeated, "rejets": one.rejected,
            **_coverage(one, {arc["identifiant_arc"] for arc in arcs}, set(lengths)),
        },
    }  # fmt: skip


def _arc(one: Day, arc: str, lengths: dict[str, float], polygons: dict[int, Any]) -> dict[str, Any]:
    flows, rates, libelle = one.values("q", arc), one.values("k", arc), one.last("libelle", arc)
    ring = (libelle or "").startswith(("PE_", "PI_"))
    shape, point = one.last("geo_shape", arc), point_of(one.last("geo_point_2d", arc))
    own = metres(json.loads(shape) if isinstance(shape, str) else shape) if shape else None
    length = lengths.get(arc, own)
    place = place_of(point, polygons)
    minutes = [lost(q, k, length, ring, one.day) for q, k in zip(flows, rates, strict=True)]
    measured = [(q, hour) for q, hour in zip(flows, one.hours.values(), strict=True) if q is not None]
    known = Counter(state_of(k) for k in rates if k is not None)
    driven = total([q for q, spent in zip(flows, minutes, strict=True) if spent is not None])
    spent = total(minutes)
    figures = {
        "libelle": libelle,
        "debit_horaire_moyen": mean(flows),
        "debit_journalier_total": total(flows),
        "debit_max": max(measured)[0] if measured else None,
        "heure_pic": min(hour for q, hour in measured if q == max(measured)[0]) if measured else None,
        "taux_occupation_moyen": mean(rates),
        "etat_trafic_dominant": max(NAMES[:4], key=lambda name: (known[name], NAMES.index(name)))
        if known
        else NAMES[4],
        "etat_trafic_pointe": held([state_of(rates[n]) for n, hour in enumerate(one.hours.values()) if 7 <= hour < 20]),
        "debits_horaires": on_the_clock(flows, one),
        "taux_horaires": on_the_clock([to_decimals(k, 2) for k in rates], one),
        "heures_valides": len(measured),
        "temps_perdu_minutes": to_decimals(spent / driven, 4) if spent is not None and driven else None,
        "temps_perdu_total_minutes": to_decimals(spent, 2),
        "temps_perdu_horaires": on_the_clock([to_decimals(spent, 2) for spent in minutes], one),
        "ecarte": one.broken(arc),
        "congestion_alerte": one.broken(arc) is None
        and any(last > first for first, last in longest([k is not None and k >= 80 for k in rates])),
        "arrondissement": place,
        "longueur_metres": to_decimals(length, 2),
        "geo_point_2d": point and {"lon": round(point[0], 6), "lat": round(point[1], 6)},
    }
    zone = "périphérique" if ring else None if place is None else f"{place:02}"
    return {"identifiant_arc": arc, "total": total(flows), "zone": zone, "lost": minutes, "figures": figures}


def on_the_clock(values: list[Any], one: Day) -> list[Any]:
    """The 24 hours; the one that the spring clock skips has nothing."""
    known = dict(zip(one.hours.values(), values, strict=True))
    return [known.get(hour) for hour in range(24)]


def held(states: list[str]) -> str:
    """The worst state of two hours running, of which the milder one counts; unknown where no two are known."""
    pairs = [(a, b) for a, b in itertools.pairwise(states) if "Inconnu" not in (a, b)]
    return NAMES[max(min(NAMES.index(a), NAMES.index(b)) for a, b in pairs)] if pairs else "Inconnu"


def dominant(states: Counter[str]) -> str:
    """The state of most hours; of two, the worse; unknown where no hour has one."""
    return max(NAMES[:4], key=lambda name: (states[name], NAMES.index(name))) if states else "Inconnu"


def _row(one: Day, arc: dict[str, Any], hour: int) -> Row | None:
    row = one.rows.get((arc["identifiant_arc"], hour))
    spent = arc["lost"][list(one.hours.values()).index(hour)]
    return row and {**row, "heure": hour, "zone": arc["zone"], "lost": spent, "etat": state_of(row["k"])}


def _global(one: Day, arcs: list[dict[str, Any]], rows: list[Row]) -> dict[str, Any]:
    counted = sum(row["q"] is not None for row in rows)
    spent = total([row["lost"] for row in rows])
    dominant = Counter(arc["figures"]["etat_trafic_dominant"] for arc in arcs)
    states = Counter(row["etat"] for row in rows)
    return {
        "nombre_troncons_actifs": sum(arc["figures"]["heures_valides"] > 0 for arc in arcs),
        "nombre_troncons": len(arcs),
        "debit_journalier_total": total([row["q"] for row in rows]),
        "taux_occupation_moyen": mean([row["k"] for row in rows]),
        "nombre_troncons_satures": dominant["Saturé"] + dominant["Bloqué"],
        "taux_disponibilite_capteurs": to_decimals(100 * counted / (len(arcs) * len(one.hours)), 2),
        "temps_perdu_total_minutes": to_decimals(spent, 2),
        "repartition_etat_trafic": {name: states[name] for name in NAMES},
        "profil_horaire": [_hour([row for row in rows if row["heure"] == hour], hour) for hour in range(24)],
    }


def _hour(rows: list[Row], hour: int) -> dict[str, Any]:
    spent = total([row["lost"] for row in rows])
    return {
        "heure": hour,
        "debit_total": total([row["q"] for row in rows]),
        "taux_occupation_moyen": mean([row["k"] for row in rows]),
        "troncons_mesures": sum(row["q"] is not None for row in rows),
        "temps_perdu_minutes": to_decimals(spent, 2),
    }


def _zones(rows: list[Row]) -> list[dict[str, Any]]:
    zones = []
    for zone in sorted({row["zone"] for row in rows if row["zone"] and row["k"] is not None}):
        inside = [row for row in rows if row["zone"] == zone and row["k"] is not None]
        spent = total([row["lost"] for row in inside])
        zones.append({
            "zone": zone,
            "nombre_troncons": len({row["iu_ac"] for row in inside}),
            "taux_occupation_moyen": mean([row["k"] for row in inside]),
            "part_heures_saturees_pct": to_decimals(100 * sum(row["k"] >= 30 for row in inside) / len(inside), 2),
            "temps_perdu_total_minutes": to_decimals(spent, 2),
        })  # fmt: skip
    zones.sort(
        key=lambda z: (z["nombre_troncons"] < 5, -z["part_heures_saturees_pct"], -z["taux_occupation_moyen"], z["zone"])
    )
    return [{"rang": rank, **zone} for rank, zone in enumerate(zones[:10], start=1)]


def _coverage(one: Day, sound: set[str], reference: set[str]) -> dict[str, Any]:
    """Values measured of those that the arcs of the reference, or without one those of the export, could give."""
    expected = reference | set(one.arcs)
    counts = [sum(q is not None for q in one.values("q", arc)) for arc in expected & sound]
    return {
        "couverture": round(sum(counts) / (len(expected) * len(one.hours)), 4),
        "heures_manquantes": one.missing_hours(sound, "q"),
        "capteurs": {
            "attendus": len(expected),
            "mesures": sum(count > 0 for count in counts),
            "ecartes": len(one.arcs) - len(sound),
            "base": "référentiel" if reference else "tronçons de l'export",
        },
    }


def _alerts(one: Day, arcs: list[dict[str, Any]]) -> list[tuple[Any, ...]]:
    """(arc, start, end, hours, highest rate, severity)."""
    midnight, hours, found = datetime(one.day.year, one.day.month, one.day.day), list(one.hours.values()), []
    for arc in (arc["identifiant_arc"] for arc in arcs):
        rates = one.values("k", arc)
        for first, last in longest([k is not None and k >= 80 for k in rates]):
            if last > first:
                start, end = (midnight + timedelta(hours=n) for n in (hours[first], hours[last] + 1))
                length = last - first + 1
                severity = "critique" if length >= 4 else "élevée"
                found.append((arc, f"{start:%Y-%m-%dT%H:%M}", f"{end:%Y-%m-%dT%H:%M}", length,
                              max(rates[first : last + 1]), severity))  # fmt: skip
    return sorted(found, key=lambda alert: (-alert[3], alert[1], alert[0]))


def _faults(one: Day) -> list[tuple[str, str, int | None]]:
    found: list[tuple[str, str, int | None]] = [(arc, "valeur impossible", None) for arc in one.impossible]
    missing = one.missing_hours(one.arcs, "q", "k")
    for arc in one.arcs:
        seen = [n for n, hour in enumerate(one.hours.values()) if hour not in missing]
        flows, rates = ([one.values(name, arc)[n] for n in seen] for name in "qk")
        silent = longest([q is None and k is None for q, k in zip(flows, rates, strict=True)])
        same = longest([bool(q) and q == before for before, q in itertools.pairwise(flows)])
        quiet = max((last - first + 1 for first, last in silent), default=0)
        stuck = max((last - first + 2 for first, last in same), default=0)
        found += [(arc, "silencieux", quiet)] * (quiet >= 6) + [(arc, "valeur constante", stuck)] * (stuck >= 12)
    return sorted(found, key=lambda fault: fault[:2])

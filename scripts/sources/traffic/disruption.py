"""One disruption as the pulls tell it, read once for all pulls and days that have it in common."""

import marshal
from dataclasses import dataclass
from functools import cached_property, lru_cache
from typing import Any

from lib.common.html_text import shortened
from lib.raw.limits import DISRUPTIONS
from scripts.sources.traffic import forms
from scripts.sources.traffic.lines import Line, lines_in_text
from scripts.sources.traffic.objects import Touched, networks
from scripts.sources.traffic.periods import Period, periods, read_period

MESSAGE_MAX = 500  # characters of a stored message
TITLE_MAX = 160  # characters of a stored title


@dataclass(frozen=True, eq=False)
class Disruption:
    """What all pulls that tell it alike say of one disruption.

    family: what stays when it is revised, where that is said. revised: when it was last (forms.updated_at). periods:
    the readable ones. refused: reason and content of each other one. lines: those it touches. on_network: its own
    objects name a network. packed: its raw record (forms.essential).
    """

    identifier: str
    family: str | None
    revised: str
    periods: list[Period]
    refused: list[tuple[str, dict[str, Any]]]
    lines: tuple[Touched, ...]
    on_network: bool
    packed: bytes

    @cached_property
    def row(self) -> dict[str, Any]:
        """Build its row of Disruptions.disruptions, as far as it is the same on all days; it has a readable period."""
        record = marshal.loads(self.packed)
        severity, effect = forms.severity(record)
        title, message = forms.texts(record)
        ends = [end for _, end in self.periods]
        return {
            "id": self.identifier,
            "titre": shortened(title or message, TITLE_MAX) or None,
            "message": shortened(message, MESSAGE_MAX) or None,
            "severite": severity,
            "effet": effect,
            "cause": str(record["cause"]).strip().lower() if record.get("cause") else "inconnue",
            "categorie": record.get("category") or None,
            "tags": forms.tags(record),
            "debut": min(begin for begin, _ in self.periods),
            "fin": None if None in ends else max(end for end in ends if end is not None),
            "nombre_messages": 1,
        }

    @cached_property
    def lines_named(self) -> list[Line]:
        """List the lines that its title names, else those of its message."""
        return lines_in_text(self.row["titre"] or "") or lines_in_text(self.row["message"] or "")


def disruption_of(record: Any, response: forms.Response) -> Disruption | None:
    """Read one disruption of a response; None of what has no id."""
    identifier = forms.identity(record) if isinstance(record, dict) else None
    if identifier is None:
        return None
    lines = tuple(response.lines_touched_by(record, identifier))
    # Version 2 writes equal values alike, and all that JSON can hold: a NaN, half of a surrogate pair.
    return read_disruption(marshal.dumps(forms.essential(record), 2), identifier, lines, bool(networks(record)))


@lru_cache(maxsize=DISRUPTIONS)
def read_disruption(packed: bytes, identifier: str, lines: tuple[Touched, ...], on_network: bool) -> Disruption:
    """Read one record; pulls that tell it alike have it in common."""
    record, valid = marshal.loads(packed), list[Period]()
    written = periods(record)
    refused = [] if written else [("periodes_absentes", {"id": identifier})]
    for period in written:
        begin, end, reason = read_period(period)
        if begin is None or reason:
            refused.append((reason, {"id": identifier, "periode": period}))
        else:
            valid.append((begin, end))
    revised = forms.updated_at(record)
    return Disruption(identifier, forms.family(record), revised, valid, refused, lines, on_network, packed)

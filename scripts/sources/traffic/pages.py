"""Whether the answers about a day are whole, by what each says of its own pages.

An answer announces how many elements it has (`pagination.total_result`) and says of each page how many it holds; PRIM
bulk has no pages. About a day is an answer made that day, one that was asked about it (the name that make fetch gives),
or one of the week after that still names what ended on the day: asked without since and until, PRIM no longer does.
"""

import re
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from typing import NamedTuple

from lib.common.text import agreed, counted
from lib.figures.quality import SAMPLES_KEPT, Quality
from lib.raw.source_files import RawFile
from scripts.sources.traffic.disruption import Disruption
from scripts.sources.traffic.lines import Line

PULL_WINDOW = timedelta(days=7)  # pulls this near the day tell of it, and may end a disruption
EARLY_COVERAGE = 0.5  # share; works are announced ahead but incidents are not, so earlier pulls tell about half a day

_ASKED = re.compile(r"line_reports_(\d{4}-\d{2}-\d{2})_")


class Page(NamedTuple):
    """What figures need of a forms.Response. last_days: on which its disruptions, each with its line, end."""

    named: list[Line]
    made_at: datetime | None
    place: tuple[int, int, int] | None
    whole: bool
    last_days: set[str]
    disruptions: Iterable[tuple[int, Disruption]]

    @property
    def is_extract(self) -> bool:
        """Whether it is disruptions and no more, of which a JSONL has one in each line."""
        return not (self.named or self.made_at or self.place or self.whole)


@dataclass
class Answer:
    """One answer of the publisher. pages: by number, (elements in it, elements in all).

    whole: it has no pages and needs none. recalls: it names what ended on the day. damaged: a part could not be read.
    """

    files: list[str]
    pulled: date | None
    asked: date | None
    pages: dict[int, tuple[int, int]] = field(default_factory=dict)
    whole: bool = False
    recalls: bool = False
    damaged: bool = False

    @property
    def held(self) -> int:
        """Count the elements that it holds."""
        return sum(size for size, _ in self.pages.values())

    @property
    def announced(self) -> int:
        """Count the elements that it says it has."""
        return max((total for _, total in self.pages.values()), default=0)

    def is_about(self, day: date) -> bool:
        """Tell whether it tells of a whole day; an extract, which neither has pages nor needs none, does not."""
        if self.pulled is None or not (self.whole or self.pages):
            return False
        if self.asked:
            return self.asked == day
        return self.pulled == day or (self.recalls and day < self.pulled <= day + PULL_WINDOW)


def add_page(page: Page, raw: RawFile, pulled: date | None, day: date, answers: list[Answer]) -> None:
    """Add a page to the answer whose pages came before it in the same hour, or begin another one.

    A page number met before begins another, as of a second day asked for. The disruptions of a JSONL are one extract.
    """
    found = _ASKED.match(raw.path.name)
    asked = date.fromisoformat(found[1]) if found else None
    answer = answers[-1] if answers else None
    if page.place:
        if not answer or not answer.pages or page.place[0] in answer.pages or answer.asked != asked:
            answer = None
    elif page.whole or not answer or answer.whole or answer.pages or answer.files != [raw.name]:
        answer = None
    if answer is None:
        answer = Answer([], pulled, asked, whole=page.whole)
        answers.append(answer)
    if raw.name not in answer.files:
        answer.files.append(raw.name)
    if page.place:
        number, size, total = page.place
        answer.pages[number] = (size, total)
    if pulled and pulled > day:
        answer.recalls |= f"{day:%Y%m%d}" in page.last_days


def share_held(answers: Iterable[Answer], day: date) -> float | None:
    """Return the share (0..1) of what the answers about a day announce that the fullest holds; None if it is unknown.

    A small whole answer does not stand for a large one of which most is missing.
    """
    about = [one for one in answers if one.is_about(day)]
    sound = [one for one in about if not one.damaged]
    announced = max((one.announced for one in about), default=0)
    if any((one.whole and not one.pages) or not announced for one in sound):
        return 1.0
    held = max((one.held for one in sound), default=0)
    return min(1.0, held / announced) if held else None


def warn_of_cuts(answers: Iterable[Answer], day: date, quality: Quality) -> None:
    """Warn of the answers about a day, or of its own week where none is, that hold less than they announce."""
    known = list(answers)
    about = [one for one in known if one.is_about(day)] or known
    cut = sorted((one for one in about if one.held < one.announced), key=lambda one: one.held / one.announced)
    if cut:
        cuts = " ; ".join(
            f"{one.files[0]} : {counted(one.held, 'élément')} sur {one.announced}" for one in cut[:SAMPLES_KEPT]
        )
        pulls, whose = counted(len(cut), "relevé"), agreed(len(cut), "ses", "leurs")
        text = f"{pulls} sans toutes {whose} pages ({cuts})."
        names = [one.files[0] for one in cut]
        quality.warn("pages_manquantes", "attention", text, cut[0].held, cut[0].announced, names)


def pull_days(answers: Iterable[Answer]) -> set[date]:
    """Return the days on which the answers were made."""
    return {one.pulled for one in answers if one.pulled}


def coverage(answers: list[Answer], day: date, quality: Quality, nowhere: int) -> float:
    """Return the share that the answers about the day hold of what they announce (0..1).

    An empty answer is a pull like any other: a day without disruptions is complete. Without an answer about the day it
    is EARLY_COVERAGE, with a warning: earlier pulls know the works announced, not the incidents of the day; later ones
    and extracts do not say what is missing from them. It is no more with disturbances of a network of which no line
    is known (`nowhere`: how many).
    """
    warn_of_cuts(answers, day, quality)
    share = share_held(answers, day)
    share = min(share, EARLY_COVERAGE) if share is not None and nowhere else share
    if share is not None:
        unread = len(quality.unusable) + quality.rejets["reponse_inattendue"]  # what these held, share_held weighs
        lost = quality.rejets.total() - unread
        return share * quality.lignes_retenues / (quality.lignes_retenues + lost) if lost else share
    pulled = pull_days(answers)
    nearest = min(pulled, key=lambda one: (abs(one - day), one), default=None)
    if any(timedelta() <= one - day <= PULL_WINDOW for one in pulled):
        code, text = "aucun_releve_entier", "ni du jour même, ni plus récent qui garde ce qui a fini ce jour-là"
    elif nearest is not None and nearest < day:
        code, text = "releve_anterieur", f"du {day} au {day + PULL_WINDOW} : seuls des relevés antérieurs en parlent"
    else:
        code, text = "releve_lointain", f"du {day} au {day + PULL_WINDOW} : seuls d'autres relevés en parlent"
    message = f"Aucun relevé entier {text} ; les perturbations ne sont connues qu'en partie."
    quality.warn(code, "attention", message, nearest and nearest.isoformat(), day.isoformat())
    return EARLY_COVERAGE

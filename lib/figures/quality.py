"""What a run knows of its input: rows read, kept, rejected and why, and warnings with stable codes.

The account always closes: lignes_lues = lignes_retenues + doublons + sum of rejets.
"""

import csv
import io
import re
from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, field
from datetime import date
from typing import Any

from lib.common.text import counted
from lib.figures.answers import Answers

REJECTS_KEPT = 1000  # rows kept in output/rejects/<type>_<date>.csv; the counts go on beyond it
CONTENT_KEPT = 2000  # characters of a rejected row kept there
SAMPLES_KEPT = 5

RUN_BY_SPREADSHEETS = tuple("=+-@\t\r\n＝＋－＠")  # a cell that begins so is a formula to some spreadsheet
_NUMBER = re.compile(r"[+-]?[0-9]+(?:[.,][0-9]+)?(?:[eE][+-]?[0-9]+)?")

# Why raw rows are rejected: the codes (docs/quality-codes.md) are for programs, the words for people.
IN_WORDS = {
    "champs_en_trop": "champs en trop",
    "champs_manquants": "champs manquants",
    "comptage_fractionnaire": "comptage qui n’est pas entier",
    "comptage_impossible": "comptage impossible",
    "comptage_negatif": "comptage négatif",
    "comptage_non_numerique": "comptage qui n'est pas un nombre",
    "date_absente": "date absente",
    "date_illisible": "date illisible",
    "date_trop_ancienne": "date d'avant 1990",
    "debit_impossible": "débit impossible",
    "debit_negatif": "débit négatif",
    "debit_non_numerique": "débit qui n'est pas un nombre",
    "encodage_invalide": "caractères illisibles",
    "enregistrement_invalide": "enregistrement d'une autre forme",
    "enregistrements_en_trop": "enregistrements en trop",
    "fichier_illisible": "fichier illisible",
    "fichier_trop_gros": "fichier trop gros",
    "fichier_vide": "fichier vide",
    "fichiers_en_trop": "fichiers en trop",
    "fin_avant_debut": "fin avant le début",
    "geometrie_absente": "tracé absent",
    "guillemet_non_ferme": "guillemet non fermé",
    "heure_illisible": "heure illisible",
    "heure_inexistante": "heure qui n'existe pas",
    "heure_non_ronde": "heure qui n'est pas ronde",
    "horloge_inconnue": "fuseau horaire inconnu",
    "hors_ile_de_france": "lieu hors d'Île-de-France",
    "identifiant_absent": "identifiant absent",
    "identifiant_invalide": "identifiant invalide",
    "jour_d_une_autre_horloge": "jour d'un autre fuseau horaire",
    "json_illisible": "JSON illisible",
    "ligne_trop_longue": "ligne trop longue",
    "periode_illisible": "période illisible",
    "periode_inversee": "période inversée",
    "periodes_absentes": "période absente",
    "referentiel_incomplet": "export incomplet",
    "reponse_en_erreur": "réponse d'erreur du service",
    "reponse_inattendue": "réponse d'une autre forme",
    "taux_hors_bornes": "taux d'occupation hors de 0 à 100 %",
    "taux_non_numerique": "taux d'occupation qui n'est pas un nombre",
    "unite_impossible": "unité impossible",
    "unite_inconnue": "unité inconnue",
}

COMPLETE_FROM = 0.95  # share of what the day should hold, from which a source counts as complete


@dataclass(frozen=True)
class Reject:
    """One rejected raw row: its file, its line or record number, the reason's code and its text."""

    fichier: str
    ligne: int | str  # « octet N » where lines were not counted
    raison: str
    contenu: str


@dataclass(frozen=True)
class QualityWarning:
    """A stable code, a severity (information | attention | grave), and what was measured against what was expected."""

    code: str
    severite: str
    message: str
    mesure: Any = None
    attendu: Any = None
    exemples: tuple[Any, ...] = ()


@dataclass
class Quality:
    """The account of one source's input for one day."""

    lignes_retenues: int = 0
    doublons: int = 0
    conflits: int = 0
    rejets: Counter[str] = field(default_factory=Counter)
    kept_rejects: list[Reject] = field(default_factory=list)
    avertissements: list[QualityWarning] = field(default_factory=list)
    sensors_at_fault: set[str] = field(default_factory=set)  # of which a row held a value no sensor can measure
    unusable: dict[str, str] = field(default_factory=dict)  # files of which no row could be read, and why
    answers: Answers = field(default_factory=Answers)  # what they say of themselves: announced, held, about the day
    weighed: bool = False  # True where the source's script weighs itself what its files and rows lack
    capteurs: dict[str, Any] | None = None  # of a source of sensors: attendus, mesures, ecartes, base
    heures_manquantes: list[int] = field(default_factory=list)  # of the clock, that most of its sensors lack
    heures_vues: int = 0  # the other hours of its day

    def reject(self, raison: str, fichier: str, ligne: int | str, contenu: object, nombre: int = 1) -> None:
        """Count one row (or `nombre` of them) as rejected, and keep its text up to the cap."""
        self.rejets[raison] += nombre
        self.answers.rejected(fichier, ligne)
        if len(self.kept_rejects) < REJECTS_KEPT:
            self.kept_rejects.append(Reject(fichier, ligne, raison, str(contenu)[:CONTENT_KEPT]))

    def absorb(self, other: "Quality") -> None:
        """Add the account of files that were read on their own."""
        rest = other.rejets.copy()
        for row in other.kept_rejects:
            self.reject(row.raison, row.fichier, row.ligne, row.contenu)
            rest[row.raison] -= 1
        self.rejets += rest
        for one in other.avertissements:
            self.warn(**vars(one))
        self.lignes_retenues += other.lignes_retenues
        self.doublons += other.doublons
        self.conflits += other.conflits
        self.unusable |= {file: why for file, why in other.unusable.items() if file not in self.unusable}
        self.answers.known += other.answers.known
        self.answers.origins |= other.answers.origins
        self.answers.open_ends |= other.answers.open_ends
        self.answers.of_day.update(other.answers.of_day)

    def reject_file(self, fichier: str, why: str, raison: str = "fichier_illisible") -> None:
        """Count an unusable file as one rejected row, its number of rows being unknown; summary() warns of it."""
        self.reject(raison, fichier, 1, why)
        self.unusable.setdefault(fichier, why)

    def unusable_files(self) -> str:
        """Name the first files that could not be used, each with why."""
        some = list(self.unusable.items())[:SAMPLES_KEPT]
        return " ; ".join(f"{name} ({why.rstrip('.')})" for name, why in some) + "."

    def warn(
        self, code: str, severite: str, message: str, mesure: Any = None, attendu: Any = None, exemples: Any = ()
    ) -> None:
        """Add a warning, unless one of the same code is there."""
        if all(known.code != code for known in self.avertissements):
            samples = tuple(exemples)[:SAMPLES_KEPT]
            self.avertissements.append(QualityWarning(code, severite, message, mesure, attendu, samples))

    def share_lost(self) -> float:
        """Compute the share (0..1) of the rows read that were rejected."""
        rejected = self.rejets.total()
        return rejected / (self.lignes_retenues + self.doublons + rejected) if rejected else 0.0

    def covered(self, couverture: float, day: date) -> float:
        """Lower a day's coverage (0..1) to what its rows and files leave of it; warn of files that are not whole.

        A row rejected before its sensor is known takes the sensor away with it: what the known ones lack does not show
        it. Of a row whose sensor is known both tell, and the lower is the coverage: nothing is taken off twice.
        """
        if self.weighed:
            return couverture
        doubts = self.answers.doubts(day)
        for one in doubts:
            if one.announced is None:
                text = f"{one.origin.file} n'est pas entier ({one.broken}), et aucun plus récent n'en tient lieu."
                self.warn("releve_coupe", "attention", text, one.held, None, [one.origin.file])
                continue
            text = (
                f"{one.origin.file} ne contient que {counted(one.held, 'enregistrement')} sur les {one.announced} "
                "qu'il annonce : demander toutes les pages, ou l'export entier."
            )
            self.warn("pages_manquantes", "attention", text, one.held, one.announced, [one.origin.file])
        return min([couverture, 1.0 - self.share_lost(), *(one.share for one in doubts)])

    def summary(self, couverture: float) -> dict[str, Any]:
        """Build the `qualite` object of a metrics file; `couverture` is 0..1 of what the day should hold."""
        rejected = self.rejets.total()
        if self.unusable:
            text = f"Fichiers inutilisables, leurs lignes manquent : {self.unusable_files()}"
            self.warn("fichiers_inutilisables", "attention", text, len(self.unusable), 0, self.unusable)
        if rejected > len(self.kept_rejects):
            self.warn(
                "rejets_tronques",
                "information",
                f"Seules les {REJECTS_KEPT} premières lignes rejetées sont gardées dans output/rejects.",
                mesure=rejected,
                attendu=REJECTS_KEPT,
            )
        hours = {"heures_manquantes": self.heures_manquantes, "heures_vues": self.heures_vues}
        sensors = {"capteurs": self.capteurs, **hours} if self.capteurs else {}
        whole = couverture >= COMPLETE_FROM and not self.heures_manquantes
        return {
            "statut": "absent" if couverture <= 0 else "complet" if whole else "partiel",
            "couverture": round(min(couverture, 1.0), 4),
            **sensors,
            "lignes_lues": self.lignes_retenues + self.doublons + rejected,
            "lignes_retenues": self.lignes_retenues,
            "doublons": self.doublons,
            "conflits": self.conflits,
            "rejets": dict(sorted(self.rejets.items())),
            "avertissements": [asdict(one) | {"exemples": list(one.exemples)} for one in self.avertissements],
        }


def has_account(metrics: dict[str, Any]) -> bool:
    """Tell whether figures have the account of their rows; those of a version before it may lack other keys too."""
    return isinstance(metrics.get("qualite"), dict)


def spreadsheet_cell(value: object) -> str:
    """Make text that a spreadsheet will not run: an apostrophe goes before = + - @ unless it is a number."""
    text = "" if value is None else str(value)
    return f"'{text}" if text.startswith(RUN_BY_SPREADSHEETS) and not _NUMBER.fullmatch(text) else text


def rejects_csv(quality: Quality) -> bytes:
    """Write the kept rejects as a `;` CSV that a French spreadsheet opens (UTF-8 with BOM)."""
    text = io.StringIO()
    writer = csv.writer(text, delimiter=";", lineterminator="\r\n")
    writer.writerow(["fichier", "ligne", "raison", "contenu"])
    for row in quality.kept_rejects:
        writer.writerow([spreadsheet_cell(value) for value in (row.fichier, row.ligne, row.raison, row.contenu)])
    return text.getvalue().encode("utf-8-sig", errors="replace")


def rejects_in_words(counts: Mapping[str, int], shown: Callable[[int], str] = str) -> str:
    """Write « date absente : 3, fin avant le début : 1 », the most frequent first; a code that is not known as it is.

    shown: how a number is written.
    """
    ordered = sorted(counts.items(), key=lambda one: -one[1])
    return ", ".join(f"{IN_WORDS.get(reason, reason)} : {shown(count)}" for reason, count in ordered)

"""Write a SYNTHETIC raw tree: every source of the registry, in the exact raw forms, with their quirks.

Nothing in it was measured. The same options give the same bytes, on any day and from any folder; more days or fewer
sources leave every other value where it was. What is wrong in the data on purpose, and where, stands in scripts/demo/:
    road_quirks   silent, stuck and congested sensors, malformed lines, duplicates
    road_counts   an outage (rows absent), geometry variants
    arcs          arcs missing from the référentiel, multi-part arcs, arcs that never count
    works         dates of all kinds, blank and free-text fields
    bikes         nulls, NaN, missing ids, a truncated file, a gzipped one
    disruptions   cases known by name: a revision, a wrong status, lines named in the text only
    weather       a null precipitation
    saved_forms   other encodings, envelopes and names, refusals, strays
A source that scripts/demo does not know has `write(root, options)` in scripts/sources/<name>/demo.py.

Example: python scripts/make_demo_data.py --days 29 --output data/demo/cityflow-raw/raw
Benchmark file of 28 million rows: python scripts/make_demo_data.py --source comptages --arcs 3000 --days 395 --output …
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable
from datetime import date
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from lib.common.errors import ExitCode, UsageError
from lib.common.settings import SYNTHETIC_MARKER
from lib.common.text import counted
from lib.files.atomic_file import write_atomically
from lib.run import cli, day_range
from scripts.demo.arcs import build_arcs, referentiel_csv
from scripts.demo.bikes import write_bikes
from scripts.demo.city import arrondissements_geojson, build_city
from scripts.demo.options import API_SOURCES, BATCH_SOURCES, SOURCES, Options, batch_file
from scripts.demo.road_counts import build_scene, write_road_counts
from scripts.demo.saved_forms import BATCH_NAMES, write_batch_strays, write_refusal
from scripts.demo.traffic import write_traffic
from scripts.demo.weather import write_weather
from scripts.demo.works import build_works, chantiers_csv, slowed_and_closed
from scripts.registry import RAW, demo_of

OF_ONE_CITY = ("comptages", "chantiers", "referentiel", "arrondissements")  # written together: they share its arcs
PULL_WRITERS = {"bikes": write_bikes, "traffic": write_traffic, "weather": write_weather}
REFUSED = ("traffic", "weather")  # of which a pull is a refusal that was saved
DEFAULT_OUTPUT = Path(__file__).resolve().parents[1] / "data" / "demo" / "cityflow-raw" / "raw"
FEWEST_ARCS, FEWEST_COUNTERS = 24, 12  # below that the planted quirks have no arc or counter to be on
MARKER_TITLE = "DONNÉES SYNTHÉTIQUES - CityFlow Paris"
MARKER_TEXT = """
Aucune valeur de ce dossier n'a été mesurée : tout y est inventé par scripts/make_demo_data.py, dans la forme
exacte des fichiers bruts et avec leurs défauts (doublons, lignes abîmées, capteurs muets ou bloqués), pour essayer
CityFlow Paris et pour ses tests. Ne rien en conclure sur la circulation à Paris.
Ce fichier protège aussi vos données : sans lui, le générateur refuse d'écrire dans un dossier qui n'est pas vide.
"""
IN_PROGRESS = "écriture en cours"

HELP = """Écrit une arborescence de données brutes SYNTHÉTIQUES, identique à chaque exécution.

Exemple : python scripts/make_demo_data.py --days 29 --output data/demo/cityflow-raw/raw"""


def main(argv: list[str] | None = None) -> int:
    arguments = build_parser().parse_args(argv)
    options = Options(
        end=arguments.end,
        days=arguments.days,
        arcs=arguments.arcs,
        counters=arguments.counters,
        seed=arguments.seed,
        sources=chosen_sources(arguments.source),
    )
    root: Path = arguments.output.expanduser().resolve()

    def work() -> int:
        if is_up_to_date(root, options, arguments.force):
            said = f"{root} : données SYNTHÉTIQUES déjà là, mêmes options ; rien à faire."
        else:
            write_tree(root, options, arguments.quiet)
            said = (
                f"Données SYNTHÉTIQUES (aucune mesure réelle) du {options.start} au {options.end} : {root}\n"
                f"{contents(root)} ; sources : {', '.join(options.sources)}."
            )
        if not arguments.quiet:
            cli.emit(said)
        return ExitCode.DONE

    return cli.guarded(work, arguments)


def build_parser() -> argparse.ArgumentParser:
    parser = cli.Parser(HELP, json=False)

    def at_least(least: int) -> Callable[[str], int]:
        return cli.whole_number(f"un nombre entier, {least} au moins", least)

    add = parser.add_argument
    add("--output", type=Path, default=DEFAULT_OUTPUT, metavar="DOSSIER", help="racine brute (défaut : %(default)s)")
    add(
        "--end",
        type=day_range.day_argument,
        default=date(2025, 11, 4),
        metavar="AAAA-MM-JJ",
        help="dernier jour (%(default)s)",
    )
    add("--days", type=at_least(1), default=29, metavar="N", help="nombre de jours (%(default)s)")
    add("--arcs", type=at_least(FEWEST_ARCS), default=300, metavar="N", help="arcs routiers (%(default)s)")
    add("--counters", type=at_least(FEWEST_COUNTERS), default=60, metavar="N", help="compteurs vélo (%(default)s)")
    add("--seed", type=at_least(0), default=20251104, metavar="N", help="graine du hasard (%(default)s)")
    names = f"{', '.join(SOURCES)} ou all ; répétable"
    add("--source", type=source_text, action="append", metavar="SOURCE", help=names)
    add("--force", action="store_true", help="recréer un dossier de démonstration existant")
    return parser


def source_text(text: str) -> str:
    if text not in (*SOURCES, "all"):
        raise argparse.ArgumentTypeError(f"source « {text} » inconnue : {', '.join(SOURCES)} ou all")
    return text


def chosen_sources(asked: list[str] | None) -> tuple[str, ...]:
    return tuple(source for source in SOURCES if not asked or "all" in asked or source in asked)


def is_up_to_date(root: Path, options: Options, force: bool) -> bool:
    """Tell whether the tree is already there; UsageError where writing could destroy something that is not ours."""
    if root.exists() and not root.is_dir():
        raise UsageError(f"Refus : {root} est un fichier, il faut un dossier (--output).")
    if not root.is_dir() or not any(root.iterdir()):
        return False
    lines = marker_lines(root)
    if not lines or lines[0] != MARKER_TITLE:
        raise UsageError(
            f"Refus : {root} n'est pas vide et n'a pas le {SYNTHETIC_MARKER} des données de démonstration ; "
            "il contient peut-être de vraies données. Choisir un autre dossier avec --output."
        )
    if force or IN_PROGRESS in lines:
        return False
    if options.fingerprint() not in lines:
        raise UsageError(f"{root} a été créé avec d'autres options : ajouter --force pour le recréer.")
    if contents(root) not in lines:
        raise UsageError(f"{root} : des fichiers ont été changés ou retirés ; ajouter --force pour le recréer.")
    return True


def marker_lines(root: Path) -> list[str]:
    path = root / SYNTHETIC_MARKER
    return path.read_text(encoding="utf-8", errors="replace").splitlines() if path.is_file() else []


def write_marker(root: Path, state: str, options: Options) -> None:
    write_atomically(
        root / SYNTHETIC_MARKER, f"{MARKER_TITLE}\n{MARKER_TEXT}\n{options.fingerprint()}\n{state}\n".encode()
    )


def contents(root: Path) -> str:
    """Write one line that changes when a file of the tree is added, removed or resized."""
    sizes = [path.stat().st_size for path in own_files(root)]
    return f"{counted(len(sizes), 'fichier')}, {counted(sum(sizes), 'octet')}"


def own_files(root: Path) -> list[Path]:
    """List the data files this script writes, and no other that may lie beside them."""
    batch = [batch_path(root, source) for source in BATCH_SOURCES]
    batch += [root / "batch" / name for name in BATCH_NAMES]
    names = [(source, f"dt=*/hour=*/{source}_{kind}.*") for source in API_SOURCES for kind in ("demo", "saved")]
    pulls = [path for source, name in names for path in (root / "api" / source).glob(name)]
    return [path for path in [*batch, *pulls] if path.is_file()]


def batch_path(root: Path, source: str) -> Path:
    return batch_file(root, RAW[source].export, RAW[source].suffix)


def write_tree(root: Path, options: Options, quiet: bool) -> None:
    # The marker comes first: a run that was interrupted leaves a folder that the next one may take again.
    write_marker(root, IN_PROGRESS, options)
    for path in own_files(root):
        path.unlink()
    write_city_sources(root, options, quiet)
    for source in options.sources:
        if source not in OF_ONE_CITY:
            writer_of(source)(root, options)
        if source in REFUSED:
            write_refusal(root, options, source)
    write_marker(root, contents(root), options)


def writer_of(source: str) -> Callable[[Path, Options], None]:
    """Return what writes the pulls or the export of a source."""
    return PULL_WRITERS.get(source) or demo_of(RAW[source]).write


def write_city_sources(root: Path, options: Options, quiet: bool) -> None:
    targets = {source: batch_path(root, source) for source in OF_ONE_CITY}
    city = build_city()
    arcs = build_arcs(options, city)
    works = build_works(options, city, arcs)
    if "arrondissements" in options.sources:
        write_atomically(targets["arrondissements"], arrondissements_geojson(city))
    if "referentiel" in options.sources:
        write_atomically(targets["referentiel"], referentiel_csv(options, city, arcs))
    if "chantiers" in options.sources:
        write_atomically(targets["chantiers"], chantiers_csv(options, city, works))
    if "comptages" in options.sources:
        slowed, closed = slowed_and_closed(options, works, arcs)
        write_road_counts(targets["comptages"], build_scene(options, arcs, slowed, closed), quiet)
        write_batch_strays(root, targets["comptages"])


if __name__ == "__main__":
    sys.exit(main())

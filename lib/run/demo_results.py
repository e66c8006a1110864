"""Invented figures (make demo) and measured ones never share a folder of results.

They would be compared with each other, stand in one report and be published together. A folder of results holds
invented figures when LISEZMOI.txt is in it: the demonstration writes into no other folder that has results, and the
first run on real raw files moves them aside.
"""

import logging
from collections.abc import Iterable
from pathlib import Path

from lib.common.errors import NoDataError, StoreError, in_french
from lib.common.paris_time import PARIS, machine_now
from lib.common.settings import SYNTHETIC_MARKER, Settings
from lib.files.atomic_file import write_atomically
from lib.files.locks import lock_briefly_held
from lib.raw.source import Source
from lib.raw.source_files import is_synthetic, source_files

log = logging.getLogger(__name__)

RESULTS = ("metrics", "reports", "rejects", "tables", SYNTHETIC_MARKER)
MARKER_TEXT = """DONNÉES SYNTHÉTIQUES - CityFlow Paris

Les résultats de ce dossier viennent de données inventées (make demo) : ne rien en conclure sur Paris.
Le premier traitement de vraies données les range à côté, dans un dossier demo-AAAAMMJJ-HHMMSS.
"""


def keep_apart(settings: Settings, sources: Iterable[Source]) -> None:
    """Mark a folder of invented results, or move them aside for real ones, before anything is read or written.

    A run of which no source has a raw file moves nothing. StoreError when the raw files are invented and the folder
    holds results of real ones.
    """
    if not any(source_files(settings, one) for one in sources):
        return
    if not is_synthetic(settings):
        _move_aside(settings.output_dir)
    elif not _is_demo(settings.output_dir):
        if any(settings.output_dir.glob("metrics/*.json")):
            raise StoreError(
                f"{settings.output_dir} contient des résultats de données réelles : la démonstration n'y écrit pas.",
                "Donner un autre dossier : make demo OUTPUT_DIR=/tmp/demo",
            )
        write_atomically(settings.output_dir / SYNTHETIC_MARKER, MARKER_TEXT.encode())


def are_of_other_files(settings: Settings) -> bool:
    """Tell whether the results are invented ones and the raw files are not those that they were made of."""
    return _is_demo(settings.output_dir) and not is_synthetic(settings)


def refuse_invented(settings: Settings) -> None:
    """Raise NoDataError when a report on real raw files would be made of invented figures."""
    if are_of_other_files(settings):
        raise NoDataError(
            f"{settings.output_dir} ne contient que les résultats inventés de make demo.",
            "Traiter d'abord de vraies données (make process), ou reprendre celles-ci avec DATA_DIR=data/demo.",
        )


def refuse_to_publish(settings: Settings) -> None:
    """Raise StoreError when invented figures would go to AWS itself; a test server (AWS_ENDPOINT_URL) may get them."""
    if _is_demo(settings.output_dir) and not settings.aws_endpoint_url:
        raise StoreError(
            f"{settings.output_dir} contient les résultats inventés de make demo : ils ne sont pas publiés.",
            "Traiter d'abord de vraies données : make process",
        )


def _is_demo(output_dir: Path) -> bool:
    return (output_dir / SYNTHETIC_MARKER).is_file()


def _move_aside(output_dir: Path) -> None:
    """Rename the invented results into a folder of their own; several sources may come here at once."""
    try:
        with (output_dir / SYNTHETIC_MARKER).open("rb") as marker:
            lock_briefly_held(marker.fileno(), output_dir)
            if _is_demo(output_dir):  # else another source has just done it
                _rename_results(output_dir)
    except FileNotFoundError:
        return  # the usual case: nothing here is invented
    except OSError as error:
        raise StoreError(f"{output_dir} ne peut pas être libéré de la démonstration : {in_french(error)}.") from error


def _rename_results(output_dir: Path) -> None:
    aside = output_dir / f"demo-{machine_now().astimezone(PARIS):%Y%m%d-%H%M%S}"
    aside.mkdir()
    for name in RESULTS:  # the marker last: until then the folder is not taken for one of real results
        if (output_dir / name).exists():
            (output_dir / name).rename(aside / name)
    log.warning("%s contenait les résultats inventés de make demo : rangés dans %s.", output_dir, aside)

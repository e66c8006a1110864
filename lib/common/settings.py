"""Every setting of the project, read once from the environment and .env into one frozen object.

Order: command line, environment, .env at the project's root, default. Relative paths are relative to that root, so that
a script means the same files from whichever directory it is started.
"""

import os
from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from lib.common.errors import ConfigError, in_french
from lib.common.paris_time import machine_now

ROOT = Path(__file__).resolve().parents[2]
LAPTOP_MARKER = "bucket-cityflow-paris-s3-raw"  # this folder exists on a developer's laptop, not on EC2
SYNTHETIC_MARKER = "LISEZMOI.txt"  # make_demo_data.py leaves it at the root of the tree it invents
ORIGINS = ("option", "environnement", ".env", "défaut")  # of a setting, the nearest first
S3_SCHEME = "s3://"
MAKE = "CITYFLOW_MAKE"  # « make » and the names that were typed after it, given to each command by the Makefile
INTERNAL = "Interne"  # begins the text of what commands tell each other and nobody sets by hand


def setting(name: str, default: str, doc: str, secret: bool = False) -> Any:
    """Declare a Settings field with what .env.example and doctor say of it."""
    return field(metadata={"name": name, "default": default, "doc": doc, "secret": secret}, repr=not secret)


@dataclass(frozen=True)
class Settings:
    """What the run was asked to do. Paths are absolute; an empty string is an unset name.

    The places of raw files are texts, for they may lie in S3: lib/raw/places makes paths of them.
    """

    data_dir: str = setting(
        "DATA_DIR", "", "Dossier des fichiers bruts, ou s3://bucket/préfixe (détecté s'il est vide)"
    )
    batch_dir: str = setting("BATCH_DATA_PATH", "", "Dossier des CSV (par défaut DATA_DIR/batch)")
    api_dir: str = setting("API_DATA_PATH", "", "Dossier des réponses d'API (par défaut DATA_DIR/api)")
    comptages_csv: str = setting("COMPTAGES_CSV", "", "Un seul fichier de comptages routiers")
    chantiers_csv: str = setting("CHANTIERS_CSV", "", "Un seul fichier de chantiers")
    referentiel_csv: str = setting("REFERENTIEL_CSV", "", "Un seul fichier de référentiel")
    output_dir: Path = setting("OUTPUT_DIR", "output", "Dossier des résultats")
    log_dir: Path = setting("LOG_DIR", "logs", "Dossier des journaux de run_processing.sh")
    keep_days: int = setting("KEEP_DAYS", "90", "Jours de journaux et de comptes rendus gardés (0 : tous)")
    store: str = setting("CITYFLOW_STORE", "", "local_files, mongodb ou dynamodb (détecté s'il est vide)")
    mongodb_url: str = setting("MONGODB_URL", "mongodb://localhost:27017", "Adresse de MongoDB", secret=True)
    mongodb_database: str = setting("MONGODB_DATABASE", "cityflow_paris", "Base MongoDB")
    aws_region: str = setting("AWS_REGION", "eu-west-3", "Région AWS")
    aws_profile: str = setting("AWS_PROFILE", "", "Profil de ~/.aws/config (ou --profile)")
    aws_endpoint_url: str = setting("AWS_ENDPOINT_URL", "", "Autre adresse que celle d'AWS (essais)")
    dynamodb_metrics_table: str = setting("DYNAMODB_METRICS_TABLE", "cityflow-metrics", "Table des métriques")
    dynamodb_reports_table: str = setting("DYNAMODB_REPORTS_TABLE", "cityflow-reports", "Table des rapports")
    s3_reports_bucket: str = setting("S3_REPORTS_BUCKET", "", "Bucket des rapports publiés")
    s3_reports_prefix: str = setting("S3_REPORTS_PREFIX", "reports", "Préfixe des clés dans ce bucket")
    s3_reports_kms_key: str = setting(
        "S3_REPORTS_KMS_KEY", "", "Clé KMS (ARN) qui chiffre le bucket des rapports, au lieu de celle de S3"
    )
    aws_tags: str = setting(
        "AWS_TAGS", "", "Étiquettes des tables et du bucket, p. ex. projet=cityflow,equipe=mobilite (make setup-aws)"
    )
    idfm_api_key: str = setting("IDFM_API_KEY", "", "Clé de PRIM (perturbations, make fetch)", secret=True)
    visualcrossing_api_key: str = setting(
        "VISUALCROSSING_API_KEY", "", "Clé de Visual Crossing (sans elle, make fetch demande à Open-Meteo)", secret=True
    )
    s3_raw_bucket: str = setting(
        "S3_RAW_BUCKET", "bucket-cityflow-paris-s3-raw", "Bucket des fichiers bruts (make fetch ORIGIN=s3)"
    )
    s3_raw_prefix: str = setting("S3_RAW_PREFIX", "cityflow-raw/raw", "Préfixe de batch/ et api/ dans ce bucket")
    portal_url: str = setting(
        "PORTAL_URL", "https://opendata.paris.fr/api/explore/v2.1", "API du portail de la Ville de Paris"
    )
    prim_url: str = setting(
        "PRIM_URL",
        "https://prim.iledefrance-mobilites.fr/marketplace/v2/navitia/line_reports",
        "Perturbations d'Île-de-France Mobilités",
    )
    visualcrossing_url: str = setting(
        "VISUALCROSSING_URL",
        "https://weather.visualcrossing.com/VisualCrossingWebServices/rest/services/timeline",
        "Météo, avec clé",
    )
    open_meteo_url: str = setting(
        "OPEN_METEO_URL", "https://api.open-meteo.com/v1/forecast", "Météo sans clé, jours récents"
    )
    open_meteo_archive_url: str = setting(
        "OPEN_METEO_ARCHIVE_URL", "https://archive-api.open-meteo.com/v1/archive", "Météo sans clé, jours anciens"
    )
    scheduler: str = setting("DASK_SCHEDULER_ADDRESS", "", "Cluster Dask de make backfill, p. ex. tcp://10.0.0.4:8786")
    alert_command: str = setting(
        "ALERT_COMMAND",
        "",
        "Commande qui reçoit le résumé de make daily quand il y a un échec (p. ex. mail -s CityFlow adresse)",
        secret=True,
    )
    lock_fd: int | None = setting("CITYFLOW_LOCK_FD", "", f"{INTERNAL} : verrou hérité de make process")
    run_id: str = setting("CITYFLOW_RUN", "", f"{INTERNAL} : nom du traitement, donné par make process")
    fixed_now: datetime | None = setting("CITYFLOW_NOW", "", f"{INTERNAL} : instant pris pour maintenant par un essai")
    origins: Mapping[str, str] = field(default_factory=dict, compare=False)
    listed: dict[tuple[str, ...], list[Any]] | None = field(default=None, compare=False)  # see raw/source_files.listing

    def now(self) -> datetime:
        """Return the instant that a command's civil day comes from: the machine's clock, unless a test has fixed it."""
        return self.fixed_now or machine_now()

    @property
    def fallback_notice(self) -> str:
        """Say in words that OUTPUT_DIR is not the one asked for; empty when it is."""
        origin = self.origins.get("OUTPUT_DIR", "")
        return f"OUTPUT_DIR : {origin} ; résultats dans {self.output_dir}" if origin.startswith("repli") else ""


def load_settings(
    overrides: Mapping[str, str] | None = None, environment: Mapping[str, str] | None = None, root: Path = ROOT
) -> Settings:
    """Read the settings: `overrides` (from a command line), `environment` (default: the process's), `root`/.env.

    Raises ConfigError when .env cannot be read or a value makes no sense.
    """
    environment = os.environ if environment is None else environment
    defaults = {one["name"]: one["default"] for one in declared()}
    layers = dict(zip(ORIGINS, (overrides or {}, environment, read_dotenv(root / ".env"), defaults), strict=True))
    given = {name: [one for one in ORIGINS if layers[one].get(name, "").strip()] for name in defaults}
    origins = {name: (*places, ORIGINS[-1])[0] for name, places in given.items()}
    values = {name: layers[origin].get(name, "").strip() for name, origin in origins.items()}
    for name in PLACES:
        if values[name] and ORIGINS.index(origins[name]) > ORIGINS.index(origins["DATA_DIR"]):
            values[name], origins[name] = "", f"{origins[name]} : laissé de côté, DATA_DIR vient de plus près"
    return _build(values, origins, root)


def declared() -> list[Mapping[str, Any]]:
    """List what each setting was declared with: name, default, doc, secret."""
    return [one.metadata for one in fields(Settings) if one.metadata]


def read_dotenv(path: Path) -> Mapping[str, str]:
    """Read NAME=value lines; ConfigError, naming the line, where there are others."""
    if not os.path.lexists(path):
        return {}
    try:
        from dotenv.parser import parse_stream
    except ModuleNotFoundError:
        raise ConfigError(f"{path} ne peut pas être lu : python-dotenv manque.", "Lancer : make venv") from None
    try:
        with path.open(encoding="utf-8-sig") as stream:
            lines = list(parse_stream(stream))
    except (OSError, UnicodeDecodeError) as error:  # also a dead link: its settings would be lost in silence
        raise ConfigError(
            f"{path} ne peut pas être lu : {in_french(error)}.", "Corriger ses droits, ou l'enlever."
        ) from error
    for one in lines:
        if one.error or (one.key and one.value is None):  # also a word alone; not quoted: it may hold a key
            text = one.original.string
            number = one.original.line + text[: len(text) - len(text.lstrip())].count("\n")
            raise ConfigError(
                f"{path}, ligne {number} : ce n'est pas NOM=valeur, ou un guillemet n'est pas fermé.",
                "La corriger, ou la commencer par #.",
            )
    return {one.key: one.value or "" for one in lines if one.key}


def _build(values: Mapping[str, str], origins: dict[str, str], root: Path) -> Settings:
    def path(name: str) -> str:
        text = values[name]
        return text if not text or text.startswith(S3_SCHEME) else str(root / Path(text).expanduser())

    data_dir = _raw_root(path("DATA_DIR") or _default_data_dir(root))
    given: dict[str, Any] = {one.name: values[one.metadata["name"]] for one in fields(Settings) if one.metadata}
    lock = values["CITYFLOW_LOCK_FD"]
    return Settings(
        **given
        | {name: given[name].rstrip("/") for name in ("portal_url", "prim_url", "visualcrossing_url")}
        | {name: path(name.upper()) for name in ("comptages_csv", "chantiers_csv", "referentiel_csv")}
        | {
            "data_dir": data_dir,
            "batch_dir": path("BATCH_DATA_PATH") or f"{data_dir}/batch",
            "api_dir": path("API_DATA_PATH") or f"{data_dir}/api",
            "output_dir": _output_dir(root, Path(values["OUTPUT_DIR"]).expanduser(), origins),
            "log_dir": root / Path(values["LOG_DIR"]).expanduser(),
            "keep_days": _days_kept(values["KEEP_DAYS"], origins["KEEP_DAYS"]),
            "store": _store(values["CITYFLOW_STORE"], origins["CITYFLOW_STORE"], root, data_dir),
            "s3_raw_prefix": values["S3_RAW_PREFIX"].strip("/"),
            "lock_fd": int(lock) if lock.isdigit() else None,
            "fixed_now": _fixed_now(values["CITYFLOW_NOW"], origins["CITYFLOW_NOW"]),
            "origins": dict(origins),
        }
    )


def _default_data_dir(root: Path) -> str:
    laptop = root / LAPTOP_MARKER / "cityflow-raw" / "raw"
    return str(laptop if os.path.isdir(laptop) else root / "data" / "cityflow-raw" / "raw")


def _raw_root(data_dir: str) -> str:
    """Find the raw root: DATA_DIR itself, or cityflow-raw/raw below it."""
    if data_dir.startswith(S3_SCHEME):
        return data_dir.rstrip("/")  # in S3 it is the raw root itself: no command asks the network for its settings
    below = os.path.join(data_dir, "cityflow-raw", "raw")
    return below if os.path.isdir(below) else data_dir  # also where that cannot be seen: the readers say why


PLACES = ("BATCH_DATA_PATH", "API_DATA_PATH", "COMPTAGES_CSV", "CHANTIERS_CSV", "REFERENTIEL_CSV")  # below DATA_DIR
STORES = ("local_files", "mongodb", "dynamodb")


def _output_dir(root: Path, wanted: Path, origins: dict[str, str]) -> Path:
    """Make an absolute OUTPUT_DIR; fall back to ./output where it cannot be made, which origins then says."""
    if wanted.is_absolute():
        try:
            wanted.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            origins["OUTPUT_DIR"] = f"repli : {wanted} ne peut pas être créé ({in_french(error)})"
            return root / "output"
    return root / wanted


def _store(value: str, origin: str, root: Path, data_dir: str) -> str:
    if origin not in ORIGINS[:2] and os.path.isfile(f"{data_dir}/{SYNTHETIC_MARKER}"):
        return "local_files"  # invented figures go to a database only where a command line or its environment says so
    if not value:
        return "mongodb" if (root / LAPTOP_MARKER).is_dir() else "local_files"
    if value not in STORES:
        raise ConfigError(f"CITYFLOW_STORE={value} ({origin}) est inconnu.", f"Choisir parmi : {', '.join(STORES)}.")
    return value


def _days_kept(text: str, origin: str) -> int:
    if not text.isascii() or not text.isdigit():
        raise ConfigError(
            f"KEEP_DAYS={text} ({origin}) est refusé.", "Écrire un nombre de jours, ou 0 pour tout garder."
        )
    return int(text)


def _fixed_now(text: str, origin: str) -> datetime | None:
    """Read the instant that stands for now; refuse it in .env, where every night's run would do the same day again."""
    try:
        moment = datetime.fromisoformat(text) if text else None
        if moment and (moment.tzinfo is None or origin == ".env"):
            raise ValueError
        return moment and moment.astimezone(UTC)
    except (ValueError, OverflowError):
        raise ConfigError(
            f"CITYFLOW_NOW={text} ({origin}) est refusé.",
            "L'enlever : il ne sert qu'aux essais, qui le donnent par l'environnement (2025-11-05T06:30:00+01:00).",
        ) from None

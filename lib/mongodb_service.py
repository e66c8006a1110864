"""Metrics and reports in MongoDB: collections `metrics` and `reports`, one document per type and day.

The connection is opened at the first use; the unique indexes are made then. A server that did not answer is not asked
again by this service: a run over many days would wait for it at each.
"""

import re
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import date
from urllib.parse import unquote

from pymongo import ASCENDING, MongoClient
from pymongo.collection import Collection
from pymongo.errors import (
    ConfigurationError,
    ConnectionFailure,
    InvalidName,
    InvalidURI,
    OperationFailure,
    PyMongoError,
)

from lib.common.errors import CityflowError, ConfigError, StoreError, in_french
from lib.common.settings import Settings
from lib.database_service import DatabaseService
from lib.local_file_service import LocalFileService
from lib.stores.documents import BODIES, Document, kind_of, known_days
from lib.stores.mongodb_documents import file_of, from_mongo, to_mongo

SELECTION_TIMEOUT = 2000  # ms; how long a server that is not there is waited for
SOCKET_TIMEOUT = 30_000  # ms; one reply, a document of 16 MB included
ERRNO = re.compile(r"\[Errno (\d+)\] ([^,()]*)")  # what pymongo quotes of the system
KEYS = {"metrics": "metric_type", "reports": "report_id"}
REFUSED = {13: "droits insuffisants", 18: "identifiants refusés", 8000: "identifiants refusés"}


class MongodbService(DatabaseService):
    """The database MONGODB_DATABASE of the server at MONGODB_URL."""

    def __init__(self, settings: Settings) -> None:
        self._url = settings.mongodb_url
        self._name = settings.mongodb_database
        self._files = LocalFileService(settings.output_dir)
        self._client: MongoClient[Document] | None = None
        self._refusal: CityflowError | None = None

    def save(self, document: Document) -> None:
        path = self._files.path_of(document)
        stored = to_mongo(document, str(path.relative_to(self._files.output_dir)))
        if file_of(stored):
            self._files.save(document)
        name = kind_of(document)
        with self._collection(name) as collection:
            collection.replace_one({part: stored[part] for part in (KEYS[name], "date")}, stored, upsert=True)

    def load(self, keys: dict[str, str]) -> Document | None:
        with self._collection(kind_of(keys)) as collection:
            stored = collection.find_one(keys)
        return self._document(stored) if stored else None

    def query_metrics_by_date_range(self, data_type: str, start: date, end: date) -> list[Document]:
        days = {"$gte": start.isoformat(), "$lte": end.isoformat()}
        with self._collection("metrics") as collection:
            found = list(collection.find({"metric_type": data_type, "date": days}).sort("date", ASCENDING))
        return [self._document(stored) for stored in found]

    def list_available_dates(self, data_type: str) -> list[date]:
        with self._collection("metrics") as collection:
            found = list(collection.find({"metric_type": data_type}, {"_id": 0, "date": 1}).sort("date", ASCENDING))
        return known_days(stored["date"] for stored in found)

    def close(self) -> None:
        if self._client:
            self._client.close()

    def _document(self, stored: Document) -> Document:
        """Read the document of what is stored, or of the file that it points to."""
        if not file_of(stored):
            return from_mongo(stored)
        return from_mongo(
            stored, self._files.load({name: stored[name] for name in (*BODIES, "date") if name in stored})
        )

    @contextmanager
    def _collection(self, name: str) -> Iterator[Collection[Document]]:
        """Yield a collection of the connected database; every failure of the block becomes a CityflowError."""
        if self._client is None:
            self._client = self._connected()
        with _mongodb_errors(self._url):
            yield self._client[self._name][name]

    def _connected(self) -> MongoClient[Document]:
        if self._refusal:
            raise self._refusal
        try:
            with _mongodb_errors(self._url):
                return _open(self._url, self._name)
        except CityflowError as error:
            self._refusal = error
            raise


def _open(url: str, name: str) -> MongoClient[Document]:
    try:
        client: MongoClient[Document] = MongoClient(
            url,
            serverSelectionTimeoutMS=SELECTION_TIMEOUT,
            connectTimeoutMS=SELECTION_TIMEOUT,
            waitQueueTimeoutMS=SELECTION_TIMEOUT,
            socketTimeoutMS=SOCKET_TIMEOUT,
            appname="cityflow",
        )
    except (ValueError, OSError) as error:  # so pymongo says some of what it finds wrong in an URL, or its TLS files
        raise InvalidURI(str(error)) from None
    try:
        for collection, key in KEYS.items():
            client[name][collection].create_index([(key, ASCENDING), ("date", ASCENDING)], unique=True)
    except PyMongoError:
        client.close()
        raise
    return client


@contextmanager
def _mongodb_errors(url: str) -> Iterator[None]:
    """Turn every pymongo failure of the block into a CityflowError about the server at `url`, without its password."""
    try:
        yield
    except PyMongoError as error:
        raise _translated(error, url) from None  # the cause may hold the URL whole


def address(url: str) -> str:
    """Return the servers of MONGODB_URL, without user, password or options."""
    scheme = next((one for one in ("mongodb://", "mongodb+srv://") if url.startswith(one)), "")
    return scheme + re.split("[/?]", url.removeprefix(scheme).rpartition("@")[2])[0]


def _translated(error: PyMongoError, url: str) -> CityflowError:
    code = getattr(error, "code", None)
    if isinstance(error, InvalidURI | InvalidName | ConfigurationError):
        return ConfigError(
            f"MONGODB_URL ou MONGODB_DATABASE inutilisable ({_reason(error, url)}).",
            "Forme attendue : mongodb://utilisateur:mot-de-passe@serveur:27017, le mot de passe encodé en %XX.",
        )
    if isinstance(error, OperationFailure) and code in REFUSED:
        return ConfigError(
            f"MongoDB à {address(url)} : {REFUSED[code]}.", "Vérifier MONGODB_URL (environnement ou .env)."
        )
    if isinstance(error, ConnectionFailure):
        return StoreError(
            f"MongoDB ne répond pas à {address(url)} ({_reason(error, url)}).",
            "Le démarrer, corriger MONGODB_URL, ou choisir CITYFLOW_STORE=local_files.",
        )
    return StoreError(
        f"MongoDB à {address(url)} : {_reason(error, url)}.", "Relancer ; sinon voir le journal du serveur."
    )


def _reason(error: PyMongoError, url: str) -> str:
    """Return the first clause of pymongo's own text, without what the URL keeps secret."""
    text = re.split(r" \(configured|, Timeout:|, full error:", str(error))[0]
    user = url.partition("://")[2].rpartition("@")[0]
    secrets = {word for form in (user, unquote(user)) for word in (form, *form.split(":", 1)) if word}
    for secret in sorted(secrets, key=len, reverse=True):
        text = text.replace(secret, "***")
    return ERRNO.sub(lambda found: in_french(OSError(int(found[1]), found[2])), text).rstrip(".")

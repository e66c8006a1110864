"""A longer life for what is published and unchanged: DynamoDB removes an item when its `ttl` is over, used or not.

Renewing costs a write, so that it waits until half of the life is over: once in half a year, not once an upload.
"""

from datetime import datetime

from lib.aws.names import table_names
from lib.common.settings import Settings
from lib.publish.local_documents import DocumentFile
from lib.publish.plan import LIFE, Action, Remote, Write, condition_on, item_key, place_of
from lib.stores.dynamodb_items import RETENTION

RENEWED_BELOW = RETENTION / 2  # of life left


def plan_renewal(source: DocumentFile, remote: Remote, settings: Settings, now: datetime) -> Action:
    """Plan the action for a document that AWS has already: none, or RETENTION from now on for its item."""
    if remote.expires is None or remote.expires >= (now + RENEWED_BELOW).timestamp():
        return Action("=", source)
    return Action("=", source, "vie prolongée d'un an", (_renewal(source, remote, settings, now),))


def _renewal(source: DocumentFile, remote: Remote, settings: Settings, now: datetime) -> Write:
    """Prolong the life of the item that was compared, and change nothing else of it."""
    table, condition = table_names(settings)[source.kind], condition_on(remote, "")
    life = {"N": str(int((now + RETENTION).timestamp()))}
    request = condition | {
        "TableName": table,
        "Key": item_key(source),
        "UpdateExpression": "SET #life = :life",
        "ExpressionAttributeNames": {**condition["ExpressionAttributeNames"], "#life": LIFE},
        "ExpressionAttributeValues": {**condition["ExpressionAttributeValues"], ":life": life},
    }
    return Write("dynamodb", "update_item", request, f"{place_of(table, source)} (durée de vie)", 0)

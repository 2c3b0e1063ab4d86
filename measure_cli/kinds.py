"""The closed sets of the domain: how a model is stored, what a relation is made from, how bad a failing audit is."""

from __future__ import annotations

from enum import StrEnum


class Materialization(StrEnum):
    """How a model stands in the target."""

    VIEW = "view"
    TABLE = "table"
    INCREMENTAL = "incremental"
    EPHEMERAL = "ephemeral"


class RelationKind(StrEnum):
    """What a relation is made from."""

    SOURCE = "source"
    REGISTRY = "registry"
    MODEL = "model"


class Severity(StrEnum):
    """What a failing audit does: `error` stops publication, `warn` only tells."""

    ERROR = "error"
    WARN = "warn"

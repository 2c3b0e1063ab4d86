"""The closed sets of the domain: engines, how a model is stored, what a relation is made from, how audits fail."""

from __future__ import annotations

from enum import StrEnum


class Materialization(StrEnum):
    """How a model stands in the target."""

    VIEW = "view"
    TABLE = "table"
    INCREMENTAL = "incremental"
    EPHEMERAL = "ephemeral"


class EngineKind(StrEnum):
    """The databases that a target can be."""

    DUCKDB = "duckdb"
    CLICKHOUSE = "clickhouse"
    SNOWFLAKE = "snowflake"


class PseudonymHash(StrEnum):
    """The keyed hash that `pseudonymize()` stands for."""

    HMAC_SHA256 = "hmac-sha256"
    SIPHASH64 = "siphash64"


class SaltOrigin(StrEnum):
    """Where the salt of pseudonyms comes from."""

    ENVIRONMENT = "environment"
    DEMO = "demo"


class RelationKind(StrEnum):
    """What a relation is made from."""

    SOURCE = "source"
    REGISTRY = "registry"
    MODEL = "model"


class Scope(StrEnum):
    """What an audit that looks at its relation part by part must know of the other parts.

    `rows`: nothing, each row is judged by itself. `keys`: whether keys of the part stand `outside`, too. `groups`: that
    rows which are judged together stand in one part.
    """

    ROWS = "rows"
    KEYS = "keys"
    GROUPS = "groups"


class Severity(StrEnum):
    """What a failing audit does: `error` stops publication, `warn` only tells."""

    ERROR = "error"
    WARN = "warn"

"""The small shop of the dialect tests, copied into the emulator with the types that measure gives to tables."""

from __future__ import annotations

import math
from decimal import Decimal

from measure_cli.ddl.snowflake import SnowflakeDdl
from measure_cli.dialects.compile import compile_select
from measure_cli.engines.snowflake_session import SnowflakeSession
from measure_cli.kinds import EngineKind
from measure_cli.types import ModelConfig, Statement
from tests.dialects.shop import Shop

DDL = SnowflakeDdl("analytics")


class SnowflakeShop:
    """Compiles what authors write, runs it on the emulator, and knows what DuckDB says."""

    def __init__(self, shop: Shop, session: SnowflakeSession) -> None:
        self.shop = shop
        self.session = session
        for key, columns in shop.schema.items():
            place = DDL.place(key.partition(".")[0])
            session.execute(DDL.create_schema(place))
            name = self.name(key)
            for statement in DDL.create_table(name, list(columns.items()), ModelConfig()):
                session.execute(statement)
            for row in shop.run(f'SELECT * FROM physical."{key}"'):
                values = {f"v{number}": value for number, value in enumerate(row)}
                marks = ", ".join(f"${value}" for value in values)
                session.execute(Statement(f"INSERT INTO {name} VALUES ({marks})", values))  # type: ignore[arg-type]

    def name(self, key: str) -> str:
        """The table of a relation."""
        schema, _, name = key.partition(".")
        return DDL.name(DDL.place(schema), name)

    def text(self, sql: str) -> str:
        """A query as it is sent to Snowflake."""
        compiled = compile_select(
            sql, self.shop.schema, locate=lambda line: f"model.sql:{line}", engine=EngineKind.SNOWFLAKE
        )
        return compiled.sql(self.name)

    def run(self, sql: str) -> list[tuple[object, ...]]:
        """The rows of an authored query on the emulator."""
        return list(self.session.query(Statement(self.text(sql))).rows)


def same_rows(found: list[tuple[object, ...]], expected: list[tuple[object, ...]]) -> bool:
    """Whether rows are equal, in any order; numbers within 1e-9."""
    pairs = zip(sorted(found, key=repr), sorted(expected, key=repr), strict=False)
    return len(found) == len(expected) and all(
        len(row) == len(other) and all(same(a, b) for a, b in zip(row, other, strict=True)) for row, other in pairs
    )


def same(found: object, expected: object) -> bool:
    """Whether two values are equal."""
    if is_number(found) and is_number(expected):
        return math.isclose(float(str(found)), float(str(expected)), rel_tol=1e-9)
    return type(found) is type(expected) and found == expected


def is_number(value: object) -> bool:
    """Whether a value is a number."""
    return isinstance(value, int | float | Decimal) and not isinstance(value, bool)

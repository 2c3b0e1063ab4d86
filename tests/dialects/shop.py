"""A small shop in DuckDB: under the pseudo schemas that models refer to, and once more where relations really live."""

from __future__ import annotations

from collections.abc import Mapping

import duckdb

from measure_cli.dialects.compile import compile_select
from measure_cli.dialects.compiled import CompiledSelect

TABLES = {
    "measure_ref.orders": """
        SELECT * FROM (VALUES
            (1, 'ann', DATE '2024-01-31', TIMESTAMP '2024-01-31 10:00:00.000001', 10.50, 2.0, 'Email'),
            (2, 'bob', DATE '2024-02-29', TIMESTAMP '2024-02-29 23:59:59.999999', 0.00, NULL, 'Direct'),
            (3, 'ann', DATE '2024-03-01', TIMESTAMP '2024-03-01 00:00:00', NULL, 0.5, NULL),
            (4, NULL, NULL, NULL, 7.25, -3.0, 'it''s -- "x"'),
            (5, 'çağ', DATE '1960-05-05', TIMESTAMP '1960-05-05 12:00:00', 99.99, 1e10, 'Email')
        ) AS t(i, who, d, ts, amount, x, kind)""",
    "measure_ref.people": """
        SELECT * FROM (VALUES ('ann', 7, TRUE), ('bob', 8, FALSE), ('zoe', NULL, NULL)) AS t(who, age, is_new)""",
    "measure_source.raw": """
        SELECT * FROM (VALUES ('12.5', ' 2024-02-30 ', NULL), ('x', '2024-01-01', 'amount: ''x'''), (NULL, '', NULL))
        AS t(amount, day, _unreadable)""",
    "measure_ref.Odd Names": """
        SELECT 1 AS "Größe (€)", 'a' AS "order", 2.5::DOUBLE AS "say ""hi"" x", 'b' AS "User_ID", 3 AS "İ" """,
}
CASTS = {
    "measure_ref.orders": "i::BIGINT AS i, who, d, ts, amount::DECIMAL(18,6) AS amount, x::DOUBLE AS x, kind",
    "measure_ref.people": "who, age::INTEGER AS age, is_new",
}


class Shop:
    """The connection, the schema that planning knows, and both ways to run a query."""

    def __init__(self) -> None:
        self.connection = duckdb.connect()
        self.schema: dict[str, Mapping[str, str]] = {}
        for schema in ("measure_ref", "measure_source", "physical"):
            self.connection.execute(f"CREATE SCHEMA {schema}")
        for key, select in TABLES.items():
            schema, _, name = key.partition(".")
            columns = CASTS.get(key, "*")
            self.connection.execute(f'CREATE TABLE {schema}."{name}" AS SELECT {columns} FROM ({select})')
            self.connection.execute(f'CREATE TABLE physical."{key}" AS FROM {schema}."{name}"')
            described = self.connection.execute(f'DESCRIBE {schema}."{name}"').fetchall()
            self.schema[key] = {row[0]: row[1] for row in described}

    def compile(self, sql: str) -> CompiledSelect:
        return compile_select(sql, self.schema, locate=lambda line: f"model.sql:{line}")

    def run(self, sql: str) -> list[tuple[object, ...]]:
        return self.connection.execute(sql).fetchall()

    def run_compiled(self, compiled: CompiledSelect) -> list[tuple[object, ...]]:
        return self.run(self.physical_sql(compiled))

    def physical_sql(self, compiled: CompiledSelect) -> str:
        return compiled.sql(lambda key: f'physical."{key}"')

    def described(self, sql: str) -> list[tuple[str, str]]:
        return [(row[0], row[1]) for row in self.connection.execute(f"DESCRIBE {sql}").fetchall()]

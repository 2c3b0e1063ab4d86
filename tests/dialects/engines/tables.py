"""Small tables that hold what engines disagree on, written in DuckDB's dialect: name -> (columns and types, rows)."""

from __future__ import annotations

from collections.abc import Mapping

SCHEMA = "measure_ref"

TABLES: Mapping[str, tuple[Mapping[str, str], str]] = {
    "numbers": (
        {"i": "BIGINT", "n": "INTEGER", "h": "HUGEINT", "x": "DOUBLE", "y": "DOUBLE", "amount": "DECIMAL(18,6)",
         "price": "DECIMAL(9,2)", "flag": "BOOLEAN", "kind": "VARCHAR"},
        """
        (1, 1, 10, 0.5, 2.0, 10.500000, 0.01, TRUE, 'a'),
        (2, -7, 20, -2.5, 3.5, 0.000001, 2.68, FALSE, 'a'),
        (3, NULL, NULL, NULL, 1e10, NULL, NULL, NULL, NULL),
        (4, 40000, 1000000000000000000000000000000, 0.125, NULL, -999.999999, 99999.99, TRUE, 'b'),
        (5, -40000, -5, 1e-300, -1.0, 2.675000, -0.05, FALSE, 'b'),
        (4611686018427387904, 0, 0, 0.0, 0.0, 0.000000, 0.00, NULL, 'b'),
        (-3, 3, 3, 2.5, 2.5, -2.665000, 1.25, TRUE, '')""",
    ),
    "moments": (
        {"i": "BIGINT", "d": "DATE", "e": "DATE", "ts": "TIMESTAMP", "until": "TIMESTAMP"},
        """
        (1, '2024-01-31', '2024-02-29', '2024-01-31 10:00:00.000001', '2024-01-31 11:00:00'),
        (2, '2024-12-30', '2025-01-01', '2024-12-30 23:59:59.999999', '2025-01-01 00:00:00'),
        (3, '2020-12-31', '2021-01-03', '2021-01-03 12:30:15.5', '2020-12-31 12:30:15.4'),
        (4, '1960-05-05', '1969-12-31', '1969-12-31 23:59:59.75', '1970-01-01 00:00:00'),
        (5, '2150-06-06', '2200-02-28', '2150-06-06 06:06:06.000006', '2299-12-31 23:59:59.999999'),
        (6, NULL, NULL, NULL, NULL),
        (7, '1970-01-01', '1969-12-29', '1960-02-29 00:00:00', '1960-03-01 00:00:00.000001'),
        (8, '2023-03-31', '2023-02-28', '2023-03-31 00:00:00', NULL)""",
    ),
    "texts": (
        {"i": "BIGINT", "s": "VARCHAR", "t": "VARCHAR"},
        """
        (1, 'Straße', 'ÀÉÎ'), (2, ' ann ', 'ANN'), (3, '', 'x'), (4, NULL, 'y'), (5, '12.5', ' 12.5 '),
        (6, '2024-02-30', '2024-02-29'), (7, 'a\\b%c_d', 'a.b'), (8, 'it''s "x"', NULL), (9, '漢字かな', '字'),
        (10, e'tab\\tend\\nline', e'\\t'), (11, '1e3', '-.5'), (12, 'İΣΣ', 'ΑΣ'), (13, '\u00a0wide\u3000', '\u2003'),
        (14, 'abcabc', 'b'), (15, '2024-01-31', '2024-13-05'), (16, '1,5', '1_000'), (17, 'TRUE', 'no')""",
    ),
    "people": (
        {"who": "VARCHAR", "age": "BIGINT", "joined": "DATE"},
        "('a', 30, '2020-01-01'), ('b', NULL, '2020-06-01'), (NULL, 40, '2021-01-01'), ('z', 7, NULL)",
    ),
    "events": (
        {"i": "BIGINT", "who": "VARCHAR", "pos": "BIGINT", "x": "DOUBLE", "label": "VARCHAR"},
        """
        (1, 'a', 10, 1.5, 'p'), (2, 'a', 20, NULL, 'q'), (3, 'a', 20, 2.5, NULL), (4, 'b', 5, -1.0, 'p'),
        (5, NULL, NULL, 4.0, 'r'), (6, NULL, 0, 8.0, 'p'), (7, 'c', NULL, NULL, NULL), (8, 'b', 7, 0.25, 'q')""",
    ),
    "nothing": ({"i": "BIGINT", "x": "DOUBLE", "amount": "DECIMAL(18,6)", "s": "VARCHAR", "flag": "BOOLEAN"}, ""),
}  # fmt: skip


def select(name: str) -> str:
    """The typed rows of a table."""
    columns, rows = TABLES[name]
    typed = ", ".join(f"CAST({column} AS {data_type}) AS {column}" for column, data_type in columns.items())
    if not rows:
        return (
            f"SELECT {', '.join(f'CAST(NULL AS {kind}) AS {column}' for column, kind in columns.items())} WHERE false"
        )
    return f"SELECT {typed} FROM (VALUES {rows}) AS rows({', '.join(columns)})"

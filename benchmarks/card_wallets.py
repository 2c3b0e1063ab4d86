"""Touchpoints and conversions of the card wallets of the `gnosis` stack, in the shape of its demo.

Each transfer of a Safe counts for all identities of the Safe: itself, one to three owners, a delegate. Nearly all
Safes share one delegate, who therefore holds more than a quarter of the rows; journeys leave delegates out. Every
payment is a conversion, so that there are more than half as many conversions as touchpoints.
"""

from __future__ import annotations

from pathlib import Path

import duckdb

from benchmarks.data import DAYS, FIRST_DAY, Dataset, uniform, write_parquet

TOUCHES_OF_A_SAFE = 144  # 43 transfers, each of 3.3 identities
MOST_ACTIONS = 200
EXCLUSIONS = (
    ("gpay_payment", "gp.payment"),
    ("gpay_cashback_claim", "gp.cashback_claim"),
    ("gpay_funded", "gp.deposit"),
)


def generate_card_wallets(touches: int, folder: Path) -> Dataset:
    """Write both files below ``folder`` unless an earlier run already did; the number of rows is approximate."""
    target = folder / f"card-wallets-{touches}"
    target.mkdir(parents=True, exist_ok=True)
    files = (target / "touchpoints.parquet", target / "conversions.parquet")
    dataset = Dataset(*files, with_role=True, exclusions=EXCLUSIONS, is_staged=True)
    if dataset.touchpoints.exists() and dataset.conversions.exists():
        return dataset
    with duckdb.connect(str(target / "draft.duckdb")) as connection:
        connection.execute(f"CREATE OR REPLACE TABLE safes AS {_safes_sql(touches // TOUCHES_OF_A_SAFE)}")
        connection.execute(f"CREATE OR REPLACE TABLE identities AS {_identities_sql()}")
        connection.execute(f"CREATE OR REPLACE TABLE transfers AS {_transfers_sql()}")
        write_parquet(connection, dataset.touchpoints, TOUCHPOINTS)
        write_parquet(connection, dataset.conversions, CONVERSIONS)
    (target / "draft.duckdb").unlink()
    return dataset


def _safes_sql(safes: int) -> str:
    """A Safe: its first moment, how fast and for how long it is used, who is behind it. Ever more of them begin."""
    first = f"greatest({uniform('first moment')}, {uniform('other first moment')})"
    return f"""
        SELECT
            i AS safe_no,
            CAST({first} * {DAYS * 86_400_000_000} AS BIGINT) AS first_us,
            0.4 + 4.6 * {uniform("pace")} AS pace_days,
            least(CAST(floor(ln(1 - {uniform("actions")}) / ln(0.985)) AS BIGINT), {MOST_ACTIONS}) AS n_actions,
            CASE WHEN {uniform("owners")} < 0.72 THEN 1 WHEN {uniform("owners")} < 0.92 THEN 2 ELSE 3 END AS n_owners,
            {uniform("delegate")} AS delegate_draw
        FROM range({safes}) AS numbers(i)
    """


def _identities_sql() -> str:
    return """
        SELECT safe_no, 'safe_self' AS identity_role, printf('%016x', hash(safe_no, 'safe')) AS user_id
        FROM safes
        UNION ALL
        SELECT safe_no, 'initial_owner' AS identity_role, printf('%016x', hash(safe_no, place)) AS user_id
        FROM (SELECT safe_no, unnest(range(n_owners)) AS place FROM safes)
        UNION ALL
        SELECT
            safe_no, 'delegate' AS identity_role,
            printf('%016x', CASE WHEN delegate_draw < 0.97 THEN hash('shared') ELSE hash(safe_no, 'own') END) AS user_id
        FROM safes
        WHERE delegate_draw < 0.99
    """


def _transfers_sql() -> str:
    """Money comes in, then payments and their like follow at the pace of the Safe, in blocks of five seconds."""
    gap_us = f"60e6 + pace_days * 4 * 86400e6 * {uniform('gap')} * {uniform('other gap')}"
    draw = uniform("action")
    return f"""
        WITH actions AS (
            SELECT *, safe_no * {MOST_ACTIONS + 1} + action_no AS i
            FROM (SELECT *, unnest(range(n_actions + 1)) AS action_no FROM safes)
        ),
        timed AS (
            SELECT
                i, safe_no, action_no,
                first_us + CAST(sum({gap_us}) OVER (PARTITION BY safe_no ORDER BY action_no) AS BIGINT) AS moment_us,
                CASE
                    WHEN action_no = 0 THEN 'gp.deposit'
                    WHEN {draw} < 0.70 THEN 'gp.payment' WHEN {draw} < 0.82 THEN 'gp.cashback_claim'
                    WHEN {draw} < 0.94 THEN 'gp.deposit' WHEN {draw} < 0.98 THEN 'gp.withdrawal'
                    ELSE 'gp.action_other'
                END AS event_kind
            FROM actions
        )
        SELECT
            safe_no, action_no, event_kind,
            TIMESTAMP '{FIRST_DAY}' + to_seconds(moment_us // 5000000 * 5) AS event_ts,
            printf('%016x', hash(i, 'transfer')) AS transfer_key,
            CAST(1 + floor({uniform("amount")} * 16000) / 100 AS DECIMAL(18, 6)) AS amount
        FROM timed
        WHERE moment_us < {DAYS * 86_400_000_000}
        ORDER BY moment_us, i
    """


TOUCHPOINTS = """
    SELECT identities.user_id, identities.identity_role, transfers.event_ts, transfers.event_kind
    FROM transfers
    INNER JOIN identities ON transfers.safe_no = identities.safe_no
"""
CONVERSIONS = """
    WITH converting AS (
        SELECT
            *,
            CASE
                WHEN event_kind = 'gp.payment' THEN 'gpay_payment'
                WHEN event_kind = 'gp.cashback_claim' THEN 'gpay_cashback_claim'
                WHEN action_no = 0 THEN 'gpay_funded'
            END AS conversion_kind
        FROM transfers
    )
    SELECT
        converting.conversion_kind || '-' || converting.transfer_key || '-' || identities.user_id
        || '-' || identities.identity_role AS conversion_id,
        identities.user_id, identities.identity_role, converting.conversion_kind,
        converting.event_ts AS conversion_ts, converting.amount
    FROM converting
    INNER JOIN identities ON converting.safe_no = identities.safe_no
    WHERE converting.conversion_kind IS NOT NULL AND identities.identity_role <> 'delegate'
"""

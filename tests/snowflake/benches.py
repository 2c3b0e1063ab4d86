"""Where the contract of engines runs: the emulator, and an account, if the environment names one."""

from __future__ import annotations

import os
from collections.abc import Mapping

from measure_cli.types import Value
from tests.engines.bench import Bench

ACCOUNT_VARIABLES = ("ACCOUNT", "USER", "DATABASE", "WAREHOUSE", "ROLE", "AUTHENTICATOR")
ENDLESS = "SELECT COUNT(*) FROM TABLE(GENERATOR(ROWCOUNT => 1000000000000)) WHERE RANDOM() = 1"
TOLD = "SELECT TO_DATE('seen ' || $pii_ipad)"


def account_settings() -> Mapping[str, Value]:
    """The account that the environment names: MEASURE_TEST_SNOWFLAKE_ACCOUNT and so on; secrets as for any target."""
    found = {name.lower(): os.environ.get(f"MEASURE_TEST_SNOWFLAKE_{name}") for name in ACCOUNT_VARIABLES}
    return {**{name: value for name, value in found.items() if value}, "schema_prefix": "measure_test_"}


EMULATOR = Bench(
    "emulator",
    "snowflake",
    lambda folder: {"account": "emulator", "user": "measure", "database": f"bench_{abs(hash(folder)) % 10**6}"},
    endless="",
    hungry="",
    told=TOLD,
    shares_a_database=True,
)
ACCOUNT = Bench("account", "snowflake", lambda _: account_settings(), ENDLESS, "", TOLD, shares_a_database=True)
HAS_ACCOUNT = "account" in account_settings()

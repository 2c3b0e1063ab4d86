"""Opens the Snowflake database of a target. The driver is an extra, so it is loaded here and nowhere before."""

from __future__ import annotations

from typing import TYPE_CHECKING

from measure_cli.errors import EngineError, ProjectError
from measure_cli.secrets import NO_SECRETS, Secrets
from measure_cli.snowflake_text import unfolded
from measure_cli.types import Project

if TYPE_CHECKING:
    from measure_cli.engines.snowflake_session import SnowflakeEngine


def open_snowflake(project: Project, read_only: bool = False, secrets: Secrets = NO_SECRETS) -> SnowflakeEngine:
    """Connect to the database of a project's target. Its role says what may be written: `read_only` changes nothing.

    Raises:
        ProjectError: the driver or a secret is missing, or Snowflake refuses the connection; nothing was touched.
    """
    del read_only
    try:
        import snowflake.connector as driver

        from measure_cli.engines.snowflake_errors import connected
        from measure_cli.engines.snowflake_session import SnowflakeEngine
    except ImportError as error:
        raise ProjectError(
            f"the target {project.target.name} is on Snowflake, and its driver is not installed ({error.name})",
            "Install it: pip install 'measure[snowflake]'",
        ) from error
    from measure_cli.engines.snowflake_connect import connection_settings, host_and_port

    settings, target = connection_settings(project), project.target.settings
    database, prefix = unfolded(str(target["database"])), unfolded(str(target.get("schema_prefix") or ""))
    try:
        return SnowflakeEngine(
            lambda: connected(lambda: driver.connect(**settings), host_and_port(settings)), database, prefix, secrets
        )
    except EngineError as error:
        raise ProjectError(
            f"Snowflake account {target['account']}, target {project.target.name}: {error.message}", error.hint
        ) from None
    except (TypeError, ValueError):  # what the driver says of a key may show some of it
        raise ProjectError(
            f"the private key of the target {project.target.name} cannot be read",
            "Expected: a file in PEM format (PKCS #8); if it is encrypted, its passphrase in the environment.",
        ) from None

"""How a target's settings and the environment become a connection to Snowflake.

Secrets come from the environment only: MEASURE_<TARGET>_PASSWORD, _PRIVATE_KEY_FILE with _PASSPHRASE, or _TOKEN.
"""

from __future__ import annotations

import os
import re
from collections.abc import Mapping
from typing import Any

from measure_cli.errors import ProjectError, did_you_mean
from measure_cli.types import Project, Target

PASSWORD, PRIVATE_KEY_FILE, PASSPHRASE, TOKEN = "PASSWORD", "PRIVATE_KEY_FILE", "PASSPHRASE", "TOKEN"
# What a target calls it -> what the driver calls it, and the secret it needs.
AUTHENTICATORS: Mapping[str, tuple[str, str | None]] = {
    "password": ("snowflake", PASSWORD),
    "key_pair": ("SNOWFLAKE_JWT", PRIVATE_KEY_FILE),
    "oauth": ("oauth", TOKEN),
    "externalbrowser": ("externalbrowser", None),
}
PASSED_ON = ("account", "user", "role", "warehouse", "database", "host", "port", "protocol")


def connection_settings(project: Project, environment: Mapping[str, str] = os.environ) -> dict[str, Any]:
    """The arguments of the driver's `connect`.

    Raises:
        ProjectError: a setting means nothing, or a secret is missing.
    """
    target = project.target
    chosen = authenticator(target, environment)
    name, needed = AUTHENTICATORS[chosen]
    settings = {key: target.settings[key] for key in PASSED_ON if target.settings.get(key) is not None}
    if needed and not environment.get(variable(target, needed)):
        raise ProjectError(
            f"the target {target.name} signs in by {chosen}, and {variable(target, needed)} is not set",
            f"Set it in the environment, or choose another authenticator: {', '.join(AUTHENTICATORS)}.",
        )
    secret = environment.get(variable(target, needed), "") if needed else ""
    match needed:
        case "PASSWORD":
            settings["password"] = secret
        case "TOKEN":
            settings["token"] = secret
        case "PRIVATE_KEY_FILE":
            settings["private_key_file"] = str(project.path(secret))
            if passphrase := environment.get(variable(target, PASSPHRASE)):
                settings["private_key_file_pwd"] = passphrase
    return {
        **settings,
        "authenticator": name,
        "paramstyle": "qmark",  # values go beside the text; with the driver's default they would become part of it
        "application": "measure",
        "login_timeout": 60,
        "session_parameters": {"TIMEZONE": "UTC", "QUERY_TAG": f"measure:{project.name}:{project.stack}"},
    }


def host_and_port(settings: Mapping[str, Any]) -> str:
    """Where the driver connects to.

    >>> host_and_port({"account": "acme"}), host_and_port({"account": "acme", "host": "db.example", "port": 8080})
    ('acme.snowflakecomputing.com:443', 'db.example:8080')
    """
    return f"{settings.get('host') or settings['account'] + '.snowflakecomputing.com'}:{settings.get('port') or 443}"


def authenticator(target: Target, environment: Mapping[str, str]) -> str:
    """How to sign in: as the target says, else by the secret that there is."""
    chosen = target.settings.get("authenticator")
    if chosen is None:
        given = (
            name for name, (_, secret) in AUTHENTICATORS.items() if secret and variable(target, secret) in environment
        )
        return next(given, "password")
    if chosen not in AUTHENTICATORS:
        raise ProjectError(
            f'measure.toml: [targets.{target.name}] has the unknown authenticator "{chosen}"',
            did_you_mean(str(chosen), AUTHENTICATORS),
        )
    return str(chosen)


def variable(target: Target, secret: str) -> str:
    """The variable of the environment that holds a secret of a target.

    >>> variable(Target("my-sf", "snowflake", {}), "PASSWORD")
    'MEASURE_MY_SF_PASSWORD'
    """
    return f"MEASURE_{re.sub(r'[^A-Z0-9]', '_', target.name.upper())}_{secret}"

"""From measure.toml and the environment to a connection."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
from pathlib import Path

import pytest

from measure_cli.engines.snowflake import open_snowflake
from measure_cli.engines.snowflake_connect import connection_settings
from measure_cli.errors import ProjectError
from measure_cli.project import read_target
from measure_cli.types import Place, Value
from tests.engines.other_servers import self_signed, web_server
from tests.snowflake.emulator import project_on

PLACE = Place("measure.toml")
NEEDED: dict[str, Value] = {"type": "snowflake", "account": "acme", "database": "ANALYTICS"}


def test_a_target_has_the_settings_of_the_driver() -> None:
    values = {**NEEDED, "user": "u", "role": "r", "warehouse": "w", "schema_prefix": "dev_", "authenticator": "oauth"}
    target = read_target("sf", dict(values), PLACE, "")
    assert target.settings == {key: value for key, value in values.items() if key != "type"}


@pytest.mark.parametrize("key", ["account", "database"])
def test_account_and_database_are_needed(key: str) -> None:
    with pytest.raises(ProjectError, match=f'\\[targets.sf\\] needs the key "{key}"'):
        read_target("sf", {name: value for name, value in NEEDED.items() if name != key}, PLACE, "")


@pytest.mark.parametrize("key", ["password", "token", "private_key", "passphrase"])
def test_secrets_are_refused_in_the_file(key: str) -> None:
    with pytest.raises(ProjectError, match="secrets are read from the environment only: MEASURE_SF_PASSWORD"):
        read_target("sf", {**NEEDED, key: "hush"}, PLACE, "")


def test_the_port_is_a_number() -> None:
    with pytest.raises(ProjectError, match="a whole number"):
        read_target("sf", {**NEEDED, "port": "443"}, PLACE, "")


@pytest.mark.parametrize(
    ("given", "environment", "expected"),
    [
        (None, {"MEASURE_SF_PASSWORD": "p"}, {"authenticator": "snowflake", "password": "p"}),
        (None, {"MEASURE_SF_TOKEN": "t"}, {"authenticator": "oauth", "token": "t"}),
        (
            None,
            {"MEASURE_SF_PRIVATE_KEY_FILE": "key.p8", "MEASURE_SF_PASSPHRASE": "q"},
            {"authenticator": "SNOWFLAKE_JWT", "private_key_file_pwd": "q"},
        ),
        (
            "key_pair",
            {"MEASURE_SF_PRIVATE_KEY_FILE": "key.p8", "MEASURE_SF_PASSWORD": "p"},
            {"authenticator": "SNOWFLAKE_JWT"},
        ),
        ("externalbrowser", {"MEASURE_SF_PASSWORD": "p"}, {"authenticator": "externalbrowser"}),
        ("password", {"MEASURE_SF_PASSWORD": "p", "MEASURE_SF_TOKEN": "t"}, {"password": "p"}),
    ],
)
def test_how_to_sign_in(
    tmp_path: Path, given: str | None, environment: dict[str, str], expected: dict[str, str]
) -> None:
    found = connection_settings(project_on(tmp_path, authenticator=given), environment)
    assert expected.items() <= found.items()
    secret = {key for key in found if key in ("password", "token", "private_key_file")}
    assert len(secret) == (given != "externalbrowser")
    if "private_key_file" in found:
        assert found["private_key_file"] == str(tmp_path / "key.p8")


def test_a_session_is_in_utc_named_and_binds_on_the_server(tmp_path: Path) -> None:
    found = connection_settings(project_on(tmp_path), {"MEASURE_SF_PASSWORD": "p"})
    assert found["paramstyle"] == "qmark"
    assert found["session_parameters"] == {"TIMEZONE": "UTC", "QUERY_TAG": "measure:acme:starter"}


def test_a_missing_secret_is_named(tmp_path: Path) -> None:
    with pytest.raises(ProjectError, match="signs in by password, and MEASURE_SF_PASSWORD is not set"):
        connection_settings(project_on(tmp_path), {})
    with pytest.raises(ProjectError, match="signs in by oauth, and MEASURE_SF_TOKEN is not set"):
        connection_settings(project_on(tmp_path, authenticator="oauth"), {"MEASURE_SF_PASSWORD": "p"})


def test_an_unknown_authenticator_has_a_hint(tmp_path: Path) -> None:
    with pytest.raises(ProjectError) as refused:
        connection_settings(project_on(tmp_path, authenticator="keypair"), {})
    assert refused.value.hint == 'Did you mean "key_pair"?'


def test_a_refused_connection_is_one_message(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MEASURE_SF_PASSWORD", "hush")
    monkeypatch.setenv("MEASURE_SF_PRIVATE_KEY_FILE", "nowhere.p8")
    with pytest.raises(ProjectError) as refused:
        open_snowflake(project_on(tmp_path, authenticator="key_pair"))
    assert refused.value.message.startswith("Snowflake account acme, target sf: ")
    assert "hush" not in str(refused.value)


def test_a_server_that_is_not_there(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MEASURE_SF_PASSWORD", "hush")
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        port = unused.getsockname()[1]
        with pytest.raises(ProjectError) as refused:
            open_snowflake(project_on(tmp_path, host="127.0.0.1", port=port, protocol="http"))
    place = f"Snowflake account acme, target sf: 127.0.0.1:{port}"
    assert refused.value.message == f"{place} refuses connections: nothing listens there"
    assert refused.value.hint == "Check host and port, and that the server is running."


def test_a_host_that_does_not_exist(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MEASURE_SF_PASSWORD", "hush")
    with pytest.raises(ProjectError) as refused:
        open_snowflake(project_on(tmp_path, host="no-such-host.invalid"))
    assert "target sf: the host of no-such-host.invalid:443 is not known here: " in refused.value.message
    assert "hush" not in str(refused.value)


def test_a_certificate_of_nobody(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MEASURE_SF_PASSWORD", "hush")
    with web_server(self_signed(tmp_path / "certificate.pem")) as port, pytest.raises(ProjectError) as refused:
        open_snowflake(project_on(tmp_path, host="127.0.0.1", port=port))
    assert f"the certificate of 127.0.0.1:{port} is not accepted: it cannot be verified" in refused.value.message


def test_a_key_that_is_none_is_not_shown(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "key.p8").write_text("-----BEGIN PRIVATE KEY-----\nhush\n-----END PRIVATE KEY-----\n")
    monkeypatch.setenv("MEASURE_SF_PRIVATE_KEY_FILE", "key.p8")
    with pytest.raises(ProjectError, match="the private key of the target sf cannot be read") as refused:
        open_snowflake(project_on(tmp_path))
    assert "hush" not in str(refused.value)


def test_without_the_driver_the_extra_is_named(tmp_path: Path) -> None:
    code = (
        "import sys; sys.modules['snowflake.connector'] = None\n"
        "from pathlib import Path\n"
        "from measure_cli.engines.snowflake import open_snowflake\n"
        "from measure_cli.errors import ProjectError\n"
        "from measure_cli.types import Project, Target\n"
        "target = Target('sf', 'snowflake', {'account': 'a', 'database': 'b'})\n"
        "try: open_snowflake(Project('p', Path(), 'starter', target, None, {}, {}))\n"
        "except ProjectError as error: print(error)\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True, env=dict(os.environ)
    )
    assert "target sf is on Snowflake, and its driver is not installed" in done.stdout
    assert "pip install 'measure[snowflake]'" in done.stdout

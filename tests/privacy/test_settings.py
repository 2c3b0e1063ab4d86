"""The [privacy] table: which hash makes pseudonyms, and where the salt comes from."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from pathlib import Path

import duckdb
import pytest

from measure_cli.demo.gnosis import DEMO_SALT
from measure_cli.secrets import PII_SIPHASH_KEY, SALT_VARIABLE, salted
from tests.build.workshop import Ended, Workshop, process_environment
from tests.handed_on import hand_on
from tests.privacy.project import FILES, STACK, write_project
from tests.privacy.test_building import OTHER_SALT, SALT, measure, pseudonyms, texts_of
from tests.privacy.test_pseudonyms_on_engines import siphash

WITHOUT_NUMPY = "import sys; sys.modules['numpy'] = None; from measure_cli.cli import main; main()"


@pytest.fixture(autouse=True)
def nobodys_salt(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv(SALT_VARIABLE, raising=False)


def project_with(folder: Path, privacy: str) -> Path:
    return write_project(folder, {"measure.toml": FILES["measure.toml"] + f"\n        [privacy]\n        {privacy}\n"})


def siphash_of(address: str, salt: str = SALT) -> str:
    (key,) = salted(salt).bound((PII_SIPHASH_KEY,)).values()
    return f"{siphash(bytes.fromhex(key), address.encode()):016x}"


# -- hash --------------------------------------------------------------------------------------------------------------


def test_siphash_pseudonyms(tmp_path: Path) -> None:
    project = project_with(tmp_path, 'hash = "siphash64"')
    ended = measure(project, "build", "--json")
    assert ended.exit_code == 0, ended.stderr
    assert [row[0] for row in pseudonyms(project)] == [siphash_of("0xaa"), siphash_of("0xbb")]
    (key,) = salted(SALT).bound((PII_SIPHASH_KEY,)).values()
    for text in texts_of(project, ended):
        for secret in (SALT, key):
            assert secret.encode() not in text.lower()
            assert bytes.fromhex(secret) not in text


def test_the_file_reads_without_the_function(tmp_path: Path) -> None:
    project = project_with(tmp_path, 'hash = "siphash64"')
    measure(project, "build")
    with duckdb.connect(str(project / "warehouse/app.duckdb"), read_only=True) as connection:
        for schema, name in connection.execute(
            "SELECT table_schema, table_name FROM information_schema.tables"
        ).fetchall():
            connection.execute(f'SELECT * FROM "{schema}"."{name}"').fetchall()
    for arguments in (["show", "fct_swaps"], ["show", "v_daily"], ["status"], ["list"]):
        assert measure(project, *arguments, salt=None).exit_code == 0, arguments


def test_another_hash_or_salt_rebuilds_all_that_depends_on_it(tmp_path: Path) -> None:
    project = write_project(tmp_path, {})
    measure(project, "build")
    before = pseudonyms(project)
    depending = {"bridge", "fct_swaps", "v_daily"}
    project_with(project, 'hash = "siphash64"')
    ended = measure(project, "build", "--json")
    assert depending <= ended.having("built")
    assert pseudonyms(project) != before
    assert measure(project, "build", "--json").having("built") == set()
    assert measure(project, "build", "--json", salt=OTHER_SALT).having("built") == depending
    project_with(project, 'hash = "hmac-sha256"')
    measure(project, "build")
    assert pseudonyms(project) == before


@pytest.mark.parametrize("salt", [None, "", "abc", SALT[:30], SALT + "zz"])
def test_a_bad_salt_is_refused_as_it_is_for_the_other_hash(tmp_path: Path, salt: str | None) -> None:
    messages = []
    for number, name in enumerate(("siphash64", "hmac-sha256")):
        project = project_with(tmp_path / str(number), f'hash = "{name}"')
        ended = measure(project, "build", salt=salt)
        assert ended.exit_code == 2
        assert not (project / "warehouse").exists()
        messages.append(ended.stderr)
    assert messages[0] == messages[1]


@pytest.mark.parametrize("name", ["siphash64", "hmac-sha256"])
def test_a_view_that_makes_pseudonyms_is_refused(tmp_path: Path, name: str) -> None:
    project = project_with(tmp_path, f'hash = "{name}"')
    view = "SELECT pseudonymize(country) AS who FROM {{ ref('bridge') }}"
    (project / STACK / "marts/v_who.sql").write_text(view, encoding="utf-8")
    ended = measure(project, "build")
    assert ended.exit_code == 2
    assert "v_who is a view that calls pseudonymize()" in " ".join(ended.stderr.split())


def test_a_missing_package_is_named_before_anything_is_touched(tmp_path: Path) -> None:
    project = project_with(tmp_path, 'hash = "siphash64"')
    ended = subprocess.run(
        [sys.executable, "-c", WITHOUT_NUMPY, "build"],
        cwd=project, env=process_environment({SALT_VARIABLE: SALT}), text=True, capture_output=True, check=False,
    )  # fmt: skip
    assert ended.returncode == 2, ended.stderr
    assert "numpy" in ended.stderr
    assert "measure[siphash]" in ended.stderr
    assert not (project / "warehouse").exists()


def test_hmac_needs_no_package(tmp_path: Path) -> None:
    project = write_project(tmp_path, {})
    ended = subprocess.run(
        [sys.executable, "-c", WITHOUT_NUMPY, "build"],
        cwd=project, env=process_environment({SALT_VARIABLE: SALT}), text=True, capture_output=True, check=False,
    )  # fmt: skip
    assert ended.returncode == 0, ended.stderr


# -- mistakes ----------------------------------------------------------------------------------------------------------


def told(ended: Ended) -> str:
    """The message on one line."""
    return " ".join(ended.stderr.split())


@pytest.mark.parametrize(
    ("line", "words"),
    [
        ('hash = "siphash"', 'measure.toml:17: unknown hash "siphash" Did you mean "siphash64"?'),
        ('hash = "md5"', 'unknown hash "md5" Known: hmac-sha256, siphash64.'),
        ("hash = 64", 'measure.toml:17: "hash" in [privacy] must be a text, found the number 64'),
        ('salt = "dmeo"', 'measure.toml:17: "salt" in [privacy] says where the salt comes from'),
        ('salt = "dmeo"', 'Did you mean "demo"?'),
        ("salt = 12", '"salt" in [privacy] says where'),
        (f'salt = "{SALT}"', f"Leave the key out, and set {SALT_VARIABLE}."),
        ('slat = "demo"', 'measure.toml:17: unknown key "slat" in [privacy] Did you mean "salt"?'),
    ],
)
def test_what_is_not_known(tmp_path: Path, line: str, words: str) -> None:
    project = project_with(tmp_path, line)
    ended = measure(project, "build")
    assert ended.exit_code == 2
    assert words in told(ended)
    assert SALT not in ended.stderr
    assert not (project / "warehouse").exists()


def test_privacy_is_a_table(tmp_path: Path) -> None:
    project = write_project(tmp_path, {"measure.toml": "privacy = 3\n" + FILES["measure.toml"]})
    ended = measure(project, "list")
    assert ended.exit_code == 2
    assert '"privacy" in measure.toml must be a table of keys and values' in told(ended)


# -- salt --------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("command", ["build", "list", "sql", "audit"])
def test_a_stack_without_demo_salt(tmp_path: Path, command: str) -> None:
    project = project_with(tmp_path, 'salt = "demo"')
    ended = measure(project, command)
    assert ended.exit_code == 2
    assert f'measure.toml:17: salt = "demo" in [privacy], but the stack {STACK} has no demo salt' in told(ended)
    assert SALT_VARIABLE in ended.stderr
    assert not (project / "warehouse").exists()


def test_the_salt_of_the_environment_may_be_said(tmp_path: Path) -> None:
    project = project_with(tmp_path, 'salt = "environment"')
    assert measure(project, "build", salt=None).exit_code == 2
    assert measure(project, "build").exit_code == 0


@pytest.fixture(scope="module")
def initialised(tmp_path_factory: pytest.TempPathFactory) -> Workshop:
    folder = tmp_path_factory.mktemp("init")
    ended = Workshop(folder).run("init", "wallets", "--stack", "gnosis")
    assert ended.exit_code == 0, ended.stderr
    return Workshop(hand_on("gnosis", folder / "wallets"), "warehouse/wallets.duckdb")


def test_a_new_project_builds_at_once(initialised: Workshop) -> None:
    """The pseudonyms in its sample data are those that the build makes, whatever the environment holds."""
    ended = measure(initialised.folder, "build", salt=OTHER_SALT)
    assert ended.exit_code == 0, ended.stderr
    line = initialised.read("measure.toml").splitlines().index("[privacy]") + 2
    assert f"measure.toml:{line}: pseudonyms are made with the public salt" in told(ended)
    assert DEMO_SALT not in ended.stderr
    kinds = "SELECT count(*) FROM intermediate.int_execution_gnosis_app_events_mixpanel_unified"
    ((count,),) = initialised.query(kinds)
    assert count > 0


def test_a_new_project_says_what_to_do_for_real_data(initialised: Workshop) -> None:
    text = initialised.read("measure.toml")
    (line,) = re.findall(r"^salt = .*$", text, re.MULTILINE)
    assert "remove this line" in line
    assert SALT_VARIABLE in line
    initialised.write("measure.toml", text.replace(line, ""))
    ended = measure(initialised.folder, "build", salt=None)
    assert ended.exit_code == 2
    assert f"{SALT_VARIABLE} is not set" in told(ended)
    initialised.write("measure.toml", text)


def test_a_stack_without_pseudonyms_has_no_such_table(tmp_path: Path) -> None:
    assert Workshop(tmp_path).run("init", "shop").exit_code == 0
    assert "[privacy]" not in (tmp_path / "shop/measure.toml").read_text(encoding="utf-8")


def test_the_json_of_a_build_is_one_document(initialised: Workshop) -> None:
    """The notice goes to stderr."""
    ended = measure(initialised.folder, "build", "--json", salt=None)
    assert json.loads(ended.stdout)["status"] == "success"


@pytest.mark.parametrize(("name", "status"), [("siphash64", "warn"), ("hmac-sha256", "pass")])
def test_pseudonyms_made_elsewhere_with_another_hash_are_noticed(initialised: Workshop, name: str, status: str) -> None:
    """The sample data brings pseudonyms along; a build with another hash would drop their events without a word."""
    text = initialised.read("measure.toml")
    initialised.write("measure.toml", text.replace("[privacy]", f'[privacy]\nhash = "{name}"'))
    ended = measure(initialised.folder, "build", "--full", "--json", salt=None)
    initialised.write("measure.toml", text)
    assert ended.exit_code == 0, ended.stderr
    model = "int_execution_gnosis_app_events_mixpanel_unified"
    assert ended.audits[model, "gnosis_app_mixpanel_users_are_known"]["status"] == status

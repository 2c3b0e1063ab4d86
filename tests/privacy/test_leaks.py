"""Every way in which an identifier was ever carried out of a bridge is refused, with the way it took."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from textwrap import indent

import pytest

from measure_cli.errors import PlanError, ProjectError
from measure_cli.privacy import tainted
from tests.privacy.project import FILES, STACK, load_project

TABLE = "{{ config(materialized='table') }}\n"
EPHEMERAL = "{{ config(materialized='ephemeral') }}\n"
INTERNAL = "{{ config(materialized='table', internal_only=true) }}\n"
FROM_BRIDGE = "FROM {{ ref('bridge') }} AS bridge"
TO_BRIDGE = "source.users.address -> bridge.address"


def table(select: str) -> Mapping[str, str]:
    return {"marts/fct_x.sql": f"{TABLE}SELECT {select}"}


# name -> files, the way to the leak
LEAKS: dict[str, tuple[Mapping[str, str], str]] = {
    "renamed": (table(f"address AS contact {FROM_BRIDGE}"), f"{TO_BRIDGE} -> fct_x.contact"),
    "from the source": (table("taker AS who FROM {{ source('swaps') }}"), "source.swaps.taker -> fct_x.who"),
    "star": (table(f"bridge.* {FROM_BRIDGE}"), f"{TO_BRIDGE} -> fct_x.address"),
    "md5": (table(f"md5(address) AS k {FROM_BRIDGE}"), f"{TO_BRIDGE} -> fct_x.k"),
    "sha256": (table(f"substr(sha256(lower(address)), 1, 16) AS k {FROM_BRIDGE}"), f"{TO_BRIDGE} -> fct_x.k"),
    "concatenation": (table(f"'u:' || user_pseudonym || ':' || address AS k {FROM_BRIDGE}"), f"{TO_BRIDGE} -> fct_x.k"),
    "case": (table(f"CASE WHEN country = 'de' THEN address END AS k {FROM_BRIDGE}"), f"{TO_BRIDGE} -> fct_x.k"),
    "condition": (table(f"CASE WHEN address = '0xaa' THEN 1 END AS k {FROM_BRIDGE}"), f"{TO_BRIDGE} -> fct_x.k"),
    "aggregate": (table(f"country, max(address) AS k {FROM_BRIDGE} GROUP BY country"), f"{TO_BRIDGE} -> fct_x.k"),
    "join key": (
        table(
            "swaps.taker AS k FROM {{ source('swaps') }} AS swaps "
            "INNER JOIN {{ ref('bridge') }} AS bridge ON bridge.address = swaps.taker"
        ),
        "source.swaps.taker -> fct_x.k",
    ),
    "join key by USING": (
        {
            "internal/wallets.sql": f"{INTERNAL}SELECT lower(taker) AS address, amount FROM {{{{ source('swaps') }}}}",
            **table("address AS k FROM {{ ref('bridge') }} INNER JOIN {{ ref('wallets') }} USING (address)"),
        },
        f"{TO_BRIDGE} -> fct_x.k",
    ),
    "struct": (table(f"{{'a': address}} AS k {FROM_BRIDGE}"), f"{TO_BRIDGE} -> fct_x.k"),
    "list": (table(f"unnest([address]) AS k {FROM_BRIDGE}"), f"{TO_BRIDGE} -> fct_x.k"),
    "window": (
        table(
            "first_value(address) OVER (PARTITION BY country ORDER BY address ROWS UNBOUNDED PRECEDING) AS k "
            f"{FROM_BRIDGE}"
        ),
        f"{TO_BRIDGE} -> fct_x.k",
    ),
    "window key": (table(f"row_number() OVER (ORDER BY address) AS k {FROM_BRIDGE}"), f"{TO_BRIDGE} -> fct_x.k"),
    "union branch": (
        table(f"user_pseudonym AS k {FROM_BRIDGE} UNION ALL SELECT address {FROM_BRIDGE}"),
        f"{TO_BRIDGE} -> fct_x.k",
    ),
    "scalar subquery": (
        table(f"day, (SELECT max(address) {FROM_BRIDGE}) AS k FROM {{{{ ref('fct_swaps') }}}}"),
        f"{TO_BRIDGE} -> fct_x.k",
    ),
    "cte": (
        {
            "marts/fct_x.sql": f"{TABLE}WITH a AS (SELECT address AS b {FROM_BRIDGE}), c AS (SELECT b AS d FROM a) "
            "SELECT d AS k FROM c"
        },
        f"{TO_BRIDGE} -> fct_x.k",
    ),
    "half through pseudonymize": (
        table(f"pseudonymize(address) || address AS k {FROM_BRIDGE}"),
        f"{TO_BRIDGE} -> fct_x.k",
    ),
    "ephemeral hop": (
        {
            "marts/eph.sql": f"{EPHEMERAL}SELECT address AS a, country {FROM_BRIDGE}",
            **table("a AS k FROM {{ ref('eph') }}"),
        },
        f"{TO_BRIDGE} -> eph.a -> fct_x.k",
    ),
    "two-hop table": (
        {
            "internal/hop.sql": f"{INTERNAL}SELECT upper(address) AS a {FROM_BRIDGE}",
            **table("a AS k FROM {{ ref('hop') }}"),
        },
        f"{TO_BRIDGE} -> hop.a -> fct_x.k",
    ),
    "incremental": (
        {
            "marts/fct_x.sql": "{{ config(materialized='incremental', time_column='day') }}\n"
            "SELECT day, taker AS k FROM {{ source('swaps') }}"
        },
        "source.swaps.taker -> fct_x.k",
    ),
    "columns()": (table(f"max(COLUMNS('addr.*')) AS k {FROM_BRIDGE}"), f"{TO_BRIDGE} -> fct_x.k"),
}


@pytest.mark.parametrize("name", LEAKS)
def test_a_leak_is_refused_with_its_way(name: str, tmp_path: Path) -> None:
    files, way = LEAKS[name]
    with pytest.raises(PlanError) as caught:
        load_project(tmp_path, files)
    column = way.rpartition(".")[2]
    assert caught.value.message == f"marts.fct_x is public, but its column {column} carries an identifier: {way}"
    assert "pseudonymize(" in str(caught.value.hint)
    assert caught.value.exit_code == 2


VIEWS: dict[str, tuple[Mapping[str, str], str]] = {
    "view over a bridge": (
        {"marts/v_x.sql": f"SELECT user_pseudonym {FROM_BRIDGE}"},
        "marts.v_x is a view over the internal relation bridge: v_x -> bridge",
    ),
    "view over a bridge by a filter": (
        {
            "marts/v_x.sql": "SELECT day FROM {{ ref('fct_swaps') }} "
            "WHERE user_pseudonym IN (SELECT user_pseudonym FROM {{ ref('bridge') }})"
        },
        "v_x -> bridge",
    ),
    "view over an ephemeral model over a bridge": (
        {
            "marts/eph.sql": f"{EPHEMERAL}SELECT user_pseudonym {FROM_BRIDGE}",
            "marts/v_x.sql": "SELECT user_pseudonym FROM {{ ref('eph') }}",
        },
        "v_x -> eph -> bridge",
    ),
    "two ephemeral hops": (
        {
            "marts/eph_a.sql": f"{EPHEMERAL}SELECT user_pseudonym {FROM_BRIDGE}",
            "marts/eph_b.sql": f"{EPHEMERAL}SELECT user_pseudonym FROM {{{{ ref('eph_a') }}}}",
            "marts/v_x.sql": "SELECT user_pseudonym FROM {{ ref('eph_b') }}",
        },
        "v_x -> eph_b -> eph_a -> bridge",
    ),
    "view over a source with identifiers": (
        {"marts/v_x.sql": "SELECT day FROM {{ source('swaps') }}"},
        "internal relation source.swaps: v_x -> source.swaps",
    ),
    "internal view over a bridge": (
        {"internal/v_x.sql": f"{{{{ config(internal_only=true) }}}}\nSELECT address {FROM_BRIDGE}"},
        "internal.v_x is a view over the internal relation bridge",
    ),
    "internal model in a public schema": (
        {"marts/fct_x.sql": f"{INTERNAL}SELECT address {FROM_BRIDGE}"},
        "marts.fct_x is internal_only, but the schema marts is public",
    ),
    "public model in the internal schema": (
        {"internal/x.sql": f"{TABLE}SELECT country {FROM_BRIDGE}"},
        "internal.x stands in the schema of internal relations, but is not internal_only",
    ),
    "pseudonyms in a view": (
        {"marts/v_x.sql": "SELECT pseudonymize(country) AS k FROM {{ ref('fct_swaps') }}"},
        "marts.v_x is a view that calls pseudonymize(); a view is run by its readers, who do not have the salt",
    ),
    "pseudonyms in an ephemeral model of a view": (
        {
            "marts/eph.sql": f"{EPHEMERAL}SELECT pseudonymize(country) AS k FROM {{{{ ref('fct_swaps') }}}}",
            "marts/v_x.sql": "SELECT k FROM {{ ref('eph') }}",
        },
        "marts.v_x is a view that calls pseudonymize(): v_x -> eph; a view",
    ),
    "registry of identifiers": (
        {
            "registries.yml": "registries:\n  - name: takers\n    description: Takers.\n    key: [name]\n"
            "    columns: [{name: name}, {name: slug}]\n    derived: {distinct: [swaps.taker]}\n"
        },
        "the registry takers is public, but derived from the identifier source.swaps.taker",
    ),
    "failures that are kept": (
        {
            "internal/schema.yml": "models:\n  - name: bridge\n    columns:\n      - name: address\n"
            "        data_tests:\n          - unique: {store_failures: true}\n"
        },
        "the audit unique(address) on bridge reads an internal relation, so its offending rows cannot be kept",
    ),
}


@pytest.mark.parametrize("name", VIEWS)
def test_what_would_show_internal_relations_is_refused(name: str, tmp_path: Path) -> None:
    files, words = VIEWS[name]
    with pytest.raises(PlanError) as caught:
        load_project(tmp_path, files)
    assert words in caught.value.message
    assert caught.value.hint


CLEAN: dict[str, Mapping[str, str]] = {
    "as it is": {},
    "pseudonyms made on the way": table("pseudonymize(taker) AS who, amount FROM {{ source('swaps') }}"),
    "identifiers in an ephemeral model, pseudonymized behind it": {
        "marts/eph.sql": f"{EPHEMERAL}SELECT lower(taker) AS a FROM {{{{ source('swaps') }}}}",
        **table("pseudonymize(a) AS who FROM {{ ref('eph') }}"),
    },
    "an internal hop": {
        "internal/hop.sql": f"{INTERNAL}SELECT address AS a, user_pseudonym AS p {FROM_BRIDGE}",
        **table("p FROM {{ ref('hop') }}"),
    },
    "identifiers that only decide the rows": table(
        "count(*) AS n FROM {{ source('swaps') }} AS s "
        "WHERE EXISTS (SELECT 1 FROM {{ ref('bridge') }} AS b WHERE b.address = s.taker) "
        "GROUP BY s.taker HAVING max(s.taker) > 'a'"
    ),
    "other columns of a bridge": table(f"country, count(*) AS n {FROM_BRIDGE} GROUP BY country"),
    "a view over a table of pseudonyms": {
        **table("pseudonymize(taker) AS who FROM {{ source('swaps') }}"),
        "marts/v_x.sql": "SELECT who FROM {{ ref('fct_x') }}",
    },
    "a view over a public table": {"marts/v_x.sql": "SELECT user_pseudonym FROM {{ ref('v_daily') }}"},
    "audits of a bridge": {
        "internal/schema.yml": "models:\n  - name: bridge\n    columns:\n"
        "      - {name: address, data_tests: [unique, not_null]}\n"
    },
    "an internal view over public relations": {
        "internal/v_x.sql": "{{ config(internal_only=true) }}\nSELECT day FROM {{ ref('fct_swaps') }}"
    },
}


@pytest.mark.parametrize("name", CLEAN)
def test_what_is_clean_passes(name: str, tmp_path: Path) -> None:
    load_project(tmp_path, CLEAN[name])


def test_what_is_tainted(tmp_path: Path) -> None:
    catalog = load_project(tmp_path, {})
    assert set(tainted(catalog)) == {("source.users", "address"), ("source.swaps", "taker"), ("bridge", "address")}


def test_every_leak_is_named_once_at_its_origin(tmp_path: Path) -> None:
    files = {
        "marts/fct_a.sql": f"{TABLE}SELECT address AS one, md5(address) AS two {FROM_BRIDGE}",
        "marts/fct_b.sql": f"{TABLE}SELECT one, two FROM {{{{ ref('fct_a') }}}}",
    }
    with pytest.raises(PlanError) as caught:
        load_project(tmp_path, files)
    assert caught.value.message.splitlines() == [
        f"marts.fct_a is public, but its column {column} carries an identifier: {TO_BRIDGE} -> fct_a.{column}"
        for column in ("one", "two")
    ]


def test_many_leaks_are_cut_short(tmp_path: Path) -> None:
    files = {f"marts/fct_{letter}.sql": f"{TABLE}SELECT address {FROM_BRIDGE}" for letter in "abcdefg"}
    with pytest.raises(PlanError) as caught:
        load_project(tmp_path, files)
    assert len(caught.value.message.splitlines()) == 6
    assert caught.value.message.endswith("and 2 more")


def test_a_leak_is_found_again_when_the_compiled_models_are_remembered(tmp_path: Path) -> None:
    for _ in range(2):
        with pytest.raises(PlanError, match="carries an identifier"):
            load_project(tmp_path, LEAKS["md5"][0])


def test_text_that_cannot_be_read_as_an_identifier_is_one(tmp_path: Path) -> None:
    sources = FILES[f"{STACK}/sources.yml"].replace(
        "{name: taker, data_type: varchar,", "{name: taker, data_type: bigint,"
    )
    files = {
        f"{STACK}/sources.yml": sources,
        "marts/fct_x.sql": f"{TABLE}SELECT _unreadable AS reason FROM {{{{ source('swaps') }}}}",
    }
    files |= {"marts/fct_swaps.sql": f"{TABLE}SELECT day, amount, 'x' AS user_pseudonym FROM {{{{ source('swaps') }}}}"}
    with pytest.raises(PlanError, match=r"source\.swaps\._unreadable -> fct_x\.reason"):
        load_project(tmp_path, files)


@pytest.mark.parametrize(
    ("file", "text", "words"),
    [
        (
            "marts/schema.yml",
            "models:\n  - name: fct_swaps\n    columns:\n      - {name: day, identifier: true}\n",
            "only sources have it",
        ),
        (
            "registries.yml",
            "registries:\n  - name: r\n    description: R.\n    key: [a]\n    columns: [{name: a, identifier: true}]\n",
            "only sources have it",
        ),
        (
            "sources.yml",
            "sources:\n  - name: users\n    columns:\n      - {name: address, identifier: 1}\n",
            "true or false",
        ),
        ("internal/bridge.sql", "{{ config(internal_only='yes') }}\nSELECT 1 AS a", '"internal_only" must be bool'),
    ],
)
def test_marks_are_checked(file: str, text: str, words: str, tmp_path: Path) -> None:
    with pytest.raises(ProjectError) as caught:
        load_project(tmp_path, {file: text})
    assert words in caught.value.message, indent(str(caught.value), "  ")

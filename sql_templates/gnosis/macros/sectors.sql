{#
Sectors: what differs between the app (gnosis_app) and its card wallets (gpay), whose relations carry identity_role.
#}

{# Name of the registry of a sector: conversion_kinds -> mta_conversion_kinds or mta_gp_conversion_kinds. #}
{% macro mta_registry(sector, name) -%}
{{ 'mta_gp_' if sector == 'gpay' else 'mta_' }}{{ name }}
{%- endmacro %}

{# Comma-separated literals of a list written in one registry cell, its parts separated by semicolons. #}
{% macro cell_literals(cell) -%}
{%- for part in cell.split(';') -%}
{{ literal(part.strip()) }}{{ ', ' if not loop.last }}
{%- endfor -%}
{%- endmacro %}

{# Rules that keep a conversion from crediting itself, as rows (conversion_kind, event_kind, rule), into the given list. A
   kind that is the conversion itself counts under that rule alone. #}
{% macro collect_exclusions(sector, exclusions) -%}
{%- set own_events = registry(mta_registry(sector, 'conversion_to_event_kind')) -%}
{%- set own_pairs = [] -%}
{%- for row in own_events -%}
{%- do own_pairs.append((row.conversion_kind, row.event_kind)) -%}
{%- do exclusions.append(dict(conversion_kind=row.conversion_kind, event_kind=row.event_kind, rule='own_event')) -%}
{%- endfor -%}
{%- for row in registry('mta_mechanical_precursors') if row.sector == sector -%}
{%- if (row.conversion_kind, row.event_kind) not in own_pairs -%}
{%- do exclusions.append(
  dict(conversion_kind=row.conversion_kind, event_kind=row.event_kind, rule='mechanical_precursor')
) -%}
{%- endif -%}
{%- endfor -%}
{%- endmacro %}

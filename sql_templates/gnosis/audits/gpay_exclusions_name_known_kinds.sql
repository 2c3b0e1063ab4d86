-- Offending rows: exclusions of kinds that no registry knows, and conversion kinds that would credit themselves.
{{ exclusions_with_unknown_kinds('gpay') }}

"""Text: Unicode, spaces, substrings, patterns, hashes, and text that is not what it should be."""

from __future__ import annotations

EXPRESSIONS = r"""
    lower(s) | upper(s) | lower(t) | upper(t) | length(s) | length(t) | trim(s) | ltrim(s) | rtrim(s) | trim(t)
    trim(s, ' ax') | ltrim(s, 'a') | rtrim(s, 'c') | nullif(trim(s), '') | lower(trim(s)) | substr(s, 1, 3)
    substr(s, 2) | substr(s, 0, 2) | substr(s, -3, 2) | substr(s, 3, 100) | substring(s FROM 2 FOR 2) | left(s, 2)
    right(s, 2) | left(s, 0) | left(s, -1) | right(s, -1) | right(s, 100) | replace(s, 'a', 'XX')
    replace(s, '', 'x') | replace(s, 'abc', '') | s || t | s || '-' || t | coalesce(s, '') || '|' || coalesce(t, '')
    concat(s, t) | concat(s, '-', t, NULL) | s || i | concat(i, s) | starts_with(s, 'a') | starts_with(s, '')
    strpos(s, 'b') | strpos(s, 'か') | strpos(s, '') | position('e' IN s) | md5(s) | sha256(s)
    substr(md5(coalesce(s, '') || '|' || i), 1, 8) | s LIKE 'a%' | s LIKE '%\%' | s LIKE 'a\b%' | s LIKE '_____'
    s LIKE '%か_' | s NOT LIKE '%a%' | s LIKE t | s LIKE '' | s LIKE '____-__-__' | s LIKE '%"x"' | s LIKE '%''%'
    s = 'it''s "x"' | s = 'a\b%c_d' | s < t | s > 'a' | s IN ('', 'abcabc') | s NOT IN ('', 'abcabc') | greatest(s, t)
    least(s, t) | regexp_matches(s, 'a.c') | regexp_matches(s, '^\d+$') | regexp_matches(s, 'end.line')
    regexp_matches(s, 'AB', 'i') | regexp_matches(s, '\p{L}') | regexp_matches(s, t)
    regexp_replace(s, 'b', 'X', 'g') | regexp_replace(s, '(a)(b)', '\2\1', 'g') | regexp_replace(s, '[^a-z]', '', 'g')
    regexp_replace(s, 'B', '', 'gi') | regexp_replace(s, '\s+', ' ', 'g') | nullif(regexp_extract(s, 'b.'), '')
    nullif(regexp_extract(s, '(\d+)-(\d+)', 2), '') | nullif(regexp_extract(s, 'ABC', 0, 'i'), '')
    nullif(regexp_extract(s, '(z)?a', 1), '') | try_cast(s AS DOUBLE) | try_cast(trim(t) AS DOUBLE)
    try_cast(t AS DOUBLE) | try_cast(s AS DECIMAL(18,2)) | try_cast(t AS DECIMAL(5,1))
    CASE WHEN s LIKE '____-__-__' THEN try_cast(s AS DATE) END
    CASE WHEN t LIKE '____-__-__' THEN try_cast(t AS DATE) END
    CASE WHEN s LIKE '____-__-__' THEN CAST(try_cast(s AS DATE) AS TIMESTAMP) END | CAST(s || '' AS VARCHAR) | 'a\nb'
    'tab	end' | '$name {x:String} ?' | 'it''s' | '' | '漢字' | 'a\\b' | e'a\nb\\c' | md5('') | lower('ÀÉ')
    upper('straße ŉ ǰ ﬁ') | lower('ĲǅẞΣ') | CASE WHEN s = '' THEN NULL ELSE s END | s IS NULL OR s = ''
    length('🤦🏼‍♂️') | substr('🤦🏼‍♂️a', 2, 2) | upper('ﬀﬁﬂ ΐ և ᾳ ὒ') | s BETWEEN 'a' AND 'b'
    coalesce(nullif(s, ''), t)
"""
TEXTS = {
    **{
        text: f"SELECT i, {text} AS v FROM measure_ref.texts"
        for line in EXPRESSIONS.strip("\n").splitlines()
        for text in map(str.strip, line.split(" | "))
    },
    "min and max": "SELECT min(s) AS a, max(s) AS b, count(DISTINCT lower(t)) AS n FROM measure_ref.texts",
    "grouped": "SELECT lower(t) AS k, count(*) AS n FROM measure_ref.texts GROUP BY 1",
    "distinct": "SELECT DISTINCT trim(s) AS k FROM measure_ref.texts",
    "ordered": "SELECT s FROM measure_ref.texts ORDER BY s NULLS LAST, i LIMIT 20",
    "ordered down": "SELECT s FROM measure_ref.texts ORDER BY s DESC NULLS LAST, i LIMIT 20",
    "joined": """
        SELECT a.i, b.i AS j FROM measure_ref.texts AS a
        INNER JOIN measure_ref.texts AS b ON lower(trim(a.s)) = lower(b.t)""",
    "parts joined": "SELECT string_agg(s, ' + ' ORDER BY i) AS v FROM measure_ref.texts",
    "parts joined down": """
        SELECT string_agg(DISTINCT lower(s), '''' ORDER BY lower(s) DESC) AS v FROM measure_ref.texts""",
}
# Numbers as people and programs write them, one row each.
NUMERALS = (
    "1", "-1", "+1", "1.", ".5", "-.5e-3", "1e5", "1E+5", "1e", "e5", "--1", "1 2", "0x10", "1,000", "1_000", "1__0",
    "_1",
    "nan", "NaN", "inf", "-Infinity", "infinity", "", " ", "\t7\n", "1e400", "-1e400", "1e-400", "00012", "1d", "12abc",
    "9007199254740993", "123456789012345678901234567890", "0.1e1_0", "١٢", "½", "1.5.2", ".", "+", "- 1", "1 ",
    "\u00a01",
)  # fmt: skip
_VALUES = ", ".join(f"({number}, '{text}')" for number, text in enumerate(NUMERALS))
for _type in ("DOUBLE", "DECIMAL(10,3)", "DECIMAL(38,2)"):
    TEXTS[f"numerals as {_type}"] = f"SELECT n, try_cast(s AS {_type}) AS v FROM (VALUES {_VALUES}) AS t(n, s)"
WORDS = (
    "true",
    "T",
    "1",
    "yes",
    "Y",
    "false",
    "f",
    "0",
    "no",
    "N",
    "on",
    "off",
    " true ",
    "2",
    "",
    "tru",
    "TRUE",
    "00",
)
_VALUES = ", ".join(f"({number}, '{text}')" for number, text in enumerate(WORDS))
TEXTS["words as booleans"] = f"SELECT n, try_cast(s AS BOOLEAN) AS v FROM (VALUES {_VALUES}) AS t(n, s)"
STAMPS = (
    "2024-02-29", "2023-02-29", "2024-2-9", "2024/02/29", " 2024-02-29 ", "20240229", "2024-02-29 10:11",
    "2024-02-29 10:11:12",
    "2024-02-29T10:11:12", "2024-02-29 10:11:12.5", "2024-02-29 10:11:12.1234567", "2024-02-29T10:11:12Z",
    "2024-02-29 10:11:12+02", "2024-02-29 10:11:12+02:30", "2024-02-29 24:00:00", "2024-02-29 10:60:00", "0001-01-01",
    "9999-12-31", "10000-01-01", "1500-02-28", "2024-00-10", "2024-13-01", "2024-01-32", "", "x", "2024-02-29x",
    "29.02.2024",
    "2024-02-29 10", "2024-02-29 1:02:03", "epoch", "infinity", "2024-02", "-2024-01-01", "2024-02-29 ", "2024-1 -01",
    "24-01-01",
    "2024-02-29 10:11:12 UTC", "2024-02-29 24:00:01", " 024-02-01", "   4-01-01", "2024- 1-01", "+024-01-01",
    "1 00-01-01",
    "2024-02-29 10:11:60", "2024-02-30 10:11:12", "2024-02-29 25:00:00", "2024-02-29 10:11:12.", "2024-02-29 10:11:12 ",
)  # fmt: skip
_VALUES = ", ".join(f"({number}, '{text}')" for number, text in enumerate(STAMPS))
_DAY, _CLOCK = "s LIKE '____-__-__'", "s LIKE '____-__-__ __:__:__%' OR s LIKE '____-__-__T__:__:__%'"
for _name, _test, _type in (
    ("days as dates", _DAY, "DATE"),
    ("stamps as timestamps", _CLOCK, "TIMESTAMP"),
):
    TEXTS[_name] = (
        f"SELECT n, CASE WHEN {_test} THEN try_cast(s AS {_type}) END AS v FROM (VALUES {_VALUES}) AS t(n, s)"
    )

"""The portable style: constructs on which engines disagree, each with what to write instead.

A finding is a hint, not a proof: a rule looks at one node and its surroundings, and knows values only by their types.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from sqlglot import exp

from measure_cli.dialects.compiled import LintFinding
from measure_cli.dialects.lint_numbers import NUMBER_RULES
from measure_cli.dialects.lint_queries import QUERY_RULES
from measure_cli.dialects.lint_rule import LintRule
from measure_cli.dialects.lint_values import VALUE_RULES
from measure_cli.dialects.reader import line_of

_ALL = QUERY_RULES + VALUE_RULES + NUMBER_RULES
RULES: Mapping[str, str] = {rule.name: rule.description for rule in _ALL}
"""Every rule: name -> why it is there."""


def lint(tree: exp.Expr) -> tuple[LintFinding, ...]:
    """Findings of the rules that need no more than the tree as its author wrote it, by line."""
    return _findings(tree, resolved=False)


def lint_resolved(tree: exp.Expr) -> tuple[LintFinding, ...]:
    """Findings of the rules that need resolved names and annotated types, by line."""
    return _findings(tree, resolved=True)


def in_order(findings: Iterable[LintFinding]) -> tuple[LintFinding, ...]:
    """Findings by line, each said once: resolution copies an expression to where its alias is used."""
    return tuple(sorted(dict.fromkeys(findings), key=lambda finding: (finding.line or 0, finding.rule)))


def _findings(tree: exp.Expr, resolved: bool) -> tuple[LintFinding, ...]:
    found = []
    rules: dict[type[exp.Expr], list[LintRule]] = {}
    for node in tree.walk():
        node_class = type(node)
        if node_class not in rules:
            rules[node_class] = [rule for rule in _ALL if rule.resolved is resolved and isinstance(node, rule.on)]
        for rule in rules[node_class]:
            if complaint := rule.check(node):
                message, fix = complaint
                found.append(LintFinding(rule.name, line_of(node), message, fix))
    return in_order(found)

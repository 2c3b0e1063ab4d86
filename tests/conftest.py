"""What tests report of themselves is told at the end of a run: a test records it as its property `soak`."""

from __future__ import annotations

import pytest


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    for report in terminalreporter.getreports("passed"):
        for name, value in report.user_properties:
            if name == "soak" and report.when == "call":
                terminalreporter.write_line(f"{report.nodeid}: {value}")

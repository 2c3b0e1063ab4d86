"""A script in ClickHouse's own shell, as far as it runs here: chDB in a fresh folder, secrets as parameters.

PII_IPAD=... PII_OPAD=... python -m tests.warehouses.chdb_script SCRIPT FOLDER
"""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import Any

from chdb.session import Session

if __name__ == "__main__":
    parameters = {name.lower(): value for name, value in os.environ.items() if name.startswith("PII_")}
    session: Any = Session(sys.argv[2])  # type: ignore[no-untyped-call]  # chdb declares no types
    session.query(Path(sys.argv[1]).read_text(encoding="utf-8"), "CSV", params=parameters)
    session.close()

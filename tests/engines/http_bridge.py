"""ClickHouse over HTTP: chDB behind the interface of a server, in a process of its own.

`python -m tests.engines.http_bridge FOLDER` prints its port. The engine is real; the bridge only carries requests to
it: settings, parameters, external tables and inserted data. It notes everything that a server would write into its log
of queries. A query that says `break the connection` ends without an answer.
"""

from __future__ import annotations

import base64
import json
import re
import socket
import subprocess
import sys
import tempfile
from dataclasses import dataclass
from email import message_from_bytes
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

USER, PASSWORD = "ann", "it's a pass:word/ü"
LOG = "queries.log"
BREAK = "break the connection"
OF_THE_TRANSPORT = re.compile(
    "query|query_id|database|session_(id|check|timeout)|compress|decompress|wait_end_of_query|client_protocol_version|"
    "buffer_size|send_progress_in_http_headers|http_headers_progress_interval_ms|enable_http_compression|param_.*|"
    "measure_secret_.*|default_format|cancel_http_readonly_queries_on_client_close"
)
CODE = re.compile(r"Code: (\d+)")
REFUSED = "Code: 516. DB::Exception: ann: Authentication failed. (AUTHENTICATION_FAILED)"


@dataclass(frozen=True)
class Bridge:
    """A running bridge."""

    process: subprocess.Popen[str]
    port: int
    folder: Path

    def log(self) -> str:
        """All that a server's log of queries would hold."""
        return (self.folder / LOG).read_text(encoding="utf-8")

    def stop(self) -> None:
        self.process.kill()
        self.process.communicate()


def start(folder: Path) -> Bridge:
    """Start a bridge on an empty folder."""
    folder.mkdir(parents=True, exist_ok=True)
    command = [sys.executable, "-m", "tests.engines.http_bridge", str(folder)]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True, cwd=Path(__file__).parents[2])
    assert process.stdout is not None
    return Bridge(process, int(process.stdout.readline()), folder)


class Handler(BaseHTTPRequestHandler):
    """One request, one handle of chDB."""

    protocol_version = "HTTP/1.1"
    folder: Path

    def do_GET(self) -> None:
        self.answer()

    def do_POST(self) -> None:
        self.answer()

    def log_message(self, *_: Any) -> None:
        """Be silent."""

    def answer(self) -> None:
        is_chunked = "Transfer-Encoding" in self.headers
        body = self.chunks() if is_chunked else self.rfile.read(int(self.headers.get("Content-Length") or 0))
        given = {key: values[-1] for key, values in parse_qs(urlsplit(self.path).query, keep_blank_values=True).items()}
        expected = "Basic " + base64.b64encode(f"{USER}:{PASSWORD}".encode()).decode()
        if self.headers.get("Authorization") != expected:
            return self.send(403, REFUSED.encode(), "516")
        if BREAK in given.get("query", "") + body.decode(errors="replace"):
            self.close_connection = True
            self.connection.shutdown(socket.SHUT_RDWR)
            return None
        try:
            return self.send(200, self.run(given, body))
        except RuntimeError as error:
            found = CODE.search(str(error))
            return self.send(500, str(error).encode(), found.group(1) if found else "1000")

    def chunks(self) -> bytes:
        parts = []
        while size := int(self.rfile.readline().strip(), 16):
            parts.append(self.rfile.read(size))
            self.rfile.readline()
        self.rfile.readline()
        return b"".join(parts)

    def send(self, status: int, body: bytes, code: str | None = None) -> None:
        self.send_response(status)
        self.send_header("Content-Length", str(len(body)))
        self.send_header("X-ClickHouse-Format", "Native")
        if code:
            self.send_header("X-ClickHouse-Exception-Code", code)
        self.end_headers()
        self.wfile.write(body)

    def run(self, given: dict[str, str], body: bytes) -> bytes:
        files = self.files(body)
        query, data = (given["query"], body) if "query" in given else (body.decode(), b"")
        connection = opened(str(self.folder / "data"))
        try:
            for name, value in given.items():
                if not OF_THE_TRANSPORT.fullmatch(name):
                    connection.query(f"SET {name} = {quoted(value)}")
            for name, content in files.items():
                connection.query(f"CREATE TEMPORARY TABLE {name} ({given[f'{name}_structure']})")
                connection.query(f"INSERT INTO {name} SELECT {{v:String}}", params={"v": content})
            values = {name[len("param_") :]: value for name, value in given.items() if name.startswith("param_")}
            with (self.folder / LOG).open("a", encoding="utf-8") as log:
                log.write(json.dumps([query, values], ensure_ascii=False) + "\n")
            if data and not files:
                return self.insert(connection, query, data)
            answer: bytes = connection.query(query, "TabSeparated", params=values).bytes() or b""
            return answer
        finally:
            connection.close()

    def insert(self, connection: Any, query: str, data: bytes) -> bytes:
        head, _, data_format = query.rpartition(" FORMAT ")
        with tempfile.NamedTemporaryFile() as file:
            file.write(data)
            file.flush()
            connection.query(f"{head} FROM INFILE {quoted(file.name)} FORMAT {data_format}")
        return b""

    def files(self, body: bytes) -> dict[str, str]:
        """The external tables of a request."""
        kind = self.headers.get("Content-Type", "")
        if not kind.startswith("multipart/form-data"):
            return {}
        message = message_from_bytes(f"Content-Type: {kind}\r\n\r\n".encode() + body)
        parts = [part for part in message.walk() if not part.is_multipart()]
        return {
            str(part.get_param("name", header="Content-Disposition")): bytes(part.get_payload(decode=True)).decode()
            for part in parts
        }


def opened(folder: str) -> Any:
    import chdb

    return chdb.connect(folder)  # type: ignore[no-untyped-call]  # chdb has no types


def quoted(text: str) -> str:
    return "'" + text.replace("\\", "\\\\").replace("'", "\\'") + "'"


if __name__ == "__main__":
    Handler.folder = Path(sys.argv[1])
    (Handler.folder / LOG).touch()
    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    anchor = opened(str(Handler.folder / "data"))  # as long as one handle is open, the engine is
    print(server.server_port, flush=True)
    server.serve_forever()

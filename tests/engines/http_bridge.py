"""ClickHouse over HTTP: chDB behind the interface of a server, in a process of its own.

`python -m tests.engines.http_bridge FOLDER` prints its port. The engine is real; the bridge only carries requests to
it: settings, parameters, external tables, sessions and inserted data. It keeps a log of queries, as servers do, and
notes the first line and the headers of every request. A query that says `break the connection` ends without an answer;
one that names `losing_answers` runs, and ends without an answer when it is sent for the first time.
"""

from __future__ import annotations

import base64
import re
import socket
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from email import message_from_bytes
from email.message import Message
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any, ClassVar
from urllib.parse import parse_qs, unquote_plus, urlsplit

USER, PASSWORD = "ann", "it's a pass:word/ü"
LOG = "requests.log"
CONFIG = """<clickhouse>
  <query_log><database>system</database><table>query_log</table></query_log>
</clickhouse>
"""
LONGEST_FIELD = 128 * 1024  # what a server takes in a field of a URL or a form
BREAK = "break the connection"
LOSING = "losing_answers"
OF_THE_TRANSPORT = re.compile(
    "query|query_id|database|session_(id|check|timeout)|compress|decompress|wait_end_of_query|client_protocol_version|"
    "buffer_size|send_progress_in_http_headers|http_headers_progress_interval_ms|enable_http_compression|param_.*|"
    "measure_values_(structure|format)|default_format|cancel_http_readonly_queries_on_client_close"
)
CODE = re.compile(r"Code: (\d+)")
REFUSED = "Code: 516. DB::Exception: ann: Authentication failed. (AUTHENTICATION_FAILED)"


@dataclass(frozen=True)
class Bridge:
    """A running bridge."""

    process: subprocess.Popen[str]
    port: int
    folder: Path

    def requests(self) -> str:
        """What stood in front of the bodies of all requests."""
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
    lost: ClassVar[set[str]] = set()
    sessions: ClassVar[dict[str, Any]] = {}
    lock: ClassVar[threading.Lock] = threading.Lock()

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
        authorization = self.headers.get("Authorization")
        del self.headers["Authorization"]
        self.note()
        if authorization != expected:
            return self.send(403, REFUSED.encode(), "516")
        fields, files = self.parts(body)
        query = given.get("query", "") + (fields.get("query", "") if fields or files else body.decode(errors="replace"))
        if BREAK in query:
            return self.hang_up()
        if LOSING in query and query not in self.lost:
            self.lost.add(query)
            self.run(given, body)
            return self.hang_up()
        try:
            return self.send(200, self.run(given, body))
        except RuntimeError as error:
            found = CODE.search(str(error))
            return self.send(500, str(error).encode(), found.group(1) if found else "1000")

    def hang_up(self) -> None:
        self.close_connection = True
        self.connection.shutdown(socket.SHUT_RDWR)

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

    def note(self) -> None:
        with self.lock, (self.folder / LOG).open("a", encoding="utf-8") as log:
            log.write(f"{unquote_plus(self.path)}\n{self.headers}")

    def run(self, given: dict[str, str], body: bytes) -> bytes:
        fields, files = self.parts(body)
        if any(len(value.encode()) > LONGEST_FIELD for value in (*given.values(), *fields.values())):
            raise RuntimeError("Code: 1000. DB::Exception: HTML Form Exception: Field value too long. (POCO_EXCEPTION)")
        query = given.get("query", "") + fields.get("query", "")
        data = b"" if fields or files else body
        values = {name[len("param_") :]: value for name, value in given.items() if name.startswith("param_")}
        with self.session(given.get("session_id")) as connection:
            settings = (item for item in given.items() if not OF_THE_TRANSPORT.fullmatch(item[0]))
            if told := ", ".join(f"{name} = {quoted(value)}" for name, value in settings):
                connection.query(f"SET {told}")
            for name, content in files.items():
                connection.query(f"CREATE TEMPORARY TABLE {name} ({given[f'{name}_structure']})")
                connection.query(f"INSERT INTO {name} FORMAT {given[f'{name}_format']}\n{content}")
            text = query.encode() + b"\n" * bool(query and data) + data
            answer: bytes = connection.query(text, "TabSeparated", params=values).bytes() or b""
            return answer

    @contextmanager
    def session(self, name: str | None) -> Iterator[Any]:
        """A handle for one request, or that of a session."""
        if name:
            with self.lock:
                yield self.sessions.setdefault(name, opened(self.folder))
            return
        connection = opened(self.folder)
        try:
            yield connection
        finally:
            connection.close()

    def parts(self, body: bytes) -> tuple[dict[str, str], dict[str, str]]:
        """The fields of a form, and its files, which are external tables."""
        kind = self.headers.get("Content-Type", "")
        if not kind.startswith("multipart/form-data"):
            return {}, {}
        message = message_from_bytes(f"Content-Type: {kind}\r\n\r\n".encode() + body)
        parts = [part for part in message.walk() if not part.is_multipart()]
        return (
            {name_of(part): content_of(part) for part in parts if not part.get_filename()},
            {name_of(part): content_of(part) for part in parts if part.get_filename()},
        )


def name_of(part: Message) -> str:
    return str(part.get_param("name", header="Content-Disposition"))


def content_of(part: Message) -> str:
    return bytes(part.get_payload(decode=True)).decode()


def opened(folder: Path) -> Any:
    import chdb

    return chdb.connect(f"{folder / 'data'}?config-file={folder / 'config.xml'}")  # type: ignore[no-untyped-call]


def quoted(text: str) -> str:
    return "'" + text.replace("\\", "\\\\").replace("'", "\\'") + "'"


if __name__ == "__main__":
    Handler.folder = Path(sys.argv[1])
    (Handler.folder / LOG).touch()
    (Handler.folder / "config.xml").write_text(CONFIG, encoding="utf-8")
    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    anchor = opened(Handler.folder)  # as long as one handle is open, the engine is
    print(server.server_port, flush=True)
    server.serve_forever()

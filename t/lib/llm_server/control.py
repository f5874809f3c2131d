# SPDX-License-Identifier: BSD-2-Clause
"""The control connection: how a test tells the servers what to do.

    POST /rules    a list, see behaviour; it takes the place of the last one
    POST /gate     {"name": …, "level": N} or {"name": …, "by": N}; with
                   neither the gate is open for good.  Answers the level.
    GET /streams   the answers that have begun and not ended
"""

import http.server
import json
import threading


class Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    timeout = 300

    def log_message(self, *args):
        """The log is that of the servers."""

    def do_GET(self):
        self.answer(200, self.server.subject.streams())

    def do_POST(self):
        size = int(self.headers.get("content-length") or 0)
        subject = self.server.subject

        try:
            value = json.loads(self.rfile.read(size))

            if self.path == "/rules":
                subject.rules.set(value)
                self.answer(200, {})
            elif self.path == "/gate":
                self.answer(200, {"level": subject.gates.raise_to(
                    value["name"], value.get("level"), value.get("by"))})
            else:
                self.answer(404, {"error": "no such path"})
        except (ValueError, KeyError, AttributeError) as error:
            self.answer(400, {"error": str(error)})

    def answer(self, status, value):
        body = json.dumps(value).encode()
        self.send_response(status)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)


class Control(http.server.ThreadingHTTPServer):
    daemon_threads = True
    request_queue_size = 256

    def __init__(self, subject):
        super().__init__(("127.0.0.1", 0), Handler)
        self.subject = subject

    def start(self):
        threading.Thread(target=self.serve_forever, args=(60,),
                         daemon=True).start()

        return self.server_address[1]

    def handle_error(self, request, client_address):
        """A test that goes away is no error here."""

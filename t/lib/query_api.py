# SPDX-License-Identifier: BSD-2-Clause
"""What the servers have in common that speak the query protocol of AWS on
127.0.0.1: forms that are posted, signatures, a state in DIR/state and a log.

    SERVER DIR [CERT KEY]
"""

import http.server
import json
import os
import ssl
import sys
import threading
import time
import urllib.parse
import uuid
from xml.sax.saxutils import escape

from sigv4_verifier import verify, wire


class Fault(Exception):
    """An error of the API."""

    def __init__(self, status, code, message):
        super().__init__(code)
        self.status = status
        self.code = code
        self.message = message


class Server(http.server.ThreadingHTTPServer):
    daemon_threads = True
    request_queue_size = 256

    def __init__(self, shared, handler, context=None):
        super().__init__(("127.0.0.1", 0), handler)
        self.shared = shared

        if context is not None:
            self.socket = context.wrap_socket(
                self.socket, server_side=True, do_handshake_on_connect=False)

    def handle_error(self, request, client_address):
        """Clients that go away are no error here."""


class Shared:
    """What the ports have in common."""

    def __init__(self, directory):
        self.directory = directory
        self.lock = threading.Lock()
        self.given = {}
        self.served = 0

    def state(self):
        with open(self.directory + "/state", encoding="utf-8") as file:
            return json.load(file)

    def log(self, record):
        with self.lock, open(self.directory + "/log", "a",
                             encoding="ascii") as file:
            file.write(json.dumps(record) + "\n")

    def action(self, state):
        with self.lock:
            self.served += 1
            actions = state.get("actions", [])

            if self.served <= len(actions):
                return actions[self.served - 1]

        return state.get("action") or {}


class Handler(http.server.BaseHTTPRequestHandler):
    """Gives each request to serve() of a class of its own."""

    protocol_version = "HTTP/1.1"
    timeout = 60

    def log_message(self, *args):
        """The log of the server is another one."""

    def handle_one_request(self):
        """Keep the head as it came, for the verifier."""
        self.rfile = Recorder(self.rfile)
        super().handle_one_request()
        self.close_connection = True

    def do_GET(self):
        self.serve()

    def do_POST(self):
        self.serve()

    def serve(self):
        raise NotImplementedError

    def parse(self, body):
        if self.command != "POST" or not self.headers.get(
                "content-type", "").startswith(
                    "application/x-www-form-urlencoded"):
            raise Fault(400, "InvalidAction", "not a form that is posted")

        pairs = urllib.parse.parse_qsl(
            body.decode("ascii"), keep_blank_values=True,
            strict_parsing=True, errors="strict")

        if len(dict(pairs)) != len(pairs):
            raise Fault(400, "MalformedInput", "a parameter comes twice")

        return dict(pairs)

    def verified(self, head, body, keys, service, region):
        """The id of the key that has signed for a region, if one is set."""
        policy = verify.Policy(
            verify.Keys([verify.Key(*(part.encode() for part in key))
                         for key in keys]),
            [(self.headers.get("host", ""), service, region)]
            if region else [])

        try:
            return verified(head, body, policy)
        except wire.Refusal as refusal:
            raise Fault(403, "SignatureDoesNotMatch", "%s %s" % (
                refusal.reason, refusal.detail)) from refusal

    def reply(self, status, body, cut=None):
        body = body.encode()
        self.send_response(status)
        self.send_header("Content-Type", "text/xml")
        self.send_header("Content-Length", str(len(body)))
        self.send_header("x-amzn-RequestId", str(uuid.uuid4()))
        self.end_headers()
        self.wfile.write(body[:cut])


class Recorder:
    """A file whose lines are kept: the head of the request."""

    def __init__(self, file):
        self.file = file
        self.recorded = b""

    def readline(self, *args):
        line = self.file.readline(*args)
        self.recorded += line
        return line

    def __getattr__(self, name):
        return getattr(self.file, name)


ERROR = """<ErrorResponse xmlns="{namespace}">
  <Error>
    <Type>Sender</Type>
    <Code>{code}</Code>
    <Message>{message}</Message>
  </Error>
  <RequestId>{request}</RequestId>
</ErrorResponse>
"""


def error_document(fault, namespace):
    return ERROR.format(namespace=namespace, code=fault.code,
                        message=escape(fault.message), request=uuid.uuid4())


def verified(raw, body, policy):
    """The id of the key that has signed, or a Refusal."""
    head = wire.Head(raw)
    head.parse()
    claim = verify.Verification(head, policy)
    claim.check_head()
    content = claim.body()
    content.feed(body)
    claim.finish(content)

    return claim.access_key_id.decode()


def watch(parent):
    while os.getppid() == parent:
        time.sleep(0.5)

    os._exit(0)


def start(server, file):
    with open(file + ".new", "w", encoding="ascii") as out:
        out.write("%d\n" % server.server_address[1])

    os.rename(file + ".new", file)
    threading.Thread(target=server.serve_forever, args=(60,)).start()


def main(handler):
    parent = os.getppid()
    directory = sys.argv[1]
    shared = Shared(directory)

    threading.Thread(target=watch, args=(parent,), daemon=True).start()

    if len(sys.argv) > 2:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(*sys.argv[2:4])
        start(Server(shared, handler, context), directory + "/tls")

    start(Server(shared, handler), directory + "/port")

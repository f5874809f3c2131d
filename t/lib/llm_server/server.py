# SPDX-License-Identifier: BSD-2-Clause
"""Listeners of all kinds, one thread a connection, and their log."""

import base64
import itertools
import socket
import ssl
import threading
import time

from sigv4_verifier import answer as aws_answer
from sigv4_verifier import wire

from . import reply
from .gates import PeerGone
from .question import Question

IDLE = 300
KEEP = 1 << 16


class Listener:
    """A server of one kind under one name, with TLS or without."""

    def __init__(self, name, access, context=None):
        self.name = name
        self.kind = access.kind
        self.access = access
        self.context = context


class Server:
    """What all listeners share."""

    def __init__(self, log, rules, gates, models):
        self.log = log
        self.rules = rules
        self.gates = gates
        self.models = models
        self.connections = itertools.count(1)
        self.requests = itertools.count(1)
        self.lock = threading.Lock()
        self.open = {}

    def listen(self, listener):
        """Bind a free port of loopback, and give it."""
        sock = socket.socket()
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        sock.bind(("127.0.0.1", 0))
        sock.listen(1024)
        start(self._accept, sock, listener)

        return sock.getsockname()[1]

    def _accept(self, sock, listener):
        while True:
            peer, _ = sock.accept()
            start(self._serve, peer, listener)

    def _serve(self, sock, listener):
        try:
            sock.settimeout(IDLE)
            sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)

            if listener.context is not None:
                sock = listener.context.wrap_socket(sock, server_side=True)

            connection = Connection(self, sock, listener)

            while connection.one():
                pass
        except (OSError, ssl.SSLError, wire.Closed):
            pass
        finally:
            sock.close()

    def streams(self):
        """Every answer that has begun and not ended, for the test."""
        with self.lock:
            return list(self.open.values())


def start(function, *args):
    threading.Thread(target=function, args=args, daemon=True).start()


class Connection:
    """The requests of one connection, one after the other."""

    def __init__(self, server, sock, listener):
        self.server = server
        self.sock = sock
        self.listener = listener
        self.number = next(server.connections)
        self.reader = wire.Reader(sock)

    def one(self):
        """Read, check, log and answer; False ends the connection."""
        head = wire.read_head(self.reader)
        number = next(self.server.requests)
        refusal = claim = None
        body = b""

        try:
            head.parse()
            claim = self.listener.access.claim(head, self.secure)
        except wire.Refusal as caught:
            refusal = caught

        action = self._early(head)

        if action is not None:
            self._log(head, number, None, action, {"verdict": "unread"})
            return False

        if refusal is None:
            body, content, refusal = self._body(head, claim)

        record = self._record(head, number, claim, body)

        if refusal is None:
            try:
                self.listener.access.finish(record, claim, content)
                record.update(claim.report() if claim else {})
            except wire.Refusal as caught:
                refusal = caught

        return self._answer(head, number, record, body, refusal)

    @property
    def secure(self):
        return self.listener.context is not None

    def _early(self, head):
        """The action of a test that wants no body, or None."""
        return self.server.rules.early(self._facts(head, None, None))

    def _body(self, head, claim):
        """The bytes, what they were fed to, and what is wrong with them;
        the body is read to its end whatever that is."""
        refusal = content = None
        pieces = []

        try:
            content = self.listener.access.check_head(head, claim)
        except wire.Refusal as caught:
            refusal = caught

        if b"100-continue" in head.tokens(b"expect"):
            self.sock.sendall(b"HTTP/1.1 100 Continue\r\n\r\n")

        try:
            for data in wire.body(self.reader, head):
                pieces.append(data)

                if content is not None:
                    content.feed(data)
        except wire.Refusal as caught:
            refusal = refusal or caught

        return b"".join(pieces), content, refusal

    def _facts(self, head, question, record):
        return {"listener": self.listener.name,
                "model": question.model if question else None,
                "region": record.get("region") if record else None,
                "target": head.target.decode("latin-1")}

    def _record(self, head, number, claim, body):
        text = lambda value: value.decode("latin-1")
        record = {
            "type": "request", "id": number, "listener": self.listener.name,
            "kind": self.listener.kind, "connection": self.number,
            "tls": self.secure, "arrived": time.time(),
            "verdict": "ok", "reason": "", "detail": "",
            "method": text(head.method), "target": text(head.target),
            "version": head.version,
            "headers": [[text(n), text(v)] for n, v in head.headers],
            "body_length": len(body),
            "body_sha256": reply.sha256(body),
        }

        if claim is not None:
            record.update(claim.report())

        if len(body) <= KEEP:
            try:
                record["body"] = body.decode("utf-8")
            except UnicodeDecodeError:
                record["body_base64"] = base64.b64encode(body).decode()

        return record

    def _log(self, head, number, record, action, more=None):
        record = record or self._record(head, number, None, b"")
        record.update(more or {})
        record["action"] = action
        self.server.log.write(record)

    def _answer(self, head, number, record, body, refusal):
        question = Question(self.listener.kind, head, body)
        images = question.images() if question.json is not None else []
        record.update(operation=question.operation, model=question.model,
                      dialect=question.dialect, stream=question.stream,
                      images=len(images), image_bytes=sum(images))

        if refusal is not None:
            record.update(verdict="refused", reason=refusal.reason,
                          detail=refusal.detail)
            made = self._refused(question, refusal)
            action = {}
        else:
            action = self.server.rules.pick(
                self._facts(head, question, record))
            made = reply.make(question, action, number, self.server.models)

        keepalive = head.keepalive and not (refusal and refusal.close)
        record["status"] = made.status
        self._log(head, number, record, action)

        return Sending(self, question, action, record, made,
                       keepalive).run()

    def _refused(self, question, refusal):
        """As AWS says it, for signed requests, or else with a 401."""
        if not self.listener.access.signed:
            return reply.failure(question, 401,
                                 "%s: %s" % (refusal.reason, refusal.detail))

        status, _, headers, text = aws_answer.error(
            refusal.reason, refusal.detail, "bedrock")

        if refusal.reason in ("client_credential", "forbidden_header",
                              "unknown_host", "awscrt_differs"):
            status = 403
            headers = [("Content-Type", "application/json"),
                       ("x-amzn-ErrorType", "AccessDeniedException")]

        return reply.Reply(status, headers, text.encode())


class Sending:
    """One answer on its way, with all that a test may want of it."""

    def __init__(self, connection, question, action, record, made,
                 keepalive):
        self.server = connection.server
        self.sock = connection.sock
        self.action = action
        self.record = record
        self.made = made
        self.keepalive = keepalive
        self.sent = 0
        self.gate = action.get("gate")

        if self.gate is True:
            self.gate = question.gate() or record["listener"]

    def run(self):
        """Whether the connection can be used again."""
        number = self.record["id"]
        state = {"id": number, "listener": self.record["listener"],
                 "model": self.record["model"], "gate": self.gate, "sent": 0}

        with self.server.lock:
            self.server.open[number] = state

        self.state = state

        try:
            how = self._all()
        except PeerGone:
            how = "closed"
        except (OSError, ssl.SSLError):
            how = "closed"
        finally:
            with self.server.lock:
                del self.server.open[number]

        self.server.log.write({
            "type": "end", "id": number, "how": how, "sent": self.sent,
            "listener": self.record["listener"], "ended": time.time()})

        return how == "complete" and self.keepalive

    def _all(self):
        """How it ended: complete, closed by the peer, or as was asked."""
        if "hold" in self.action:
            self.server.gates.wait(self.action["hold"], 1, self.sock)

        if self.action.get("close"):
            return "close"

        if self.action.get("stall"):
            self.server.gates.wait(None, 1, self.sock)

        if self.action.get("garbage"):
            self.sock.sendall(b"\x16\x03 this is not HTTP\r\n\r\n")
            return "garbage"

        if self.made.units is None:
            return self._whole()

        return self._stream()

    def _head(self, headers, body):
        return aws_answer.message(
            self.made.status,
            [("Server", "mock")] + self.made.headers + headers, body,
            self.keepalive)

    def _whole(self):
        data = self.made.body
        cut = self.action.get("cut", len(data))

        self.sock.sendall(self._head([("Content-Length", str(len(data)))],
                                     None) + data[:cut])

        return "complete" if cut >= len(data) else "cut"

    def _stream(self):
        self.sock.sendall(self._head([("Transfer-Encoding", "chunked")],
                                     None))

        for unit in self.made.units:
            if self.sent >= self.action.get("cut", 1 << 60):
                return "cut"

            if self.gate is not None:
                self.server.gates.wait(self.gate, self.sent + 1, self.sock)

            self.sock.sendall(b"%x\r\n%s\r\n" % (len(unit), unit))
            self.sent += 1
            self.state["sent"] = self.sent

        self.sock.sendall(b"0\r\n\r\n")

        return "complete"

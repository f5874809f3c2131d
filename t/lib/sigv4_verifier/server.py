# SPDX-License-Identifier: BSD-2-Clause
"""Sockets, one thread a connection, the log and the answers."""

import json
import os
import socket
import ssl
import threading
import time

from . import answer, forward, payload, script, verify, wire

IDLE = 300


class Log:
    """One JSON line a request, written before the request is answered."""

    def __init__(self, path=None):
        self.lock = threading.Lock()
        self.file = open(path, "a", encoding="ascii") if path else None

    def write(self, record):
        if self.file is None:
            return

        line = json.dumps(record) + "\n"

        with self.lock:
            self.file.write(line)
            self.file.flush()


class Server:
    def __init__(self, policy, log=None, plan=None, tls=None, echo=False,
                 behind=None):
        self.policy = policy
        self.log = log or Log()
        self.script = plan or script.Script()
        self.tls = tls
        self.echo = echo
        self.behind = behind
        self.connections = 0
        self.lock = threading.Lock()

    def listen(self, address):
        """Bind `[tls:]host:port` or `unix:path`; give the bound address."""
        secure = address.startswith("tls:")

        if secure:
            address = address[len("tls:"):]

        if address.startswith("unix:"):
            path = address[len("unix:"):]
            if os.path.exists(path):
                os.unlink(path)
            sock = socket.socket(socket.AF_UNIX)
            sock.bind(path)
            os.chmod(path, 0o666)
            bound = path
        else:
            host, _, port = address.rpartition(":")
            host = host.strip("[]")
            family = socket.AF_INET6 if ":" in host else socket.AF_INET
            sock = socket.socket(family)
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            sock.bind((host, int(port)))
            bound = str(sock.getsockname()[1])

        sock.listen(1024)
        threading.Thread(target=self._accept, args=(sock, secure),
                         daemon=True).start()

        return bound

    def _accept(self, listener, secure):
        while True:
            sock, _ = listener.accept()

            with self.lock:
                self.connections += 1
                number = self.connections

            threading.Thread(target=self._serve, daemon=True,
                             args=(sock, secure, number)).start()

    def _serve(self, sock, secure, number):
        try:
            sock.settimeout(IDLE)

            if sock.family != socket.AF_UNIX:
                sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)

            if secure:
                sock = self.tls.wrap_socket(sock, server_side=True)

            Connection(self, sock, secure, number).run()
        except (OSError, ssl.SSLError, wire.Closed):
            pass
        finally:
            sock.close()


class Connection:
    """The requests of one connection, one after the other."""

    def __init__(self, server, sock, secure, number):
        self.server = server
        self.sock = sock
        self.secure = secure
        self.number = number
        self.sequence = 0
        self.reader = wire.Reader(sock)

    def run(self):
        while self.one():
            pass

    def one(self):
        """Read, verify, log and answer; False ends the connection."""
        try:
            head = wire.read_head(self.reader)
        except wire.Refusal as refusal:
            head = wire.Head(self.reader.buffer[:4096])
            return self._refuse_head(head, refusal)

        self.sequence += 1
        arrived = time.time()

        try:
            head.parse()
        except wire.Refusal as refusal:
            return self._refuse_head(head, refusal)

        action = self.server.script.next(head.target.decode("latin-1"))

        if "touch" in action:
            open(action["touch"], "w").close()

        if action.get("close") == "head":
            self._log(head, arrived, {"verdict": "unread"}, None)
            return False

        claim = verify.Verification(head, self.server.policy, self.secure)
        result, body = self._verify(head, claim)
        record = self._log(head, arrived, result, body, claim)

        if action.get("close") == "body":
            return False

        if "after" in action:
            script.wait_for_file(action["after"])

        keepalive = (head.keepalive and not result.get("close")
                     and action.get("close") != "answer")
        self._answer(head, action, record, body, keepalive)

        return keepalive

    def _verify(self, head, claim):
        """The verdict; the body is read to its end whatever it is."""
        refusal = None
        body = payload.Payload()

        try:
            claim.check_head()
            body = claim.body()
        except wire.Refusal as caught:
            refusal = caught

        if b"100-continue" in head.tokens(b"expect"):
            if refusal:
                return self._refused(refusal, True), body
            self.sock.sendall(b"HTTP/1.1 100 Continue\r\n\r\n")

        try:
            for data in wire.body(self.reader, head):
                try:
                    body.feed(data)
                except wire.Refusal as caught:
                    refusal = refusal or caught

            if refusal is None:
                claim.finish(body)
        except wire.Refusal as caught:
            refusal = refusal or caught
        except (wire.Closed, OSError):
            return self._refused(refusal or wire.Refusal(
                "incomplete_body", "the connection ended", True)), body

        return (self._refused(refusal) if refusal
                else {"verdict": "ok"}), body

    @staticmethod
    def _refused(refusal, close=False):
        return {"verdict": "refused", "reason": refusal.reason,
                "detail": refusal.detail, "close": close or refusal.close}

    def _refuse_head(self, head, refusal):
        record = self._log(head, time.time(), self._refused(refusal, True),
                           None)
        self._answer(head, {}, record, None, False)

        return False

    def _log(self, head, arrived, result, body, claim=None):
        text = lambda b: b.decode("latin-1") if b is not None else None
        record = {
            "verdict": result["verdict"],
            "reason": result.get("reason", ""),
            "detail": result.get("detail", ""),
            "connection": self.number,
            "request": self.sequence,
            "arrived": arrived,
            "tls": self.secure,
            "method": text(head.method),
            "target": text(head.target),
            "version": head.version,
            "headers": [[text(n), text(v)] for n, v in head.headers],
        }

        if claim is not None:
            record.update(claim.report())

        if body is not None:
            record["body_length"] = body.length
            record["body_sha256"] = body.sha256

        if isinstance(body, payload.AwsChunked):
            record["decoded_length"] = body.decoded

        full = dict(record, head=text(head.raw))

        if claim is not None:
            full["canonical_request"] = text(claim.canonical_request)
            full["string_to_sign"] = text(claim.string_to_sign)

        self.server.log.write(full)

        return record

    def _answer(self, head, action, record, body, keepalive):
        status, headers, data = self._content(head, record, body)
        asked = head.first(b"x-test-status")

        if asked and asked.isdigit():
            status = int(asked)

        status = action.get("status", status)
        headers = script.with_headers(headers, action)

        given = script.data_of(action, "body")

        if given is not None:
            data = given
        elif "body_size" in action:
            data = b"x" * action["body_size"]

        if "chunks" in action:
            self._stream(status, headers, action["chunks"], keepalive)
            return

        self.sock.sendall(answer.message(
            status, headers, data, keepalive,
            head.method == b"HEAD" or status in (204, 304)))

    def _content(self, head, record, body):
        common = [("X-Verifier-Verdict", record["verdict"])]

        if record["verdict"] == "ok":
            if self.server.echo and body is not None:
                return 200, common, body.kept

            if self.server.behind and body is not None:
                return forward.forward(self.server.behind, head, body.kept)

            return 200, common + [("Content-Type", "application/json")], \
                (json.dumps(record, indent=1) + "\n").encode()

        common.append(("X-Verifier-Reason", record["reason"]))
        json_1x = (head.first(b"x-amz-target") is not None
                   or b"amz-json" in (head.first(b"content-type") or b""))
        status, _, headers, text = answer.error(
            record["reason"], record["detail"], record.get("service"),
            json_1x)

        return status, common + headers, text.encode("utf-8")

    def _stream(self, status, headers, chunks, keepalive):
        headers = headers + [("Transfer-Encoding", "chunked")]
        self.sock.sendall(answer.message(status, headers, b"", keepalive))

        for chunk in chunks:
            if isinstance(chunk, str):
                chunk = {"data": chunk}

            if "after" in chunk:
                script.wait_for_file(chunk["after"])

            data = script.data_of(chunk, "data")
            self.sock.sendall(b"%x\r\n%s\r\n" % (len(data), data))

        self.sock.sendall(b"0\r\n\r\n")

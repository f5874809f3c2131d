# Copyright (C) ngx_aws_sigv4_module authors
#
# SPDX-License-Identifier: BSD-2-Clause
"""Those who send requests to a gateway: wrk, and one connection."""

import os
import re
import socket
import subprocess
import time
from pathlib import Path

from gateway import cpus

HERE = Path(__file__).resolve().parent
CHUNK = 1 << 18


def load(port, path, seconds, script=None, connections=32):
    """The number of requests that wrk has sent."""
    command = ["wrk", "-t1", f"-c{connections}", f"-d{seconds}s"]

    if script:
        command += ["-s", str(HERE / script)]

    out = subprocess.run(
        command + [f"http://127.0.0.1:{port}{path}"],
        check=True, capture_output=True, text=True,
        preexec_fn=lambda: os.sched_setaffinity(0, {cpus()[1]})).stdout

    if "Non-2xx" in out or "Socket errors" in out:
        raise SystemExit(f"requests have failed:\n{out}")

    return int(re.search(r"(\d+) requests in", out)[1])


class Connection:
    """One connection, kept alive; one request after the other."""

    def __init__(self, port):
        self.sock = socket.create_connection(("127.0.0.1", port))
        self.sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)

    def close(self):
        self.sock.close()

    def get(self, path):
        self.sock.sendall(f"GET {path} HTTP/1.1\r\nHost: bench\r\n\r\n"
                          .encode())

        return self._answer()

    def post(self, path, body, rate=None):
        """Send at a rate in bytes a second, or as fast as it can be taken.

        Returns the answer and when the head and the last byte of the body
        had been sent.
        """
        self.sock.sendall(f"POST {path} HTTP/1.1\r\nHost: bench\r\n"
                          f"Content-Type: application/octet-stream\r\n"
                          f"Content-Length: {len(body)}\r\n\r\n".encode())

        start = time.monotonic_ns()
        view = memoryview(body)

        for sent in range(0, len(body), CHUNK):
            if rate:
                due = start + sent * 1000000000 // rate
                time.sleep(max(0, due - time.monotonic_ns()) / 1e9)

            self.sock.sendall(view[sent:sent + CHUNK])

        end = time.monotonic_ns()

        return self._answer(), start, end

    def _answer(self):
        data = b""

        while b"\r\n\r\n" not in data:
            data += self._receive()

        head, _, data = data.partition(b"\r\n\r\n")
        length = re.search(rb"\r\ncontent-length: *(\d+)", head, re.I)

        while len(data) < int(length[1]):
            data += self._receive()

        if not head.startswith(b"HTTP/1.1 200 "):
            raise SystemExit(f"a request has failed: {head!r}")

        return data

    def _receive(self):
        data = self.sock.recv(65536)

        if not data:
            raise SystemExit("the gateway has closed a connection")

        return data

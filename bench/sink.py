# Copyright (C) ngx_aws_sigv4_module authors
#
# SPDX-License-Identifier: BSD-2-Clause
"""An HTTP server that reads a body and answers when its first byte came.

usage: sink.py PORT

The answer to each request is a time of CLOCK_MONOTONIC in nanoseconds: that
of the first byte of the request.
"""

import re
import socket
import sys
import threading
import time

LENGTH = re.compile(rb"\r\ncontent-length: *(\d+)", re.IGNORECASE)


def serve(sock):
    buf = bytearray(1 << 20)
    size = 0

    while True:
        size = sock.recv_into(buf)
        first = time.monotonic_ns()

        if size == 0:
            return

        while (end := buf.find(b"\r\n\r\n", 0, size)) < 0:
            more = sock.recv_into(memoryview(buf)[size:])

            if more == 0:
                return

            size += more

        length = LENGTH.search(buf, 0, end)
        left = int(length[1]) - (size - end - 4) if length else 0

        while left > 0:
            more = sock.recv_into(buf)

            if more == 0:
                return

            left -= more

        text = str(first).encode()
        sock.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n%s"
                     % (len(text), text))


def main():
    listener = socket.create_server(("127.0.0.1", int(sys.argv[1])))

    while True:
        sock, _ = listener.accept()
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        threading.Thread(target=serve, args=(sock,), daemon=True).start()


if __name__ == "__main__":
    main()

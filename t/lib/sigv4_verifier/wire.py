# SPDX-License-Identifier: BSD-2-Clause
"""HTTP/1.1 as raw bytes, read without mercy: what is odd is refused."""

import re

MAX_HEAD = 1 << 20
BLOCK = 1 << 16

_REQUEST_LINE = re.compile(rb"([A-Z]+(?:-[A-Z]+)?) (\S+) HTTP/(1\.[01])")
_HEADER = re.compile(rb"([!#$%&'*+\-.^_`|~0-9A-Za-z]+):"
                     rb"[ \t]*([^\x00-\x08\x0a-\x1f\x7f]*?)[ \t]*")
_PATH = re.compile(rb"/(?:[A-Za-z0-9\-._~!$&'()*+,;=:@/]|%[0-9A-Fa-f]{2})*")
_QUERY = re.compile(rb"(?:[A-Za-z0-9\-._~!$&'()*,;=:@/?]"
                    rb"|%[0-9A-Fa-f]{2})*")
_CHUNK_SIZE = re.compile(rb"([0-9A-Fa-f]{1,16})(?:;[^\r\n]*)?")

#  Headers of which a request may hold one at most.
SINGLE = (b"authorization", b"content-length", b"content-md5",
          b"content-type", b"host", b"transfer-encoding",
          b"x-amz-content-sha256", b"x-amz-date",
          b"x-amz-decoded-content-length", b"x-amz-region-set",
          b"x-amz-s3session-token", b"x-amz-security-token",
          b"x-amz-target", b"x-amz-trailer")


class Refusal(Exception):
    """The request is refused; `reason` is the name that tests assert."""

    def __init__(self, reason, detail="", close=False):
        super().__init__(reason)
        self.reason = reason
        self.detail = detail
        self.close = close


class Closed(Exception):
    """The peer closed the connection."""


class Reader:
    """A socket with a buffer in front of it."""

    def __init__(self, sock):
        self.sock = sock
        self.buffer = b""

    def fill(self):
        data = self.sock.recv(BLOCK)

        if not data:
            raise Closed

        self.buffer += data

    def until(self, mark, limit=MAX_HEAD):
        """Everything up to and including the mark."""
        start = 0

        while True:
            end = self.buffer.find(mark, start)
            if end >= 0:
                end += len(mark)
                data, self.buffer = self.buffer[:end], self.buffer[end:]
                return data

            if len(self.buffer) > limit:
                raise Refusal("too_long", "no end of line or head", True)

            start = max(0, len(self.buffer) - len(mark) + 1)
            self.fill()

    def some(self, size):
        """At least one byte and at most `size`."""
        if not self.buffer:
            self.fill()

        data, self.buffer = self.buffer[:size], self.buffer[size:]

        return data


class Head:
    """A request head: its raw bytes and its parts."""

    def __init__(self, raw):
        self.raw = raw
        self.method = self.target = self.path = b""
        self.query = None
        self.version = "1.1"
        self.headers = []

    def parse(self):
        lines = self.raw[:-4].split(b"\r\n")

        match = _REQUEST_LINE.fullmatch(lines[0])
        if match is None:
            raise Refusal("bad_request_line", repr(lines[0])[:200], True)

        self.method, self.target = match[1], match[2]
        self.version = match[3].decode()

        path, mark, query = self.target.partition(b"?")
        self.path, self.query = path, query if mark else None

        for line in lines[1:]:
            match = _HEADER.fullmatch(line)
            if match is None:
                raise Refusal("bad_header_line", repr(line)[:200], True)
            self.headers.append((match[1], match[2]))

    def check(self):
        """The rules that concern bytes alone, whoever signed them."""
        for name in SINGLE:
            if len(self.values(name)) > 1:
                raise Refusal("duplicate_header", name.decode())

        if self.first(b"host") in (None, b""):
            raise Refusal("missing_host")

        if not _PATH.fullmatch(self.path):
            raise Refusal("raw_byte_in_path", repr(self.path)[:200])

        query = self.query or b""

        if b"+" in query:
            raise Refusal("raw_plus_in_query", repr(query)[:200])

        if not _QUERY.fullmatch(query):
            raise Refusal("raw_byte_in_query", repr(query)[:200])

    def values(self, name):
        return [v for n, v in self.headers if n.lower() == name]

    def first(self, name):
        for n, v in self.headers:
            if n.lower() == name:
                return v

        return None

    def tokens(self, name):
        """The lower-case tokens of a list header."""
        joined = b",".join(self.values(name)).lower()

        return [t.strip() for t in joined.split(b",") if t.strip()]

    @property
    def chunked(self):
        return self.first(b"transfer-encoding") is not None

    @property
    def keepalive(self):
        tokens = self.tokens(b"connection")

        if self.version == "1.0":
            return b"keep-alive" in tokens

        return b"close" not in tokens


def read_head(reader):
    """The next head, with an empty line or two before it forgiven."""
    while True:
        if reader.buffer[:2] == b"\r\n":
            reader.buffer = reader.buffer[2:]

        if reader.buffer and reader.buffer != b"\r":
            return Head(reader.until(b"\r\n\r\n"))

        reader.fill()


def body(reader, head):
    """The body as it arrives, free of its transfer coding."""
    if head.chunked:
        yield from _chunked(reader, head)
        return

    length = head.first(b"content-length")

    if length is None:
        return

    if not re.fullmatch(rb"[0-9]{1,18}", length):
        raise Refusal("bad_content_length", repr(length), True)

    left = int(length)

    while left:
        data = reader.some(min(left, BLOCK))
        left -= len(data)
        yield data


def _chunked(reader, head):
    if head.first(b"content-length") is not None:
        raise Refusal("two_lengths",
                      "Content-Length beside Transfer-Encoding", True)

    if head.first(b"transfer-encoding").lower() != b"chunked":
        raise Refusal("bad_transfer_encoding", "", True)

    while True:
        match = _CHUNK_SIZE.fullmatch(reader.until(b"\r\n", 8192)[:-2])
        if match is None:
            raise Refusal("bad_chunk", "size line", True)

        left = int(match[1], 16)
        if left == 0:
            break

        while left:
            data = reader.some(min(left, BLOCK))
            left -= len(data)
            yield data

        if reader.until(b"\r\n", 8192) != b"\r\n":
            raise Refusal("bad_chunk", "no CRLF after the data", True)

    while reader.until(b"\r\n", 8192) != b"\r\n":
        pass

# SPDX-License-Identifier: BSD-2-Clause
"""The body as it arrives: digests, aws-chunked framing, chunk signatures."""

import base64
import hashlib
import re
import zlib

from . import canonical
from .wire import Refusal

KEEP = 1 << 20
MIN_CHUNK = 8192

SIGNED_CHUNKS = b"STREAMING-AWS4-HMAC-SHA256-PAYLOAD"
SIGNED_TRAILER = b"STREAMING-AWS4-HMAC-SHA256-PAYLOAD-TRAILER"
UNSIGNED_TRAILER = b"STREAMING-UNSIGNED-PAYLOAD-TRAILER"

_LINE = re.compile(rb"([0-9A-Fa-f]{1,16})"
                   rb"(?:;chunk-signature=([0-9a-f]{64}))?")
_TRAILER = re.compile(rb"([a-z0-9-]+):[ \t]*(.*?)[ \t]*")


class Payload:
    """Length and digest of what arrived; the first megabyte is kept."""

    def __init__(self):
        self.length = 0
        self.kept = b""
        self.digest = hashlib.sha256()

    def feed(self, data):
        self.length += len(data)
        self.digest.update(data)

        if len(self.kept) < KEEP:
            self.kept += data[:KEEP - len(self.kept)]

    def finish(self):
        pass

    @property
    def sha256(self):
        return self.digest.hexdigest()


class ChunkSigner:
    """The chain of signatures that starts with the one of the head."""

    def __init__(self, key, timestamp, scope, seed):
        self.key = key
        self.prefix = timestamp + b"\n" + scope + b"\n"
        self.previous = seed

    def chunk(self, digest):
        return self._next(b"AWS4-HMAC-SHA256-PAYLOAD",
                          canonical.EMPTY_SHA256 + b"\n" + digest)

    def trailer(self, digest):
        return self._next(b"AWS4-HMAC-SHA256-TRAILER", digest)

    def _next(self, algorithm, rest):
        text = b"\n".join((algorithm,
                           self.prefix + self.previous, rest))
        self.previous = canonical.signature(self.key, text)

        return self.previous


class AwsChunked(Payload):
    """An aws-chunked body, taken apart and verified piece by piece."""

    def __init__(self, kind, signer, decoded_length, trailers):
        super().__init__()
        self.signer = signer if kind != UNSIGNED_TRAILER else None
        self.expect_trailers = kind != SIGNED_CHUNKS
        self.declared = trailers
        self.decoded_length = decoded_length
        self.decoded = 0
        self.sums = {"sha256": hashlib.sha256(), "sha1": hashlib.sha1(),
                     "crc32": Crc32(), "crc32c": Crc32c()}
        self.sums = {name: value for name, value in self.sums.items()
                     if b"x-amz-checksum-" + name.encode() in trailers}
        self.buffer = b""
        self.trailers = []
        self.trailer_signature = None
        self.short_chunk = False
        self.state = self._size_line

    def feed(self, data):
        super().feed(data)

        if self.state is None:
            return

        self.buffer += data

        try:
            while self.state():
                pass
        except Refusal:
            self.state = None
            raise

    def finish(self):
        if self.state != self._after_end:
            raise Refusal("incomplete_body", self.state.__name__.strip("_"))

        if self.decoded != self.decoded_length:
            raise Refusal("decoded_length", "%d bytes, %d announced"
                          % (self.decoded, self.decoded_length))

        if self.expect_trailers:
            self._check_trailers()

    def _take_line(self):
        line, mark, rest = self.buffer.partition(b"\r\n")

        if not mark:
            if len(self.buffer) > 8192:
                raise Refusal("bad_aws_chunk", "line too long")
            return None

        self.buffer = rest

        return line

    def _size_line(self):
        line = self._take_line()
        if line is None:
            return False

        match = _LINE.fullmatch(line)
        if match is None or (match[2] is None) != (self.signer is None):
            raise Refusal("bad_aws_chunk", repr(line)[:120])

        self.left = int(match[1], 16)
        self.signature = match[2]
        self.chunk_digest = hashlib.sha256()

        if self.short_chunk and self.left:
            raise Refusal("chunk_size", "a chunk below 8192 is not the last")

        self.short_chunk = self.left < MIN_CHUNK

        if self.left == 0:
            self._check_chunk()
            self.state = self._trailer_line
        else:
            self.state = self._data

        return True

    def _data(self):
        if not self.buffer:
            return False

        data = self.buffer[:self.left]
        self.buffer = self.buffer[self.left:]
        self.left -= len(data)
        self.decoded += len(data)
        self.chunk_digest.update(data)

        for checksum in self.sums.values():
            checksum.update(data)

        if self.left == 0:
            self._check_chunk()
            self.state = self._data_end

        return True

    def _data_end(self):
        if len(self.buffer) < 2:
            return False

        if self.buffer[:2] != b"\r\n":
            raise Refusal("bad_aws_chunk", "no CRLF after the data")

        self.buffer = self.buffer[2:]
        self.state = self._size_line

        return True

    def _check_chunk(self):
        if self.signer is None:
            return

        digest = self.chunk_digest.hexdigest().encode()

        if self.signer.chunk(digest) != self.signature:
            raise Refusal("chunk_signature", "at byte %d" % self.decoded)

    def _trailer_line(self):
        line = self._take_line()
        if line is None:
            return False

        if line == b"":
            self.state = self._after_end
            return True

        match = _TRAILER.fullmatch(line)
        if match is None or not self.expect_trailers:
            raise Refusal("bad_trailer", repr(line)[:120])

        if match[1] == b"x-amz-trailer-signature":
            self.trailer_signature = match[2]
        else:
            self.trailers.append((match[1], match[2]))

        return True

    def _after_end(self):
        if self.buffer:
            raise Refusal("bytes_after_body", repr(self.buffer)[:80])

        return False

    def _check_trailers(self):
        names = sorted(name for name, _ in self.trailers)

        if names != sorted(self.declared):
            raise Refusal("bad_trailer", "not those of x-amz-trailer")

        text = b"".join(n + b":" + v + b"\n" for n, v in
                        sorted(self.trailers))
        digest = hashlib.sha256(text).hexdigest().encode()

        if (self.signer is not None
                and self.signer.trailer(digest) != self.trailer_signature):
            raise Refusal("trailer_signature")

        for name, value in self.trailers:
            checksum = self.sums.get(name.decode()[len("x-amz-checksum-"):])
            if (checksum is not None
                    and base64.b64encode(checksum.digest()) != value):
                raise Refusal("checksum", name.decode())


class Crc32:
    def __init__(self):
        self.value = 0

    def update(self, data):
        self.value = zlib.crc32(data, self.value)

    def digest(self):
        return self.value.to_bytes(4, "big")


def _castagnoli():
    table = []

    for byte in range(256):
        for _ in range(8):
            byte = byte >> 1 ^ (0x82F63B78 if byte & 1 else 0)
        table.append(byte)

    return table


class Crc32c:
    TABLE = _castagnoli()

    def __init__(self):
        self.value = 0xFFFFFFFF

    def update(self, data):
        value, table = self.value, self.TABLE

        for byte in data:
            value = value >> 8 ^ table[(value ^ byte) & 0xFF]

        self.value = value

    def digest(self):
        return (self.value ^ 0xFFFFFFFF).to_bytes(4, "big")

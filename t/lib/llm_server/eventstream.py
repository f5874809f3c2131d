# SPDX-License-Identifier: BSD-2-Clause
"""Frames of application/vnd.amazon.eventstream."""

import struct
import zlib

CONTENT_TYPE = "application/vnd.amazon.eventstream"

STRING = 7


def frame(headers, payload):
    """A message whose headers, pairs of text, are all strings."""
    head = b""

    for name, value in headers:
        name, value = name.encode(), value.encode()
        head += struct.pack("!B", len(name)) + name
        head += struct.pack("!BH", STRING, len(value)) + value

    start = struct.pack("!II", 16 + len(head) + len(payload), len(head))
    start += struct.pack("!I", zlib.crc32(start))
    data = start + head + payload

    return data + struct.pack("!I", zlib.crc32(data))


def event(kind, payload):
    return frame([(":event-type", kind), (":content-type", "application/json"),
                  (":message-type", "event")], payload)


def exception(kind, payload):
    """A modelled error: it has no event type."""
    return frame([(":exception-type", kind),
                  (":content-type", "application/json"),
                  (":message-type", "exception")], payload)


def error(code, message):
    """An error that the model of the API does not know."""
    return frame([(":message-type", "error"), (":error-code", code),
                  (":error-message", message)], b"")

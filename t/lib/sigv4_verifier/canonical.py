# SPDX-License-Identifier: BSD-2-Clause
"""Canonical request, string to sign and signing key, from bytes to bytes."""

import hashlib
import hmac
import re

ALGORITHM = b"AWS4-HMAC-SHA256"
EMPTY_SHA256 = hashlib.sha256(b"").hexdigest().encode()

#  The services whose path is the object key: decoded once, encoded once.
S3_FAMILY = frozenset((b"s3", b"s3express", b"s3-outposts",
                       b"s3-object-lambda"))

_UNRESERVED = frozenset(b"ABCDEFGHIJKLMNOPQRSTUVWXYZ"
                        b"abcdefghijklmnopqrstuvwxyz0123456789-._~")
_ENCODED = [bytes((c,)) if c in _UNRESERVED else b"%%%02X" % c
            for c in range(256)]
_NEEDS_ENCODING = re.compile(rb"[^A-Za-z0-9\-._~]")
_ESCAPE = re.compile(rb"%([0-9A-Fa-f]{2})")
_BLANKS = re.compile(rb"[ \t\r\n\v\f]+")


def uri_encode(data):
    """UriEncode: everything but the unreserved set, upper-case hex."""
    return _NEEDS_ENCODING.sub(lambda m: _ENCODED[m[0][0]], data)


def uri_encode_path(data):
    return b"/".join(uri_encode(part) for part in data.split(b"/"))


def percent_decode(data):
    """Decode the escapes; a percent sign that starts none is itself."""
    return _ESCAPE.sub(lambda m: bytes((int(m[1], 16),)), data)


def normalize_path(path):
    """Drop empty and dot segments of the path as it stands on the wire.

    Only literal "." and ".." count; an escaped dot is an ordinary segment.
    """
    kept = []

    for segment in path.split(b"/"):
        if segment == b"..":
            del kept[-1:]
        elif segment not in (b"", b"."):
            kept.append(segment)

    if not kept:
        return b"/"

    tail = b"/" if path.endswith(b"/") else b""

    return b"/" + b"/".join(kept) + tail


PATH_RULES = {
    "s3": lambda path: uri_encode_path(percent_decode(path)),
    "normalized": lambda path: uri_encode_path(normalize_path(path)),
    "unnormalized": uri_encode_path,
    "verbatim": lambda path: path,
}


def path_rule(service, overrides=None):
    """The name of the rule for the path of a service."""
    rule = (overrides or {}).get(service)

    return rule or ("s3" if service in S3_FAMILY else "normalized")


def canonical_path(path, rule):
    return PATH_RULES[rule](path or b"/")


def query_pairs(query):
    """Decoded (name, value) pairs in wire order; empty pieces are dropped."""
    pairs = []

    for piece in query.split(b"&"):
        if piece:
            name, _, value = piece.partition(b"=")
            pairs.append((percent_decode(name.replace(b"+", b" ")),
                          percent_decode(value.replace(b"+", b" "))))

    return pairs


def canonical_query(query, leave_out=()):
    """Names and values encoded anew and sorted as two separate keys."""
    pairs = [(uri_encode(name), uri_encode(value))
             for name, value in query_pairs(query) if name not in leave_out]

    return b"&".join(name + b"=" + value for name, value in sorted(pairs))


def header_value(value):
    return _BLANKS.sub(b" ", value).strip(b" ")


def canonical_headers(headers, names):
    """Lines for the signed names; repeated headers join in wire order."""
    lines = []

    for name in names:
        values = [header_value(v) for n, v in headers if n.lower() == name]
        lines.append(name + b":" + b",".join(values) + b"\n")

    return b"".join(lines)


def canonical_request(method, path, query, headers, names, payload_hash):
    """All of it, from parts that are canonical already but the headers."""
    return b"\n".join((method, path, query,
                       canonical_headers(headers, names),
                       b";".join(names), payload_hash))


def string_to_sign(timestamp, scope, request):
    digest = hashlib.sha256(request).hexdigest().encode()

    return b"\n".join((ALGORITHM, timestamp, scope, digest))


def _hmac(key, message):
    return hmac.new(key, message, hashlib.sha256).digest()


def signing_key(secret, date, region, service):
    key = _hmac(b"AWS4" + secret, date)
    key = _hmac(key, region)
    key = _hmac(key, service)

    return _hmac(key, b"aws4_request")


def signature(key, text):
    return hmac.new(key, text, hashlib.sha256).hexdigest().encode()

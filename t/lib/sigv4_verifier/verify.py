# SPDX-License-Identifier: BSD-2-Clause
"""The rules of verification, in order.  Every refusal has a name."""

import calendar
import fnmatch
import hmac
import json
import os
import re
import threading
import time

from . import canonical, payload, scope
from .wire import Refusal

SKEW = 900

PRESIGNED = (b"x-amz-algorithm", b"x-amz-credential", b"x-amz-date",
             b"x-amz-expires", b"x-amz-signedheaders", b"x-amz-signature",
             b"x-amz-security-token", b"x-amz-region-set")

#  Hop-by-hop headers and those that a hop may change: signing one of them
#  works until the first proxy.
NEVER_SIGNED = frozenset((
    b"authorization", b"connection", b"expect", b"keep-alive",
    b"proxy-authenticate", b"proxy-authorization", b"proxy-connection",
    b"te", b"trailer", b"transfer-encoding", b"upgrade", b"user-agent",
    b"via", b"forwarded", b"x-forwarded-for", b"x-forwarded-proto",
    b"x-forwarded-host", b"x-real-ip", b"x-amzn-trace-id"))

UNSIGNED_PAYLOAD = canonical.S3_FAMILY | {b"vpc-lattice-svcs"}
NEEDS_CONTENT_SHA256 = UNSIGNED_PAYLOAD | {b"aoss"}

_TIMESTAMP = re.compile(rb"[0-9]{8}T[0-9]{6}Z")
_HEX64 = re.compile(rb"[0-9a-f]{64}")
_SIGNED_HEADERS = re.compile(rb"[a-z0-9!#$&'*+.^_`|~-]+"
                             rb"(;[a-z0-9!#$&'*+.^_`|~-]+)*")


class Key:
    def __init__(self, access_key_id, secret, token=None, expires=None):
        self.access_key_id = access_key_id
        self.secret = secret
        self.token = token or None
        self.expires = expires


class Keys:
    """Keys from the command line, and from a file that may change."""

    def __init__(self, keys, path=None):
        self.fixed = {key.access_key_id: key for key in keys}
        self.path = path
        self.stamp = None
        self.read = {}
        self.lock = threading.Lock()

    def find(self, access_key_id):
        with self.lock:
            self._reread()
            return (self.read.get(access_key_id)
                    or self.fixed.get(access_key_id))

    def _reread(self):
        if self.path is None:
            return

        info = os.stat(self.path)
        stamp = (info.st_mtime_ns, info.st_size, info.st_ino)

        if stamp == self.stamp:
            return

        with open(self.path, encoding="utf-8") as file:
            entries = json.load(file)

        self.read = {e["access_key_id"].encode(): Key(
            e["access_key_id"].encode(), e["secret_access_key"].encode(),
            (e.get("session_token") or "").encode(), e.get("expires"))
            for e in entries}
        self.stamp = stamp


class Policy:
    """What the server accepts, as its options say."""

    def __init__(self, keys, expect=(), path_rules=None, offset=0,
                 presigned=False, unsigned_needs_tls=False):
        self.keys = keys
        self.expect = expect
        self.path_rules = path_rules or {}
        self.offset = offset
        self.presigned = presigned
        self.unsigned_needs_tls = unsigned_needs_tls
        self.signing_keys = {}

    def now(self):
        return time.time() + self.offset

    def expected_scope(self, host):
        """(service, region, where from); None where anything will do."""
        name = scope.without_port(host)

        for pattern, service, region in self.expect:
            if (fnmatch.fnmatchcase(host.lower(), pattern)
                    or fnmatch.fnmatchcase(name, pattern)):
                return service, region, "expected"

        inferred = scope.infer(host)

        return inferred + ("inferred",) if inferred else None

    def signing_key(self, key, date, region, service):
        index = (key.access_key_id, key.secret, date, region, service)

        if index not in self.signing_keys:
            if len(self.signing_keys) > 1000:
                self.signing_keys.clear()
            self.signing_keys[index] = canonical.signing_key(
                key.secret, date, region, service)

        return self.signing_keys[index]


class Verification:
    """One request.  `head` first, then the body, then `finish`."""

    def __init__(self, head, policy, tls=False):
        self.head = head
        self.policy = policy
        self.tls = tls
        self.mechanism = None
        self.access_key_id = self.date = self.region = self.service = b""
        self.timestamp = self.scope = self.provided = b""
        self.names = []
        self.payload_hash = None
        self.canonical_request = self.string_to_sign = None
        self.scope_source = "claimed"
        self.key = None
        self.signature_checked = False

    def check_head(self):
        """All that can be said before the body is there."""
        self.head.check()
        self._locate()
        self._check_coverage()
        self._check_time()
        self._check_scope()
        self._check_key()
        self._choose_payload_hash()

        if self.payload_hash is not None:
            self._check_signature()

    def body(self):
        """What the body has to be fed to."""
        if not (self.payload_hash or b"").startswith(b"STREAMING-"):
            return payload.Payload()

        length = self.head.first(b"x-amz-decoded-content-length") or b""
        if not re.fullmatch(rb"[0-9]{1,18}", length):
            raise Refusal("missing_decoded_length")

        signer = payload.ChunkSigner(self._signing_key(), self.timestamp,
                                     self.scope, self.provided)

        return payload.AwsChunked(self.payload_hash, signer, int(length),
                                  self.head.tokens(b"x-amz-trailer"))

    def finish(self, body):
        """The rules that need the whole body."""
        body.finish()

        if self.payload_hash is None:
            self.payload_hash = body.sha256.encode()
            self._check_signature()
            return

        if (_HEX64.fullmatch(self.payload_hash)
                and self.payload_hash != body.sha256.encode()):
            raise Refusal("payload_hash", "the body hashes to "
                          + body.sha256)

    #  Where the signature is, and what it claims.

    def _locate(self):
        authorization = self.head.first(b"authorization")
        names = {name.lower() for name, _ in
                 canonical.query_pairs(self.head.query or b"")}
        presigned = sorted(names.intersection(PRESIGNED))

        if {b"awsaccesskeyid", b"signature", b"expires"} <= names:
            raise Refusal("legacy_query", "a SigV2 presigned query")

        if self.head.first(b"proxy-authorization") is not None:
            raise Refusal("client_leftover", "Proxy-Authorization")

        if authorization is not None and presigned:
            raise Refusal("two_mechanisms", presigned[0].decode())

        if authorization is not None:
            self._parse_header(authorization)
        elif presigned:
            self._parse_query()
        else:
            raise Refusal("no_authentication")

    def _parse_header(self, value):
        algorithm, _, rest = value.partition(b" ")

        if algorithm != canonical.ALGORITHM:
            raise Refusal("foreign_authorization",
                          algorithm.decode("latin-1")[:40])

        fields = {}

        for part in rest.split(b","):
            name, mark, field = part.strip(b" ").partition(b"=")
            if not mark or name in fields:
                raise Refusal("malformed_authorization",
                              name.decode("latin-1"))
            fields[name] = field

        if set(fields) != {b"Credential", b"SignedHeaders", b"Signature"}:
            raise Refusal("malformed_authorization", "fields")

        self.mechanism = "header"
        self.timestamp = self.head.first(b"x-amz-date") or b""
        self._parse_fields(fields)

    def _parse_query(self):
        pairs = canonical.query_pairs(self.head.query)
        fields = dict(pairs)

        if not self.policy.presigned:
            raise Refusal("presigned", "a presigned query is not expected")

        if len(fields) != len(pairs):
            raise Refusal("malformed_query", "a parameter is repeated")

        if fields.get(b"X-Amz-Algorithm") != canonical.ALGORITHM:
            raise Refusal("malformed_query", "X-Amz-Algorithm")

        self.mechanism = "query"
        self.timestamp = fields.get(b"X-Amz-Date", b"")
        self.query_fields = fields
        self._parse_fields({
            name: fields.get(b"X-Amz-" + name, b"") for name in
            (b"Credential", b"SignedHeaders", b"Signature")})

    def _parse_fields(self, fields):
        parts = fields[b"Credential"].rsplit(b"/", 4)

        if len(parts) != 5 or parts[4] != b"aws4_request" or not all(parts):
            raise Refusal("malformed_credential")

        self.access_key_id, self.date, self.region, self.service, _ = parts
        self.scope = b"/".join(parts[1:])
        self.provided = fields[b"Signature"]

        if not re.fullmatch(rb"[0-9]{8}", self.date):
            raise Refusal("malformed_credential", "date")

        if not _HEX64.fullmatch(self.provided):
            raise Refusal("malformed_signature")

        if not _SIGNED_HEADERS.fullmatch(fields[b"SignedHeaders"]):
            raise Refusal("malformed_signed_headers")

        self.names = fields[b"SignedHeaders"].split(b";")

        if self.names != sorted(set(self.names)):
            raise Refusal("malformed_signed_headers", "order")

    #  What has to be signed, and what must not be.

    def _check_coverage(self):
        present = {name.lower() for name, _ in self.head.headers}
        signed = set(self.names)

        for name in sorted(signed - present):
            raise Refusal("signed_header_absent", name.decode())

        for name in sorted(signed & NEVER_SIGNED):
            raise Refusal("signed_mutable_header", name.decode())

        required = {b"host", b"content-type", b"content-md5"} & present

        if self.mechanism == "header":
            required.add(b"x-amz-date")

        required.update(n for n in present if n.startswith(b"x-amz-"))

        for name in sorted(required - signed):
            raise Refusal("unsigned_header", name.decode())

    def _check_time(self):
        if not _TIMESTAMP.fullmatch(self.timestamp):
            raise Refusal("malformed_date",
                          self.timestamp.decode("latin-1"))

        if self.timestamp[:8] != self.date:
            raise Refusal("scope_date", "X-Amz-Date %s, scope %s" % (
                self.timestamp.decode(), self.date.decode()))

        try:
            then = calendar.timegm(time.strptime(self.timestamp.decode(),
                                                 "%Y%m%dT%H%M%SZ"))
        except ValueError:
            raise Refusal("malformed_date", self.timestamp.decode()) from None

        now = self.policy.now()

        if self.mechanism == "query":
            self._check_expiry(then, now)
        elif abs(now - then) > SKEW:
            raise Refusal("date_skew", "%+d s" % (then - now))

    def _check_expiry(self, then, now):
        expires = self.query_fields.get(b"X-Amz-Expires", b"900")

        if not re.fullmatch(rb"[1-9][0-9]{0,5}", expires) \
                or int(expires) > 604800:
            raise Refusal("malformed_expires", expires.decode("latin-1"))

        if then - now > SKEW:
            raise Refusal("date_skew", "%+d s" % (then - now))

        if now > then + int(expires):
            raise Refusal("expired_url")

    def _check_scope(self):
        host = self.head.first(b"host").decode("latin-1")
        expected = self.policy.expected_scope(host)

        if expected is None:
            return

        service, region, self.scope_source = expected

        if self.service.decode("latin-1") != service:
            raise Refusal("scope_service", "expecting '%s'" % service)

        if self.region.decode("latin-1") != region:
            raise Refusal("scope_region", "expecting '%s'" % region)

    def _check_key(self):
        key = self.policy.keys.find(self.access_key_id)

        if key is None:
            raise Refusal("unknown_key",
                          self.access_key_id.decode("latin-1"))

        if key.expires is not None and self.policy.now() > key.expires:
            raise Refusal("expired_token")

        self.key = key

        if self.mechanism == "query":
            token = self.query_fields.get(b"X-Amz-Security-Token")
        elif self.service == b"s3express":
            token = (self.head.first(b"x-amz-s3session-token")
                     or self.head.first(b"x-amz-security-token"))
        else:
            token = self.head.first(b"x-amz-security-token")

        if key.token is None and token is not None:
            raise Refusal("unexpected_token")

        if key.token is not None and token is None:
            raise Refusal("missing_token")

        if key.token is not None and not hmac.compare_digest(key.token,
                                                             token):
            raise Refusal("wrong_token")

        if (self.service != b"s3express"
                and self.head.first(b"x-amz-s3session-token") is not None):
            raise Refusal("client_leftover", "x-amz-s3session-token")

    #  The last line of the canonical request.

    def _choose_payload_hash(self):
        value = self.head.first(b"x-amz-content-sha256")
        s3 = self.service in canonical.S3_FAMILY

        if self.mechanism == "query" and value is None:
            self.payload_hash = b"UNSIGNED-PAYLOAD" if s3 else None
            return

        if value is None and self.service in NEEDS_CONTENT_SHA256:
            raise Refusal("missing_content_sha256")

        if value is not None:
            self._check_payload_kind(value)

        if s3 and self.head.chunked and not value.startswith(b"STREAMING-"):
            raise Refusal("transfer_encoding", "S3 wants a Content-Length")

        self.payload_hash = value

    def _check_payload_kind(self, value):
        s3 = self.service in canonical.S3_FAMILY
        streaming = (payload.SIGNED_CHUNKS, payload.SIGNED_TRAILER,
                     payload.UNSIGNED_TRAILER)

        if _HEX64.fullmatch(value):
            if self.service == b"vpc-lattice-svcs":
                raise Refusal("payload_kind", "VPC Lattice reads no body")
        elif value == b"UNSIGNED-PAYLOAD":
            if self.service not in UNSIGNED_PAYLOAD:
                raise Refusal("payload_kind", "unsigned")
        elif value not in streaming or not s3:
            raise Refusal("payload_kind", value.decode("latin-1")[:60])

        if (b"UNSIGNED" in value and self.policy.unsigned_needs_tls
                and not self.tls):
            raise Refusal("payload_kind", "unsigned without TLS")

    #  The signature itself.

    def _signing_key(self):
        return self.policy.signing_key(self.key, self.date, self.region,
                                       self.service)

    def _check_signature(self):
        rule = canonical.path_rule(self.service, self.policy.path_rules)
        leave_out = []

        if rule == "s3" and b"+" in self.head.path:
            raise Refusal("raw_plus_in_path", "S3 reads it as a space")

        if self.mechanism == "query":
            leave_out.append(b"X-Amz-Signature")
            if self.service == b"iotdevicegateway":
                leave_out.append(b"X-Amz-Security-Token")

        self.canonical_request = canonical.canonical_request(
            self.head.method,
            canonical.canonical_path(self.head.path, rule),
            canonical.canonical_query(self.head.query or b"", leave_out),
            self.head.headers, self.names, self.payload_hash)
        self.string_to_sign = canonical.string_to_sign(
            self.timestamp, self.scope, self.canonical_request)

        expected = canonical.signature(self._signing_key(),
                                       self.string_to_sign)

        if not hmac.compare_digest(expected, self.provided):
            raise Refusal("signature")

        self.signature_checked = True

    def report(self):
        """What is known of the request, for the answer and the log."""
        text = lambda b: b.decode("latin-1") if b is not None else None

        return {
            "mechanism": self.mechanism,
            "host": text(self.head.first(b"host")),
            "service": text(self.service),
            "region": text(self.region),
            "scope": text(self.scope),
            "scope_source": self.scope_source,
            "date": text(self.timestamp),
            "access_key_id": text(self.access_key_id),
            "session_token": self.key is not None
                             and self.key.token is not None,
            "signed_headers": text(b";".join(self.names)),
            "signature": text(self.provided),
            "payload_hash": text(self.payload_hash),
            "signature_checked": self.signature_checked,
        }

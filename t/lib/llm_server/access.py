# SPDX-License-Identifier: BSD-2-Clause
"""Who may ask: signatures made anew from the bytes that arrived, keys of
APIs, and headers that must not have come through a gateway."""

import re

import oracle
from sigv4_verifier import payload, verify, wire

SIGNED = {"runtime": "bedrock", "mantle": "bedrock-mantle"}
HOSTS = {"runtime": re.compile(r"(?:.+\.)?bedrock-runtime(?:-fips)?\..+"),
         "mantle": re.compile(r"(?:.+\.)?bedrock-mantle\..+")}

CREDENTIALS = ("authorization", "x-api-key", "api-key", "x-goog-api-key",
               "cookie", "proxy-authorization")

#  What a signer adds, and what a gateway may say to Invoke.
OF_THE_SIGNER = frozenset(("x-amz-date", "x-amz-security-token",
                           "x-amz-content-sha256"))
OF_INVOKE = frozenset("x-amzn-bedrock-" + name for name in (
    "accept", "guardrailidentifier", "guardrailversion", "trace",
    "performanceconfig-latency", "service-tier"))


class Access:
    """The rules of one listener, whose kind is of question.ROOTS."""

    def __init__(self, kind, policy, key=None, forbidden=(), second=True):
        self.kind = kind
        self.policy = policy
        self.key = key
        self.forbidden = forbidden
        self.second = second

    @property
    def signed(self):
        return self.kind in SIGNED

    def claim(self, head, secure):
        """Who verifies the head, and is then given the body."""
        if not self.signed:
            return None

        return verify.Verification(head, self.policy, secure)

    def check_head(self, head, claim):
        """Refuse, or give what the body is fed to."""
        self._check_headers(head)

        if claim is None:
            head.check()
            self._check_key(head)
            return payload.Payload()

        if head.first(b"authorization") is None:
            raise wire.Refusal("no_authentication")

        host = head.first(b"host") or b""
        claim.check_head()
        self._check_scope(claim, host.decode("latin-1"))

        return claim.body()

    def finish(self, record, claim, body):
        """Refuse what the body shows to be wrong."""
        if claim is None:
            return

        claim.finish(body)

        if self.second:
            self._ask_awscrt(record, claim)

    def _check_headers(self, head):
        for name, value in head.headers:
            name = name.decode().lower()
            text = value.decode("latin-1")

            for secret in self.forbidden:
                if secret in text:
                    raise wire.Refusal("client_credential", name)

            if self.signed and name in CREDENTIALS[1:]:
                raise wire.Refusal("client_credential", name)

            if name.startswith("x-amz-") and not (
                    self.signed and name in OF_THE_SIGNER):
                raise wire.Refusal("forbidden_header", name)

            if name.startswith("x-amzn-") and not (
                    self.kind == "runtime" and name in OF_INVOKE
                    and head.path.startswith(b"/model/")):
                raise wire.Refusal("forbidden_header", name)

    def _check_scope(self, claim, host):
        """Whatever the table of hosts knows, this server is only one."""
        service = claim.service.decode("latin-1")

        if claim.scope_source == "expected":
            return

        if not HOSTS[self.kind].fullmatch(host):
            raise wire.Refusal("unknown_host", host)

        if claim.scope_source != "inferred" or service != SIGNED[self.kind]:
            raise wire.Refusal("scope_service", service)

    def _check_key(self, head):
        """At most one credential, and the right one."""
        given = [(name.decode().lower(), value.decode("latin-1"))
                 for name, value in head.headers
                 if name.decode().lower() in CREDENTIALS]
        good = [("authorization", "Bearer %s" % self.key),
                ("x-api-key", self.key)]

        if self.kind == "openai":
            good.pop()
        elif self.kind == "anthropic":
            good.pop(0)

        if self.key is None and given:
            raise wire.Refusal("client_credential", given[0][0])

        if self.key is not None and (len(given) != 1
                                     or given[0] not in good):
            raise wire.Refusal("wrong_key",
                               ", ".join(name for name, _ in given))

    def _ask_awscrt(self, record, claim):
        """The same signature by awscrt, from the same bytes."""
        key = claim.key
        secret = key.secret.decode()
        token = key.token.decode() if key.token else None
        expected = oracle.sign_again(
            {**record, **claim.report()},
            {claim.access_key_id.decode(): (secret, token)})

        if oracle.authorization(record["headers"]) != expected:
            raise wire.Refusal("awscrt_differs", expected)

# SPDX-License-Identifier: BSD-2-Clause
"""What a server does instead of answering as it should.

A test gives rules, a JSON list; the first that matches a request is its
action.  What a rule looks at, each member optional:

    listener   name of the listener
    model      the model id, with * and ? as in file names; a request that
               names none is like any
    region     of the signature
    path       regular expression, searched in the target
    times      so many requests, and then no more

What it does, each member optional:

    hold            gate: the answer waits for its level to be 1
    status          of the answer, with an error in the caller's dialect
    error           class of AWS: its status, its x-amzn-errortype
    message         of the error
    headers         object or pairs, added to the answer
    body            text of the answer; with content_type
    close           "head": closed when the request has been read, before
                    a head of the answer; "start": before its body is read
    garbage         bytes that are not HTTP
    stall           nothing comes, ever
    cut             the stream ends after so many units, with no end;
                    of an answer that is no stream, so many bytes
    exception       {"after": units, "type": class}: in the stream; where
                    the stream is SSE, the error event of the dialect
    gate            name: unit N leaves when its level is N or more; true
                    takes the name from the text "gate:NAME" of the request
    tokens, size    the text: a list, or a number of bytes
    answer_model    the model that the answer names
    tools           false: no tool is called
    usage           true: always there, false: never
    prompt_tokens, cached_tokens, completion_tokens

Without a rule, a model id may name an action of NAMED: mock-gate,
mock-cut, mock-status-503, mock-error-throttling, us.acme.mock-tools-v1:0.
"""

import fnmatch
import re
import threading

#  class of AWS: (status, type and code of OpenAI)
ERRORS = {
    "ValidationException": (400, "invalid_request_error", None),
    "ResourceNotFoundException": (404, "invalid_request_error",
                                  "model_not_found"),
    "AccessDeniedException": (403, "permission_error", "access_denied"),
    "UnrecognizedClientException": (403, "authentication_error",
                                    "invalid_api_key"),
    "ExpiredTokenException": (403, "authentication_error",
                              "invalid_api_key"),
    "InvalidSignatureException": (403, "authentication_error",
                                  "invalid_api_key"),
    "ThrottlingException": (429, "rate_limit_error", "rate_limit_exceeded"),
    "ServiceQuotaExceededException": (400, "insufficient_quota",
                                      "insufficient_quota"),
    "ModelNotReadyException": (429, "api_error", "model_not_ready"),
    "ModelTimeoutException": (408, "api_error", "model_timeout"),
    "ModelErrorException": (424, "api_error", "model_error"),
    "ModelStreamErrorException": (424, "api_error", "model_stream_error"),
    "InternalServerException": (500, "api_error", "internal_error"),
    "ServiceUnavailableException": (503, "api_error",
                                    "service_unavailable"),
    "ConflictException": (400, "invalid_request_error", "conflict"),
}

#  status: (type of OpenAI, code of OpenAI, type of Anthropic, class of AWS)
STATUSES = {
    400: ("invalid_request_error", None, "invalid_request_error",
          "ValidationException"),
    401: ("authentication_error", "invalid_api_key", "authentication_error",
          "UnrecognizedClientException"),
    403: ("permission_error", "access_denied", "permission_error",
          "AccessDeniedException"),
    404: ("invalid_request_error", "model_not_found", "not_found_error",
          "ResourceNotFoundException"),
    405: ("invalid_request_error", None, "invalid_request_error",
          "ValidationException"),
    413: ("invalid_request_error", "request_too_large", "request_too_large",
          "ValidationException"),
    422: ("invalid_request_error", None, "invalid_request_error",
          "ValidationException"),
    429: ("rate_limit_error", "rate_limit_exceeded", "rate_limit_error",
          "ThrottlingException"),
    503: ("server_error", None, "overloaded_error",
          "ServiceUnavailableException"),
    504: ("server_error", None, "timeout_error", "ModelTimeoutException"),
    529: ("server_error", None, "overloaded_error",
          "ServiceUnavailableException"),
}
OTHER = ("server_error", None, "api_error", "InternalServerException")

HTML = "<html><body><h1>502 Bad Gateway</h1></body></html>\n"

NAMED = {
    "gate": {"gate": True},
    "stall": {"stall": True},
    "close": {"close": "head"},
    "garbage": {"garbage": True},
    "cut": {"cut": 2},
    "exception": {"exception": {"after": 2, "type": "ThrottlingException"}},
    "exception-first": {"exception": {"after": 0,
                                      "type": "ThrottlingException"}},
    "huge": {"size": 32 << 20},
    "usage": {"usage": True},
    "no-usage": {"usage": False},
    "no-tools": {"tools": False},
    "html": {"status": 502, "body": HTML, "content_type": "text/html"},
    "busy": {"status": 429, "headers": {"Retry-After": "7"}},
    "missing": {"error": "ResourceNotFoundException"},
}

MEMBERS = frozenset((
    "listener", "model", "region", "path", "times", "hold", "status",
    "error", "message", "headers", "body", "content_type", "close",
    "garbage", "stall", "cut", "exception", "gate", "tokens", "size",
    "answer_model", "tools", "usage", "prompt_tokens", "cached_tokens",
    "completion_tokens"))

_MODEL = re.compile(r"mock-([A-Za-z0-9-]+?)(?:-v\d+(?::\d+)?)?$")


def error_class(name):
    """ThrottlingException, of "throttling" as of its full name."""
    for known in ERRORS:
        if known.lower() in (name.lower(), name.lower() + "exception"):
            return known

    raise ValueError("no class of error is called %r" % name)


def of_model(model):
    """The action that the id of a model names."""
    match = _MODEL.search(model or "")
    name = match[1] if match else ""

    if re.fullmatch(r"status-\d{3}", name):
        return {"status": int(name[-3:])}

    if name.startswith("error-"):
        return {"error": error_class(name[len("error-"):])}

    return dict(NAMED.get(name, {}))


class Rules:
    """The rules of the test; they are used up in order."""

    def __init__(self):
        self.lock = threading.Lock()
        self.rules = []

    def set(self, rules):
        for rule in rules:
            unknown = set(rule) - MEMBERS

            if unknown:
                raise ValueError("unknown members: " + ", ".join(unknown))

            if "error" in rule:
                rule["error"] = error_class(rule["error"])

        with self.lock:
            self.rules = rules

    def pick(self, facts):
        with self.lock:
            rule = self._first(facts)

            if rule is not None:
                return used(rule)

        return of_model(facts["model"])

    def early(self, facts):
        """The action of a request of which the head alone is known, if it
        is one that wants no more."""
        with self.lock:
            rule = self._first(facts)

            if rule is not None and rule.get("close") == "start":
                return used(rule)

        return None

    def _first(self, facts):
        for rule in self.rules:
            if rule.get("times", 1) > 0 and matches(rule, facts):
                return rule

        return None


def used(rule):
    if "times" in rule:
        rule["times"] -= 1

    return dict(rule)


def matches(rule, facts):
    """What is not known of a request is like anything."""
    for name in ("listener", "model", "region"):
        if name in rule and facts[name] is not None \
                and not fnmatch.fnmatchcase(facts[name], rule[name]):
            return False

    return re.search(rule.get("path", ""), facts["target"]) is not None

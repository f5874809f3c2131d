# SPDX-License-Identifier: BSD-2-Clause
"""From a request and an action to the bytes of an answer."""

import hashlib

from . import anthropic, behaviour, bedrock, eventstream, openai
from .completion import Completion, dump

SSE = "text/event-stream; charset=utf-8"


class Reply:
    """A status, headers, and a body or the units of a stream."""

    def __init__(self, status, headers, body=None, units=None):
        self.status = status
        self.headers = headers
        self.body = body
        self.units = units


class Fault(Exception):
    """What the server itself finds wrong with a request."""

    def __init__(self, status, message):
        super().__init__(message)
        self.status = status


def sha256(data):
    return hashlib.sha256(data).hexdigest()


def json_reply(status, body, *headers):
    return Reply(status, [("Content-Type", "application/json"), *headers],
                 body)


def failure(question, status, message, error=None):
    """An error in the shape of the dialect, or, with a class, of AWS."""
    kind, code, other, default = behaviour.STATUSES.get(status,
                                                        behaviour.OTHER)

    if error is not None or question.dialect == "bedrock":
        name = "%s:http://internal.amazon.com/coral/" % (error or default)
        return json_reply(status, bedrock.error_body(message),
                          ("x-amzn-errortype", name))

    if question.dialect == "anthropic":
        return json_reply(status, anthropic.error_body(other, message))

    return json_reply(status, openai.error_body(status, kind, code, message))


def make(question, action, number, models):
    """The answer to a request whose sender may ask."""
    try:
        made = (asked_for(question, action)
                or regular(question, action, number, models))
    except Fault as fault:
        made = failure(question, fault.status, str(fault))

    given = action.get("headers", [])
    made.headers = (made.headers + identity(question, number)
                    + [tuple(pair) for pair in
                       (given.items() if isinstance(given, dict)
                        else given)])

    return made


def identity(question, number):
    name = ("x-amzn-requestid" if question.kind in ("runtime", "mantle")
            else "x-request-id")

    return [(name, "mock-%d" % number)]


def asked_for(question, action):
    """The error or the body that the test wants, if it wants one."""
    message = action.get("message", "the test asks for this")

    if "error" in action:
        status = behaviour.ERRORS[action["error"]][0]
        return failure(question, action.get("status", status), message,
                       action["error"])

    if "body" in action:
        return Reply(action.get("status", 200),
                     [("Content-Type", action.get("content_type",
                                                  "application/json"))],
                     action["body"].encode())

    if action.get("status", 200) >= 400:
        return failure(question, action["status"], message)

    return None


def regular(question, action, number, models):
    """What the server answers when nothing is to go wrong."""
    check(question, models)
    operation = question.operation
    completion = Completion(question, action, number)

    if operation in ("models", "model"):
        return listing(question, models)

    if operation in ("count_tokens", "count-tokens"):
        name = ("inputTokens" if operation == "count-tokens"
                else "input_tokens")
        return json_reply(200, dump({name: completion.prompt}))

    if operation == "embeddings":
        return json_reply(200, openai.embeddings(question, completion))

    if question.stream:
        return stream(question, action, completion)

    if operation == "invoke":
        return json_reply(
            200, bedrock.invoke(question, completion),
            ("X-Amzn-Bedrock-Input-Token-Count", str(completion.prompt)),
            ("X-Amzn-Bedrock-Output-Token-Count", str(completion.output)))

    return json_reply(200, {
        "chat": openai.chat, "responses": openai.responses,
        "messages": anthropic.messages, "converse": bedrock.converse,
    }[operation](completion))


def stream(question, action, completion):
    operation = question.operation
    content_type = SSE

    if operation == "chat":
        units = openai.chat_stream(question, completion)
    elif operation == "responses":
        units = openai.responses_stream(completion)
    elif operation == "messages":
        units = anthropic.messages_stream(completion)
    else:
        content_type = eventstream.CONTENT_TYPE
        units = (bedrock.converse_stream(completion)
                 if operation == "converse-stream"
                 else bedrock.invoke_stream(completion))

    if "exception" in action:
        after = action["exception"]["after"]
        units = units[:after] + [exception(question, action)]

    return Reply(200, [("Content-Type", content_type),
                       ("Cache-Control", "no-cache")], units=units)


def exception(question, action):
    """An error after the head of a stream, as the dialect has it."""
    name = behaviour.error_class(action["exception"]["type"])
    message = action.get("message", "the test asks for this")
    status, kind, _ = behaviour.ERRORS[name]

    if question.dialect == "bedrock":
        return eventstream.exception(name[0].lower() + name[1:],
                                     bedrock.error_body(message))

    if question.dialect == "anthropic":
        kind = behaviour.STATUSES.get(status, behaviour.OTHER)[2]
        return anthropic.stream_error(kind, message)

    return openai.stream_error(kind, message)


def listing(question, models):
    dialect = anthropic if question.dialect == "anthropic" else openai

    if question.operation == "models":
        return json_reply(200, dialect.models(models))

    if question.model not in models:
        raise Fault(404, "no such model")

    return json_reply(200, dump(dialect.model(question.model)))


#  What a server would refuse; a gateway has to get it right.

def check(question, models):
    operation = question.operation

    if operation is None:
        raise Fault(404, "no route " + question.path)

    if question.method != ("GET" if operation in ("models", "model")
                           else "POST"):
        raise Fault(405, "not with " + question.method)

    if operation in ("models", "model"):
        return

    if not isinstance(question.json, dict):
        raise Fault(400, "the body is no JSON object")

    if not question.headers.get("content-type", "").startswith(
            "application/json"):
        raise Fault(400, "the content type is not application/json")

    if question.dialect == "bedrock":
        check_bedrock(question)
        return

    if not isinstance(question.model, str):
        raise Fault(400, "model is missing")

    if operation == "messages":
        check_message(question)

        if "anthropic-version" not in question.headers:
            raise Fault(400, "anthropic-version is missing")


def check_bedrock(question):
    for name in ("model", "stream"):
        if name in question.json:
            raise Fault(400, "extraneous key [%s] is not permitted" % name)

    if question.operation in ("converse", "converse-stream"):
        check_converse(question)
        return

    if "inputText" in question.json or question.operation == "count-tokens":
        return

    #  Anthropic's client for Bedrock names versions of its own API.
    if not isinstance(question.json.get("anthropic_version"), str):
        raise Fault(400, "anthropic_version: Field required")

    if "anthropic-version" in question.headers:
        raise Fault(400, "anthropic-version is no header of Bedrock")

    check_message(question)


def check_message(question):
    for name, kind in (("messages", list), ("max_tokens", int)):
        if not isinstance(question.json.get(name), kind):
            raise Fault(400, "%s: Field required" % name)


def check_converse(question):
    for message in question.json.get("messages", []):
        if not isinstance(message.get("content"), list):
            raise Fault(400, "content is a list")

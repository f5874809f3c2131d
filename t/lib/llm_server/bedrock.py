# SPDX-License-Identifier: BSD-2-Clause
"""Converse and Invoke of Bedrock; streams are lists of units."""

import base64

from . import anthropic, eventstream
from .completion import dump


def error_body(message):
    return dump({"message": message})


def usage(completion):
    fresh = completion.prompt - completion.cached

    return {"inputTokens": fresh, "outputTokens": completion.output,
            "totalTokens": completion.prompt + completion.output,
            "cacheReadInputTokens": completion.cached,
            "cacheWriteInputTokens": 0}


def converse(completion):
    content = {"text": completion.text}

    if completion.tool:
        content = {"toolUse": {
            "toolUseId": completion.identifier("tooluse_"),
            "name": completion.tool, "input": completion.arguments}}

    answer = {"metrics": {"latencyMs": 1},
              "output": {"message": {"role": "assistant",
                                     "content": [content]}},
              "stopReason": "tool_use" if completion.tool else "end_turn"}

    if completion.wants_usage is not False:
        answer["usage"] = usage(completion)

    return dump(answer)


def event(kind, **members):
    return eventstream.event(kind, dump(members))


def converse_stream(completion):
    units = [event("messageStart", role="assistant", p="abcd")]

    if completion.tool:
        units[0] += event("contentBlockStart", contentBlockIndex=0, start={
            "toolUse": {"toolUseId": completion.identifier("tooluse_"),
                        "name": completion.tool}})

    for index, token in enumerate(completion.tokens):
        delta = {"text": token}

        if completion.tool:
            delta = {"toolUse": {"input": token}}

        if index:
            units.append(b"")

        units[-1] += event("contentBlockDelta", contentBlockIndex=0,
                           delta=delta)

    end = event("contentBlockStop", contentBlockIndex=0) + event(
        "messageStop",
        stopReason="tool_use" if completion.tool else "end_turn")

    if completion.wants_usage is not False:
        end += event("metadata", usage=usage(completion),
                     metrics={"latencyMs": 1})

    return units + [end]


def invoke(question, completion):
    """An embedding for a text to embed, else a message of Anthropic."""
    if question.member("inputText") is not None:
        return dump({"embedding": [0.5, -1.0, 0.25, 1.5],
                     "inputTextTokenCount": completion.prompt})

    return anthropic.messages(completion)


def chunk(value):
    data = base64.b64encode(dump(value)).decode()

    return event("chunk", bytes=data, p="abc")


def invoke_stream(completion):
    units = anthropic.events(completion)

    if completion.wants_usage is not False:
        units[-1][-1]["amazon-bedrock-invocationMetrics"] = {
            "inputTokenCount": completion.prompt - completion.cached,
            "outputTokenCount": completion.output,
            "invocationLatency": 2, "firstByteLatency": 1,
            "cacheReadInputTokenCount": completion.cached,
            "cacheWriteInputTokenCount": 0}

    return [b"".join(map(chunk, unit)) for unit in units]

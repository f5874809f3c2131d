# SPDX-License-Identifier: BSD-2-Clause
"""The Messages API of Anthropic; streams are lists of units, as of OpenAI."""

from .completion import dump


def error_body(kind, message):
    return dump({"type": "error", "error": {"type": kind, "message": message},
                 "request_id": "req_mock"})


def event(value):
    return (b"event: " + value["type"].encode() + b"\ndata: " + dump(value)
            + b"\n\n")


def stream_error(kind, message):
    return event({"type": "error",
                  "error": {"type": kind, "message": message}})


def usage(completion):
    return {"input_tokens": completion.prompt - completion.cached,
            "cache_creation_input_tokens": 0,
            "cache_read_input_tokens": completion.cached,
            "output_tokens": completion.output}


def message(completion, content, reason, numbers):
    answer = {"id": completion.identifier("msg_"), "type": "message",
              "role": "assistant", "model": completion.model,
              "content": content, "stop_reason": reason,
              "stop_sequence": None}

    if completion.wants_usage is not False:
        answer["usage"] = numbers

    return answer


def tool_use(completion, arguments):
    return {"type": "tool_use", "id": completion.identifier("toolu_"),
            "name": completion.tool, "input": arguments}


def messages(completion):
    if completion.tool:
        content = tool_use(completion, completion.arguments)
    else:
        content = {"type": "text", "text": completion.text}

    return dump(message(completion, [content],
                        "tool_use" if completion.tool else "end_turn",
                        usage(completion)))


def events(completion):
    """The events of a stream in units, not yet written."""
    numbers = dict(usage(completion), output_tokens=1)
    block = (tool_use(completion, {}) if completion.tool
             else {"type": "text", "text": ""})
    units = [[
        {"type": "message_start",
         "message": message(completion, [], None, numbers)},
        {"type": "content_block_start", "index": 0, "content_block": block},
        {"type": "ping"},
    ]]

    for index, token in enumerate(completion.tokens):
        delta = {"type": "text_delta", "text": token}

        if completion.tool:
            delta = {"type": "input_json_delta", "partial_json": token}

        if index:
            units.append([])

        units[-1].append({"type": "content_block_delta", "index": 0,
                          "delta": delta})

    end = {"type": "message_delta", "delta": {
        "stop_reason": "tool_use" if completion.tool else "end_turn",
        "stop_sequence": None}}

    if completion.wants_usage is not False:
        end["usage"] = {"output_tokens": completion.output}

    return units + [[{"type": "content_block_stop", "index": 0}, end,
                     {"type": "message_stop"}]]


def messages_stream(completion):
    return [b"".join(map(event, unit)) for unit in events(completion)]


def model(name):
    return {"type": "model", "id": name, "display_name": name,
            "created_at": "2025-01-01T00:00:00Z"}


def models(names):
    return dump({"data": [model(name) for name in names], "has_more": False,
                 "first_id": names[0], "last_id": names[-1]})

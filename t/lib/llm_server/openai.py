# SPDX-License-Identifier: BSD-2-Clause
"""The API of OpenAI: bodies, and streams as lists of units.

The first unit holds all up to the first token, each further one a token,
and the last one the end.
"""

import base64
import struct

from .completion import CREATED, dump

VECTOR = (0.5, -1.0, 0.25, 1.5)


def error_body(status, kind, code, message):
    return dump({"error": {"message": message, "type": kind, "param": None,
                           "code": code}})


def event(value, name=None):
    start = b"event: " + name.encode() + b"\n" if name else b""

    return start + b"data: " + dump(value) + b"\n\n"


def stream_error(kind, message):
    return event({"error": {"message": message, "type": kind, "param": None,
                            "code": None}})


#  Chat completions

def chat_usage(completion):
    return {"prompt_tokens": completion.prompt,
            "completion_tokens": completion.output,
            "total_tokens": completion.prompt + completion.output,
            "prompt_tokens_details": {"cached_tokens": completion.cached}}


def tool_call(completion, arguments):
    return {"id": completion.identifier("call_"), "type": "function",
            "function": {"name": completion.tool, "arguments": arguments}}


def chat(completion):
    message = {"role": "assistant", "content": completion.text,
               "refusal": None}
    reason = "stop"

    if completion.tool:
        message["content"] = None
        message["tool_calls"] = [tool_call(completion, completion.text)]
        reason = "tool_calls"

    answer = {"id": completion.identifier("chatcmpl-"),
              "object": "chat.completion", "created": CREATED,
              "model": completion.model,
              "choices": [{"index": 0, "message": message, "logprobs": None,
                           "finish_reason": reason}]}

    if completion.wants_usage is not False:
        answer["usage"] = chat_usage(completion)

    return dump(answer)


def chat_stream(question, completion):
    asked = (question.member("stream_options") or {}).get("include_usage")
    usage = (completion.wants_usage if completion.wants_usage is not None
             else asked is True)

    def chunk(delta, reason=None):
        value = {"id": completion.identifier("chatcmpl-"),
                 "object": "chat.completion.chunk", "created": CREATED,
                 "model": completion.model,
                 "choices": [{"index": 0, "delta": delta, "logprobs": None,
                              "finish_reason": reason}]}

        if usage:
            value["usage"] = None

        return value

    units = [event(chunk({"role": "assistant", "content": "",
                          "refusal": None}))]

    if completion.tool:
        units[0] += event(chunk({"tool_calls": [
            {"index": 0, **tool_call(completion, "")}]}))

    for index, token in enumerate(completion.tokens):
        delta = {"content": token}

        if completion.tool:
            delta = {"tool_calls": [{"index": 0,
                                     "function": {"arguments": token}}]}

        if index:
            units.append(b"")

        units[-1] += event(chunk(delta))

    end = event(chunk({}, "tool_calls" if completion.tool else "stop"))

    if usage:
        last = chunk({})
        last.update(choices=[], usage=chat_usage(completion))
        end += event(last)

    return units + [end + b"data: [DONE]\n\n"]


#  Responses

def response(completion, status, output):
    answer = {
        "id": completion.identifier("resp_"), "object": "response",
        "created_at": CREATED, "status": status, "model": completion.model,
        "error": None, "incomplete_details": None, "instructions": None,
        "metadata": {}, "output": output, "parallel_tool_calls": True,
        "temperature": 1, "tool_choice": "auto", "tools": [], "top_p": 1,
    }

    if status == "completed" and completion.wants_usage is not False:
        answer["usage"] = {
            "input_tokens": completion.prompt,
            "input_tokens_details": {"cached_tokens": completion.cached},
            "output_tokens": completion.output,
            "output_tokens_details": {"reasoning_tokens": 0},
            "total_tokens": completion.prompt + completion.output}

    return answer


def text_part(text):
    return {"type": "output_text", "text": text, "annotations": []}


def output_item(completion, done):
    status = "completed" if done else "in_progress"

    if completion.tool:
        return {"type": "function_call", "status": status,
                "id": completion.identifier("fc_"),
                "call_id": completion.identifier("call_"),
                "name": completion.tool,
                "arguments": completion.text if done else ""}

    return {"type": "message", "status": status, "role": "assistant",
            "id": completion.identifier("msg_"),
            "content": [text_part(completion.text)] if done else []}


def responses(completion):
    return dump(response(completion, "completed",
                         [output_item(completion, True)]))


def responses_stream(completion):
    place = {"item_id": output_item(completion, True)["id"],
             "output_index": 0}
    kind = "response.output_text"
    end_of_text = {"text": completion.text, "logprobs": []}
    numbers = iter(range(1 << 30))

    if completion.tool:
        kind = "response.function_call_arguments"
        end_of_text = {"arguments": completion.text,
                       "name": completion.tool}
    else:
        place["content_index"] = 0

    def made(name, **members):
        return event({"type": name, "sequence_number": next(numbers),
                      **members}, name)

    def part(name, text):
        return b"" if completion.tool else made(
            "response.content_part." + name, **place, part=text_part(text))

    begun = response(completion, "in_progress", [])
    units = [made("response.created", response=begun)
             + made("response.in_progress", response=begun)
             + made("response.output_item.added", output_index=0,
                    item=output_item(completion, False))
             + part("added", "")]

    for index, token in enumerate(completion.tokens):
        delta = {"delta": token}

        if not completion.tool:
            delta["logprobs"] = []

        if index:
            units.append(b"")

        units[-1] += made(kind + ".delta", **place, **delta)

    item = output_item(completion, True)

    return units + [
        made(kind + ".done", **place, **end_of_text)
        + part("done", completion.text)
        + made("response.output_item.done", output_index=0, item=item)
        + made("response.completed",
               response=response(completion, "completed", [item]))]


#  Embeddings and models

def embeddings(question, completion):
    given = question.member("input")
    count = len(given) if isinstance(given, list) else 1
    vector = list(VECTOR)

    if question.member("encoding_format") == "base64":
        vector = base64.b64encode(struct.pack("<4f", *VECTOR)).decode()

    answer = {"object": "list", "model": completion.model,
              "data": [{"object": "embedding", "index": index,
                        "embedding": vector} for index in range(count)]}

    if completion.wants_usage is not False:
        answer["usage"] = {"prompt_tokens": completion.prompt,
                           "total_tokens": completion.prompt}

    return dump(answer)


def model(name):
    return {"id": name, "object": "model", "created": CREATED,
            "owned_by": "mock"}


def models(names):
    return dump({"object": "list", "data": [model(name) for name in names]})

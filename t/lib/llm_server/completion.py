# SPDX-License-Identifier: BSD-2-Clause
"""What a model answers, before a dialect gives it a shape."""

import json

CREATED = 1700000000
TOKENS = ("Good", " day", " to", " you")
ARGUMENTS = ('{"city":', '"Paris"}')

PROMPT = 11
CACHED = 3
PER_IMAGE = 100


def dump(value):
    """JSON as the servers write it: short, and in UTF-8."""
    return json.dumps(value, ensure_ascii=False,
                      separators=(",", ":")).encode()


class Completion:
    """Text in tokens, or a call of a tool in pieces of its arguments."""

    def __init__(self, question, action, number):
        self.model = action.get("answer_model") or question.model or "none"
        self.number = number
        self.tool = question.tool() if action.get("tools", True) else None
        self.tokens = list(ARGUMENTS if self.tool
                           else action.get("tokens", TOKENS))

        if "size" in action and not self.tool:
            piece = min(action["size"], 1 << 16)
            self.tokens = ["x" * piece] * -(-action["size"] // piece)

        #  None: as each API does it when nobody asks for more
        self.wants_usage = action.get("usage")
        self.prompt = (action.get("prompt_tokens", PROMPT)
                       + PER_IMAGE * len(question.images()))
        self.cached = action.get("cached_tokens", CACHED)
        self.output = action.get("completion_tokens", len(self.tokens))

    @property
    def text(self):
        return "".join(self.tokens)

    @property
    def arguments(self):
        return json.loads(self.text)

    def identifier(self, prefix):
        return "%s%d" % (prefix, self.number)

# SPDX-License-Identifier: BSD-2-Clause
"""What a request asks: its route, dialect and model, and what is in it."""

import base64
import json
import re
import urllib.parse

OPENAI = {"/chat/completions": "chat", "/responses": "responses",
          "/embeddings": "embeddings", "/models": "models"}
ANTHROPIC = {"/messages": "messages", "/models": "models",
             "/messages/count_tokens": "count_tokens"}

#  The roots of each kind of server, and what stands below them.  The paths
#  of LM Studio and of gateways serve both dialects.
ROOTS = {
    "runtime": [("/openai/v1", OPENAI), ("/anthropic/v1", ANTHROPIC),
                ("/v1", OPENAI)],
    "mantle": [("/openai/v1", OPENAI), ("/anthropic/v1", ANTHROPIC),
               ("/v1", OPENAI)],
    "gateway": [("/v1", {**ANTHROPIC, **OPENAI})],
    "openai": [("/v1", OPENAI)],
    "anthropic": [("/v1", ANTHROPIC)],
}

MODEL_PATH = re.compile(r"/model/([^/]+)/(converse-stream|converse|count-tokens"
                        r"|invoke-with-response-stream|invoke)")


class Question:
    """A request that has been read; `operation` is None for no route."""

    def __init__(self, kind, head, body):
        self.kind = kind
        self.method = head.method.decode()
        self.path = head.path.decode("latin-1")
        self.body = body
        self.headers = {name.decode("latin-1").lower(): value.decode("latin-1")
                        for name, value in head.headers}
        self.operation = self.model = self.json = None
        self.stream = False
        self.routed()
        self.read()

    def routed(self):
        match = MODEL_PATH.fullmatch(self.path)

        if match and self.kind == "runtime":
            self.operation = match[2]
            self.model = urllib.parse.unquote(match[1])
            self.stream = match[2] in ("converse-stream",
                                       "invoke-with-response-stream")
            return

        for root, below in ROOTS[self.kind]:
            if self.path.startswith(root + "/"):
                rest = self.path[len(root):]
                self.operation = below.get(rest)

                if rest.startswith("/models/"):
                    self.operation = "model"
                    self.model = urllib.parse.unquote(rest[len("/models/"):])

                return

    def read(self):
        if not self.body:
            return

        try:
            self.json = json.loads(self.body)
        except ValueError:
            return

        if isinstance(self.json, dict) and self.model is None:
            model = self.json.get("model")
            self.model = model if isinstance(model, str) else None
            self.stream = self.json.get("stream") is True

    @property
    def dialect(self):
        if self.operation in ("messages", "count_tokens"):
            return "anthropic"

        if self.path.startswith("/model/"):
            return "bedrock"

        if self.operation in ("models", "model") and (
                "/anthropic/" in self.path
                or "anthropic-version" in self.headers):
            return "anthropic"

        return "openai"

    def member(self, name, default=None):
        if not isinstance(self.json, dict):
            return default

        return self.json.get(name, default)

    def everything(self, value=None):
        """Every object of the body."""
        value = self.json if value is None else value

        if isinstance(value, dict):
            yield value
            value = list(value.values())

        if isinstance(value, list):
            for item in value:
                if isinstance(item, (dict, list)):
                    yield from self.everything(item)

    def images(self):
        """The sizes in bytes of all pictures."""
        return [size for size in map(picture, self.everything())
                if size is not None]

    def tool(self):
        """The name of the tool to call: the first, unless one has been."""
        tools = self.member("tools") or (
            self.member("toolConfig") or {}).get("tools")

        if not tools or any(answered(item) for item in self.everything()):
            return None

        first = tools[0]

        for key in ("function", "toolSpec"):
            first = first.get(key, first)

        return first.get("name")

    def gate(self):
        """The gate that the text of the request names."""
        match = re.search(rb"gate:([A-Za-z0-9_-]+)", self.body)

        return match[1].decode() if match else None


def answered(item):
    """Whether this object of a request is what a tool has answered."""
    return (item.get("role") == "tool" or "toolResult" in item
            or item.get("type") in ("tool_result", "function_call_output"))


def picture(item):
    """The size of a picture in base64, or None if it is something else."""
    data = None

    if item.get("type") == "image_url":
        data = (item.get("image_url") or {}).get("url", "")
    elif item.get("type") == "input_image":
        data = item.get("image_url") or ""
    elif item.get("type") == "image":
        data = (item.get("source") or {}).get("data", "")
    elif isinstance(item.get("image"), dict):
        data = (item["image"].get("source") or {}).get("bytes", "")

    if data is None:
        return None

    return len(base64.b64decode(data.rpartition(",")[2]))

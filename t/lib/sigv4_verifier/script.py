# SPDX-License-Identifier: BSD-2-Clause
"""Answers that a test asks for: retries, slow servers, streams.

A script is a JSON list of actions, used up in order, one a request.  All
members are optional:

    match         regular expression; the action waits for a target like it
    times         how many requests it answers; 1
    status        200; the request is verified and logged all the same
    headers       object, or list of [name, value]
    body          string; or `body_base64`, or `body_size`, that many bytes
    chunks        list of strings, sent as one chunk each; an object
                  {"data": …, "after": file} waits until the file exists;
                  `data_base64` for bytes
    close         "head" after reading the head, "body" after the body,
                  "answer" after the answer: the connection is closed
    after         wait until this file exists, then answer
    touch         create this file when the head has been read
"""

import base64
import json
import os
import re
import threading
import time


class Script:
    def __init__(self, path=None):
        self.lock = threading.Lock()
        self.actions = []

        if path:
            with open(path, encoding="utf-8") as file:
                self.actions = json.load(file)

    def next(self, target):
        """The action for this request; an empty one where none is left."""
        with self.lock:
            for index, action in enumerate(self.actions):
                if re.search(action.get("match", ""), target):
                    action["times"] = action.get("times", 1) - 1
                    if action["times"] <= 0:
                        del self.actions[index]
                    return action

        return {}


def headers_of(action):
    headers = action.get("headers", [])

    return list(headers.items()) if isinstance(headers, dict) else \
        [tuple(pair) for pair in headers]


def with_headers(headers, action):
    """The headers of an action, which replace those of their names: of two
    Content-Type nginx takes the last one up to 1.22, and then the first."""
    own = headers_of(action)
    names = {name.lower() for name, _ in own}

    return [pair for pair in headers if pair[0].lower() not in names] + own


def data_of(item, name):
    """The bytes of a string, or of its base64 form; None without either."""
    if name in item:
        return item[name].encode("utf-8")

    if name + "_base64" in item:
        return base64.b64decode(item[name + "_base64"])

    return None


def wait_for_file(path, limit=60):
    end = time.monotonic() + limit

    while not os.path.exists(path) and time.monotonic() < end:
        time.sleep(0.005)

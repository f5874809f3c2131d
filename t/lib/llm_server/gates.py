# SPDX-License-Identifier: BSD-2-Clause
"""Gates: what a stream sends, and when, is for the test to say.

A gate has a level, at first 0.  A stream behind it sends its unit N, of
1, 2, 3 …, once the level is N; the test raises the level.  No stream looks
at a clock, and one whose peer goes away meanwhile knows at once.
"""

import os
import select
import threading

OPEN = 1 << 60


class PeerGone(Exception):
    """The peer closed the connection."""


class Gates:
    def __init__(self):
        self.lock = threading.Lock()
        self.levels = {}
        self.waiting = {}

    def raise_to(self, name, level=None, by=None):
        """Give the level: this one, or so much more, or open for good."""
        with self.lock:
            if by is not None:
                level = self.levels.get(name, 0) + by

            self.levels[name] = OPEN if level is None else level

            for event in self.waiting.get(name, ()):
                os.eventfd_write(event, 1)

            return self.levels[name]

    def wait(self, name, level, sock):
        """Until the gate has this level; PeerGone if that comes first.

        With None for a name only the peer can end it.
        """
        event = os.eventfd(0, os.EFD_NONBLOCK)

        try:
            with self.lock:
                if name is not None and self.levels.get(name, 0) >= level:
                    return
                self.waiting.setdefault(name, set()).add(event)

            self._poll(name, level, sock, event)
        finally:
            with self.lock:
                self.waiting.get(name, set()).discard(event)
                os.close(event)

    def _poll(self, name, level, sock, event):
        poll = select.poll()
        poll.register(event, select.POLLIN)
        poll.register(sock, select.POLLIN | select.POLLRDHUP)

        while True:
            ready = dict(poll.poll())

            if sock.fileno() in ready:
                look(sock)

            if event in ready:
                os.eventfd_read(event)

                with self.lock:
                    if self.levels.get(name, 0) >= level:
                        return


def look(sock):
    """Raise if the peer has closed; it has nothing to say before an end."""
    try:
        data = sock.recv(1)
    except OSError as error:
        raise PeerGone from error

    if data:
        raise ValueError("the peer sent more than one request")

    raise PeerGone

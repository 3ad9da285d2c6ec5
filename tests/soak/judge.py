"""What is wrong with an answer.

One that is complete by its framing must have, byte for byte, what the origin
has or had under that URL: of one version, the one that its fields name; not
too old; and for whoever got it.
"""

import collections
import time

from content import Version, resolve
from wire import Head, date, seconds_of

PURGE_S = 4   # after a POST's answer, everybody knows
LOOSE_S = 20  # what changes whenever it likes is not kept for longer than that
WAYS = (b"; hit", b"collapsed", b"fwd=partial", b"fwd=stale", b"fwd-status=304",
        b"owner")


class Judge:
    """What is wrong with an answer."""

    def __init__(self, origin):
        self.origin = origin
        self.seen = collections.Counter()
        self.wrong = []
        # Of each URL, what is known since when, from POSTs.
        self.posted = collections.defaultdict(lambda: (0.0, 0))
        # Of key and variant, a version seen lately, to ask about later.
        self.had = {}

    def complain(self, ask, head, why):
        self.wrong.append(
            f"{why}\n    asked: {ask.data[:600]!r}\n"
            f"    answered: {head.raw[:800] if head else None!r}")

    def judge(self, ask, head, body):
        status = int(head.words[1])
        self.seen[status] += 1
        try:
            why = self.why_wrong(ask, status, head, body)
        except (ValueError, IndexError, KeyError, AttributeError) as e:
            why = f"does not make sense: {e!r}"
        if why:
            self.complain(ask, head, why)

    def why_wrong(self, ask, status, head, body):
        cached = head.get(b"cache-status") or b""
        for word in WAYS:
            self.seen[word.decode()] += word in cached
        if b"EVIL" in body and len(body) == 4:
            return "an answer to nobody"
        if head.get(b"x-lie"):
            self.seen["lies"] += 1
            return "a lie is stored" if b"; hit" in cached else None
        if head.get(b"x-error"):
            return None if ask.method == b"HEAD" or body == b"broken\n" \
                else "an error's text is wrong"
        name = head.get(b"x-version")
        if not name:
            # Conditions can be judged without, and errors may be ours.
            return None if status in (304, 412, 416) or status >= 400 else \
                "no version"
        version = Version.named(name)
        if ask.method == b"POST":
            return self.why_wrong_echo(ask, status, head, body, version)
        return self.why_not_it(ask, head, version) or \
            self.why_too_old(ask, version) or \
            self.why_wrong_content(ask, status, head, body, version)

    def why_wrong_echo(self, ask, status, head, body, version):
        if not head.get(b"x-echo") or body != ask.body:
            return f"{len(body)} bytes are not those that were posted"
        if status < 400:
            known = self.posted[ask.name]
            self.posted[ask.name] = max(
                known, (time.monotonic(), version.number),
                key=lambda k: k[1])
        return None

    def why_not_it(self, ask, head, version):
        """Is it about what was asked, and for us?"""
        if version.resource is not ask.resource:
            return "another resource"
        if version.variant != ask.resource.variant(ask.get(b"x-color")):
            return "another variant"
        whose = head.get(b"x-private")
        hidden = b"x-token" in (ask.get(b"connection") or b"")
        if whose and whose != (b"-" if hidden else ask.get(b"x-token")):
            return "it is private, and not ours"
        etag = head.get(b"etag")
        if etag and etag != version.etag:
            return "another version's ETag"
        return None

    def why_too_old(self, ask, version):
        if b"max-stale" in (ask.get(b"cache-control") or b""):
            return None
        since, number = self.posted[ask.name]
        if ask.at > since + PURGE_S and version.number < number:
            return f"version {version.number}, though a POST made it " \
                f"{number} {ask.at - since:.1f} s before"
        old = self.origin.age(version) - (time.monotonic() - ask.at)
        if not ask.resource.posted and not ask.resource.lies and \
                old > LOOSE_S:
            return f"out of date for {old:.1f} s"
        return None

    def why_wrong_content(self, ask, status, head, body, version):
        if status == 304:
            return self.why_not_unmodified(ask, version)
        # Of what breaks off later the head, or a part, may be known before.
        broken = head.get(b"x-broken")
        if ask.method == b"HEAD":
            length = head.get(b"content-length")
            return "a wrong length" if length and status == 200 and \
                int(length) != version.size and not broken else None
        if status in (204, 412, 416):
            return None
        match = ask.get(b"if-match")
        if match and status in (200, 206) and match != version.etag:
            return "it is not what If-Match names"
        if status == 206:
            return self.why_wrong_parts(ask, head, body, version)
        if broken:
            return "what broke off is delivered as complete"
        return self.why_wrong_bytes(body, version, 0, version.size)

    def why_not_unmodified(self, ask, version):
        match = ask.get(b"if-none-match")
        since = ask.get(b"if-modified-since")
        if match:
            return None if version.etag in match.split(b", ") else \
                "304, for an ETag that we don't have"
        if since:
            return None if version.modified <= seconds_of(since) else \
                "304, though it was modified"
        return "304 unasked"

    def why_wrong_bytes(self, body, version, first, end):
        if len(body) != end - first:
            return f"{len(body)} bytes, not {end - first}"
        if body == version.bytes(first, end):
            return None
        good = version.bytes(first, end)
        at = next(i for i in range(len(body)) if body[i] != good[i])
        return f"wrong bytes from {first + at} of {first}-{end} on: " \
            f"{body[at - at % 16:at + 32]!r}"

    def why_wrong_parts(self, ask, head, body, version):
        spec = ask.get(b"range")
        parts = resolve(spec, version.size) if spec else None
        unless = ask.get(b"if-range")
        if not parts:
            return "206 to no range"
        if unless and unless not in (
                version.etag, date(version.modified or 0)):
            return "it is not what If-Range names"
        kind = head.get(b"content-type") or b""
        if kind.startswith(b"multipart/byteranges"):
            if head.get(b"x-broken"):
                return None
            return self.why_wrong_multipart(
                body, kind.partition(b"boundary=")[2].strip(b'"'), version,
                parts)
        first, end, size = content_range(head)
        if head.get(b"x-broken"):
            return self.why_wrong_bytes(
                body, version, first, min(end, version.size))
        if size != version.size:
            return "a wrong complete length"
        if len(parts) == 1 and parts[0] != (first, end):
            return f"part {first}-{end}, not {parts[0]}"
        return self.why_wrong_bytes(body, version, first, end)

    def why_wrong_multipart(self, body, boundary, version, parts):
        pieces = (b"\r\n" + body).split(b"\r\n--" + boundary)
        if pieces[-1].strip() != b"--" or pieces[0].strip():
            return "a multipart body without beginning or end"
        if len(parts) < 2:
            return "several parts, to a single range"
        for piece in pieces[1:-1]:
            fields, _, part = piece.partition(b"\r\n\r\n")
            first, end, size = content_range(
                Head(b"x" + fields + b"\r\n\r\n"))
            if size != version.size or not any(
                    a <= first and end <= b or first <= a and b <= end
                    for a, b in parts):
                return "a part that was not asked for"
            why = self.why_wrong_bytes(part, version, first, end)
            if why:
                return why
        return None

    def forget_posts(self):
        """A node that is cut off misses what others tell it to let go of."""
        self.posted.clear()

    def remember(self, ask, head):
        """What to ask about later."""
        name = head.get(b"x-version")
        if name and ask.method == b"GET":
            version = Version.named(name)
            self.had[version.resource.key, version.variant] = version


def content_range(head):
    """first, end, size"""
    unit, _, rest = head.get(b"content-range").partition(b" ")
    span, _, size = rest.partition(b"/")
    first, _, last = span.partition(b"-")
    if unit != b"bytes":
        raise ValueError(unit)
    return int(first), int(last) + 1, int(size)

"""What the origin has: a pure function of key, variant and version.

Each line of 16 bytes names all three, and its place, so any part of a body
tells what it is a part of; two versions mixed in one body always show.
"""

SIZES = (0, 1, 10, 1000, 5000, 16384, 65536, 100000, 262144, 300000, 900000)
# Too large to be kept but in parts.
LARGE_SIZES = (1048576, 1300000, 2500000, 5000000)
LARGE_KEYS = 12
KEYS = 60
COLORS = (None, b"red", b"blue")
VALIDATORS = ("strong", "weak", "date", "none")
BIRTH = 1600000000  # of version 0, in seconds

_PLACES = b"".join(b"VVVVVVVV%07x\n" % i for i in range(8000000 // 16))


class Resource:
    """What is the same for all versions of a key."""

    def __init__(self, key):
        self.key = key
        self.large = key < LARGE_KEYS
        self.base = LARGE_SIZES[key // 3] if self.large else \
            SIZES[key % len(SIZES)]
        self.validators = ("strong", "strong", "date")[key % 3] \
            if self.large and key != 5 else VALIDATORS[key % 4]
        self.varies = key % 5 == 2 and not self.large
        # What changes by POST only may be kept for long; the others change
        # whenever they like.
        self.posted = key % 2 == 0
        # The origin confirms what it should not, and sends what was not asked.
        self.lies = key % 7 == 3
        self.ranges = key % 7 != 6

    def size(self, version):
        return self.base + version % 4 * (self.base // 7)

    def variant(self, color):
        return COLORS.index(color) if self.varies else 0


RESOURCES = [Resource(key) for key in range(KEYS)]


class Version:
    """One that there is or was."""

    def __init__(self, key, variant, number):
        self.resource = RESOURCES[key]
        self.variant = variant
        self.number = number
        self.size = self.resource.size(number)
        self.name = b"%03x%x%04x" % (key, variant, number)

    @classmethod
    def named(cls, name):
        """As in a field X-Version; ValueError when it is none."""
        return cls(int(name[:3], 16), int(name[3:4], 16), int(name[4:8], 16))

    @property
    def etag(self):
        kind = self.resource.validators
        return {"strong": b'"%s"', "weak": b'W/"%s"'}[kind] % self.name \
            if kind in ("strong", "weak") else None

    @property
    def modified(self):
        return BIRTH + self.number \
            if self.resource.validators in ("weak", "date") else None

    def bytes(self, first=0, end=None):
        """As far as there are so many."""
        end = self.size if end is None else min(end, self.size)
        if first >= end:
            return b""
        line = first // 16
        lines = _PLACES[line * 16:(end + 15) // 16 * 16]
        return lines.replace(b"VVVVVVVV", self.name)[
            first - line * 16:end - line * 16]


def resolve(spec, size):
    """The parts that a Range asks for, as (first, end); None: it is none."""
    parts = []
    if not spec.startswith(b"bytes="):
        return None
    for one in spec[6:].split(b","):
        first, dash, last = one.strip().partition(b"-")
        if not dash or not (first or last):
            return None
        if not first:
            first, end = max(size - int(last), 0), size
        else:
            first, end = int(first), int(last) + 1 if last else size
            if end <= first and last:
                return None
        if first < min(end, size):
            parts.append((first, min(end, size)))
    return parts

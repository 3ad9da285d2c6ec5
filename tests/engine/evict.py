#!/usr/bin/python3
"""evict.py LOG...: which eviction hits most, on requests from a web server's
log: Common Log Format, or, in a file called *.trace, 32-bit big-endian object
ids, whose objects are taken to be of one size; .gz and .xz as well.

For caches of 0.1, 1, 3 and 10 % of the bytes of all objects: the share of
requests, and of bytes, that hit, with SIEVE (as the node has it: by bytes, and
nothing larger than an eighth of the cache), LRU, FIFO, and S3-FIFO.
"""
import array
import collections
import gzip
import lzma
import re
import sys

CLF = re.compile(r'"(?:GET|HEAD) (\S+)[^"]*" (\d{3}) (\d+)')
SHARES = (.001, .01, .03, .1)


def requests(path):
    """Pairs of key and size."""
    opener = {"gz": gzip.open, "xz": lzma.open}.get(path.split(".")[-1], open)
    if ".trace" in path:
        with opener(path, "rb") as ids:
            ids = array.array("I", ids.read())
        if sys.byteorder == "little":
            ids.byteswap()
        yield from ((key, 1000) for key in ids)
        return
    with opener(path, "rt", errors="replace") as lines:
        for line in lines:
            found = CLF.search(line)
            if found and found[2] == "200":
                yield found[1], int(found[3])


class Cache:
    """By bytes; subclasses choose the victim."""

    def __init__(self, limit):
        self.limit, self.used, self.sizes = limit, 0, {}

    def ask(self, key, size):
        if key in self.sizes:
            self.hit(key)
            return True
        if size <= self.limit / 8:
            self.insert(key, size)
            self.sizes[key] = size
            self.used += size
            while self.used > self.limit:
                self.used -= self.sizes.pop(self.evict())
        return False


class Fifo(Cache):
    def __init__(self, limit):
        super().__init__(limit)
        self.order = collections.OrderedDict()

    def insert(self, key, size):
        self.order[key] = False

    def hit(self, key):
        pass

    def evict(self):
        return self.order.popitem(last=False)[0]


class Lru(Fifo):
    def hit(self, key):
        self.order.move_to_end(key)


class Sieve(Cache):
    """Zhang et al., NSDI 2024."""

    def __init__(self, limit):
        super().__init__(limit)
        self.visited, self.newer, self.older = {}, {}, {}
        self.newest = self.oldest = self.hand = None

    def insert(self, key, size):
        self.visited[key] = False
        self.newer[key], self.older[key] = None, self.newest
        if self.newest is not None:
            self.newer[self.newest] = key
        self.newest = key
        if self.oldest is None:
            self.oldest = key

    def hit(self, key):
        self.visited[key] = True

    def evict(self):
        key = self.hand if self.hand is not None else self.oldest
        while self.visited[key]:
            self.visited[key] = False
            key = self.newer[key] if self.newer[key] is not None else self.oldest
        newer, older = self.newer.pop(key), self.older.pop(key)
        self.hand = newer
        if newer is None:
            self.newest = older
        else:
            self.older[newer] = older
        if older is None:
            self.oldest = newer
        else:
            self.newer[older] = newer
        del self.visited[key]
        return key


class S3Fifo(Cache):
    """Yang et al., SOSP 2023: a small queue of a tenth before the main one."""

    def __init__(self, limit):
        super().__init__(limit)
        self.small, self.main, self.ghost = (
            collections.OrderedDict() for _ in range(3))
        self.small_bytes, self.uses = 0, {}

    def insert(self, key, size):
        self.uses[key] = 0
        if self.ghost.pop(key, None):
            self.main[key] = size
        else:
            self.small[key] = size
            self.small_bytes += size

    def hit(self, key):
        self.uses[key] = min(self.uses[key] + 1, 3)

    def evict(self):
        while True:
            if self.small and (self.small_bytes > self.limit / 10
                               or not self.main):
                key, size = self.small.popitem(last=False)
                self.small_bytes -= size
                if self.uses[key] > 1:
                    self.main[key] = size
                    continue
                self.ghost[key] = True
                if len(self.ghost) > len(self.main):
                    self.ghost.popitem(last=False)
            else:
                key, size = self.main.popitem(last=False)
                if self.uses[key]:
                    self.uses[key] -= 1
                    self.main[key] = size
                    continue
            del self.uses[key]
            return key


def play(log, kind, limit):
    cache, hits, hit_bytes = kind(limit), 0, 0
    for key, size in log:
        if cache.ask(key, size):
            hits += 1
            hit_bytes += size
    return hits / len(log), hit_bytes / sum(size for _, size in log)


def main():
    for path in sys.argv[1:]:
        log = list(requests(path))
        total = sum(dict(log).values())
        print(f"{path}: {len(log)} requests, {len(dict(log))} objects, "
              f"{total} bytes")
        for share in SHARES:
            cells = (f"{kind.__name__.lower()} %.4f/%.4f" %
                     play(log, kind, share * total)
                     for kind in (Sieve, Lru, Fifo, S3Fifo))
            print(f"  {share * 100:4.1f} %  " + "  ".join(cells))


main()

"""keys: what a hit and an object cost in a cache with few and many objects."""

import socket

import peers
from measure import Cell, Client, take_turns
from procs import CLIENT_CORE, BenchError, Place
from report import number

PATH, SIZE = "/o/", 1024
CONNECTIONS = 64
FEW, MANY = (1000, 100000), 5000000
QUICK_MANY = 500000
GOAL_BYTES = 1280
GOAL_SLOWER = 1.10  # this is still constant
SPARE_BYTES = 2 << 30  # of the machine's memory
ROOM = 1.3  # of a cache, over what its objects take
UPSTREAM_US = 0.1


def available_bytes():
    for line in open("/proc/meminfo"):
        if line.startswith("MemAvailable:"):
            return int(line.split()[1]) * 1024
    raise BenchError("/proc/meminfo tells no MemAvailable")


def head_bytes(origin):
    """Of the origin's answers."""
    with socket.create_connection(("127.0.0.1", origin.port), 10) as s:
        s.sendall(b"GET /o/ HTTP/1.1\r\n\r\n")
        return s.recv(65536).index(b"\r\n\r\n") + 4


class Filled:
    """A node with so many objects in its cache, and its client."""

    def __init__(self, place, options, origin, keys, bytes_each):
        cache = int(keys * bytes_each * ROOM) + (64 << 20)
        self.keys = keys
        self.node = peers.start_node(place, options.sevenfold, "n1",
                                     origin.port, cache)
        before = self.node.memory_bytes()
        client = Client(self.node, [PATH], SIZE, CONNECTIONS, keys)
        self.fill_s = client.count(keys)["seconds"]
        self.bytes_each = (self.node.memory_bytes() - before) / keys
        self.cell = Cell(client, origin)


def fill(place, options, origin):
    """Nodes with few and many objects: as many as there is memory for, by what
    the second one needed."""
    nodes = []
    bytes_each = 4096
    for keys in (*FEW, QUICK_MANY if options.quick else MANY):
        room = int((available_bytes() - SPARE_BYTES) / bytes_each / ROOM)
        nodes.append(Filled(place, options, origin, min(keys, room),
                            bytes_each))
        bytes_each = nodes[-1].bytes_each
    return nodes


def check_hits(node):
    if node.cell.median("upstream_us") > UPSTREAM_US:
        raise BenchError(f"of {node.keys} objects, not all are kept")


def tell(report, nodes, head):
    rows = []
    for n in nodes:
        cell = n.cell
        rows.append((f"{n.keys:,}", [
            number(cell.median("cpu_us")), number(cell.median("rate")),
            number(n.bytes_each), number(n.keys / n.fill_s)]))
        report.record(suite="keys", objects=n.keys,
                      cpu_us=round(cell.median("cpu_us"), 3),
                      rate=round(cell.median("rate")),
                      bytes_each=round(n.bytes_each), body_bytes=SIZE,
                      head_bytes=head,
                      misses_per_s=round(n.keys / n.fill_s))
    report.table(
        f"keys: objects in the cache, of {SIZE} bytes with heads of {head}",
        ["CPU per hit, us", "hits/s", "memory for one, bytes", "misses/s"],
        rows)


def judge(report, nodes):
    few, many = nodes[0], nodes[-1]
    report.goal("keys", f"keys: CPU per hit with {many.keys:,} objects / with "
                f"{few.keys:,}", GOAL_SLOWER,
                many.cell.median("cpu_us") / few.cell.median("cpu_us"))
    report.goal("keys", f"keys: bytes per object / {GOAL_BYTES}", 1,
                many.bytes_each / GOAL_BYTES)


def run(report, options):
    with Place() as place:
        origin = peers.start_floor(place, "origin", PATH, SIZE, "--keyed",
                                   core=CLIENT_CORE)
        head = head_bytes(origin)
        nodes = fill(place, options, origin)
        if nodes[-1].keys < MANY:
            report.say(f"\nkeys: {nodes[-1].keys:,} objects only"
                       f"{'' if options.quick else ', for want of memory'}")
        # To fill them takes minutes: more windows cost little, and tell more.
        take_turns([n.cell for n in nodes], 3 * options.rounds,
                   options.seconds)
        for node in nodes:
            check_hits(node)
            node.cell.client.stop()
    tell(report, nodes, head)
    judge(report, nodes)

"""idle: what connections that wait for their next request cost, in memory, and
in speed for the others."""

import time

import peers
from measure import Cell, Client, take_turns, warm
from procs import BenchError, Place, descriptors
from report import number

PATH = "/1k"
SIZE = peers.SIZES[PATH]
CONNECTIONS = 10000
GOAL_BYTES = 160
SETTLE_S = 0.5
PEERS = ("nginx files", "h2o files", "haproxy cache")

# Beside busy ones: as many as a process may have, or loopback has ports for.
LEAST, MOST = 15000, 25000
SPARE = 400  # descriptors for all else
BUSY = 64
GOAL_SLOWER = 1.10


def warm_up(server):
    client = Client(server, [PATH], SIZE, BUSY)
    warm(client)
    client.stop()
    time.sleep(SETTLE_S)


def grown(server):
    """Bytes per connection by which a server grows."""
    warm_up(server)
    before = server.memory_bytes()
    client = Client(server, [PATH], SIZE, CONNECTIONS)
    client.each()
    time.sleep(SETTLE_S)
    after = server.memory_bytes()
    client.stop()
    return (after - before) / CONNECTIONS


def prepared(place, peer, origin, server):
    """Bytes per connection that a server takes at its start: by how much it is
    larger than one that allows a thousand. It must not have served yet."""
    few = 1000
    small = peers.start(place, peer, origin, connections=few)
    more = peers.max_connections() - few
    bytes_each = (server.memory_bytes() - small.memory_bytes()) / more
    small.stop()
    return max(bytes_each, 0)


def measure_memory(place, options, origin):
    """name -> bytes per connection: at the start, and when it is there."""
    node = peers.start_node(place, options.sevenfold, "n1", origin.port, "64M")
    found = {"sevenfold": (0, grown(node))}
    node.stop()
    for peer in peers.HIT_PEERS:
        if options.peers and peer.name in PEERS:
            server = peers.start(place, peer, origin.port)
            at_start = prepared(place, peer, origin.port, server)
            found[peer.name] = at_start, grown(server)
            server.stop()
    return found


def start_idle(node):
    idle = min(descriptors() - SPARE, MOST)
    if idle < LEAST:
        raise BenchError(f"a process may have {descriptors()} descriptors "
                         f"only, {LEAST + SPARE} are needed (ulimit -Hn)")
    client = Client(node, [PATH], SIZE, idle)
    client.each()
    return client, idle


def measure_speed(place, options, origin):
    """The cells of 64 busy connections alone and among idle ones, and how many
    these were."""
    cells = []
    for _ in range(2):
        node = peers.start_node(place, options.sevenfold, "n1", origin.port,
                                "64M")
        warm_up(node)
        cells.append(Cell(Client(node, [PATH], SIZE, BUSY)))
    waiting, idle = start_idle(node)
    take_turns(cells, 2 * options.rounds, options.seconds)
    waiting.each()  # none was lost
    for client in (waiting, *(c.client for c in cells)):
        client.stop()
    return cells, idle


def tell_memory(report, found):
    rows = []
    for name, (at_start, later) in found.items():
        rows.append((name, [number(at_start), number(later),
                            number(at_start + later)]))
        report.record(suite="idle", server=name, connections=CONNECTIONS,
                      bytes_at_start=round(at_start), bytes_later=round(later))
    report.table(f"idle: the server's memory for one of {CONNECTIONS:,} "
                 "connections after a request, bytes",
                 ["at start", "later", "in all"], rows)
    report.goal("idle", "idle: bytes per connection / "
                f"{GOAL_BYTES}", 1, sum(found["sevenfold"]) / GOAL_BYTES)


def tell_speed(report, cells, idle):
    rows = []
    for name, cell in zip((f"{BUSY} alone", f"... among {idle:,} idle"), cells):
        rows.append((name, [number(cell.median("cpu_us")),
                            number(cell.median("rate")),
                            number(cell.median("p50_us"))]))
        report.record(suite="idle", busy=BUSY,
                      idle=0 if cell is cells[0] else idle,
                      cpu_us=round(cell.median("cpu_us"), 3),
                      rate=round(cell.median("rate")),
                      p50_us=cell.median("p50_us"))
    report.table("idle: busy connections", ["CPU, us", "requests/s",
                                            "median latency, us"], rows)
    report.goal("idle", f"idle: CPU among {idle:,} idle connections / alone",
                GOAL_SLOWER,
                cells[1].median("cpu_us") / cells[0].median("cpu_us"))


def run(report, options):
    with Place() as place:
        origin = peers.start_origin(place)
        found = measure_memory(place, options, origin)
        cells, idle = measure_speed(place, options, origin)
    tell_memory(report, found)
    tell_speed(report, cells, idle)

"""hit: what an answer from memory costs."""

import peers
from measure import Cell, Client, chosen, take_turns, warm
from procs import BenchError, Place
from report import load_name

# path, connections
LOADS = [(path, 64) for path in peers.SIZES] + [("/1k", 2), ("/1k", 1000)]
FILE_FLOOR = 16384  # from there on sendfile() may be the floor
FLOORS = ("floor", "floor, sendfile")
OURS = "sevenfold"
# An origin that is asked now and then is one whose cache does not cache.
UPSTREAM_US = 0.1

# path, connections, most, of what, field
GOALS = [
    ("/1k", 64, 1.10, "floor", "cpu_us"),
    ("/10k", 64, 1.10, "floor", "cpu_us"),
    ("/1k", 64, 0.60, "any", "cpu_us"),
    ("/10k", 64, 0.60, "any", "cpu_us"),
    ("/1k", 64, 0.42, "cache", "cpu_us"),
    ("/10k", 64, 0.42, "cache", "cpu_us"),
    ("/100k", 64, 0.60, "any", "cpu_us"),
    ("/1m", 64, 0.70, "any", "cpu_us"),
    ("/1k", 2, 0.60, "any", "cpu_us"),
    ("/1k", 2, 0.60, "any", "p50_us"),
]


class Servers:
    """All that are compared, but for the floor, and their kinds."""

    def __init__(self, place, options):
        self.origin = peers.start_origin(place)
        self.kinds = {}
        self.all = [peers.start_node(place, options.sevenfold, "n1",
                                     self.origin.port, "512M")]
        if options.peers:
            for peer in peers.HIT_PEERS:
                self.all.append(peers.start(place, peer, self.origin.port))
                self.kinds[peer.name] = peer.kind


def start_floors(place, path):
    size = peers.SIZES[path]
    floors = [peers.start_floor(place, FLOORS[0], path, size)]
    if size >= FILE_FLOOR:
        floors.append(peers.start_floor(place, FLOORS[1], path, size,
                                        "--file"))
    return floors


def check_hits(cell):
    if cell.median("upstream_us") > UPSTREAM_US:
        raise BenchError(f"{cell.name} asks its origin: these are no hits")


def measure(place, servers, load, options):
    """name -> Cell under one load."""
    path, connections = load
    floors = start_floors(place, path)
    cells = []
    for server in floors + servers.all:
        client = Client(server, [path], peers.SIZES[path], connections)
        warm(client)
        cells.append(Cell(client, servers.origin))
    take_turns(cells, options.rounds, options.seconds)
    for cell in cells:
        cell.client.stop()
        check_hits(cell)
    for floor in floors:
        floor.stop()
    return {cell.name: cell for cell in cells}


def best(cells, names, field):
    return min(cells[n].median(field) for n in names if n in cells)


def judge(report, seen, kinds):
    bases = {"floor": ("the floor", FLOORS),
             "any": ("the best server", kinds),
             "cache": ("the best cache",
                       [n for n, kind in kinds.items() if kind == "cache"])}
    for path, connections, most, base, field in GOALS:
        what, names = bases[base]
        cells = seen.get((path, connections))
        if not names or not cells:
            continue
        of = "CPU" if field == "cpu_us" else "median latency"
        load = load_name((path, connections))
        least = best(cells, names, field)
        report.goal("hit", f"hit, {load} connections: {of} / {what}", most,
                    cells[OURS].median(field) / least,
                    best(cells, FLOORS, field) / least)


def run(report, options):
    seen = {}
    with Place() as place:
        servers = Servers(place, options)
        for load in chosen(LOADS, options):
            seen[load] = measure(place, servers, load, options)
            report.record_cells("hit", load, seen[load])
    report.compare("hit: CPU of the server per request, us", seen, "cpu_us")
    report.compare("hit: median latency, us", seen, "p50_us")
    report.compare("hit: requests per second", seen, "rate")
    judge(report, seen, servers.kinds)

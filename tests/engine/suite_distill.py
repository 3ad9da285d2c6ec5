"""distill: what photographs, drawings, screenshots and animations become for
whom; what that costs beside libvips' and ImageMagick's own tools for the same
result; and what it does to those who hit meanwhile."""

import http.client
import itertools
import json
import os
import resource
import shutil
import statistics
import subprocess
import threading
import time

import peers
from measure import Client, warm
from procs import SERVER_CORE, BenchError, Place, ahead_of_others
from report import number

COPIES = 6
QUALITY = 75
GOAL_SLOWER = 1 / 0.9  # of the fastest peer's time
GOAL_LARGER = 1.05
GOAL_P99_US = 1000
HIT, SIZE = "/1k", 1024
CONNECTIONS = 1, 16  # the node sleeps in between, or has no time to

# From, to, width, and the class of `sevenfold bench distill`.
RECIPES = [("photo.jpg", "jpg", 900, "plain"),
           ("photo.jpg", "webp", 900, "webp"),
           ("photo.jpg", "webp", 640, "webp"),
           ("photo.png", "webp", 600, "webp")]


def recipe_name(recipe):
    return f"{recipe[0]} to {recipe[1]}, {recipe[2]} wide"


def vips(recipe, files, out):
    more = ",optimize_coding,interlace" if recipe[1] == "jpg" else ""
    return ["env", "VIPS_CONCURRENCY=1", "vipsthumbnail", *files, "-s",
            f"{recipe[2]}x100000", "-o",
            f"{out}/%s.{recipe[1]}[Q={QUALITY},strip{more}]"]


def magick(recipe, files, out):
    more = ["-interlace", "JPEG"] if recipe[1] == "jpg" else []
    return ["env", "MAGICK_THREAD_LIMIT=1", "mogrify", "-path", out,
            "-format", recipe[1], "-define", f"jpeg:size={recipe[2]}x",
            "-thumbnail", f"{recipe[2]}x", "-quality", str(QUALITY), *more,
            *files]


def cpu_s(command):
    """Of a program, from its start to its end, on the servers' core."""
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    done = subprocess.run(
        [str(c) for c in command], capture_output=True, text=True,
        preexec_fn=lambda: os.sched_setaffinity(0, {SERVER_CORE}))
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    if done.returncode:
        raise BenchError(f"{command}: {done.stderr}")
    return (after.ru_utime + after.ru_stime -
            before.ru_utime - before.ru_stime)


def cost(make, copies, rounds):
    """Seconds for one file: what the start takes is the same for all."""
    def once(files):
        return min(cpu_s(make(files)) for _ in range(rounds))

    return (once(copies) - once(copies[:1])) / (len(copies) - 1)


class Contest:
    """One recipe: who takes how long, and with what result."""

    def __init__(self, place, options, recipe, pictures):
        self.recipe, self.sevenfold = recipe, options.sevenfold
        self.source = pictures / recipe[0]
        self.folder = place.make_folder("distill")
        stem, kind = recipe[0].split(".")
        self.copies = [self.folder / f"{stem}{i}.{kind}"
                       for i in range(COPIES)]
        for copy in self.copies:
            shutil.copy(self.source, copy)
        self.seen = {}
        rounds = 2 if options.quick else 4
        self.enter("sevenfold", self.ours, rounds, f".{kind}.{recipe[3]}")
        if options.peers:
            self.enter("vips", vips, rounds, f".{recipe[1]}")
            self.enter("ImageMagick", magick, rounds, f".{recipe[1]}")

    def ours(self, recipe, files, out):
        return [self.sevenfold, "bench", "distill", "--blind", "--repeat", 1,
                "--class", recipe[3], "--width", recipe[2], "--quality",
                QUALITY, "--out", out, *files]

    def enter(self, name, make, rounds, suffix):
        out = self.folder / name
        out.mkdir()
        seconds = cost(lambda files: make(self.recipe, files, str(out)),
                       self.copies, rounds)
        result = out / (self.copies[0].stem + suffix)
        alike = subprocess.run(
            [self.sevenfold, "bench", "ssim", self.source, result],
            capture_output=True, text=True, check=True).stdout
        self.seen[name] = seconds, result.stat().st_size, float(alike)


def megapixels(path):
    """By libvips' tool; ours would be its own witness."""
    said = subprocess.run(["vipsheader", "-f", "width", path],
                          capture_output=True, text=True, check=True).stdout
    high = subprocess.run(["vipsheader", "-f", "height", path],
                          capture_output=True, text=True, check=True).stdout
    return int(said) * int(high) / 1e6


def contests(report, options, place):
    pictures = place.folder / "objects"
    for recipe in RECIPES:
        c = Contest(place, options, recipe, pictures)
        pixels = megapixels(c.source)
        rows = []
        for name, (seconds, size, alike) in c.seen.items():
            rows.append((name, [number(pixels / seconds),
                                number(seconds * 1e3), f"{size:,}",
                                f"{size / c.source.stat().st_size:.1%}",
                                f"{alike:.4f}"]))
            report.record(suite="distill", recipe=recipe_name(recipe),
                          tool=name, bytes=size,
                          megapixels_per_s=round(pixels / seconds, 1),
                          before=c.source.stat().st_size,
                          ssim=alike)
        report.table(f"distill: {recipe_name(recipe)}",
                     ["MP per CPU-second", "CPU, ms", "bytes", "", "SSIM"],
                     rows)
        ours = c.seen.pop("sevenfold")
        if c.seen:
            report.goal("distill", f"distill: {recipe_name(recipe)}: CPU / "
                        "the best peer's", GOAL_SLOWER,
                        ours[0] / min(s for s, *_ in c.seen.values()))
            report.goal("distill", f"distill: {recipe_name(recipe)}: bytes / "
                        "the best peer's", GOAL_LARGER,
                        ours[1] / min(b for _, b, _ in c.seen.values()))


def classes(report, options, pictures):
    """What each file becomes for each class of clients."""
    done = subprocess.run(
        [options.sevenfold, "bench", "distill", "--json", "--repeat", "1",
         *sorted(pictures.iterdir())], capture_output=True, text=True)
    if done.returncode:
        raise BenchError(f"bench distill: {done.stderr}")
    rows = []
    for line in done.stdout.splitlines():
        seen = json.loads(line)
        report.record(suite="distill", **seen)
        rows.append((f"{seen['file']}, {seen['class']}",
                     [seen["type"], f"{seen['before']:,}",
                      f"{seen['after']:,}",
                      f"{seen['after'] / seen['before']:.1%}",
                      f"{seen['ssim']:.4f}" if seen["ssim"] >= 0 else "",
                      number(seen["cpu_s"] * 1e3)]))
    report.table("distill: what each file becomes (-: it stays)",
                 ["", "before", "after", "", "SSIM", "CPU, ms"], rows)


class Feeder:
    """Has a node distil one image after the other, while it is told to."""

    def __init__(self, port):
        self.port, self.done = port, 0
        self.on, self.idle = threading.Event(), threading.Event()
        self.numbers = itertools.count()
        threading.Thread(target=self.feed, daemon=True).start()

    def feed(self):
        while True:
            if not self.on.is_set():
                self.idle.set()
                self.on.wait()
            self.idle.clear()
            c = http.client.HTTPConnection("127.0.0.1", self.port, timeout=30)
            c.request("GET", f"/photo.jpg?{next(self.numbers)}",
                      headers={"Accept": "image/webp"})
            answer = c.getresponse()
            answer.read()
            self.done += answer.headers["Content-Type"] == "image/webp"
            c.close()

    def turn(self, on):
        """Returns when the first one is under way, or the last one over."""
        if on:
            self.on.set()
            time.sleep(0.1)
        else:
            self.on.clear()
            self.idle.wait()


def measure(client, feeder, options):
    """([windows without], [windows with distillations]), which took turns, and
    how many images were distilled."""
    windows, before = ([], []), feeder.done
    for _ in range(2 * options.rounds):
        for on in False, True:
            feeder.turn(on)
            windows[on].append(client.run(options.seconds))
    feeder.turn(False)
    if feeder.done == before:
        raise BenchError("nothing was distilled")
    return windows, feeder.done - before


def tell(report, connections, windows, images):
    rows, p99_us = [], []
    for on, some in enumerate(windows):
        n = sum(w["requests"] for w in some)
        p50, p99 = (statistics.median(w[f] for w in some)
                    for f in ("p50_us", "p99_us"))
        p99_us.append(p99)
        rows.append(("... while it distils" if on else "hits alone",
                     [f"{n:,}", number(p50), number(p99)]))
        report.record(suite="distill", connections=connections,
                      distilling=bool(on), requests=n, p50_us=p50, p99_us=p99,
                      distilled=images if on else 0)
    report.table(f"distill: hits of {SIZE} bytes on the same core, connections:"
                 f" {connections}; {images} images distilled",
                 ["hits", "p50, us", "p99, us"], rows)
    report.goal("distill", "distill: what it adds to the p99 of hits on "
                f"{connections}, ms", 1, (p99_us[1] - p99_us[0]) / GOAL_P99_US)


def hits(report, options, place, origin):
    node = peers.start_node(place, options.sevenfold, "n1", origin.port,
                            "512M", site="distill images; distill_wait 20s")
    feeder = Feeder(node.port)
    for connections in CONNECTIONS:
        client = Client(node, [HIT], SIZE, connections)
        warm(client)
        windows, images = measure(client, feeder, options)
        client.stop()
        tell(report, connections, windows, images)


def run(report, options):
    with Place() as place:
        origin = peers.start_origin(place)
        subprocess.run([options.sevenfold, "bench", "pictures",
                        place.folder / "objects"], check=True)
        classes(report, options, place.folder / "objects")
        with ahead_of_others():
            contests(report, options, place)
            hits(report, options, place, origin)

"""The two nodes under test: started, watched, ended."""

import asyncio
import json
import os
import pathlib
import re
import signal
import socket
import subprocess

ROOT = pathlib.Path(__file__).resolve().parents[2]
SEVENFOLD = os.environ.get("SEVENFOLD", str(ROOT / "build/sevenfold"))
CACHE_BYTES = 8 << 20
REPORT = re.compile(
    r"^.*(Sanitizer|runtime error:)|^panic:", re.MULTILINE)
# What is freed is kept from use for a while: not so much that it hides growth.
os.environ.setdefault("ASAN_OPTIONS", "quarantine_size_mb=8:"
                      "thread_local_quarantine_size_kb=64:handle_abort=1")
os.environ.setdefault(
    "UBSAN_OPTIONS", "halt_on_error=1:print_stacktrace=1")
os.environ.setdefault("TSAN_OPTIONS", "halt_on_error=1:history_size=4")


def has_tsan():
    """Is the program built with it?"""
    return b"__tsan_init" in pathlib.Path(SEVENFOLD).read_bytes()


def free_ports(n):
    sockets = [socket.socket() for _ in range(n)]
    for s in sockets:
        s.bind(("127.0.0.1", 0))
    ports = [s.getsockname()[1] for s in sockets]
    for s in sockets:
        s.close()
    return ports


class Node:
    def __init__(self, folder, name, config):
        self.name = name
        self.log = folder / f"{name}.log"
        self.socket = folder / f"{name}.sock"
        conf = folder / f"{name}.conf"
        conf.write_text(config)
        with self.log.open("w") as log:
            self.process = subprocess.Popen(
                [SEVENFOLD, "node", "-c", conf, "--name", name,
                 "--socket", self.socket], stderr=log)
        self.samples = []  # resident kB, one a second

    def sample(self):
        text = pathlib.Path(f"/proc/{self.process.pid}/status").read_text()
        self.samples.append(int(text.split("VmRSS:")[1].split()[0]))

    def descriptors(self):
        """How many there are, and how many of them are of pipes."""
        files = pathlib.Path(f"/proc/{self.process.pid}/fd")
        links = [os.readlink(file) for file in files.iterdir()]
        return len(links), sum(link.startswith("pipe:") for link in links)

    async def halt(self, seconds):
        """It says nothing for so long."""
        self.process.send_signal(signal.SIGSTOP)
        try:
            await asyncio.sleep(seconds)
        finally:
            self.process.send_signal(signal.SIGCONT)

    def is_well(self):
        return self.process.poll() is None and not self.has_report()

    def has_report(self):
        return REPORT.search(self.log.read_text())

    def end(self):
        """Its exit status; None: it would not end."""
        self.process.send_signal(signal.SIGTERM)
        try:
            return self.process.wait(30)
        except subprocess.TimeoutExpired:
            self.process.send_signal(signal.SIGABRT)
            self.process.wait()
            return None

    def report(self):
        """What a sanitizer, or a bug, wrote; else the log's end."""
        text = self.log.read_text()
        found = REPORT.search(text)
        lines = [line for line in
                 text[found.start() if found else 0:].splitlines()
                 if not line.startswith("level=info")]
        lines = lines[:120] if found else lines[-40:]
        return [f"{self.name}: {line}" for line in lines]


def start(folder, origins, peer, ports):
    """Each with its own port for clients, so that both are asked. The last of
    the origins is not there."""
    lines = "\n".join(f"    origin http://127.0.0.1:{port}"
                      for port in origins)
    return [Node(folder, f"n{i}", f"""cluster soak {{
    vip 127.0.0.1:{port}
    peer_port {peer}
    node n1 127.0.1.1
    node n2 127.0.1.2
    workers 2
    cache {CACHE_BYTES}
    object_max 1M
    body_max 350000
    connect_timeout 1s
    first_byte_timeout 1s
    between_timeout 1s
    origin_keepalive 1s
    idle_timeout 3s
    head_timeout 1s
    body_timeout 1s
    min_rate 100
}}
site * {{
{lines}
    check /health
    check_interval 1s
}}
""") for i, port in enumerate(ports, 1)]


def status(node):
    """Counters by node, of all that are up."""
    out = subprocess.run([SEVENFOLD, "status", "--json", "--socket",
                          node.socket], capture_output=True, text=True)
    if out.returncode:
        return {}
    doc = json.loads(out.stdout)
    return {n["name"]: n["counters"] for n in doc["nodes"] if n["up"]}


def check_sums(counters):
    problems = []
    for name, c in counters.items():
        if c["requests"] != c["local"] + c["relayed"] + c["refused"]:
            problems.append(f"{name}: requests don't add up: {c}")
        if c["served"] != c["hits"] + c["coalesced"] + c["misses"] + \
                c["passes"] + c["unsatisfied"]:
            problems.append(f"{name}: served don't add up: {c}")
        if c["cache_bytes"] > CACHE_BYTES:
            problems.append(f"{name}: more than its cache: {c}")
    return problems

"""The servers that are compared, each with its configuration from peers/."""

import dataclasses
import pathlib
import shutil

from procs import CLIENT_CORE, SERVER_CORE, BenchError, descriptors, program

HERE = pathlib.Path(__file__).resolve().parent
ROOT = HERE.parent.parent
TOOLS = ROOT / "build" / "tests" / "engine"

NGINX = ["nginx", "-p", "@DIR@", "-c", "@DIR@/nginx.conf",
         "-g", "daemon off;"]
HAPROXY = ["haproxy", "-db", "-f", "@DIR@/haproxy.cfg"]

# The log records of a hit.
VARNISH_UNLOGGED = ",".join("-" + tag for tag in (
    "Begin End Link SessOpen SessClose Timestamp Debug Hash Hit Length Filters "
    "ReqStart ReqMethod ReqURL ReqProtocol ReqHeader ReqUnset ReqAcct VCL_call "
    "VCL_return RespProtocol RespStatus RespReason RespHeader "
    "RespUnset").split())


@dataclasses.dataclass
class Peer:
    name: str
    kind: str  # what it is in this comparison: files, cache or relay
    command: list
    configs: dict  # the file in its folder -> the one in peers/


HIT_PEERS = [
    Peer("nginx files", "files", NGINX, {"nginx.conf": "nginx_files.conf"}),
    Peer("h2o files", "files", ["h2o", "-c", "@DIR@/h2o.conf"],
         {"h2o.conf": "h2o.conf"}),
    Peer("nginx cache", "cache", NGINX, {"nginx.conf": "nginx_cache.conf"}),
    Peer("haproxy cache", "cache", HAPROXY,
         {"haproxy.cfg": "haproxy_cache.cfg"}),
    Peer("varnish", "cache",
         ["varnishd", "-F", "-j", "none", "-n", "@DIR@", "-T", "none",
          "-a", "127.0.0.1:@PORT@", "-f", "@DIR@/varnish.vcl",
          "-s", "malloc,512m", "-p", "thread_pools=1",
          "-p", "timeout_idle=3600", "-p", "listen_depth=4096",
          "-p", "vsl_mask=" + VARNISH_UNLOGGED],
         {"varnish.vcl": "varnish.vcl"}),
    Peer("trafficserver", "cache",
         ["traffic_server", "--run-root=@DIR@/runroot.yaml"],
         {name: name for name in ("runroot.yaml", "records.config",
                                  "remap.config", "storage.config",
                                  "ip_allow.yaml")}),
    Peer("squid", "cache", ["squid", "-N", "-f", "@DIR@/squid.conf"],
         {"squid.conf": "squid.conf"}),
]
RELAY_PEERS = [
    Peer("haproxy", "relay", HAPROXY, {"haproxy.cfg": "haproxy_relay.cfg"}),
    Peer("nginx", "relay", NGINX, {"nginx.conf": "nginx_relay.conf"}),
]
ORIGIN = Peer("origin", "files", NGINX, {"nginx.conf": "nginx_origin.conf"})


# --- objects ------------------------------------------------------------------

SIZES = {"/100": 100, "/1k": 1024, "/10k": 10240, "/100k": 102400,
         "/1m": 1 << 20}
NAMES = {"/100": "100 B", "/1k": "1 KB", "/10k": "10 KB", "/100k": "100 KB",
         "/1m": "1 MB"}


def make_objects(folder):
    """The files of all sizes, as object.h says."""
    folder.mkdir()
    for path, size in SIZES.items():
        end = b"end\n"
        body = path.encode().ljust(size - len(end), b".") + end
        (folder / path[1:]).write_bytes(body)


# --- starting -----------------------------------------------------------------

def fill(text, values):
    for name, value in values.items():
        text = text.replace(f"@{name}@", str(value))
    return text


def max_connections():
    return descriptors() - 200


def start(place, peer, origin=0, core=SERVER_CORE, connections=None):
    """A peer, whose origin is at that port of loopback."""
    folder = place.make_folder(peer.name)
    (folder / "store").mkdir()
    values = {"DIR": folder, "PORT": place.port(), "ORIGIN": origin,
              "ROOT": place.folder / "objects", "FILES": descriptors(),
              "CONNECTIONS": connections or max_connections()}
    for name, source in peer.configs.items():
        text = (HERE / "peers" / source).read_text()
        (folder / name).write_text(fill(text, values))
    command = [fill(part, values) for part in peer.command]
    command[0] = program(command[0])
    return place.start(peer.name, command, values["PORT"], folder, core)


def start_origin(place):
    make_objects(place.folder / "objects")
    return start(place, ORIGIN, core=CLIENT_CORE)


def start_floor(place, name, path, size, *options, core=SERVER_CORE):
    folder, port = place.make_folder(name), place.port()
    command = [TOOLS / "engine_floor", *options, port, path, size]
    return place.start(name, command, port, folder, core)


def start_node(place, sevenfold, name, origin, cache, peer_port=None,
               nodes=("n1",), core=SERVER_CORE, site=""):
    """A node of a cluster on loopback; their peers' port is the same, that
    for clients is each node's own."""
    folder, port = place.make_folder(name), place.port()
    text = (HERE / "peers" / "sevenfold.conf").read_text()
    lines = "\n".join(f"\tnode {n} 127.0.1.{n[1:]}" for n in nodes)
    (folder / "node.conf").write_text(fill(text, {
        "PORT": port, "PEER": peer_port or place.port(), "ORIGIN": origin,
        "CACHE": cache, "NODES": lines, "SITE": site}))
    command = [sevenfold, "node", "-c", folder / "node.conf", "--name", name,
               "--socket", folder / "admin"]
    return place.start("sevenfold", command, port, folder, core)


def find_sevenfold(path):
    found = shutil.which(path)
    if not found:
        raise BenchError(f"there is no {path}; `make` builds it")
    return pathlib.Path(found).resolve()

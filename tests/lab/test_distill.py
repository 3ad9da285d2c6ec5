"""Distillation in a whole cluster: each class of each image is distilled once,
on whichever node it is asked for; and the paper's own set-up, with Squid.
"""

import concurrent.futures
import json
import re

from conftest import STATE, VIP, lab_exec, origin_fetches, sevenfold, status

CONF = """
cluster lab {{
    vip     {vip}:80
    workers 2
{nodes}
}}
site * {{
    origin  http://198.18.0.3:80
    distill images text
    distill_wait 20s
}}
"""

# What some clients say, by the class that it makes them.
CLIENTS = {
    "old": [],
    "webp": ["Accept: image/webp,*/*"],
    "phone": ["Accept: image/webp,*/*", "Sec-CH-Width: 600"],
    "thin": ["Accept: image/webp,*/*", "Save-Data: on"],
}
IMAGES = ["photo.jpg", "photo.png", "photo.webp", "photo.gif",
          "drawing.png", "screenshot.png", "screenshot.gif", "ball.gif"]


def get(file, fields):
    """Status, type and length of an answer, and who distilled, if anybody."""
    argv = ["curl", "-sS", "-m", "40", "-o", "/dev/null", "-w",
            "%{http_code} %{content_type} %{size_download}"]
    for field in fields:
        argv += ["-H", field]
    code, kind, size = lab_exec("client", *argv,
                                f"http://{VIP}/{file}").stdout.split()
    assert code == "200", file
    return kind, int(size)


def total(name):
    return sum(n["counters"][name] for n in status("n1")["nodes"])


def test_once_in_the_cluster(lab, tmp_path):
    root = tmp_path / "root"
    sevenfold("bench", "pictures", root, "--shrink", "3")
    tmp_path.chmod(0o755)
    conf = tmp_path / "sevenfold.conf"
    conf.write_text(CONF.format(vip=VIP, nodes="\n".join(
        f"    node    n{i} 198.18.1.{i}" for i in range(1, 5))))
    lab(nodes="4", conf=conf, origin_root=root)
    jobs = [(name, file) for name in CLIENTS for file in IMAGES] * 4
    with concurrent.futures.ThreadPoolExecutor(8) as pool:
        answers = list(pool.map(lambda j: get(j[1], CLIENTS[j[0]]), jobs))
    seen = {}
    for job, answer in zip(jobs, answers):
        assert seen.setdefault(job, answer) == answer, job
    # Each client is a class of its own; what would be larger, or moves, was
    # looked at once, too.
    smaller = [job for job, (_, size) in seen.items()
               if size != (root / job[1]).stat().st_size]
    assert total("distilled") == len(smaller)
    assert total("distill_left") == len(seen) - len(smaller)
    assert total("distill_failed") == total("distill_late") == 0
    assert total("distill_refused") == 0
    # ... by the node that owns the original, which fetched it once
    assert sorted(uri for uri, *_ in origin_fetches()) == \
        sorted("/" + file for file in IMAGES)
    sizes = {name: sum(size for (n, _), (_, size) in seen.items() if n == name)
             for name in CLIENTS}
    before = sum((root / file).stat().st_size for file in IMAGES)
    print(before, sizes)
    assert before > sizes["old"] > sizes["webp"] > sizes["thin"]
    assert sizes["thin"] < before / 4


def fetch(file, got, *fields):
    """(type, what Squid says of its cache, the node it stands beside, body)"""
    argv = ["curl", "-sS", "-m", "40", "-o", got, "-D", "-"]
    for field in fields:
        argv += ["-H", field]
    head = lab_exec("client", *argv, f"http://{VIP}/{file}").stdout
    body = got.read_bytes()
    assert head.startswith("HTTP/1.1 200"), head
    assert f"Content-Length: {len(body)}\n" in head.replace("\r", "")
    kind, = re.findall(r"Content-Type: (\S+)", head)
    return kind, *re.search(r"X-Cache: (\w+) from (\w+)", head).groups(), body


def test_external_distiller(lab, tmp_path):
    """The paper's: after a miss, and before Squid stores it; here by nginx."""
    root, got = tmp_path / "root", tmp_path / "got"
    sevenfold("bench", "pictures", root)
    files = {f.name: f.read_bytes() for f in root.iterdir()}
    files["broken.jpg"] = b"\xff\xd8\xff" + 9000 * b"no"
    (root / "broken.jpg").write_bytes(files["broken.jpg"])
    tmp_path.chmod(0o755)
    lab(nodes="2", cache="squid", distill=True, origin_root=root)
    sizes = {}
    for file in "photo.jpg", "photo.png":
        for who, fields in ("any", []), ("thin", ["Save-Data: on"]):
            (kind, how, node, body), again = (fetch(file, got, *fields)
                                              for _ in range(2))
            assert (how, again) == ("MISS", (kind, "HIT", node, body))
            assert kind == "image/" + file[-3:].replace("jpg", "jpeg")
            sizes[file, who] = len(body)
        # Squid tells them apart by what nginx says that it looked at.
        assert [f for f in origin_fetches() if f[0] == "/" + file] == \
            2 * [(f"/{file}", 200, len(files[file]))]
    assert len(files["photo.jpg"]) > sizes["photo.jpg", "any"] > \
        4 * sizes["photo.jpg", "thin"]
    assert sizes["photo.png", "thin"] * 2 < len(files["photo.png"])
    for file in "broken.jpg", "ball.gif", "text.html":
        assert fetch(file, got)[3] == files[file], file
    assert total("objects") == total("distilled") == 0


def test_squid(lab):
    lab(nodes="2", cache="squid")
    hits = set()
    for _ in range(4):
        head = lab_exec("client", "curl", "-sS", "-o", "/dev/null", "-D", "-",
                        f"http://{VIP}/10k.txt").stdout
        hits.add(re.search(r"X-Cache: (\w+) from (\w+)", head).groups())
    owner = {node for _, node in hits}
    assert len(owner) == 1 and hits == {("MISS", *owner), ("HIT", *owner)}
    assert len(origin_fetches()) == 1
    assert total("objects") == 0
    assert total("passes") == total("served") == 4
    # A node that comes again has its cache still.
    sevenfold("lab", "kill", *owner)
    sevenfold("lab", "start", *owner)
    head = lab_exec("client", "curl", "-sS", "-o", "/dev/null", "-D", "-",
                    f"http://{VIP}/10k.txt").stdout
    assert "X-Cache:" in head
    json.loads((STATE / "state.json").read_text())

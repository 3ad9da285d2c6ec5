"""Others who speak to nodes: who does not have the secret is not believed."""

import json
import pathlib
import random
import time

from conftest import STATE, VIP, lab_exec, sevenfold, status
from meters import owner_of
from traffic import race

HERE = pathlib.Path(__file__).resolve().parent


def test_forged(lab, root):
    """Even one who has a node's address, and knows all but the secret, is not
    believed: neither by whom it dials nor by who dials it."""
    lab(nodes="3", origin_root=root, handoff="on")
    for k in range(3):
        owner_of(f"5-{k}.bin")
    sevenfold("lab", "kill", "n2")
    before = {n["name"]: n for n in status("n1")["nodes"]}
    said = json.loads(lab_exec("n2", "python3", HERE / "forger.py", "198.18.1.2",
                               "198.18.1.1").stdout)
    assert said == dict.fromkeys(said, True)
    assert len(said) == 11
    after = {n["name"]: n for n in status("n1")["nodes"]}
    assert not after["n2"]["up"]
    assert after["n1"]["view"] == before["n1"]["view"]
    assert (after["n1"]["counters"]["objects"] ==
            before["n1"]["counters"]["objects"])
    assert (after["n1"]["counters"]["taken"] ==
            before["n1"]["counters"]["taken"])
    log = (STATE / "logs/n1.log").read_text()
    assert 'why="it does not have our secret"' in log
    sevenfold("lab", "start", "n2")
    assert race(root, 2, 4, "keep_alive")["wrong"] == {}


def test_another_secret(lab, root, tmp_path):
    """A node whose secret is not the others' says so, and they, and it is not
    in their cluster."""
    secret = STATE / "secret"
    lab(nodes="2", origin_root=root, handoff="on")
    sevenfold("lab", "kill", "n2")
    secret.write_bytes(random.Random(1).randbytes(32))
    sevenfold("lab", "start", "n2")
    deadline = time.monotonic() + 10
    for node in ("n1", "n2"):
        log = STATE / f"logs/{node}.log"
        while "it does not have our secret" not in log.read_text():
            assert time.monotonic() < deadline, log.read_text()
            time.sleep(0.05)
    assert [n["up"] for n in status("n1")["nodes"]] == [True, False]
    lab_exec("client", "curl", "-sSf", "-o", "/dev/null",
             f"http://{VIP}/1-0.bin")


def test_claims_are_for_the_balancer(lab, root):
    """Nobody without the secret hears from a node who its clients are."""
    lab(nodes="2", origin_root=root, handoff="on")
    for path in (f"moves/{0:016x}/{1:016x}/{2:016x}/{3:032x}", "moves/", "moves"):
        said = lab_exec("n2", "curl", "-sS", "-o", "/dev/null", "-w",
                        "%{http_code}", f"http://198.18.1.1:7078/{path}")
        assert said.stdout == "404"

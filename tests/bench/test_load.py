"""`sevenfold bench load`, `webstone`, `surge`, and traces of other formats: on
loopback, against our own origin, nginx, and a server that stalls."""

import gzip
import socket
import struct
import threading
import time

import pytest

from bench_tools import (
    NGINX,
    bench_verb,
    free_port,
    load,
    running,
    served,
    wait_for,
)

WORKLOADS = ["surge-100", "unc-2001", "berkeley-1998", "webstone"]


@pytest.mark.parametrize("workload", WORKLOADS)
def test_a_workload_against_its_origin(workload):
    with served("load", workload) as origin:
        status, result = load(
            "load", workload, "--target", origin, "--limit", 500
        )
    assert status == 0
    assert result["requests"] == 500 and result["wrong"] == 0
    assert result["connections"] == 63
    assert result["targets"] >= (3 if workload == "webstone" else 60)


@pytest.mark.skipif(not NGINX, reason="SKIP: nginx not installed")
@pytest.mark.parametrize("verb", [["load", "unc-2001"], ["webstone"]])
def test_a_prepared_origin(tmp_path, verb):
    port = free_port()
    made = bench_verb(*verb, "--prepare", tmp_path / "o", "--port", port)
    assert made.returncode == 0, made.stderr
    with running(
        NGINX, "-p", tmp_path / "o", "-c", "nginx.conf", "-g", "daemon off;"
    ):
        wait_for(port)
        status, result = load(
            *verb, "--target", f"127.0.0.1:{port}", "--limit", 300
        )
    assert status == 0
    assert result["statuses"] == {"200": 300}


def test_webstones_metrics():
    with served("webstone") as origin:
        status, result = load(
            "webstone", "--target", origin, "--duration", 2,
            "--connections", 8,
        )
    stone = result["webstone"]
    seconds = result["elapsed_ns"] / 1e9
    assert status == 0
    # a connection each, all clients in service, heads counted
    assert result["connections_opened"] == result["requests"]
    assert stone["connections_per_s"] == pytest.approx(
        result["requests"] / seconds
    )
    assert 6.5 < stone["load_factor"] <= 8.01
    assert stone["mbit_per_s"] == pytest.approx(
        result["received_bytes"] * 8 / seconds / 2**20
    )
    assert result["received_bytes"] > result["body_bytes"]
    assert stone["error_percent"] == 0
    assert stone["response_s"] == pytest.approx(
        result["latency_mean_ns"] / 1e9, abs=1e-9
    )


def test_webstone_with_a_list_of_ones_own(tmp_path):
    listing = tmp_path / "filelist"
    listing.write_text("# mine\n/a 1 #100\n/b 3 #200\n")
    with served("webstone", listing) as origin:
        status, result = load(
            "webstone", listing, "--target", origin, "--limit", 400
        )
        # What the list does not say may be of any size.
        listing.write_text("/a 1\n/b 3\n")
        free = load("webstone", listing, "--target", origin, "--limit", 9)
        listing.write_text("/a 1 #101\n/b 3 #200\n")
        bad = load("webstone", listing, "--target", origin, "--limit", 90)
    assert (status, result["targets"]) == (0, 2)
    assert 400 * 165 < result["body_bytes"] < 400 * 185
    assert free[0] == 0
    assert bad[0] == 1
    assert 0 < bad[1]["webstone"]["error_percent"] < 60
    listing.write_text("/a 1\nb 3\n")
    done = bench_verb("webstone", listing, "--target", "127.0.0.1")
    assert done.returncode == 1
    assert f"{listing}:2: not a target" in done.stderr


def test_a_list_that_is_cut_off(tmp_path):
    listing = tmp_path / "filelist.gz"
    whole = gzip.compress(b"".join(b"/%d 1 #100\n" % i for i in range(20)))
    for text, status in ((whole, 0), (whole[:-8], 1)):
        listing.write_bytes(text)
        done = bench_verb("webstone", listing, "--prepare", tmp_path / "site")
        assert done.returncode == status, done.stderr


def test_surge_users_against_their_origin():
    with served("surge", "--files", 200) as origin:
        status, result = load(
            "surge", "--files", 200, "--target", origin,
            "--users", 200, "--duration", 4,
        )
    assert status == 0 and result["wrong"] == 0
    # Who thinks 3 s between pages has asked for a few files each.
    assert 150 < result["requests"] < 2000
    assert result["elapsed_ns"] < 8e9


def test_open_loop_keeps_its_rate():
    with served("load", "unc-2001") as origin:
        status, result = load(
            "load", "unc-2001", "--target", origin,
            "--rate", 400, "--duration", 2, "--connections", 300,
        )
    assert status == 0
    assert result["unsent"] == 0
    assert result["requests"] == pytest.approx(800, abs=2)


class Stalling:
    """Answers, but for a second, in which it does nothing."""

    ANSWER = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"

    def __init__(self):
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.port = self.listener.getsockname()[1]
        self.began = time.monotonic()
        threading.Thread(target=self.run, daemon=True).start()

    def run(self):
        connection, _ = self.listener.accept()
        with connection:
            while connection.recv(4096):
                into = time.monotonic() - self.began
                if 0.5 < into < 1.5:
                    time.sleep(1.5 - into)
                connection.sendall(self.ANSWER)


@pytest.mark.parametrize("rate", [[], ["--rate", 100]])
def test_a_stall_shows_in_the_open_loop_only(rate):
    server = Stalling()
    status, result = load(
        "load", "/", "--target", f"127.0.0.1:{server.port}",
        "--connections", 1, "--duration", 3, *rate,
    )
    server.listener.close()
    assert status == 0
    if rate:
        # A third of all requests were due while it did nothing.
        assert result["latency_p90_ns"] > 500e6
    else:
        assert result["latency_p90_ns"] < 100e6


SQUID = """\
979992041.366 502 10.0.0.1 TCP_MISS/200 2160 GET http://a.example/x - - -
979992041.466 2 10.0.0.1 TCP_MISS/200 900 GET http://b.example/x - - -
979992041.566 2 10.0.0.1 TCP_IMS_HIT/304 216 GET http://a.example/x - - -
979992041.666 2 10.0.0.1 TCP_MISS/000 0 GET http://c.example - - -
979992041.766 2 10.0.0.1 TCP_MISS/404 300 GET http://c.example/no?q=1 - - -
979992041.866 2 10.0.0.1 TCP_TUNNEL/200 9 CONNECT d.example:443 - - -
no line of a log
"""


def home_ip(line, body, since=0xFFFFFFFF):
    """A record of the Home IP traces, as their logparse.h says."""
    return (
        struct.pack(">6I", 848278028, 829593, 848278028, 893670, 848278028, 1)
        + struct.pack(">4BH", 23, 240, 8, 98, 1462)
        + struct.pack(">4BH", 207, 36, 205, 194, 80)
        + struct.pack(">2B3I", 2, 8, since, 0xFFFFFFFF, 835418853)
        + struct.pack(">2IH", 170, body, len(line))
        + line
    )


HOME_IP = (
    home_ip(b"GET 9168504434183313441..gif HTTP/1.0", 844)
    + home_ip(b"GET 17..html HTTP/1.0", 70000)
    + home_ip(b"GET 17..html HTTP/1.0", 0, 835418853)
    + home_ip(b"POST 18..cgi HTTP/1.0", 0xFFFFFFFF)
    + b"cut off"
)


@pytest.mark.parametrize(
    "form, content, statuses, size, left_out",
    [
        ("squid", SQUID.encode(), {"200": 4, "404": 1},
         2 * 2160 + 900 + 4096 + 256, (1, 1)),
        ("home-ip", HOME_IP, {"200": 4}, 844 + 2 * 70000 + 4096, (1, 0)),
    ],
)
@pytest.mark.parametrize("told", [True, False])
def test_traces(tmp_path, form, content, statuses, size, left_out, told):
    trace = tmp_path / "trace"
    trace.write_bytes(content)
    log = [trace, "--format", form] if told else [trace]
    with served("replay", *log) as origin:
        status, result = load("replay", *log, "--target", origin)
    assert status == 0
    assert result["statuses"] == statuses
    assert result["body_bytes"] == size
    assert result["log_conditional"] == 1
    assert result["log_unreadable"] == left_out[0]
    assert result["log_other_methods"] == left_out[1]


def test_the_origin_tells_what_it_does_not_have():
    with served("load", "unc-2001") as origin:
        status, result = load(
            "load", "/nothing", "--target", origin, "--limit", 3
        )
    assert status == 1
    assert result["statuses"] == {"404": 3}


def exchange(address, *pieces):
    host, port = address.split(":")
    with socket.create_connection((host, int(port)), 5) as s:
        for piece in pieces:
            s.sendall(piece)
        s.shutdown(socket.SHUT_WR)
        return b"".join(iter(lambda: s.recv(65536), b""))


def test_the_origins_http():
    with served("load", "unc-2001") as origin:
        get = b"GET /unc-2001/001 HTTP/1.1\r\nHost: h\r\n\r\n"
        one = exchange(origin, get)
        assert one.startswith(b"HTTP/1.1 200 ")
        # one after the other, in pieces, and with a body to pass over
        assert exchange(origin, get + get) == 2 * one
        assert exchange(origin, *(get[i : i + 1] for i in range(len(get)))) \
            == one
        post = get.replace(b"GET", b"POST").replace(
            b"\r\n\r\n", b"\r\nContent-Length: 4\r\n\r\nGET "
        )
        assert exchange(origin, post + get) == 2 * one
        head = exchange(origin, get.replace(b"GET", b"HEAD"))
        assert head == one[: one.index(b"\r\n\r\n") + 4]
        for bad in [b"nonsense\r\n\r\n", get.replace(b"HTTP/1.1", b"X")]:
            assert exchange(origin, bad).startswith(b"HTTP/1.1 400 ")


@pytest.mark.parametrize(
    "args",
    [
        ["load"],
        ["load", "surge-100"],
        ["load", "surge-1000", "--target", "127.0.0.1"],
        ["load", "/a", "b", "--target", "127.0.0.1"],
        ["load", "/a", "--target", "127.0.0.1", "--rate", "0"],
        ["load", "/a", "--target", "127.0.0.1", "--rate", "nan"],
        ["load", "/a", "--target", "127.0.0.1", "--rate", "x"],
        ["load", "/a", "--target", "127.0.0.1", "--duration", "1y"],
        ["load", "/a", "--target", "127.0.0.1", "--servers", "0"],
        ["load", "/a", "--target", "127.0.0.1", "--files", "10"],
        ["load", "/a", "--target", "127.0.0.1", "--serve", "127.0.0.1"],
        ["load", "/a", "--target"],
        ["load", "/a", "--nothing"],
        ["webstone", "a", "b", "--target", "127.0.0.1"],
        ["webstone", "--target", "127.0.0.1", "--rate", "5"],
        ["surge", "a", "--target", "127.0.0.1"],
        ["surge", "--target", "127.0.0.1", "--files", "9"],
        ["surge", "--target", "127.0.0.1", "--files", "20001"],
        ["replay", "a", "--target", "127.0.0.1", "--format", "iis"],
        ["distill", "--class", "small", "photo.jpg"],
        ["nothing"],
        [],
    ],
)
def test_wrong_usage(args):
    done = bench_verb(*args)
    assert done.returncode == 2
    assert "usage: sevenfold bench" in done.stderr

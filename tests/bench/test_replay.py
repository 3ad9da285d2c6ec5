"""`sevenfold bench replay` against a real nginx on loopback."""

import json
import os
import subprocess

import pytest

from bench_tools import NGINX, bench_verb, free_port, wait_for

pytestmark = pytest.mark.skipif(not NGINX, reason="SKIP: nginx not installed")

LOG = """\
a - - [01/Aug/1995:06:00:00 +0000] "GET / HTTP/1.0" 200 7280
a - - [01/Aug/1995:06:00:00 +0000] "GET /cut.gif HTTP/1.0" 200 500
a - - [01/Aug/1995:06:00:01 +0000] "GET /cut.gif HTTP/1.0" 200 70000
a - - [01/Aug/1995:06:00:01 +0000] "GET /cut.gif HTTP/1.0" 304 0
a - - [01/Aug/1995:06:00:02 +0000] "HEAD /cut.gif HTTP/1.0" 200 0
a - - [01/Aug/1995:06:00:02 +0000] "GET /only-304 HTTP/1.0" 304 -
a - - [01/Aug/1995:06:00:03 +0000] "GET /empty HTTP/1.0" 200 0
a - - [01/Aug/1995:06:00:03 +0000] "GET /Case HTTP/1.0" 200 11
a - - [01/Aug/1995:06:00:03 +0000] "GET /case HTTP/1.0" 200 12
a - - [01/Aug/1995:06:00:03 +0000] "GET /cAse?a.b|c*(d)$ HTTP/1.0" 200 13
a - - [01/Aug/1995:06:00:03 +0000] "GET /caSe?a.b|c*(d)$ HTTP/1.0" 200 14
a - - [01/Aug/1995:06:00:04 +0000] "GET /old HTTP/1.0" 302 -
a - - [01/Aug/1995:06:00:04 +0000] "GET /gone HTTP/1.0" 404 -
a - - [01/Aug/1995:06:00:05 +0000] "GET /odd status HTTP/1.0" 418 9
a - - [01/Aug/1995:06:00:05 +0000] "GET /a b\\"c"{d};#e HTTP/1.0" 200 3000
a - - [01/Aug/1995:06:00:05 +0000] "GET //x/../y/%7Ez?q=%zz HTTP/1.0" 200 3001
a - - [01/Aug/1995:06:00:06 +0000] "POST /cgi-bin/form.pl HTTP/1.0" 200 759
a - - [01/Aug/1995:06:00:06 +0000] "GET /LONG HTTP/1.0" 200 5
a - - [01/Aug/1995:06:00:07 +0000] "GET /../../etc/passwd HTTP/1.0" 400 -
a - - [01/Aug/1995:06:00:07 +0000] "DELETE /cut.gif HTTP/1.0" 405 -
this is no line of a log
""".replace("LONG", "long/" * 200)


def bench(*args):
    return bench_verb("replay", *args)


class Origin:
    def __init__(self, folder):
        self.log = folder / "access.log.in"
        self.dir = folder / "origin"
        self.port = free_port()
        self.log.write_text(LOG)
        made = bench(self.log, "--prepare", self.dir, "--port", self.port)
        assert made.returncode == 0, made.stderr
        self.process = subprocess.Popen(
            [NGINX, "-p", self.dir, "-c", "nginx.conf", "-g", "daemon off;"]
        )
        wait_for(self.port)

    def replay(self, *args):
        done = bench(
            self.log, "--target", f"127.0.0.1:{self.port}", "--json", *args
        )
        return done.returncode, json.loads(done.stdout)

    def object_of_size(self, size):
        """The file of the only object that is that long."""
        (path,) = [
            p
            for p in (self.dir / "objects").iterdir()
            if p.stat().st_size == size
        ]
        return path

    def stop(self):
        self.process.terminate()
        self.process.wait(10)


@pytest.fixture
def origin(tmp_path):
    o = Origin(tmp_path)
    yield o
    o.stop()


@pytest.mark.parametrize("how", [[], ["--close"], ["--connections", "1"]])
def test_every_answer_is_right(origin, how):
    status, result = origin.replay(*how)
    assert status == 0
    assert result["requests"] == 18
    assert result["wrong"] == 0
    assert result["targets"] == 15
    assert result["log_conditional"] == 2
    assert result["log_unreadable"] == 1
    assert result["log_unsendable"] == 1
    assert result["log_other_methods"] == 1
    assert result["statuses"] == {"200": 15, "302": 1, "404": 2}
    sizes = [7280, 70000 * 3, 4096, 0, 11, 12, 13, 14, 3000, 3001, 759, 5]
    assert result["body_bytes"] == sum(sizes) + 3 * 256
    if how == ["--close"]:
        assert result["connections_opened"] == 18


def test_origins_log_has_every_request(origin):
    origin.replay("--connections", "1")
    origin.stop()
    lines = (origin.dir / "access.log").read_text().splitlines()
    lines = [line.split(" ") for line in lines]
    # the first line is the fixture's own connection, if it is one
    lines = [line for line in lines if len(line) == 4 and line[1]]
    assert len(lines) == 18
    assert lines[0] == ["GET", "/", "200", "7280"]
    assert ["HEAD", "/cut.gif", "200", "0"] in lines
    assert ["GET", "/old", "302", "256"] in lines
    assert ["POST", "/cgi-bin/form.pl", "200", "759"] in lines


def test_limit(origin):
    status, result = origin.replay("--limit", "3")
    assert (status, result["requests"], result["wrong"]) == (0, 3, 0)


def test_a_changed_byte_is_found(origin):
    path = origin.object_of_size(70000)
    body = bytearray(path.read_bytes())
    body[69999] ^= 1
    path.write_bytes(body)
    status, result = origin.replay()
    assert status == 1
    assert result["wrong"] == 3
    assert result["outcomes"]["wrong bytes"] == 3


def test_a_file_cut_short_is_found(origin):
    path = origin.object_of_size(70000)
    os.truncate(path, 69999)
    status, result = origin.replay()
    assert status == 1
    # HEAD too, by its Content-Length
    assert result["outcomes"]["wrong length"] == 4
    assert result["wrong"] == 4


def test_a_missing_file_is_found(origin):
    origin.object_of_size(7280).unlink()
    status, result = origin.replay()
    assert status == 1
    assert result["outcomes"]["wrong status"] == 1
    assert result["wrong"] == 1


def test_no_origin(origin):
    origin.stop()
    status, result = origin.replay("--limit", "2")
    assert status == 1
    assert result["outcomes"]["no connection"] == 2


def test_the_summary_names_what_was_wrong(origin):
    os.truncate(origin.object_of_size(7280), 7000)
    done = bench(origin.log, "--target", f"127.0.0.1:{origin.port}")
    assert done.returncode == 1
    assert "1 answers WRONG" in done.stdout
    assert "wrong length: / (expected 200 with 7280 bytes, 7000 came)" in (
        done.stdout
    )


@pytest.mark.parametrize(
    "args",
    [
        [],
        ["LOG"],
        ["LOG", "--target", "nowhere"],
        ["LOG", "--target", "127.0.0.1:0"],
        ["LOG", "--target", "127.0.0.1", "--connections", "0"],
        ["LOG", "--target", "127.0.0.1", "--prepare", "x"],
        ["LOG", "LOG", "--target", "127.0.0.1"],
    ],
)
def test_wrong_usage(args):
    done = bench(*args)
    assert done.returncode == 2
    assert "usage: sevenfold bench" in done.stderr


def test_logs_that_cannot_be_read(tmp_path):
    for name, content in [("empty.log", b""), ("bad.gz", b"no gzip")]:
        (tmp_path / name).write_bytes(content)
        done = bench(tmp_path / name, "--prepare", tmp_path / "o")
        assert done.returncode == 1
        assert name in done.stderr


def test_packed_logs(tmp_path):
    (tmp_path / "a.log").write_text(LOG)
    subprocess.run(["gzip", "-k", tmp_path / "a.log"], check=True)
    subprocess.run(["xz", "-k", tmp_path / "a.log"], check=True)
    confs = []
    for name in ["a.log", "a.log.gz", "a.log.xz"]:
        done = bench(tmp_path / name, "--prepare", tmp_path / "o")
        assert done.returncode == 0, done.stderr
        confs.append((tmp_path / "o" / "nginx.conf").read_text())
    assert confs[0] == confs[1] == confs[2]

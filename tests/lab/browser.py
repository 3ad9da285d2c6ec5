"""A real Chromium without a window, spoken to by its DevTools protocol over a
pair of pipes, so that it may be in any network namespace."""

import contextlib
import json
import os
import select
import subprocess
import time

ARGS = ["chromium", "--headless=new", "--no-sandbox", "--disable-gpu",
        "--disable-dev-shm-usage", "--no-first-run", "--remote-debugging-pipe",
        "--disable-background-networking", "--disable-component-update",
        "--disable-extensions"]


class Page:
    """events: what has been said so far, as (method, params)."""

    def __init__(self, to, said):
        self.to, self.said = to, said
        self.rest, self.id, self.session = b"", 0, None
        self.events = []
        target = self.call("Target.createTarget", url="about:blank")
        self.session = self.call("Target.attachToTarget", flatten=True,
                                 targetId=target["targetId"])["sessionId"]
        for domain in "Page", "Runtime", "Network", "Log":
            self.call(f"{domain}.enable")

    def receive(self, deadline):
        while b"\0" not in self.rest:
            assert time.monotonic() < deadline, "the browser says nothing"
            if select.select([self.said], [], [], 1)[0]:
                some = os.read(self.said, 1 << 20)
                assert some, "the browser has ended"
                self.rest += some
        one, self.rest = self.rest.split(b"\0", 1)
        return json.loads(one)

    def call(self, method, **params):
        self.id += 1
        order = {"id": self.id, "method": method, "params": params}
        if self.session:
            order["sessionId"] = self.session
        os.write(self.to, json.dumps(order).encode() + b"\0")
        deadline = time.monotonic() + 60
        while (m := self.receive(deadline)).get("id") != self.id:
            self.events.append((m["method"], m["params"]))
        assert "error" not in m, m
        return m["result"]

    def evaluate(self, expression):
        """The value of a JavaScript expression, which may be a promise."""
        r = self.call("Runtime.evaluate", expression=expression,
                      awaitPromise=True, returnByValue=True)
        assert "exceptionDetails" not in r, r
        return r["result"].get("value")

    def open(self, url, until, timeout=120):
        """... and waits for an expression to be true."""
        self.call("Page.navigate", url=url)
        deadline = time.monotonic() + timeout
        while not self.evaluate(until):
            assert time.monotonic() < deadline, f"{url}: never {until}"
            time.sleep(0.1)

    def complaints(self):
        return [params for method, params in self.events
                if method in ("Runtime.exceptionThrown", "Log.entryAdded")]


@contextlib.contextmanager
def browser(folder, *prefix):
    """A page of a Chromium that keeps its files in folder and is started by
    the command in prefix, if any."""
    in_, to = os.pipe()
    said, out = os.pipe()
    process = subprocess.Popen(
        [*prefix, "bash", "-c", f'exec "$@" 3<&{in_} 4>&{out}', "bash", *ARGS,
         f"--user-data-dir={folder}/chromium"],
        pass_fds=(in_, out), stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
        env={**os.environ, "HOME": str(folder)})
    os.close(in_)
    os.close(out)
    try:
        page = Page(to, said)
        yield page
        page.session = None
        page.call("Browser.close")
        process.wait(30)
    finally:
        process.kill()
        process.wait()
        os.close(to)
        os.close(said)

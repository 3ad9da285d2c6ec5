"""The demo's pages, as a real browser shows them."""

import collections

from browser import browser
from conftest import VIP
from test_demo import demo_until_it_stays, end_demo, no_lab  # noqa: F401

CELLS = """Promise.all([...document.querySelectorAll("#pictures td")].map(
    async (td) => {
        const image = td.querySelector("img");

        await image.decode();
        return [image.naturalWidth, image.naturalHeight,
            td.querySelector("p").textContent];
    }))"""
SUMS = '[...document.querySelectorAll("#sums td")].map((td) => td.textContent)'
CLIENTS = ["original", "browser", "phone", "thin"]


def kind_of(fields):
    """Which of the page's clients sent that request."""
    fields = {name.lower(): value for name, value in fields.items()}
    if fields.get("cache-control") == "no-transform":
        return "original"
    if "save-data" in fields:
        return "thin"
    return "phone" if "width" in fields else "browser"


def transfers(events):
    """{(file, client): (type, body bytes)} of the pictures, as they came in."""
    asked, types, heads, whole = {}, {}, {}, {}
    for method, p in events:
        if method == "Network.requestWillBeSent" and \
                "/pictures/" in p["request"]["url"]:
            file = p["request"]["url"].rsplit("/", 1)[1]
            asked[p["requestId"]] = file, kind_of(p["request"]["headers"])
        elif method == "Network.responseReceived":
            assert p["response"]["status"] == 200, p["response"]["url"]
            types[p["requestId"]] = p["response"]["mimeType"]
            heads[p["requestId"]] = p["response"]["encodedDataLength"]
        elif method == "Network.loadingFinished":
            whole[p["requestId"]] = p["encodedDataLength"]
    seen = {key: (types[i], whole[i] - heads[i]) for i, key in asked.items()}
    assert len(seen) == len(asked), "something was asked for twice"
    return seen


def shown(size):
    return f"{size} bytes" if size < 10000 else f"{int(size / 1000 + 0.5)} KB"


def test_distilled_page(no_lab, tmp_path):  # noqa: F811
    """Each picture decodes, and what is said of it is what came in."""
    demo = demo_until_it_stays("--nodes", "3")
    try:
        with browser(tmp_path) as page:
            page.open(f"http://{VIP}/distilled.html", f"({SUMS}).length === 4")
            cells, sums = page.evaluate(CELLS), page.evaluate(SUMS)
            seen = transfers(page.events)
            assert page.complaints() == []
    finally:
        end_demo(demo)
    files = list(dict.fromkeys(file for file, _ in seen))
    assert len(files) == 9 and len(cells) == len(seen) == 36
    totals = collections.Counter()
    for i, (width, height, text) in enumerate(cells):
        file, client = files[i // 4], CLIENTS[i % 4]
        kind, size = seen[file, client]
        totals[client] += size
        assert width > 0 and height > 0
        assert text.startswith(f"{kind.replace('image/', '')}, {width} × "
                               f"{height}, {shown(size)}, "), (file, client)
        assert client != "phone" or width <= 320 or \
            kind == seen[file, "original"][0]
        assert client == "original" or size <= seen[file, "original"][1]
    print(dict(totals))
    assert sums == [f"{shown(n)}, {int(100 * n / totals['original'] + 0.5)} %"
                    for n in (totals[c] for c in CLIENTS)]
    assert totals["original"] > totals["browser"] > totals["phone"]
    assert totals["thin"] < totals["original"] / 4

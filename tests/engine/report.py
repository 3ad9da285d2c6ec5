"""What was seen, for people and for programs."""

import json

from peers import NAMES, SIZES


class Report:
    def __init__(self, as_json):
        self.as_json = as_json
        self.goals = []

    def say(self, text=""):
        if not self.as_json:
            print(text, flush=True)

    def record(self, **facts):
        if self.as_json:
            print(json.dumps(facts), flush=True)

    def goal(self, suite, what, asked, seen, floor=None):
        """seen is to be at most what was asked; floor is what the floor would
        have, where there is one."""
        self.goals.append((what, asked, seen, floor))
        self.record(suite=suite, goal=what, asked=asked, seen=round(seen, 3),
                    floor=floor and round(floor, 3), met=seen <= asked)

    def table(self, title, columns, rows):
        """rows: a name and its values, as text."""
        columns = list(columns)
        self.say()
        self.say(title)
        widths = [max(len(c), *(len(r[1][i]) for r in rows)) + 2
                  for i, c in enumerate(columns)]
        first = max(len(r[0]) for r in rows)
        self.say(" " * first + "".join(
            c.rjust(w) for c, w in zip(columns, widths)))
        for name, values in rows:
            self.say(name.ljust(first) + "".join(
                v.rjust(w) for v, w in zip(values, widths)))

    def compare(self, title, seen, field):
        """seen: load -> name -> Cell."""
        if not seen:
            return
        names = []
        for cells in seen.values():
            names += [n for n in cells if n not in names]
        names.sort(key=lambda n: not n.startswith("floor"))
        self.table(f"{title} (size, connections)", map(load_name, seen),
                   [(name, [number(cells[name].median(field))
                            if name in cells else "-"
                            for cells in seen.values()]) for name in names])

    def record_cells(self, suite, load, cells):
        path, connections = load
        for name, cell in cells.items():
            low, high = cell.quartiles("cpu_us")
            self.record(
                suite=suite, server=name, bytes=SIZES[path],
                connections=connections,
                cpu_us=round(cell.median("cpu_us"), 3),
                cpu_us_quartiles=[round(low, 3), round(high, 3)],
                upstream_us=round(cell.median("upstream_us"), 3),
                rate=round(cell.median("rate")), p50_us=cell.median("p50_us"),
                p99_us=cell.median("p99_us"), windows=len(cell.windows),
                requests=sum(w.requests for w in cell.windows))

    def tell_goals(self):
        if not self.goals:
            return
        rows = [(what, [f"{asked:.2f}", f"{seen:.2f}",
                        f"{floor:.2f}" if floor else "",
                        "met" if seen <= asked else "NOT MET"])
                for what, asked, seen, floor in self.goals]
        self.table("goals: at most, and what the floor would have",
                   ["asked", "seen", "floor", ""], rows)
        self.goals = []

    def tell_others(self, suite, others_s, seconds):
        """How much of the two cores others used meanwhile: what disturbs."""
        share = max(others_s, 0) / seconds
        self.record(suite=suite, seconds=round(seconds, 1),
                    cores_used_by_others=round(share, 2))
        self.say(f"\n{suite} took {seconds:.0f} s, in which others used "
                 f"{share:.2f} of the 2 cores")


def load_name(load):
    path, connections = load
    return f"{NAMES[path]}, {connections}"


def number(value):
    """Three digits that matter."""
    return f"{value:.2f}" if value < 10 else \
        f"{value:.1f}" if value < 100 else f"{value:,.0f}"

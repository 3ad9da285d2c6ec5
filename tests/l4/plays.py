#!/usr/bin/env python3
"""The balancer's ways to forward, and what it outlives, end to end: see net.py,
and README.md for what else shows it."""
import os
import time

from net import (NODES, VIP4, VIP6, Play, inside, main, v4, v6, wait_for)

FLOOD = int(os.environ.get("SEVENFOLD_FLOOD", 1_000_000))


class Plays(Play):
    def fragments(self):
        for vip in (VIP4, VIP6):
            for n in (100, 4000, 9000):
                self.assertEqual({self.echo(vip, n) for _ in range(6)},
                                 set(NODES))

    def test_route(self):
        b = self.balancer()
        b.service(8080, ("-g",))
        b.service(53, ("-g",), "-u")
        self.all_ways(8080)
        self.fragments()
        self.assertGreater(b.verdicts()["tx_fragment"], 0)

    def test_tunnel(self):
        b = self.balancer()
        self.decap()
        for port, how in ((8080, ("-i",)), (443, (
                "-i", "--tun-type", "gue", "--tun-port", "6080"))):
            b.service(port, how)
            self.all_ways(port)
        # uploads had to learn of the smaller path
        self.assertGreater(b.verdicts()["tx_too_big"], 0)
        b.service(53, ("-i",), "-u")
        self.assertEqual({self.echo(VIP4, 100) for _ in range(6)}, set(NODES))

    def test_nat(self):
        b = self.balancer()
        self.back_by_balancer(v4("client"), v6("client"))
        b.service(81, ("-m",), dport=8080)
        b.service(53, ("-m",), "-u")
        self.all_ways(81)
        for vip in (VIP4, VIP6):
            self.assertEqual({self.echo(vip, 100) for _ in range(6)},
                             set(NODES))
        self.assertGreater(b.verdicts()["tx_reply"], 0)
        self.assertIn("OutPkts", b.vs("-L", "-n", "--stats"))

    def test_restart_under_load(self):
        b = self.balancer(more="scheduler wlc")
        load = self.load(12, 50)
        time.sleep(2)
        old = b.process
        b.start("--replace")
        self.assertEqual(old.wait(5), 0)
        time.sleep(2)
        b.kill()
        time.sleep(2)  # packets flow on, new connections too
        b.start()
        self.assertIn("resumed=yes", b.said())
        self.result(load)
        b.gone()
        self.assertNotIn("xdp", inside("lb", "ip", "link", "show", "eth0"))

    def test_flood(self):
        b = self.balancer(more="scheduler wlc; flows 100000")
        load = self.load(20, 200)
        time.sleep(2)
        flood = self.flood(FLOOD)
        self.assertEqual(flood.wait(120), 0)
        self.result(load)
        v = b.verdicts()
        print({k: n for k, n in v.items() if n}, flush=True)
        self.assertGreaterEqual(
            v["tx_new"] + v["tx_untracked"], FLOOD * 9 // 10)

    def test_two_balancers(self):
        """The second one takes over flows that it has never seen."""
        first = self.balancer(more="scheduler mh")
        second = self.balancer("lb2", more="scheduler mh")
        load = self.load(10, 50)
        time.sleep(3)
        # it's dead, with all that it knew
        inside("lb", "ip", "link", "set", "eth0", "down")
        first.gone()
        inside("client", "ip", "neigh", "replace", VIP4, "lladdr",
               self.mac("lb2"), "dev", "eth0", "nud", "permanent")
        self.result(load)
        self.assertGreater(second.verdicts()["tx_adopted"], 0)

    def test_mute_node(self):
        """A node that gets packets and answers none is out before its checks,
        which are rare, say so."""
        b = self.balancer(more="check_interval 20s; check_timeout 10s; "
                          "check_fall 1")
        # it can't answer the client any more, but its checks it can
        inside("n2", "ip", "route", "add", "blackhole", v4("client"))
        load = self.load(8, 30)
        wait_for("it's noticed", lambda: "node_mute node=n2" in
                 b.said(), 10)
        wait_for("it's out", lambda: {n["name"] for n in b.status()["nodes"]
                                      if n["up"]} == {"n1", "n3"}, 2)
        load.kill()
        load.stdout.close()


if __name__ == "__main__":
    main()

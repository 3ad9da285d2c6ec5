#!/usr/bin/env python3
"""Paths that take less than their ends send: large transfers by all ways to
forward, over routers between which less fits, and datagrams in fragments; with
what it cost. `make plays` runs them."""
from net import (FAR4, FAR6, NODES, VIP4, VIP6, Play, inside, main, v4, v6)

GUE = ("-i", "--tun-type", "gue", "--tun-port", "6080")


def sent_again():
    """TCP segments that nodes had to send twice."""
    n = 0
    for node in NODES:
        keys, values = [line.split() for line in
                        inside(node, "cat", "/proc/net/snmp").splitlines()
                        if line.startswith("Tcp:")]
        n += int(values[keys.index("RetransSegs")])
    return n


class Paths(Play):
    def changed(self, before, *names):
        now = self.b.verdicts()
        return {n: now[n] - before[n] for n in names}

    def transfers(self, what, port):
        """To each node once, each of which learns how much the path takes from
        an ICMP error, which has to find it; and again, when all know."""
        for vip in (VIP4, VIP6):
            before, again = self.b.verdicts(), sent_again()
            self.down_and_up(port, vip, len(NODES), host="far")
            learned = self.changed(before, "tx_icmp", "tx_too_big",
                                   "drop_too_big")
            print(f"{what} to {vip}: {len(NODES)} x 5.1 MB down, 2 MB up; "
                  f"ICMP errors handed on: {learned['tx_icmp']}, told by the "
                  f"balancer: {learned['tx_too_big']}, dropped: "
                  f"{learned['drop_too_big']}, segments sent again: "
                  f"{sent_again() - again}", flush=True)
            self.assertGreaterEqual(learned["tx_icmp"], len(NODES))
            self.assertEqual(learned["drop_too_big"], 0)
            before = self.b.verdicts()
            self.down_and_up(port, vip, len(NODES), host="far")
            self.assertEqual(self.changed(before, "tx_icmp", "tx_too_big"),
                             {"tx_icmp": 0, "tx_too_big": 0})

    def test_route(self):
        self.net.far_away(1400)
        self.b = self.balancer()
        self.b.service(8080, ("-g",))
        self.transfers("direct routing, MTU 1400", 8080)

    def test_tunnels(self):
        """Twice: with a path that is smaller than the tunnel, too, and with
        one that is not, so that the balancer itself has to tell."""
        self.net.far_away(1490)
        self.b = self.balancer()
        self.decap()
        self.b.service(8080, ("-i",))
        self.b.service(443, GUE)
        before = self.b.verdicts()
        self.transfers("IP in IP, MTU 1490", 8080)
        self.assertGreater(self.changed(before, "tx_too_big")["tx_too_big"], 0)
        self.net.narrow(1400)
        self.transfers("GUE, MTU 1400", 443)

    def test_nat(self):
        self.net.far_away(1400)
        self.b = self.balancer()
        self.back_by_balancer(FAR4, FAR6)
        self.b.service(81, ("-m",), dport=8080)
        self.transfers("NAT, MTU 1400", 81)

    def datagrams(self, what, back, losses=False):
        """There and back; `losses`: one is lost to learn of the path."""
        for vip in (VIP4, VIP6):
            before, sent, got = self.b.verdicts(), 0, []
            for n in (100, 4000, 9000):
                for _ in range(2 * len(NODES)):
                    tries = 2 if losses else 1
                    for _ in range(tries):
                        sent += 1
                        who = self.echo(vip, n, back, 1 if losses else 10)
                        if who:
                            break
                    got.append(who)
            self.assertEqual(set(got), set(NODES), got)
            v = self.changed(before, "tx_fragment", "tx_reply",
                             "tx_too_big", "drop_too_big",
                             "drop_fragment_lost")
            print(f"{what} to {vip}: {len(got)} answers to {sent} datagrams; "
                  f"{v}", flush=True)
            self.assertGreater(v["tx_fragment"], 0)
            self.assertEqual(v["drop_fragment_lost"], 0)
            # whoever was told, sends less from then on
            self.assertEqual(v["tx_too_big"], 1 if losses else 0)

    def test_fragments_routed(self):
        self.b = self.balancer()
        self.b.service(53, ("-g",), "-u")
        self.datagrams("direct routing", True)

    def test_fragments_in_tunnels(self):
        """A packet that does not fit into the tunnel can't be cut in two on
        its way, but its sender can be told, also of one that might be cut."""
        self.b = self.balancer()
        self.decap()
        self.b.service(53, ("-i",), "-u")
        self.datagrams("IP in IP", True, losses=True)

    def test_fragments_in_roomy_tunnels(self):
        """Where the balancer's link to the nodes takes the tunnel's header
        too, none is lost."""
        for host in ("lb", *NODES):
            inside(host, "ip", "link", "set", "eth0", "mtu", "1540")
            inside("sw", "ip", "link", "set", "p-" + host, "mtu", "1540")
        for node in NODES:
            for to, dev in ((v4("client"), ()), (v6("client"), ("-6",))):
                inside(node, "ip", *dev, "route", "replace", to, "dev", "eth0",
                       "mtu", "1500")
        self.b = self.balancer()
        self.decap()
        self.b.service(53, ("-i",), "-u")
        self.datagrams("IP in IP, link of 1540", True)

    def test_fragments_by_nat(self):
        self.back_by_balancer(v4("client"), v6("client"))
        self.b = self.balancer()
        self.b.service(53, ("-m",), "-u")
        self.datagrams("NAT", True)


if __name__ == "__main__":
    main()

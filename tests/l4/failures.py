#!/usr/bin/env python3
"""What can't be done: each time a clear message, and nothing is half applied:
see net.py, and README.md for what else shows it."""
import json
import os
import shutil
import subprocess
import sys

from net import (NODES, PASS_OBJECT, SEVENFOLD, VIP4, VIP6, Play, inside, main,
                 ns, run, v4, v6, wait_for)


def refused(*args, **kw):
    """The words of a command that fails."""
    r = subprocess.run(args, text=True, capture_output=True, timeout=30, **kw)
    if r.returncode == 0:
        raise AssertionError(f"{args} succeeds: {r.stdout}")
    return r.stderr


class Failures(Play):
    def attached(self):
        return "xdp" in inside("lb", "ip", "link", "show", "eth0")

    def all_answer(self, port=80):
        self.assertEqual({self.get(port) for _ in range(6)}, set(NODES))

    def nothing_there(self, b):
        """As before a balancer was there."""
        self.assertFalse(self.attached())
        self.assertFalse(b.pinned())
        self.assertFalse(os.path.exists(b.socket))

    def test_rules_that_make_no_sense(self):
        b = self.balancer()
        b.service(8080, ("-g",))
        before, generation = b.vs("-S", "-n"), b.vs("-L", "--json")
        for args, says in (
                (("-A", "-t", "192.0.2.1:0"), "Zero port"),
                (("-a", "-t", "192.0.2.1:1", "-r", "10.0.0.1"),
                 "Service not defined"),
                (("-a", "-t", VIP4 + ":8080", "-r", v4("n1") + ":8080"),
                 "Destination already exists"),
                (("-E", "-t", VIP4 + ":8080", "-s", "best"),
                 "Scheduler or persistence engine not found"),
                (("-e", "-t", VIP4 + ":8080", "-r", v4("n1") + ":8080",
                  "-x", "5", "-y", "9"), "out of range"),
                (("-d", "-t", VIP4 + ":8080", "-r", v4("client") + ":8080"),
                 "No such destination")):
            with self.assertRaisesRegex(AssertionError, says):
                b.vs(*args)
        with self.assertRaisesRegex(AssertionError, "line 3: nothing was"):
            b.vs("-R", input="-C\n-A -t 192.0.2.1:1 -s rr\n"
                 "-A -t 192.0.2.1:1\n")
        self.assertEqual(b.vs("-S", "-n"), before)
        self.assertEqual(b.vs("-L", "--json"), generation)
        self.all_answer(8080)

    def test_node_without_an_answer(self):
        """ARP's, or its like: said once, shown, and never chosen."""
        for family in ("ipv4", "ipv6"):  # the kernel asks three times
            inside("lb", "sysctl", "-qw",
                   f"net.{family}.neigh.eth0.retrans_time_ms=200")
        b = self.balancer()
        b.service(8080, ("-g",))
        ghosts = {VIP4: "10.78.0.99", f"[{VIP6}]": "2001:db8:78::99"}
        for vip, ghost in ghosts.items():
            real = f"[{ghost}]" if ":" in ghost else ghost
            b.vs("-a", "-t", vip + ":8080", "-r", real + ":8080", "-g")
        for ghost in ghosts.values():
            wait_for("a warning", lambda: f"server_no_arp server={ghost}" in
                     b.said())
        self.assertEqual(b.vs("-L", "--json").count('"mac": null'), 2)
        for vip in (VIP4, VIP6):
            self.assertEqual({self.get(8080, "name", vip) for _ in range(8)},
                             set(NODES))
        self.assertEqual(b.said().count("server_no_arp"), 2, b.said())
        self.assertEqual(b.verdicts()["drop_unreachable"], 0)

    def test_interface_disappears(self):
        b = self.balancer()
        inside("lb", "ip", "link", "del", "eth0")
        self.assertEqual(b.process.wait(10), 1)
        self.assertIn("event=interface_gone interface=eth0", b.said())
        self.assertFalse(b.pinned())
        self.assertFalse(os.path.exists(b.socket))
        self.assertIn("no route to node n1", b.refuses())
        self.assertIn("there is no interface 'eth0'",
                      b.refuses("--interface", "eth0"))

    def test_full_table(self):
        """More flows than there is room for: it's said, and nobody who was
        there, nor a real client that comes, is the worse for it."""
        b = self.balancer(more="scheduler wlc; flows 1000")
        load = self.load(3, 50)
        self.assertEqual(self.flood(20000).wait(60), 0)
        wait_for("it's said", lambda: "event=flow_table_full" in b.said())
        self.result(load)
        self.assertGreater(b.verdicts()["tx_untracked"], 0)
        # NAT can't do without an entry
        self.back_by_balancer(v4("client"), v6("client"))
        b.service(81, ("-m",), dport=8080)
        for _ in range(20):
            subprocess.run(ns("client", "curl", "-s", "--max-time", "0.5",
                              f"http://{VIP4}:81/name"), capture_output=True)
            if b.verdicts()["drop_nat_room"]:
                break
        self.assertGreater(b.verdicts()["drop_nat_room"], 0)

    def test_no_rights(self):
        b = self.balancer()
        os.chmod(self.net.dir.name, 0o755)
        program = self.net.path("sevenfold")
        shutil.copy(SEVENFOLD, program)
        nobody = ("setpriv", "--reuid", "65534", "--clear-groups")
        before = b.vs("-S", "-n")
        for args in (("status", "--socket", b.socket), ("vs", "-C"),
                     ("vs", "-L")):
            says = refused(*nobody, program, *args, env={
                **os.environ, "SEVENFOLD_BALANCER": b.socket})
            self.assertRegex(says, "can't ask .*balancer.sock: Permission")
        self.assertEqual(b.vs("-S", "-n"), before)
        says = refused(*ns("lb2", *nobody, program, "balancer", "-c", b.conf,
                           "--socket", self.net.path("mine.sock")))
        self.assertRegex(says, "Permission denied|needs CAP_BPF")
        os.mkdir(self.net.path("mine"))
        os.chmod(self.net.path("mine"), 0o777)
        says = refused(*ns("lb2", *nobody, program, "balancer", "-c", b.conf,
                           "--socket", self.net.path("mine", "b.sock")))
        self.assertIn("needs CAP_BPF, CAP_PERFMON and CAP_NET_ADMIN", says)
        self.assertEqual(os.listdir(self.net.path("mine")), [])
        says = refused(*ns("n1", *nobody, program, "decap", "--interface",
                           "eth0", "--balancer", v4("lb"), "--vip", VIP4))
        self.assertRegex(says, "CAP_|[Pp]ermi")
        self.all_answer()

    def port_taken(self):
        """Someone else has the port at which the balancer says how it is."""
        code = (f"import socket, time; s = socket.create_server(('{v4('lb')}',"
                "7078)); print(flush=True); time.sleep(99)")
        p = self.net.start("lb", sys.executable, "-c", code,
                           stdout=subprocess.PIPE)
        p.stdout.readline()
        return p

    def test_start_that_fails(self):
        """A balancer that is new leaves nothing behind, and one that would go
        on with what another left leaves that as it is."""
        b = self.balancer()
        b.gone()
        self.nothing_there(b)
        taken = self.port_taken()
        self.assertRegex(b.refuses(), "can't say how we are at .*7078")
        self.nothing_there(b)
        taken.kill()
        taken.communicate()
        b.start()
        b.kill()
        taken = self.port_taken()
        self.assertRegex(b.refuses(), "can't say how we are at .*7078")
        self.assertTrue(self.attached())
        self.all_answer()
        taken.kill()
        taken.communicate()
        b.start()
        self.assertIn("resumed=yes", b.said())
        self.all_answer()

    def test_tunnel_end_taken(self):
        """A node's interface has a program of somebody else's: it stays."""
        def decap(*args):
            return ns("n1", SEVENFOLD, "decap", "--interface", *args)

        def program():
            return json.loads(inside("n1", "ip", "-j", "link", "show",
                                     "eth0"))[0].get("xdp")
        ours = ("eth0", "--balancer", v4("lb"), "--vip", VIP4)
        self.assertIn("there is no interface 'eth9'",
                      refused(*decap("eth9", *ours[1:])))
        inside("n1", "ip", "link", "set", "eth0", "xdpdrv", "object",
               PASS_OBJECT, "section", "xdp")
        before = program()
        for args in (ours, ("eth0", "--detach")):
            self.assertIn("eth0: it has another XDP program",
                          refused(*decap(*args)))
        self.assertEqual(program(), before)
        inside("n1", "ip", "link", "set", "eth0", "xdpdrv", "off")
        for _ in range(2):  # again: with other addresses, say
            run(*decap(*ours))
        run(*decap("eth0", "--detach"))
        self.assertIsNone(program())

    def test_kernel_without_ipvs(self):
        if os.path.exists("/proc/net/ip_vs"):
            self.skipTest("this kernel has IPVS")
        b = self.balancer()
        b.gone()
        with open(b.conf) as f:
            text = f.read()
        with open(b.conf, "w") as f:
            f.write(text.replace("balancer {", "balancer {\n driver ipvs"))
        self.assertRegex(b.refuses(), "the kernel's IPVS: .*ip_vs")
        self.nothing_there(b)


if __name__ == "__main__":
    main()

# The verbs. Meson does the work: see scripts/build. Each verb first installs
# what it needs from Debian, if it is missing (scripts/deps).

.PHONY: all demo test san tsan plays ipvs cachetests fuzz random soak \
	soak-build soak-san soak-tsan moves bench paper lint format install \
	clean help
all:
	@scripts/deps build
	@scripts/build gcc

demo:
	@scripts/deps build lab
	@scripts/build gcc
	@scripts/root "make network namespaces and load an XDP program" \
		build/sevenfold demo $(if $(CI),--ci)

test:
	@scripts/deps all
	@scripts/test

san tsan lint:
	@scripts/deps all
	@scripts/test $@

# The balancer's plays with their figures, also those that take too long for
# `make test`: see tests/l4/README.md.
PLAYS = dr plays failures paths
plays:
	@scripts/deps build lab
	@scripts/build gcc
	@status=0; for p in $(PLAYS); do \
		scripts/root "make network namespaces and load XDP programs" \
			tests/l4/$$p.py build/sevenfold \
			build/src/bpf/pass.bpf.o || status=1; \
	done; exit $$status

ipvs:
	@scripts/deps build ipvs
	@scripts/build gcc
	@tests/ipvs/run build

# Needs npm, whoever's.
cachetests:
	@scripts/deps build bench
	@scripts/build gcc
	@scripts/cachetests --peers

FUZZ_S = 600
fuzz:
	@scripts/deps all
	@scripts/fuzz $(FUZZ_S)

# The balancer's packet program beside its native model: random rules, changes of
# them, and packets, all of which both must treat alike.
RANDOM_N = 5000000
RANDOM_SEED = $(shell date +%s)
random:
	@scripts/deps build
	@scripts/build gcc
	@scripts/root "load the XDP program" env \
		SEVENFOLD_RANDOM=$(RANDOM_N),$(RANDOM_SEED) build/l4_random_test

# Half of the time with each sanitizer; `make -j2 soak` runs both at once.
SOAK_S = 1800
soak: soak-san soak-tsan

soak-build:
	@scripts/deps all
	@scripts/build san tsan

soak-san soak-tsan: soak-%: soak-build
	@scripts/soak $$(($(SOAK_S) / 2)) $*

# Connections moved from node to node, and the same requests relayed.
MOVES = 100000
moves:
	@scripts/deps all
	@scripts/build gcc
	@scripts/root "make network namespaces and load an XDP program" \
		tests/lab/moves.py --moves $(MOVES) $(if $(RATE),--rate $(RATE))

bench:
	@scripts/deps build bench lab
	@scripts/build gcc
	@scripts/bench $(if $(QUICK),--quick) $(if $(JSON),--json) \
		$(if $(CONGESTION),--congestion=$(CONGESTION)) $(SUITE)

PAPER = sevenfold-paper
paper:
	@scripts/deps build bench lab
	@scripts/build gcc
	@scripts/root "make network namespaces and load an XDP program" \
		build/sevenfold bench paper $(PAPER) $(if $(QUICK),--quick)

format:
	@scripts/deps all
	@find src tests docs -name '*.[ch]' -exec clang-format -i {} +

install: all
	@scripts/root "install the program and its manual" \
		meson install -C build --no-rebuild

clean:
	rm -rf build build-clang build-san build-tsan build-fuzz

help:
	@echo 'make          build the program: build/sevenfold'
	@echo 'make demo     a cluster on this machine, with real traffic;'
	@echo '              CI=1: ends by itself, and fails if a claim is untrue'
	@echo 'make test     all tests, with both compilers and the sanitizers'
	@echo 'make san      unit tests with AddressSanitizer and UBSan'
	@echo 'make tsan     unit tests with ThreadSanitizer'
	@echo 'make plays    the balancer in small networks, with figures; minutes;'
	@echo '              PLAYS=paths: one of dr, plays, failures, paths'
	@echo 'make ipvs     the balancer beside Linux'\''s IPVS, in a machine of its own'
	@echo '              with Debian'\''s kernel under qemu; minutes'
	@echo 'make cachetests   tests for HTTP caches from npm, also against nginx,'
	@echo '              Varnish, Traffic Server and Squid; two minutes'
	@echo 'make fuzz     the fuzz targets, FUZZ_S=600 seconds in all'
	@echo 'make random   the balancer'\''s packet program beside its model:'
	@echo '              RANDOM_N=5000000 random packets, RANDOM_SEED=N: again'
	@echo 'make soak     odd clients, lying origins, SOAK_S=1800 seconds in all,'
	@echo '              half of them with each sanitizer; -j2: both at once'
	@echo 'make moves    MOVES=100000 connections moved in the lab, beside as many'
	@echo '              requests relayed; RATE=800: so many a second, instead of'
	@echo '              full speed'
	@echo 'make bench    what requests cost beside other servers;'
	@echo '              SUITE=hit: one of hit, relay, idle, keys, distill, l4,'
	@echo '              handoff;'
	@echo '              QUICK=1: a first look; JSON=1: for programs;'
	@echo '              CONGESTION=reno: TCP with that congestion control (see'
	@echo '              tests/engine/bench.py)'
	@echo 'make paper    the paper'\''s experiment, in the lab, beside its figures;'
	@echo '              hours, can be resumed; QUICK=1: ten minutes;'
	@echo '              PAPER=sevenfold-paper: where the results are'
	@echo 'make lint     format, include directions, static analysis'
	@echo 'make format   format the code, by clang-format'
	@echo 'make install  the program and its manual, into /usr/local'
	@echo 'make clean    remove what was built'

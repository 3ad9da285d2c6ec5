#pragma once
/*
 * sevenfold bench handoff: what it costs to move a connection to the owner of
 * what it asks for, beside passing its answer on, on this machine: two nodes of
 * a lab, all of whose clients are let in by the first.
 */

/* argv[0] is "handoff". The exit status. */
int bench_handoff(int argc, char **argv);

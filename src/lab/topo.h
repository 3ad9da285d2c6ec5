#pragma once
/*
 * Who is where: the lab's hosts, their addresses, and the network between
 * them. The picture is in lab.h.
 */
#include <stdbool.h>
#include <stdint.h>

struct lab_options;

#define TOPO_ORIGIN_ADDR "198.18.0.3"
#define TOPO_NET "198.18.0.0/16"
#define TOPO_NET_ADDR 0xc6120000u
#define TOPO_NET_MASK 0xffff0000u

enum topo_kind {
	TOPO_MACHINE,
	TOPO_CLIENT,
	TOPO_BALANCER,
	TOPO_ORIGIN,
	TOPO_NODE,
};

struct topo_host {
	char name[12];
	char port[14];	 /* its end in the switch */
	const char *dev; /* its own end */
	enum topo_kind kind;
	unsigned node; /* from 1, when kind is TOPO_NODE */
	char addr[16]; /* dotted */
	char mac[18];
};

/* Hosts are numbered: machine, client, balancer, origin, n1, n2, ... */
enum { TOPO_FIRST_NODE = 4 };
struct topo_host topo_host(unsigned index);
/* False for the switch too: it has no port. */
bool topo_find(const char *name, struct topo_host *out);

int topo_up(const struct lab_options *o);
/* Namespaces and sevenfold0; nothing may live in them any more. */
int topo_down(void);
/* There is a namespace or a sevenfold0 of a lab. */
bool topo_remains(void);

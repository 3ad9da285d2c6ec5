#pragma once
/*
 * Kinds of parameters: how the words after a parameter's name become a member
 * of struct conf or struct conf_site, and back. A kind that needs more than
 * one member is given the first and finds the others beside it. Numbers are
 * in kind_number.c, other kinds of clusters in kind.c and kind_place.c, those
 * of sites in kind_site.c and kind_distill.c, those of balancers in
 * kind_balancer.c.
 */
#include "conf/value.h"

struct kind {
	const char *form;    /* `ADDRESS:PORT`, for messages and manual */
	const char *example; /* words that are right */
	unsigned min_args;   /* at least one */
	unsigned max_args;
	bool repeats; /* may be given again; adds to what is there */
	/* False if it reported a mistake. */
	bool (*set)(struct conf_errors *e, const struct arg *args, size_t nargs,
		void *member);
	/* Appends the words of the i-th statement that would set member, or
	 * says false: there is none. Unless repeats, i is 0. */
	bool (*write)(struct buf *b, const void *member, size_t i);
};

#define KIND(name) extern const struct kind kind_##name;
KIND(addr_port)
KIND(addr6)
KIND(policy)
KIND(group)
KIND(rule)
KIND(ratio)
KIND(ratio_or_off)
KIND(duration_or_off)
KIND(node)
KIND(prefixes)
KIND(resolver)
KIND(port)
KIND(port_or_off)
KIND(ports)
KIND(handoff)
KIND(hook)
KIND(file)
KIND(workers)
KIND(fields)
KIND(connections)
KIND(rate)
KIND(size)
KIND(cache)
KIND(size_or_off)
KIND(duration)
KIND(interface)
KIND(xdp)
KIND(driver)
KIND(scheduler)
KIND(flows)
KIND(checks)
KIND(origin)
KIND(path)
KIND(distill)
KIND(widths)
KIND(qualities)
KIND(query_name)
#undef KIND

#include "l4/ipvs_flows.h"

#include "base/own.h"
#include "l4/addr.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static bool
parse_hex_addr(const char *text, union l4_addr *out)
{
	char z[64];
	size_t n = strlen(text);
	uint32_t v4;
	char *end;

	if (*text == '[' && n > 2 && n < sizeof(z)) {
		memcpy(z, text + 1, n - 2);
		z[n - 2] = 0;
		return addr_parse(z, out);
	}
	v4 = htonl((uint32_t)strtoul(text, &end, 16));
	return !*end && addr_from(AF_INET, &v4, 4, out);
}

static enum l4_state
parse_state(const char *name)
{
	static const char *const names[] = {"NONE", "ESTABLISHED", "SYN_SENT",
		"SYN_RECV", "FIN_WAIT", "TIME_WAIT", "CLOSE", "CLOSE_WAIT",
		"LAST_ACK", "LISTEN", "SYNACK"};
	unsigned i = 0;

	while (i < L4_TCP_STATES && strcmp(name, names[i]) != 0)
		i++;
	return (enum l4_state)i; /* which is UDP's, if it is none of them */
}

/* A line of /proc/net/ip_vs_conn. */
static bool
parse_flow(const char *line, struct driver_flow *f)
{
	char proto[8], client[64], vip[64], server[64], state[16];
	unsigned cport, vport, sport, left;

	if (sscanf(line, "%7s %63s %x %63s %x %63s %x %15s %u", proto, client,
		    &cport, vip, &vport, server, &sport, state, &left) != 9)
		return false;
	*f = (struct driver_flow){
		.proto = !strcmp(proto, "UDP") ? IPPROTO_UDP : IPPROTO_TCP,
		.state = parse_state(state),
		.left_s = left,
		.client_port = (uint16_t)cport,
		.vip_port = (uint16_t)vport,
		.server_port = (uint16_t)sport};
	return parse_hex_addr(client, &f->client) &&
		parse_hex_addr(vip, &f->vip) &&
		parse_hex_addr(server, &f->server);
}

void
ipvs_flows(void *ctx, const struct rules *r, driver_flow_fn fn, void *arg)
{
	own_file FILE *in = fopen("/proc/net/ip_vs_conn", "re");
	char line[256];
	struct driver_flow f;

	while (in && fgets(line, sizeof(line), in))
		if (parse_flow(line, &f))
			fn(arg, &f);
}

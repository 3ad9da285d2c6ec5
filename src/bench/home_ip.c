/* See home_ip.h. */
#include "bench/home_ip.h"

#include <arpa/inet.h>

enum { SERVER = 30, IF_MODIFIED_SINCE = 38, BODY = 54, LINE = 58 };

static uint32_t
u32_at(struct str s, size_t at)
{
	uint32_t v;

	memcpy(&v, s.p + at, sizeof(v));
	return ntohl(v);
}

static uint16_t
u16_at(struct str s, size_t at)
{
	uint16_t v;

	memcpy(&v, s.p + at, sizeof(v));
	return ntohs(v);
}

static unsigned
status_of(uint32_t body, uint32_t if_modified_since)
{
	if (body > 0 && body != UINT32_MAX)
		return 200;
	return body == 0 && if_modified_since != UINT32_MAX ? 304 : 0;
}

enum trace_result
home_ip_parse(struct str in, struct trace_entry *out, size_t *used)
{
	struct trace_entry e = {0};
	struct in_addr server;

	if (in.n < HOME_IP_HEAD ||
		in.n < HOME_IP_HEAD + (size_t)u16_at(in, LINE))
		return TRACE_MORE;
	struct str line = str_of(in.p + HOME_IP_HEAD, u16_at(in, LINE));
	*used = HOME_IP_HEAD + line.n;
	if (!trace_request_line(line, &e))
		return TRACE_UNREADABLE;
	server.s_addr = htonl(u32_at(in, SERVER));
	inet_ntop(AF_INET, &server, e.server, sizeof(e.server));
	e.status = status_of(u32_at(in, BODY), u32_at(in, IF_MODIFIED_SINCE));
	e.bytes = e.status == 200 ? u32_at(in, BODY) : 0;
	*out = e;
	return TRACE_ENTRY;
}

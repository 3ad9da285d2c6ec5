#include "handoff/segment.h"

#include <netinet/ip.h>
#include <netinet/ip6.h>
#include <netinet/tcp.h>
#include <string.h>
#include <sys/socket.h>

#include "base/own.h"

enum { TIMESTAMPS = 0x0101080a, OPTION_BYTES = 12 };

/* Of 16-bit words (RFC 1071); n is even. */
static uint32_t
add_words(uint32_t sum, const void *p, size_t n)
{
	uint16_t word;

	for (size_t i = 0; i < n; i += 2) {
		memcpy(&word, (const char *)p + i, 2);
		sum += word;
	}
	return sum;
}

static uint16_t
fold(uint32_t sum)
{
	sum = (sum & 0xffff) + (sum >> 16);
	sum = (sum & 0xffff) + (sum >> 16);
	return (uint16_t)~sum;
}

/* Of the pseudo header (RFC 9293, 3.1; RFC 8200, 8.1), whose words have the
 * same sum in both families. */
static uint32_t
add_pseudo(const struct segment *s, size_t n)
{
	size_t at = addr_is_v4(&s->to) ? 12 : 0;
	uint16_t rest[2] = {htons(IPPROTO_TCP), htons((uint16_t)n)};
	uint32_t sum = add_words(0, rest, sizeof(rest));

	sum = add_words(sum, s->from.s6_addr + at, 16 - at);
	return add_words(sum, s->to.s6_addr + at, 16 - at);
}

static size_t
put_tcp(const struct segment *s, uint8_t *out)
{
	uint32_t option[3] = {
		htonl(TIMESTAMPS), htonl(s->stamp), htonl(s->echo)};
	size_t n = sizeof(struct tcphdr) + (s->timestamps ? OPTION_BYTES : 0);
	struct tcphdr tcp = {
		.source = htons(s->from_port),
		.dest = htons(s->to_port),
		.seq = htonl(s->seq),
		.ack_seq = htonl(s->ack),
		.doff = 15u & (unsigned)(n / 4),
		.ack = 1,
		.rst = s->kind == SEGMENT_RST,
		.window = htons(s->window),
	};
	uint32_t sum = add_words(add_pseudo(s, n), option, n - sizeof(tcp));

	tcp.check = fold(add_words(sum, &tcp, sizeof(tcp)));
	memcpy(out, &tcp, sizeof(tcp));
	memcpy(out + sizeof(tcp), option, n - sizeof(tcp));
	return n;
}

static size_t
put_v4(const struct segment *s, uint8_t *out)
{
	size_t n = put_tcp(s, out + sizeof(struct iphdr));
	struct iphdr ip = {.version = 4,
		.ihl = 5,
		.tot_len = htons((uint16_t)(sizeof(ip) + n)),
		.frag_off = htons(IP_DF),
		.ttl = IPDEFTTL,
		.protocol = IPPROTO_TCP,
		.saddr = addr_v4(&s->from).s_addr,
		.daddr = addr_v4(&s->to).s_addr};

	ip.check = fold(add_words(0, &ip, sizeof(ip)));
	memcpy(out, &ip, sizeof(ip));
	return sizeof(ip) + n;
}

static size_t
put_v6(const struct segment *s, uint8_t *out)
{
	size_t n = put_tcp(s, out + sizeof(struct ip6_hdr));
	struct ip6_hdr ip = {.ip6_src = s->from, .ip6_dst = s->to};

	ip.ip6_flow = htonl(6u << 28);
	ip.ip6_plen = htons((uint16_t)n);
	ip.ip6_nxt = IPPROTO_TCP;
	ip.ip6_hlim = IPDEFTTL;
	memcpy(out, &ip, sizeof(ip));
	return sizeof(ip) + n;
}

size_t
segment_put(const struct segment *s, uint8_t out[SEGMENT_MAX])
{
	return addr_is_v4(&s->to) ? put_v4(s, out) : put_v6(s, out);
}

static int
open_raw(int family)
{
	return socket(
		family, SOCK_RAW | SOCK_CLOEXEC | SOCK_NONBLOCK, IPPROTO_RAW);
}

void
segment_open(struct segment_sender *out)
{
	*out = (struct segment_sender){open_raw(AF_INET), open_raw(AF_INET6)};
}

void
segment_close(struct segment_sender *s)
{
	own_fd_(&s->v4);
	own_fd_(&s->v6);
}

void
segment_send(const struct segment_sender *by, const struct segment *s)
{
	uint8_t packet[SEGMENT_MAX];
	struct sockaddr_in v4 = {
		.sin_family = AF_INET, .sin_addr = addr_v4(&s->to)};
	struct sockaddr_in6 v6 = {.sin6_family = AF_INET6, .sin6_addr = s->to};
	size_t n = segment_put(s, packet);
	ssize_t sent;

	if (addr_is_v4(&s->to))
		sent = sendto(by->v4, packet, n, 0, (struct sockaddr *)&v4,
			sizeof(v4));
	else
		sent = sendto(by->v6, packet, n, 0, (struct sockaddr *)&v6,
			sizeof(v6));
	(void)sent;
}

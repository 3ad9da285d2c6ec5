#include "handoff/segment.h"

#include <errno.h>
#include <netinet/ip.h>
#include <netinet/tcp.h>
#include <string.h>
#include <sys/socket.h>

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
	struct {
		uint32_t from, to;
		uint16_t protocol, bytes;
	} pseudo = {s->from.s_addr, s->to.s_addr, htons(IPPROTO_TCP),
		htons((uint16_t)n)};
	uint32_t sum = add_words(0, &pseudo, sizeof(pseudo));

	sum = add_words(sum, option, n - sizeof(tcp));
	tcp.check = fold(add_words(sum, &tcp, sizeof(tcp)));
	memcpy(out, &tcp, sizeof(tcp));
	memcpy(out + sizeof(tcp), option, n - sizeof(tcp));
	return n;
}

size_t
segment_put(const struct segment *s, uint8_t out[SEGMENT_MAX])
{
	size_t n = put_tcp(s, out + sizeof(struct iphdr));
	struct iphdr ip = {.version = 4,
		.ihl = 5,
		.tot_len = htons((uint16_t)(sizeof(ip) + n)),
		.frag_off = htons(IP_DF),
		.ttl = IPDEFTTL,
		.protocol = IPPROTO_TCP,
		.saddr = s->from.s_addr,
		.daddr = s->to.s_addr};

	ip.check = fold(add_words(0, &ip, sizeof(ip)));
	memcpy(out, &ip, sizeof(ip));
	return sizeof(ip) + n;
}

int
segment_open(void)
{
	int fd = socket(
		AF_INET, SOCK_RAW | SOCK_CLOEXEC | SOCK_NONBLOCK, IPPROTO_RAW);

	return fd < 0 ? -errno : fd;
}

void
segment_send(int fd, const struct segment *s)
{
	uint8_t packet[SEGMENT_MAX];
	struct sockaddr_in to = {.sin_family = AF_INET, .sin_addr = s->to};
	ssize_t n = sendto(fd, packet, segment_put(s, packet), 0,
		(struct sockaddr *)&to, sizeof(to));

	(void)n;
}

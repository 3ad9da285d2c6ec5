#include "handoff/park.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/if_ether.h>
#include <linux/if_tun.h>
#include <net/if.h>
#include <net/if_arp.h>
#include <netinet/ip.h>
#include <netinet/ip6.h>
#include <netinet/tcp.h>
#include <pthread.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>

#include "base/clock.h"
#include "base/list.h"
#include "base/mem.h"
#include "base/own.h"
#include "handoff/addr.h"

enum {
	BUCKETS = 256,
	FRAMES_MAX = 4096,
	FRAME_MAX = 16 * 1024,
	KEEP_MS = 1000,
};

struct parked {
	struct list link; /* in its bucket */
	struct list age;  /* in park->all, the oldest first */
	struct handoff_key key;
	uint64_t at_ns;
	size_t n;
	char bytes[];
};

struct park {
	struct park_config config;
	int fd;
	int inet; /* owned: a socket to ask the kernel by */
	char name[IFNAMSIZ], nic[IFNAMSIZ];
	uint8_t mac[ETH_ALEN];
	const uint64_t *parked; /* borrowed: written by the program */
	/* Guards what follows: a flow is settled by the thread that moves it,
	 * and its packets may have been read by another one. */
	pthread_mutex_t lock;
	uint64_t seen; /* what *parked was when all had been read */
	size_t n;
	uint64_t dropped;
	struct list buckets[BUCKETS];
	struct list all;
};

/* --- the device ----------------------------------------------------------- */

static int
request(unsigned long what, struct ifreq *r)
{
	own_fd int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);

	return fd < 0 || ioctl(fd, what, r) < 0 ? -errno : 0;
}

static struct ifreq
of(const char *name)
{
	struct ifreq r = {0};

	(void)snprintf(r.ifr_name, IFNAMSIZ, "%s", name);
	return r;
}

static int
write_zero(const char *family, const char *name, const char *setting)
{
	own_free char *path =
		xasprintf("/proc/sys/net/%s/conf/%s/%s", family, name, setting);
	own_fd int fd = open(path, O_WRONLY | O_CLOEXEC);

	return fd < 0 || write(fd, "0", 1) != 1 ? -errno : 0;
}

void
park_find_mac(const struct park *p, struct in_addr neighbour, uint8_t out[6])
{
	struct sockaddr_in who = {.sin_family = AF_INET, .sin_addr = neighbour};
	struct arpreq arp = {0};

	memcpy(&arp.arp_pa, &who, sizeof(who));
	memcpy(arp.arp_dev, p->nic, sizeof(arp.arp_dev));
	if (ioctl(p->inet, SIOCGARP, &arp) == 0 && arp.arp_flags & ATF_COM)
		memcpy(out, arp.arp_ha.sa_data, ETH_ALEN);
}

static int
create(struct park *p)
{
	struct ifreq r = of("sevenfold%d");

	p->fd = open("/dev/net/tun", O_RDWR | O_NONBLOCK | O_CLOEXEC);
	r.ifr_flags = IFF_TAP | IFF_NO_PI;
	if (p->fd < 0 || ioctl(p->fd, TUNSETIFF, &r) < 0)
		return -errno;
	memcpy(p->name, r.ifr_name, IFNAMSIZ);
	return 0;
}

/* The packets have the nic's address and may be as long; their senders are
 * elsewhere than behind this device. */
static int
set_up(struct park *p)
{
	struct ifreq nic = {0}, r = of(p->name);
	int err;

	if (!if_indextoname(p->config.nic, nic.ifr_name))
		return -errno;
	err = request(SIOCGIFHWADDR, &nic);
	if (err)
		return err;
	memcpy(p->mac, nic.ifr_hwaddr.sa_data, ETH_ALEN);
	memcpy(p->nic, nic.ifr_name, IFNAMSIZ);
	r.ifr_hwaddr = nic.ifr_hwaddr;
	err = request(SIOCSIFHWADDR, &r);
	if (!err)
		err = request(SIOCGIFMTU, &nic);
	r = of(p->name);
	r.ifr_mtu = nic.ifr_mtu;
	if (!err)
		err = request(SIOCSIFMTU, &r);
	if (!err)
		err = write_zero("ipv4", p->name, "rp_filter");
	(void)write_zero("ipv6", p->name, "accept_ra");
	(void)write_zero("ipv6", p->name, "router_solicitations");
	r = of(p->name);
	r.ifr_flags = IFF_UP | IFF_NOARP;
	return err ? err : request(SIOCSIFFLAGS, &r);
}

int
park_open(const struct park_config *config, struct park **out)
{
	struct park *p = NEW(struct park);
	int err;

	p->config = *config;
	p->fd = -1;
	p->inet = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	pthread_mutex_init(&p->lock, NULL);
	list_init(&p->all);
	for (int i = 0; i < BUCKETS; i++)
		list_init(&p->buckets[i]);
	err = create(p);
	if (!err)
		err = set_up(p);
	if (err) {
		park_close(p);
		return err;
	}
	*out = p;
	return 0;
}

static void
forget(struct park *p, struct parked *f)
{
	list_remove(&f->link);
	list_remove(&f->age);
	p->n--;
	free(f);
}

void
park_close(struct park *p)
{
	if (!p)
		return;
	list_foreach_safe (it, &p->all)
		forget(p, container_of(it, struct parked, age));
	own_fd_(&p->fd);
	own_fd_(&p->inet);
	pthread_mutex_destroy(&p->lock);
	free(p);
}

unsigned
park_ifindex(const struct park *p)
{
	return if_nametoindex(p->name);
}

const uint8_t *
park_mac(const struct park *p)
{
	return p->mac;
}

int
park_fd(const struct park *p)
{
	return p->fd;
}

void
park_watch(struct park *p, const uint64_t *parked)
{
	p->parked = parked;
}

/* --- the frames ----------------------------------------------------------- */

static struct list *
bucket_of(struct park *p, const struct handoff_key *key)
{
	uint32_t h = key->client[0] ^ key->client[1] ^ key->client[2] ^
		key->client[3];

	h = (h ^ key->port * 0x9e3779b1u) * 0x85ebca6bu;

	return &p->buckets[h >> 24];
}

/* Where the TCP header is; 0: there is none. */
static size_t
read_v4(const char *bytes, size_t n, struct in6_addr *from)
{
	struct iphdr ip;

	if (n < sizeof(ip))
		return 0;
	memcpy(&ip, bytes, sizeof(ip));
	*from = addr_mapped((struct in_addr){ip.saddr});
	return ip.protocol == IPPROTO_TCP && ip.ihl >= 5 ? ip.ihl * 4u : 0;
}

static size_t
read_v6(const char *bytes, size_t n, struct in6_addr *from)
{
	struct ip6_hdr ip;

	if (n < sizeof(ip))
		return 0;
	memcpy(&ip, bytes, sizeof(ip));
	*from = ip.ip6_src;
	return ip.ip6_nxt == IPPROTO_TCP ? sizeof(ip) : 0;
}

/* The device also gets what the kernel says on any. */
static bool
key_of(const char *bytes, size_t n, struct handoff_key *out)
{
	struct handoff_key key = {0};
	struct in6_addr from;
	struct ethhdr eth;
	struct tcphdr tcp;
	size_t head = 0;

	if (n < sizeof(eth))
		return false;
	memcpy(&eth, bytes, sizeof(eth));
	bytes += sizeof(eth);
	n -= sizeof(eth);
	if (eth.h_proto == htons(ETH_P_IP))
		head = read_v4(bytes, n, &from);
	else if (eth.h_proto == htons(ETH_P_IPV6))
		head = read_v6(bytes, n, &from);
	if (!head || n < head + sizeof(tcp))
		return false;
	memcpy(&tcp, bytes + head, sizeof(tcp));
	memcpy(key.client, &from, sizeof(from));
	key.port = tcp.source;
	*out = key;
	return true;
}

static void
write_back(struct park *p, const char *bytes, size_t n)
{
	if (write(p->fd, bytes, n) < 0)
		p->dropped++;
}

static void
keep(struct park *p, const struct handoff_key *key, const char *bytes, size_t n)
{
	struct parked *f;

	if (p->n == FRAMES_MAX) {
		p->dropped++;
		return;
	}
	f = xmalloc(sizeof(*f) + n);
	f->key = *key;
	f->at_ns = clock_mono_ns();
	f->n = n;
	memcpy(f->bytes, bytes, n);
	f->link = f->age = (struct list){0};
	list_push_back(bucket_of(p, key), &f->link);
	list_push_back(&p->all, &f->age);
	p->n++;
}

/* Whatever the program has sent. */
static void
drain(struct park *p)
{
	char bytes[FRAME_MAX];
	struct handoff_key key;
	ssize_t n;

	/* Before they are read, since more may come meanwhile. */
	p->seen = __atomic_load_n(p->parked, __ATOMIC_ACQUIRE);
	while ((n = read(p->fd, bytes, sizeof(bytes))) > 0) {
		if (!key_of(bytes, (size_t)n, &key))
			continue;
		if (p->config.is_settled(p->config.user, &key))
			write_back(p, bytes, (size_t)n);
		else
			keep(p, &key, bytes, (size_t)n);
	}
}

void
park_on_readable(struct park *p)
{
	pthread_mutex_lock(&p->lock);
	drain(p);
	pthread_mutex_unlock(&p->lock);
}

void
park_flush(struct park *p, const struct handoff_key *key)
{
	struct list *bucket = bucket_of(p, key);

	pthread_mutex_lock(&p->lock);
	if (__atomic_load_n(p->parked, __ATOMIC_ACQUIRE) != p->seen)
		drain(p);
	list_foreach_safe (it, bucket) {
		struct parked *f = container_of(it, struct parked, link);

		if (memcmp(&f->key, key, sizeof(*key)) != 0)
			continue;
		write_back(p, f->bytes, f->n);
		forget(p, f);
	}
	pthread_mutex_unlock(&p->lock);
}

void
park_inject(struct park *p, const void *frame, size_t n)
{
	/* Lost like any packet, if it is. */
	ssize_t done = write(p->fd, frame, n);

	(void)done;
}

void
park_sweep(struct park *p, uint64_t now_ns)
{
	pthread_mutex_lock(&p->lock);
	list_foreach_safe (it, &p->all) {
		struct parked *f = container_of(it, struct parked, age);

		if (now_ns < f->at_ns + KEEP_MS * NS_PER_MS)
			break;
		p->dropped++;
		forget(p, f);
	}
	pthread_mutex_unlock(&p->lock);
}

size_t
park_count(struct park *p)
{
	size_t n;

	pthread_mutex_lock(&p->lock);
	n = p->n;
	pthread_mutex_unlock(&p->lock);
	return n;
}

uint64_t
park_dropped(struct park *p)
{
	uint64_t n;

	pthread_mutex_lock(&p->lock);
	n = p->dropped;
	pthread_mutex_unlock(&p->lock);
	return n;
}

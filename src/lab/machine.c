#include "lab/machine.h"

#include <arpa/inet.h>
#include <errno.h>
#include <ifaddrs.h>
#include <net/if.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>

#include "base/own.h"
#include "lab/lab.h"
#include "lab/topo.h"

#define VIP_ADDR 0xc000020au /* LAB_VIP */

bool
machine_clashes(uint32_t dest, uint32_t mask, uint32_t gateway)
{
	/* Very wide routes are a default by another name (VPNs halve it);
	 * the lab's are narrower and win. */
	bool wide = mask < 0xff000000u;
	uint32_t common = mask & TOPO_NET_MASK;

	if (gateway == VIP_ADDR || (gateway & TOPO_NET_MASK) == TOPO_NET_ADDR)
		return true;
	if (mask == 0xffffffffu && dest == VIP_ADDR)
		return true;
	return !wide && (dest & common) == (TOPO_NET_ADDR & common);
}

static int
clash(const char *dev, uint32_t dest)
{
	char text[INET_ADDRSTRLEN];
	struct in_addr a = {htonl(dest)};

	fprintf(stderr,
		"lab: this machine uses %s (on %s); the lab needs " TOPO_NET
		" and " LAB_VIP " for itself\n",
		inet_ntop(AF_INET, &a, text, sizeof(text)), dev);
	return -EADDRINUSE;
}

static int
check_routes(void)
{
	own_file FILE *f = fopen("/proc/net/route", "re");
	char line[256], dev[32];
	unsigned dest, gateway, mask;

	/* The kernel prints addresses as they are in memory. */
	while (f && fgets(line, sizeof(line), f))
		if (sscanf(line, "%31s %x %x %*x %*d %*d %*d %x", dev, &dest,
			    &gateway, &mask) == 4 &&
			machine_clashes(
				ntohl(dest), ntohl(mask), ntohl(gateway)))
			return clash(dev, ntohl(dest));
	return 0;
}

static int
check_addresses(void)
{
	struct ifaddrs *all, *i;
	int r = 0;

	if (getifaddrs(&all) < 0)
		return -errno;
	for (i = all; i && r == 0; i = i->ifa_next) {
		struct sockaddr_in *in = (void *)i->ifa_addr;

		if (!in || in->sin_family != AF_INET)
			continue;
		uint32_t a = ntohl(in->sin_addr.s_addr);

		if (machine_clashes(a, 0xffffffffu, 0))
			r = clash(i->ifa_name, a);
	}
	freeifaddrs(all);
	return r;
}

int
machine_check(void)
{
	int r;

	if (if_nametoindex(MACHINE_DEV)) {
		fprintf(stderr,
			"lab: this machine has an interface " MACHINE_DEV
			" that is not the lab's\n");
		return -EEXIST;
	}
	r = check_routes();
	return r < 0 ? r : check_addresses();
}

bool
machine_has_dev(void)
{
	struct ifreq ifr = {.ifr_name = MACHINE_DEV};
	own_fd int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	char mac[18];
	unsigned char *m = (void *)ifr.ifr_hwaddr.sa_data;

	if (fd < 0 || ioctl(fd, SIOCGIFHWADDR, &ifr) < 0)
		return false;
	snprintf(mac, sizeof(mac), "%02x:%02x:%02x:%02x:%02x:%02x", m[0], m[1],
		m[2], m[3], m[4], m[5]);
	return !strcmp(mac, topo_host(TOPO_MACHINE).mac);
}

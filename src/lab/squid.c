#include "lab/squid.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/clock.h"
#include "base/mem.h"
#include "base/own.h"
#include "lab/cluster.h"
#include "lab/state.h"
#include "lab/topo.h"

#define SUFFIX "-squid"

enum { UP_TIMEOUT_S = 10, PORT = 3128, LISTEN = 10 /* in /proc/net/tcp */ };

/* An accelerator with a cache in memory. It gives root's rights up, so it can't
 * write files here; what it has to say is on standard error. */
static const char conf_text[] = "http_port 127.0.0.1:3128 accel vhost\n"
				"cache_peer " TOPO_ORIGIN_ADDR
				" parent 80 0 no-query no-digest originserver\n"
				"http_access allow all\n"
				"cache_mem 256 MB\n"
				"maximum_object_size_in_memory 32 MB\n"
				"memory_cache_shared off\n"
				"collapsed_forwarding on\n"
				"access_log none\n"
				"cache_log /dev/null\n"
				"cache_store_log none\n"
				"logfile_rotate 0\n"
				"netdb_filename none\n"
				"pid_filename none\n"
				"coredump_dir none\n"
				"max_filedescriptors 4096\n"
				"pinger_enable off\n"
				"shutdown_lifetime 0 seconds\n";

char *
squid_name(const char *host)
{
	return xasprintf("%s" SUFFIX, host);
}

static char *
conf_of(const char *name)
{
	return xasprintf(STATE_DIR "/%s.conf", name);
}

int
squid_prepare(const char *host)
{
	own_free char *name = squid_name(host), *path = conf_of(name);
	struct buf b = {0};
	int r;

	buf_printf(&b, "%svisible_hostname %s\n", conf_text, host);
	r = state_write(path, buf_head(&b), buf_len(&b));
	buf_fini(&b);
	return r;
}

bool
squid_is_wanted(const char *host)
{
	own_free char *name = squid_name(host), *path = conf_of(name);

	return access(path, F_OK) == 0;
}

const char *const *
squid_argv(const char *name)
{
	static char path[64];
	static const char *const argv[] = {
		"squid", "-N", "-d", "1", "-f", path, NULL};
	size_t n = strlen(name), suffix = sizeof(SUFFIX) - 1;

	if (n <= suffix || strcmp(name + n - suffix, SUFFIX) != 0)
		return NULL;
	snprintf(path, sizeof(path), STATE_DIR "/%s.conf", name);
	return argv;
}

/* The sockets of its namespace say so. */
bool
squid_is_up(const char *host)
{
	own_free char *name = squid_name(host);
	pid_t pid = cluster_pid_of(host, name);
	own_free char *path = xasprintf("/proc/%d/net/tcp", pid);
	own_file FILE *f = pid ? fopen(path, "re") : NULL;
	unsigned port, state;
	char line[256];

	while (f && fgets(line, sizeof(line), f))
		if (sscanf(line, " %*u: %*8x:%x %*8x:%*x %x", &port, &state) ==
				2 &&
			port == PORT && state == LISTEN)
			return true;
	return false;
}

int
squid_await(const char *host)
{
	uint64_t deadline_ns = clock_mono_ns() + UP_TIMEOUT_S * NS_PER_S;
	int r = 0;

	while (r == 0 && !squid_is_up(host)) {
		r = state_pause(20);
		if (clock_mono_ns() <= deadline_ns)
			continue;
		fprintf(stderr,
			"lab: %s's squid does not come up; see " STATE_DIR
			"/logs/%s" SUFFIX ".log\n",
			host, host);
		return -ETIMEDOUT;
	}
	return r;
}

/* See clients.h. */
#include "paper/clients.h"

#include "base/own.h"
#include "lab/lab.h"
#include "lab/netns.h"
#include "net/sock.h"

#include <arpa/inet.h>
#include <errno.h>
#include <inttypes.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/wait.h>

static int
ask(const void *arg)
{
	const struct clients *c = arg;
	struct play p = {
		.load =
			{
				.port = 80,
				.connections = c->connections,
				.per_connection = 1,
				.rate = c->rate,
				.timeout_ns = c->timeout_ns,
			},
		.host = STR(LAB_VIP),
		.order = mix_order,
		.order_ctx = c->mix,
	};

	inet_pton(AF_INET, LAB_VIP, &p.load.addr);
	sock_allow(c->connections);
	return play_run(&p, &c->mix->catalog, c->tally);
}

int
clients_start(struct clients *c)
{
	c->tally = mmap(NULL, sizeof(*c->tally), PROT_READ | PROT_WRITE,
		MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	if (c->tally == MAP_FAILED) {
		c->tally = NULL;
		return -errno;
	}
	c->pid = netns_start("client", ask, c);
	return c->pid < 0 ? -errno : 0;
}

bool
clients_run(struct clients *c)
{
	int status;

	if (c->pid <= 0 || waitpid(c->pid, &status, WNOHANG) == 0)
		return c->pid > 0;
	c->pid = 0;
	return false;
}

uint64_t
clients_cpu_ns(const struct clients *c)
{
	char path[64];
	uint64_t ran = 0;

	snprintf(path, sizeof(path), "/proc/%d/schedstat", (int)c->pid);
	own_file FILE *f = fopen(path, "re");
	if (!f || fscanf(f, "%" SCNu64, &ran) != 1)
		return 0;
	return ran;
}

void
clients_end(struct clients *c)
{
	if (c->pid > 0) {
		kill(c->pid, SIGKILL);
		(void)netns_wait(c->pid);
	}
	if (c->tally)
		munmap(c->tally, sizeof(*c->tally));
	c->tally = NULL;
	c->pid = 0;
}

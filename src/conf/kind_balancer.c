/* Kinds of a balancer's parameters: see kind.h. */
#include "conf/kind.h"

#define COUNT_OF(array) (sizeof(array) / sizeof((array)[0]))

#define FLOWS_MAX (1u << 26) /* 4 GB */

static const char *const xdp_names[] = {
	[CONF_XDP_AUTO] = "auto",
	[CONF_XDP_NATIVE] = "native",
	[CONF_XDP_GENERIC] = "generic",
};

static bool
set_xdp(struct conf_errors *e, const struct arg *args, size_t nargs,
	void *member)
{
	unsigned i;

	if (!read_choice(
		    e, args[0], "mode", xdp_names, COUNT_OF(xdp_names), &i))
		return false;
	*(enum conf_xdp *)member = (enum conf_xdp)i;
	return true;
}

static bool
write_xdp(struct buf *b, const void *member, size_t i)
{
	buf_z(b, xdp_names[*(const enum conf_xdp *)member]);
	return true;
}

const struct kind kind_xdp = {
	"auto | native | generic", "auto", 1, 1, false, set_xdp, write_xdp};

static const char *const driver_names[] = {
	[CONF_DRIVER_XDP] = "xdp",
	[CONF_DRIVER_IPVS] = "ipvs",
};

static bool
set_driver(struct conf_errors *e, const struct arg *args, size_t nargs,
	void *member)
{
	unsigned i;

	if (!read_choice(e, args[0], "driver", driver_names,
		    COUNT_OF(driver_names), &i))
		return false;
	*(enum conf_driver *)member = (enum conf_driver)i;
	return true;
}

static bool
write_driver(struct buf *b, const void *member, size_t i)
{
	buf_z(b, driver_names[*(const enum conf_driver *)member]);
	return true;
}

const struct kind kind_driver = {
	"xdp | ipvs", "xdp", 1, 1, false, set_driver, write_driver};

static const char *const scheduler_names[] = {
#define SCHEDULER(name) #name,
#include "l4/schedulers.def"
#undef SCHEDULER
};

static bool
set_scheduler(struct conf_errors *e, const struct arg *args, size_t nargs,
	void *member)
{
	return read_choice(e, args[0], "scheduler", scheduler_names,
		COUNT_OF(scheduler_names), member);
}

static bool
write_scheduler(struct buf *b, const void *member, size_t i)
{
	buf_z(b, scheduler_names[*(const unsigned *)member]);
	return true;
}

const struct kind kind_scheduler = {
	"rr | wrr | lc | wlc | sed | nq | fo | ovf | twos | sh | dh | mh | "
	"lblc | lblcr",
	"wlc", 1, 1, false, set_scheduler, write_scheduler};

static bool
set_flows(struct conf_errors *e, const struct arg *args, size_t nargs,
	void *member)
{
	return read_count(
		e, args[0], "number of connections", FLOWS_MAX, member);
}

static bool
write_flows(struct buf *b, const void *member, size_t i)
{
	buf_printf(b, "%u", *(const unsigned *)member);
	return true;
}

const struct kind kind_flows = {
	"NUMBER", "1000000", 1, 1, false, set_flows, write_flows};

static bool
set_interface(struct conf_errors *e, const struct arg *args, size_t nargs,
	void *member)
{
	return read_interface(e, args[0], member);
}

static bool
write_interface(struct buf *b, const void *member, size_t i)
{
	const char *interface = *(char *const *)member;

	if (!interface)
		return false;
	buf_z(b, interface);
	return true;
}

const struct kind kind_interface = {
	"NAME", "eth0", 1, 1, false, set_interface, write_interface};

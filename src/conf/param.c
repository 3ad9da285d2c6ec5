/* The table of parameters, and writing a configuration out by it. */
#include "conf/param.h"

const char PARAM_REQUIRED[] = "", PARAM_OPTIONAL[] = "";

const struct block blocks[BLOCKS] = {
	[BLOCK_cluster] = {"cluster", "cluster NAME {",
		"cluster edge { vip 192.0.2.10:80; node n1 10.0.0.11 }"},
	[BLOCK_balancer] = {"balancer", "balancer {",
		"balancer { interface eth0 }"},
	[BLOCK_site] = {"site", "site HOST... {",
		"site example.org { origin http://10.0.0.2:80 }"},
};

#define STRUCT_cluster struct conf
#define STRUCT_balancer struct conf
#define STRUCT_site struct conf_site
#define REQUIRED PARAM_REQUIRED
#define OPTIONAL PARAM_OPTIONAL

const struct param params[PARAMS] = {
#define PARAM(block, name, kind, member, preset, doc)                          \
	{BLOCK_##block, #name, &kind_##kind, offsetof(STRUCT_##block, member), \
		preset, doc},
#include "conf/params.def"
#undef PARAM
};

static void
write_param(struct buf *b, const struct param *p, const void *member)
{
	struct buf words = {0};

	for (size_t i = 0; p->kind->write(&words, member, i); i++) {
		buf_printf(b, "\t%-18s %.*s\n", p->name,
			STR_ARG(buf_view(&words)));
		buf_consume(&words, buf_len(&words));
		if (!p->kind->repeats)
			break;
	}
	buf_fini(&words);
}

static void
write_params(struct buf *b, enum block_id block, const void *base)
{
	for (const struct param *p = params; p < params + PARAMS; p++)
		if (p->block == block)
			write_param(b, p, (const char *)base + p->offset);
}

void
conf_dump(const struct conf *c, struct buf *out)
{
	buf_printf(out, "cluster %s {\n", c->cluster);
	write_params(out, BLOCK_cluster, c);
	buf_z(out, "}\nbalancer {\n");
	write_params(out, BLOCK_balancer, c);
	buf_z(out, "}\n");
	for (size_t i = 0; i < c->nsites; i++) {
		buf_z(out, "site");
		for (size_t j = 0; j < c->sites[i].nhosts; j++)
			buf_printf(out, " %s", c->sites[i].hosts[j]);
		buf_z(out, " {\n");
		write_params(out, BLOCK_site, &c->sites[i]);
		buf_z(out, "}\n");
	}
}

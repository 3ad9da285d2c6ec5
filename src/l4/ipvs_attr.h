#pragma once
/* Rules as the attributes of IPVS's netlink messages, and back. Pure: for
 * l4/ipvs.c. */
#include "l4/driver.h"

struct nlattr;
struct nlmsghdr;

#define IPVS_ATTRS_MAX 32

/* For mnl_attr_parse(): ctx is an array of IPVS_ATTRS_MAX pointers. */
int ipvs_keep_attr(const struct nlattr *a, void *ctx);
/* Of whatever width; 0 if there is none. */
uint64_t ipvs_number(const struct nlattr *a);

void ipvs_put_service(struct nlmsghdr *h, const struct rules_service *s);
/* What names the service alone. */
void ipvs_put_id(struct nlmsghdr *h, const struct rules_id *id);
void ipvs_put_server(struct nlmsghdr *h, const struct rules_server *s);
/* The weight that IPVS is given. */
uint32_t ipvs_weight(const struct rules_server *s);

/* False: it is not one that our rules can say. */
bool ipvs_get_service(const struct nlattr *nest, struct rules_service *out);
bool ipvs_get_server(const struct nlattr *nest, struct rules_server *out,
	struct driver_counts *counts);

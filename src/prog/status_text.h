#pragma once
/*
 * What a node or a balancer says of itself (a JSON document; its members are
 * in sevenfold(1)) as text for a person: a line about the whole, a table with a
 * row for each node, at most 100 columns wide, and what is out of order.
 */
#include "base/buf.h"

#include <jansson.h>

/* Appends the text. -EINVAL when doc is no such document. Members that it
 * lacks are shown as "-". */
int status_text(const json_t *doc, bool colour, struct buf *out);

#pragma once
/*
 * A doubly linked, circular, intrusive list. A node that is in no list is
 * linked to itself, or all zero; list_remove() is then harmless.
 */
#include <stdbool.h>
#include <stddef.h>

struct list {
	struct list *prev, *next;
};

#define container_of(ptr, type, member) \
	((type *)(void *)((char *)(ptr)-offsetof(type, member)))

#define list_foreach(it, head) \
	for (struct list *it = (head)->next; it != (head); it = it->next)

#define list_foreach_safe(it, head)                                           \
	for (struct list *it = (head)->next, *it##_ = it->next; it != (head); \
		it = it##_, it##_ = it->next)

static inline void
list_init(struct list *l)
{
	l->prev = l->next = l;
}

static inline bool
list_empty(const struct list *l)
{
	return l->next == l || !l->next;
}

static inline bool
list_linked(const struct list *l)
{
	return l->next && l->next != l;
}

static inline void
list_insert(struct list *prev, struct list *next, struct list *l)
{
	l->prev = prev;
	l->next = next;
	prev->next = l;
	next->prev = l;
}

static inline void
list_push_back(struct list *head, struct list *l)
{
	list_insert(head->prev, head, l);
}

static inline void
list_push_front(struct list *head, struct list *l)
{
	list_insert(head, head->next, l);
}

static inline void
list_remove(struct list *l)
{
	if (!l->next)
		return;
	l->prev->next = l->next;
	l->next->prev = l->prev;
	list_init(l);
}

static inline struct list *
list_pop_front(struct list *head)
{
	struct list *l = head->next;

	if (list_empty(head))
		return NULL;
	list_remove(l);
	return l;
}

/* all of from's nodes to the end of to; from is empty afterwards */
static inline void
list_splice_back(struct list *to, struct list *from)
{
	if (list_empty(from))
		return;
	from->next->prev = to->prev;
	to->prev->next = from->next;
	from->prev->next = to;
	to->prev = from->prev;
	list_init(from);
}

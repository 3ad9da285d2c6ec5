#pragma once
/*
 * Ownership in straight-line code: the cleanup attribute and its helpers.
 *
 *	own_fd int fd = open(...);		closed when the scope ends
 *	own_free char *s = xstrdup(...);	freed when the scope ends
 *	return take_fd(&fd);			... unless it is taken out
 *
 * Event-driven objects do not use these: they have an explicit x_free().
 */
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

static inline void
own_free_(void *p)
{
	free(*(void **)p);
}

static inline void
own_fd_(int *fd)
{
	if (*fd >= 0)
		close(*fd);
}

static inline void
own_file_(FILE **f)
{
	if (*f)
		fclose(*f);
}

#define own_free __attribute__((cleanup(own_free_)))
#define own_fd __attribute__((cleanup(own_fd_)))
#define own_file __attribute__((cleanup(own_file_)))

static inline int
take_fd(int *fd)
{
	int v = *fd;

	*fd = -1;
	return v;
}

#define take_ptr(pp)                             \
	({                                       \
		__typeof__(*(pp)) take_ = *(pp); \
		*(pp) = NULL;                    \
		take_;                           \
	})

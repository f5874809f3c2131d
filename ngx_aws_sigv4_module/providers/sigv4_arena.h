
/*
 * Copyright (C) ngx_aws_sigv4_module authors
 *
 * SPDX-License-Identifier: BSD-2-Clause
 */

/*
 * malloc() and its kin for libraries that read secrets: what they allocate
 * lies in a buffer of the caller, who wipes it as a whole, and cannot be
 * more than that.  Nothing is used twice, so that free() has nothing to do.
 *
 * These functions are given no context, so it is a static one: from begin()
 * to end() nothing else may run that uses them.  A worker has one thread.
 */


#ifndef _SIGV4_ARENA_H_INCLUDED_
#define _SIGV4_ARENA_H_INCLUDED_


#include "core/sigv4.h"


void sigv4_arena_begin(sigv4_buf_t *buf);
void sigv4_arena_end(void);

/* NULL: the buffer is used up, or it is not between begin() and end() */
void *sigv4_arena_malloc(size_t size);
void *sigv4_arena_realloc(void *p, size_t size);
void sigv4_arena_free(void *p);

/* whether the buffer was too small since begin() */
int sigv4_arena_full(void);


#endif /* _SIGV4_ARENA_H_INCLUDED_ */


/*
 * Copyright (C) ngx_aws_sigv4_module authors
 *
 * SPDX-License-Identifier: BSD-2-Clause
 */


#include <string.h>

#include "core/sigv4_bytes.h"
#include "providers/sigv4_arena.h"


#define SIGV4_ARENA_ALIGN         16


/* before each piece; as long as the alignment of what follows it */
typedef union {
    size_t                        size;
    uint8_t                       align[SIGV4_ARENA_ALIGN];
} sigv4_arena_t;


static sigv4_buf_t  *sigv4_arena;
static int           sigv4_arena_is_full;


void
sigv4_arena_begin(sigv4_buf_t *buf)
{
    sigv4_arena = buf;
    sigv4_arena_is_full = 0;
}


void
sigv4_arena_end(void)
{
    sigv4_arena = NULL;
}


void *
sigv4_arena_malloc(size_t size)
{
    size_t          left, pad;
    sigv4_arena_t  *a;

    if (sigv4_arena == NULL) {
        return NULL;
    }

    left = sigv4_buf_left(sigv4_arena);
    pad = -(uintptr_t) sigv4_arena->last % SIGV4_ARENA_ALIGN;

    if (left < pad + sizeof(sigv4_arena_t)
        || left - pad - sizeof(sigv4_arena_t) < size)
    {
        sigv4_arena_is_full = 1;
        return NULL;
    }

    a = (sigv4_arena_t *) (void *) (sigv4_arena->last + pad);
    a->size = size;

    sigv4_arena->last = (uint8_t *) (a + 1) + size;

    return a + 1;
}


void *
sigv4_arena_realloc(void *p, size_t size)
{
    void           *new;
    sigv4_arena_t  *a;

    if (p == NULL) {
        return sigv4_arena_malloc(size);
    }

    a = (sigv4_arena_t *) p - 1;

    if (size <= a->size) {
        return p;
    }

    new = sigv4_arena_malloc(size);

    if (new != NULL) {
        memcpy(new, p, a->size);
    }

    return new;
}


void
sigv4_arena_free(void *p)
{
    (void) p;
}


int
sigv4_arena_full(void)
{
    return sigv4_arena_is_full;
}

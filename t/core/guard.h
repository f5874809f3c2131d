
/*
 * Copyright (C) ngx_aws_sigv4_module authors
 *
 * SPDX-License-Identifier: BSD-2-Clause
 */

/*
 * Memory that ends where a page begins that cannot be touched, so that one
 * byte too many, read or written, ends the program.
 */


#ifndef _GUARD_H_INCLUDED_
#define _GUARD_H_INCLUDED_


#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "sigv4.h"


typedef struct {
    uint8_t                      *data;     /* size bytes, then the guard */
    size_t                        size;
    void                         *map;
    size_t                        map_size;
} guard_t;


static inline guard_t
guard_create(size_t size)
{
    size_t   page;
    guard_t  guard;

    page = (size_t) sysconf(_SC_PAGESIZE);

    guard.size = size;
    guard.map_size = (size / page + 2) * page;
    guard.map = mmap(NULL, guard.map_size, PROT_READ | PROT_WRITE,
                     MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

    if (guard.map == MAP_FAILED) {
        perror("mmap");
        exit(2);
    }

    guard.data = (uint8_t *) guard.map + guard.map_size - page - size;

    if (mprotect((uint8_t *) guard.map + guard.map_size - page, page,
                 PROT_NONE) != 0)
    {
        perror("mprotect");
        exit(2);
    }

    return guard;
}


static inline void
guard_destroy(guard_t guard)
{
    munmap(guard.map, guard.map_size);
}


/* a copy of a string that ends at a guard page */

static inline guard_t
guard_copy(sigv4_str_t *str)
{
    guard_t  guard;

    guard = guard_create(str->len);

    if (str->len != 0) {
        memcpy(guard.data, str->data, str->len);
    }

    str->data = guard.data;

    return guard;
}


#endif /* _GUARD_H_INCLUDED_ */

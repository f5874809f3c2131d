
/*
 * Copyright (C) ngx_aws_sigv4_module authors
 *
 * SPDX-License-Identifier: BSD-2-Clause
 */


#ifndef _FUZZ_H_INCLUDED_
#define _FUZZ_H_INCLUDED_


#include <stdint.h>
#include <stdlib.h>


/* a finding: libFuzzer keeps the input */

static inline void
fuzz_check(int condition)
{
    if (!condition) {
        abort();
    }
}


/* of the exact size, so that the sanitizer sees the byte behind it */

static inline uint8_t *
fuzz_alloc(size_t size)
{
    uint8_t  *p;

    p = malloc(size);

    fuzz_check(p != NULL || size == 0);

    return p;
}


#endif /* _FUZZ_H_INCLUDED_ */


/*
 * Copyright (C) ngx_aws_sigv4_module authors
 *
 * SPDX-License-Identifier: BSD-2-Clause
 */

/*
 * The Test Anything Protocol for the programs *_test.c, which t/core.t
 * builds and runs.
 */


#ifndef _TAP_H_INCLUDED_
#define _TAP_H_INCLUDED_


#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "sigv4.h"


static unsigned  tap_count;
static unsigned  tap_failed;


static inline sigv4_str_t
tap_str(const char *s)
{
    sigv4_str_t  str;

    str.len = strlen(s);
    str.data = (const uint8_t *) s;

    return str;
}


static inline sigv4_str_t
tap_bytes(const void *data, size_t len)
{
    sigv4_str_t  str;

    str.len = len;
    str.data = data;

    return str;
}


/* prints one string on one line, so that it cannot be taken for TAP */

static inline void
tap_print(const char *what, sigv4_str_t str)
{
    size_t  i;

    printf("#   %s (%zu) \"", what, str.len);

    for (i = 0; i < str.len; i++) {
        if (str.data[i] >= 0x20 && str.data[i] < 0x7f) {
            putchar(str.data[i]);

        } else {
            printf("\\x%02x", str.data[i]);
        }
    }

    printf("\"\n");
}


static inline int
tap_ok(int ok, const char *fmt, ...)
{
    va_list  args;

    tap_count++;
    tap_failed += !ok;

    printf("%s %u - ", ok ? "ok" : "not ok", tap_count);

    va_start(args, fmt);
    vprintf(fmt, args);
    va_end(args);

    putchar('\n');
    fflush(stdout);

    return ok;
}


static inline int
tap_is(sigv4_str_t got, sigv4_str_t expected, const char *name)
{
    int  ok;

    ok = got.len == expected.len
         && (got.len == 0 || memcmp(got.data, expected.data, got.len) == 0);

    tap_ok(ok, "%s", name);

    if (!ok) {
        tap_print("got     ", got);
        tap_print("expected", expected);
    }

    return ok;
}


static inline int
tap_is_code(int got, int expected, const char *name)
{
    int  ok;

    ok = tap_ok(got == expected, "%s", name);

    if (!ok) {
        printf("#   got code %d, expected %d\n", got, expected);
    }

    return ok;
}


static inline int
tap_done(void)
{
    printf("1..%u\n", tap_count);

    return tap_failed != 0;
}


#endif /* _TAP_H_INCLUDED_ */

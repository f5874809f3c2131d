
/*
 * Copyright (C) ngx_aws_sigv4_module authors
 *
 * SPDX-License-Identifier: BSD-2-Clause
 */

/*
 * Any bytes for a file with a key.  Either both parts of the key are there
 * and point into the text, or neither and a reason; a line behind the key
 * must make no difference.
 */


#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "providers/sigv4_csv.h"


int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check(sigv4_str_t s, const uint8_t *data, size_t size);
static int same(sigv4_str_t a, sigv4_str_t b);


int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    int           rc;
    uint8_t      *copy;
    sigv4_csv_t   csv, more;
    sigv4_str_t   text;

    text.data = data;
    text.len = size;

    rc = sigv4_csv_read(&csv, text);

    if (rc != SIGV4_OK) {

        if (rc != SIGV4_INVALID || csv.error == NULL
            || csv.access_key_id.len || csv.secret_access_key.len)
        {
            abort();
        }

        return 0;
    }

    check(csv.access_key_id, data, size);
    check(csv.secret_access_key, data, size);

    copy = malloc(size + 8);

    if (copy == NULL) {
        return 0;
    }

    memcpy(copy, data, size);
    memcpy(copy + size, "\r\na,b,c\n", 8);

    text.data = copy;
    text.len = size + 8;

    if (sigv4_csv_read(&more, text) != SIGV4_OK
        || !same(csv.access_key_id, more.access_key_id)
        || !same(csv.secret_access_key, more.secret_access_key))
    {
        abort();
    }

    free(copy);

    return 0;
}


static void
check(sigv4_str_t s, const uint8_t *data, size_t size)
{
    if (s.len == 0 || s.len > size || s.data < data
        || (size_t) (s.data - data) > size - s.len
        || s.data[0] == ' ' || s.data[s.len - 1] == ' ')
    {
        abort();
    }
}


static int
same(sigv4_str_t a, sigv4_str_t b)
{
    return a.len == b.len && memcmp(a.data, b.data, a.len) == 0;
}

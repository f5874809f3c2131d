
/*
 * Copyright (C) ngx_aws_sigv4_module authors
 *
 * SPDX-License-Identifier: BSD-2-Clause
 */

/*
 * Any bytes for a response of HTTP.  They are read as a whole and in pieces
 * whose length is the first byte, and nothing that was complete before the
 * last byte may differ.  The body lies in the buffer and is not too large.
 * As chunks alone, they are no more without their framing.
 */


#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "providers/sigv4_http.h"


#define FUZZ_BODY_MAX   512
#define FUZZ_SIZE       (SIGV4_HTTP_HEAD_MAX + FUZZ_BODY_MAX)


int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static int feed(sigv4_http_t *http, const uint8_t *data, size_t size,
    size_t step);
static void check(const sigv4_http_t *http, int rc);
static void dechunk(const uint8_t *data, size_t size);


int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    int           rc, pieces;
    uint8_t      *one, *two;
    sigv4_http_t  whole, http;

    if (size == 0) {
        return 0;
    }

    one = malloc(FUZZ_SIZE);
    two = malloc(FUZZ_SIZE);

    if (one == NULL || two == NULL) {
        abort();
    }

    sigv4_http_init(&whole, one, FUZZ_SIZE);
    sigv4_http_init(&http, two, FUZZ_SIZE);

    rc = feed(&whole, data + 1, size - 1, FUZZ_SIZE);
    pieces = feed(&http, data + 1, size - 1, 1 + data[0]);

    check(&whole, rc);
    check(&http, pieces);

    if (rc == SIGV4_OK
        && (pieces != SIGV4_OK
            || http.status != whole.status
            || http.body.len != whole.body.len
            || memcmp(http.body.data, whole.body.data, http.body.len) != 0))
    {
        abort();
    }

    free(one);
    free(two);

    dechunk(data, size);

    return 0;
}


static int
feed(sigv4_http_t *http, const uint8_t *data, size_t size, size_t step)
{
    int     rc;
    size_t  n;

    rc = SIGV4_HTTP_AGAIN;

    while (rc == SIGV4_HTTP_AGAIN && size != 0) {

        if (http->last >= http->end) {
            abort();
        }

        n = http->end - http->last;
        n = n < step ? n : step;
        n = n < size ? n : size;

        memcpy(http->last, data, n);

        rc = sigv4_http_read(http, n);

        data += n;
        size -= n;
    }

    return rc == SIGV4_HTTP_AGAIN ? sigv4_http_eof(http) : rc;
}


static void
check(const sigv4_http_t *http, int rc)
{
    sigv4_str_t  value;

    if (rc != SIGV4_OK) {

        if (rc != SIGV4_INVALID || http->error == NULL || http->body.len) {
            abort();
        }

        return;
    }

    if (http->status < 200 || http->status > 599
        || http->body.len > FUZZ_BODY_MAX
        || http->body.data < http->start
        || http->body.data + http->body.len > http->end)
    {
        abort();
    }

    value = sigv4_http_field(http, "x-ttl");

    if (value.len != 0
        && (value.data < http->start
            || value.data + value.len > http->body.data
            || value.data[0] == ' ' || value.data[value.len - 1] == ' '
            || memchr(value.data, '\n', value.len) != NULL))
    {
        abort();
    }
}


static void
dechunk(const uint8_t *data, size_t size)
{
    uint8_t  *copy;

    copy = malloc(size);

    if (copy == NULL) {
        abort();
    }

    memcpy(copy, data, size);

    if (sigv4_http_dechunk(copy, size) > size) {
        abort();
    }

    free(copy);
}

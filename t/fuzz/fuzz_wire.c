
/*
 * Copyright (C) ngx_aws_sigv4_module authors
 *
 * SPDX-License-Identifier: BSD-2-Clause
 */

/*
 * The repair of paths and queries: it stays within 3 bytes for each byte,
 * leaves nothing to repair, and does not change what a server decodes.
 */


#include <stdlib.h>
#include <string.h>

#include "sigv4.h"
#include "fuzz.h"


typedef int (*fuzz_repair_pt)(sigv4_buf_t *buf, sigv4_str_t in,
    sigv4_str_t *out);


int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void fuzz_repair(fuzz_repair_pt repair, sigv4_str_t in, int query);
static void fuzz_clean(sigv4_str_t str, int query);
static void fuzz_canonical_query(sigv4_str_t in, sigv4_str_t out);
static void fuzz_s3(sigv4_str_t in);
static sigv4_str_t fuzz_decode(sigv4_str_t in, int query);
static int fuzz_is_hex(int c);
static int fuzz_equal(sigv4_str_t one, sigv4_str_t two);


int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    sigv4_str_t  in;

    in.data = data;
    in.len = size;

    fuzz_repair(sigv4_wire_path, in, 0);
    fuzz_repair(sigv4_wire_path_s3, in, 0);
    fuzz_repair(sigv4_wire_query, in, 1);
    fuzz_s3(in);

    return 0;
}


static void
fuzz_repair(fuzz_repair_pt repair, sigv4_str_t in, int query)
{
    uint8_t      *first, *second;
    sigv4_str_t   out, again, one, two;
    sigv4_buf_t   buf;

    first = fuzz_alloc(3 * in.len);

    buf.last = first;
    buf.end = first + 3 * in.len;

    fuzz_check(repair(&buf, in, &out) == SIGV4_OK);
    fuzz_check(out.data != first || buf.last == first + out.len);
    fuzz_clean(out, query);

    second = fuzz_alloc(3 * out.len);

    buf.last = second;
    buf.end = second + 3 * out.len;

    fuzz_check(repair(&buf, out, &again) == SIGV4_OK);
    fuzz_check(fuzz_equal(out, again));

    /* an empty path alone becomes another */

    if (in.len != 0) {
        one = fuzz_decode(in, query);
        two = fuzz_decode(out, query);

        fuzz_check(fuzz_equal(one, two));

        free((void *) one.data);
        free((void *) two.data);
    }

    if (query) {
        fuzz_canonical_query(in, out);
    }

    free(second);
    free(first);
}


/* nothing that a server could refuse or read in more than one way */

static void
fuzz_clean(sigv4_str_t str, int query)
{
    size_t   i;
    uint8_t  c;

    for (i = 0; i < str.len; i++) {
        c = str.data[i];

        fuzz_check(c > 0x20 && c < 0x7f);
        fuzz_check(strchr("\"<>\\^`{|}#", c) == NULL);
        fuzz_check(c != (query ? '+' : '?'));

        if (c == '%') {
            fuzz_check(str.len - i > 2 && fuzz_is_hex(str.data[i + 1])
                       && fuzz_is_hex(str.data[i + 2]));
        }
    }
}


static void
fuzz_canonical_query(sigv4_str_t in, sigv4_str_t out)
{
    size_t       i, size;
    uint8_t     *data;
    sigv4_str_t  query[2], canonical[2];
    sigv4_buf_t  buf;

    query[0] = in;
    query[1] = out;

    for (i = 0; i < 2; i++) {
        size = 64 + query[i].len * (sizeof(sigv4_field_t) + 7);
        data = fuzz_alloc(size);

        buf.last = data;
        buf.end = data + size;

        fuzz_check(sigv4_canonical_query(query[i], &buf) == SIGV4_OK);

        canonical[i].data = data;
        canonical[i].len = buf.last - data;
    }

    fuzz_check(fuzz_equal(canonical[0], canonical[1]));

    free((void *) canonical[0].data);
    free((void *) canonical[1].data);
}


/* the path of S3 is that of the decoded key, encoded with UriEncode */

static void
fuzz_s3(sigv4_str_t in)
{
    uint8_t      *data, *expected;
    sigv4_str_t   key, out, encoded;
    sigv4_buf_t   buf;

    if (in.len == 0) {
        return;
    }

    data = fuzz_alloc(3 * in.len);

    buf.last = data;
    buf.end = data + 3 * in.len;

    fuzz_check(sigv4_wire_path_s3(&buf, in, &out) == SIGV4_OK);

    key = fuzz_decode(in, 0);
    expected = fuzz_alloc(3 * key.len);

    buf.last = expected;
    buf.end = expected + 3 * key.len;

    fuzz_check(sigv4_uri_encode(&buf, key, 1) == SIGV4_OK);

    encoded.data = expected;
    encoded.len = buf.last - expected;

    fuzz_check(fuzz_equal(out, encoded));

    free((void *) key.data);
    free(expected);
    free(data);
}


static sigv4_str_t
fuzz_decode(sigv4_str_t in, int query)
{
    char         digits[3];
    size_t       i;
    uint8_t     *p;
    sigv4_str_t  out;

    p = fuzz_alloc(in.len);
    out.data = p;
    digits[2] = '\0';

    for (i = 0; i < in.len; i++) {

        if (in.data[i] == '%' && in.len - i > 2
            && fuzz_is_hex(in.data[i + 1]) && fuzz_is_hex(in.data[i + 2]))
        {
            digits[0] = (char) in.data[i + 1];
            digits[1] = (char) in.data[i + 2];

            *p++ = (uint8_t) strtoul(digits, NULL, 16);
            i += 2;

        } else if (in.data[i] == '+' && query) {
            *p++ = ' ';

        } else {
            *p++ = in.data[i];
        }
    }

    out.len = p - out.data;

    return out;
}


static int
fuzz_is_hex(int c)
{
    return c != 0 && strchr("0123456789abcdefABCDEF", c) != NULL;
}


static int
fuzz_equal(sigv4_str_t one, sigv4_str_t two)
{
    return one.len == two.len
           && (one.len == 0 || memcmp(one.data, two.data, one.len) == 0);
}

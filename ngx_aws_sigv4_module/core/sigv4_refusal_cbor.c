
/*
 * Copyright (C) ngx_aws_sigv4_module authors
 *
 * SPDX-License-Identifier: BSD-2-Clause
 */


#include "sigv4_refusal_parts.h"


static int sigv4_cbor_text(sigv4_scan_t *scan, sigv4_str_t *s);


/*
 * The errors of smithy's RPC are a map of texts; the first value that is
 * something else ends it.
 */

void
sigv4_refusal_cbor(sigv4_scan_t *scan)
{
    size_t        i;
    uint8_t       c;
    sigv4_str_t   key, text, *value;

    c = *scan->p;

    if (c != 0xbf && (c < 0xa1 || c > 0xb7)) {
        return;
    }

    scan->p++;

    while (sigv4_cbor_text(scan, &key) && sigv4_cbor_text(scan, &text)) {

        if (sigv4_str_is(key, "__type")) {
            value = &scan->refusal->code;

        } else if (sigv4_str_is(key, "message")
                   || sigv4_str_is(key, "Message"))
        {
            value = &scan->refusal->message;

        } else {
            continue;
        }

        if (value->data != NULL) {
            continue;
        }

        sigv4_scan_begin(scan, value);

        for (i = 0; i < text.len; i++) {
            sigv4_scan_put(scan, text.data[i]);
        }

        sigv4_scan_end(scan, value);
    }
}


/* 0: there is no text of a known length that is there in full */

static int
sigv4_cbor_text(sigv4_scan_t *scan, sigv4_str_t *s)
{
    size_t   n;
    uint8_t  c;

    if (scan->p == scan->end) {
        return 0;
    }

    c = *scan->p;

    if (c < 0x60 || c > 0x79) {
        return 0;
    }

    n = (c == 0x79) ? 2 : (c == 0x78);

    if ((size_t) (scan->end - scan->p) <= n) {
        return 0;
    }

    s->len = c - 0x60;

    if (n != 0) {
        s->len = scan->p[1];
    }

    if (n == 2) {
        s->len = s->len << 8 | scan->p[2];
    }

    scan->p += n + 1;
    s->data = scan->p;

    if (s->len > (size_t) (scan->end - scan->p)) {
        return 0;
    }

    scan->p += s->len;

    return 1;
}

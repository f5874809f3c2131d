
/*
 * Copyright (C) ngx_aws_sigv4_module authors
 *
 * SPDX-License-Identifier: BSD-2-Clause
 */

/*
 * What the readers of the formats of answers share.  Not a part of the API.
 */


#ifndef _SIGV4_REFUSAL_PARTS_H_INCLUDED_
#define _SIGV4_REFUSAL_PARTS_H_INCLUDED_


#include <string.h>

#include "sigv4_refusal.h"


typedef struct {
    const uint8_t                *p;
    const uint8_t                *end;
    sigv4_buf_t                  *buf;
    sigv4_refusal_t              *refusal;
} sigv4_scan_t;


void sigv4_refusal_xml(sigv4_scan_t *scan);
void sigv4_refusal_json(sigv4_scan_t *scan);
void sigv4_refusal_cbor(sigv4_scan_t *scan);

/* in UTF-8; what cannot be written so, or is cut off, becomes "?" */
void sigv4_scan_utf8(sigv4_scan_t *scan, uint32_t c);

/* where the text is found in the string, NULL: nowhere */
const uint8_t *sigv4_find(sigv4_str_t s, const char *text);


static inline int
sigv4_str_is(sigv4_str_t s, const char *text)
{
    size_t  len;

    len = strlen(text);

    return s.len == len && memcmp(s.data, text, len) == 0;
}


/* what is written is never more than what has been read */

static inline void
sigv4_scan_put(sigv4_scan_t *scan, uint8_t c)
{
    if (scan->buf->last < scan->buf->end) {
        *scan->buf->last++ = c;
    }
}


/* a value is what has been written since its begin */

static inline void
sigv4_scan_begin(sigv4_scan_t *scan, sigv4_str_t *value)
{
    value->data = scan->buf->last;
    value->len = 0;
}


static inline void
sigv4_scan_end(sigv4_scan_t *scan, sigv4_str_t *value)
{
    value->len = scan->buf->last - value->data;
}


#endif /* _SIGV4_REFUSAL_PARTS_H_INCLUDED_ */


/*
 * Copyright (C) ngx_aws_sigv4_module authors
 *
 * SPDX-License-Identifier: BSD-2-Clause
 */

/*
 * What the files of the core share: classes of bytes, percent-encoding
 * and the sort.  Not a part of the API.
 */


#ifndef _SIGV4_BYTES_H_INCLUDED_
#define _SIGV4_BYTES_H_INCLUDED_


#include <string.h>

#include "sigv4.h"


/* A-Z a-z 0-9 "-" "." "_" "~" */
#define SIGV4_BYTE_UNRESERVED     0x01

/* may stand raw in the path or the query of a request target */
#define SIGV4_BYTE_PATH           0x02
#define SIGV4_BYTE_QUERY          0x04

/* may stand in the name of a header field, which is in lower case */
#define SIGV4_BYTE_NAME           0x08

/* may stand in an access key ID: visible, not "," */
#define SIGV4_BYTE_KEY_ID         0x10

/* may stand in a region or a service: the same, and not "/" */
#define SIGV4_BYTE_SCOPE          0x20


#define sigv4_byte_is(c, class)   (sigv4_bytes[(c)] & (class))

#define sigv4_buf_left(buf)       ((size_t) ((buf)->end - (buf)->last))


typedef int (*sigv4_field_cmp_pt)(const sigv4_field_t *one,
    const sigv4_field_t *two);


extern const uint8_t  sigv4_bytes[256];


/* the value of the escape at p, or -1 if "%" and two digits are not there */
int sigv4_unescape(const uint8_t *p, const uint8_t *end);

/* whether UriEncode would write the escape at p just as it stands there */
int sigv4_is_canonical_escape(const uint8_t *p, const uint8_t *end);

/*
 * Decodes once and encodes again with UriEncode.  In a path "/" is kept and
 * "+" is a plus; elsewhere "+" is a space.
 */
int sigv4_reencode(sigv4_buf_t *buf, sigv4_str_t in, int path);

/* whether all bytes belong to the class */
int sigv4_all_bytes(sigv4_str_t in, unsigned class);

/* whether there is a space or a control character except DEL */
int sigv4_has_blank(sigv4_str_t in);

/* bytewise; a proper prefix is less */
int sigv4_cmp_str(sigv4_str_t one, sigv4_str_t two);

/* O(n log n) for any input; stable only if cmp leaves no two equal */
void sigv4_sort(sigv4_field_t *fields, size_t n, sigv4_field_cmp_pt cmp);

/* at least as many as the query has */
size_t sigv4_count_parameters(sigv4_str_t query);


/* inline, so that a constant becomes a few moves */

static inline int
sigv4_append(sigv4_buf_t *buf, const void *data, size_t len)
{
    if (sigv4_buf_left(buf) < len) {
        return SIGV4_NOSPACE;
    }

    if (len != 0) {
        memcpy(buf->last, data, len);
        buf->last += len;
    }

    return SIGV4_OK;
}


#endif /* _SIGV4_BYTES_H_INCLUDED_ */

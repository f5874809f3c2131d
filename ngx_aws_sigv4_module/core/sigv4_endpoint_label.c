
/*
 * Copyright (C) ngx_aws_sigv4_module authors
 *
 * SPDX-License-Identifier: BSD-2-Clause
 */

/*
 * Host names and their labels.  The functions that take names apart trust
 * sigv4_endpoint_clean(): it is the one that looks at every byte, and after
 * it no label is empty or longer than SIGV4_ENDPOINT_LABEL_LEN.
 */


#include <string.h>

#include "sigv4.h"
#include "sigv4_endpoint_parts.h"


#define SIGV4_ENDPOINT_HOST_LEN   253   /* of RFC 1035, without the last dot */


int
sigv4_endpoint_clean(sigv4_str_t *host)
{
    size_t  i, len;

    /* a-z, 0-9, "-" and ".", and "_" as old buckets have it */

    static const uint32_t  usual[] = {
        0x00000000, /* 0000 0000 0000 0000  0000 0000 0000 0000 */

                    /* ?>=< ;:98 7654 3210  /.-, +*)( '&%$ #"!  */
        0x03ff6000, /* 0000 0011 1111 1111  0110 0000 0000 0000 */

                    /* _^]\ [ZYX WVUT SRQP  ONML KJIH GFED CBA@ */
        0x80000000, /* 1000 0000 0000 0000  0000 0000 0000 0000 */

                    /*  ~}| {zyx wvut srqp  onml kjih gfed cba` */
        0x07fffffe, /* 0000 0111 1111 1111  1111 1111 1111 1110 */

        0x00000000, 0x00000000, 0x00000000, 0x00000000
    };

    len = host->len;

    while (len > 0 && host->data[len - 1] >= '0' && host->data[len - 1] <= '9')
    {
        len--;
    }

    if (len > 0 && len < host->len && host->data[len - 1] == ':') {
        host->len = len - 1;
    }

    if (host->len > 0 && host->data[host->len - 1] == '.') {
        host->len--;
    }

    if (host->len == 0 || host->len > SIGV4_ENDPOINT_HOST_LEN) {
        return SIGV4_INVALID;
    }

    len = 0;

    for (i = 0; i < host->len; i++) {

        if (host->data[i] == '.') {

            if (len == 0) {
                return SIGV4_INVALID;
            }

            len = 0;
            continue;
        }

        if (!(usual[host->data[i] >> 5] & (1U << (host->data[i] & 0x1f)))
            || ++len > SIGV4_ENDPOINT_LABEL_LEN)
        {
            return SIGV4_INVALID;
        }
    }

    return len ? SIGV4_OK : SIGV4_INVALID;
}


sigv4_str_t
sigv4_endpoint_pop(sigv4_str_t *labels)
{
    size_t       n;
    sigv4_str_t  label;

    n = labels->len;

    while (n > 0 && labels->data[n - 1] != '.') {
        n--;
    }

    label.len = labels->len - n;
    label.data = labels->data + n;

    labels->len = n ? n - 1 : 0;

    return label;
}


sigv4_str_t
sigv4_endpoint_plain(sigv4_str_t label)
{
    if (sigv4_endpoint_is(label, "fips")
        || sigv4_endpoint_is(label, "dualstack"))
    {
        label.len = 0;
        return label;
    }

    if (sigv4_endpoint_begins(label, "fips-")) {
        label.data += sizeof("fips-") - 1;
        label.len -= sizeof("fips-") - 1;
    }

    if (label.len >= sizeof("-fips") - 1
        && memcmp(label.data + label.len - (sizeof("-fips") - 1), "-fips",
                  sizeof("-fips") - 1)
           == 0)
    {
        label.len -= sizeof("-fips") - 1;
    }

    if (label.len > sizeof("s3express-") - 1 + sizeof("-az0") - 1
        && sigv4_endpoint_begins(label, "s3express-")
        && memcmp(label.data + label.len - (sizeof("-az0") - 1), "-az",
                  sizeof("-az") - 1)
           == 0)
    {
        label.len = sizeof("s3express") - 1;
    }

    return label;
}


int
sigv4_endpoint_is_single(sigv4_str_t labels)
{
    return labels.len && memchr(labels.data, '.', labels.len) == NULL;
}

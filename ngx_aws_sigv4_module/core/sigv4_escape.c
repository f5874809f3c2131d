
/*
 * Copyright (C) ngx_aws_sigv4_module authors
 *
 * SPDX-License-Identifier: BSD-2-Clause
 */


#include <stdint.h>
#include <string.h>

#include "sigv4_bytes.h"
#include "sigv4_escape.h"


static size_t sigv4_utf8_len(const uint8_t *p, const uint8_t *end);
static int sigv4_escape_byte(sigv4_escape_e form, uint8_t c,
    sigv4_buf_t *buf);
static const char *sigv4_escape_word(sigv4_escape_e form, uint8_t c);


int
sigv4_escape(sigv4_escape_e form, sigv4_str_t in, sigv4_buf_t *buf)
{
    int             rc;
    size_t          n;
    sigv4_buf_t     b;
    const uint8_t  *p, *end;

    /* nothing may be added to NULL, not even 0 */

    if (in.len == 0) {
        return SIGV4_OK;
    }

    b = *buf;
    p = in.data;
    end = p + in.len;

    while (p < end) {

        if (*p < 0x80) {
            rc = sigv4_escape_byte(form, *p, &b);
            n = 1;

        } else {
            n = sigv4_utf8_len(p, end);

            if (n != 0) {
                rc = sigv4_append(&b, p, n);

            } else {
                rc = sigv4_append(&b, "\xef\xbf\xbd", 3);
                n = 1;
            }
        }

        if (rc != SIGV4_OK) {
            return rc;
        }

        p += n;
    }

    *buf = b;

    return SIGV4_OK;
}


/*
 * The length of the sequence of RFC 3629 at p, of two bytes and more; 0 if
 * there is none: no overlong form, no surrogate, nothing above U+10FFFF.
 */

static size_t
sigv4_utf8_len(const uint8_t *p, const uint8_t *end)
{
    size_t   i, n;
    uint8_t  low, high;

    low = 0x80;
    high = 0xbf;

    if (*p >= 0xc2 && *p <= 0xdf) {
        n = 2;

    } else if (*p >= 0xe0 && *p <= 0xef) {
        n = 3;
        low = (*p == 0xe0) ? 0xa0 : low;
        high = (*p == 0xed) ? 0x9f : high;

    } else if (*p >= 0xf0 && *p <= 0xf4) {
        n = 4;
        low = (*p == 0xf0) ? 0x90 : low;
        high = (*p == 0xf4) ? 0x8f : high;

    } else {
        return 0;
    }

    if ((size_t) (end - p) < n || p[1] < low || p[1] > high) {
        return 0;
    }

    for (i = 2; i < n; i++) {
        if ((p[i] & 0xc0) != 0x80) {
            return 0;
        }
    }

    return n;
}


static int
sigv4_escape_byte(sigv4_escape_e form, uint8_t c, sigv4_buf_t *buf)
{
    uint8_t      unicode[6];
    const char  *word;

    static const char  hex[] = "0123456789abcdef";

    word = sigv4_escape_word(form, c);

    if (word != NULL) {
        return sigv4_append(buf, word, strlen(word));
    }

    if (c >= 0x20 && c != 0x7f) {
        return sigv4_append(buf, &c, 1);
    }

    switch (form) {

    case SIGV4_ESCAPE_JSON:
        memcpy(unicode, "\\u00", 4);
        unicode[4] = (uint8_t) hex[c >> 4];
        unicode[5] = (uint8_t) hex[c & 0x0f];

        return sigv4_append(buf, unicode, 6);

    case SIGV4_ESCAPE_LINE:
    case SIGV4_ESCAPE_HTML:
        return sigv4_append(buf, "?", 1);

    default:
        return sigv4_append(buf, &c, 1);
    }
}


/* what is written instead of a character; NULL: it is no special one */

static const char *
sigv4_escape_word(sigv4_escape_e form, uint8_t c)
{
    if (form == SIGV4_ESCAPE_LABEL || form == SIGV4_ESCAPE_JSON) {

        switch (c) {

        case '"':
            return "\\\"";

        case '\\':
            return "\\\\";

        case '\n':
            return "\\n";

        default:
            return NULL;
        }
    }

    if (form == SIGV4_ESCAPE_HTML) {

        switch (c) {

        case '&':
            return "&amp;";

        case '<':
            return "&lt;";

        case '>':
            return "&gt;";

        case '"':
            return "&quot;";

        case '\'':
            return "&#39;";

        default:
            return NULL;
        }
    }

    return NULL;
}

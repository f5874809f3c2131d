
/*
 * Copyright (C) ngx_aws_sigv4_module authors
 *
 * SPDX-License-Identifier: BSD-2-Clause
 */


#include "sigv4_bytes.h"


static int sigv4_hex_digit(uint8_t c);
static uint8_t *sigv4_escape(uint8_t *p, uint8_t c);
static int sigv4_repair(sigv4_buf_t *buf, sigv4_str_t in, unsigned class,
    sigv4_str_t *out);


/*
 * SIGV4_BYTE_* of each byte.  May not stand raw in a request target:
 * controls, space, 0x7f and above, and " # % < > [ \ ] ^ ` { | }; further
 * "?" in a path and "+" in a query.
 */

const uint8_t  sigv4_bytes[256] = {
    0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00,
    0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00,
    0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00,
    0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00,
    0x00, 0x3e, 0x30, 0x38, 0x3e, 0x38, 0x3e, 0x3e,
    0x36, 0x36, 0x3e, 0x3a, 0x06, 0x3f, 0x3f, 0x16,
    0x3f, 0x3f, 0x3f, 0x3f, 0x3f, 0x3f, 0x3f, 0x3f,
    0x3f, 0x3f, 0x36, 0x36, 0x30, 0x36, 0x30, 0x34,
    0x36, 0x37, 0x37, 0x37, 0x37, 0x37, 0x37, 0x37,
    0x37, 0x37, 0x37, 0x37, 0x37, 0x37, 0x37, 0x37,
    0x37, 0x37, 0x37, 0x37, 0x37, 0x37, 0x37, 0x37,
    0x37, 0x37, 0x37, 0x30, 0x30, 0x30, 0x38, 0x3f,
    0x38, 0x3f, 0x3f, 0x3f, 0x3f, 0x3f, 0x3f, 0x3f,
    0x3f, 0x3f, 0x3f, 0x3f, 0x3f, 0x3f, 0x3f, 0x3f,
    0x3f, 0x3f, 0x3f, 0x3f, 0x3f, 0x3f, 0x3f, 0x3f,
    0x3f, 0x3f, 0x3f, 0x30, 0x38, 0x30, 0x3f, 0x00,
};


static const uint8_t  sigv4_hex_upper[] = "0123456789ABCDEF";


int
sigv4_is_unreserved(uint8_t c)
{
    return sigv4_byte_is(c, SIGV4_BYTE_UNRESERVED) != 0;
}


int
sigv4_uri_encode(sigv4_buf_t *buf, sigv4_str_t in, int keep_slash)
{
    uint8_t        *p;
    const uint8_t  *s, *end;

    if (sigv4_buf_left(buf) / 3 < in.len) {
        return SIGV4_NOSPACE;
    }

    p = buf->last;
    end = in.data + in.len;

    for (s = in.data; s < end; s++) {

        if (sigv4_byte_is(*s, SIGV4_BYTE_UNRESERVED)
            || (*s == '/' && keep_slash))
        {
            *p++ = *s;

        } else {
            p = sigv4_escape(p, *s);
        }
    }

    buf->last = p;

    return SIGV4_OK;
}


int
sigv4_reencode(sigv4_buf_t *buf, sigv4_str_t in, int path)
{
    int             c;
    uint8_t        *p;
    const uint8_t  *s, *end;

    if (sigv4_buf_left(buf) / 3 < in.len) {
        return SIGV4_NOSPACE;
    }

    p = buf->last;
    s = in.data;
    end = in.data + in.len;

    while (s < end) {
        c = sigv4_unescape(s, end);

        if (c >= 0) {
            s += 3;

        } else {
            c = *s++;

            if (c == '+' && !path) {
                c = ' ';
            }
        }

        if (sigv4_byte_is(c, SIGV4_BYTE_UNRESERVED) || (c == '/' && path)) {
            *p++ = (uint8_t) c;

        } else {
            p = sigv4_escape(p, (uint8_t) c);
        }
    }

    buf->last = p;

    return SIGV4_OK;
}


int
sigv4_wire_path(sigv4_buf_t *buf, sigv4_str_t in, sigv4_str_t *out)
{
    if (in.len == 0) {
        out->len = 1;
        out->data = (const uint8_t *) "/";

        return SIGV4_OK;
    }

    return sigv4_repair(buf, in, SIGV4_BYTE_PATH, out);
}


int
sigv4_wire_path_s3(sigv4_buf_t *buf, sigv4_str_t in, sigv4_str_t *out)
{
    int             rc;
    uint8_t        *start;
    const uint8_t  *s, *end;

    if (in.len == 0) {
        return sigv4_wire_path(buf, in, out);
    }

    s = in.data;
    end = in.data + in.len;

    while (s < end) {

        if (sigv4_byte_is(*s, SIGV4_BYTE_UNRESERVED) || *s == '/') {
            s++;
            continue;
        }

        /* "%2F" and "/" are the same byte of a key */

        if (!sigv4_is_canonical_escape(s, end)
            || sigv4_unescape(s, end) == '/')
        {
            break;
        }

        s += 3;
    }

    if (s == end) {
        *out = in;
        return SIGV4_OK;
    }

    start = buf->last;

    rc = sigv4_reencode(buf, in, 1);

    if (rc == SIGV4_OK) {
        out->data = start;
        out->len = buf->last - start;
    }

    return rc;
}


int
sigv4_wire_query(sigv4_buf_t *buf, sigv4_str_t in, sigv4_str_t *out)
{
    return sigv4_repair(buf, in, SIGV4_BYTE_QUERY, out);
}


static int
sigv4_repair(sigv4_buf_t *buf, sigv4_str_t in, unsigned class,
    sigv4_str_t *out)
{
    uint8_t        *p;
    const uint8_t  *s, *end;

    s = in.data;
    end = in.data + in.len;

    while (s < end
           && (sigv4_byte_is(*s, class) || sigv4_unescape(s, end) >= 0))
    {
        s++;
    }

    if (s == end) {
        *out = in;
        return SIGV4_OK;
    }

    if (sigv4_buf_left(buf) / 3 < in.len) {
        return SIGV4_NOSPACE;
    }

    memcpy(buf->last, in.data, s - in.data);
    p = buf->last + (s - in.data);

    for ( /* void */ ; s < end; s++) {

        if (sigv4_byte_is(*s, class) || sigv4_unescape(s, end) >= 0) {
            *p++ = *s;

        } else {

            /* "+" gets here from a query alone, where it is a space */

            p = sigv4_escape(p, *s == '+' ? ' ' : *s);
        }
    }

    out->data = buf->last;
    out->len = p - buf->last;

    buf->last = p;

    return SIGV4_OK;
}


int
sigv4_unescape(const uint8_t *p, const uint8_t *end)
{
    int  high, low;

    if (*p != '%' || end - p < 3) {
        return -1;
    }

    high = sigv4_hex_digit(p[1]);
    low = sigv4_hex_digit(p[2]);

    if (high < 0 || low < 0) {
        return -1;
    }

    return high << 4 | low;
}


int
sigv4_is_canonical_escape(const uint8_t *p, const uint8_t *end)
{
    int  c;

    c = sigv4_unescape(p, end);

    return c >= 0
           && !sigv4_byte_is(c, SIGV4_BYTE_UNRESERVED)
           && p[1] == sigv4_hex_upper[c >> 4]
           && p[2] == sigv4_hex_upper[c & 0xf];
}


static int
sigv4_hex_digit(uint8_t c)
{
    if (c >= '0' && c <= '9') {
        return c - '0';
    }

    c |= 0x20;

    if (c >= 'a' && c <= 'f') {
        return c - 'a' + 10;
    }

    return -1;
}


static uint8_t *
sigv4_escape(uint8_t *p, uint8_t c)
{
    *p++ = '%';
    *p++ = sigv4_hex_upper[c >> 4];
    *p++ = sigv4_hex_upper[c & 0xf];

    return p;
}


int
sigv4_all_bytes(sigv4_str_t in, unsigned class)
{
    unsigned        seen;
    const uint8_t  *p, *end;

    seen = class;
    p = in.data;
    end = in.data + in.len;

    /* nearly always all of them do, so a branch for each would not pay */

    while (end - p >= 4) {
        seen &= sigv4_bytes[p[0]] & sigv4_bytes[p[1]]
                & sigv4_bytes[p[2]] & sigv4_bytes[p[3]];
        p += 4;
    }

    while (p < end) {
        seen &= sigv4_bytes[*p++];
    }

    return seen != 0;
}


int
sigv4_has_blank(sigv4_str_t in)
{
    uint64_t        word, ones;
    const uint8_t  *p, *end;

    p = in.data;
    end = in.data + in.len;
    ones = UINT64_C(0x0101010101010101);

    /*
     * Eight bytes at once: subtracting 0x21 from each sets the high bit of
     * those below it, and of those that have it set, which are masked out.
     * A borrow can come only from a byte that is itself below 0x21.
     */

    while (end - p >= 8) {
        memcpy(&word, p, 8);

        if ((word - ones * 0x21) & ~word & (ones * 0x80)) {
            return 1;
        }

        p += 8;
    }

    while (p < end) {
        if (*p++ <= ' ') {
            return 1;
        }
    }

    return 0;
}


/*
 * Copyright (C) ngx_aws_sigv4_module authors
 *
 * SPDX-License-Identifier: BSD-2-Clause
 */


#include "sigv4_bytes.h"


#define SIGV4_ALIGNMENT           sizeof(void *)


static sigv4_field_t *sigv4_parameters(sigv4_buf_t *buf, size_t n);
static int sigv4_parse_query(sigv4_str_t query, sigv4_field_t *params,
    size_t *n, sigv4_buf_t *buf);
static int sigv4_parse_component(const uint8_t **pp, const uint8_t *end,
    uint8_t stop, sigv4_buf_t *buf, sigv4_str_t *out);
static int sigv4_write_query(const sigv4_field_t *params, size_t n,
    sigv4_buf_t *buf);
static int sigv4_cmp_parameters(const sigv4_field_t *one,
    const sigv4_field_t *two);


int
sigv4_canonical_query(sigv4_str_t query, sigv4_buf_t *buf)
{
    int             rc;
    size_t          n, len;
    sigv4_buf_t     b;
    sigv4_field_t  *params;
    const uint8_t  *start;

    if (query.len == 0) {
        return SIGV4_OK;
    }

    /* the index is at the end of the buffer and is left behind */

    n = sigv4_count_parameters(query);
    params = sigv4_parameters(buf, n);

    if (params == NULL) {
        return SIGV4_NOSPACE;
    }

    b.last = buf->last;
    b.end = (uint8_t *) params;

    rc = sigv4_parse_query(query, params, &n, &b);

    if (rc != SIGV4_OK) {
        return rc;
    }

    sigv4_sort(params, n, sigv4_cmp_parameters);

    /* components that had to be encoded come first, then the result */

    start = b.last;

    rc = sigv4_write_query(params, n, &b);

    if (rc != SIGV4_OK) {
        return rc;
    }

    len = b.last - start;

    if (start != buf->last) {
        memmove(buf->last, start, len);
    }

    buf->last += len;

    return SIGV4_OK;
}


size_t
sigv4_count_parameters(sigv4_str_t query)
{
    size_t          n;
    uint64_t        word, ones, low;
    const uint8_t  *p, *end;

    if (query.len == 0) {
        return 0;
    }

    n = 1;
    p = query.data;
    end = query.data + query.len;
    ones = UINT64_C(0x0101010101010101);
    low = ones * 0x7f;

    /*
     * Eight bytes at once: those that are "&" become zero, the only bytes
     * whose high bit stays clear when 0x7f is added to the lower seven; the
     * product adds up the bytes of the word in its highest byte.
     */

    while (end - p >= 8) {
        memcpy(&word, p, 8);

        word ^= ones * '&';
        word = ~(((word & low) + low) | word | low);

        n += (word >> 7) * ones >> 56;
        p += 8;
    }

    while (p < end) {
        n += (*p++ == '&');
    }

    return n;
}


static sigv4_field_t *
sigv4_parameters(sigv4_buf_t *buf, size_t n)
{
    size_t  left, pad;

    left = sigv4_buf_left(buf);
    pad = (uintptr_t) buf->end % SIGV4_ALIGNMENT;

    if (left < pad || (left - pad) / sizeof(sigv4_field_t) < n) {
        return NULL;
    }

    return (sigv4_field_t *) (void *) (buf->end - pad) - n;
}


static int
sigv4_parse_query(sigv4_str_t query, sigv4_field_t *params, size_t *n,
    sigv4_buf_t *buf)
{
    int             rc;
    const uint8_t  *p, *end;
    sigv4_field_t  *param;

    p = query.data;
    end = query.data + query.len;
    param = params;

    while (p < end) {

        if (*p == '&') {
            p++;
            continue;
        }

        rc = sigv4_parse_component(&p, end, '=', buf, &param->name);

        if (rc != SIGV4_OK) {
            return rc;
        }

        param->value.len = 0;
        param->value.data = p;

        if (p < end && *p == '=') {
            p++;

            rc = sigv4_parse_component(&p, end, '&', buf, &param->value);

            if (rc != SIGV4_OK) {
                return rc;
            }
        }

        param++;
    }

    *n = param - params;

    return SIGV4_OK;
}


/*
 * A name or a value, up to "&" or stop.  It is used where it stands if it
 * is encoded canonically already, else put into the buffer.
 */

static int
sigv4_parse_component(const uint8_t **pp, const uint8_t *end, uint8_t stop,
    sigv4_buf_t *buf, sigv4_str_t *out)
{
    int             canonical, rc;
    uint8_t        *start;
    const uint8_t  *p;

    canonical = 1;

    for (p = *pp; p < end; p++) {

        if (sigv4_byte_is(*p, SIGV4_BYTE_UNRESERVED)) {
            continue;
        }

        if (*p == '&' || *p == stop) {
            break;
        }

        if (sigv4_is_canonical_escape(p, end)) {
            p += 2;

        } else {
            canonical = 0;
        }
    }

    out->data = *pp;
    out->len = p - *pp;

    *pp = p;

    if (canonical) {
        return SIGV4_OK;
    }

    start = buf->last;

    rc = sigv4_reencode(buf, *out, 0);

    if (rc == SIGV4_OK) {
        out->data = start;
        out->len = buf->last - start;
    }

    return rc;
}


static int
sigv4_write_query(const sigv4_field_t *params, size_t n, sigv4_buf_t *buf)
{
    size_t                len, left;
    uint8_t              *p;
    const sigv4_field_t  *param;

    p = buf->last;

    for (param = params; param < params + n; param++) {

        left = buf->end - p;

        if (left < param->name.len + param->value.len + sizeof("&=") - 1) {
            return SIGV4_NOSPACE;
        }

        if (param != params) {
            *p++ = '&';
        }

        len = param->name.len + 1 + param->value.len;

        if (param->value.data == param->name.data + param->name.len + 1
            && param->name.data[param->name.len] == '=')
        {

            /* both as they stand in the query, with "=" between them */

            memcpy(p, param->name.data, len);

        } else {
            memcpy(p, param->name.data, param->name.len);
            p[param->name.len] = '=';
            memcpy(p + param->name.len + 1, param->value.data,
                   param->value.len);
        }

        p += len;
    }

    buf->last = p;

    return SIGV4_OK;
}


/* the name and the value apart, since "=" is above "-", "." and digits */

static int
sigv4_cmp_parameters(const sigv4_field_t *one, const sigv4_field_t *two)
{
    int  rc;

    rc = sigv4_cmp_str(one->name, two->name);

    return (rc != 0) ? rc : sigv4_cmp_str(one->value, two->value);
}

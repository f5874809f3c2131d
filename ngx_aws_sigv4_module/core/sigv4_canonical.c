
/*
 * Copyright (C) ngx_aws_sigv4_module authors
 *
 * SPDX-License-Identifier: BSD-2-Clause
 */


#include "sigv4_bytes.h"


/* SP HT LF VT FF CR */
#define sigv4_is_space(c)         ((c) == ' ' || ((c) >= '\t' && (c) <= '\r'))


static int sigv4_add(size_t *total, size_t factor, size_t n);
static int sigv4_is_normal_path(sigv4_str_t path);
static int sigv4_normalize_path(const sigv4_request_t *req,
    sigv4_buf_t *buf);
static int sigv4_path_segment(const sigv4_request_t *req,
    sigv4_str_t segment, sigv4_buf_t *buf, const uint8_t *start);
static int sigv4_path_bytes(const sigv4_request_t *req, sigv4_str_t path,
    sigv4_buf_t *buf);
static uint8_t *sigv4_copy_value(uint8_t *p, sigv4_str_t value);


size_t
sigv4_scratch_size(const sigv4_request_t *req,
    const sigv4_credentials_t *cred, const sigv4_scope_t *scope)
{
    int     rc;
    size_t  i, n, total;

    total = 0;
    n = sigv4_count_parameters(req->query);

    /* line ends and the constant parts of all stages come to less */
    rc = sigv4_add(&total, 1, 512);

    rc |= sigv4_add(&total, 1, req->method.len);
    rc |= sigv4_add(&total, 3, req->path.len);
    rc |= sigv4_add(&total, 1, req->payload_hash.len);

    /* parameters encoded, then copied in order, "=" added; their index */
    rc |= sigv4_add(&total, 6, req->query.len);
    rc |= sigv4_add(&total, sizeof(sigv4_field_t) + 1, n);

    /* names stand in the headers, the signed headers and the result */

    for (i = 0; i < req->nfields; i++) {
        rc |= sigv4_add(&total, 3, req->fields[i].name.len);
        rc |= sigv4_add(&total, 1, req->fields[i].value.len);
        rc |= sigv4_add(&total, 1, sizeof(":\n;;") - 1);
    }

    /* the scope is in the string to sign and in the result */
    rc |= sigv4_add(&total, 2, scope->region.len);
    rc |= sigv4_add(&total, 2, scope->service.len);
    rc |= sigv4_add(&total, 1, cred->access_key_id.len);

    return rc == SIGV4_OK ? total : 0;
}


static int
sigv4_add(size_t *total, size_t factor, size_t n)
{
    if (n > (SIZE_MAX - *total) / factor) {
        return SIGV4_INVALID;
    }

    *total += factor * n;

    return SIGV4_OK;
}


int
sigv4_canonical_request(const sigv4_request_t *req, sigv4_buf_t *buf,
    sigv4_str_t *canonical_request, sigv4_str_t *signed_headers)
{
    int          rc;
    sigv4_buf_t  b;

    if (req->method.len == 0 || sigv4_has_blank(req->method)
        || req->payload_hash.len == 0 || sigv4_has_blank(req->payload_hash))
    {
        return SIGV4_INVALID;
    }

    b = *buf;

    if ((rc = sigv4_append(&b, req->method.data, req->method.len)) != SIGV4_OK
        || (rc = sigv4_append(&b, "\n", 1)) != SIGV4_OK
        || (rc = sigv4_canonical_uri(req, &b)) != SIGV4_OK
        || (rc = sigv4_append(&b, "\n", 1)) != SIGV4_OK
        || (rc = sigv4_canonical_query(req->query, &b)) != SIGV4_OK
        || (rc = sigv4_append(&b, "\n", 1)) != SIGV4_OK
        || (rc = sigv4_canonical_headers(req, &b)) != SIGV4_OK
        || (rc = sigv4_append(&b, "\n", 1)) != SIGV4_OK)
    {
        return rc;
    }

    signed_headers->data = b.last;

    rc = sigv4_signed_headers(req, &b);

    if (rc != SIGV4_OK) {
        return rc;
    }

    signed_headers->len = b.last - signed_headers->data;

    if ((rc = sigv4_append(&b, "\n", 1)) != SIGV4_OK
        || (rc = sigv4_append(&b, req->payload_hash.data,
                              req->payload_hash.len)) != SIGV4_OK)
    {
        return rc;
    }

    canonical_request->data = buf->last;
    canonical_request->len = b.last - buf->last;

    *buf = b;

    return SIGV4_OK;
}


int
sigv4_canonical_uri(const sigv4_request_t *req, sigv4_buf_t *buf)
{
    if (req->path.len == 0) {
        return sigv4_append(buf, "/", 1);
    }

    if (req->normalize_path && !sigv4_is_normal_path(req->path)) {
        return sigv4_normalize_path(req, buf);
    }

    return sigv4_path_bytes(req, req->path, buf);
}


/* tells most paths from those in which a segment is empty, "." or ".." */

static int
sigv4_is_normal_path(sigv4_str_t path)
{
    size_t   i;
    uint8_t  previous;

    if (path.data[0] != '/') {
        return 0;
    }

    previous = '/';

    for (i = 1; i < path.len; i++) {
        if (previous == '/' && (path.data[i] == '/' || path.data[i] == '.')) {
            return 0;
        }

        previous = path.data[i];
    }

    return 1;
}


static int
sigv4_normalize_path(const sigv4_request_t *req, sigv4_buf_t *buf)
{
    int             rc;
    sigv4_buf_t     b;
    sigv4_str_t     segment;
    const uint8_t  *p, *end;

    b = *buf;
    p = req->path.data;
    end = p + req->path.len;

    while (p < end) {
        segment.data = p;

        while (p < end && *p != '/') {
            p++;
        }

        segment.len = p - segment.data;

        rc = sigv4_path_segment(req, segment, &b, buf->last);

        if (rc != SIGV4_OK) {
            return rc;
        }

        if (p < end) {
            p++;
        }
    }

    /* a slash at the end is kept, but "/." does not become "/" */

    if (b.last == buf->last || end[-1] == '/') {
        rc = sigv4_append(&b, "/", 1);

        if (rc != SIGV4_OK) {
            return rc;
        }
    }

    *buf = b;

    return SIGV4_OK;
}


/* ".." takes the last segment off again; start is where the root is */

static int
sigv4_path_segment(const sigv4_request_t *req, sigv4_str_t segment,
    sigv4_buf_t *buf, const uint8_t *start)
{
    int  rc;

    if (segment.len == 0
        || (segment.len == 1 && segment.data[0] == '.'))
    {
        return SIGV4_OK;
    }

    if (segment.len == 2 && segment.data[0] == '.' && segment.data[1] == '.') {

        while (buf->last > start) {
            if (*--buf->last == '/') {
                break;
            }
        }

        return SIGV4_OK;
    }

    rc = sigv4_append(buf, "/", 1);

    return rc == SIGV4_OK ? sigv4_path_bytes(req, segment, buf) : rc;
}


static int
sigv4_path_bytes(const sigv4_request_t *req, sigv4_str_t path,
    sigv4_buf_t *buf)
{
    if (req->double_encode) {
        return sigv4_uri_encode(buf, path, 1);
    }

    /* copied, so a line end would make a line of the canonical request */

    if (sigv4_has_blank(path)) {
        return SIGV4_INVALID;
    }

    return sigv4_append(buf, path.data, path.len);
}


int
sigv4_canonical_headers(const sigv4_request_t *req, sigv4_buf_t *buf)
{
    int                   order;
    size_t                i, left;
    uint8_t              *p;
    const sigv4_field_t  *field;

    p = buf->last;

    for (i = 0; i < req->nfields; i++) {
        field = &req->fields[i];

        /* each length alone first: their sum might wrap */

        left = buf->end - p;

        if (left < field->name.len || left - field->name.len < 2
            || left - field->name.len - 2 < field->value.len)
        {
            return SIGV4_NOSPACE;
        }

        order = (i == 0) ? 1 : sigv4_cmp_str(field->name, field[-1].name);

        if (order == 0) {

            /* repeated fields are one line, in the order received */

            p[-1] = ',';

        } else {
            if (order < 0 || field->name.len == 0
                || !sigv4_all_bytes(field->name, SIGV4_BYTE_NAME))
            {
                return SIGV4_INVALID;
            }

            memcpy(p, field->name.data, field->name.len);
            p += field->name.len;

            *p++ = ':';
        }

        p = sigv4_copy_value(p, field->value);

        if (p == NULL) {
            return SIGV4_INVALID;
        }

        *p++ = '\n';
    }

    buf->last = p;

    return SIGV4_OK;
}


/* trims and makes each run of white space, in quotes too, one space */

static uint8_t *
sigv4_copy_value(uint8_t *p, sigv4_str_t value)
{
    uint8_t        *start;
    const uint8_t  *s, *end;

    if (!sigv4_has_blank(value)) {
        if (value.len != 0) {
            memcpy(p, value.data, value.len);
        }

        return p + value.len;
    }

    start = p;
    s = value.data;
    end = value.data + value.len;

    while (s < end) {

        if (*s == '\0') {
            return NULL;
        }

        if (!sigv4_is_space(*s)) {
            *p++ = *s++;
            continue;
        }

        while (s < end && sigv4_is_space(*s)) {
            s++;
        }

        if (p != start && s < end) {
            *p++ = ' ';
        }
    }

    return p;
}


int
sigv4_signed_headers(const sigv4_request_t *req, sigv4_buf_t *buf)
{
    size_t                i, left;
    uint8_t              *p;
    const sigv4_field_t  *field;

    p = buf->last;

    for (i = 0; i < req->nfields; i++) {
        field = &req->fields[i];

        if (field->name.len == 0) {
            return SIGV4_INVALID;
        }

        left = buf->end - p;

        if (left <= field->name.len) {
            return SIGV4_NOSPACE;
        }

        if (i != 0) {
            if (field->name.len == field[-1].name.len
                && memcmp(field->name.data, field[-1].name.data,
                          field->name.len) == 0)
            {
                continue;
            }

            *p++ = ';';
        }

        memcpy(p, field->name.data, field->name.len);
        p += field->name.len;
    }

    buf->last = p;

    return SIGV4_OK;
}

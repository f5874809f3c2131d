
/*
 * Copyright (C) ngx_aws_sigv4_module authors
 *
 * SPDX-License-Identifier: BSD-2-Clause
 */


#include "ngx_http_aws_sigv4_module.h"


static ngx_int_t ngx_http_aws_sigv4_strip_query(ngx_pool_t *pool,
    sigv4_str_t *query);
static ngx_uint_t ngx_http_aws_sigv4_presigns(u_char *p, u_char *last);
static ngx_int_t ngx_http_aws_sigv4_repair(ngx_pool_t *pool, ngx_uint_t s3,
    sigv4_request_t *req);


/*
 * The parameters of a presigned URL, which the client's side has signed.  The
 * first three are those of Signature Version 2, and void unless all of them
 * are there.
 */

#define NGX_HTTP_AWS_SIGV4_PRESIGNED_V2  0x07

static ngx_str_t  ngx_http_aws_sigv4_presigned[] = {
    ngx_string("awsaccesskeyid"),
    ngx_string("signature"),
    ngx_string("expires"),
    ngx_string("x-amz-algorithm"),
    ngx_string("x-amz-credential"),
    ngx_string("x-amz-date"),
    ngx_string("x-amz-expires"),
    ngx_string("x-amz-signedheaders"),
    ngx_string("x-amz-signature"),
    ngx_string("x-amz-security-token"),
    ngx_string("x-amz-region-set"),
    ngx_null_string
};


ngx_int_t
ngx_http_aws_sigv4_wire(ngx_pool_t *pool, ngx_str_t *uri, ngx_uint_t s3,
    sigv4_request_t *req)
{
    u_char  *p, *last;

    last = uri->data + uri->len;

    /* a fragment is never sent; nginx drops it from its own URI as well */

    p = memchr(uri->data, '#', uri->len);
    if (p != NULL) {
        last = p;
    }

    p = memchr(uri->data, '?', last - uri->data);

    req->path.data = uri->data;
    req->path.len = (p ? p : last) - uri->data;

    req->query.data = p ? p + 1 : last;
    req->query.len = last - req->query.data;

    if (req->path.len && req->path.data[0] != '/') {
        return NGX_DECLINED;
    }

    if (req->query.len
        && ngx_http_aws_sigv4_strip_query(pool, &req->query) != NGX_OK)
    {
        return NGX_ERROR;
    }

    return ngx_http_aws_sigv4_repair(pool, s3, req);
}


/* drops what presigned the request; the rest keeps its order and form */

static ngx_int_t
ngx_http_aws_sigv4_strip_query(ngx_pool_t *pool, sigv4_str_t *query)
{
    u_char      *p, *next, *last, *dst, *start;
    ngx_uint_t   drop;

    start = (u_char *) query->data;
    last = start + query->len;

    drop = 0;

    for (p = start; p < last; p = next + 1) {
        next = memchr(p, '&', last - p);
        if (next == NULL) {
            next = last;
        }

        drop |= ngx_http_aws_sigv4_presigns(p, next);
    }

    if ((drop & NGX_HTTP_AWS_SIGV4_PRESIGNED_V2)
        != NGX_HTTP_AWS_SIGV4_PRESIGNED_V2)
    {
        drop &= ~NGX_HTTP_AWS_SIGV4_PRESIGNED_V2;
    }

    if (drop == 0) {
        return NGX_OK;
    }

    dst = ngx_pnalloc(pool, query->len + 1);
    if (dst == NULL) {
        return NGX_ERROR;
    }

    query->data = dst;

    for (p = start; p < last; p = next + 1) {
        next = memchr(p, '&', last - p);
        if (next == NULL) {
            next = last;
        }

        if (ngx_http_aws_sigv4_presigns(p, next) & drop) {
            continue;
        }

        dst = ngx_cpymem(dst, p, next - p);
        *dst++ = '&';
    }

    if (dst != query->data) {
        dst--;
    }

    query->len = dst - query->data;

    return NGX_OK;
}


/*
 * The bit of the name that the parameter has when it is decoded, in any
 * letter case; 0 if it is none of them.  The server decodes as well, so
 * "X%2DAmz-Signature" is a signature too.
 */

static ngx_uint_t
ngx_http_aws_sigv4_presigns(u_char *p, u_char *last)
{
    u_char       c, name[32];
    size_t       len;
    ngx_int_t    n;
    ngx_str_t   *names;
    ngx_uint_t   i;

    c = (p < last) ? ngx_tolower(*p) : '\0';

    if (c != 'x' && c != 'a' && c != 's' && c != 'e' && c != '%') {
        return 0;
    }

    for (len = 0; p < last && *p != '='; len++) {

        if (len == sizeof(name)) {
            return 0;
        }

        c = *p++;

        if (c == '%' && last - p >= 2) {
            n = ngx_hextoi(p, 2);

            if (n != NGX_ERROR) {
                c = (u_char) n;
                p += 2;
            }
        }

        name[len] = ngx_tolower(c);
    }

    names = ngx_http_aws_sigv4_presigned;

    for (i = 0; names[i].len; i++) {
        if (names[i].len == len
            && ngx_memcmp(names[i].data, name, len) == 0)
        {
            return (ngx_uint_t) 1 << i;
        }
    }

    return 0;
}


static ngx_int_t
ngx_http_aws_sigv4_repair(ngx_pool_t *pool, ngx_uint_t s3,
    sigv4_request_t *req)
{
    u_char       none[1];
    size_t       len;
    sigv4_buf_t  buf;

    /* the usual target needs no repair and no memory */

    buf.last = none;
    buf.end = none;

    if ((s3 ? sigv4_wire_path_s3(&buf, req->path, &req->path)
            : sigv4_wire_path(&buf, req->path, &req->path)) == SIGV4_OK
        && sigv4_wire_query(&buf, req->query, &req->query) == SIGV4_OK)
    {
        return NGX_OK;
    }

    len = 3 * (req->path.len + req->query.len) + 1;

    buf.last = ngx_pnalloc(pool, len);
    if (buf.last == NULL) {
        return NGX_ERROR;
    }

    buf.end = buf.last + len;

    if ((s3 ? sigv4_wire_path_s3(&buf, req->path, &req->path)
            : sigv4_wire_path(&buf, req->path, &req->path)) == SIGV4_OK
        && sigv4_wire_query(&buf, req->query, &req->query) == SIGV4_OK)
    {
        return NGX_OK;
    }

    return NGX_ERROR;
}

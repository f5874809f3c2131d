
/*
 * Copyright (C) ngx_aws_sigv4_module authors
 *
 * SPDX-License-Identifier: BSD-2-Clause
 */


#include "ngx_http_aws_sigv4_module.h"


static ngx_int_t ngx_http_aws_sigv4_parse_url(ngx_str_t *url,
    ngx_str_t *host, ngx_str_t *authority, ngx_str_t *uri);
static ngx_int_t ngx_http_aws_sigv4_rewritten_uri(ngx_http_request_t *r,
    ngx_str_t *part, ngx_str_t *location, ngx_str_t *uri);
static ngx_int_t ngx_http_aws_sigv4_split(ngx_http_request_t *r,
    ngx_http_aws_sigv4_ctx_t *ctx, ngx_str_t *uri, sigv4_request_t *req);
static ngx_int_t ngx_http_aws_sigv4_strip_query(ngx_http_request_t *r,
    sigv4_str_t *query);
static ngx_uint_t ngx_http_aws_sigv4_presigns(u_char *p, u_char *last);
static ngx_int_t ngx_http_aws_sigv4_repair(ngx_http_request_t *r,
    ngx_http_aws_sigv4_ctx_t *ctx, sigv4_request_t *req);


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
ngx_http_aws_sigv4_target_host(ngx_http_request_t *r,
    ngx_http_aws_sigv4_loc_conf_t *slcf, ngx_str_t *host,
    ngx_str_t *authority)
{
    ngx_str_t                     url, uri;
    ngx_http_aws_sigv4_pass_t    *pass;
    ngx_http_aws_sigv4_header_t  *header;

    static ngx_str_t  name = ngx_string("host");

    pass = slcf->proxy.pass;

    *host = pass->host;
    ngx_str_null(authority);

    if (pass->url != NULL) {

        if (ngx_http_complex_value(r, pass->url, &url) != NGX_OK) {
            return NGX_ERROR;
        }

        /* what cannot be parsed is refused by the proxy itself */

        (void) ngx_http_aws_sigv4_parse_url(&url, host, authority, &uri);

        if (!pass->variable_authority) {
            ngx_str_null(authority);
        }
    }

    header = ngx_http_aws_sigv4_proxy_header(slcf, &name);

    if (header == NULL
        || (header->source.len == 11
            && ngx_strncmp(header->source.data, "$proxy_host", 11) == 0))
    {
        return NGX_OK;
    }

    if (header->value == NULL) {
        ngx_str_null(host);
        return NGX_OK;
    }

    return ngx_http_complex_value(r, header->value, host);
}


static ngx_int_t
ngx_http_aws_sigv4_parse_url(ngx_str_t *url, ngx_str_t *host,
    ngx_str_t *authority, ngx_str_t *uri)
{
    u_char  *p, *last, *port;

    ngx_str_null(host);
    ngx_str_null(authority);
    ngx_str_null(uri);

    p = url->data;
    last = p + url->len;

    if (url->len > 7 && ngx_strncasecmp(p, (u_char *) "http://", 7) == 0) {
        p += 7;
        port = (u_char *) ":80";

    } else if (url->len > 8
               && ngx_strncasecmp(p, (u_char *) "https://", 8) == 0)
    {
        p += 8;
        port = (u_char *) ":443";

    } else {
        return NGX_DECLINED;
    }

    host->data = p;

    if (last - p > 5 && ngx_strncasecmp(p, (u_char *) "unix:", 5) == 0) {

        /* the path of the socket ends at the next ":" */

        p = ngx_strlchr(p + 5, last, ':');

        authority->data = host->data;
        authority->len = (p ? p : last) - host->data;

        if (p != NULL) {
            uri->data = p + 1;
            uri->len = last - (p + 1);
        }

        ngx_str_set(host, "localhost");

        return NGX_OK;
    }

    while (p < last && *p != '/' && *p != '?' && *p != '#') {
        p++;
    }

    host->len = p - host->data;

    uri->data = p;
    uri->len = last - p;

    /* the default port of the scheme is not a part of Host */

    if (host->len > ngx_strlen(port)
        && ngx_strncmp(p - ngx_strlen(port), port, ngx_strlen(port)) == 0)
    {
        host->len -= ngx_strlen(port);
    }

    *authority = *host;

    return NGX_OK;
}


ngx_int_t
ngx_http_aws_sigv4_target_method(ngx_http_request_t *r,
    ngx_http_aws_sigv4_loc_conf_t *slcf, ngx_str_t *method)
{
    if (slcf->proxy.method == NULL) {
        *method = r->method_name;
        return NGX_OK;
    }

    return ngx_http_complex_value(r, slcf->proxy.method, method);
}


/* the same decisions as in ngx_http_proxy_create_request() */

ngx_int_t
ngx_http_aws_sigv4_target_uri(ngx_http_request_t *r,
    ngx_http_aws_sigv4_loc_conf_t *slcf, ngx_str_t *uri)
{
    u_char                     *p;
    ngx_str_t                   url, host, authority, part;
    ngx_http_aws_sigv4_pass_t  *pass;

    pass = slcf->proxy.pass;
    part = pass->uri;

    if (pass->url != NULL) {

        if (ngx_http_complex_value(r, pass->url, &url) != NGX_OK) {
            return NGX_ERROR;
        }

        (void) ngx_http_aws_sigv4_parse_url(&url, &host, &authority, &part);

        if (part.len && part.data[0] == '?') {

            p = ngx_pnalloc(r->pool, part.len + 1);
            if (p == NULL) {
                return NGX_ERROR;
            }

            *p = '/';
            ngx_memcpy(p + 1, part.data, part.len);

            part.data = p;
            part.len++;
        }

        if (part.len) {
            *uri = part;
            return NGX_OK;
        }
    }

    if (part.len == 0 && r->valid_unparsed_uri) {
        *uri = r->unparsed_uri;
        return NGX_OK;
    }

    return ngx_http_aws_sigv4_rewritten_uri(r, &part, &pass->location, uri);
}


static ngx_int_t
ngx_http_aws_sigv4_rewritten_uri(ngx_http_request_t *r, ngx_str_t *part,
    ngx_str_t *location, ngx_str_t *uri)
{
    u_char     *p;
    size_t      skip, len;
    uintptr_t   escape;

    skip = (r->valid_location && part->len) ? location->len : 0;

    if (skip > r->uri.len) {
        return NGX_ERROR;
    }

    escape = 0;

    if (r->quoted_uri || r->internal) {
        escape = 2 * ngx_escape_uri(NULL, r->uri.data + skip,
                                    r->uri.len - skip, NGX_ESCAPE_URI);
    }

    len = part->len + r->uri.len - skip + escape + 1 + r->args.len;

    uri->data = ngx_pnalloc(r->pool, len);
    if (uri->data == NULL) {
        return NGX_ERROR;
    }

    p = uri->data;

    if (r->valid_location) {
        p = ngx_cpymem(p, part->data, part->len);
    }

    if (escape) {
        ngx_escape_uri(p, r->uri.data + skip, r->uri.len - skip,
                       NGX_ESCAPE_URI);
        p += r->uri.len - skip + escape;

    } else {
        p = ngx_cpymem(p, r->uri.data + skip, r->uri.len - skip);
    }

    if (r->args.len) {
        *p++ = '?';
        p = ngx_cpymem(p, r->args.data, r->args.len);
    }

    uri->len = p - uri->data;

    return NGX_OK;
}


ngx_int_t
ngx_http_aws_sigv4_target(ngx_http_request_t *r,
    ngx_http_aws_sigv4_ctx_t *ctx, ngx_str_t *uri, sigv4_request_t *req)
{
    ngx_int_t                     rc;
    ngx_http_aws_sigv4_target_t  *target;

    target = &ctx->target;

    /* as a rule the seal meets what the access phase has foreseen */

    if (target->uri.len
        && target->uri.len == uri->len
        && target->s3 == ctx->s3
        && ngx_memcmp(target->uri.data, uri->data, uri->len) == 0)
    {
        req->path = target->path;
        req->query = target->query;

        return NGX_OK;
    }

    rc = ngx_http_aws_sigv4_split(r, ctx, uri, req);
    if (rc != NGX_OK) {
        return rc;
    }

    rc = ngx_http_aws_sigv4_repair(r, ctx, req);
    if (rc != NGX_OK) {
        return rc;
    }

    target->uri = *uri;
    target->path = req->path;
    target->query = req->query;
    target->s3 = ctx->s3;

    return NGX_OK;
}


static ngx_int_t
ngx_http_aws_sigv4_split(ngx_http_request_t *r,
    ngx_http_aws_sigv4_ctx_t *ctx, ngx_str_t *uri, sigv4_request_t *req)
{
    u_char     *p, *last;
    ngx_int_t   rc;

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
        ngx_log_error(NGX_LOG_ERR, r->connection->log, 0,
                      "aws sigv4: the request target to sign does not start "
                      "with \"/\", look at proxy_pass and rewrite");
        return ngx_http_aws_sigv4_fail(ctx, NGX_HTTP_AWS_SIGV4_BAD_REQUEST,
                                       NGX_HTTP_BAD_REQUEST);
    }

    if (req->query.len) {
        rc = ngx_http_aws_sigv4_strip_query(r, &req->query);
        if (rc != NGX_OK) {
            return NGX_HTTP_INTERNAL_SERVER_ERROR;
        }
    }

    return NGX_OK;
}


/* drops what presigned the request; the rest keeps its order and form */

static ngx_int_t
ngx_http_aws_sigv4_strip_query(ngx_http_request_t *r, sigv4_str_t *query)
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

    dst = ngx_pnalloc(r->pool, query->len + 1);
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
ngx_http_aws_sigv4_repair(ngx_http_request_t *r,
    ngx_http_aws_sigv4_ctx_t *ctx, sigv4_request_t *req)
{
    int          rc;
    u_char       none[1];
    size_t       len;
    sigv4_buf_t  buf;

    /* the usual target needs no repair and no memory */

    buf.last = none;
    buf.end = none;

    if ((ctx->s3 ? sigv4_wire_path_s3(&buf, req->path, &req->path)
                 : sigv4_wire_path(&buf, req->path, &req->path)) == SIGV4_OK
        && sigv4_wire_query(&buf, req->query, &req->query) == SIGV4_OK)
    {
        return NGX_OK;
    }

    len = 3 * (req->path.len + req->query.len) + 1;

    buf.last = ngx_pnalloc(r->pool, len);
    if (buf.last == NULL) {
        return NGX_HTTP_INTERNAL_SERVER_ERROR;
    }

    buf.end = buf.last + len;

    rc = ctx->s3 ? sigv4_wire_path_s3(&buf, req->path, &req->path)
                 : sigv4_wire_path(&buf, req->path, &req->path);

    if (rc == SIGV4_OK) {
        rc = sigv4_wire_query(&buf, req->query, &req->query);
    }

    if (rc != SIGV4_OK) {
        ngx_log_error(NGX_LOG_ERR, r->connection->log, 0,
                      "aws sigv4: the request target cannot be signed: %s",
                      sigv4_strerror(rc));
        return ngx_http_aws_sigv4_fail(ctx, NGX_HTTP_AWS_SIGV4_BAD_REQUEST,
                                       NGX_HTTP_BAD_REQUEST);
    }

    return NGX_OK;
}

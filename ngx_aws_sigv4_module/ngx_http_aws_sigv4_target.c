
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

    rc = ngx_http_aws_sigv4_wire(r->pool, uri, ctx->s3, req);

    if (rc == NGX_ERROR) {
        return NGX_HTTP_INTERNAL_SERVER_ERROR;
    }

    if (rc == NGX_DECLINED) {
        ngx_log_error(NGX_LOG_ERR, r->connection->log, 0,
                      "aws sigv4: the request target to sign does not start "
                      "with \"/\", look at proxy_pass and rewrite");

        return ngx_http_aws_sigv4_fail(ctx, NGX_HTTP_AWS_SIGV4_BAD_REQUEST,
                                       NGX_HTTP_BAD_REQUEST);
    }

    target->uri = *uri;
    target->path = req->path;
    target->query = req->query;
    target->s3 = ctx->s3;

    return NGX_OK;
}

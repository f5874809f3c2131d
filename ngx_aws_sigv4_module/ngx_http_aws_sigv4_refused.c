
/*
 * Copyright (C) ngx_aws_sigv4_module authors
 *
 * SPDX-License-Identifier: BSD-2-Clause
 */

/*
 * A response in which AWS refuses the credentials that signed the request.
 * It is told by its header, or by the first bytes of its body, which are
 * looked at as they pass.
 */


#include "ngx_http_aws_sigv4_module.h"


#define NGX_HTTP_AWS_SIGV4_REFUSED_BODY   4096


struct ngx_http_aws_sigv4_refused_s {
    size_t                          len;
    u_char                          data[NGX_HTTP_AWS_SIGV4_REFUSED_BODY];
};


static ngx_int_t ngx_http_aws_sigv4_refused_header(ngx_http_request_t *r);
static ngx_int_t ngx_http_aws_sigv4_refused_body(ngx_http_request_t *r,
    ngx_chain_t *in);
static ngx_uint_t ngx_http_aws_sigv4_refused_signed(ngx_http_request_t *r,
    ngx_http_aws_sigv4_ctx_t *ctx);
static ngx_uint_t ngx_http_aws_sigv4_refused_type(ngx_http_request_t *r);
static ngx_uint_t ngx_http_aws_sigv4_refused_text(u_char *p, size_t len);
static void ngx_http_aws_sigv4_refused_append(
    ngx_http_aws_sigv4_refused_t *refused, ngx_chain_t *in);


static ngx_http_output_header_filter_pt  ngx_http_next_header_filter;
static ngx_http_output_body_filter_pt    ngx_http_next_body_filter;


/* ExpiredTokenException as well; S3 has a name of its own for the second */
static ngx_str_t  ngx_http_aws_sigv4_refused_codes[] = {
    ngx_string("ExpiredToken"),
    ngx_string("InvalidClientTokenId"),
    ngx_string("InvalidAccessKeyId"),
    ngx_string("UnrecognizedClientException"),
    ngx_null_string
};


ngx_int_t
ngx_http_aws_sigv4_refused_init(ngx_conf_t *cf)
{
    ngx_http_next_header_filter = ngx_http_top_header_filter;
    ngx_http_top_header_filter = ngx_http_aws_sigv4_refused_header;

    ngx_http_next_body_filter = ngx_http_top_body_filter;
    ngx_http_top_body_filter = ngx_http_aws_sigv4_refused_body;

    return NGX_OK;
}


static ngx_int_t
ngx_http_aws_sigv4_refused_header(ngx_http_request_t *r)
{
    ngx_http_aws_sigv4_ctx_t  *ctx;

    ctx = ngx_http_get_module_ctx(r, ngx_http_aws_sigv4_module);

    if (ctx == NULL || !ngx_http_aws_sigv4_refused_signed(r, ctx)) {
        return ngx_http_next_header_filter(r);
    }

    if (ngx_http_aws_sigv4_refused_type(r)) {
        ngx_http_aws_sigv4_credentials_refused(ctx->provider,
                                               ctx->signature.generation);

    } else if (!r->header_only && r->headers_out.content_encoding == NULL) {

        ctx->refused = ngx_palloc(r->pool,
                                  sizeof(ngx_http_aws_sigv4_refused_t));
        if (ctx->refused != NULL) {
            ctx->refused->len = 0;
        }
    }

    return ngx_http_next_header_filter(r);
}


static ngx_uint_t
ngx_http_aws_sigv4_refused_signed(ngx_http_request_t *r,
    ngx_http_aws_sigv4_ctx_t *ctx)
{
    ngx_http_upstream_t  *u;

    u = r->upstream;

    if (u == NULL || u->state == NULL
        || (ctx->status != NGX_HTTP_AWS_SIGV4_SIGNED
            && ctx->status != NGX_HTTP_AWS_SIGV4_RESIGNED))
    {
        return 0;
    }

#if (NGX_HTTP_CACHE)

    if (r->cached) {
        return 0;
    }

#endif

    return u->headers_in.status_n == NGX_HTTP_BAD_REQUEST
           || u->headers_in.status_n == NGX_HTTP_FORBIDDEN;
}


static ngx_uint_t
ngx_http_aws_sigv4_refused_type(ngx_http_request_t *r)
{
    ngx_uint_t        i;
    ngx_list_part_t  *part;
    ngx_table_elt_t  *h;

    static ngx_str_t  name = ngx_string("x-amzn-errortype");

    part = &r->upstream->headers_in.headers.part;
    h = part->elts;

    for (i = 0; /* void */ ; i++) {

        if (i >= part->nelts) {

            if (part->next == NULL) {
                return 0;
            }

            part = part->next;
            h = part->elts;
            i = 0;
        }

        if (h[i].key.len == name.len
            && ngx_strncasecmp(h[i].key.data, name.data, name.len) == 0)
        {
            return ngx_http_aws_sigv4_refused_text(h[i].value.data,
                                                   h[i].value.len);
        }
    }
}


static ngx_uint_t
ngx_http_aws_sigv4_refused_text(u_char *p, size_t len)
{
    u_char     *last;
    ngx_str_t  *code;

    for (last = p + len; p < last; p++) {

        for (code = ngx_http_aws_sigv4_refused_codes; code->len; code++) {

            if (*p == code->data[0]
                && (size_t) (last - p) >= code->len
                && ngx_memcmp(p, code->data, code->len) == 0)
            {
                return 1;
            }
        }
    }

    return 0;
}


static ngx_int_t
ngx_http_aws_sigv4_refused_body(ngx_http_request_t *r, ngx_chain_t *in)
{
    ngx_http_aws_sigv4_ctx_t      *ctx;
    ngx_http_aws_sigv4_refused_t  *refused;

    ctx = ngx_http_get_module_ctx(r, ngx_http_aws_sigv4_module);

    if (ctx == NULL || ctx->refused == NULL) {
        return ngx_http_next_body_filter(r, in);
    }

    refused = ctx->refused;

    ngx_http_aws_sigv4_refused_append(refused, in);

    if (ngx_http_aws_sigv4_refused_text(refused->data, refused->len)) {
        ngx_http_aws_sigv4_credentials_refused(ctx->provider,
                                               ctx->signature.generation);
        ctx->refused = NULL;

    } else if (refused->len == NGX_HTTP_AWS_SIGV4_REFUSED_BODY) {
        ctx->refused = NULL;
    }

    return ngx_http_next_body_filter(r, in);
}


static void
ngx_http_aws_sigv4_refused_append(ngx_http_aws_sigv4_refused_t *refused,
    ngx_chain_t *in)
{
    size_t       size;
    ngx_buf_t   *b;

    for ( /* void */ ; in != NULL; in = in->next) {
        b = in->buf;

        if (!ngx_buf_in_memory(b)) {
            continue;
        }

        size = ngx_min((size_t) (b->last - b->pos),
                       NGX_HTTP_AWS_SIGV4_REFUSED_BODY - refused->len);

        if (size) {
            ngx_memcpy(refused->data + refused->len, b->pos, size);
            refused->len += size;
        }
    }
}


/*
 * Copyright (C) ngx_aws_sigv4_module authors
 *
 * SPDX-License-Identifier: BSD-2-Clause
 */


#include "ngx_http_aws_sigv4_module.h"


static ngx_int_t ngx_http_aws_sigv4_configured_fields(ngx_http_request_t *r,
    ngx_http_aws_sigv4_ctx_t *ctx, sigv4_request_t *req);
static ngx_uint_t ngx_http_aws_sigv4_splits(ngx_str_t *value);
static void ngx_http_aws_sigv4_client_fields(ngx_http_request_t *r,
    ngx_http_aws_sigv4_ctx_t *ctx, sigv4_request_t *req);


/*
 * What carries authority is replaced: it is the client's, and it would
 * reach the upstream beside the signature.
 */

static ngx_str_t  ngx_http_aws_sigv4_replaced[] = {
    ngx_string("authorization"),
    ngx_string("proxy-authorization"),
    ngx_string("x-amz-content-sha256"),
    ngx_string("x-amz-date"),
    ngx_string("x-amz-region-set"),
    ngx_string("x-amz-s3session-token"),
    ngx_string("x-amz-security-token"),
    ngx_null_string
};


ngx_uint_t
ngx_http_aws_sigv4_is_signed(ngx_http_aws_sigv4_loc_conf_t *slcf,
    ngx_str_t *name)
{
    ngx_str_t   *signed_name;
    ngx_uint_t   i;

    if (name->len >= 6 && ngx_memcmp(name->data, "x-amz-", 6) == 0) {
        return 1;
    }

    if (ngx_http_aws_sigv4_name_is(name, "host", 4)
        || ngx_http_aws_sigv4_name_is(name, "content-type", 12)
        || ngx_http_aws_sigv4_name_is(name, "content-md5", 11))
    {
        return 1;
    }

    if (slcf == NULL
        || slcf->signed_headers == NULL
        || slcf->signed_headers == NGX_CONF_UNSET_PTR)
    {
        return 0;
    }

    signed_name = slcf->signed_headers->elts;

    for (i = 0; i < slcf->signed_headers->nelts; i++) {

        if (ngx_http_aws_sigv4_name_is(name, (char *) signed_name[i].data,
                                       signed_name[i].len))
        {
            return 1;
        }
    }

    return 0;
}


ngx_uint_t
ngx_http_aws_sigv4_is_replaced(ngx_str_t *name)
{
    ngx_str_t  *replaced;

    for (replaced = ngx_http_aws_sigv4_replaced; replaced->len; replaced++) {

        if (ngx_http_aws_sigv4_name_is(name, (char *) replaced->data,
                                       replaced->len))
        {
            return 1;
        }
    }

    return 0;
}


ngx_http_aws_sigv4_class_e
ngx_http_aws_sigv4_classify(ngx_http_aws_sigv4_ctx_t *ctx, ngx_str_t *name)
{
    if (name->len == 0) {
        return NGX_HTTP_AWS_SIGV4_PASS;
    }

    if (name->data[0] == 'a' || name->data[0] == 'x'
        || name->data[0] == 'p')
    {
        if (ngx_http_aws_sigv4_is_replaced(name)) {
            return NGX_HTTP_AWS_SIGV4_DROP;
        }

        /*
         * API keys of other services; x-api-key is the API's own for
         * execute-api, and what the operator sets is meant to be sent
         */

        if (ngx_http_aws_sigv4_name_is(name, "api-key", 7)
            || (ngx_http_aws_sigv4_name_is(name, "x-api-key", 9)
                && !ngx_http_aws_sigv4_name_is(&ctx->service,
                                               "execute-api", 11)))
        {
            if (ngx_http_aws_sigv4_proxy_header(ctx->conf, name) == NULL) {
                return NGX_HTTP_AWS_SIGV4_DROP;
            }
        }
    }

    return ngx_http_aws_sigv4_is_signed(ctx->conf, name)
           ? NGX_HTTP_AWS_SIGV4_SIGN : NGX_HTTP_AWS_SIGV4_PASS;
}


/* the request that the proxy is expected to build */

ngx_int_t
ngx_http_aws_sigv4_request(ngx_http_request_t *r,
    ngx_http_aws_sigv4_ctx_t *ctx, sigv4_request_t *req)
{
    ngx_int_t   rc;
    ngx_str_t   method, uri;
    ngx_uint_t  n;

    static ngx_str_t  host = ngx_string("host");

    ngx_memzero(req, sizeof(sigv4_request_t));

    if (ngx_http_aws_sigv4_target_method(r, ctx->conf, &method) != NGX_OK
        || ngx_http_aws_sigv4_target_uri(r, ctx->conf, &uri) != NGX_OK)
    {
        return NGX_HTTP_INTERNAL_SERVER_ERROR;
    }

    if (ngx_http_aws_sigv4_splits(&uri)) {
        ngx_log_error(NGX_LOG_ERR, r->connection->log, 0,
                      "aws sigv4: the request target has a line break and is "
                      "not signed, look at the variables of \"proxy_pass\"");

        return ngx_http_aws_sigv4_fail(ctx, NGX_HTTP_AWS_SIGV4_BAD_REQUEST,
                                       NGX_HTTP_BAD_REQUEST);
    }

    req->method = ngx_http_aws_sigv4_str(&method);

    rc = ngx_http_aws_sigv4_target(r, ctx, &uri, req);
    if (rc != NGX_OK) {
        return rc;
    }

    n = ngx_http_aws_sigv4_count_fields(r, ctx->conf);

    req->fields = ngx_palloc(r->pool, n * sizeof(sigv4_field_t));
    if (req->fields == NULL) {
        return NGX_HTTP_INTERNAL_SERVER_ERROR;
    }

    ngx_http_aws_sigv4_add_field(req, &host, &ctx->host);

    rc = ngx_http_aws_sigv4_configured_fields(r, ctx, req);
    if (rc != NGX_OK) {
        return rc;
    }

    ngx_http_aws_sigv4_client_fields(r, ctx, req);
    ngx_http_aws_sigv4_encoding(ctx, req);

    req->payload_hash = ngx_http_aws_sigv4_str(&ctx->payload.value);

    return NGX_OK;
}


void
ngx_http_aws_sigv4_add_field(sigv4_request_t *req, ngx_str_t *name,
    ngx_str_t *value)
{
    sigv4_field_t  *field;

    field = &req->fields[req->nfields++];

    field->name = ngx_http_aws_sigv4_str(name);
    field->value = ngx_http_aws_sigv4_str(value);
    field->order = 0;
}


ngx_uint_t
ngx_http_aws_sigv4_count_fields(ngx_http_request_t *r,
    ngx_http_aws_sigv4_loc_conf_t *slcf)
{
    ngx_uint_t        n;
    ngx_list_part_t  *part;

    n = 1;      /* host */

    if (slcf->proxy.headers != NULL) {
        n += slcf->proxy.headers->nelts;
    }

    for (part = &r->headers_in.headers.part; part; part = part->next) {
        n += part->nelts;
    }

    return n;
}


static ngx_int_t
ngx_http_aws_sigv4_configured_fields(ngx_http_request_t *r,
    ngx_http_aws_sigv4_ctx_t *ctx, sigv4_request_t *req)
{
    ngx_str_t                     value;
    ngx_uint_t                    i;
    ngx_http_aws_sigv4_header_t  *header;

    if (ctx->conf->proxy.headers == NULL) {
        return NGX_OK;
    }

    header = ctx->conf->proxy.headers->elts;

    for (i = 0; i < ctx->conf->proxy.headers->nelts; i++) {

        if (header[i].value == NULL
            || ngx_http_aws_sigv4_name_is(&header[i].name, "host", 4)
            || ngx_http_aws_sigv4_classify(ctx, &header[i].name)
               != NGX_HTTP_AWS_SIGV4_SIGN)
        {
            continue;
        }

        if (ngx_http_complex_value(r, header[i].value, &value) != NGX_OK) {
            return NGX_HTTP_INTERNAL_SERVER_ERROR;
        }

        /* the proxy does not send an empty one */

        if (value.len == 0) {
            continue;
        }

        if (ngx_http_aws_sigv4_splits(&value)) {
            ngx_log_error(NGX_LOG_ERR, r->connection->log, 0,
                          "aws sigv4: the value of \"proxy_set_header %V\" "
                          "has a line break and is not signed, look at its "
                          "variables", &header[i].name);

            return ngx_http_aws_sigv4_fail(ctx,
                                           NGX_HTTP_AWS_SIGV4_BAD_REQUEST,
                                           NGX_HTTP_BAD_REQUEST);
        }

        ngx_http_aws_sigv4_add_field(req, &header[i].name, &value);
    }

    return NGX_OK;
}


/* a value from a variable that would become several lines of the head */

static ngx_uint_t
ngx_http_aws_sigv4_splits(ngx_str_t *value)
{
    return value->len
           && (memchr(value->data, LF, value->len) != NULL
               || memchr(value->data, CR, value->len) != NULL
               || memchr(value->data, '\0', value->len) != NULL);
}


static void
ngx_http_aws_sigv4_client_fields(ngx_http_request_t *r,
    ngx_http_aws_sigv4_ctx_t *ctx, sigv4_request_t *req)
{
    ngx_str_t         name;
    ngx_uint_t        i;
    ngx_list_part_t  *part;
    ngx_table_elt_t  *header;

    part = &r->headers_in.headers.part;
    header = part->elts;

    for (i = 0; /* void */ ; i++) {

        if (i >= part->nelts) {
            if (part->next == NULL) {
                break;
            }

            part = part->next;
            header = part->elts;
            i = 0;
        }

        if (header[i].lowcase_key == NULL) {
            continue;
        }

        name.len = header[i].key.len;
        name.data = header[i].lowcase_key;

        if (ngx_http_aws_sigv4_name_is(&name, "host", 4)
            || ngx_http_aws_sigv4_classify(ctx, &name)
               != NGX_HTTP_AWS_SIGV4_SIGN
            || ngx_http_aws_sigv4_proxy_header(ctx->conf, &name) != NULL)
        {
            continue;
        }

        ngx_http_aws_sigv4_add_field(req, &name, &header[i].value);
    }
}


void
ngx_http_aws_sigv4_encoding(ngx_http_aws_sigv4_ctx_t *ctx,
    sigv4_request_t *req)
{
    ngx_http_aws_sigv4_loc_conf_t  *slcf;

    slcf = ctx->conf;

    req->normalize_path = (slcf->normalize_path == NGX_CONF_UNSET)
                          ? !ctx->s3 : slcf->normalize_path;

    req->double_encode = (slcf->double_encode == NGX_CONF_UNSET)
                         ? !ctx->s3 : slcf->double_encode;
}


ngx_uint_t
ngx_http_aws_sigv4_request_equal(sigv4_request_t *a, sigv4_request_t *b)
{
    size_t  i;

#define ngx_http_aws_sigv4_differ(x, y)                                       \
    ((x).len != (y).len || ngx_memcmp((x).data, (y).data, (x).len) != 0)

    if (a->nfields != b->nfields
        || a->normalize_path != b->normalize_path
        || a->double_encode != b->double_encode
        || ngx_http_aws_sigv4_differ(a->method, b->method)
        || ngx_http_aws_sigv4_differ(a->path, b->path)
        || ngx_http_aws_sigv4_differ(a->query, b->query)
        || ngx_http_aws_sigv4_differ(a->payload_hash, b->payload_hash))
    {
        return 0;
    }

    for (i = 0; i < a->nfields; i++) {

        if (ngx_http_aws_sigv4_differ(a->fields[i].name, b->fields[i].name)
            || ngx_http_aws_sigv4_differ(a->fields[i].value,
                                         b->fields[i].value))
        {
            return 0;
        }
    }

    return 1;
}

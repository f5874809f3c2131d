
/*
 * Copyright (C) ngx_aws_sigv4_module authors
 *
 * SPDX-License-Identifier: BSD-2-Clause
 */


#include "ngx_http_aws_sigv4_module.h"


/* a field of the head; the name in lower case, in memory that goes away */
typedef struct {
    ngx_str_t                       name;
    ngx_str_t                       value;
    u_char                         *start;
    u_char                         *next;
    u_char                          lowcase[256];
} ngx_http_aws_sigv4_wire_field_t;


static ngx_int_t ngx_http_aws_sigv4_head_line(
    ngx_http_aws_sigv4_head_t *head, ngx_str_t *in);
static ngx_int_t ngx_http_aws_sigv4_head_fields(ngx_http_request_t *r,
    ngx_http_aws_sigv4_ctx_t *ctx, ngx_http_aws_sigv4_head_t *head,
    sigv4_request_t *req);
static ngx_int_t ngx_http_aws_sigv4_head_field(ngx_http_request_t *r,
    ngx_http_aws_sigv4_wire_field_t *field, u_char *last);
static ngx_int_t ngx_http_aws_sigv4_head_sign(ngx_http_request_t *r,
    ngx_http_aws_sigv4_ctx_t *ctx, ngx_http_aws_sigv4_wire_field_t *field,
    sigv4_request_t *req);
static ngx_uint_t ngx_http_aws_sigv4_head_host(ngx_http_aws_sigv4_ctx_t *ctx,
    ngx_http_aws_sigv4_head_t *head, ngx_str_t *value);
static ngx_int_t ngx_http_aws_sigv4_head_length(
    ngx_http_aws_sigv4_head_t *head, ngx_http_aws_sigv4_wire_field_t *field);
static ngx_uint_t ngx_http_aws_sigv4_connection(
    ngx_http_aws_sigv4_wire_field_t *field);
static ngx_int_t ngx_http_aws_sigv4_head_drop(ngx_http_request_t *r,
    ngx_http_aws_sigv4_head_t *head, ngx_http_aws_sigv4_wire_field_t *field);
static ngx_int_t ngx_http_aws_sigv4_head_scope(ngx_http_request_t *r,
    ngx_http_aws_sigv4_ctx_t *ctx, ngx_http_aws_sigv4_head_t *head);


ngx_int_t
ngx_http_aws_sigv4_head_parse(ngx_http_request_t *r,
    ngx_http_aws_sigv4_ctx_t *ctx, ngx_http_aws_sigv4_head_t *head,
    sigv4_request_t *req)
{
    ngx_int_t  rc;

    ngx_memzero(head, sizeof(ngx_http_aws_sigv4_head_t));
    ngx_memzero(req, sizeof(sigv4_request_t));

    rc = ngx_http_aws_sigv4_head_line(head, &ctx->unsealed);

    if (rc == NGX_OK) {
        rc = ngx_http_aws_sigv4_head_fields(r, ctx, head, req);
    }

    /* the text of proxy_set_body alone may stand behind the head */

    if (rc == NGX_OK
        && !ctx->conf->proxy.set_body
        && head->end + 2 != ctx->unsealed.data + ctx->unsealed.len)
    {
        rc = NGX_DECLINED;
    }

    if (rc == NGX_DECLINED) {
        ngx_log_error(NGX_LOG_ERR, r->connection->log, 0,
                      "aws sigv4: the request to the upstream has lines that "
                      "are no header fields and is not sent, look for line "
                      "breaks in variables of \"proxy_set_header\", and for a "
                      "second \"Host\" or \"Content-Length\"");

        return ngx_http_aws_sigv4_fail(ctx, NGX_HTTP_AWS_SIGV4_NOT_SEALED,
                                       NGX_HTTP_INTERNAL_SERVER_ERROR);
    }

    if (rc != NGX_OK) {
        return NGX_HTTP_INTERNAL_SERVER_ERROR;
    }

    rc = ngx_http_aws_sigv4_head_scope(r, ctx, head);
    if (rc != NGX_OK) {
        return rc;
    }

    req->method = ngx_http_aws_sigv4_str(&head->method);
    req->fields[0].value = ngx_http_aws_sigv4_str(&ctx->host);

    ngx_http_aws_sigv4_encoding(ctx, req);

    return ngx_http_aws_sigv4_target(r, ctx, &head->target, req);
}


/*
 * The target is between the first and the last space: the proxy sends a
 * decoded URI with raw spaces where proxy_pass has variables.
 */

static ngx_int_t
ngx_http_aws_sigv4_head_line(ngx_http_aws_sigv4_head_t *head, ngx_str_t *in)
{
    u_char  *p, *last, *space;

    p = in->data;

    last = memchr(p, LF, in->len);

    if (last == NULL || last == p || last[-1] != CR) {
        return NGX_DECLINED;
    }

    head->fields = last + 1;

    space = memchr(p, ' ', last - p);

    /* " HTTP/1.1" and CR */

    if (space == NULL || last - space < 11) {
        return NGX_DECLINED;
    }

    head->method.data = p;
    head->method.len = space - p;

    p = last - (sizeof(" HTTP/1.1" "\r") - 1);

    if (ngx_strncmp(p, " HTTP/1.", 8) != 0) {
        return NGX_DECLINED;
    }

    head->target.data = space + 1;
    head->target.len = p - head->target.data;

    return NGX_OK;
}


static ngx_int_t
ngx_http_aws_sigv4_head_fields(ngx_http_request_t *r,
    ngx_http_aws_sigv4_ctx_t *ctx, ngx_http_aws_sigv4_head_t *head,
    sigv4_request_t *req)
{
    u_char                           *p, *last;
    ngx_int_t                         rc;
    ngx_uint_t                        n;
    ngx_http_aws_sigv4_class_e        class;
    ngx_http_aws_sigv4_wire_field_t   field;

    static ngx_str_t  host = ngx_string("host");

    /* the headers that the proxy adds by itself are eight at most */

    n = ngx_http_aws_sigv4_count_fields(r, ctx->conf) + 8;

    req->fields = ngx_palloc(r->pool, n * sizeof(sigv4_field_t));
    if (req->fields == NULL) {
        return NGX_ERROR;
    }

    ngx_http_aws_sigv4_add_field(req, &host, &host);

    last = ctx->unsealed.data + ctx->unsealed.len;

    for (p = head->fields; /* void */ ; p = field.next) {

        if (last - p < 2) {
            return NGX_DECLINED;
        }

        if (p[0] == CR && p[1] == LF) {
            break;
        }

        field.start = p;

        rc = ngx_http_aws_sigv4_head_field(r, &field, last);
        if (rc != NGX_OK) {
            return rc;
        }

        if (ngx_http_aws_sigv4_head_length(head, &field) != NGX_OK) {
            return NGX_DECLINED;
        }

        class = ngx_http_aws_sigv4_classify(ctx, &field.name);

        if (ngx_http_aws_sigv4_name_is(&field.name, "host", 4)) {

            if (head->host.len) {
                return NGX_DECLINED;
            }

            class = ngx_http_aws_sigv4_head_host(ctx, head, &field.value)
                    ? NGX_HTTP_AWS_SIGV4_PASS : NGX_HTTP_AWS_SIGV4_DROP;

        } else if (class == NGX_HTTP_AWS_SIGV4_SIGN) {

            if (req->nfields == n) {
                return NGX_DECLINED;
            }

            rc = ngx_http_aws_sigv4_head_sign(r, ctx, &field, req);
            if (rc != NGX_OK) {
                return rc;
            }

        } else if (!ngx_http_aws_sigv4_connection(&field)) {
            class = NGX_HTTP_AWS_SIGV4_DROP;
        }

        if (class == NGX_HTTP_AWS_SIGV4_DROP
            && ngx_http_aws_sigv4_head_drop(r, head, &field) != NGX_OK)
        {
            return NGX_ERROR;
        }
    }

    head->end = p;

    return NGX_OK;
}


static ngx_int_t
ngx_http_aws_sigv4_head_field(ngx_http_request_t *r,
    ngx_http_aws_sigv4_wire_field_t *field, u_char *last)
{
    u_char  *p, *end;

    end = memchr(field->start, LF, last - field->start);

    if (end == NULL || end[-1] != CR) {
        return NGX_DECLINED;
    }

    field->next = end + 1;
    end--;

    p = memchr(field->start, ':', end - field->start);

    if (p == NULL || p == field->start) {
        return NGX_DECLINED;
    }

    field->name.len = p - field->start;
    field->name.data = field->lowcase;

    if (field->name.len > sizeof(field->lowcase)) {
        field->name.data = ngx_pnalloc(r->pool, field->name.len);
        if (field->name.data == NULL) {
            return NGX_ERROR;
        }
    }

    ngx_strlow(field->name.data, field->start, field->name.len);

    for (p++; *p == ' '; p++) { /* void */ }

    field->value.data = p;
    field->value.len = end - p;

    return (memchr(p, CR, end - p) == NULL) ? NGX_OK : NGX_DECLINED;
}


/* the name is that of the access phase where that is the same */

static ngx_int_t
ngx_http_aws_sigv4_head_sign(ngx_http_request_t *r,
    ngx_http_aws_sigv4_ctx_t *ctx, ngx_http_aws_sigv4_wire_field_t *field,
    sigv4_request_t *req)
{
    ngx_str_t         name;
    sigv4_request_t  *known;

    known = &ctx->signature.request;

    if (req->nfields < known->nfields
        && known->fields[req->nfields].name.len == field->name.len
        && ngx_memcmp(known->fields[req->nfields].name.data,
                      field->name.data, field->name.len)
           == 0)
    {
        name.len = field->name.len;
        name.data = (u_char *) known->fields[req->nfields].name.data;

    } else {
        name.len = field->name.len;
        name.data = ngx_pstrdup(r->pool, &field->name);
        if (name.data == NULL) {
            return NGX_ERROR;
        }
    }

    ngx_http_aws_sigv4_add_field(req, &name, &field->value);

    return NGX_OK;
}


/* 1: the Host of the proxy is sent; 0: the one that was chosen replaces it */

static ngx_uint_t
ngx_http_aws_sigv4_head_host(ngx_http_aws_sigv4_ctx_t *ctx,
    ngx_http_aws_sigv4_head_t *head, ngx_str_t *value)
{
    head->host = *value;

    return ctx->choice.host.len == 0 && ctx->conf->host == NULL;
}


/* two of them, and servers do not agree where the request ends */

static ngx_int_t
ngx_http_aws_sigv4_head_length(ngx_http_aws_sigv4_head_t *head,
    ngx_http_aws_sigv4_wire_field_t *field)
{
    if (ngx_http_aws_sigv4_name_is(&field->name, "content-length", 14)) {

        if (head->content_length.len || head->chunked) {
            return NGX_DECLINED;
        }

        head->content_length = field->value;

        return field->value.len ? NGX_OK : NGX_DECLINED;
    }

    if (ngx_http_aws_sigv4_name_is(&field->name, "transfer-encoding", 17)) {

        if (head->content_length.len || head->chunked) {
            return NGX_DECLINED;
        }

        head->chunked = 1;
    }

    return NGX_OK;
}


/*
 * A Connection that names other fields tells the next hop to remove them:
 * "Connection: x-amz-date" would break the signature.
 */

static ngx_uint_t
ngx_http_aws_sigv4_connection(ngx_http_aws_sigv4_wire_field_t *field)
{
    u_char     *p, *next, *last;
    ngx_str_t   token;

    if (!ngx_http_aws_sigv4_name_is(&field->name, "connection", 10)) {
        return 1;
    }

    last = field->value.data + field->value.len;

    for (p = field->value.data; p < last; p = next + 1) {

        next = ngx_strlchr(p, last, ',');
        if (next == NULL) {
            next = last;
        }

        while (p < next && *p == ' ') {
            p++;
        }

        token.data = p;
        token.len = next - p;

        while (token.len && p[token.len - 1] == ' ') {
            token.len--;
        }

        if (token.len
            && !(token.len == 5
                 && ngx_strncasecmp(p, (u_char *) "close", 5) == 0)
            && !(token.len == 10
                 && ngx_strncasecmp(p, (u_char *) "keep-alive", 10) == 0)
            && !(token.len == 7
                 && ngx_strncasecmp(p, (u_char *) "upgrade", 7) == 0))
        {
            return 0;
        }
    }

    return 1;
}


static ngx_int_t
ngx_http_aws_sigv4_head_drop(ngx_http_request_t *r,
    ngx_http_aws_sigv4_head_t *head, ngx_http_aws_sigv4_wire_field_t *field)
{
    ngx_http_aws_sigv4_line_t  *line;

    if (head->dropped.elts == NULL
        && ngx_array_init(&head->dropped, r->pool, 4,
                          sizeof(ngx_http_aws_sigv4_line_t))
           != NGX_OK)
    {
        return NGX_ERROR;
    }

    line = ngx_array_push(&head->dropped);
    if (line == NULL) {
        return NGX_ERROR;
    }

    line->start = field->start;
    line->end = field->next;

    return NGX_OK;
}


/*
 * A Host or an authority that the access phase did not foresee may not be
 * allowed, and may need another scope.
 */

static ngx_int_t
ngx_http_aws_sigv4_head_scope(ngx_http_request_t *r,
    ngx_http_aws_sigv4_ctx_t *ctx, ngx_http_aws_sigv4_head_t *head)
{
    ngx_int_t  rc;

    if (ctx->choice.host.len == 0
        && ctx->conf->host == NULL
        && (head->host.len != ctx->host.len
            || ngx_memcmp(head->host.data, ctx->host.data, ctx->host.len)
               != 0))
    {
        rc = ngx_http_aws_sigv4_scope(r, ctx, &head->host);
        if (rc != NGX_OK) {
            return rc;
        }
    }

    if (r->upstream->resolved == NULL) {
        return NGX_OK;
    }

    return ngx_http_aws_sigv4_authority(r, ctx,
                                        &r->upstream->resolved->host);
}


/*
 * Copyright (C) ngx_aws_sigv4_module authors
 *
 * SPDX-License-Identifier: BSD-2-Clause
 */


#include "ngx_http_aws_sigv4_module.h"
#include "ngx_http_aws_sigv4_metrics.h"


static ngx_int_t ngx_http_aws_sigv4_seal_payload(ngx_http_request_t *r,
    ngx_http_aws_sigv4_ctx_t *ctx, ngx_http_aws_sigv4_head_t *head);
static ngx_int_t ngx_http_aws_sigv4_seal_length(ngx_http_request_t *r,
    ngx_http_aws_sigv4_ctx_t *ctx, ngx_http_aws_sigv4_head_t *head,
    off_t length);
static ngx_int_t ngx_http_aws_sigv4_seal_signature(ngx_http_request_t *r,
    ngx_http_aws_sigv4_ctx_t *ctx, sigv4_request_t *req);
static ngx_int_t ngx_http_aws_sigv4_seal_head(ngx_http_request_t *r,
    ngx_http_aws_sigv4_ctx_t *ctx, ngx_http_aws_sigv4_head_t *head,
    sigv4_request_t *req);
static u_char *ngx_http_aws_sigv4_copy_line(u_char *p,
    ngx_http_aws_sigv4_head_t *head, sigv4_request_t *req);
static u_char *ngx_http_aws_sigv4_copy_fields(u_char *p,
    ngx_http_aws_sigv4_head_t *head);


/*
 * What is signed is what is sent: the head that the proxy has built is
 * read, compared with what was signed, signed anew where it differs, and
 * replaced by one that carries the signature.
 */

ngx_int_t
ngx_http_aws_sigv4_seal(ngx_http_request_t *r, ngx_http_aws_sigv4_ctx_t *ctx,
    ngx_uint_t built)
{
    sigv4_request_t            req;
    ngx_http_aws_sigv4_head_t  head;

    if (ngx_http_aws_sigv4_head_parse(r, ctx, &head, &req) != NGX_OK) {
        return NGX_ERROR;
    }

    /* a retry sends the same body: its bufs are not yet as they were */

    if (built && ngx_http_aws_sigv4_seal_payload(r, ctx, &head) != NGX_OK) {
        return NGX_ERROR;
    }

    req.payload_hash = ngx_http_aws_sigv4_str(&ctx->payload.value);

    if (ngx_http_aws_sigv4_seal_signature(r, ctx, &req) != NGX_OK
        || ngx_http_aws_sigv4_seal_head(r, ctx, &head, &req) != NGX_OK)
    {
        return NGX_ERROR;
    }

    ctx->sealed = ctx->signature.time;

    return NGX_OK;
}


static ngx_int_t
ngx_http_aws_sigv4_seal_payload(ngx_http_request_t *r,
    ngx_http_aws_sigv4_ctx_t *ctx, ngx_http_aws_sigv4_head_t *head)
{
    ngx_int_t     rc;
    ngx_str_t     text;
    ngx_chain_t  *bufs;

    /* the text of proxy_set_body stands in the buffer of the head */

    text.data = head->end + 2;
    text.len = ctx->unsealed.data + ctx->unsealed.len - text.data;

    bufs = r->upstream->request_bufs->next;

    rc = ngx_http_aws_sigv4_body_sent(r, ctx, &text, bufs);
    if (rc != NGX_OK) {
        return ngx_http_aws_sigv4_fail(ctx, NGX_HTTP_AWS_SIGV4_ERROR, rc);
    }

    if (r->request_body_no_buffering) {
        return NGX_OK;
    }

    return ngx_http_aws_sigv4_seal_length(r, ctx, head, text.len
                                   + ngx_http_aws_sigv4_body_length(bufs));
}


/* what a server takes for the body must be what was hashed */

static ngx_int_t
ngx_http_aws_sigv4_seal_length(ngx_http_request_t *r,
    ngx_http_aws_sigv4_ctx_t *ctx, ngx_http_aws_sigv4_head_t *head,
    off_t length)
{
    off_t  announced;

    announced = 0;

    if (head->content_length.len) {
        announced = ngx_atoof(head->content_length.data,
                              head->content_length.len);
    }

    if (announced == length && !head->chunked) {
        return NGX_OK;
    }

    ngx_log_error(NGX_LOG_ERR, r->connection->log, 0,
                  "aws sigv4: the request to the upstream announces another "
                  "body than the one of %O bytes and is not sent, look at "
                  "\"proxy_set_header Content-Length\" and for line breaks "
                  "in variables of \"proxy_set_header\"", length);

    return ngx_http_aws_sigv4_fail(ctx, NGX_HTTP_AWS_SIGV4_NOT_SEALED,
                                   NGX_HTTP_INTERNAL_SERVER_ERROR);
}


static ngx_int_t
ngx_http_aws_sigv4_seal_signature(ngx_http_request_t *r,
    ngx_http_aws_sigv4_ctx_t *ctx, sigv4_request_t *req)
{
    ngx_uint_t                         same;
    ngx_http_aws_sigv4_signature_t    *sig;
    ngx_http_aws_sigv4_credentials_t  *cred;

    sig = &ctx->signature;

    same = (sig->headers.len
            && ngx_http_aws_sigv4_request_equal(&sig->request, req)
            && sig->scope.service.len == ctx->service.len
            && sig->scope.region.len == ctx->region.len
            && ngx_memcmp(sig->scope.service.data, ctx->service.data,
                          ctx->service.len) == 0
            && ngx_memcmp(sig->scope.region.data, ctx->region.data,
                          ctx->region.len) == 0);

    /* a new date, or new credentials, alone are no other signature */

    if (same
        && ngx_time() - sig->time < NGX_HTTP_AWS_SIGV4_HEAD_AGE
        && ngx_http_aws_sigv4_credentials_get(ctx->provider,
                                              r->connection->log, &cred)
           == NGX_OK
        && cred->generation == sig->generation)
    {
        return NGX_OK;
    }

    if (ngx_http_aws_sigv4_sign(r, ctx, req) != NGX_OK) {
        return NGX_ERROR;
    }

    if (!same || ctx->status == NGX_HTTP_AWS_SIGV4_NO_CREDENTIALS) {
        ngx_log_debug0(NGX_LOG_DEBUG_HTTP, r->connection->log, 0,
                       "aws sigv4 signed anew");

        ctx->status = NGX_HTTP_AWS_SIGV4_RESIGNED;

        ngx_http_aws_sigv4_count(ctx, NGX_HTTP_AWS_SIGV4_COUNT_RESIGNED, 1);
    }

    return NGX_OK;
}


/*
 * Never in place: a retry starts from the head as the proxy built it.  The
 * buffer is the proxy's, so that chains which hold it see the new head.
 */

static ngx_int_t
ngx_http_aws_sigv4_seal_head(ngx_http_request_t *r,
    ngx_http_aws_sigv4_ctx_t *ctx, ngx_http_aws_sigv4_head_t *head,
    sigv4_request_t *req)
{
    u_char      *p, *start;
    size_t       len;
    ngx_buf_t   *b;
    ngx_str_t   *lines;
    ngx_uint_t   host;

    lines = &ctx->signature.headers;

    host = (ctx->choice.host.len || ctx->conf->host != NULL);

    len = ctx->unsealed.len + req->path.len + req->query.len + 1
          + (host ? sizeof("Host: " CRLF) - 1 + ctx->host.len : 0)
          + lines->len;

    start = ngx_pnalloc(r->pool, len);
    if (start == NULL) {
        return NGX_ERROR;
    }

    p = ngx_http_aws_sigv4_copy_line(start, head, req);

    if (host) {
        p = ngx_cpymem(p, "Host: ", sizeof("Host: ") - 1);
        p = ngx_cpymem(p, ctx->host.data, ctx->host.len);
        *p++ = CR; *p++ = LF;
    }

    p = ngx_http_aws_sigv4_copy_fields(p, head);
    p = ngx_cpymem(p, lines->data, lines->len);

    /* the empty line, and the text of proxy_set_body */

    p = ngx_cpymem(p, head->end,
                   ctx->unsealed.data + ctx->unsealed.len - head->end);

    b = ctx->head;

    if (b->start != ctx->unsealed.data && ctx->signature.token) {
        ngx_explicit_memzero(b->start, b->last - b->start);
    }

    b->start = start;
    b->pos = start;
    b->last = p;
    b->end = start + len;

    return NGX_OK;
}


static u_char *
ngx_http_aws_sigv4_copy_line(u_char *p, ngx_http_aws_sigv4_head_t *head,
    sigv4_request_t *req)
{
    u_char  *version;

    p = ngx_cpymem(p, head->method.data, head->method.len);
    *p++ = ' ';

    p = ngx_cpymem(p, req->path.data, req->path.len);

    if (req->query.len) {
        *p++ = '?';
        p = ngx_cpymem(p, req->query.data, req->query.len);
    }

    version = head->target.data + head->target.len;

    return ngx_cpymem(p, version, head->fields - version);
}


static u_char *
ngx_http_aws_sigv4_copy_fields(u_char *p, ngx_http_aws_sigv4_head_t *head)
{
    u_char                     *from;
    ngx_uint_t                  i;
    ngx_http_aws_sigv4_line_t  *line;

    from = head->fields;
    line = head->dropped.elts;

    for (i = 0; i < head->dropped.nelts; i++) {
        p = ngx_cpymem(p, from, line[i].start - from);
        from = line[i].end;
    }

    return ngx_cpymem(p, from, head->end - from);
}


/*
 * Copyright (C) ngx_aws_sigv4_module authors
 *
 * SPDX-License-Identifier: BSD-2-Clause
 */

/*
 * Requests that Lua code sends by itself, and URLs that it hands out: signed
 * by the same stages, keys and rules as what is proxied.
 */


#include "ngx_http_aws_sigv4_ffi_sign.h"


int ngx_http_aws_sigv4_ffi_sign(ngx_http_aws_sigv4_ffi_request_t *in,
    ngx_http_aws_sigv4_ffi_str_t *err);
void ngx_http_aws_sigv4_ffi_release(void);

static int ngx_http_aws_sigv4_ffi_begin(ngx_http_aws_sigv4_ffi_call_t *call);
static int ngx_http_aws_sigv4_ffi_header(ngx_http_aws_sigv4_ffi_call_t *call);
static int ngx_http_aws_sigv4_ffi_result(ngx_http_aws_sigv4_ffi_call_t *call,
    sigv4_str_t *authorization, ngx_uint_t sha256);
static int ngx_http_aws_sigv4_ffi_query(ngx_http_aws_sigv4_ffi_call_t *call);
static int ngx_http_aws_sigv4_ffi_stages(ngx_http_aws_sigv4_ffi_call_t *call,
    sigv4_request_t *req, uint8_t *signature, sigv4_str_t *authorization);
static int ngx_http_aws_sigv4_ffi_room(ngx_http_aws_sigv4_ffi_call_t *call,
    size_t query, sigv4_buf_t *buf);


/* what has to be wiped, and the memory of the last call */
static ngx_pool_t  *ngx_http_aws_sigv4_ffi_pool;
static u_char      *ngx_http_aws_sigv4_ffi_secret;
static size_t       ngx_http_aws_sigv4_ffi_secret_len;


/* NGX_AGAIN: the credentials are being fetched */

int
ngx_http_aws_sigv4_ffi_sign(ngx_http_aws_sigv4_ffi_request_t *in,
    ngx_http_aws_sigv4_ffi_str_t *err)
{
    int                            rc;
    ngx_http_aws_sigv4_ffi_call_t  call;

    ngx_memzero(&call, sizeof(ngx_http_aws_sigv4_ffi_call_t));

    call.in = in;
    call.err = err;

    rc = ngx_http_aws_sigv4_ffi_begin(&call);

    if (rc == NGX_OK) {
        rc = ngx_http_aws_sigv4_ffi_request(&call);
    }

    if (rc == NGX_OK) {
        rc = (in->expires < 0) ? ngx_http_aws_sigv4_ffi_header(&call)
                               : ngx_http_aws_sigv4_ffi_query(&call);
    }

    if (rc != NGX_OK) {
        ngx_http_aws_sigv4_ffi_release();
    }

    return rc;
}


void
ngx_http_aws_sigv4_ffi_release(void)
{
    if (ngx_http_aws_sigv4_ffi_secret != NULL) {
        ngx_explicit_memzero(ngx_http_aws_sigv4_ffi_secret,
                             ngx_http_aws_sigv4_ffi_secret_len);
        ngx_http_aws_sigv4_ffi_secret = NULL;
    }

    if (ngx_http_aws_sigv4_ffi_pool != NULL) {
        ngx_destroy_pool(ngx_http_aws_sigv4_ffi_pool);
        ngx_http_aws_sigv4_ffi_pool = NULL;
    }
}


static int
ngx_http_aws_sigv4_ffi_begin(ngx_http_aws_sigv4_ffi_call_t *call)
{
    ngx_str_t                        name;
    ngx_http_aws_sigv4_main_conf_t  *smcf;

    /* an error of Lua may have come before its end */

    ngx_http_aws_sigv4_ffi_release();

    smcf = ngx_http_cycle_get_module_main_conf(ngx_cycle,
                                               ngx_http_aws_sigv4_module);

    name.len = call->in->credentials.len;
    name.data = (u_char *) call->in->credentials.data;

    call->provider = (smcf && smcf->used)
                     ? ngx_http_aws_sigv4_provider_find(&smcf->store, &name)
                     : NULL;

    if (call->provider == NULL) {
        return ngx_http_aws_sigv4_ffi_error(call->err,
                                            "no provider \"%V\" is defined",
                                            &name);
    }

    call->smcf = smcf;

    call->pool = ngx_create_pool(1024, ngx_cycle->log);
    if (call->pool == NULL) {
        return ngx_http_aws_sigv4_ffi_error(call->err, "no memory");
    }

    ngx_http_aws_sigv4_ffi_pool = call->pool;

    return ngx_http_aws_sigv4_ffi_url(call);
}


static int
ngx_http_aws_sigv4_ffi_header(ngx_http_aws_sigv4_ffi_call_t *call)
{
    uint8_t      signature[SIGV4_SIGNATURE_LEN];
    ngx_uint_t   sha256;
    sigv4_str_t  authorization, *token;

    token = &call->cred->value.session_token;
    sha256 = call->in->content_sha256 || call->s3 || call->literal;

    ngx_http_aws_sigv4_date(call->smcf, &call->scope, ngx_time());

    ngx_http_aws_sigv4_add_own(&call->req, &call->scope,
                               sha256 ? &call->payload_hash : NULL, token);

    if (ngx_http_aws_sigv4_ffi_stages(call, &call->req, signature,
                                      &authorization)
        != NGX_OK)
    {
        return NGX_ERROR;
    }

    return ngx_http_aws_sigv4_ffi_result(call, &authorization, sha256);
}


/* the URL as it is to be sent, and the headers, until it is released */

static int
ngx_http_aws_sigv4_ffi_result(ngx_http_aws_sigv4_ffi_call_t *call,
    sigv4_str_t *authorization, ngx_uint_t sha256)
{
    u_char                            *p;
    size_t                             len;
    sigv4_buf_t                        buf;
    ngx_http_aws_sigv4_ffi_request_t  *in;

    in = call->in;

    len = SIGV4_DATETIME_LEN + call->payload_hash.len + authorization->len;

    if (ngx_http_aws_sigv4_ffi_room(call, call->req.query.len + len, &buf)
        != NGX_OK)
    {
        return NGX_ERROR;
    }

    p = buf.last;

    if (call->req.query.len) {
        p = ngx_cpymem(p, call->req.query.data, call->req.query.len);

    } else {
        p--;    /* no "?" */
    }

    in->url.data = ngx_http_aws_sigv4_ffi_secret;
    in->url.len = p - in->url.data;

    in->datetime.data = p;
    in->datetime.len = SIGV4_DATETIME_LEN;
    p = ngx_cpymem(p, call->scope.datetime, SIGV4_DATETIME_LEN);

    in->sha256.data = p;
    in->sha256.len = sha256 ? call->payload_hash.len : 0;
    p = ngx_cpymem(p, call->payload_hash.data, call->payload_hash.len);

    in->authorization.data = p;
    in->authorization.len = authorization->len;
    (void) ngx_cpymem(p, authorization->data, authorization->len);

    in->host.len = call->host.len;
    in->host.data = call->host.data;

    in->token.len = call->cred->value.session_token.len;
    in->token.data = call->cred->value.session_token.data;

    return NGX_OK;
}


static int
ngx_http_aws_sigv4_ffi_query(ngx_http_aws_sigv4_ffi_call_t *call)
{
    int              rc;
    size_t           size;
    uint8_t          signature[SIGV4_SIGNATURE_LEN];
    sigv4_buf_t      buf;
    sigv4_request_t  req;

    static ngx_str_t  sha256 = ngx_string("x-amz-content-sha256");

    ngx_http_aws_sigv4_date(call->smcf, &call->scope, ngx_time());

    /* VPC Lattice knows the literal by the header alone */

    if (call->literal && !call->s3) {
        ngx_http_aws_sigv4_add_field(&call->req, &sha256,
                                     &call->payload_hash);
    }

    sigv4_sort_fields(call->req.fields, call->req.nfields);

    size = sigv4_presign_size(&call->req, &call->cred->value, &call->scope);

    if (size == 0
        || ngx_http_aws_sigv4_ffi_room(call, size, &buf) != NGX_OK)
    {
        return ngx_http_aws_sigv4_ffi_error(call->err, "no memory");
    }

    req = call->req;

    rc = sigv4_presign_query(&call->req, &call->cred->value, &call->scope,
                             call->in->expires, &buf, &req.query);

    if (rc == SIGV4_OK
        && ngx_http_aws_sigv4_ffi_stages(call, &req, signature, NULL)
           != NGX_OK)
    {
        return NGX_ERROR;
    }

    if (rc == SIGV4_OK) {
        rc = sigv4_presign_signature(&call->cred->value, &call->scope,
                                     signature, &buf);
    }

    if (rc != SIGV4_OK) {
        return ngx_http_aws_sigv4_ffi_error(call->err, "%s",
                                            sigv4_strerror(rc));
    }

    call->in->url.data = ngx_http_aws_sigv4_ffi_secret;
    call->in->url.len = buf.last - call->in->url.data;

    return NGX_OK;
}


static int
ngx_http_aws_sigv4_ffi_stages(ngx_http_aws_sigv4_ffi_call_t *call,
    sigv4_request_t *req, uint8_t *signature, sigv4_str_t *authorization)
{
    int                        rc;
    size_t                     size;
    ngx_http_aws_sigv4_work_t  work;

    ngx_memzero(&work, sizeof(ngx_http_aws_sigv4_work_t));

    work.smcf = call->smcf;
    work.cred = &call->cred->value;
    work.generation = call->cred->generation;

    size = sigv4_scratch_size(req, work.cred, &call->scope);

    if (ngx_http_aws_sigv4_scratch(call->smcf, size, &work.buf,
                                   ngx_cycle->log)
        != NGX_OK)
    {
        return ngx_http_aws_sigv4_ffi_error(call->err, "no memory");
    }

    rc = ngx_http_aws_sigv4_stages(&work, &call->scope, req, signature);

    if (rc == SIGV4_OK && authorization != NULL) {
        rc = sigv4_authorization(work.cred, &call->scope, work.signed_headers,
                                 signature, &work.buf, &work.authorization);
    }

    if (rc == SIGV4_OK && authorization != NULL) {
        authorization->len = work.authorization.len;
        authorization->data = ngx_pnalloc(call->pool, authorization->len);

        if (authorization->data == NULL) {
            rc = SIGV4_NOSPACE;

        } else {
            ngx_memcpy((u_char *) authorization->data,
                       work.authorization.data, authorization->len);
        }
    }

    ngx_http_aws_sigv4_wipe_scratch(&work);

    if (rc != SIGV4_OK) {
        return ngx_http_aws_sigv4_ffi_error(call->err, "%s",
                                            sigv4_strerror(rc));
    }

    return NGX_OK;
}


/* memory for the URL, in which it is written up to its query */

static int
ngx_http_aws_sigv4_ffi_room(ngx_http_aws_sigv4_ffi_call_t *call, size_t query,
    sigv4_buf_t *buf)
{
    u_char  *p;
    size_t   len;

    len = call->scheme.len + call->authority.len + call->req.path.len + 1
          + query;

    p = ngx_pnalloc(call->pool, len);
    if (p == NULL) {
        return ngx_http_aws_sigv4_ffi_error(call->err, "no memory");
    }

    ngx_http_aws_sigv4_ffi_secret = p;
    ngx_http_aws_sigv4_ffi_secret_len = len;

    buf->end = p + len;

    p = ngx_cpymem(p, call->scheme.data, call->scheme.len);
    p = ngx_cpymem(p, call->authority.data, call->authority.len);
    p = ngx_cpymem(p, call->req.path.data, call->req.path.len);
    *p++ = '?';

    buf->last = p;

    return NGX_OK;
}


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
#include "providers/ngx_http_aws_sigv4_provider.h"
#include "ngx_http_aws_sigv4_refresh.h"


int ngx_http_aws_sigv4_ffi_sign(ngx_http_aws_sigv4_ffi_request_t *in,
    ngx_http_aws_sigv4_ffi_str_t *err);
void ngx_http_aws_sigv4_ffi_release(void);

static int ngx_http_aws_sigv4_ffi_begin(ngx_http_aws_sigv4_ffi_call_t *call);
static int ngx_http_aws_sigv4_ffi_prepare(
    ngx_http_aws_sigv4_ffi_call_t *call);
static int ngx_http_aws_sigv4_ffi_fields(ngx_http_aws_sigv4_ffi_call_t *call);
static int ngx_http_aws_sigv4_ffi_field(ngx_http_aws_sigv4_ffi_call_t *call,
    ngx_http_aws_sigv4_ffi_field_t *field);
static ngx_uint_t ngx_http_aws_sigv4_ffi_listed(
    ngx_http_aws_sigv4_ffi_request_t *in, ngx_str_t *name);
static int ngx_http_aws_sigv4_ffi_credentials(
    ngx_http_aws_sigv4_ffi_call_t *call);
static int ngx_http_aws_sigv4_ffi_scope(ngx_http_aws_sigv4_ffi_call_t *call);
static int ngx_http_aws_sigv4_ffi_payload(
    ngx_http_aws_sigv4_ffi_call_t *call);
static int ngx_http_aws_sigv4_ffi_header(ngx_http_aws_sigv4_ffi_call_t *call);
static int ngx_http_aws_sigv4_ffi_query(ngx_http_aws_sigv4_ffi_call_t *call);
static int ngx_http_aws_sigv4_ffi_stages(ngx_http_aws_sigv4_ffi_call_t *call,
    sigv4_request_t *req, uint8_t *signature, sigv4_str_t *authorization);
static int ngx_http_aws_sigv4_ffi_room(ngx_http_aws_sigv4_ffi_call_t *call,
    size_t query, sigv4_buf_t *buf);


/* what has to be wiped, and the memory of the last call */
static ngx_pool_t  *ngx_http_aws_sigv4_ffi_pool;
static u_char      *ngx_http_aws_sigv4_ffi_secret;
static size_t       ngx_http_aws_sigv4_ffi_secret_len;

static ngx_str_t  ngx_http_aws_sigv4_ffi_host = ngx_string("host");


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
        rc = ngx_http_aws_sigv4_ffi_prepare(&call);
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
ngx_http_aws_sigv4_ffi_prepare(ngx_http_aws_sigv4_ffi_call_t *call)
{
    int                                rc;
    sigv4_request_t                   *req;
    ngx_http_aws_sigv4_ffi_request_t  *in;

    in = call->in;
    req = &call->req;

    req->method.len = in->method.len;
    req->method.data = in->method.data;

    if ((rc = ngx_http_aws_sigv4_ffi_fields(call)) != NGX_OK
        || (rc = ngx_http_aws_sigv4_ffi_credentials(call)) != NGX_OK
        || (rc = ngx_http_aws_sigv4_ffi_scope(call)) != NGX_OK)
    {
        return rc;
    }

    call->s3 = ngx_http_aws_sigv4_is_s3(&call->service);

    req->normalize_path = in->normalize_path < 0 ? !call->s3
                                                 : in->normalize_path;
    req->double_encode = in->double_encode < 0 ? !call->s3
                                               : in->double_encode;

    rc = ngx_http_aws_sigv4_wire(call->pool, &call->uri, call->s3, req);
    if (rc != NGX_OK) {
        return ngx_http_aws_sigv4_ffi_error(call->err, "no memory");
    }

    return ngx_http_aws_sigv4_ffi_payload(call);
}


static int
ngx_http_aws_sigv4_ffi_fields(ngx_http_aws_sigv4_ffi_call_t *call)
{
    size_t  i;

    call->req.fields = ngx_palloc(call->pool, (call->in->nfields + 4)
                                              * sizeof(sigv4_field_t));
    if (call->req.fields == NULL) {
        return ngx_http_aws_sigv4_ffi_error(call->err, "no memory");
    }

    for (i = 0; i < call->in->nfields; i++) {

        if (ngx_http_aws_sigv4_ffi_field(call, &call->in->fields[i])
            != NGX_OK)
        {
            return NGX_ERROR;
        }
    }

    ngx_http_aws_sigv4_add_field(&call->req, &ngx_http_aws_sigv4_ffi_host,
                                 &call->host);

    return NGX_OK;
}


static int
ngx_http_aws_sigv4_ffi_field(ngx_http_aws_sigv4_ffi_call_t *call,
    ngx_http_aws_sigv4_ffi_field_t *field)
{
    ngx_str_t  name, value;

    value.len = field->value.len;
    value.data = (u_char *) field->value.data;

    name.len = field->name.len;
    name.data = ngx_pnalloc(call->pool, name.len + 1);
    if (name.data == NULL) {
        return ngx_http_aws_sigv4_ffi_error(call->err, "no memory");
    }

    ngx_strlow(name.data, (u_char *) field->name.data, name.len);

    if (memchr(value.data, CR, value.len) || memchr(value.data, LF, value.len)
        || memchr(value.data, '\0', value.len))
    {
        return ngx_http_aws_sigv4_ffi_error(call->err, "invalid value of "
                                            "header \"%V\"", &name);
    }

    field->drop = ngx_http_aws_sigv4_is_replaced(&name);

    if (field->drop) {
        return NGX_OK;
    }

    if (ngx_http_aws_sigv4_name_is(&name, "host", 4)) {

        /* whoever uses a URL sends the host that stands in it */

        if (call->in->expires >= 0 || !ngx_http_aws_sigv4_is_host(&value)) {
            return ngx_http_aws_sigv4_ffi_error(call->err, "invalid host");
        }

        field->drop = 1;
        call->host = value;

        return NGX_OK;
    }

    if (ngx_http_aws_sigv4_is_signed(NULL, &name)
        || ngx_http_aws_sigv4_ffi_listed(call->in, &name))
    {
        ngx_http_aws_sigv4_add_field(&call->req, &name, &value);
    }

    return NGX_OK;
}


static ngx_uint_t
ngx_http_aws_sigv4_ffi_listed(ngx_http_aws_sigv4_ffi_request_t *in,
    ngx_str_t *name)
{
    size_t  i;

    for (i = 0; i < in->nsigned; i++) {

        if (in->signed_headers[i].len == name->len
            && ngx_strncasecmp((u_char *) in->signed_headers[i].data,
                               name->data, name->len)
               == 0)
        {
            return 1;
        }
    }

    return 0;
}


static int
ngx_http_aws_sigv4_ffi_credentials(ngx_http_aws_sigv4_ffi_call_t *call)
{
    ngx_int_t                       rc;
    ngx_msec_t                      deadline;
    ngx_http_aws_sigv4_provider_t  *leaf;

    rc = ngx_http_aws_sigv4_credentials_get(call->provider, ngx_cycle->log,
                                            &call->cred);
    if (rc == NGX_OK) {
        return NGX_OK;
    }

    leaf = call->provider->source ? call->provider->source : call->provider;
    deadline = ngx_current_msec + call->in->timeout;

    if (rc == NGX_AGAIN
        && call->in->timeout > 0
        && !ngx_http_aws_sigv4_refresh_hopeless(leaf, deadline))
    {
        return NGX_AGAIN;
    }

    return ngx_http_aws_sigv4_ffi_error(call->err, "no credentials available "
                                        "from provider \"%V\"%s%V",
                                        &call->provider->name,
                                        leaf->error.len ? ": " : "",
                                        &leaf->error);
}


/* chosen, or of a host that a stranger may have chosen as well */

static int
ngx_http_aws_sigv4_ffi_scope(ngx_http_aws_sigv4_ffi_call_t *call)
{
    ngx_str_t         host;
    sigv4_endpoint_t  ep;

    call->region.len = call->in->region.len;
    call->region.data = (u_char *) call->in->region.data;

    call->service.len = call->in->service.len;
    call->service.data = (u_char *) call->in->service.data;

    host.len = call->host.len;
    host.data = ngx_pnalloc(call->pool, host.len + 1);
    if (host.data == NULL) {
        return ngx_http_aws_sigv4_ffi_error(call->err, "no memory");
    }

    ngx_strlow(host.data, call->host.data, host.len);

    if ((call->region.len == 0 || call->service.len == 0)
        && sigv4_endpoint(ngx_http_aws_sigv4_str(&host), &ep) == SIGV4_OK
        && ep.exact
        && !ep.asymmetric)
    {
        if (call->service.len == 0) {
            call->service.len = ep.service.len;
            call->service.data = (u_char *) ep.service.data;
        }

        if (call->region.len == 0) {
            call->region.len = ep.region.len;
            call->region.data = (u_char *) ep.region.data;
        }
    }

    if (call->region.len == 0) {
        call->region = *ngx_http_aws_sigv4_provider_region(call->provider);
    }

    call->scope.region = ngx_http_aws_sigv4_str(&call->region);
    call->scope.service = ngx_http_aws_sigv4_str(&call->service);

    if (!sigv4_is_scope_part(call->scope.service)) {
        return ngx_http_aws_sigv4_ffi_error(call->err, "%s service for host "
                                            "\"%V\"", call->service.len
                                            ? "invalid" : "no", &call->host);
    }

    if (!sigv4_is_scope_part(call->scope.region)) {
        return ngx_http_aws_sigv4_ffi_error(call->err, "%s region for host "
                                            "\"%V\"", call->region.len
                                            ? "invalid" : "no", &call->host);
    }

    return NGX_OK;
}


static int
ngx_http_aws_sigv4_ffi_payload(ngx_http_aws_sigv4_ffi_call_t *call)
{
    uint8_t      digest[SIGV4_SHA256_LEN];
    ngx_uint_t   mode;
    sigv4_str_t  body;

    mode = ngx_http_aws_sigv4_payload_mode(&call->service, call->in->payload);

    /* S3 covers no body by a presigned URL */

    if (call->s3 && call->in->expires >= 0) {
        mode = NGX_HTTP_AWS_SIGV4_PAYLOAD_UNSIGNED;
    }

    if (mode == NGX_HTTP_AWS_SIGV4_PAYLOAD_UNSIGNED) {
        ngx_str_set(&call->payload_hash, SIGV4_UNSIGNED_PAYLOAD);
        call->literal = 1;

    } else if (call->in->payload_hash.len) {
        call->payload_hash.len = call->in->payload_hash.len;
        call->payload_hash.data = (u_char *) call->in->payload_hash.data;

    } else if (call->in->body.len == 0) {
        ngx_str_set(&call->payload_hash, SIGV4_EMPTY_SHA256);

    } else {
        body.len = call->in->body.len;
        body.data = call->in->body.data;

        if (sigv4_sha256(call->smcf->crypto, body, digest) != SIGV4_OK) {
            return ngx_http_aws_sigv4_ffi_error(call->err, "%s",
                                                sigv4_strerror(SIGV4_ERROR));
        }

        call->payload_hash.len = SIGV4_SHA256_HEX_LEN;
        call->payload_hash.data = call->hash;

        ngx_hex_dump(call->hash, digest, SIGV4_SHA256_LEN);
    }

    call->req.payload_hash = ngx_http_aws_sigv4_str(&call->payload_hash);

    return NGX_OK;
}


static int
ngx_http_aws_sigv4_ffi_header(ngx_http_aws_sigv4_ffi_call_t *call)
{
    u_char                            *p;
    size_t                             len;
    uint8_t                            signature[SIGV4_SIGNATURE_LEN];
    ngx_uint_t                         sha256;
    sigv4_buf_t                        buf;
    sigv4_str_t                        authorization, *token;
    ngx_http_aws_sigv4_ffi_request_t  *in;

    in = call->in;
    token = &call->cred->value.session_token;
    sha256 = in->content_sha256 || call->s3 || call->literal;

    ngx_http_aws_sigv4_date(call->smcf, &call->scope, ngx_time());

    ngx_http_aws_sigv4_add_own(&call->req, &call->scope,
                               sha256 ? &call->payload_hash : NULL, token);

    if (ngx_http_aws_sigv4_ffi_stages(call, &call->req, signature,
                                      &authorization)
        != NGX_OK)
    {
        return NGX_ERROR;
    }

    /* the URL as it is to be sent, and what else outlives this function */

    len = SIGV4_DATETIME_LEN + call->payload_hash.len + authorization.len;

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
    in->authorization.len = authorization.len;
    (void) ngx_cpymem(p, authorization.data, authorization.len);

    in->host.len = call->host.len;
    in->host.data = call->host.data;

    in->token.len = token->len;
    in->token.data = token->data;

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
